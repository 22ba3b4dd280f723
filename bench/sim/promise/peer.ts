import { minuteMs } from '../../../src/foundation/index.ts';
import { KieferWolfowitz } from '../kiefer-wolfowitz.ts';
import type { DayContact, DayPlan } from './day-source.ts';

/** Callers who have no operator by then hang up. */
const leavesAfterMs = 2 * minuteMs;

/** First come first served by the same operators, the same callers, nothing promised: exact, by the recursion. */
export class Peer {
  readonly #recursion: KieferWolfowitz;
  #contacts = 0;
  #answered = 0;
  #answeredWaitMs = 0;

  constructor(plan: DayPlan) {
    this.#recursion = new KieferWolfowitz(plan.operators);
  }

  /** Whether he was answered, by two minutes as everybody is. */
  serve(contact: DayContact): boolean {
    const patienceMs = Math.min(contact.patienceMs, leavesAfterMs);
    const offeredMs = this.#recursion.offeredWaitMs(contact.atMs);
    this.#recursion.waitMs({ ...contact, patienceMs });
    this.#contacts += 1;
    if (offeredMs > patienceMs) return false;
    this.#answered += 1;
    this.#answeredWaitMs += offeredMs;
    return true;
  }

  get answeredBy120s(): number {
    return this.#answered / this.#contacts;
  }

  get averageSpeedOfAnswerMs(): number {
    return this.#answeredWaitMs / this.#answered;
  }
}
