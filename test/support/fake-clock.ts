import type { CancelTimer, Clock } from '../../src/foundation/index.ts';

/** A clock that stands still until told to move. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  setTimer(atMs: number, fire: () => void): CancelTimer {
    const timer = { atMs, fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Instants at which something will fire, in order. */
  due(): readonly number[] {
    return [...this.#timers].map((timer) => timer.atMs).sort((a, b) => a - b);
  }

  /**
   * Goes to `toMs`, firing what is due on the way at its own instant; what each firing started settles before the next. It stands still at the
   * instant at which `stops` says so.
   */
  async moveTo(toMs: number, stops: () => boolean = () => false): Promise<void> {
    for (;;) {
      if (stops()) return;
      const next = this.#next();
      if (next === undefined || next.atMs > toMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
      await settled();
    }
    this.#nowMs = toMs;
    await settled();
  }

  /** Of several at one instant the one that was set first. */
  #next(): { readonly atMs: number; readonly fire: () => void } | undefined {
    let next: { readonly atMs: number; readonly fire: () => void } | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.atMs < next.atMs) next = timer;
    return next;
  }
}

/** Lets promises that wait for nothing outside run to their end. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
