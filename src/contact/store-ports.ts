import type { CallBackId, CaseId, ContactId, LegId, OperatorId, RecordingId, SaveAhead } from '../foundation/index.ts';
import type { AbandonedPlace } from './state.ts';

/** A claim on a shard. `epoch` grows with each owner; every save names it, so that a late owner cannot write. */
export interface ShardLease {
  readonly shard: string;
  readonly nodeId: string;
  readonly epoch: number;
}

/** Who owns which shard. Two implementations (Redis, memory) behind one contract suite. */
export interface ShardLeases {
  /**
   * Takes the shard when it is free, its lease has run out, or its holder has the same `nodeId` (a restart of this very node).
   * Undefined: somebody else holds it.
   */
  acquire(
    shard: string,
    options: { readonly nodeId: string; readonly nowMs: number; readonly leaseMs: number },
  ): Promise<ShardLease | undefined>;
  /** False when the lease has been taken by another: the holder stops acting at once. */
  renew(lease: ShardLease, options: { readonly nowMs: number; readonly leaseMs: number }): Promise<boolean>;
  release(lease: ShardLease): Promise<void>;
  /** Every shard ever acquired and not retired, with its holder and when its lease runs out. */
  list(): Promise<
    readonly { readonly shard: string; readonly nodeId: string; readonly epoch: number; readonly expiresAtMs: number }[]
  >;
}

