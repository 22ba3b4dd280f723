import {
  canServe,
  type OperatorStrategy,
  type Presence,
  type QueueFigures,
  type QueueMoveKind,
  type RequirementClass,
  type Reservation,
} from '../../acd/index.ts';
import type { TimelineEntry } from '../../contact/store-ports.ts';
import { type CommandMeta, type ContactId, newId, type OfferId, type OperatorId } from '../../foundation/index.ts';
import type { PassedOver } from './best-members.ts';
import { CallBacks, type SharingTrigger } from './call-backs.ts';
import { activeStep, advance } from './contact-steps.ts';
import type { EventLog } from './event-log.ts';
import type { Inbox } from './inbox.ts';
import { dutyOf, type Hold, media, OperatorPool, type OperatorRecord, settleTime } from './operator-pool.ts';
import { RankedSet } from './ranked-set.ts';
import { type WaitingRecord, WaitingRoom } from './waiting-room.ts';

export interface Offer {
  readonly offerId: OfferId;
  readonly contactId: ContactId;
  readonly operatorId: OperatorId;
}

export interface Move {
  readonly kind: QueueMoveKind;
  readonly nowMs: number;
  readonly contactId?: ContactId;
  readonly operatorId?: OperatorId;
  readonly facts?: TimelineEntry['facts'];
  readonly by?: CommandMeta | undefined;
}

/** When and by whom, of the verb under way. */
export interface Instant {
  readonly nowMs: number;
  readonly by?: CommandMeta | undefined;
}

type DueSet = 'offers' | 'setAsides' | 'wrapUps' | 'contacts';

/** How much a new value counts in a running mean: as in the Lua scripts. */
const freshShare = 0.05;

/** The moves that the verbs are made of: the twin of the parts of the Lua scripts. */
export class QueueState {
  readonly pool = new OperatorPool();
  readonly room = new WaitingRoom();
  readonly offers = new Map<OfferId, Offer>();
  readonly due = {
    offers: new RankedSet<OfferId>(),
    setAsides: new RankedSet<OperatorId>(),
    /** "operatorId contactId". */
    wrapUps: new RankedSet<string>(),
    contacts: new RankedSet<ContactId>(),
  };
  readonly dueListeners = new Set<(dueAtMs: number) => void>();
  readonly figures = new Map<string, QueueFigures>();
  readonly callBacks = new CallBacks(this);
  readonly inbox: Inbox;
  readonly #events: EventLog;

  constructor(events: EventLog, inbox: Inbox) {
    this.#events = events;
    this.inbox = inbox;
  }

  publish(move: Move): void {
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

  becomesDue<Set extends DueSet>(name: Set, id: string, atMs: number): void {
    const due = this.due[name] as RankedSet<string>;
    due.add(id, atMs);
    if (due.first()?.id === id) for (const listener of this.dueListeners) listener(atMs);
  }

  lookAgainAt(contacts: Iterable<{ readonly contactId: ContactId }>, nowMs: number): void {
    for (const { contactId } of contacts) this.becomesDue('contacts', contactId, nowMs);
  }

  /** What a class or a requirement's steps need is known from here on. */
  define(requirements: readonly RequirementClass[], nowMs: number): void {
    for (const requirement of requirements) {
      this.room.define(requirement);
      this.#useStrategy(requirement.strategy, nowMs);
    }
  }

  #useStrategy(strategy: OperatorStrategy, nowMs: number): void {
    if (!this.pool.useStrategy(strategy)) return;
    for (const operator of this.pool.records.values()) this.place(operator, nowMs);
  }

  /** Puts the operator where he belongs after any change of his state. */
  place(operator: OperatorRecord, nowMs: number): void {
    settleTime(operator, nowMs);
    this.#changeDuty(operator, dutyOf(operator), nowMs);
    this.pool.place(operator);
  }

  /** Before the operator's profile changes or he is forgotten. */
  leaveDuty(operator: OperatorRecord, nowMs: number): void {
    this.#changeDuty(operator, 'none', nowMs);
  }

