import type {
  EnqueueOutcome,
  EnqueueRequest,
  MatchOptions,
  OfferFailure,
  QueueStore,
  Reservation,
} from '../../acd/index.ts';
import type { CommandMeta, ContactId, OfferId, OperatorId } from '../../foundation/index.ts';
import { bestContactFor, bestOperatorsFor } from './looks.ts';
import { available, media } from './operator-pool.ts';
import { OperatorVerbs } from './operator-verbs.ts';
import { stepsOf, type WaitingRecord } from './waiting-room.ts';

const nobodyPassedOver = { unfit: 0, excluded: 0, holding: 0 } as const;

/** The verbs that reserve, and those that go with them: the part of the twin that stands for the Redis store's `MatchVerbs`. */
export class MatchVerbs extends OperatorVerbs {
  async enqueue(request: EnqueueRequest, nowMs: number, by?: CommandMeta): Promise<EnqueueOutcome> {
    return this.#enqueue(request, nowMs, by);
  }

  async enqueueAndMatch(
    request: EnqueueRequest,
    options: MatchOptions,
    by?: CommandMeta,
  ): ReturnType<QueueStore['enqueueAndMatch']> {
    const outcome = this.#enqueue(request, options.nowMs, by);
    if (outcome !== 'enqueued' && outcome !== 'alreadyQueued') return { outcome };
    const reservation = this.#matchContact(request.contactId, options);
    const position = this.state.room.position(request.contactId);
    return { outcome, ...(position === undefined ? {} : { position }), ...made(reservation) };
  }

