import type { CancelTimer, Clock } from '../foundation/index.ts';

/** One timer at the earliest instant anybody has asked for: exact, no ticking. */
export class DueTimer {
  readonly #clock: Clock;
  readonly #fire: () => void;
  #stopped = false;
  #armed: { readonly atMs: number; readonly cancel: CancelTimer } | undefined;

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Fires at `atMs`, unless it is armed for earlier or was stopped. */
  notLaterThan(atMs: number): void {
    if (this.#stopped || (this.#armed !== undefined && this.#armed.atMs <= atMs)) return;
    this.#armed?.cancel();
    const armed = {
      atMs,
      cancel: this.#clock.setTimer(atMs, () => {
        if (this.#armed !== armed) return;
        this.#armed = undefined;
        this.#fire();
      }),
    };
    this.#armed = armed;
  }

  /** For good: what is still under way may ask for it once more. */
  stop(): void {
    this.#stopped = true;
    this.#armed?.cancel();
    this.#armed = undefined;
  }
}
