import type { CancelTimer, Clock } from '../foundation/index.ts';

export interface RedrawingParts {
  readonly clock: Clock;
  readonly draw: () => Promise<void>;
  readonly onFault: (error: unknown) => void;
  /** From the end of one drawing to the next: however dear a drawing is, it leaves the service that time. */
  readonly restMs: number;
  /** When nothing happens; above `restMs`. */
  readonly idleMs: number;
}

/** Draws anew when something has happened, never twice at once. */
export class Redrawing {
  readonly #parts: RedrawingParts;
  #cancel: CancelTimer | undefined;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #isDrawing = false;
  /** While a drawing was under way. */
  #wasAsked = false;
  #isStopped = false;

  /** From now on: something has just been drawn. */
  constructor(parts: RedrawingParts) {
    this.#parts = parts;
    this.#within(parts.idleMs);
  }

  ask(): void {
    if (this.#isDrawing) this.#wasAsked = true;
    else this.#within(this.#parts.restMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  #within(ms: number): void {
    const { clock } = this.#parts;
    const atMs = clock.nowMs() + ms;
    if (this.#isStopped || atMs >= this.#dueAtMs) return;
    this.#cancel?.();
    this.#dueAtMs = atMs;
    this.#cancel = clock.setTimer(atMs, () => void this.#draw());
  }

  async #draw(): Promise<void> {
    this.#isDrawing = true;
    this.#wasAsked = false;
    await this.#parts.draw().catch(this.#parts.onFault);
    this.#isDrawing = false;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    this.#within(this.#wasAsked ? this.#parts.restMs : this.#parts.idleMs);
  }
}

/** Asks again only when the last answer is older than `forMs`; a failure is no answer. */
export function keptFor<Answer>(clock: Clock, forMs: number, ask: () => Promise<Answer>): () => Promise<Answer> {
  let last: { readonly answer: Answer; readonly atMs: number } | undefined;
  return async () => {
    if (last === undefined || clock.nowMs() >= last.atMs + forMs) last = { answer: await ask(), atMs: clock.nowMs() };
    return last.answer;
  };
}
