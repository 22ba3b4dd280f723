import { asId, type CommandMeta, type OperatorId, secondMs } from '../foundation/index.ts';
import type { AcdSettings, SyncResult } from './commands.ts';
import type { QueueStore } from './ports.ts';
import { type QueuePlan, queuePlan } from './queue-plan.ts';
import type { OperatorSettings, QueueSettings } from './settings.ts';

/**
 * An offer outlives the ringing by this much. It must exceed the time in which another process takes over a shard
 * (lease of about 10 s, then reading its contacts), or an operator who answered meanwhile would be told he is too late;
 * and it delays the next try only when an owner has died and nobody has taken over.
 */
const offerLeaseMarginMs = 20 * secondMs;
/** An operator who is kept for a caller being dialled: from the caller's answer on somebody listens to it, then he is rung. */
const callerAnswersMs = 10 * secondMs;

/** The configuration as the service goes by it. */
export interface Adopted {
  readonly queues: ReadonlyMap<string, QueuePlan>;
  readonly operators: ReadonlyMap<OperatorId, OperatorSettings>;
  /** Those whose callers are called back. */
  readonly callBackQueues: ReadonlySet<string>;
  readonly offerLeaseMs: number;
}

export function adopted(settings: AcdSettings): Adopted {
  const { queues, operators, callBacks = {} } = settings;
  const callerMs = ({ id }: QueueSettings): number => {
    const { callerRingMs } = callBacks[id] ?? {};
    return callerRingMs === undefined ? 0 : callerRingMs + callerAnswersMs;
  };
  const longestRingMs = Math.max(0, ...queues.map((queue) => queue.ringTimeoutMs + callerMs(queue)));
  return {
    queues: new Map(queues.map((queue) => [queue.id, queuePlan(queue)])),
    operators: new Map(operators.map((operator) => [asId<OperatorId>(operator.id), operator])),
    callBackQueues: new Set(Object.keys(callBacks)),
    offerLeaseMs: longestRingMs + offerLeaseMarginMs,
  };
}

export function classesOf({ queues }: Adopted): readonly string[] {
  return [...queues.values()].flatMap(({ requirement, laterSteps }) => [
    requirement.classId,
    ...laterSteps.map((step) => step.requirement.classId),
  ]);
}

/** Has the store know these operators and no others. `leaving`: those who are to go when their contact is over; changed. */
export async function syncOperators(
  { operators }: Adopted,
  parts: {
    readonly store: QueueStore;
    readonly leaving: Set<OperatorId>;
    readonly signOut: (operatorId: OperatorId, meta: CommandMeta) => Promise<unknown>;
    readonly nowMs: number;
    readonly meta: CommandMeta;
  },
): Promise<SyncResult> {
  const { store, leaving, signOut, nowMs, meta } = parts;
  for (const [operatorId, { extension, skills, capacity, weight }] of operators) {
    leaving.delete(operatorId);
    await store.registerOperator({ operatorId, extension, skills, capacity, weight }, nowMs, meta);
  }
  const removed: OperatorId[] = [];
  for (const { operatorId } of await store.operators()) {
    if (operators.has(operatorId)) continue;
    await signOut(operatorId, meta);
    if ((await store.removeOperator(operatorId, nowMs, meta)) === 'busy') leaving.add(operatorId);
    else removed.push(operatorId);
  }
  return { registered: operators.size, removed, leaving: [...leaving] };
}
