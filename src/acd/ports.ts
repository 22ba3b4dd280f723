import type { CommandMeta, ContactId, OfferId, OperatorId } from '../foundation/index.ts';
import type { Expression } from './expression.ts';
import type { Sharing, SharingView } from './sharing.ts';

export type * from './queue-events.ts';

/** Where a contact is served; capacity is per medium. */
export type Medium = 'voice' | 'chat';

/** "skill ≥ level". Levels (proficiency) run 1–10, higher is better. */
export interface SkillTerm {
  readonly skill: string;
  readonly minLevel: number;
}

/** How the next operator is picked among those who can serve; each is a line of data in `operatorStrategies`. */
export type OperatorStrategy =
  | 'longestIdle'
  | 'leastOccupied'
  | 'fewestContacts'
  | 'leastSkilled'
  | 'mostSkilled'
  | 'roundRobin'
  | 'randomWeighted';

/**
 * A distinct requirement with the strategy of the queue it came from. `classId` is derived from the content
 * (same content, same id in every process), see acd's `requirementClass()`.
 */
export interface RequirementClass {
  readonly classId: string;
  readonly expression: Expression;
  readonly strategy: OperatorStrategy;
}

export type Skills = Readonly<Record<string, number>>;

/** A distinct set of skills. `profileId` is derived from the content. Operators with equal skills share one. */
export interface OperatorProfile {
  readonly profileId: string;
  readonly skills: Skills;
}

/** Set by the person. */
export type Presence = 'loggedOff' | 'ready' | 'notReady';
/** Set by the machine, per medium. */
export type WorkState = 'idle' | 'offered' | 'connected' | 'wrapUp';

export interface OperatorRegistration {
  readonly operatorId: OperatorId;
  readonly extension: string;
  readonly skills: Skills;
  readonly capacity: Readonly<Partial<Record<Medium, number>>>;
  /** For the strategy randomWeighted; 1 when left out. */
  readonly weight?: number;
}

export interface OperatorView {
  readonly operatorId: OperatorId;
  readonly extension: string;
  readonly skills: Skills;
  readonly capacity: Readonly<Partial<Record<Medium, number>>>;
  /** How many contacts he holds, offered and in wrap-up included. */
  readonly held: Readonly<Partial<Record<Medium, number>>>;
  readonly signedIn: boolean;
  readonly presence: Presence;
  readonly notReadyReason?: string;
  /** At least one of the operator's devices is registered in Asterisk. */
  readonly reachable: boolean;
  readonly work: Readonly<Partial<Record<Medium, WorkState>>>;
  readonly readySinceMs?: number;
  /** After a missed, busy or refused offer: not offered anything before this instant. */
  readonly setAsideUntilMs?: number;
  /** In a call that did not come through a queue. */
  readonly outsideCall: boolean;
  /** Why he will be not ready when he holds nothing any more; he is offered nothing until then. */
  readonly notReadyNext?: string;
  /** Offers missed in a row. */
  readonly missedOffers: number;
  /** Since he signed in. */
  readonly contactsTaken: number;
  /** Of several the one on the telephone, then the earliest. */
  readonly contactId?: ContactId;
  readonly offerId?: OfferId;
  /** When the wrap-up after `contactId` ends by itself. */
  readonly wrapUpUntilMs?: number;
}

/**
 * When a step is taken: `anyQualified`, only while somebody logged in can serve it (else it is skipped at once, also when
 * the last one leaves while it is active); or only when, at its instant, the caller's estimated wait is above, or the
 * queue's service level (share 0-1) is below.
 */
export type StepCondition =
  | 'anyQualified'
  | { readonly estimateAboveMs: number }
  | { readonly serviceLevelBelow: number };

/** What a contact needs from some waiting time on: takes the place of the step before, with more terms or fewer. */
export interface RequirementStep {
  readonly requirement: RequirementClass;
  /** Waiting time, from `enqueuedAtMs`. */
  readonly afterMs: number;
  readonly considerIf?: StepCondition;
}

