import {
  defaultSharing,
  type OfferFailure,
  type OperatorRegistration,
  type QueuePlan,
  queuePlan,
  queueSchema,
  type Sharing,
  type Skills,
} from '../../src/acd/index.ts';
import { asId, type OperatorId, secondMs } from '../../src/foundation/index.ts';
import type { TrafficPlan } from './contact-source.ts';
import type { RandomStream } from './random.ts';

/** Each queue with a strategy of its own: most of the ways there are to pick an operator, one beside another. */
export const hardQueues: readonly QueuePlan[] = [
  {
    id: 'documents',
    requirement: 'documents >= 2',
    preferredMs: 20 * secondMs,
    limits: { length: { most: 12, to: { queue: 'any' } } },
  },
  { id: 'hard-documents', requirement: 'documents >= 5', strategy: 'roundRobin', headStartMs: 60 * secondMs },
  {
    id: 'social',
    requirement: 'social >= 7',
    strategy: 'randomWeighted',
    preferredMs: 30 * secondMs,
    steps: [{ afterMs: 20 * secondMs, requirement: 'social' }],
  },
  {
    id: 'tatar',
    requirement: 'tatar and documents',
    strategy: 'leastOccupied',
    considerIf: 'anyQualified',
    headStartMs: 30 * secondMs,
    limits: { nobodyLoggedIn: { to: { queue: 'any' } } },
    steps: [
      { afterMs: 10 * secondMs, requirement: 'tatar', considerIf: 'anyQualified' },
      { afterMs: 20 * secondMs, requirement: 'documents >= 3', considerIf: { estimateAboveMs: 30 * secondMs } },
      { afterMs: 25 * secondMs, requirement: 'social >= 4', considerIf: { serviceLevelBelow: 0.7 } },
      { afterMs: 40 * secondMs, requirement: 'anyone' },
    ],
  },
  { id: 'any', requirement: 'not tatar or social >= 2', strategy: 'fewestContacts' },
].map((written) => queuePlan(queueSchema.parse({ name: written.id, ...written })));

/** `kind` counts the queues from 0. */
export function hardQueue(kind: number): QueuePlan {
  const plan = hardQueues[kind % hardQueues.length] ?? hardQueues[0];
  if (plan === undefined) throw new Error('expected a queue');
  return plan;
}

export const hardTraffic: TrafficPlan = {
  arrivalsPerHour: 300,
  ahtMs: 100 * secondMs,
  meanPatienceMs: 150 * secondMs,
  kinds: [0.3, 0.2, 0.2, 0.2, 0.1].map((share, kind) => ({ queueId: hardQueue(kind).settings.id, share })),
};

const skillSets: readonly Skills[] = [
  { documents: 5 },
  { documents: 3, social: 4 },
  { social: 8 },
  { documents: 9, social: 2, tatar: 3 },
];
export const skillSetCount = skillSets.length;

export function skillsOf(skillSet: number): Skills {
  return skillSets[skillSet % skillSetCount] ?? {};
}

export const hardOperators: readonly OperatorId[] = Array.from({ length: 12 }, (_, i) =>
  asId<OperatorId>(`op${10 + i}`),
);

/** As configured; every third may chat with two at once beside a call. */
export function hardRegistration(operatorId: OperatorId, skillSet: number): OperatorRegistration {
  const number = Number(operatorId.slice(2));
  return {
    operatorId,
    extension: String(number),
    skills: skillsOf(skillSet),
    capacity: { voice: 1, chat: number % 3 === 0 ? 2 : 0 },
    weight: 1 + (number % 3),
  };
}

/** Of arrivals: the rest are on the line. */
export const callBackShare = 0.2;
/** How much earlier its place was earned, at most. */
export const longestCallBackMs = 20 * 60 * secondMs;

export function drawRule(random: RandomStream): Sharing {
  return {
    keepIdle: random.below(4),
    presses: random.chance(0.5),
    share: random.chance(0.1) ? 0 : defaultSharing.reservedShare,
    costMs: hardTraffic.ahtMs,
  };
}

export const hardShards = ['shard0', 'shard1'] as const;

/** What becomes of an offer: `silence` lasts until the lease runs out, `tooLate` is an answer after that. */
export type RingAnswer = 'answered' | Exclude<OfferFailure, 'contactGone'> | 'silence' | 'tooLate';

export function drawAnswer(
  random: RandomStream,
  leaseMs: number,
): { readonly answer: RingAnswer; readonly afterMs: number } {
  const drawn = random.uniform();
  if (drawn < 0.76) return { answer: 'answered', afterMs: random.below(8 * secondMs) };
  if (drawn < 0.84) return { answer: 'offerUnanswered', afterMs: 15 * secondMs };
  if (drawn < 0.88) return { answer: 'offerDeclined', afterMs: random.below(5 * secondMs) };
  if (drawn < 0.91) return { answer: 'operatorBusy', afterMs: random.below(secondMs) };
  if (drawn < 0.94) return { answer: 'operatorUnreachable', afterMs: random.below(secondMs) };
  if (drawn < 0.97) return { answer: 'silence', afterMs: leaseMs };
  return { answer: 'tooLate', afterMs: leaseMs + 1 + random.below(10 * secondMs) };
}
