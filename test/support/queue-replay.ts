import {
  canServe,
  type Medium,
  type OperatorSettings,
  type OperatorStrategy,
  operatorProfile,
  type QueueSettings,
  queuePlan,
  type RequirementClass,
  type Skills,
  skillTotal,
} from '../../src/acd/index.ts';
import type { StreamEvent } from '../../src/contact/store-ports.ts';

interface ReplayedOperator {
  readonly settings: OperatorSettings;
  skills: Skills;
  signedIn: boolean;
  presence: string;
  reachable: boolean;
  outsideCall: boolean;
  notReadyNext: boolean;
  readySinceMs: number;
  lastOfferedMs: number;
  contactsTaken: number;
  setAside: boolean;
  readonly holds: Map<string, { readonly medium: Medium; state: 'offered' | 'connected' | 'wrapUp' }>;
}

interface ReplayedContact {
  queueId: string;
  requirement: RequirementClass;
  readonly medium: Medium;
  readonly isCallBack: boolean;
  score: number;
  readonly enqueuedAtMs: number;
  offerId: string | undefined;
  preferred: string | undefined;
  readonly excluded: Set<string>;
}

/** Orders that follow from the events alone; a draw and an occupancy are judged elsewhere. */
const ranks: Readonly<Partial<Record<OperatorStrategy, (operator: ReplayedOperator) => readonly number[]>>> = {
  longestIdle: (operator) => [operator.readySinceMs],
  fewestContacts: (operator) => [operator.contactsTaken, operator.readySinceMs],
  leastSkilled: (operator) => [skillTotal(operator.skills), operator.readySinceMs],
  mostSkilled: (operator) => [-skillTotal(operator.skills), operator.readySinceMs],
  roundRobin: (operator) => [operator.lastOfferedMs],
};

/**
 * Plays the event stream back against a model of its own. Each move appends its event in the same atomic step, so the
 * stream is the order in which things happened, however many processes caused them; every reservation is judged by
 * what was true at that moment. Throws at the first move that breaks a rule.
 */
export class QueueReplay {
  readonly operators = new Map<string, ReplayedOperator>();
  readonly contacts = new Map<string, ReplayedContact>();
  readonly #classes: ReadonlyMap<string, RequirementClass>;
  readonly #settings: ReadonlyMap<string, OperatorSettings>;
  readonly #profiles: ReadonlyMap<string, Skills>;

  /** `moreSkills`: sets of skills that operators may be given besides those they are configured with. */
  constructor(
    queues: readonly QueueSettings[],
    operators: readonly OperatorSettings[],
    moreSkills: readonly Skills[] = [],
  ) {
    const classes = queues
      .map(queuePlan)
      .flatMap((plan) => [plan.requirement, ...plan.laterSteps.map((step) => step.requirement)]);
    this.#classes = new Map(classes.map((requirement) => [requirement.classId, requirement]));
    this.#settings = new Map(operators.map((operator) => [operator.id, operator]));
    const skills = [...operators.map((operator) => operator.skills), ...moreSkills];
    this.#profiles = new Map(skills.map(operatorProfile).map((profile) => [profile.profileId, profile.skills]));
  }