export type StepState = 'ahead' | 'active' | 'expired' | 'skipped' | 'served';

/** A step of a waiting contact as it stands. */
export interface StepView {
  readonly classId: string;
  readonly state: StepState;
  readonly dueAtMs: number;
  readonly considerIf?: StepCondition;
}

/** A step whose condition the store cannot judge; it waits for `answerStep`. */
export interface StepQuestion {
  readonly contactId: ContactId;
  readonly queueId: string;
  /** Number of the step, from 1. */
  readonly step: number;
  readonly condition: Exclude<StepCondition, 'anyQualified'>;
}

export interface EnqueueRequest {
  readonly contactId: ContactId;
  readonly queueId: string;
  readonly lineId: string;
  readonly medium: Medium;
  readonly requirement: RequirementClass;
  /** Of the first step. */
  readonly considerIf?: 'anyQualified';
  /** In order of `afterMs`. */
  readonly laterSteps?: readonly RequirementStep[];
  /** For so long the contact is this operator's alone, if he is ready (busy or not) and can serve it. */
  readonly preferred?: { readonly operatorId: OperatorId; readonly forMs: number };
  /** Refused when the queue holds so many already, or when nobody who could serve any step is logged in. */
  readonly limits?: { readonly length?: number; readonly loggedIn?: boolean };
  /** Part of `score`; kept for those who look. */
  readonly headStartMs?: number;
  /** Ranking score, smaller is served first; from acd's `contactScore()`; does not change with time. */
  readonly score: number;
  /** Written once: the first value kept even if the contact is enqueued again. */
  readonly enqueuedAtMs: number;
  /**
   * A contact that we are to dial: it is matched by the rule of sharing alone (`setSharing`), takes no place among those on the line, and counts in
   * no service level. Left out: the caller is on the line.
   */
  readonly kind?: 'callBack' | undefined;
  /** The shard whose owner hears of offers for this contact. */
  readonly shard: string;
}

export type EnqueueOutcome = 'enqueued' | 'alreadyQueued' | 'queueFull' | 'nobodyLoggedIn';

/** Running means over the last twenty or so. */
export interface QueueFigures {
  /** From answer to the end of wrap-up. */
  readonly handlingMs?: number;
  /** Share answered within the queue's answer target, of those who waited longer than a short abandon. */
  readonly serviceLevel?: number;
}

export interface Reservation {
  readonly contactId: ContactId;
  readonly offerId: OfferId;
  readonly operatorId: OperatorId;
}

/** An offer made now lives until `nowMs + leaseMs`. */
export interface MatchOptions {
  readonly nowMs: number;
  readonly leaseMs: number;
}

/** What became of an offer that did not end in an answer. */
export type OfferFailure = 'offerUnanswered' | 'offerDeclined' | 'operatorBusy' | 'operatorUnreachable' | 'contactGone';

/**
 * The queue's state: who waits, who is ready, who is offered to whom. Every verb is one atomic step and appends its
 * event to the stream in the same step. Time is an argument (`nowMs`), so that simulation drives the same code.
 * Two implementations behind one contract suite: Redis (Lua, one verb a file) and memory.
 *
 * Invariants it keeps alone: per medium an operator holds at most his capacity; a contact has at most one live offer;
 * `enqueuedAtMs` never changes; a contact given back keeps its place.
 *
 * `by` says who caused the move and why; both go into the facts of its event (`actor` as "kind:id", and `reason`), so
 * neither may hold personal data. Rejects with `DozvonError('REDIS_UNAVAILABLE')` when the store cannot be asked: the
 * move may or may not have happened, and every verb may be repeated.
 */
