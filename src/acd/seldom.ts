import { type CancelTimer, type Clock, type Logger, messageOf } from '../foundation/index.ts';

/** Work that is asked for as often as anything happens, and done at most once in a stretch of time; nothing is done while nothing is asked. */
export class Seldom {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #afterMs: number;
  readonly #work: () => Promise<void>;
  readonly #logger: Logger;
  #lastMs = Number.NEGATIVE_INFINITY;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #cancel: CancelTimer | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(parts: {
    readonly clock: Clock;
    readonly everyMs: number;
    /** It sees what it was asked for only so long after the asking; the last asking is followed by a look that does. Default 0. */
    readonly afterMs?: number;
    /** Logged when it rejects; done again when it is asked for next. */
    readonly work: () => Promise<void>;
    readonly logger: Logger;
  }) {
    this.#clock = parts.clock;
    this.#everyMs = parts.everyMs;
    this.#afterMs = parts.afterMs ?? 0;
    this.#work = parts.work;
    this.#logger = parts.logger;
  }

  ask(): void {
    this.#askedAtMs = this.#clock.nowMs();
    this.#plan();
  }

  /** Waits for what is under way; nothing is begun any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#running;
  }

  #plan(): void {
    if (this.#isStopped || this.#cancel !== undefined) return;
    const atMs = Math.max(this.#askedAtMs + this.#afterMs, this.#lastMs + this.#everyMs);
    this.#cancel = this.#clock.setTimer(atMs, () => this.#begin());
  }

  #begin(): void {
    this.#cancel = undefined;
    this.#lastMs = this.#clock.nowMs();
    // Asked again meanwhile, too late for this look to see it.
    if (this.#askedAtMs + this.#afterMs > this.#lastMs) this.#plan();
    const before = this.#running ?? Promise.resolve();
    this.#running = before.then(this.#work).catch((error: unknown) => {
      this.#logger.warn(
        { error: messageOf(error) },
        'figures could not be looked at, trying again with the next event',
      );
    });
  }
}
