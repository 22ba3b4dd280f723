import { type ContactsAhead, type ContactView, canServe, contactsAhead, type WaitingContact } from '../../acd/index.ts';
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
  const ahead = contact.kind === undefined ? contactsAhead(aheadOf(state, contact)) : position - 1;
  return {
    ...waitingContact(contact, position),
    medium: contact.medium,
    ahead,
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

/** Those on the line who stand before the contact, class by class: the twin of contacts-ahead.lua. */
function aheadOf({ room, pool }: QueueState, contact: WaitingRecord): readonly ContactsAhead[] {
  const { medium, score, requirement } = contact;
  const onDuty = [...pool.records.values()].filter(({ duty }) => duty === 'onDuty');
  return [...room.headsOf(medium)].flatMap(({ id: classId }) => {
    const needed = room.requirementOf(classId);
    const contacts = [...room.waitingOf(medium, classId)].filter((other) => other.score < score).length;
    if (needed === undefined || contacts === 0) return [];
    const eligible = onDuty.filter(({ skills }) => canServe(skills, needed));
    const shared = eligible.filter(({ skills }) => canServe(skills, requirement)).length;
    return [{ contacts, eligible: eligible.length, shared }];
  });
}