export interface QueueStore {
  /**
   * Creates or updates the operator as configured; a change of skills takes effect on the next match. Skills set by
   * `setSkills` stay until the configured ones change.
   */
  registerOperator(operator: OperatorRegistration, nowMs: number, by?: CommandMeta): Promise<void>;
  /** Forgets the operator when he holds nothing; `busy` otherwise. */
  removeOperator(
    operatorId: OperatorId,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'removed' | 'busy' | 'unknownOperator'>;
  signIn(operatorId: OperatorId, nowMs: number, by?: CommandMeta): Promise<'done' | 'unknownOperator'>;
  /**
   * Also sets presence to `loggedOff`; a live offer is withdrawn (`operatorGone` in the inbox) and its contact, back in
   * its old place, is named in `givenBack` for the caller to match again; a conversation goes on.
   */
  signOut(
    operatorId: OperatorId,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<
    { readonly outcome: 'done'; readonly givenBack: readonly ContactId[] } | { readonly outcome: 'unknownOperator' }
  >;
  setPresence(
    operatorId: OperatorId,
    presence: Presence,
    options: { readonly reason?: string; readonly nowMs: number },
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'>;
  setReachable(
    operatorId: OperatorId,
    reachable: boolean,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator'>;

  /** Takes effect on those who wait at once. */
  setSkills(
    operatorId: OperatorId,
    skills: Skills,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator'>;
  /** The operator is in a call that did not come through a queue: no offers of voice meanwhile. */
  setOutsideCall(
    operatorId: OperatorId,
    busy: boolean,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator'>;
  /** Not ready, for `reason`, as soon as he holds nothing any more; taken back by `setPresence`. */
  notReadyNext(
    operatorId: OperatorId,
    reason: string,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'>;
  /** Withdraws what rings at the operator; each contact, back in its old place, is named for the caller to match again. */
  withdrawOffers(
    operatorId: OperatorId,
    reason: 'operatorGone' | 'staffAction',
    nowMs: number,
    by?: CommandMeta,
  ): Promise<readonly ContactId[]>;

  enqueue(request: EnqueueRequest, nowMs: number, by?: CommandMeta): Promise<EnqueueOutcome>;
  /** `enqueue` and, in the same step, `matchContact`, also when it was queued already; with its place in the queue. */
  enqueueAndMatch(
    request: EnqueueRequest,
    options: MatchOptions,
    by?: CommandMeta,
  ): Promise<{ readonly outcome: EnqueueOutcome; readonly position?: number; readonly reservation?: Reservation }>;
  /** To another queue; a live offer is withdrawn (`staffAction`) and its operator named. `enqueuedAtMs` stays. */
  moveContact(
    contactId: ContactId,
    to: Pick<EnqueueRequest, 'queueId' | 'requirement' | 'considerIf' | 'laterSteps' | 'score' | 'headStartMs'>,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<{ readonly outcome: 'moved' | 'notQueued'; readonly operatorId?: OperatorId }>;
  setHeadStart(
    contactId: ContactId,
    place: { readonly score: number; readonly headStartMs: number },
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'notQueued'>;
  /**
   * Takes the contact out of the queue; a live offer is dropped and its operator free again at once. `tellOwner`: it was
   * not the contact's own wish.
   */
  withdraw(
    contactId: ContactId,
    nowMs: number,
    by?: CommandMeta,
    tellOwner?: 'tellOwner',
  ): Promise<{ readonly outcome: 'withdrawn' | 'notQueued'; readonly operatorId?: OperatorId }>;

  /** Reserves the best ready operator for this contact; the offer lives until `nowMs + leaseMs`. */
  matchContact(contactId: ContactId, options: MatchOptions): Promise<Reservation | undefined>;
  /** Reserves the contact that this operator should have next. */
  matchOperator(operatorId: OperatorId, options: MatchOptions): Promise<Reservation | undefined>;

  /**
   * Reserves the best ready operator for the first call-back of the queue that may have one. For when nobody became free: a call-back became due, or
   * the rule of sharing has changed; `matchOperator` looks at call-backs by itself.
   */
  matchCallBack(
    queueId: string,
    options: { readonly nowMs: number; readonly leaseMs: number },
  ): Promise<Reservation | undefined>;
  /** What the rule of sharing goes by in this queue from now on. */
  setSharing(queueId: string, sharing: Sharing, nowMs: number): Promise<void>;
  /** By queue, where a rule was set. */
  sharing(): Promise<ReadonlyMap<string, SharingView>>;

  /**
   * The operator answered: he is `connected`, the contact leaves the queue. `connected` again when repeated during the
   * conversation; `staleOffer` when the offer is no longer live.
   */
  offerAnswered(offerId: OfferId, nowMs: number, by?: CommandMeta): Promise<'connected' | 'staleOffer'>;
  /**
   * Gives both back: the contact to its old place (unless `contactGone`), the operator to `idle`, set aside until
   * `nowMs + setAsideMs` (0: free at once). The caller matches both again. `exclude`: he is not offered this contact
   * again while others on duty can serve it. `notReadyAfterMissed`: so many unanswered offers in a row make him not
   * ready, reason `rna`.
   */
  offerFailed(
    offerId: OfferId,
    failure: OfferFailure,
    options: {
      readonly nowMs: number;
      readonly setAsideMs: number;
      readonly exclude?: boolean;
      readonly notReadyAfterMissed?: number;
    },
    by?: CommandMeta,
  ): Promise<
    | { readonly outcome: 'givenBack'; readonly operatorId: OperatorId; readonly contactId: ContactId }
    | { readonly outcome: 'staleOffer' }
  >;
  /** `offerFailed` and, in the same step, a match for the contact (unless it is gone) and then for the operator. */
  offerFailedAndMatch(
    offerId: OfferId,
    failure: OfferFailure,
    options: MatchOptions & {
      readonly setAsideMs: number;
      readonly exclude?: boolean;
      readonly notReadyAfterMissed?: number;
    },
    by?: CommandMeta,
  ): Promise<
    | {
        readonly outcome: 'givenBack';
        readonly operatorId: OperatorId;
        readonly contactId: ContactId;
        readonly reservations: readonly Reservation[];
      }
    | { readonly outcome: 'staleOffer' }
  >;

  /**
   * Conversation over: the operator goes to `wrapUp` (he is not offered anything) or, with `wrapUp: false`, to `idle`.
   * `wrapUpMs`: the wrap-up becomes due then; without it, it lasts until it is ended.
   */
  release(
    operatorId: OperatorId,
    contactId: ContactId,
    options: { readonly nowMs: number; readonly wrapUp: boolean; readonly wrapUpMs?: number },
    by?: CommandMeta,
  ): Promise<'released' | 'notHolding'>;
  /** `release` and, without wrap-up, `matchOperator` in the same step. */
  releaseAndMatch(
    operatorId: OperatorId,
    contactId: ContactId,
    options: MatchOptions & { readonly wrapUp: boolean; readonly wrapUpMs?: number },
    by?: CommandMeta,
  ): Promise<{ readonly outcome: 'released' | 'notHolding'; readonly reservation?: Reservation }>;
  /** Before its time: the contact's owner is told. `onlyWhenDue`: not before its time. */
  endWrapUp(
    operatorId: OperatorId,
    contactId: ContactId,
    nowMs: number,
    by?: CommandMeta,
    onlyWhenDue?: 'onlyWhenDue',
  ): Promise<'idle' | 'notInWrapUp' | 'notDue'>;
  /** `endWrapUp` and, when he is idle, `matchOperator` in the same step. */
  endWrapUpAndMatch(
    operatorId: OperatorId,
    contactId: ContactId,
    options: MatchOptions,
    by?: CommandMeta,
    onlyWhenDue?: 'onlyWhenDue',
  ): Promise<{ readonly outcome: 'idle' | 'notInWrapUp' | 'notDue'; readonly reservation?: Reservation }>;
  /** Until when it lasts now; undefined: not in wrap-up. The contact's owner is told. */
  extendWrapUp(
    operatorId: OperatorId,
    contactId: ContactId,
    byMs: number,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<number | undefined>;

  /** Gives back offers whose lease has run out (each also as `offerWithdrawn` in the inbox); returns who to match again. */
  expireOffers(nowMs: number): Promise<readonly Reservation[]>;
  /**
   * When the next set-aside, wrap-up or offer lease runs out, or a contact is to be looked at; the service sets its timer
   * by it. Undefined: nothing is due.
   */
  nextDueMs(): Promise<number | undefined>;
  /** Operators whose set-aside has ended by `nowMs`: returned once each, to be matched. */
  releaseDue(nowMs: number): Promise<readonly OperatorId[]>;
  /** Ends wrap-ups whose time is over; their operators are returned once each, to be matched. */
  endDueWrapUps(nowMs: number): Promise<readonly OperatorId[]>;
  /**
   * Brings contacts up to now whose step or preference is due, or for whom fewer can be found than before; all are to be
   * matched. Questions stay due until `answerStep`.
   */
  takeDueContacts(
    nowMs: number,
  ): Promise<{ readonly contacts: readonly ContactId[]; readonly questions: readonly StepQuestion[] }>;
  answerStep(
    question: Pick<StepQuestion, 'contactId' | 'step'>,
    isMet: boolean,
    nowMs: number,
  ): Promise<'taken' | 'stale'>;
  /**
   * Calls `listener` whenever something becomes due earlier than before, whichever process made it so, and after the
   * store was out of reach (moves may have been missed; then with `undefined`: ask `nextDueMs()`). Runs until `signal` aborts.
   */
  watchDue(listener: (dueAtMs: number | undefined) => void, signal: AbortSignal): Promise<void>;

  /**
   * Forgets classes that are not in `keep` and under which nobody waits, now or in a later step: what queues no longer ask
   * for. A class that comes back is known again with its next contact. Returns how many were forgotten.
   */
  forgetClasses(keep: readonly string[], nowMs: number): Promise<number>;

  /** Place of a waiting contact within its queue, from 1; a contact with a live offer keeps its place. */
  position(contactId: ContactId): Promise<number | undefined>;
  operators(): Promise<readonly OperatorView[]>;
  operator(operatorId: OperatorId): Promise<OperatorView | undefined>;
  /** Everyone in a queue, those with a live offer included, by queue and place. */
  waiting(): Promise<readonly WaitingContact[]>;
  /** All about one waiting contact. */
  contact(contactId: ContactId): Promise<ContactView | undefined>;
  /** By queue; queues nobody was in yet are left out. */
  figures(): Promise<ReadonlyMap<string, QueueFigures>>;
}

export interface WaitingContact {
  readonly contactId: ContactId;
  readonly queueId: string;
  readonly lineId: string;
  readonly classId: string;
  readonly score: number;
  readonly enqueuedAtMs: number;
  /** Within its queue, from 1. */
  readonly position: number;
  readonly headStartMs: number;
  readonly offerId?: OfferId;
}

export interface ContactView extends WaitingContact {
  readonly medium: Medium;
  /** What it needs now. */
  readonly requirement: RequirementClass;
  /** Empty when it has but one. */
  readonly steps: readonly StepView[];
  /** Who missed or refused it. */
  readonly excluded: readonly OperatorId[];
  /** Exclusions count only while somebody else on duty can serve. */
  readonly exclusionsCount: boolean;
  readonly preferred?: { readonly operatorId: OperatorId; readonly untilMs: number };
  /** Operators who can serve it now: logged in, and on duty (ready, phone registered, whether busy or not). */
  readonly qualified: { readonly loggedIn: number; readonly onDuty: number };
}
