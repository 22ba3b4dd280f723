import type { CommandMeta, ContactId, OfferId, OperatorId } from '../foundation/index.ts';
import type {
  ContactView,
  EnqueueOutcome,
  Medium,
  OfferFailure,
  OperatorView,
  Presence,
  Skills,
  WaitingContact,
} from './ports.ts';
import type { OperatorSettings, QueueSettings } from './settings.ts';
import type { Sharing } from './sharing.ts';
import type { QueueNow } from './views.ts';
import type { WhyNot } from './why-not.ts';

export interface AcdSettings {
  readonly queues: readonly QueueSettings[];
  readonly operators: readonly OperatorSettings[];
  /** Queues whose callers are called back. */
  readonly callBacks?: Readonly<Record<string, CallBackOffers>>;
}

export interface CallBackOffers {
  /** How long the caller's phone rings while an operator is kept free for him; left out where the operator is rung first. */
  readonly callerRingMs?: number;
}

export interface EnqueueCommand {
  readonly contactId: ContactId;
  readonly queueId: string;
  readonly lineId: string;
  readonly shard: string;
  /** Default `voice`. */
  readonly medium?: Medium;
  /** A contact that we are to dial; left out: the caller is on the line. */
  readonly kind?: 'callBack';
  /** When the contact began to wait, a call-back: the place it earned; written once by whoever owns the contact, never moved. */
  readonly enqueuedAtMs: number;
  /** Priority of this contact, on top of its queue's: as if it had come so much earlier. */
  readonly headStartMs?: number;
  /** Whom the caller knows; asked first if the queue has time for that (`preferredMs`). */
  readonly preferredOperatorId?: OperatorId;
  /** It waited already and was forgotten: limits do not count. */
  readonly keepsPlace?: boolean;
}

export interface HeldContact {
  readonly operatorId: OperatorId;
  readonly contactId: ContactId;
}

/** A waiting contact with what it may expect; no estimate while nobody on duty can serve it. */
export type ContactStatus = ContactView & { readonly estimateMs?: number };

/** An operator as the pages show him. */
export type OperatorStatus = OperatorView & { readonly name: string };

/** What came of making the store agree with the configuration. */
export interface SyncResult {
  readonly registered: number;
  readonly removed: readonly OperatorId[];
  /** No longer configured, but holding a contact: signed out, and removed when free. */
  readonly leaving: readonly OperatorId[];
}

/**
 * Matches contacts and operators. Every method that can bring the two together (a contact queued, an operator ready,
 * idle, reachable, or back after being set aside) ends in a match. Methods reject with the store's error code when it
 * cannot be asked; a match that could not be made is made as soon as it can.
 */
export interface AcdService {
  /** Registers the configured operators, takes over what is due, begins to match. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Takes a new configuration: queues at once, operators into the store. */
  configure(settings: AcdSettings, meta: CommandMeta): Promise<SyncResult>;
  /** Gives every ready operator a chance: after a shard was taken over or the store came back. */
  matchAll(): Promise<void>;

  /** `DozvonError('UNKNOWN_QUEUE')` when the queue is not configured. */
  enqueue(
    command: EnqueueCommand,
    meta: CommandMeta,
  ): Promise<{
    readonly outcome: EnqueueOutcome;
    /** Place within the queue, from 1; of who is queued. */
    readonly position?: number;
  }>;
  /** By what rule the queue's call-backs share the operators with live callers from now on; then `matchCallBacks`. `DozvonError('UNKNOWN_QUEUE')`. */
  setSharing(queueId: string, sharing: Sharing): Promise<void>;
  /** Gives the queue's call-backs the operators that they may have by now. */
  matchCallBacks(queueId: string): Promise<void>;
  /** `tellOwner`: staff does it, and whoever has the caller on the line must hear of it. */
  withdraw(contactId: ContactId, meta: CommandMeta, tellOwner?: 'tellOwner'): Promise<'withdrawn' | 'notQueued'>;
  /** It keeps the moment it began to wait; a ringing offer is withdrawn. `DozvonError('UNKNOWN_QUEUE')`. */
  moveContact(
    contactId: ContactId,
    to: { readonly queueId: string },
    meta: CommandMeta,
  ): Promise<'moved' | 'notQueued'>;
  /** Changes the contact's own head start, which counts on top of its queue's. */
  setHeadStart(contactId: ContactId, headStartMs: number, meta: CommandMeta): Promise<'done' | 'notQueued'>;
  offerAnswered(offerId: OfferId, meta: CommandMeta): Promise<'connected' | 'staleOffer'>;
  /** Puts the operator aside as the queue says for this failure; the contact goes on to the next, at its old place. */
  offerFailed(
    offer: { readonly offerId: OfferId; readonly queueId: string; readonly failure: OfferFailure },
    meta: CommandMeta,
  ): Promise<'givenBack' | 'staleOffer'>;
  /** With the queue's id, the wrap-up ends by itself when the queue says so. */
  release(
    held: HeldContact & { readonly wrapUp: boolean; readonly queueId?: string },
    meta: CommandMeta,
  ): Promise<'released' | 'notHolding'>;
  endWrapUp(
    held: HeldContact,
    meta: CommandMeta,
    onlyWhenDue?: 'onlyWhenDue',
  ): Promise<'idle' | 'notInWrapUp' | 'notDue'>;
  /** Until when it lasts now; undefined: not in wrap-up. */
  extendWrapUp(held: HeldContact, byMs: number, meta: CommandMeta): Promise<number | undefined>;

  signIn(operatorId: OperatorId, meta: CommandMeta): Promise<'done' | 'unknownOperator'>;
  signOut(operatorId: OperatorId, meta: CommandMeta): Promise<'done' | 'unknownOperator'>;
  setPresence(
    operatorId: OperatorId,
    change: { readonly presence: Presence; readonly reason?: string },
    meta: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'>;
  /** "Not ready after this contact": at once when he holds none. Taken back by `setPresence`. */
  notReadyNext(
    operatorId: OperatorId,
    reason: string,
    meta: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'>;
  setReachable(operatorId: OperatorId, reachable: boolean, meta: CommandMeta): Promise<'done' | 'unknownOperator'>;
  /** The operator is in a call that did not come through a queue. */
  setOutsideCall(operatorId: OperatorId, busy: boolean, meta: CommandMeta): Promise<'done' | 'unknownOperator'>;
  /** At once, also for those who wait; lasts until the configuration gives him other skills than before. */
  setSkills(operatorId: OperatorId, skills: Skills, meta: CommandMeta): Promise<'done' | 'unknownOperator'>;

  /** Configured queues, or undefined for an unknown id. */
  queueSettings(queueId: string): QueueSettings | undefined;
  operatorOfExtension(extension: string): OperatorId | undefined;
  queuesNow(): Promise<readonly QueueNow[]>;
  operators(): Promise<readonly OperatorStatus[]>;
  operator(operatorId: OperatorId): Promise<OperatorStatus | undefined>;
  /** All queues, or one. */
  waitingContacts(queueId?: string): Promise<readonly WaitingContact[]>;
  waitingContact(contactId: ContactId): Promise<ContactStatus | undefined>;
  /** Why this operator is not offered this contact now; empty: he may be. `unknown`: no such operator or no such contact. */
  whyNot(operatorId: OperatorId, contactId: ContactId): Promise<readonly WhyNot[] | 'unknown'>;
  /** Place within the queue, from 1. */
  position(contactId: ContactId): Promise<number | undefined>;
}
