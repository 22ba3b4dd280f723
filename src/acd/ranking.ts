import { createHash } from 'node:crypto';
import { minuteMs } from '../foundation/index.ts';
import type { OperatorStrategy } from './ports.ts';

/**
 * Ranking score of a waiting contact: its deadline. Earliest deadline is served first, across queues; the order of two
 * contacts never changes with time, so the score is written once.
 */
export function contactScore(input: {
  readonly enqueuedAtMs: number;
  /** The queue's promise: within how long an operator answers. */
  readonly answerTargetMs: number;
  /** Priority as time: a contact with a head start of 30 s is ranked as if it had come 30 s earlier. */
  readonly headStartMs: number;
}): number {
  return input.enqueuedAtMs + input.answerTargetMs - input.headStartMs;
}

/**
 * What the store knows of an operator when it ranks him; each is a number it keeps itself and that stands still while
 * he is idle, so that the order of the idle never changes with time.
 *
 * - `readySinceMs`: since when he has had nothing to do.
 * - `contactsTaken`: since he signed in.
 * - `skillTotal`: all his levels together.
 * - `lastOfferedMs`: when he was last offered a contact; 0 before the first.
 * - `occupancyRank`: see `occupancyRank()`.
 * - `drawRank`: see `drawRank()`.
 */
export const operatorFacts = [
  'readySinceMs',
  'contactsTaken',
  'skillTotal',
  'lastOfferedMs',
  'occupancyRank',
  'drawRank',
] as const;
export type OperatorFact = (typeof operatorFacts)[number];
export type OperatorFacts = Readonly<Record<OperatorFact, number>>;
/** A score is the weighted sum of facts; the smallest is picked first. */
export type StrategyWeights = Readonly<Partial<Record<OperatorFact, number>>>;

/**
 * Puts a count before an instant in one number. Instants stay below 2^41 until the year 2039, and a double holds whole
 * numbers up to 2^53: counts up to 2,047 keep their order to the millisecond, higher ones to a few.
 */
const before = 2 ** 41;

/**
 * Strategies as data: both stores compute the score from these weights, so a new strategy of this form is a new line
 * here. Equals go by who has been idle for longer.
 */
export const operatorStrategies: Readonly<Record<OperatorStrategy, StrategyWeights>> = {
  longestIdle: { readySinceMs: 1 },
  leastOccupied: { occupancyRank: 1 },
  fewestContacts: { contactsTaken: before, readySinceMs: 1 },
  leastSkilled: { skillTotal: before, readySinceMs: 1 },
  mostSkilled: { skillTotal: -before, readySinceMs: 1 },
  roundRobin: { lastOfferedMs: 1 },
  randomWeighted: { drawRank: 1 },
};

export const strategyNames = Object.keys(operatorStrategies) as readonly OperatorStrategy[];

export function operatorScore(strategy: OperatorStrategy, facts: OperatorFacts): number {
  const weights = operatorStrategies[strategy];
  // In the order of the list: the Lua side adds up in the same one, and sums of doubles depend on it.
  return operatorFacts.reduce((score, fact) => score + (weights[fact] ?? 0) * facts[fact], 0);
}

/** How fast occupancy forgets: what was an hour ago counts e times less. */
export const occupancyMemoryMs = 60 * minuteMs;
/** Occupancy this small counts as none: its logarithm must stay above that of nobody's. */
const leastOccupancy = 1e-9;

/** What an operator's time is at a moment, for occupancy: `paused` (not ready) is in neither part. */
export type TimeUse = 'busy' | 'idle' | 'paused';

/**
 * Share of ready time spent on contacts, recent time counting more (exponentially, `occupancyMemoryMs`): after `forMs`
 * of `use`. Kept as of the last change of use; between changes it follows from the time that has gone by.
 */
export function occupancyAfter(occupancy: number, use: TimeUse, forMs: number): number {
  if (use === 'paused' || forMs <= 0) return occupancy;
  const kept = Math.exp(-forMs / occupancyMemoryMs);
  const after = use === 'busy' ? 1 - (1 - occupancy) * kept : occupancy * kept;
  // Rounded, so that Lua and this come to the same number.
  return Math.round(after * 1e12) / 1e12;
}

/**
 * Occupancy as a rank that does not change while the operator is idle: occupancies of the idle all shrink by the same
 * factor, so their order is that of `atMs + memory × ln(occupancy)`, in which time has cancelled out. Who has never
 * been busy comes first, by how long he has been ready.
 */
export function occupancyRank(occupancy: number, atMs: number, readySinceMs: number): number {
  if (occupancy < leastOccupancy) return readySinceMs - 100 * occupancyMemoryMs;
  return Math.round(atMs + occupancyMemoryMs * Math.log(occupancy));
}

/**
 * A draw for weighted random choice: exponential with rate `weight`, counted from `floor`, the rank of the last one
 * picked. The smallest of such draws is operator i with probability weight_i ÷ sum of weights. Exponentials have no
 * memory, so whoever ranks above the floor needs no new draw; who ranks below it (he could not serve the contact for
 * which the last one was picked) draws anew before the next choice, or he would come before his turn. The randomness is
 * a hash of who and how often, which the simulation can repeat.
 */
export function drawRank(input: {
  readonly operatorId: string;
  readonly drawNumber: number;
  readonly weight: number;
  readonly floor: number;
}): number {
  const digest = createHash('sha1').update(`${input.operatorId} ${input.drawNumber}`).digest('hex').slice(0, 12);
  const uniform = (Number.parseInt(digest, 16) + 1) / 2 ** 48;
  return input.floor + Math.round((-Math.log(uniform) * 1e6) / input.weight);
}
