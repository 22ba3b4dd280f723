import { hourMs, type OperatorId } from '../foundation/index.ts';

/** A queue with those who can serve it. */
export interface PooledQueue {
  readonly queueId: string;
  readonly operatorIds: ReadonlySet<OperatorId>;
  /** Mean, with wrap-up. */
  readonly handlingMs: number;
}

/**
 * Of the operators of `other` so many are `one`'s, too: by this share the work of `other` counts as work for the operators of `one`, as that
 * is how often it will be one of them who does it (as `contactsAhead()` has it for those who wait). 1 for a queue itself.
 */
export function sharedOperators(one: PooledQueue, other: PooledQueue): number {
  if (one.queueId === other.queueId) return 1;
  if (other.operatorIds.size === 0) return 0;
  const both = [...other.operatorIds].filter((operatorId) => one.operatorIds.has(operatorId));
  return both.length / other.operatorIds.size;
}

/** What all queues bring to the operators of one, in contacts of that one: a contact handled for twice as long counts twice. */
export function pooled<Queue extends PooledQueue>(
  one: PooledQueue,
  queues: readonly Queue[],
  amountOf: (queue: Queue) => number,
): number {
  return queues.reduce((sum, other) => {
    const share = sharedOperators(one, other);
    return share === 0 ? sum : sum + (share * amountOf(other) * other.handlingMs) / one.handlingMs;
  }, 0);
}

/** Contacts an hour that keep the queue's operators busy, each with an equal part of his time for every queue that he serves. */
export function fullLoadPerHour(one: PooledQueue, queues: readonly PooledQueue[], operators: number): number {
  const ids = [...one.operatorIds];
  const parts = ids.reduce(
    (sum, operatorId) => sum + 1 / queues.filter((queue) => queue.operatorIds.has(operatorId)).length,
    0,
  );
  return ids.length === 0 ? 0 : ((parts / ids.length) * operators * hourMs) / one.handlingMs;
}
