import { DozvonError } from '../foundation/index.ts';
import type { ContactView, QueueFigures, StepCondition } from './ports.ts';

/** What is known of a place in a queue. Rates, not an average of past waits: it is right from the first contact on. */
export interface PlaceInQueue {
  /** Contacts before this one that the same operators will be given: `contactsAhead()`. */
  readonly ahead: number;
  /** Mean, with wrap-up. */
  readonly handlingMs: number;
  /** Who could serve the contact now, busy or not. */
  readonly onDuty: number;
  /** Mean time after which a waiting caller gives up; undefined: nobody ahead leaves. */
  readonly meanPatienceMs?: number | undefined;
}

/** How long a caller who stays will wait on, as a distribution. */
export interface WaitOutlook {
  readonly meanMs: number;
  /** Half of the callers in this place wait less: what is told. */
  readonly medianMs: number;
  /** Mean² ÷ variance: the shape of the gamma distribution that stands for the sum of the stages. */
  readonly shape: number;
}

/**
 * The wait is a sum of stages, one for each contact ahead and one for the caller himself: with j still ahead, the next place falls free at the rate
 * onDuty ÷ handling + j ÷ patience (death process of M/M/n+M; Whitt 1999). Mean and variance of exponential stages add up; median and chances
 * are those of the gamma distribution with this mean and variance (Wilson, Hilferty 1931). Undefined: nobody on duty.
 */
export function waitOutlook(place: PlaceInQueue): WaitOutlook | undefined {
  checkPlace(place);
  if (place.onDuty === 0) return undefined;
  const { meanMs, variance } = stagesOf(place);
  return outlookOf(meanMs, variance);
}

function outlookOf(meanMs: number, variance: number): WaitOutlook {
  const shape = meanMs ** 2 / variance;
  return { meanMs, medianMs: meanMs * (1 - 1 / (9 * shape)) ** 3, shape };
}

/** Outlooks behind 0, 1, 2 … contacts without end: each is that before it and one stage more. */
export function* outlooksBehind(place: Omit<PlaceInQueue, 'ahead'>): Generator<WaitOutlook, undefined> {
  checkPlace({ ...place, ahead: 0 });
  if (place.onDuty === 0) return undefined;
  let meanMs = 0;
  let variance = 0;
  for (let ahead = 0; ; ahead += 1) {
    const ownMs = stageMs(place, ahead);
    meanMs += ownMs;
    variance += ownMs ** 2;
    yield outlookOf(meanMs, variance);
  }
}

/** Chance that an operator answers within `withinMs` from now, of a caller who does not leave. */
export function chanceWithin(outlook: WaitOutlook, withinMs: number): number {
  if (withinMs <= 0) return 0;
  const spread = 1 / (9 * outlook.shape);
  return normalUpTo((Math.cbrt(withinMs / outlook.meanMs) - (1 - spread)) / Math.sqrt(spread));
}

/** How long a contact will probably wait on: the median of `waitOutlook()`. Undefined: nobody on duty can serve it. */
export function waitEstimateMs(input: {
  /** Within the queue, from 1. */
  readonly position: number;
  /** With wrap-up. */
  readonly handlingMs: number;
  /** Who could serve the contact now, busy or not. */
  readonly onDuty: number;
  readonly meanPatienceMs?: number | undefined;
}): number | undefined {
  const { position, ...place } = input;
  return medianOf({ ...place, ahead: position - 1 });
}

function medianOf(place: PlaceInQueue): number | undefined {
  const outlook = waitOutlook(place);
  return outlook === undefined ? undefined : Math.round(outlook.medianMs);
}

/** Seen or configured times may be 0 (answered and put down in one millisecond); a rate wants something to divide by. */
const least = (ms: number): number => Math.max(1, ms);

/** Undefined also for a contact without a place. Without `ahead` all those before it in its queue count. */
export function estimateOf(
  contact: Pick<ContactView, 'position' | 'qualified'> & Partial<Pick<ContactView, 'ahead'>>,
  figures: (Pick<QueueFigures, 'handlingMs'> & { readonly meanPatienceMs?: number | undefined }) | undefined,
  expectedHandlingMs: number,
): number | undefined {
  if (contact.position < 1) return undefined;
  const patienceMs = figures?.meanPatienceMs;
  return medianOf({
    ahead: contact.ahead ?? contact.position - 1,
    handlingMs: least(figures?.handlingMs ?? expectedHandlingMs),
    onDuty: contact.qualified.onDuty,
    meanPatienceMs: patienceMs === undefined ? undefined : least(patienceMs),
  });
}

/** Whether a step is to be taken. An estimate nobody can give is above any; a service level without figures is 1. */
export function isConditionMet(
  condition: Exclude<StepCondition, 'anyQualified'>,
  now: { readonly estimateMs: number | undefined; readonly figures: QueueFigures | undefined },
): boolean {
  if ('estimateAboveMs' in condition) {
    return (now.estimateMs ?? Number.POSITIVE_INFINITY) > condition.estimateAboveMs;
  }
  return (now.figures?.serviceLevel ?? 1) < condition.serviceLevelBelow;
}

/** Contacts of one class without a live offer, for those who wait behind them: who is being rung for has his operator. */
export interface ContactsAhead {
  readonly contacts: number;
  /** How many operators on duty can serve them. */
  readonly eligible: number;
  /** How many of them can serve the contact behind, too. */
  readonly shared: number;
}

/**
 * Contacts ahead where operators serve several queues: one that others can serve as well counts by the share of its operators that are ours
 * too, as that is how often it will be one of ours who takes it.
 */
export function contactsAhead(before: readonly ContactsAhead[]): number {
  // Both stores reckon in this order of operations: sums of doubles depend on it.
  return before.reduce(
    (sum, { contacts, eligible, shared }) => sum + (eligible === 0 ? 0 : (contacts * shared) / eligible),
    0,
  );
}

function stagesOf(place: PlaceInQueue): { readonly meanMs: number; readonly variance: number } {
  let meanMs = 0;
  let variance = 0;
  // A part of a contact ahead is a part of a stage.
  for (let left = place.ahead; left > -1; left -= 1) {
    const part = Math.min(1, left + 1);
    const ownMs = stageMs(place, Math.max(0, left));
    meanMs += part * ownMs;
    variance += part * ownMs ** 2;
  }
  return { meanMs, variance };
}

/** Mean time until the next place falls free while `left` contacts are still ahead. */
function stageMs(
  { onDuty, handlingMs, meanPatienceMs }: Pick<PlaceInQueue, 'onDuty' | 'handlingMs' | 'meanPatienceMs'>,
  left: number,
): number {
  return 1 / (onDuty / handlingMs + (meanPatienceMs === undefined ? 0 : left / meanPatienceMs));
}

/** Normal distribution by Abramowitz and Stegun 26.2.17, to 7 digits. */
function normalUpTo(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * Math.abs(z));
  const tail =
    (Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  return z > 0 ? 1 - tail : tail;
}

function checkPlace({ ahead, handlingMs, onDuty, meanPatienceMs = 1 }: PlaceInQueue): void {
  const isFit = ahead >= 0 && handlingMs > 0 && onDuty >= 0 && meanPatienceMs > 0;
  if (isFit && Number.isFinite(ahead) && Number.isFinite(handlingMs)) return;
  const got = `${ahead} ahead, ${handlingMs} ms, ${onDuty} on duty, patience ${meanPatienceMs} ms`;
  throw new DozvonError('PLACE_INVALID', `expected a place in a queue, times above 0, got ${got}`);
}