/** One entry of a contact's timeline. `facts` holds no personal data. */
export interface TimelineEntry {
  readonly atMs: number;
  readonly kind: string;
  readonly facts: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/**
 * Live contacts: the machine's state with its pending effects, sealed by the caller of this port (`sealedState` is opaque here).
 * One save is one atomic step: epoch check, state, timeline entries into the event stream.
 */
export interface ContactStateStore {
  save(
    lease: ShardLease,
    contactId: ContactId,
    change: { readonly sealedState: string; readonly timeline: readonly TimelineEntry[] },
  ): Promise<'saved' | 'leaseLost'>;
  /**
   * `save`, taken along by the first command that `command` gives the queue, with what it is handed in the command's meta: save and
   * command are one atomic step in this order. When the lease is lost neither happens, and a command that has been given
   * rejects with `LEASE_LOST`. Without a command given at once it is `save`.
   */
  saveWith(
    lease: ShardLease,
    contactId: ContactId,
    change: { readonly sealedState: string; readonly timeline: readonly TimelineEntry[] },
    command: (ahead: SaveAhead) => void,
  ): Promise<'saved' | 'leaseLost'>;
  /** The contact is over: its state is removed, the last timeline entries are published. */
  finish(
    lease: ShardLease,
    contactId: ContactId,
    timeline: readonly TimelineEntry[],
  ): Promise<'finished' | 'leaseLost'>;
  /** Every live contact of the shard, to go on with after a restart or a take-over. */
  loadShard(shard: string): Promise<readonly { readonly contactId: ContactId; readonly sealedState: string }[]>;
}

/** An event on the common stream: timelines of contacts, moves of the queue and operators, alarms of the system. */
export interface StreamEvent {
  /** Position in the stream; readers resume after it. */
  readonly id: string;
  readonly source: 'contact' | 'queue' | 'system';
  readonly contactId?: ContactId;
  readonly operatorId?: OperatorId;
  readonly entry: TimelineEntry;
}

export interface EventStream {
  /**
   * Acknowledged reading under a reader's name, in the order of the stream and in batches of what has gathered meanwhile (some tenth
   * of a second). A batch is delivered until `deliver` resolves, before the next; after a restart reading goes on behind the last
   * batch that was accepted. The stream is trimmed behind the slowest named reader. Runs until `signal` aborts.
   */
  consume(
    reader: string,
    deliver: (events: readonly StreamEvent[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Unacknowledged reading for live views: events after `afterId` (undefined: from now on) until `signal` aborts. */
  follow(afterId: string | undefined, deliver: (event: StreamEvent) => void, signal: AbortSignal): Promise<void>;
  /**
   * After which event a live view begins that saw `lastSeenId` last: after that, or after the newest when it has seen none.
   * `complete` is false when that event is no longer there: of what came after it the view gets what is still kept.
   */
  beginning(lastSeenId: string | undefined): Promise<{ readonly afterId: string; readonly complete: boolean }>;
  /** What is still kept of a contact's events up to `upToId`, oldest first, among the latest `most` events of all. */
  pastOf(
    contactId: ContactId,
    range: { readonly upToId: string; readonly most: number },
  ): Promise<readonly StreamEvent[]>;
}

export type ContactOutcome =
  | 'answeredByOperator'
  | 'abandonedInMenu'
  | 'abandonedInQueue'
  | 'abandonedWhileRinging'
  | 'requestLeft'
  /** Left with the promise to be called back. */
  | 'callBackPromised'
  /** A call-back whose caller could not be joined with an operator: its attempt says why. */
  | 'callBackNotReached'
  /** A call-back that was not dialled: its caller called in, or it was cancelled. */
  | 'callBackNotNeeded'
  /** A call-back that was not dialled as its hours were over; it is due again later. */
  | 'callBackPostponed'
  | 'informed'
  | 'menuExhausted'
  | 'unknownNumber'
  | 'failed';

/** The permanent record (PostgreSQL). `ani` is sealed by the store's implementation under the vault, found by its blind index. */
export interface ContactRecord {
  readonly contactId: ContactId;
  readonly lineId: string | undefined;
  readonly dnis: string;
  /** Personal data. */
  readonly ani: string;
  readonly trunk: string;
  readonly sipCallId: string;
  readonly nodeId: string;
  readonly configVersion: string;
  readonly arrivedAtMs: number;
  readonly answeredAtMs?: number;
  readonly queueId?: string;
  readonly topic?: string;
  readonly enqueuedAtMs?: number;
  /** From entering the queue to an operator or to leaving. */
  readonly waitMs?: number;
  readonly joinedAtMs?: number;
  readonly operatorId?: OperatorId;
  readonly talkMs?: number;
  readonly wrapUpMs?: number;
  readonly endedAtMs?: number;
  readonly endedBy?: 'caller' | 'operator' | 'service';
  readonly outcome?: ContactOutcome;
  readonly caseId?: CaseId;
  /** We called: no service level counts it. Left out: the caller did. */
  readonly kind?: 'callBack';
  /** The call-back that was dialled, or promised. */
  readonly callBackId?: CallBackId;
  readonly legs: readonly {
    readonly legId: LegId;
    readonly role: string;
    readonly operatorId?: OperatorId;
    readonly startedAtMs: number;
    readonly endedAtMs?: number;
  }[];
  readonly timeline: readonly TimelineEntry[];
}

/** More contacts than a caller has in a row without reaching anybody. */
export const lastOperatorDepth = 20;

export interface ContactRecordStore {
  /** Upsert by contactId: repeated safely. */
  put(record: ContactRecord): Promise<void>;
  get(
    contactId: ContactId,
  ): Promise<(ContactRecord & { readonly recordings: readonly RecordingSummary[] }) | undefined>;
  /** Newest first. `ani` and `sipCallId` find by equality (ani through the blind index). */
  list(filter: {
    readonly ani?: string;
    readonly sipCallId?: string;
    readonly lineId?: string;
    readonly before?: ContactId;
    readonly limit: number;
  }): Promise<readonly ContactRecord[]>;
  /**
   * Who talked last with the caller of this number, not longer ago than `sinceMs`; looked for among his latest
   * `lastOperatorDepth` contacts only, so that the answer costs the same for everybody.
   */
  lastOperator(caller: { readonly ani: string; readonly sinceMs: number }): Promise<OperatorId | undefined>;
}

/** What the caller of a number has of earlier calls. */
export interface EarlierPlaces {
  /** His open call-backs, the earliest place first; one that is being dialled among them: it is to be cancelled once he was served. */
  readonly callBacks: readonly {
    readonly callBackId: CallBackId;
    readonly queueId: string;
    readonly placeMs: number;
  }[];
  /**
   * Places in queues that he gave up by hanging up, not longer ago than `sinceMs`: of each queue that of his latest contact in it, if that
   * one gave up and no other has been given its place (`placeReturned` in its timeline). Looked for among his latest `lastOperatorDepth` contacts.
   */
  readonly abandoned: readonly AbandonedPlace[];
}

/** Who calls again. Rejects with `DATABASE_UNAVAILABLE`. */
export interface ReturningCallers {
  earlierPlaces(caller: { readonly ani: string; readonly sinceMs: number }): Promise<EarlierPlaces>;
}

export interface RecordingSummary {
  readonly recordingId: RecordingId;
  readonly state: 'recording' | 'sealed' | 'verified' | 'failed';
  readonly durationMs?: number;
  readonly marks: readonly { readonly purpose: string; readonly fromMs: number; readonly toMs?: number }[];
}
