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

/** What the store knows of an operator when it ranks him; each is a number it keeps itself. */
export type OperatorFact = 'readySinceMs' | 'contactsTaken';
export type OperatorFacts = Readonly<Record<OperatorFact, number>>;
/** A score is the weighted sum of facts; the smallest is picked first. */
export type StrategyWeights = Readonly<Partial<Record<OperatorFact, number>>>;

/**
 * Strategies as data: both stores compute the score from these weights, so a new strategy of this form is a new line
 * here. Longest idle: the smallest "ready since".
 */
export const operatorStrategies: Readonly<Record<OperatorStrategy, StrategyWeights>> = {
  longestIdle: { readySinceMs: 1 },
};

export function operatorScore(strategy: OperatorStrategy, facts: OperatorFacts): number {
  const weights = operatorStrategies[strategy];
  return (weights.readySinceMs ?? 0) * facts.readySinceMs + (weights.contactsTaken ?? 0) * facts.contactsTaken;
}
