import type { CommandMeta, ContactId, OfferId, OperatorId } from '../foundation/index.ts';
import type {
  ContactView,
  EnqueueOutcome,
  EnqueueRequest,
  MatchOptions,
  OfferFailure,
  OperatorRegistration,
  OperatorView,
  Presence,
  QueueFigures,
  Reservation,
  Skills,
  StepQuestion,
  WaitingContact,
} from './queue-types.ts';
import type { Sharing, SharingView } from './sharing.ts';

export type * from './level-ports.ts';
export type * from './queue-events.ts';
export type * from './queue-types.ts';

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

  /**
   * Reserves the best ready operator for this contact; the offer lives until `nowMs + leaseMs`. For a call-back it is `matchCallBack` of its queue,
   * also where another verb matches its contact in the same step: then the reservation may be another's of the queue.
   */
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

  /** Place of a waiting contact within its queue, a call-back's among call-backs, from 1; a contact with a live offer keeps its place. */
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
