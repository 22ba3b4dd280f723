import type { ContactId, OfferId, OperatorId } from '../foundation/index.ts';
import type { Expression } from './expression.ts';

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
  /** Contacts that its operators will be given before it, of all queues, as `contactsAhead()` counts them; of a call-back those before it in its queue. */
  readonly ahead: number;
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
