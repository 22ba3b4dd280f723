import { hourMs } from '../foundation/index.ts';
import { chanceWithin, waitOutlook } from './estimate.ts';

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

/**
 * Share of those who come in the time ahead that will be answered within the limit; who gives up before is not. The number of contacts changes as in M/M/n+M (Palm):
 * one more at λ, one less at min(k, n)÷h + (k − n)÷p; followed from now on in steps so short that at most one such change falls into each. Who comes when k
 * are there waits behind k − n, as the estimate of waits has it. 1 when nobody comes.
 */
export function shareInTime(ahead: TimeAhead): number {
  const { arrivalsPerHour, handlingMs, meanPatienceMs, operators, contacts, aheadMs, withinMs } = ahead;
  if (arrivalsPerHour <= 0 || aheadMs <= 0) return 1;
  if (operators <= 0) return 0;
  const most = Math.ceil(Math.max(contacts, operators + (hopeless * withinMs * operators) / handlingMs) + 20);
  const arriving = arrivalsPerHour / hourMs;
  const leaving = Array.from(
    { length: most + 1 },
    (_, k) => Math.min(k, operators) / handlingMs + Math.max(0, k - operators) / meanPatienceMs,
  );
  const chances = leaving.map((_, k) => chanceFor(ahead, k));
  const steps = Math.ceil(aheadMs * (arriving + (leaving[most] ?? 0)));
  const stepMs = aheadMs / steps;
  let states: States = { from: Math.min(most, Math.round(contacts)), likely: [1] };
  let inTime = 0;
  for (let step = 0; step < steps; step += 1) {
    inTime += states.likely.reduce((sum, likely, i) => sum + likely * (chances[states.from + i] ?? 0), 0);
    states = after(states, { arriving: arriving * stepMs, leaving, stepMs, most });
  }
  return Math.min(1, inTime / steps);
}

/** Of who comes when `k` contacts are there: that his turn comes in time and he has not given up until then (the gamma distribution of his wait, weighed by e^(−wait ÷ p)). */
function chanceFor({ operators, handlingMs, meanPatienceMs, withinMs }: TimeAhead, k: number): number {
  if (k < operators) return 1;
  const outlook = waitOutlook({ ahead: k - operators, handlingMs, onDuty: operators, meanPatienceMs });
  if (outlook === undefined) return 0;
  const { meanMs, shape } = outlook;
  const sooner = 1 + meanMs / (shape * meanPatienceMs);
  return sooner ** -shape * chanceWithin({ ...outlook, meanMs: meanMs / sooner }, withinMs);
}

/** How likely each number of contacts is, from `from` on. */
interface States {
  readonly from: number;
  readonly likely: readonly number[];
}

function after(
  { from, likely }: States,
  by: {
    readonly arriving: number;
    readonly leaving: readonly number[];
    readonly stepMs: number;
    readonly most: number;
  },
): States {
  const next = Array.from({ length: likely.length + 2 }, () => 0);
  likely.forEach((chance, i) => {
    const k = from + i;
    const up = k < by.most ? chance * by.arriving : 0;
    const down = chance * (by.leaving[k] ?? 0) * by.stepMs;
    next[i] = (next[i] ?? 0) + down;
    next[i + 1] = (next[i + 1] ?? 0) + chance - up - down;
    next[i + 2] = (next[i + 2] ?? 0) + up;
  });
  // Nobody leaves where nobody is, and what has become negligible is left out, so that a step costs what is likely.
  let first = 0;
  while (first < next.length - 1 && (next[first] ?? 0) < negligible) first += 1;
  let end = next.length;
  while (end > first + 1 && (next[end - 1] ?? 0) < negligible) end -= 1;
  return { from: from - 1 + first, likely: next.slice(first, end) };
}

/** The fewest operators on duty with whom the share is reached; no fewer than there are now, and no more than `most`. */
export function operatorsForShare(ahead: TimeAhead, share: number, most: number): number {
  let low = Math.max(1, ahead.operators);
  let high = Math.max(low, most);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (shareInTime({ ...ahead, operators: middle }) >= share) high = middle;
    else low = middle + 1;
  }
  return low;
}
