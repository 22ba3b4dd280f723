import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { AriArguments, AriConnection, AriEvent, AriOperationName } from '../ari/index.ts';
import { Changes, DozvonError } from '../foundation/index.ts';
import { renderTone, splitStereo, type TwoChannelAudio, toneMs } from './tones.ts';

export type PhoneLegState = 'calling' | 'ringing' | 'up' | 'ended';

export interface PhoneLegEnd {
  readonly atMs: number;
  /** Q.850 hang-up cause: 16 normal, 17 busy, 1 unallocated …; 0 when the far end gave none, as a plain BYE does. */
  readonly cause: number;
  /** The SIP status that ended the call attempt, where there was one. */
  readonly sipCode?: number;
}

/** What the leg sends while no tone is asked of it: `none` sends no RTP at all. */
export type BaseAudio = 'silence' | 'none' | { readonly toneHz: number };

/** How an incoming call is refused. */
export type Refusal = keyof typeof refusals;

/** By which SIP answer. An operator's phone declines by 403, a citizen's by 603. */
const refusals = {
  busy: '486',
  declined: '403',
  rejected: '603',
  unknownNumber: '404',
  switchedOff: '480',
  carrierFault: '503',
} as const;

export interface PhoneLegOptions {
  readonly ari: AriConnection;
  readonly channelId: string;
  readonly direction: 'outgoing' | 'incoming';
  readonly startedAtMs: number;
  readonly audio: BaseAudio;
  /** Where Asterisk writes what the leg hears (left) and says (right). */
  readonly heardFile: string;
}

/** How long a command to the second Asterisk may take before the call it belongs to is given up. */
const commandMs = 5_000;
const digitMs = 120;
const betweenDigitsMs = 120;
/** The file of a leg that has ended is complete when it has not grown for so long (Asterisk closes it within milliseconds). */
const fileSettlesMs = 1_000;
/** Bounds the wait for what a citizen says: longer than any greeting or announcement. */
const longestSpeechMs = 120_000;
/** A tone without end is ten minutes of a ten-second file: longer than any test call. */
const baseToneMs = 10_000;
const baseToneTimes = 60;

/** One end of a call on the second Asterisk: a caller's, or an operator's phone's. Ends by itself when the call does. */
export class PhoneLeg {
  readonly channelId: string;
  readonly direction: 'outgoing' | 'incoming';
  /** When we dialled, or when the INVITE came. */
  readonly startedAtMs: number;
  /** Known as soon as the call is placed; empty when the call ended before it could be asked. */
  sipCallId = '';
  ringingAtMs: number | undefined;
  answeredAtMs: number | undefined;
  readonly #options: PhoneLegOptions;
  readonly #changes = new Changes();
  #state: PhoneLegState = 'calling';
  #end: PhoneLegEnd | undefined;
  #audio: BaseAudio;
  #playing: string | undefined;
  #playbacks = 0;
  #finished = new Set<string>();
  /** Audio commands one after another: stopping and starting must not cross. */
  #audioWork: Promise<void> = Promise.resolve();

  constructor(options: PhoneLegOptions) {
    this.#options = options;
    this.channelId = options.channelId;
    this.direction = options.direction;
    this.startedAtMs = options.startedAtMs;
    this.#audio = options.audio;
  }

  get state(): PhoneLegState {
    return this.#state;
  }

  get end(): PhoneLegEnd | undefined {
    return this.#end;
  }

  /** Resolves when the far end rings (or has answered). */
  async ringing(limitMs: number): Promise<void> {
    await this.#untilState('the far end to ring', limitMs, () => this.ringingAtMs ?? this.answeredAtMs);
  }

  /** Resolves when the call is up; rejects with `PHONE_CALL_ENDED` when it ends instead. */
  async answered(limitMs: number): Promise<void> {
    await this.#untilState('the call to be answered', limitMs, () => this.answeredAtMs);
  }

  async ended(limitMs: number): Promise<PhoneLegEnd> {
    return await this.#changes.until(() => this.#end, { limitMs, what: 'the call to end' });
  }

  /** Answers an incoming call. */
  async answer(): Promise<void> {
    await this.#command('POST /channels/{channelId}/answer', { channelId: this.channelId });
    await this.answered(commandMs);
  }

