import { minuteMs, secondMs } from '../../../src/foundation/index.ts';

const promisedWithinMs = 2 * minuteMs;

/** How a caller's wait on the line ended. */
export interface LineEnd {
  readonly number: number;
  readonly waitMs: number;
  readonly end: 'answered' | 'left' | 'promised';
  /** Waited so long when a call-back or a request was written down for him. */
  readonly concludedAfterMs: number | undefined;
}

/** Counts of one run; the figures are divisions over them. */
export class PromiseTally {
  readonly counts = {
    contacts: 0,
    concludedBy120s: 0,
    answered: 0,
    answeredBy120s: 0,
    answeredWaitMs: 0,
    left: 0,
    requests: 0,
    callBacks: 0,
    today: 0,
    kept: 0,
    broken: 0,
  };
  /** Contacts answered within 120 s, by number. */
  readonly inTime = new Set<number>();
  readonly #delaysMs: number[] = [];
  readonly #backlogs: number[] = [];

  lineEnded({ number, waitMs, end, concludedAfterMs }: LineEnd): void {
    const { counts } = this;
    counts.contacts += 1;
    const concludedMs = Math.min(concludedAfterMs ?? Number.POSITIVE_INFINITY, waitMs);
    if (concludedMs <= promisedWithinMs) counts.concludedBy120s += 1;
    if (end === 'left') counts.left += 1;
    if (end !== 'answered') return;
    counts.answered += 1;
    counts.answeredWaitMs += waitMs;
    if (waitMs > promisedWithinMs) return;
    counts.answeredBy120s += 1;
    this.inTime.add(number);
  }

  promised(kind: 'today' | 'laterDay' | 'request'): void {
    if (kind === 'request') this.counts.requests += 1;
    else this.counts.callBacks += 1;
    if (kind === 'today') this.counts.today += 1;
  }

  firstDialled(delayMs: number): void {
    this.#delaysMs.push(delayMs);
  }

  dayOver(backlog: number): void {
    this.#backlogs.push(backlog);
  }

  get figures(): {
    readonly contacts: number;
    readonly concludedBy120s: number;
    readonly answeredBy120s: number;
    readonly promisesKept: number;
    readonly callbackDelayP50S: number;
    readonly callbackDelayP95S: number;
    readonly backlogAtEnd: number;
    readonly averageSpeedOfAnswerS: number;
  } {
    const { counts } = this;
    const delays = this.#delaysMs.toSorted((a, b) => a - b);
    const delayS = (share: number): number => (delays[Math.floor(share * (delays.length - 1))] ?? 0) / secondMs;
    const made = counts.kept + counts.broken;
    return {
      contacts: counts.contacts,
      concludedBy120s: counts.concludedBy120s / counts.contacts,
      answeredBy120s: counts.answeredBy120s / counts.contacts,
      // Nothing promised, nothing broken.
      promisesKept: made === 0 ? 1 : counts.kept / made,
      callbackDelayP50S: delayS(0.5),
      callbackDelayP95S: delayS(0.95),
      backlogAtEnd: this.#backlogs.reduce((sum, backlog) => sum + backlog, 0) / Math.max(1, this.#backlogs.length),
      averageSpeedOfAnswerS: counts.answeredWaitMs / counts.answered / secondMs,
    };
  }
}
