import {
  type ContactView,
  type QueueFigures,
  type QueueStore,
  type Reservation,
  type Sharing,
  type SharingView,
  type StepQuestion,
  shortAbandonMs,
  type WaitingContact,
} from '../../acd/index.ts';
import type { CommandMeta, ContactId, OfferId } from '../../foundation/index.ts';
import { activeStep } from './contact-steps.ts';
import { MatchVerbs } from './match-verbs.ts';
import { available, media, settleTime } from './operator-pool.ts';
import { dueIn } from './operator-verbs.ts';
import { stepsOf } from './waiting-room.ts';
import { contactView, waitingContact } from './waiting-views.ts';

/** The queue in memory: the twin of the Redis store, verb by verb. */
export class MemoryQueueStore extends MatchVerbs implements QueueStore {
  async moveContact(
    contactId: ContactId,
    to: Parameters<QueueStore['moveContact']>[1],
    nowMs: number,
    by?: CommandMeta,
  ): ReturnType<QueueStore['moveContact']> {
    const { room } = this.state;
    const contact = room.records.get(contactId);
    if (contact === undefined) return { outcome: 'notQueued' };
    this.state.define([to.requirement, ...(to.laterSteps ?? []).map((step) => step.requirement)], nowMs);
    const offer = contact.offerId === undefined ? undefined : this.state.offers.get(contact.offerId);
    if (offer !== undefined) this.state.withdrawOffer(offer, 'staffAction', { nowMs, by });
    room.stopStanding(contact);
    room.leaveQueue(contact);
    const from = contact.queueId;
    const { queueId, requirement, score, headStartMs = 0 } = to;
    const steps = stepsOf(to, contact.enqueuedAtMs);
    room.enter(Object.assign(contact, { queueId, requirement, score, headStartMs, steps, preferred: undefined }));
    this.state.inbox.append(contact.shard, { type: 'contactMoved', contactId, queueId, atMs: nowMs });
    const facts = { from, queueId, classId: requirement.classId, score };
    this.state.publish({ kind: 'contactMoved', nowMs, contactId, facts, by });
    this.state.examineNow(contact, { nowMs, by });
    return { outcome: 'moved', ...(offer === undefined ? {} : { operatorId: offer.operatorId }) };
  }

