import type { CommandMeta, ContactId, OfferId, OperatorId } from '../foundation/index.ts';
import type { Medium, OfferFailure, OperatorView, Presence, WaitingContact } from './ports.ts';
import type { OperatorSettings, QueueSettings } from './settings.ts';
import type { QueueNow } from './views.ts';

export interface AcdSettings {
  readonly queues: readonly QueueSettings[];
  readonly operators: readonly OperatorSettings[];
}

export interface EnqueueCommand {
  readonly contactId: ContactId;
  readonly queueId: string;
  readonly lineId: string;
  readonly shard: string;
  /** Default `voice`. */
  readonly medium?: Medium;
  /** When the contact began to wait; written once by whoever owns the contact, never moved. */
  readonly enqueuedAtMs: number;
}

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
  enqueue(command: EnqueueCommand, meta: CommandMeta): Promise<'enqueued' | 'alreadyQueued'>;
  withdraw(contactId: ContactId, meta: CommandMeta): Promise<'withdrawn' | 'notQueued'>;
  offerAnswered(offerId: OfferId, meta: CommandMeta): Promise<'connected' | 'staleOffer'>;
  /** Puts the operator aside as the queue says for this failure; the contact goes on to the next, at its old place. */
  offerFailed(
    offer: { readonly offerId: OfferId; readonly queueId: string; readonly failure: OfferFailure },
    meta: CommandMeta,
  ): Promise<'givenBack' | 'staleOffer'>;
  release(
    held: { readonly operatorId: OperatorId; readonly contactId: ContactId; readonly wrapUp: boolean },
    meta: CommandMeta,
  ): Promise<'released' | 'notHolding'>;
  endWrapUp(
    held: { readonly operatorId: OperatorId; readonly contactId: ContactId },
    meta: CommandMeta,
  ): Promise<'idle' | 'notInWrapUp'>;

  signIn(operatorId: OperatorId, meta: CommandMeta): Promise<'done' | 'unknownOperator'>;
  signOut(operatorId: OperatorId, meta: CommandMeta): Promise<'done' | 'unknownOperator'>;
  setPresence(
    operatorId: OperatorId,
    change: { readonly presence: Presence; readonly reason?: string },
    meta: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'>;
  setReachable(operatorId: OperatorId, reachable: boolean, meta: CommandMeta): Promise<'done' | 'unknownOperator'>;

  /** Configured queues, or undefined for an unknown id. */
  queueSettings(queueId: string): QueueSettings | undefined;
  operatorOfExtension(extension: string): OperatorId | undefined;
  queuesNow(): Promise<readonly QueueNow[]>;
  operators(): Promise<readonly OperatorStatus[]>;
  operator(operatorId: OperatorId): Promise<OperatorStatus | undefined>;
  /** All queues, or one. */
  waitingContacts(queueId?: string): Promise<readonly WaitingContact[]>;
  /** Place within the queue, from 1. */
  position(contactId: ContactId): Promise<number | undefined>;
}
