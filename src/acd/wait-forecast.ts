import { hourMs } from '../foundation/index.ts';
import { chanceWithin, outlooksBehind, type WaitOutlook } from './estimate.ts';

/** A queue from now on, as its observed rates have it. */
export interface TimeAhead {
  readonly arrivalsPerHour: number;
  /** Mean, with wrap-up. */
  readonly handlingMs: number;
  readonly meanPatienceMs: number;
  /** On duty, busy or not. */
  readonly operators: number;
  /** With an operator or waiting for one, now. */
  readonly contacts: number;
  /** How far is looked ahead. */
  readonly aheadMs: number;
  /** Within what time they are to be answered. */
  readonly withinMs: number;
}

/** What is less likely than this takes part no more. */
const negligible = 1e-9;
/** Behind so many times what is served in the limit the chance of an answer in time is nothing. */
const hopeless = 4;
/** More than this do not wait for operators who could answer one of them in time; a bound for what is reckoned with, not for the queue. */
const mostWaiting = 20_000;
/**
 * A bound for the time a look takes: some ten milliseconds at the worst. 200 operators need 2,000 for a quarter of an hour, and 5,000 when twice as many call as they can
 * serve; what changes even more often has settled long before the time ahead is over, which is then not followed to its end.
 */
const mostSteps = 6_000;

/**
 * Share of those who come in the time ahead that will be answered within the limit; who gives up before is not. The number of contacts changes as in M/M/n+M (Palm):
 * one more at λ, one less at min(k, n)÷h + (k − n)÷p; followed from now on in steps so short that at most one such change falls into each. Who comes when k
 * are there waits behind k − n, as the estimate of waits has it. 1 when nobody comes.
 */
export function shareInTime(ahead: TimeAhead): number {
  const { arrivalsPerHour, handlingMs, operators, contacts, aheadMs, withinMs } = ahead;
  if (arrivalsPerHour <= 0 || aheadMs <= 0) return 1;
  if (operators <= 0) return 0;
  const inSight = Math.max(contacts, operators + (hopeless * withinMs * operators) / handlingMs);
  const most = Math.ceil(Math.min(inSight + 20, operators + mostWaiting));
  const chances = new Chances(ahead, most);
  const states = new States(ahead, most);
  let inTimeMs = 0;
  let leftMs = aheadMs;
  for (let step = 0; step < mostSteps && leftMs > 0; step += 1) {
    const stepMs = Math.min(leftMs, states.longestStepMs());
    inTimeMs += stepMs * states.mean(chances.upTo(states.end));
    states.after(stepMs);
    leftMs -= stepMs;
  }
  return Math.min(1, inTimeMs / (aheadMs - leftMs));
}

/** For who comes when so many contacts are there: that his turn comes in time and he has not given up until then. Reckoned as far as it is asked for. */
class Chances {
  readonly #ahead: TimeAhead;
  readonly #outlooks: Iterator<WaitOutlook, undefined>;
  readonly #known: Float64Array;
  #end: number;

  constructor(ahead: TimeAhead, most: number) {
    const { operators, handlingMs, meanPatienceMs } = ahead;
    this.#ahead = ahead;
    this.#outlooks = outlooksBehind({ onDuty: operators, handlingMs, meanPatienceMs });
    this.#known = new Float64Array(most + 1).fill(1, 0, operators);
    this.#end = operators;
  }

  /** Those with less than `end` contacts; the array holds more than is known. */
  upTo(end: number): Float64Array {
    for (; this.#end < end; this.#end += 1) this.#known[this.#end] = this.#behind(this.#outlooks.next().value);
    return this.#known;
  }

  /** The gamma distribution of his wait, weighed by e^(−wait ÷ p). */
  #behind(outlook: WaitOutlook | undefined): number {
    if (outlook === undefined) return 0;
    const { meanPatienceMs, withinMs } = this.#ahead;
    const { meanMs, shape } = outlook;
    const sooner = 1 + meanMs / (shape * meanPatienceMs);
    return sooner ** -shape * chanceWithin({ ...outlook, meanMs: meanMs / sooner }, withinMs);
  }
}

/** How likely each number of contacts is, from `#first` to before `end`; what is negligible is 0 and takes no time. */
class States {
  readonly #likely: Float64Array;
  readonly #leaving: Float64Array;
  readonly #arriving: number;
  readonly #most: number;
  #first: number;
  #end: number;

  constructor({ arrivalsPerHour, handlingMs, meanPatienceMs, operators, contacts }: TimeAhead, most: number) {
    this.#most = most;
    this.#arriving = arrivalsPerHour / hourMs;
    this.#leaving = Float64Array.from(
      { length: most + 1 },
      (_, k) => Math.min(k, operators) / handlingMs + Math.max(0, k - operators) / meanPatienceMs,
    );
    this.#likely = new Float64Array(most + 1);
    this.#first = Math.min(most, Math.round(contacts));
    this.#end = this.#first + 1;
    this.#likely[this.#first] = 1;
  }

  get end(): number {
    return this.#end;
  }

  mean(values: Float64Array): number {
    let sum = 0;
    for (let k = this.#first; k < this.#end; k += 1) sum += (this.#likely[k] ?? 0) * (values[k] ?? 0);
    return sum;
  }

  /** Most happens where most contacts are. */
  longestStepMs(): number {
    return 1 / (this.#arriving + (this.#leaving[this.#end - 1] ?? 0));
  }

  after(stepMs: number): void {
    const likely = this.#likely;
    const leaving = this.#leaving;
    const arriving = this.#arriving * stepMs;
    const last = Math.min(this.#most, this.#end);
    let fromBelow = 0;
    for (let k = Math.max(0, this.#first - 1); k <= last; k += 1) {
      const chance = likely[k] ?? 0;
      const fromAbove = k < last ? (likely[k + 1] ?? 0) * (leaving[k + 1] ?? 0) * stepMs : 0;
      const up = k < this.#most ? chance * arriving : 0;
      likely[k] = chance - up - chance * (leaving[k] ?? 0) * stepMs + fromBelow + fromAbove;
      fromBelow = up;
    }
    let first = Math.max(0, this.#first - 1);
    let end = last + 1;
    for (; first < end - 1 && (likely[first] ?? 0) < negligible; first += 1) likely[first] = 0;
    for (; end > first + 1 && (likely[end - 1] ?? 0) < negligible; end -= 1) likely[end - 1] = 0;
    this.#first = first;
    this.#end = end;
  }
}

/** The fewest operators on duty with whom the share is reached; no fewer than there are now, and no more than `most`. `breathe` lets others in between two looks. */
export async function operatorsForShare(
  ahead: TimeAhead,
  wanted: { readonly share: number; readonly most: number },
  breathe: () => Promise<void> = async () => undefined,
): Promise<number> {
  let low = Math.max(1, ahead.operators);
  let high = Math.max(low, wanted.most);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (shareInTime({ ...ahead, operators: middle }) >= wanted.share) high = middle;
    else low = middle + 1;
    await breathe();
  }
  return low;
}
