import { hourMs, minuteMs } from '../foundation/index.ts';
import type { DayForecast, ForecastRule } from './forecast.ts';

/**
 * Who gets an operator next, a live caller or a call-back (docs/adr/0016). Live callers who can still be answered in time come first, in their order;
 * call-backs are in the order of the place they earned. A call-back gets an operator
 * - from spare time: nobody live waits whom he could serve, and `keepIdle` more are left for the next live callers; or,
 * - when it presses, from the reserved share: a budget of operators' time that grows with time and is spent by each such call-back, so that live
 *   callers never lose more than that share, and call-backs never starve.
 */
export interface SharingRule extends ForecastRule {
  /**
   * Operators kept idle for live callers while little is promised, in square roots of those on duty: what comes by chance within a conversation varies
   * by the root of what is served.
   */
  readonly idleRoots: number;
  /** And when all spare time ahead is promised, or a call-back has been due for `patientForMs`. */
  readonly leastIdleRoots: number;
  readonly patientForMs: number;
  /** Call-backs press when what is promised is more than this share of the spare time ahead. */
  readonly pressingFrom: number;
  /** A call-back at a chosen time presses when it is overdue by so much. */
  readonly overdueMs: number;
}

/** Tried by `npm run sim:promise`; docs/benchmarks.md has what comes of them. */
export const defaultSharing: SharingRule = {
  reservedShare: 0.015,
  usableShare: 0.4,
  promisedShare: 0.8,
  idleRoots: 1.6,
  leastIdleRoots: 0.5,
  patientForMs: hourMs,
  pressingFrom: 0.9,
  overdueMs: 15 * minuteMs,
};

/** What the store is to go by this moment. */
export interface SharingNow {
  /** Promised handling time over the spare time ahead; `Infinity` when there is none. */
  readonly pressure: number;
  readonly keepIdle: number;
  readonly presses: boolean;
}

/** What a queue's store goes by. */
export interface Sharing {
  /** A call-back is given an operator from spare time while so many more who could serve it are idle. */
  readonly keepIdle: number;
  /** Call-backs may also spend the reserved share, whoever waits on the line. */
  readonly presses: boolean;
  /** Of the time of the operators on duty. */
  readonly share: number;
  /** What one call-back spends. */
  readonly costMs: number;
}

export interface SharingView extends Sharing {
  /** Operators' time saved up for call-backs that press. */
  readonly reservedMs: number;
  /** Call-backs that wait for an operator; those with a live offer are not among them. */
  readonly callBacks: number;
}

export function sharingNow(
  now: {
    readonly nowMs: number;
    readonly onDuty: number;
    readonly forecast: Pick<DayForecast, 'spareMs'>;
    readonly promisedMs: number;
    /** When the first of the call-backs that wait for an operator became due. */
    readonly oldestDueAtMs?: number | undefined;
    /** The first of the times that callers chose, of those that are due. */
    readonly oldestChosenAtMs?: number | undefined;
  },
  rule: SharingRule,
): SharingNow {
  const { nowMs, onDuty, forecast, promisedMs, oldestDueAtMs = nowMs, oldestChosenAtMs = nowMs } = now;
  const pressure = promisedMs <= 0 ? 0 : promisedMs / forecast.spareMs;
  return {
    pressure,
    keepIdle: idleToKeep(rule, { onDuty, pressure, overdueMs: nowMs - oldestDueAtMs }),
    presses: pressure > rule.pressingFrom || nowMs - oldestChosenAtMs >= rule.overdueMs,
  };
}

/**
 * Fewer are kept idle the more of the spare time ahead is promised, and the longer the first call-back has been due. Never all who are on duty: a single
 * operator whom nobody live wants would call nobody back all day.
 */
export function idleToKeep(
  rule: Pick<SharingRule, 'idleRoots' | 'leastIdleRoots' | 'patientForMs'>,
  now: { readonly onDuty: number; readonly pressure: number; readonly overdueMs: number },
): number {
  const ease = Math.max(0, 1 - now.pressure) * Math.max(0, 1 - now.overdueMs / rule.patientForMs);
  const wanted = Math.ceil(Math.max(rule.leastIdleRoots, rule.idleRoots * ease) * Math.sqrt(now.onDuty));
  return Math.max(0, Math.min(wanted, now.onDuty - 1));
}

/** The reserved share as a budget of operators' time. */
export interface ReservedTime {
  readonly availableMs: number;
  readonly atMs: number;
}

/** How the budget of a queue grows, and where it stops. */
export interface ReservedRate {
  readonly share: number;
  /** What one call-back takes. */
  readonly costMs: number;
}

/** No more than two call-backs are saved up: a lull must not become a burst of call-backs in the rush after it. */
const mostSaved = 2;

/** Both stores reckon like this, in this order of operations: sums of doubles depend on it. */
export function reservedAfter(
  reserved: ReservedTime,
  now: ReservedRate & { readonly nowMs: number; readonly onDuty: number },
): ReservedTime {
  const { nowMs, share, onDuty, costMs } = now;
  const passedMs = Math.max(0, nowMs - reserved.atMs);
  const grownMs = Math.round(passedMs * share * onDuty);
  // What is too little to count stays for the next look, but not time in which nothing could grow.
  if (grownMs === 0 && share * onDuty > 0) return reserved;
  return {
    availableMs: Math.min(mostSaved * costMs, reserved.availableMs + grownMs),
    atMs: Math.max(nowMs, reserved.atMs),
  };
}
