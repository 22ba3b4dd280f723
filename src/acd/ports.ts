import type { CommandMeta, ContactId, OfferId, OperatorId } from '../foundation/index.ts';

/** Where a contact is served; capacity is per medium. */
export type Medium = 'voice' | 'chat';

/** "skill ≥ level". Levels (proficiency) run 1–10, higher is better. */
export interface SkillTerm {
  readonly skill: string;
  readonly minLevel: number;
}

/** How the next operator is picked among those who can serve. More strategies come as data, never as branches here. */
export type OperatorStrategy = 'longestIdle';

/**
 * A distinct requirement with the strategy of the queue it came from. `classId` is derived from the content
 * (same content, same id in every process), see acd's `requirementClass()`.
 */
export interface RequirementClass {
  readonly classId: string;
  readonly terms: readonly SkillTerm[];
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
}

export interface OperatorView {
  readonly operatorId: OperatorId;
  readonly extension: string;
  readonly skills: Skills;
  readonly signedIn: boolean;
  readonly presence: Presence;
  readonly notReadyReason?: string;
  /** At least one of the operator's devices is registered in Asterisk. */
  readonly reachable: boolean;
  readonly work: Readonly<Partial<Record<Medium, WorkState>>>;
  readonly readySinceMs?: number;
  /** After a missed, busy or refused offer: not offered anything before this instant. */
  readonly setAsideUntilMs?: number;
  readonly contactId?: ContactId;
  readonly offerId?: OfferId;
}

export interface EnqueueRequest {
  readonly contactId: ContactId;
  readonly queueId: string;
  readonly lineId: string;
  readonly medium: Medium;
  readonly requirement: RequirementClass;
  /** Ranking score, smaller is served first; from acd's `contactScore()`; does not change with time. */
  readonly score: number;
  /** Written once: the first value kept even if the contact is enqueued again. */
  readonly enqueuedAtMs: number;
  /** The shard whose owner hears of offers for this contact. */
  readonly shard: string;
}

/** What the owner of a contact is told, through its shard's inbox stream, at least once and in order. */
export type QueueEvent =
  | {
      readonly type: 'offerMade';
      readonly contactId: ContactId;
      readonly offerId: OfferId;
      readonly operatorId: OperatorId;
      readonly extension: string;
      readonly expiresAtMs: number;
      readonly atMs: number;
      /** Why this operator: strategy, how many were passed over and for what. No personal data. */
      readonly why: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: 'offerWithdrawn';
      readonly contactId: ContactId;
      readonly offerId: OfferId;
      readonly reason: 'leaseExpired' | 'operatorGone' | 'staffAction';
      readonly atMs: number;
    };

export interface Reservation {
  readonly contactId: ContactId;
  readonly offerId: OfferId;
  readonly operatorId: OperatorId;
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
  /** Creates or updates the operator (skills, capacity); a change of skills takes effect on the next match. */
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

  enqueue(request: EnqueueRequest, nowMs: number, by?: CommandMeta): Promise<'enqueued' | 'alreadyQueued'>;
  /** Takes the contact out of the queue; a live offer is dropped and its operator free again at once. */
  withdraw(
    contactId: ContactId,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<{ readonly outcome: 'withdrawn' | 'notQueued'; readonly operatorId?: OperatorId }>;

  /** Reserves the best ready operator for this contact; the offer lives until `nowMs + leaseMs`. */
  matchContact(
    contactId: ContactId,
    options: { readonly nowMs: number; readonly leaseMs: number },
  ): Promise<Reservation | undefined>;
  /** Reserves the contact that this operator should have next. */
  matchOperator(
    operatorId: OperatorId,
    options: { readonly nowMs: number; readonly leaseMs: number },
  ): Promise<Reservation | undefined>;

  /**
   * The operator answered: he is `connected`, the contact leaves the queue. `connected` again when repeated during the
   * conversation; `staleOffer` when the offer is no longer live.
   */
  offerAnswered(offerId: OfferId, nowMs: number, by?: CommandMeta): Promise<'connected' | 'staleOffer'>;
  /**
   * Gives both back: the contact to its old place (unless `contactGone`), the operator to `idle`, set aside until
   * `nowMs + setAsideMs` (0: free at once). The caller matches both again.
   */
  offerFailed(
    offerId: OfferId,
    failure: OfferFailure,
    options: { readonly nowMs: number; readonly setAsideMs: number },
    by?: CommandMeta,
  ): Promise<
    | { readonly outcome: 'givenBack'; readonly operatorId: OperatorId; readonly contactId: ContactId }
    | { readonly outcome: 'staleOffer' }
  >;

  /** Conversation over: the operator goes to `wrapUp` (he is not offered anything) or, with `wrapUp: false`, to `idle`. */
  release(
    operatorId: OperatorId,
    contactId: ContactId,
    options: { readonly nowMs: number; readonly wrapUp: boolean },
    by?: CommandMeta,
  ): Promise<'released' | 'notHolding'>;
  endWrapUp(
    operatorId: OperatorId,
    contactId: ContactId,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'idle' | 'notInWrapUp'>;

  /** Gives back offers whose lease has run out (each also as `offerWithdrawn` in the inbox); returns who to match again. */
  expireOffers(nowMs: number): Promise<readonly Reservation[]>;
  /** When the next set-aside ends or offer lease runs out; the service sets its timer by it. Undefined: nothing is due. */
  nextDueMs(): Promise<number | undefined>;
  /** Operators whose set-aside has ended by `nowMs`: returned once each, to be matched. */
  releaseDue(nowMs: number): Promise<readonly OperatorId[]>;
  /**
   * Calls `listener` whenever something becomes due earlier than before, whichever process made it so, and after the
   * store was out of reach (moves may have been missed; then with `undefined`: ask `nextDueMs()`). Runs until `signal` aborts.
   */
  watchDue(listener: (dueAtMs: number | undefined) => void, signal: AbortSignal): Promise<void>;

  /** Place of a waiting contact within its queue, from 1; a contact with a live offer keeps its place. */
  position(contactId: ContactId): Promise<number | undefined>;
  operators(): Promise<readonly OperatorView[]>;
  operator(operatorId: OperatorId): Promise<OperatorView | undefined>;
  /** Everyone in a queue, those with a live offer included, by queue and place. */
  waiting(): Promise<readonly WaitingContact[]>;
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
  readonly offerId?: OfferId;
}

/** Reads a shard's inbox. An event is delivered until it is acknowledged; after a restart the unacknowledged come first. */
export interface QueueInbox {
  /**
   * Calls `deliver` for each event of `shard` in order; the event is acknowledged when the promise resolves.
   * Runs until `signal` aborts; survives the loss of Redis by reconnecting.
   */
  consume(shard: string, deliver: (event: QueueEvent) => Promise<void>, signal: AbortSignal): Promise<void>;
}

/** Kinds of the queue's own moves on the event stream (timelines of contacts have kinds of their own). */
export type QueueMoveKind =
  | 'operatorRegistered'
  | 'operatorRemoved'
  | 'operatorSignedIn'
  | 'operatorSignedOut'
  | 'presenceChanged'
  | 'reachabilityChanged'
  | 'setAsideEnded'
  | 'contactEnqueued'
  | 'contactWithdrawn'
  | 'offerReserved'
  | 'offerConnected'
  | 'offerGivenBack'
  | 'operatorReleased'
  | 'wrapUpOver';
