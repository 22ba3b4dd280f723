import type { ContactId, OfferId, OperatorId } from '../foundation/index.ts';

/** What the owner of a contact is told, at least once (`QueueInbox`). */
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
    }
  /** Staff took the contact out of its queue. */
  | { readonly type: 'contactWithdrawn'; readonly contactId: ContactId; readonly atMs: number }
  /** Staff took the contact to another queue; its place counts from the same moment. */
  | { readonly type: 'contactMoved'; readonly contactId: ContactId; readonly queueId: string; readonly atMs: number }
  /** The operator takes longer, or was done before his time. */
  | {
      readonly type: 'wrapUpExtended';
      readonly contactId: ContactId;
      readonly operatorId: OperatorId;
      readonly untilMs: number;
      readonly atMs: number;
    }
  | {
      readonly type: 'wrapUpOver';
      readonly contactId: ContactId;
      readonly operatorId: OperatorId;
      readonly atMs: number;
    };

/** Reads a shard's inbox. An event is delivered until it is acknowledged; after a restart the unacknowledged come first. */
export interface QueueInbox {
  /**
   * Calls `deliver` for each event of `shard`, without waiting for the one before; the event is acknowledged when the
   * promise resolves, and may come again until then. In order, but for an offer that a verb of this very process has
   * made: it comes at once, before what else is under way, and comes again while it rings when it may have been missed.
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
  | 'wrapUpOver'
  | 'wrapUpExtended'
  | 'notReadyAsked'
  | 'skillsChanged'
  | 'outsideCallChanged'
  | 'stepTaken'
  | 'preferenceOver'
  | 'contactMoved'
  | 'priorityChanged';