  async setHeadStart(
    contactId: ContactId,
    place: { readonly score: number; readonly headStartMs: number },
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'notQueued'> {
    const contact = this.state.room.records.get(contactId);
    if (contact === undefined) return 'notQueued';
    contact.headStartMs = place.headStartMs;
    this.state.room.rescore(contact, place.score);
    const facts = { queueId: contact.queueId, ...place };
    this.state.publish({ kind: 'priorityChanged', nowMs, contactId, facts, by });
    return 'done';
  }

  async withdraw(
    contactId: ContactId,
    nowMs: number,
    by?: CommandMeta,
    tellOwner?: 'tellOwner',
  ): ReturnType<QueueStore['withdraw']> {
    const contact = this.state.room.records.get(contactId);
    if (contact === undefined) return { outcome: 'notQueued' };
    const { queueId } = contact;
    const offer = contact.offerId === undefined ? undefined : this.state.offers.get(contact.offerId);
    if (offer !== undefined) this.state.dropOffer(offer, { nowMs, setAsideMs: 0, by });
    this.state.leaveQueue(contact);
    if (contact.kind === undefined && nowMs - contact.enqueuedAtMs > shortAbandonMs) {
      this.state.keepMean('serviceLevel', queueId, 0);
    }
    if (tellOwner !== undefined) {
      this.state.inbox.append(contact.shard, { type: 'contactWithdrawn', contactId, atMs: nowMs });
    }
    const who = offer === undefined ? {} : { operatorId: offer.operatorId };
    this.state.publish({ kind: 'contactWithdrawn', nowMs, contactId, ...who, facts: { queueId }, by });
    return { outcome: 'withdrawn', ...who };
  }

  async setSharing(queueId: string, rule: Sharing, nowMs: number): Promise<void> {
    const { rules } = this.state.callBacks;
    // What is saved up stays.
    rules.set(queueId, { rule, reserved: rules.get(queueId)?.reserved ?? { availableMs: 0, atMs: nowMs } });
  }

  async sharing(): Promise<ReadonlyMap<string, SharingView>> {
    return new Map(
      [...this.state.callBacks.rules].map(([queueId, { rule, reserved }]) => [
        queueId,
        { ...rule, reservedMs: reserved.availableMs, callBacks: this.state.room.waitingCallBacks(queueId) },
      ]),
    );
  }

  async offerAnswered(offerId: OfferId, nowMs: number, by?: CommandMeta): Promise<'connected' | 'staleOffer'> {
    const offer = this.state.offers.get(offerId);
    if (offer === undefined) return this.answered.has(offerId) ? 'connected' : 'staleOffer';
    const { contactId, operatorId } = offer;
    const operator = this.operatorOf(operatorId);
    const contact = this.state.room.records.get(contactId);
    const hold = operator?.holds.get(contactId);
    if (operator === undefined || contact === undefined || hold === undefined) return 'staleOffer';
    this.state.offers.delete(offerId);
    this.state.due.offers.delete(offerId);
    this.answered.add(offerId);
    Object.assign(hold, { state: 'connected', sinceMs: nowMs });
    operator.contactsTaken += 1;
    operator.missedOffers = 0;
    settleTime(operator, nowMs);
    // Who may be offered something else beside it stands by what he has taken by now.
    if (media.some((medium) => available(operator, medium))) this.state.place(operator, nowMs);
    const isInTime = nowMs <= contact.score + contact.headStartMs;
    if (contact.kind === undefined) this.state.keepMean('serviceLevel', contact.queueId, isInTime ? 1 : 0);
    this.state.leaveQueue(contact);
    if (contact.steps.length > 0) activeStep(contact.steps).state = 'served';
    const facts = {
      ...{ offerId, queueId: contact.queueId, waitedMs: nowMs - contact.enqueuedAtMs },
      ...(contact.steps.length === 0 ? {} : { steps: contact.steps.map((step) => step.state) }),
    };
    this.state.publish({ kind: 'offerConnected', nowMs, contactId, operatorId, facts, by });
    return 'connected';
  }

  async expireOffers(nowMs: number): Promise<readonly Reservation[]> {
    const expired: Reservation[] = [];
    for (const offerId of dueIn(this.state.due.offers, nowMs)) {
      const offer = this.state.offers.get(offerId);
      if (offer === undefined) continue;
      this.state.withdrawOffer(offer, 'leaseExpired', { nowMs });
      expired.push({ contactId: offer.contactId, offerId, operatorId: offer.operatorId });
    }
    return expired;
  }

  async takeDueContacts(nowMs: number): ReturnType<QueueStore['takeDueContacts']> {
    const contacts = dueIn(this.state.due.contacts, nowMs);
    const questions: StepQuestion[] = [];
    for (const contactId of contacts) {
      const contact = this.state.room.records.get(contactId);
      if (contact === undefined) continue;
      const step = this.state.examine(contact, { nowMs });
      const condition = step === undefined ? undefined : contact.steps[step - 1]?.considerIf;
      if (step === undefined || condition === undefined || condition === 'anyQualified') continue;
      questions.push({ contactId, queueId: contact.queueId, step, condition });
    }
    return { contacts, questions };
  }

  async answerStep(
    question: Pick<StepQuestion, 'contactId' | 'step'>,
    isMet: boolean,
    nowMs: number,
  ): Promise<'taken' | 'stale'> {
    const contact = this.state.room.records.get(question.contactId);
    const { step } = question;
    if (contact === undefined || contact.steps.findIndex((each) => each.state === 'ahead') !== step - 1) return 'stale';
    if (step === 0) return 'stale';
    if (this.state.examine(contact, { nowMs }, { step, isMet }) !== undefined) {
      this.state.becomesDue('contacts', contact.contactId, nowMs);
    }
    return 'taken';
  }

  async nextDueMs(): Promise<number | undefined> {
    const firsts = Object.values(this.state.due).map((due) => due.first()?.score ?? Number.POSITIVE_INFINITY);
    const next = Math.min(...firsts);
    return Number.isFinite(next) ? next : undefined;
  }

  async watchDue(listener: (dueAtMs: number | undefined) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.state.dueListeners.add(listener);
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.state.dueListeners.delete(listener);
  }

  async forgetClasses(keep: readonly string[], _nowMs: number): Promise<number> {
    const { forgotten, strategies } = this.state.room.forgetClasses(new Set(keep));
    if (forgotten > 0) this.state.pool.keepStrategies(strategies);
    return forgotten;
  }

  async position(contactId: ContactId): Promise<number | undefined> {
    return this.state.room.position(contactId);
  }

  async waiting(): Promise<readonly WaitingContact[]> {
    return [...this.state.room.inOrder()].map(({ contact, position }) => waitingContact(contact, position));
  }

  async contact(contactId: ContactId): Promise<ContactView | undefined> {
    return contactView(this.state, contactId);
  }

  async figures(): Promise<ReadonlyMap<string, QueueFigures>> {
    return new Map(this.state.figures);
  }
}