  #changeDuty(operator: OperatorRecord, duty: OperatorRecord['duty'], nowMs: number): void {
    const before = operator.duty;
    if (before === duty) return;
    operator.duty = duty;
    if (duty === 'none') {
      // The last one has gone: steps that ask for anybody qualified are over.
      const left = this.room
        .skippable()
        .filter(
          ({ requirement }) => canServe(operator.skills, requirement) && this.qualifiedLoggedIn(requirement) === 0,
        );
      this.lookAgainAt(left, nowMs);
    }
    // With fewer to choose from, somebody excluded may be the only one left.
    if (before === 'onDuty') this.lookAgainAt(this.room.withExclusions(), nowMs);
  }

  qualifiedLoggedIn(requirement: RequirementClass): number {
    return this.pool.qualified(requirement, 'loggedIn');
  }

  lookAtThoseWhoPrefer(operatorId: OperatorId, nowMs: number): void {
    for (const medium of media) {
      const contacts = this.room.preferring(medium, operatorId).map(({ id }) => ({ contactId: id }));
      this.lookAgainAt(contacts, nowMs);
    }
  }

  /** Returns the facts of the event that the caller publishes. */
  setPresence(
    operator: OperatorRecord,
    presence: Presence,
    options: Instant & { readonly reason?: string | undefined },
  ): TimelineEntry['facts'] {
    const { nowMs, by } = options;
    const { operatorId } = operator;
    const before = operator.presence;
    operator.presence = presence;
    operator.notReadyNext = undefined;
    if (presence !== 'ready') {
      operator.readySinceMs = undefined;
      this.lookAtThoseWhoPrefer(operatorId, nowMs);
    } else {
      operator.missedOffers = 0;
      const lifted = this.liftSetAside(operator);
      if (before !== 'ready' || lifted) operator.readySinceMs = nowMs;
      if (lifted) this.publish({ kind: 'setAsideEnded', nowMs, operatorId, facts: { lifted }, by });
    }
    const reason = presence === 'notReady' && options.reason ? options.reason : undefined;
    operator.notReadyReason = reason;
    this.place(operator, nowMs);
    return { presence, ...(reason === undefined ? {} : { why: reason }) };
  }

  liftSetAside(operator: OperatorRecord): boolean {
    this.due.setAsides.delete(operator.operatorId);
    const lifted = operator.setAsideUntilMs !== undefined;
    operator.setAsideUntilMs = undefined;
    return lifted;
  }

  /** He has one contact less: to his place, or to the break he has asked for when it was the last. */
  afterHold(operator: OperatorRecord, { nowMs, by }: Instant): void {
    const { notReadyNext: reason, operatorId } = operator;
    if (reason === undefined || operator.holds.size > 0) {
      this.place(operator, nowMs);
      return;
    }
    const facts = this.setPresence(operator, 'notReady', { nowMs, reason, by });
    this.publish({ kind: 'presenceChanged', nowMs, operatorId, facts, by });
  }

  becomeIdle(operator: OperatorRecord, contactId: ContactId, at: Instant): void {
    const hold = operator.holds.get(contactId);
    operator.holds.delete(contactId);
    this.due.wrapUps.delete(`${operator.operatorId} ${contactId}`);
    if (hold?.sinceMs !== undefined) this.keepMean('handlingMs', hold.queueId, at.nowMs - hold.sinceMs);
    if (operator.presence === 'ready') operator.readySinceMs = at.nowMs;
    this.afterHold(operator, at);
  }

  keepMean(figure: keyof QueueFigures, queueId: string, value: number): void {
    const figures = this.figures.get(queueId);
    const mean = figures?.[figure] ?? value;
    const kept = Math.round((mean + freshShare * (value - mean)) * 1e6) / 1e6;
    this.figures.set(queueId, { ...figures, [figure]: kept });
  }

  /** The offer is over without an answer: the operator is free of it, the contact is the caller's to place. */
  dropOffer(offer: Offer, options: Instant & { readonly setAsideMs: number }): void {
    const { nowMs, setAsideMs } = options;
    this.offers.delete(offer.offerId);
    this.due.offers.delete(offer.offerId);
    const operator = this.pool.records.get(offer.operatorId);
    if (operator === undefined) return;
    operator.holds.delete(offer.contactId);
    if (setAsideMs > 0) {
      const untilMs = nowMs + setAsideMs;
      operator.setAsideUntilMs = untilMs;
      // Back at the end of the line: who misses offers must not be the first to be tried with the next caller.
      if (operator.presence === 'ready') operator.readySinceMs = untilMs;
      this.becomesDue('setAsides', offer.operatorId, untilMs);
    }
    this.afterHold(operator, options);
  }

  /** Gives both back and tells the contact's owner. */
  withdrawOffer(offer: Offer, reason: 'leaseExpired' | 'operatorGone' | 'staffAction', at: Instant): void {
    const { offerId, contactId, operatorId } = offer;
    this.dropOffer(offer, { ...at, setAsideMs: 0 });
    const contact = this.room.records.get(contactId);
    if (contact !== undefined) {
      this.room.stand(contact);
      this.inbox.append(contact.shard, { type: 'offerWithdrawn', contactId, offerId, reason, atMs: at.nowMs });
    }
    this.publish({ kind: 'offerGivenBack', ...at, contactId, operatorId, facts: { offerId, failure: reason } });
  }

  /** Withdraws every live offer of an operator; returns the contacts, which are to be matched again. */
  withdrawOffersOf(operatorId: OperatorId, reason: 'operatorGone' | 'staffAction', at: Instant): ContactId[] {
    const givenBack: ContactId[] = [];
    for (const [contactId, hold] of this.pool.records.get(operatorId)?.holds ?? []) {
      const offer = hold.state === 'offered' ? this.offers.get(hold.offerId) : undefined;
      if (offer === undefined) continue;
      this.withdrawOffer(offer, reason, at);
      givenBack.push(contactId);
    }
    return givenBack;
  }

  /** Whether anybody on duty who is not excluded can serve the contact: if not, exclusions do not count. */
  exclusionsCount(contact: WaitingRecord): boolean {
    const excluded = contact.excluded.filter((operatorId) => {
      const operator = this.pool.records.get(operatorId);
      return operator?.duty === 'onDuty' && canServe(operator.skills, contact.requirement);
    });
    return this.pool.qualified(contact.requirement, 'onDuty') > excluded.length;
  }

  isExcluded(contact: WaitingRecord, operatorId: OperatorId): boolean {
    return contact.excluded.includes(operatorId) && this.exclusionsCount(contact);
  }

  leaveQueue(contact: WaitingRecord): void {
    this.room.leave(contact);
    this.due.contacts.delete(contact.contactId);
  }

  /** Brings the contact up to now: preference, steps, and when to look again. Returns the step the caller must judge. */
  examine(
    contact: WaitingRecord,
    at: Instant,
    answer?: { readonly step: number; readonly isMet: boolean },
  ): number | undefined {
    const { nowMs } = at;
    const { contactId } = contact;
    const standing = contact.offerId === undefined;
    if (standing) this.room.stopStanding(contact);
    if (contact.preferred !== undefined && this.#isPreferenceOver(contact, nowMs)) {
      const facts = { preferred: contact.preferred.operatorId };
      contact.preferred = undefined;
      this.publish({ kind: 'preferenceOver', ...at, contactId, facts });
    }
    let question: number | undefined;
    if (contact.steps.length > 0) {
      const qualifiedLoggedIn = (requirement: RequirementClass): number => this.qualifiedLoggedIn(requirement);
      const advanced = advance(contact.steps, { nowMs, qualifiedLoggedIn, answer });
      question = advanced.question;
      if (advanced.changed) {
        const active = activeStep(contact.steps);
        contact.requirement = active.requirement;
        const facts = {
          step: contact.steps.indexOf(active) + 1,
          classId: contact.requirement.classId,
          steps: contact.steps.map((step) => step.state),
        };
        this.publish({ kind: 'stepTaken', ...at, contactId, facts });
      }
    }
    if (standing) this.room.stand(contact);
    if (question === undefined) this.#reschedule(contact);
    return question;
  }

  /** `examine`, with a question left due for whoever can answer it. */
  examineNow(contact: WaitingRecord, at: Instant): void {
    if (this.examine(contact, at) !== undefined) this.becomesDue('contacts', contact.contactId, at.nowMs);
  }

  #isPreferenceOver(contact: WaitingRecord, nowMs: number): boolean {
    const { preferred } = contact;
    if (preferred === undefined || nowMs >= preferred.untilMs) return true;
    const operator = this.pool.records.get(preferred.operatorId);
    if (operator === undefined || !operator.signedIn || operator.presence !== 'ready') return true;
    return contact.excluded.includes(preferred.operatorId) || !canServe(operator.skills, contact.requirement);
  }

  #reschedule(contact: WaitingRecord): void {
    const ahead = contact.steps.find((step) => step.state === 'ahead')?.dueAtMs ?? Number.POSITIVE_INFINITY;
    const nextMs = Math.min(ahead, contact.preferred?.untilMs ?? Number.POSITIVE_INFINITY);
    if (Number.isFinite(nextMs)) this.becomesDue('contacts', contact.contactId, nextMs);
    else this.due.contacts.delete(contact.contactId);
  }

  reserve(
    contact: WaitingRecord,
    operator: OperatorRecord,
    match: {
      readonly nowMs: number;
      readonly leaseMs: number;
      readonly trigger: 'contact' | 'operator' | SharingTrigger;
      /** He was picked from among those who could serve. */
      readonly drawn?: true;
      readonly passedOver: PassedOver;
      readonly nextBest: readonly string[];
    },
  ): Reservation {
    const { contactId, medium, shard, queueId } = contact;
    const { operatorId, extension } = operator;
    const { nowMs } = match;
    const offerId = newId<OfferId>('o', nowMs);
    const expiresAtMs = nowMs + match.leaseMs;
    const why = { offerId, queueId, expiresAtMs, ...whyOf(contact, operator, match) };
    this.room.stopStanding(contact);
    contact.offerId = offerId;
    const hold: Hold = { medium, offerId, shard, queueId, state: 'offered', sinceMs: undefined, untilMs: undefined };
    operator.holds.set(contactId, hold);
    operator.lastOfferedMs = nowMs;
    const { strategy } = contact.requirement;
    this.pool.spendDraw(operator, match.drawn === true && strategy === 'randomWeighted');
    this.place(operator, nowMs);
    this.offers.set(offerId, { offerId, contactId, operatorId });
    this.becomesDue('offers', offerId, expiresAtMs);
    const told = { contactId, offerId, operatorId, extension, expiresAtMs, atMs: nowMs, why };
    this.inbox.append(shard, { type: 'offerMade', ...told });
    this.publish({ kind: 'offerReserved', nowMs, contactId, operatorId, facts: why });
    return { contactId, offerId, operatorId };
  }
}

function whyOf(
  contact: WaitingRecord,
  operator: OperatorRecord,
  match: Parameters<QueueState['reserve']>[2],
): TimelineEntry['facts'] {
  const { passedOver, nextBest, nowMs } = match;
  const reasons = (['unfit', 'excluded', 'holding'] as const)
    .filter((reason) => passedOver[reason] > 0)
    .map((reason) => `${reason} ${passedOver[reason]}`);
  return {
    strategy: contact.requirement.strategy,
    classId: contact.requirement.classId,
    profileId: operator.profileId,
    trigger: match.trigger,
    passedOver: passedOver.unfit,
    waitedMs: nowMs - contact.enqueuedAtMs,
    idleMs: nowMs - (operator.readySinceMs ?? nowMs),
    ...(nextBest.length === 0 ? {} : { nextBest }),
    ...(reasons.length === 0 ? {} : { passedOverFor: reasons }),
    ...(contact.preferred === undefined ? {} : { preferred: true }),
    ...(contact.steps.length === 0 ? {} : { steps: contact.steps.map((step) => step.state) }),
  };
}
