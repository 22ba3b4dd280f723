import type { CommandOutcome } from '../../src/contact/ports.ts';
import type { TelephonyEvent } from '../../src/contact/telephony-events.ts';
import type { CancelTimer, Clock, PlaybackId } from '../../src/foundation/index.ts';

interface Playback {
  readonly target: string;
  readonly shard: string;
  readonly outcome: 'played' | 'failed';
  readonly cancelTimer: CancelTimer;
}

/** What the legs and bridges of a made-up exchange hear. */
export class FakePlaybacks {
  readonly #clock: Clock;
  readonly #soundMs: number;
  readonly #tell: (shard: string, event: TelephonyEvent) => void;
  readonly #playbacks = new Map<PlaybackId, Playback>();

  constructor(
    clock: Clock,
    options: { readonly soundMs: number; readonly tell: (shard: string, event: TelephonyEvent) => void },
  ) {
    this.#clock = clock;
    this.#soundMs = options.soundMs;
    this.#tell = options.tell;
  }

  /** A sound whose id ends in "missing" does not exist. */
  play(playbackId: PlaybackId, shard: string, target: string, media: readonly string[]): void {
    const missing = media.some((id) => id.endsWith('missing'));
    const outcome = missing ? 'failed' : 'played';
    const lastsMs = missing ? 0 : media.length * this.#soundMs;
    const cancelTimer = this.#clock.setTimer(this.#clock.nowMs() + lastsMs, () => this.end(playbackId, outcome));
    this.#playbacks.set(playbackId, { target, shard, outcome, cancelTimer });
  }

  end(playbackId: PlaybackId, outcome: 'played' | 'failed'): CommandOutcome {
    const playback = this.#playbacks.get(playbackId);
    if (playback === undefined) return 'gone';
    playback.cancelTimer();
    this.#playbacks.delete(playbackId);
    this.#tell(playback.shard, { type: 'playbackEnded', playbackId, outcome, atMs: this.#clock.nowMs() });
    return 'done';
  }

  stopAllTo(target: string, outcome: 'played' | 'failed'): void {
    for (const [id, playback] of this.#playbacks) if (playback.target === target) this.end(id, outcome);
  }

  isPlaying(playbackId: PlaybackId): boolean {
    return this.#playbacks.has(playbackId);
  }
}
