import type { ContactView, WaitingContact } from '../../acd/index.ts';
import type { ContactId } from '../../foundation/index.ts';
import type { QueueState } from './queue-state.ts';
import type { WaitingRecord } from './waiting-room.ts';

export function waitingContact(contact: WaitingRecord, position: number): WaitingContact {
  return {
    contactId: contact.contactId,
    queueId: contact.queueId,
    lineId: contact.lineId,
    classId: contact.requirement.classId,
    score: contact.score,
    enqueuedAtMs: contact.enqueuedAtMs,
    position,
    headStartMs: contact.headStartMs,
    ...(contact.offerId === undefined ? {} : { offerId: contact.offerId }),
  };
}

export function contactView(state: QueueState, contactId: ContactId): ContactView | undefined {
  const contact = state.room.records.get(contactId);
  const position = state.room.position(contactId);
  if (contact === undefined || position === undefined) return undefined;
  const { requirement, preferred } = contact;
  return {
    ...waitingContact(contact, position),
    medium: contact.medium,
    requirement,
    steps: contact.steps.map((step) => ({
      classId: step.requirement.classId,
      state: step.state,
      dueAtMs: step.dueAtMs,
      ...(step.considerIf === undefined ? {} : { considerIf: step.considerIf }),
    })),
    excluded: [...contact.excluded],
    exclusionsCount: contact.excluded.length > 0 && state.exclusionsCount(contact),
    ...(preferred === undefined ? {} : { preferred }),
    qualified: {
      loggedIn: state.pool.qualified(requirement, 'loggedIn'),
      onDuty: state.pool.qualified(requirement, 'onDuty'),
    },
  };
}