  #enqueue(request: EnqueueRequest, nowMs: number, by?: CommandMeta): EnqueueOutcome {
    const { room } = this.state;
    const { contactId, queueId, lineId, medium, score, enqueuedAtMs, preferred, limits, kind } = request;
    if (room.records.has(contactId)) return 'alreadyQueued';
    const needed = [request.requirement, ...(request.laterSteps ?? []).map((step) => step.requirement)];
    this.state.define(needed, nowMs);
    if (limits?.length !== undefined && room.inQueue(queueId) >= limits.length) return 'queueFull';
    if (limits?.loggedIn === true && needed.every((each) => this.state.qualifiedLoggedIn(each) === 0)) {
      return 'nobodyLoggedIn';
    }
    const contact: WaitingRecord = {
      ...{ contactId, queueId, lineId, medium, score, enqueuedAtMs },
      shard: request.shard,
      kind,
      headStartMs: request.headStartMs ?? 0,
      requirement: request.requirement,
      steps: stepsOf(request, enqueuedAtMs),
      offerId: undefined,
      preferred: preferred && { operatorId: preferred.operatorId, untilMs: nowMs + preferred.forMs },
      excluded: [],
    };
    room.enter(contact);
    const { classId } = request.requirement;
    const facts = {
      ...{ queueId, lineId, medium, classId, score, enqueuedAtMs },
      ...(preferred === undefined ? {} : { preferred: preferred.operatorId }),
      ...(kind === undefined ? {} : { contactKind: kind }),
    };
    this.state.publish({ kind: 'contactEnqueued', nowMs, contactId, facts, by });
    if (contact.steps.length > 0 || contact.preferred !== undefined) this.state.examineNow(contact, { nowMs, by });
    return 'enqueued';
  }

  async matchContact(contactId: ContactId, options: MatchOptions): Promise<Reservation | undefined> {
    return this.#matchContact(contactId, options);
  }

  #matchContact(contactId: ContactId, options: MatchOptions): Reservation | undefined {
    const contact = this.state.room.records.get(contactId);
    if (contact === undefined || contact.offerId !== undefined) return undefined;
    // A call-back gets an operator by the rule of sharing only, in the order of its queue.
    if (contact.kind !== undefined) return this.#matchCallBack(contact.queueId, options);
    const { medium, preferred } = contact;
    const match = { ...options, trigger: 'contact' } as const;
    if (preferred !== undefined) {
      const operator = this.operatorOf(preferred.operatorId);
      if (operator === undefined || !available(operator, medium) || operator.holds.has(contactId)) return undefined;
      return this.state.reserve(contact, operator, { ...match, passedOver: nobodyPassedOver, nextBest: [] });
    }
    const { found, passedOver } = bestOperatorsFor(this.state, contact);
    const [best, ...others] = found.map(({ id }) => id);
    const operator = best === undefined ? undefined : this.operatorOf(best);
    if (operator === undefined) return undefined;
    return this.state.reserve(contact, operator, { ...match, passedOver, nextBest: others, drawn: true });
  }

  async matchOperator(operatorId: OperatorId, options: MatchOptions): Promise<Reservation | undefined> {
    return this.#matchOperator(operatorId, options);
  }

  async releaseAndMatch(
    operatorId: OperatorId,
    contactId: ContactId,
    options: Parameters<QueueStore['releaseAndMatch']>[2],
    by?: CommandMeta,
  ): ReturnType<QueueStore['releaseAndMatch']> {
    const outcome = this.releaseNow(operatorId, contactId, options, by);
    if (outcome !== 'released' || options.wrapUp) return { outcome };
    return { outcome, ...made(this.#matchOperator(operatorId, options)) };
  }

  async endWrapUpAndMatch(
    operatorId: OperatorId,
    contactId: ContactId,
    options: MatchOptions,
    by?: CommandMeta,
    onlyWhenDue?: 'onlyWhenDue',
  ): ReturnType<QueueStore['endWrapUpAndMatch']> {
    const outcome = this.endWrapUpNow(operatorId, contactId, { nowMs: options.nowMs, by }, onlyWhenDue);
    if (outcome !== 'idle') return { outcome };
    return { outcome, ...made(this.#matchOperator(operatorId, options)) };
  }

  #matchOperator(operatorId: OperatorId, options: MatchOptions): Reservation | undefined {
    const { room } = this.state;
    const operator = this.operatorOf(operatorId);
    if (operator === undefined) return undefined;
    for (const medium of media) {
      if (!available(operator, medium)) continue;
      const { found, passedOver } = bestContactFor(this.state, operator, {
        heads: room.headsOf(medium),
        rankedOf: (classId) => room.waitingOf(medium, classId),
      });
      const [preferring] = room.preferring(medium, operatorId);
      const isPreferred =
        preferring !== undefined &&
        (found[0] === undefined || preferring.score <= found[0].score) &&
        !operator.holds.has(preferring.id);
      const picked = isPreferred ? preferring.id : found[0]?.id;
      const now = { medium, liveWaits: picked !== undefined, nowMs: options.nowMs };
      const callBack = this.state.callBacks.forOperator(operator, now);
      if (callBack !== undefined) {
        const { contact, ...why } = callBack;
        return this.state.reserve(contact, operator, { ...options, ...why, nextBest: [] });
      }
      const contact = picked === undefined ? undefined : room.records.get(picked);
      if (contact === undefined) continue;
      return this.state.reserve(contact, operator, { ...options, trigger: 'operator', passedOver, nextBest: [] });
    }
    return undefined;
  }

  async matchCallBack(queueId: string, options: MatchOptions): Promise<Reservation | undefined> {
    return this.#matchCallBack(queueId, options);
  }

  #matchCallBack(queueId: string, options: MatchOptions): Reservation | undefined {
    const match = this.state.callBacks.forQueue(queueId, options.nowMs);
    if (match === undefined) return undefined;
    const { contact, operator, ...why } = match;
    return this.state.reserve(contact, operator, { ...options, ...why, drawn: true });
  }

  async offerFailed(
    offerId: OfferId,
    failure: OfferFailure,
    options: Parameters<QueueStore['offerFailed']>[2],
    by?: CommandMeta,
  ): ReturnType<QueueStore['offerFailed']> {
    return this.#offerFailed(offerId, failure, options, by);
  }

  async offerFailedAndMatch(
    offerId: OfferId,
    failure: OfferFailure,
    options: Parameters<QueueStore['offerFailedAndMatch']>[2],
    by?: CommandMeta,
  ): ReturnType<QueueStore['offerFailedAndMatch']> {
    const failed = this.#offerFailed(offerId, failure, options, by);
    if (failed.outcome === 'staleOffer') return failed;
    const { contactId, operatorId } = failed;
    const contacts = failure === 'contactGone' ? undefined : this.#matchContact(contactId, options);
    const reservations = [contacts, this.#matchOperator(operatorId, options)];
    return { ...failed, reservations: reservations.filter((one) => one !== undefined) };
  }

  #offerFailed(
    offerId: OfferId,
    failure: OfferFailure,
    options: Parameters<QueueStore['offerFailed']>[2],
    by?: CommandMeta,
  ): Awaited<ReturnType<QueueStore['offerFailed']>> {
    const offer = this.state.offers.get(offerId);
    const operator = offer === undefined ? undefined : this.operatorOf(offer.operatorId);
    if (offer === undefined || operator === undefined) return { outcome: 'staleOffer' };
    const { contactId, operatorId } = offer;
    const { nowMs } = options;
    if (failure === 'offerUnanswered') operator.missedOffers += 1;
    const isOneTooMany =
      failure === 'offerUnanswered' &&
      operator.presence === 'ready' &&
      operator.missedOffers >= (options.notReadyAfterMissed ?? Number.POSITIVE_INFINITY);
    const setAsideMs = isOneTooMany ? 0 : options.setAsideMs;
    this.state.dropOffer(offer, { nowMs, setAsideMs, by });
    const contact = this.state.room.records.get(contactId);
    if (contact !== undefined && failure === 'contactGone') this.state.leaveQueue(contact);
    else if (contact !== undefined) {
      if (options.exclude === true && !contact.excluded.includes(operatorId)) contact.excluded.push(operatorId);
      this.state.room.stand(contact);
      if (contact.preferred !== undefined) this.state.examineNow(contact, { nowMs, by });
    }
    const facts = { offerId, failure, setAsideMs };
    this.state.publish({ kind: 'offerGivenBack', nowMs, contactId, operatorId, facts, by });
    // He may have asked for a break already, which began with the end of the offer.
    if (isOneTooMany && this.operatorOf(operatorId)?.presence === 'ready') {
      const presence = this.state.setPresence(operator, 'notReady', { reason: 'rna', nowMs, by });
      operator.missedOffers = 0;
      this.state.publish({ kind: 'presenceChanged', nowMs, operatorId, facts: presence, by });
    }
    return { outcome: 'givenBack', operatorId, contactId };
  }
}

function made(reservation: Reservation | undefined): { readonly reservation?: Reservation } {
  return reservation === undefined ? {} : { reservation };
}