  /** Refuses an incoming call. */
  async refuse(how: Refusal): Promise<void> {
    // No hang-up cause of Asterisk's becomes 603: its dialplan can send any answer.
    const { channelId } = this;
    const extension = refusals[how];
    await this.#command('POST /channels/{channelId}/continue', {
      channelId,
      context: 'refuse',
      extension,
      priority: 1,
    });
  }

  /** Sends early media before any answer, as a carrier does that tells why a number cannot be reached. */
  async progress(): Promise<void> {
    await this.#command('POST /channels/{channelId}/progress', { channelId: this.channelId });
  }

  /** Ends the call, or gives the attempt up; resolves when it has ended. */
  async hangup(): Promise<PhoneLegEnd> {
    await this.#hangup('16');
    return await this.ended(commandMs);
  }

  /** Presses keys one after another as RFC 4733 events of 120 ms; resolves when they are on their way. */
  async press(keys: string): Promise<void> {
    await this.#audioStep(async () => {
      // A playing tone holds the channel: keys would wait for its end.
      await this.#stopSounding();
      await this.#command('POST /channels/{channelId}/dtmf', {
        channelId: this.channelId,
        dtmf: keys,
        duration: digitMs,
        between: betweenDigitsMs,
      });
      await this.#startBase();
    });
  }

  /** Says a tone for so long; resolves when it is over or the call is. */
  async playTone(hz: number, lastsMs: number): Promise<void> {
    await this.#playThrough(async () => await this.#toneFile(hz, lastsMs), lastsMs + commandMs);
  }

  /** Says what is in the file, an 8 kHz mono WAV; resolves when it is over or the call is. */
  async say(wavFile: string): Promise<void> {
    await this.#playThrough(async () => await this.#copyOf(wavFile), longestSpeechMs);
  }

  /** Changes what is sent from now on. */
  async send(audio: BaseAudio): Promise<void> {
    await this.#audioStep(async () => {
      await this.#stopSounding();
      this.#audio = audio;
      await this.#startBase();
    });
  }

  /** From now on no RTP is sent, as by a phone on mute or hold. */
  async stopRtp(): Promise<void> {
    await this.send('none');
  }

  async resumeRtp(): Promise<void> {
    await this.send('silence');
  }

  /** What has been written so far: left what was heard, right what was said. Asterisk writes about once a second. */
  async audio(): Promise<TwoChannelAudio> {
    const bytes = await readFile(this.#options.heardFile).catch(() => new Uint8Array());
    return splitStereo(bytes);
  }

  /**
   * Resolves with how long the tone has been heard in all, as soon as that is `forMs` or more; rejects with `TIMED_OUT` after
   * `limitMs`, or with `PHONE_HEARD_NOTHING` when the call has ended and the tone was not there.
   */
  async hears(hz: number, options: { readonly forMs: number; readonly limitMs: number }): Promise<number> {
    const grown = new Changes();
    let heardMs = 0;
    let changedAtMs = Date.now();
    let measuring: Promise<void> = Promise.resolve();
    const measure = (): void => {
      measuring = measuring.then(async () => {
        const now = toneMs((await this.audio()).left, hz);
        if (now !== heardMs) changedAtMs = Date.now();
        heardMs = now;
        grown.notify();
      });
    };
    const watcher = watch(dirname(this.#options.heardFile), (_event, name) => {
      if (name === basename(this.#options.heardFile)) measure();
    });
    // The last bytes come after the end of the call, with an event of the folder like all others; this bounds the wait for them.
    const ticking = setInterval(measure, fileSettlesMs);
    try {
      measure();
      return await grown.until(
        () => {
          if (heardMs >= options.forMs) return heardMs;
          const settledMs = this.#end === undefined ? 0 : Date.now() - Math.max(changedAtMs, this.#end.atMs);
          if (settledMs < 2 * fileSettlesMs) return undefined;
          const message = `expected to hear ${hz} Hz for ${options.forMs} ms, heard it for ${heardMs} ms before the call ended`;
          throw new DozvonError('PHONE_HEARD_NOTHING', message);
        },
        { limitMs: options.limitMs, what: `to hear ${hz} Hz for ${options.forMs} ms` },
      );
    } finally {
      clearInterval(ticking);
      watcher.close();
      await measuring;
    }
  }

  /** An event of this leg's channel. */
  onEvent(event: AriEvent, atMs: number): void {
    if (event.type === 'ChannelStateChange' && event.channel.state === 'Ringing') this.#rang(atMs);
    if (event.type === 'Dial' && event.dialstatus === 'RINGING') this.#rang(atMs);
    if (event.type === 'StasisStart' && event.args[0] === 'answered') this.#answeredNow(atMs);
    if (event.type === 'ChannelStateChange' && event.channel.state === 'Up' && this.direction === 'incoming') {
      this.#answeredNow(atMs);
    }
    if (event.type === 'PlaybackFinished') this.#finished.add(event.playback.id ?? '');
    if (event.type === 'ChannelDestroyed') {
      this.lost({ atMs, cause: event.cause, ...(event.tech_cause !== undefined && { sipCode: event.tech_cause }) });
    }
    this.#changes.notify();
  }

  /** The leg is no more. */
  lost(end: PhoneLegEnd): void {
    this.#end ??= end;
    this.#state = 'ended';
    this.#changes.notify();
  }

  /** The incoming call is being rung. */
  async ring(): Promise<void> {
    await this.#command('POST /channels/{channelId}/ring', { channelId: this.channelId });
    this.#rang(Date.now());
    this.#changes.notify();
  }

  #rang(atMs: number): void {
    this.ringingAtMs ??= atMs;
    if (this.#state === 'calling') this.#state = 'ringing';
  }

  #answeredNow(atMs: number): void {
    if (this.answeredAtMs !== undefined || this.#end !== undefined) return;
    this.answeredAtMs = atMs;
    this.#state = 'up';
    void this.#audioStep(async () => await this.#startBase()).catch(() => undefined);
  }

  async #untilState(what: string, limitMs: number, probe: () => number | undefined): Promise<void> {
    const orEnded = (): number | undefined => {
      const value = probe();
      if (value === undefined && this.#end !== undefined) {
        const { cause, sipCode } = this.#end;
        const message = `expected ${what}, but it ended (cause ${cause}${sipCode === undefined ? '' : `, SIP ${sipCode}`})`;
        throw new DozvonError('PHONE_CALL_ENDED', message, { details: { cause, sipCode } });
      }
      return value;
    };
    await this.#changes.until(orEnded, { limitMs, what });
  }

  async #hangup(cause: string): Promise<void> {
    if (this.#end !== undefined) return;
    await this.#command('DELETE /channels/{channelId}', { channelId: this.channelId, reason_code: cause });
  }

  async #audioStep(step: () => Promise<void>): Promise<void> {
    const done = this.#audioWork.then(step);
    this.#audioWork = done.catch(() => undefined);
    await done;
  }

  async #startBase(): Promise<void> {
    if (this.#state !== 'up') return;
    if (this.#audio === 'silence') {
      await this.#command('POST /channels/{channelId}/silence', { channelId: this.channelId });
    } else if (this.#audio !== 'none') {
      await this.#play(await this.#toneFile(this.#audio.toneHz, baseToneMs), baseToneTimes);
    }
  }

  async #stopSounding(): Promise<void> {
    const playbackId = this.#playing;
    this.#playing = undefined;
    if (playbackId !== undefined) {
      await this.#command('DELETE /playbacks/{playbackId}', { playbackId });
    } else if (this.#state === 'up' && this.#audio === 'silence') {
      await this.#command('DELETE /channels/{channelId}/silence', { channelId: this.channelId });
    }
  }

  async #playThrough(file: () => Promise<string>, limitMs: number): Promise<void> {
    await this.#audioStep(async () => {
      await this.#stopSounding();
      const playbackId = await this.#play(await file(), 1);
      await this.#changes.until(() => (this.#end !== undefined || this.#finished.has(playbackId) ? true : undefined), {
        limitMs,
        what: 'what is played to end',
      });
      this.#playing = undefined;
      await this.#startBase();
    });
  }

  async #play(file: string, times: number): Promise<string> {
    this.#playbacks += 1;
    const playbackId = `${this.channelId}-${this.#playbacks}`;
    this.#playing = playbackId;
    await this.#command('POST /channels/{channelId}/play/{playbackId}', {
      channelId: this.channelId,
      playbackId,
      media: Array.from({ length: times }, () => `sound:${file}`),
    });
    return playbackId;
  }

  /** The tone as a file, named as Asterisk wants it: without its suffix. Asterisk's own `tone:` drops what is heard meanwhile. */
  async #toneFile(hz: number, lastsMs: number): Promise<string> {
    const file = join(dirname(this.#options.heardFile), `tone-${hz}-${lastsMs}`);
    await writeFile(`${file}.sln`, renderTone(hz, lastsMs));
    return file;
  }

  /** The Asterisk of the phones may be another user, who cannot read where the file lies. */
  async #copyOf(wavFile: string): Promise<string> {
    const name = createHash('sha256').update(wavFile).digest('hex').slice(0, 16);
    const file = join(dirname(this.#options.heardFile), `said-${name}`);
    await copyFile(wavFile, `${file}.wav`);
    return file;
  }

  /** A command to a leg that has just ended is no fault. */
  async #command<Name extends AriOperationName>(name: Name, given: AriArguments<Name>): Promise<void> {
    const reply = await this.#options.ari.perform(name, given);
    if (reply.ok || reply.status === 404 || reply.status === 409 || reply.status === 412) return;
    throw new DozvonError('PHONES_UNAVAILABLE', `${name}: expected success, got ${reply.status} (${reply.reason})`);
  }
}