  play(event: StreamEvent): void {
    const { kind, facts, atMs } = event.entry;
    const contactId = event.contactId ?? '';
    const operatorId = event.operatorId ?? '';
    switch (kind) {
      case 'operatorRegistered':
        if (!this.operators.has(operatorId)) this.#register(operatorId);
        this.#operator(operatorId).skills = this.#skills(facts.profileId);
        return;
      case 'skillsChanged':
        this.#operator(operatorId).skills = this.#skills(facts.profileId);
        return;
      case 'outsideCallChanged':
        this.#outsideCall(operatorId, facts.busy === true, atMs);
        return;
      case 'notReadyAsked':
        this.#operator(operatorId).notReadyNext = true;
        return;
      case 'wrapUpExtended':
        must(this.#hold(operatorId, contactId, event).state === 'wrapUp', event, 'extended what is no wrap-up');
        return;
      case 'operatorRemoved':
        must(this.#operator(operatorId).holds.size === 0, event, 'removed while he holds a contact');
        this.operators.delete(operatorId);
        return;
      case 'operatorSignedIn':
        Object.assign(this.#operator(operatorId), {
          ...{ signedIn: true, presence: 'notReady', contactsTaken: 0, notReadyNext: false },
        });
        return;
      case 'operatorSignedOut':
        Object.assign(this.#operator(operatorId), {
          ...{ signedIn: false, presence: 'loggedOff', notReadyNext: false },
        });
        return;
      case 'presenceChanged':
        this.#presence(operatorId, String(facts.presence), atMs);
        return;
      case 'reachabilityChanged':
        this.#operator(operatorId).reachable = facts.reachable === true;
        return;
      case 'setAsideEnded':
        this.#operator(operatorId).setAside = false;
        if (facts.lifted === true) this.#operator(operatorId).readySinceMs = atMs;
        return;
      case 'contactEnqueued':
        must(!this.contacts.has(contactId), event, 'queued twice');
        this.contacts.set(contactId, {
          queueId: String(facts.queueId),
          requirement: this.#class(facts.classId),
          preferred: facts.preferred === undefined ? undefined : String(facts.preferred),
          excluded: new Set(),
          medium: facts.medium as Medium,
          isCallBack: facts.contactKind === 'callBack',
          score: Number(facts.score),
          enqueuedAtMs: Number(facts.enqueuedAtMs),
          offerId: undefined,
        });
        return;
      case 'stepTaken':
        this.#contact(event).requirement = this.#class(facts.classId);
        return;
      case 'preferenceOver':
        this.#contact(event).preferred = undefined;
        return;
      case 'contactMoved':
        Object.assign(this.#contact(event), {
          queueId: facts.queueId,
          requirement: this.#class(facts.classId),
          score: facts.score,
          preferred: undefined,
        });
        return;
      case 'priorityChanged':
        this.#contact(event).score = Number(facts.score);
        return;
      case 'contactWithdrawn':
        if (operatorId !== '') this.#operator(operatorId).holds.delete(contactId);
        must(this.contacts.delete(contactId), event, 'was not queued');
        return;
      case 'offerReserved':
        this.#reserved(event);
        return;
      case 'offerConnected':
        must(this.contacts.get(contactId)?.offerId === facts.offerId, event, 'answered an offer that is not live');
        this.#hold(operatorId, contactId, event).state = 'connected';
        this.#operator(operatorId).contactsTaken += 1;
        this.contacts.delete(contactId);
        return;
      case 'offerGivenBack':
        this.#givenBack(event);
        return;
      case 'operatorReleased':
        must(this.#hold(operatorId, contactId, event).state === 'connected', event, 'released without a conversation');
        if (facts.wrapUp === true) this.#hold(operatorId, contactId, event).state = 'wrapUp';
        else this.#idle(operatorId, contactId, atMs);
        return;
      case 'wrapUpOver':
        must(this.#hold(operatorId, contactId, event).state === 'wrapUp', event, 'was not in wrap-up');
        this.#idle(operatorId, contactId, atMs);
        return;
      default:
        must(false, event, 'is a kind the replay does not know');
    }
  }

  /** Pairs that could be matched now and are not: at rest there are none. `mayWait`: queues whose call-backs may be kept waiting. */
  missedMatches(mayWait: ReadonlySet<string>): string[] {
    const missed: string[] = [];
    const live = [...this.contacts.values()].filter((contact) => !contact.isCallBack && contact.offerId === undefined);
    for (const [contactId, contact] of this.contacts) {
      if (contact.offerId !== undefined) continue;
      // Who is on the line comes first, also where he and the operator must not meet.
      const isHeldUp = mayWait.has(contact.queueId) || live.some(({ medium }) => medium === contact.medium);
      if (contact.isCallBack && isHeldUp) continue;
      for (const [operatorId, operator] of this.operators) {
        if (available(operator, contact.medium) && this.#mayMeet([operatorId, operator], [contactId, contact])) {
          missed.push(`${contactId}>${operatorId}`);
        }
      }
    }
    return missed;
  }

  #reserved(event: StreamEvent): void {
    const { facts, atMs } = event.entry;
    const [contactId, operatorId] = [event.contactId ?? '', event.operatorId ?? ''];
    const contact = this.#contact(event);
    const operator = this.#operator(operatorId);
    must(contact.offerId === undefined, event, 'a second live offer for a contact');
    must(!operator.holds.has(contactId), event, 'the operator holds the contact already');
    must(available(operator, contact.medium), event, 'the operator was not available');
    must(contact.preferred === undefined || contact.preferred === operatorId, event, 'kept for another operator');
    must(this.#mayMeet([operatorId, operator], [contactId, contact]), event, 'the operator may not have this contact');
    const isShared = facts.trigger === 'spare' || facts.trigger === 'reservedShare';
    must(isShared === contact.isCallBack, event, 'the rule of sharing is for call-backs, and they for it');
    /** Of those whom the operator could have had instead. */
    const isThere = (is: (other: ReplayedContact) => boolean): boolean =>
      [...this.contacts].some(
        ([otherId, other]) =>
          other.offerId === undefined &&
          other.medium === contact.medium &&
          is(other) &&
          this.#mayMeet([operatorId, operator], [otherId, other]),
      );
    if (facts.trigger === 'spare') {
      must(!isThere((other) => !other.isCallBack), event, 'somebody on the line was passed over');
    }
    if (isShared) {
      const isBefore = ({ isCallBack, queueId, score }: ReplayedContact): boolean =>
        isCallBack && queueId === contact.queueId && score < contact.score;
      must(!isThere(isBefore), event, 'a call-back that was promised before was passed over');
    } else if (facts.trigger === 'operator') {
      const isBetter = ({ isCallBack, score }: ReplayedContact): boolean => !isCallBack && score < contact.score;
      must(!isThere(isBetter), event, 'a contact with a smaller score was passed over');
    } else {
      const rank = ranks[contact.requirement.strategy];
      const better = [...this.operators].some(
        ([otherId, other]) =>
          rank !== undefined &&
          isBefore(rank(other), rank(operator)) &&
          available(other, contact.medium) &&
          this.#mayMeet([otherId, other], [contactId, contact]),
      );
      must(!better, event, 'an operator whom the strategy puts first was passed over');
    }
    must(facts.waitedMs === atMs - contact.enqueuedAtMs, event, 'the wait does not count from the first moment');
    contact.offerId = String(facts.offerId);
    operator.lastOfferedMs = atMs;
    operator.holds.set(contactId, { medium: contact.medium, state: 'offered' });
  }

  #givenBack(event: StreamEvent): void {
    const { facts, atMs } = event.entry;
    const contactId = event.contactId ?? '';
    const operator = this.#operator(event.operatorId ?? '');
    const contact = this.contacts.get(contactId);
    must(contact !== undefined && contact.offerId === facts.offerId, event, 'the offer was not live');
    operator.holds.delete(contactId);
    const setAsideMs = Number(facts.setAsideMs ?? 0);
    if (setAsideMs > 0) {
      operator.setAside = true;
      if (operator.presence === 'ready') operator.readySinceMs = atMs + setAsideMs;
    }
    if (facts.failure === 'offerUnanswered' || facts.failure === 'offerDeclined') {
      contact?.excluded.add(event.operatorId ?? '');
    }
    if (facts.failure === 'contactGone') this.contacts.delete(contactId);
    else if (contact !== undefined) contact.offerId = undefined;
  }

