import { DozvonError, hourMs } from '../foundation/index.ts';

/** Contacts that arrive at random (Poisson), with exponential handling times (AHT: talk and wrap-up), and who serves them. */
export interface Traffic {
  readonly arrivalsPerHour: number;
  readonly ahtMs: number;
  readonly operators: number;
}

/** What callers get who wait as long as it takes (Erlang C, M/M/n). */
export interface PatientWaits {
  /** Share of contacts that find nobody free. */
  readonly waitProbability: number;
  /** Mean wait of all contacts, those who do not wait included. `Infinity` when the load is not below the operators. */
  readonly asaMs: number;
}

/** What callers get who hang up after an exponential time (Erlang A, M/M/n+M). */
export interface ImpatientWaits {
  readonly waitProbability: number;
  /** Share of contacts that leave before an operator takes them. */
  readonly abandonProbability: number;
  /** Mean wait of all contacts, those who leave included. */
  readonly meanWaitMs: number;
}

/** A term this much below the largest changes no digit of a sum. */
const negligible = 1e-18;

/** Offered load in erlangs: the mean number of operators that would be busy if there were always enough. */
export function offeredLoad(traffic: Omit<Traffic, 'operators'>): number {
  return (traffic.arrivalsPerHour * traffic.ahtMs) / hourMs;
}

/** Erlang B: share of contacts lost when nobody can wait. The recursion of the load's inverse; underflows to 0, not to NaN. */
export function blockingProbability(load: number, operators: number): number {
  checkAmount('load', load);
  checkOperators(operators);
  let blocked = 1;
  for (let k = 1; k <= operators; k += 1) blocked = (load * blocked) / (k + load * blocked);
  return blocked;
}

/** Erlang C, from Erlang B: C = B / (1 − ρ (1 − B)). 1 when the load is not below the operators. */
export function erlangCWaitProbability(load: number, operators: number): number {
  if (load >= operators) return 1;
  const blocked = blockingProbability(load, operators);
  return blocked / (1 - (load / operators) * (1 - blocked));
}

/** Erlang C: the mean wait is C · AHT / (n − load). */
export function patientWaits(traffic: Traffic): PatientWaits {
  const load = checkedLoad(traffic);
  const waitProbability = erlangCWaitProbability(load, traffic.operators);
  const spare = traffic.operators - load;
  return { waitProbability, asaMs: spare > 0 ? (waitProbability * traffic.ahtMs) / spare : Number.POSITIVE_INFINITY };
}

/** Erlang C: share of contacts that wait `withinMs` at most, 1 − C · e^(−(n − load) · t / AHT). */
export function patientServedWithin(traffic: Traffic, withinMs: number): number {
  checkAmount('withinMs', withinMs);
  const load = checkedLoad(traffic);
  const spare = traffic.operators - load;
  if (spare <= 0) return 0;
  return 1 - erlangCWaitProbability(load, traffic.operators) * Math.exp((-spare * withinMs) / traffic.ahtMs);
}

/**
 * Erlang A, by the stationary states of the birth and death process (Palm; Garnett, Mandelbaum, Reiman 2002): with k
 * waiting, operators and the impatient together take contacts away at n·μ + k·θ. `meanPatienceMs` is 1/θ.
 */
export function impatientWaits(traffic: Traffic, meanPatienceMs: number): ImpatientWaits {
  const { waitProbability, meanWaiting } = impatientStates(traffic, meanPatienceMs);
  // Little's law; and whoever waits leaves at the rate 1/patience, whatever else happens.
  const meanWaitMs = traffic.arrivalsPerHour === 0 ? 0 : (meanWaiting * hourMs) / traffic.arrivalsPerHour;
  return { waitProbability, abandonProbability: meanWaitMs / meanPatienceMs, meanWaitMs };
}

/**
 * Erlang A: contacts that an operator takes within `withinMs`, over all contacts offered. The density of the wait that
 * a contact of endless patience would have is λ·p(n−1)·e^(λ·(1 − e^(−θx))/θ − nμx) (Zeltyn, Mandelbaum 2005); weighed by the
 * patience e^(−θx) and integrated to T it is a difference of two incomplete gamma functions, summed as series of positive terms.
 */
export function impatientServedWithin(traffic: Traffic, meanPatienceMs: number, withinMs: number): number {
  checkAmount('withinMs', withinMs);
  const { waitProbability, busyProbability } = impatientStates(traffic, meanPatienceMs);
  const s = (traffic.operators * meanPatienceMs) / traffic.ahtMs;
  const x = (traffic.arrivalsPerHour * meanPatienceMs) / hourMs;
  const patienceLeft = Math.exp(-withinMs / meanPatienceMs);
  const whole = Math.log(s / (s + 1)) + seriesLog(x, s + 1);
  const tail =
    Math.log(s / (s + 1)) +
    x * (1 - patienceLeft) -
    (s + 1) * (withinMs / meanPatienceMs) +
    seriesLog(x * patienceLeft, s + 1);
  const served = 1 - waitProbability + busyTimes(busyProbability, whole) - busyTimes(busyProbability, tail);
  return Math.max(0, served); // Far beyond capacity nothing is left of the sum but its rounding.
}

