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
  /** The same, of the last minutes. */
  readonly recent: number;
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
/** A rush must show before its first caller has waited for two minutes. */
const recentMemoryMs = 3 * minuteMs;
/** Deviations by which the last minutes must stand out, and by which the rest is held to be chance: tried with teams of 6 to 60 at loads of 0.8 and in rushes. */
const riseDeviations = 3.5;
const certainDeviations = 1.5;

export function noRates(nowMs: number): ObservedRates {
  return {
    handled: 0,
    handlingMs: 0,
    left: 0,
    waitedMs: 0,
    arrivals: 0,
    arrivalsAtMs: nowMs,
    recent: 0,
    sinceMs: nowMs,
  };
}

export function withArrival(rates: ObservedRates, atMs: number): ObservedRates {
  return {
    ...rates,
    arrivals: faded(rates, atMs) + 1,
    recent: fadedRecent(rates, atMs) + 1,
    arrivalsAtMs: Math.max(atMs, rates.arrivalsAtMs),
  };
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
  const seenMs = seenOf(arrivalsMemoryMs, rates, nowMs);
  return seenMs <= 0 ? undefined : faded(rates, nowMs) / seenMs;
}

/**
 * The arrivals that are there beyond chance: those of the last minutes where they are more than chance can make of the others, otherwise `arrivalsPerMs` less
 * what chance may have added. Of what fades with the memory m the count has the mean λm and the variance λm ÷ 2. For alarms, which come neither late nor
 * for nothing; undefined in the first minutes.
 */
export function certainArrivalsPerMs(rates: ObservedRates, nowMs: number): number | undefined {
  const usual = arrivalsPerMs(rates, nowMs);
  if (usual === undefined || nowMs - rates.sinceMs < recentMemoryMs) return undefined;
  const seenMs = seenOf(recentMemoryMs, rates, nowMs);
  const expected = usual * seenMs;
  const recent = fadedRecent(rates, nowMs);
  if (recent > expected + riseDeviations * Math.sqrt(expected / 2) + 1) return recent / seenMs;
  const deviation = Math.sqrt(usual / (2 * seenOf(arrivalsMemoryMs, rates, nowMs)));
  return Math.max(0, usual - certainDeviations * deviation);
}

/** The time that a count with this memory stands for. */
function seenOf(memoryMs: number, { sinceMs }: ObservedRates, nowMs: number): number {
  return memoryMs * (1 - Math.exp(-(nowMs - sinceMs) / memoryMs));
}

function fadedRecent(rates: ObservedRates, atMs: number): number {
  return rates.recent * Math.exp(-Math.max(0, atMs - rates.arrivalsAtMs) / recentMemoryMs);
}

function faded(rates: ObservedRates, atMs: number): number {
  return rates.arrivals * Math.exp(-Math.max(0, atMs - rates.arrivalsAtMs) / arrivalsMemoryMs);
}