  #register(operatorId: string): void {
    const settings = this.#settings.get(operatorId);
    if (settings === undefined) throw new Error(`an operator nobody configured was registered: ${operatorId}`);
    this.operators.set(operatorId, {
      settings,
      skills: settings.skills,
      outsideCall: false,
      notReadyNext: false,
      lastOfferedMs: 0,
      contactsTaken: 0,
      signedIn: false,
      presence: 'loggedOff',
      reachable: false,
      readySinceMs: 0,
      setAside: false,
      holds: new Map(),
    });
  }

  #presence(operatorId: string, presence: string, atMs: number): void {
    const operator = this.#operator(operatorId);
    if (presence === 'ready' && operator.presence !== 'ready') operator.readySinceMs = atMs;
    operator.presence = presence;
    operator.notReadyNext = false;
  }

  #outsideCall(operatorId: string, busy: boolean, atMs: number): void {
    const operator = this.#operator(operatorId);
    operator.outsideCall = busy;
    if (!busy && operator.presence === 'ready') operator.readySinceMs = atMs;
  }

  #idle(operatorId: string, contactId: string, atMs: number): void {
    const operator = this.#operator(operatorId);
    operator.holds.delete(contactId);
    if (operator.presence === 'ready') operator.readySinceMs = atMs;
  }

  #hold(operatorId: string, contactId: string, event: StreamEvent): { state: 'offered' | 'connected' | 'wrapUp' } {
    const hold = this.#operator(operatorId).holds.get(contactId);
    if (hold === undefined) throw new Error(`the operator does not hold the contact: ${JSON.stringify(event)}`);
    return hold;
  }

  #operator(operatorId: string): ReplayedOperator {
    const operator = this.operators.get(operatorId);
    if (operator === undefined) throw new Error(`an unknown operator acted: ${operatorId}`);
    return operator;
  }

  #contact(event: StreamEvent): ReplayedContact {
    const contact = this.contacts.get(event.contactId ?? '');
    if (contact === undefined) throw new Error(`a contact that is not queued: ${JSON.stringify(event)}`);
    return contact;
  }

  #class(classId: unknown): RequirementClass {
    const requirement = this.#classes.get(String(classId));
    if (requirement === undefined) throw new Error(`a class no queue has: ${String(classId)}`);
    return requirement;
  }

  #skills(profileId: unknown): Skills {
    const skills = this.#profiles.get(String(profileId));
    if (skills === undefined) throw new Error(`a profile nobody was given: ${String(profileId)}`);
    return skills;
  }

  /** Whatever either is doing. */
  #mayMeet(
    [operatorId, operator]: readonly [string, ReplayedOperator],
    [contactId, contact]: readonly [string, ReplayedContact],
  ): boolean {
    if (operator.holds.has(contactId)) return false;
    if (contact.preferred !== undefined && contact.preferred !== operatorId) return false;
    if (!canServe(operator.skills, contact.requirement)) return false;
    if (!contact.excluded.has(operatorId)) return true;
    return ![...this.operators].some(
      ([otherId, other]) =>
        !contact.excluded.has(otherId) && isOnDuty(other) && canServe(other.skills, contact.requirement),
    );
  }
}

function isOnDuty(operator: ReplayedOperator): boolean {
  return operator.signedIn && operator.presence === 'ready' && operator.reachable;
}

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((each, i) => each !== b[i]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

function available(operator: ReplayedOperator, medium: Medium): boolean {
  const held = [...operator.holds.values()].filter((hold) => hold.medium === medium).length;
  return (
    operator.signedIn &&
    operator.presence === 'ready' &&
    !operator.setAside &&
    !operator.notReadyNext &&
    (medium !== 'voice' || (operator.reachable && !operator.outsideCall)) &&
    held < operator.settings.capacity[medium]
  );
}

function must(holds: boolean, event: StreamEvent, complaint: string): void {
  if (!holds) throw new Error(`${complaint}: ${JSON.stringify(event)}`);
}
