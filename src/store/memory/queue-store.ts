import type {
  EnqueueRequest,
  Medium,
  OfferFailure,
  OperatorRegistration,
  OperatorView,
  Presence,
  QueueMoveKind,
  QueueStore,
  Reservation,
  WaitingContact,
} from '../../acd/index.ts';
import type { TimelineEntry } from '../../contact/store-ports.ts';
import { type CommandMeta, type ContactId, newId, type OfferId, type OperatorId } from '../../foundation/index.ts';
import type { EventLog } from './event-log.ts';
import type { Inbox } from './inbox.ts';
import { available, OperatorPool, type OperatorRecord, operatorView } from './operator-pool.ts';
import { RankedSet } from './ranked-set.ts';
import { type WaitingRecord, WaitingRoom } from './waiting-room.ts';

interface Offer {
  readonly offerId: OfferId;
  readonly contactId: ContactId;
  readonly operatorId: OperatorId;
}

interface Move {
  readonly kind: QueueMoveKind;
  readonly nowMs: number;
  readonly contactId?: ContactId;
  readonly operatorId?: OperatorId;
  readonly facts?: TimelineEntry['facts'];
  readonly by?: CommandMeta | undefined;
}

interface MatchOptions {
  readonly nowMs: number;
  readonly leaseMs: number;
}

/** In the order in which a free operator is given contacts. */
const media: readonly Medium[] = ['voice', 'chat'];

/** The queue in memory: the twin of the Redis store, verb by verb. */
export class MemoryQueueStore implements QueueStore {
  readonly #events: EventLog;
  readonly #inbox: Inbox;
  readonly #pool = new OperatorPool();
  readonly #room = new WaitingRoom();
  readonly #offers = new Map<OfferId, Offer>();
  /** Offers whose conversations last, so that a repeated `offerAnswered` is told from a late one. */
  readonly #answered = new Set<OfferId>();
  readonly #offersDue = new RankedSet<OfferId>();
  readonly #setAsidesDue = new RankedSet<OperatorId>();
  readonly #dueListeners = new Set<(dueAtMs: number) => void>();

  constructor(events: EventLog, inbox: Inbox) {
    this.#events = events;
    this.#inbox = inbox;
  }

