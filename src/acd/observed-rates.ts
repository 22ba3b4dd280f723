import { minuteMs } from '../foundation/index.ts';

/**
 * What is seen of a queue's contacts, for its estimates: sums in which older observations fade, so that they follow the day and still rest on
 * many contacts. Plain data; every function returns what it has become.
 */
export interface ObservedRates {
  /** Finished contacts (faded count) and their handling time together. */
  readonly handled: number;
  readonly handlingMs: number;
  /** Callers who gave up (faded count), and the time that all have waited together. */
  readonly left: number;
  readonly waitedMs: number;
  /** Arrivals, faded by time, as of `arrivalsAtMs`. */
  readonly arrivals: number;
  readonly arrivalsAtMs: number;
  readonly sinceMs: number;
}

/** What is believed before anything is seen, and for how many contacts it counts. */
export interface ExpectedRates {
  readonly handlingMs: number;
  readonly meanPatienceMs: number;
}

/**
 * Contacts after which an observation counts 1/e. The mean of so many handling times is 5 % off, half as much as what chance does to the wait
 * behind a hundred contacts: more would not make estimates better, only slower to follow.
 */
const memory = 400;
/** The belief counts as much as so many contacts. */
const beliefWeight = 10;
/** Arrivals change with the hour. */
const arrivalsMemoryMs = 15 * minuteMs;

export function noRates(nowMs: number): ObservedRates {
  return { handled: 0, handlingMs: 0, left: 0, waitedMs: 0, arrivals: 0, arrivalsAtMs: nowMs, sinceMs: nowMs };
}

export function withArrival(rates: ObservedRates, atMs: number): ObservedRates {
  return { ...rates, arrivals: faded(rates, atMs) + 1, arrivalsAtMs: Math.max(atMs, rates.arrivalsAtMs) };
}

/** From answer to the end of wrap-up. */
export function withHandling(rates: ObservedRates, handlingMs: number): ObservedRates {
  const kept = 1 - 1 / memory;
  return { ...rates, handled: rates.handled * kept + 1, handlingMs: rates.handlingMs * kept + handlingMs };
}

/** `left`: he hung up. Who was answered, or left for something offered, has shown that he would have waited longer. */
export function withWait(
  rates: ObservedRates,
  wait: { readonly waitMs: number; readonly end: 'left' | 'otherwise' },
): ObservedRates {
  const kept = 1 - 1 / (10 * memory); // Most contacts do not leave, and only those who do say much.
  return {
    ...rates,
    left: rates.left * kept + (wait.end === 'left' ? 1 : 0),
    waitedMs: rates.waitedMs * kept + wait.waitMs,
  };
}

export function meanHandlingMs(rates: ObservedRates, expected: ExpectedRates): number {
  return (rates.handlingMs + beliefWeight * expected.handlingMs) / (rates.handled + beliefWeight);
}

/** Time waited by all for each who gave up: the likeliest mean of an exponential patience of which most is never seen to end. */
export function meanPatienceMs(rates: ObservedRates, expected: ExpectedRates): number {
  return (rates.waitedMs + beliefWeight * expected.meanPatienceMs) / (rates.left + beliefWeight);
}

/** Undefined until something has been seen. */
export function arrivalsPerMs(rates: ObservedRates, nowMs: number): number | undefined {
  const seenMs = arrivalsMemoryMs * (1 - Math.exp(-(nowMs - rates.sinceMs) / arrivalsMemoryMs));
  return seenMs <= 0 ? undefined : faded(rates, nowMs) / seenMs;
}

function faded(rates: ObservedRates, atMs: number): number {
  return rates.arrivals * Math.exp(-Math.max(0, atMs - rates.arrivalsAtMs) / arrivalsMemoryMs);
}