/**
 * Mean waits under strict priorities without interrupting anybody (Cobham 1954; Kella, Yechiali 1985 for n operators with one AHT):
 * W(k) = C · AHT / n / ((1 − σ(k−1)) (1 − σ(k))), σ(k) the occupancy by the first k priorities. Highest priority first. Weighted by
 * arrivals the waits give Erlang C's mean: priority moves waiting about, it makes none and saves none.
 */
export function priorityWaits(
  arrivalsPerHour: readonly number[],
  served: { readonly ahtMs: number; readonly operators: number },
): readonly number[] {
  const { ahtMs, operators } = served;
  const total = arrivalsPerHour.reduce((sum, rate) => sum + rate, 0);
  const load = checkedLoad({ arrivalsPerHour: total, ahtMs, operators });
  const untilOneIsFreeMs = (erlangCWaitProbability(load, operators) * ahtMs) / operators;
  let above = 0;
  return arrivalsPerHour.map((rate) => {
    const withOwn = above + offeredLoad({ arrivalsPerHour: rate, ahtMs }) / operators;
    const wait = withOwn < 1 ? untilOneIsFreeMs / ((1 - above) * (1 - withOwn)) : Number.POSITIVE_INFINITY;
    above = withOwn;
    return wait;
  });
}

/** Stationary state of Erlang A. `busyProbability`: all operators busy and nobody waiting, as a logarithm. */
function impatientStates(
  traffic: Traffic,
  meanPatienceMs: number,
): { readonly waitProbability: number; readonly meanWaiting: number; readonly busyProbability: number } {
  const load = checkedLoad(traffic);
  if (!(meanPatienceMs > 0 && Number.isFinite(meanPatienceMs))) {
    throw new DozvonError('TRAFFIC_INVALID', `expected a patience above 0 ms, got ${meanPatienceMs}`);
  }
  if (load === 0) return { waitProbability: 0, meanWaiting: 0, busyProbability: Number.NEGATIVE_INFINITY };
  const { operators, ahtMs, arrivalsPerHour } = traffic;
  const s = (operators * meanPatienceMs) / ahtMs;
  const x = (arrivalsPerHour * meanPatienceMs) / hourMs;
  // p(n+k) / p(n) = x^k / ((s+1)…(s+k)); the states up to n together weigh 1/B(n).
  const series = sumOfSeries(x, s);
  const upToBusy = 1 / blockingProbability(load, operators);
  const below = (upToBusy - 1) * Math.exp(-series.logScale);
  const all = below + series.sum;
  return {
    waitProbability: series.sum / all,
    meanWaiting: series.weighedSum / all,
    busyProbability: -series.logScale - Math.log(all),
  };
}

function busyTimes(logProbability: number, logFactor: number): number {
  const log = logProbability + logFactor;
  return Number.isNaN(log) ? 0 : Math.exp(log);
}

function seriesLog(x: number, s: number): number {
  const { sum, logScale } = sumOfSeries(x, s);
  return Math.log(sum) + logScale;
}

/**
 * Σ x^k / ((s+1)…(s+k)) and Σ k · the same, k from 0, both over e^logScale. The terms rise to k = x − s and fall after it, and may
 * exceed any double: summed from the largest, taken as 1, in both directions.
 */
function sumOfSeries(
  x: number,
  s: number,
): { readonly sum: number; readonly weighedSum: number; readonly logScale: number } {
  const peak = Math.max(0, Math.floor(x - s));
  let logScale = 0;
  for (let k = 1; k <= peak; k += 1) logScale += Math.log(x / (s + k));
  let sum = 1;
  let weighedSum = peak;
  let term = 1;
  for (let k = peak + 1; term > negligible * sum; k += 1) {
    term *= x / (s + k);
    sum += term;
    weighedSum += k * term;
  }
  term = 1;
  for (let k = peak; k > 0 && term > negligible * sum; k -= 1) {
    term *= (s + k) / x;
    sum += term;
    weighedSum += (k - 1) * term;
  }
  return { sum, weighedSum, logScale };
}

function checkedLoad(traffic: Traffic): number {
  checkAmount('arrivalsPerHour', traffic.arrivalsPerHour);
  if (!(traffic.ahtMs > 0 && Number.isFinite(traffic.ahtMs))) {
    throw new DozvonError('TRAFFIC_INVALID', `expected a handling time above 0 ms, got ${traffic.ahtMs}`);
  }
  checkOperators(traffic.operators);
  return offeredLoad(traffic);
}

function checkOperators(operators: number): void {
  if (!(Number.isInteger(operators) && operators >= 1)) {
    throw new DozvonError('TRAFFIC_INVALID', `expected a whole number of operators from 1, got ${operators}`);
  }
}

function checkAmount(name: string, amount: number): void {
  if (!(amount >= 0 && Number.isFinite(amount))) {
    throw new DozvonError('TRAFFIC_INVALID', `expected ${name} to be 0 or more, got ${amount}`);
  }
}