  async registerOperator(registration: OperatorRegistration, nowMs: number, by?: CommandMeta): Promise<void> {
    const operator = this.#pool.register(registration);
    this.#publish({
      kind: 'operatorRegistered',
      nowMs,
      operatorId: operator.operatorId,
      facts: { extension: operator.extension, profileId: operator.profileId },
      by,
    });
  }

  async removeOperator(
    operatorId: OperatorId,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'removed' | 'busy' | 'unknownOperator'> {
    const operator = this.#pool.records.get(operatorId);
    if (operator === undefined) return 'unknownOperator';
    if (operator.holds.size > 0) return 'busy';
    this.#pool.remove(operator);
    this.#setAsidesDue.delete(operatorId);
    this.#publish({ kind: 'operatorRemoved', nowMs, operatorId, by });
    return 'removed';
  }

  async signIn(operatorId: OperatorId, nowMs: number, by?: CommandMeta): Promise<'done' | 'unknownOperator'> {
    const operator = this.#pool.records.get(operatorId);
    if (operator === undefined) return 'unknownOperator';
    if (operator.signedIn) return 'done';
    operator.signedIn = true;
    this.#setPresence(operator, 'notReady', { reason: 'signedIn', nowMs });
    this.#publish({ kind: 'operatorSignedIn', nowMs, operatorId, by });
    return 'done';
  }

  async signOut(operatorId: OperatorId, nowMs: number, by?: CommandMeta): ReturnType<QueueStore['signOut']> {
    const operator = this.#pool.records.get(operatorId);
    if (operator === undefined) return { outcome: 'unknownOperator' };
    if (!operator.signedIn) return { outcome: 'done', givenBack: [] };
    operator.signedIn = false;
    this.#setPresence(operator, 'loggedOff', { nowMs });
    this.#publish({ kind: 'operatorSignedOut', nowMs, operatorId, by });
    const givenBack: ContactId[] = [];
    for (const [contactId, hold] of operator.holds) {
      const offer = hold.state === 'offered' ? this.#offers.get(hold.offerId) : undefined;
      if (offer === undefined) continue;
      this.#withdrawOffer(offer, 'operatorGone', nowMs, by);
      givenBack.push(contactId);
    }
    return { outcome: 'done', givenBack };
  }

  async setPresence(
    operatorId: OperatorId,
    presence: Presence,
    options: { readonly reason?: string; readonly nowMs: number },
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'> {
    const operator = this.#pool.records.get(operatorId);
    if (operator === undefined) return 'unknownOperator';
    if (!operator.signedIn) return 'notSignedIn';
    this.#setPresence(operator, presence, options);
    const facts = { presence, ...(operator.notReadyReason === undefined ? {} : { why: operator.notReadyReason }) };
    this.#publish({ kind: 'presenceChanged', nowMs: options.nowMs, operatorId, facts, by });
    return 'done';
  }

  async setReachable(
    operatorId: OperatorId,
    reachable: boolean,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator'> {
    const operator = this.#pool.records.get(operatorId);
    if (operator === undefined) return 'unknownOperator';
    if (operator.reachable === reachable) return 'done';
    operator.reachable = reachable;
    this.#pool.place(operator);
    this.#publish({ kind: 'reachabilityChanged', nowMs, operatorId, facts: { reachable }, by });
    return 'done';
  }

  async enqueue(request: EnqueueRequest, nowMs: number, by?: CommandMeta): Promise<'enqueued' | 'alreadyQueued'> {
    if (this.#room.records.has(request.contactId)) return 'alreadyQueued';
    this.#room.enter(request);
    const { contactId, queueId, lineId, medium, score, enqueuedAtMs } = request;
    const facts = { queueId, lineId, medium, classId: request.requirement.classId, score, enqueuedAtMs };
    this.#publish({ kind: 'contactEnqueued', nowMs, contactId, facts, by });
    return 'enqueued';
  }

  async withdraw(contactId: ContactId, nowMs: number, by?: CommandMeta): ReturnType<QueueStore['withdraw']> {
    const contact = this.#room.records.get(contactId);
    if (contact === undefined) return { outcome: 'notQueued' };
    const offer = contact.offerId === undefined ? undefined : this.#offers.get(contact.offerId);
    if (offer !== undefined) this.#dropOffer(offer, { nowMs, setAsideMs: 0 });
    this.#room.leave(contact);
    const who = offer === undefined ? {} : { operatorId: offer.operatorId };
    this.#publish({ kind: 'contactWithdrawn', nowMs, contactId, ...who, facts: { queueId: contact.queueId }, by });
    return { outcome: 'withdrawn', ...who };
  }

  async matchContact(contactId: ContactId, options: MatchOptions): Promise<Reservation | undefined> {
    const contact = this.#room.records.get(contactId);
    if (contact === undefined || contact.offerId !== undefined) return undefined;
    const best = this.#pool.best(contactId, contact.requirement, contact.medium);
    if (best === undefined) return undefined;
    return this.#reserve(contact, best.operator, { ...options, trigger: 'contact', passedOver: best.passedOver });
  }

  async matchOperator(operatorId: OperatorId, options: MatchOptions): Promise<Reservation | undefined> {
    const operator = this.#pool.records.get(operatorId);
    if (operator === undefined) return undefined;
    for (const medium of media) {
      if (!available(operator, medium)) continue;
      const best = this.#room.best(operator, medium);
      if (best === undefined) continue;
      return this.#reserve(best.contact, operator, { ...options, trigger: 'operator', passedOver: best.passedOver });
    }
    return undefined;
  }

  async offerAnswered(offerId: OfferId, nowMs: number, by?: CommandMeta): Promise<'connected' | 'staleOffer'> {
    const offer = this.#offers.get(offerId);
    if (offer === undefined) return this.#answered.has(offerId) ? 'connected' : 'staleOffer';
    const operator = this.#pool.records.get(offer.operatorId);
    const contact = this.#room.records.get(offer.contactId);
    const hold = operator?.holds.get(offer.contactId);
    if (operator === undefined || contact === undefined || hold === undefined) return 'staleOffer';
    this.#offers.delete(offerId);
    this.#offersDue.delete(offerId);
    this.#answered.add(offerId);
    hold.state = 'connected';
    operator.contactsTaken += 1;
    this.#room.leave(contact);
    const { contactId, operatorId } = offer;
    const facts = { offerId, queueId: contact.queueId, waitedMs: nowMs - contact.enqueuedAtMs };
    this.#publish({ kind: 'offerConnected', nowMs, contactId, operatorId, facts, by });
    return 'connected';
  }

  async offerFailed(
    offerId: OfferId,
    failure: OfferFailure,
    options: { readonly nowMs: number; readonly setAsideMs: number },
    by?: CommandMeta,
  ): ReturnType<QueueStore['offerFailed']> {
    const offer = this.#offers.get(offerId);
    if (offer === undefined) return { outcome: 'staleOffer' };
    const { contactId, operatorId } = offer;
    const contact = this.#room.records.get(contactId);
    this.#dropOffer(offer, options);
    if (contact !== undefined) {
      if (failure === 'contactGone') this.#room.leave(contact);
      else this.#room.stand(contact);
    }
    const facts = { offerId, failure, setAsideMs: options.setAsideMs };
    this.#publish({ kind: 'offerGivenBack', nowMs: options.nowMs, contactId, operatorId, facts, by });
    return { outcome: 'givenBack', operatorId, contactId };
  }

  async release(
    operatorId: OperatorId,
    contactId: ContactId,
    options: { readonly nowMs: number; readonly wrapUp: boolean },
    by?: CommandMeta,
  ): Promise<'released' | 'notHolding'> {
    const operator = this.#pool.records.get(operatorId);
    const hold = operator?.holds.get(contactId);
    if (operator === undefined || hold?.state !== 'connected') return 'notHolding';
    this.#answered.delete(hold.offerId);
    if (options.wrapUp) hold.state = 'wrapUp';
    else this.#becomeIdle(operator, contactId, options.nowMs);
    const facts = { wrapUp: options.wrapUp };
    this.#publish({ kind: 'operatorReleased', nowMs: options.nowMs, contactId, operatorId, facts, by });
    return 'released';
  }

  async endWrapUp(
    operatorId: OperatorId,
    contactId: ContactId,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'idle' | 'notInWrapUp'> {
    const operator = this.#pool.records.get(operatorId);
    if (operator?.holds.get(contactId)?.state !== 'wrapUp') return 'notInWrapUp';
    this.#becomeIdle(operator, contactId, nowMs);
    this.#publish({ kind: 'wrapUpOver', nowMs, contactId, operatorId, by });
    return 'idle';
  }

  async expireOffers(nowMs: number): Promise<readonly Reservation[]> {
    const expired: Reservation[] = [];
    for (let due = this.#offersDue.first(); due !== undefined && due.score <= nowMs; due = this.#offersDue.first()) {
      const offer = this.#offers.get(due.id);
      if (offer === undefined) this.#offersDue.delete(due.id);
      else {
        this.#withdrawOffer(offer, 'leaseExpired', nowMs);
        expired.push({ contactId: offer.contactId, offerId: offer.offerId, operatorId: offer.operatorId });
      }
    }
    return expired;
  }

  async nextDueMs(): Promise<number | undefined> {
    const offers = this.#offersDue.first()?.score ?? Number.POSITIVE_INFINITY;
    const setAsides = this.#setAsidesDue.first()?.score ?? Number.POSITIVE_INFINITY;
    const next = Math.min(offers, setAsides);
    return Number.isFinite(next) ? next : undefined;
  }

  async releaseDue(nowMs: number): Promise<readonly OperatorId[]> {
    const released: OperatorId[] = [];
    for (
      let due = this.#setAsidesDue.first();
      due !== undefined && due.score <= nowMs;
      due = this.#setAsidesDue.first()
    ) {
      const operator = this.#pool.records.get(due.id);
      this.#setAsidesDue.delete(due.id);
      if (operator === undefined) continue;
      operator.setAsideUntilMs = undefined;
      this.#pool.place(operator);
      this.#publish({ kind: 'setAsideEnded', nowMs, operatorId: due.id });
      released.push(due.id);
    }
    return released;
  }

  async watchDue(listener: (dueAtMs: number | undefined) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#dueListeners.add(listener);
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#dueListeners.delete(listener);
  }

  async position(contactId: ContactId): Promise<number | undefined> {
    return this.#room.position(contactId);
  }

  async operators(): Promise<readonly OperatorView[]> {
    return [...this.#pool.records.values()]
      .sort((a, b) => (a.operatorId < b.operatorId ? -1 : 1))
      .map((operator) => operatorView(operator));
  }

  async operator(operatorId: OperatorId): Promise<OperatorView | undefined> {
    const operator = this.#pool.records.get(operatorId);
    return operator === undefined ? undefined : operatorView(operator);
  }

  async waiting(): Promise<readonly WaitingContact[]> {
    return [...this.#room.inOrder()].map(({ contact, position }) => ({
      contactId: contact.contactId,
      queueId: contact.queueId,
      lineId: contact.lineId,
      classId: contact.requirement.classId,
      score: contact.score,
      enqueuedAtMs: contact.enqueuedAtMs,
      position,
      ...(contact.offerId === undefined ? {} : { offerId: contact.offerId }),
    }));
  }

  #reserve(
    contact: WaitingRecord,
    operator: OperatorRecord,
    match: MatchOptions & { readonly trigger: 'contact' | 'operator'; readonly passedOver: number },
  ): Reservation {
    const { contactId } = contact;
    const { operatorId, extension } = operator;
    const offerId = newId<OfferId>('o', match.nowMs);
    const expiresAtMs = match.nowMs + match.leaseMs;
    const why = {
      strategy: contact.requirement.strategy,
      classId: contact.requirement.classId,
      profileId: operator.profileId,
      trigger: match.trigger,
      passedOver: match.passedOver,
      waitedMs: match.nowMs - contact.enqueuedAtMs,
      idleMs: match.nowMs - (operator.readySinceMs ?? match.nowMs),
    };
    this.#room.offered(contact, offerId);
    operator.holds.set(contactId, { medium: contact.medium, offerId, state: 'offered' });
    this.#pool.place(operator);
    this.#offers.set(offerId, { offerId, contactId, operatorId });
    this.#becomesDue(this.#offersDue, offerId, expiresAtMs);
    const facts = { offerId, queueId: contact.queueId, expiresAtMs, ...why };
    this.#publish({ kind: 'offerReserved', nowMs: match.nowMs, contactId, operatorId, facts });
    this.#inbox.append(contact.shard, {
      type: 'offerMade',
      contactId,
      offerId,
      operatorId,
      extension,
      expiresAtMs,
      atMs: match.nowMs,
      why,
    });
    return { contactId, offerId, operatorId };
  }

  /** The offer is over without an answer: the operator is free of it, the contact is the caller's to place. */
  #dropOffer(offer: Offer, options: { readonly nowMs: number; readonly setAsideMs: number }): void {
    this.#offers.delete(offer.offerId);
    this.#offersDue.delete(offer.offerId);
    const operator = this.#pool.records.get(offer.operatorId);
    if (operator === undefined) return;
    operator.holds.delete(offer.contactId);
    if (options.setAsideMs > 0) {
      const untilMs = options.nowMs + options.setAsideMs;
      operator.setAsideUntilMs = untilMs;
      // Back at the end of the line: who misses offers must not be the first to be tried with the next caller.
      if (operator.presence === 'ready') operator.readySinceMs = untilMs;
      this.#becomesDue(this.#setAsidesDue, offer.operatorId, untilMs);
    }
    this.#pool.place(operator);
  }

  /** Gives both back and tells the contact's owner. */
  #withdrawOffer(offer: Offer, reason: 'leaseExpired' | 'operatorGone', nowMs: number, by?: CommandMeta): void {
    const { offerId, contactId, operatorId } = offer;
    this.#dropOffer(offer, { nowMs, setAsideMs: 0 });
    const contact = this.#room.records.get(contactId);
    if (contact !== undefined) {
      this.#room.stand(contact);
      this.#inbox.append(contact.shard, { type: 'offerWithdrawn', contactId, offerId, reason, atMs: nowMs });
    }
    this.#publish({ kind: 'offerGivenBack', nowMs, contactId, operatorId, facts: { offerId, failure: reason }, by });
  }

  #setPresence(
    operator: OperatorRecord,
    presence: Presence,
    options: { readonly reason?: string; readonly nowMs: number },
  ): void {
    if (presence !== 'ready') operator.readySinceMs = undefined;
    else if (operator.presence !== 'ready') operator.readySinceMs = options.nowMs;
    operator.presence = presence;
    operator.notReadyReason = presence === 'notReady' ? options.reason : undefined;
    this.#pool.place(operator);
  }

  #becomeIdle(operator: OperatorRecord, contactId: ContactId, nowMs: number): void {
    operator.holds.delete(contactId);
    if (operator.presence === 'ready') operator.readySinceMs = nowMs;
    this.#pool.place(operator);
  }

  #becomesDue<Id extends string>(due: RankedSet<Id>, id: Id, atMs: number): void {
    due.add(id, atMs);
    if (due.first()?.id === id) for (const listener of this.#dueListeners) listener(atMs);
  }

  #publish(move: Move): void {
    const { kind, nowMs, contactId, operatorId, facts, by } = move;
    this.#events.append({
      source: 'queue',
      ...(contactId === undefined ? {} : { contactId }),
      ...(operatorId === undefined ? {} : { operatorId }),
      entry: {
        atMs: nowMs,
        kind,
        facts:
          by === undefined ? { ...facts } : { ...facts, actor: `${by.actor.kind}:${by.actor.id}`, reason: by.reason },
      },
    });
  }
}
