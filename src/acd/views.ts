import type { OperatorView, RequirementClass, WaitingContact } from './ports.ts';
import type { ObservedQueue } from './queue-observations.ts';
import { canServe } from './requirement.ts';
import type { SharingView } from './sharing.ts';

/** What a queue looks like at one moment. */
export interface QueueNow {
  readonly queueId: string;
  readonly name: string;
  /** Contacts in the queue, those with a live offer included. */
  readonly waiting: number;
  /** Of these, contacts for whom an operator is being rung. */
  readonly offered: number;
  /** How long the one waiting longest has waited; 0 when nobody waits. */
  readonly longestWaitMs: number;
  /** Operators who have the skills and could be rung this moment. */
  readonly readyOperators: number;
  /** Operators who have the skills and are signed in. */
  readonly signedInOperators: number;
  /** What estimates rest on and how far off they were; of who observes. */
  readonly observed?: ObservedQueue;
  /** How live callers and call-backs share the operators, where a rule was set. */
  readonly sharing?: SharingView;
}

/** Could be rung this moment: what the store's own check comes to, seen from outside. */
export function readyForVoice(operator: OperatorView): boolean {
  return (
    operator.signedIn &&
    operator.presence === 'ready' &&
    operator.reachable &&
    operator.setAsideUntilMs === undefined &&
    operator.notReadyNext === undefined &&
    !operator.outsideCall &&
    operator.work.voice === 'idle'
  );
}

/** Serves contacts of voice now, busy with one or not. */
export function onDutyForVoice(operator: OperatorView): boolean {
  return operator.signedIn && operator.presence === 'ready' && operator.reachable && (operator.capacity.voice ?? 0) > 0;
}

export function queueNow(input: {
  readonly queueId: string;
  readonly name: string;
  readonly requirement: RequirementClass;
  readonly waiting: readonly WaitingContact[];
  readonly operators: readonly OperatorView[];
  readonly nowMs: number;
}): QueueNow {
  const waiting = input.waiting.filter((contact) => contact.queueId === input.queueId);
  const able = input.operators.filter((operator) => canServe(operator.skills, input.requirement));
  return {
    queueId: input.queueId,
    name: input.name,
    waiting: waiting.length,
    offered: waiting.filter((contact) => contact.offerId !== undefined).length,
    longestWaitMs: Math.max(0, ...waiting.map((contact) => input.nowMs - contact.enqueuedAtMs)),
    readyOperators: able.filter(readyForVoice).length,
    signedInOperators: able.filter((operator) => operator.signedIn).length,
  };
}
