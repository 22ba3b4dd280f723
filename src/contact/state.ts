import type { OfferFailure } from '../acd/index.ts';
import type {
  BridgeId,
  CallBackId,
  CaseId,
  ContactId,
  LegId,
  OfferId,
  OperatorId,
  PlaybackId,
  RecordingId,
} from '../foundation/index.ts';
import type { FlowPosition, SpokenWait, Told } from '../ivr/index.ts';
import type { PendingEffect } from './effects.ts';
import type { ContactOutcome, TimelineEntry } from './store-ports.ts';

/**
 *  arriving ──► voice ──► queued ──► joining ──► talking ──► closing ──► (finished)
 *      │          │  ▲       │          │                       ▲
 *      │          │  └───────┘          └── stale offer: queued │
 *      └──────────┴───────────┴─── caller gone ─────────────────┘
 *
 * A contact that calls somebody back begins without its caller:
 *
 *  claiming ──► queued ──► (joining) ──► dialling ──► talking, or queued with the caller, whose operator is rung now
 *      │           │                         │
 *      └───────────┴── not his, too late, ───┴── not reached ──► closing
 *
 * Each phase has only what it has. `closing` holds what still has to come before the contact may be forgotten:
 * the end of its legs, of the operator's wrap-up and of the recording's verification.
 */
export type ContactPhase =
  | { readonly name: 'arriving'; readonly step: 'openingRecording' | 'startingRecording' }
  | VoicePhase
  | ClaimingPhase
  | QueuedPhase
  | JoiningPhase
  | DiallingPhase
  | TalkingPhase
  | ClosingPhase;

/** A walk through a flow. */
export interface Dialogue {
  readonly flow: { readonly flowId: string; readonly position: FlowPosition } | undefined;
  readonly playback?: PlaybackId;
  /** The caller is speaking a message since this instant. */
  readonly messageSinceMs?: number;
}

/** Without `flow`: no line has this number, or nothing can be offered; one last prompt is said and the contact ends. */
export interface VoicePhase extends Dialogue {
  readonly name: 'voice';
  /** What becomes of the contact when the current prompt has been said. */
  readonly endAfterPlayback?: ContactOutcome;
}

/** The room of call-backs is being asked whether it is this contact's. Nobody is on the line, and nothing is told yet. */
export interface ClaimingPhase {
  readonly name: 'claiming';
}

export interface Offer {
  readonly offerId: OfferId;
  readonly operatorId: OperatorId;
  readonly extension: string;
  /** The strongest reason seen so far among the devices that will not answer. */
  readonly failure: OfferFailure;
}

/** A walk through the caller's flow while his place is kept; he is out of the holding bridge meanwhile. */
export interface Visit extends Dialogue {
  /** What it may say of the time still to wait. */
  readonly wait?: SpokenWait;
}

/** Why place and estimate are being asked: on arrival, for an announcement, because the caller wants to know, for a rung of the ladder. */
export type PlaceQuestion = 'arrival' | 'announcement' | 'caller' | 'rung';

/** How far the contact has come on its queue's ladder. */
export interface LadderProgress {
  /** Rungs taken. */
  readonly taken: number;
  /** The choice is to be offered when nothing else is being said. */
  readonly choice?: { readonly estimateMs?: number };
  /**
   * The concluded end is to be written down, when nobody is rung and no dialogue is under way, or at the latest moment. `request`: no
   * call-back could be promised.
   */
  readonly conclusion?: 'due' | 'request';
  /** He stays on the line past the latest moment, and ranks accordingly. */
  readonly staying?: true;
}

/** The caller's line closes at `atMs`; `since`: it has, and those who wait are served for the queue's grace. */
export type LineClosing =
  | { readonly state: 'open'; readonly atMs: number }
  | { readonly state: 'grace'; readonly atMs: number; readonly told?: true };

/** A call-back of this caller that this contact has made or found. */
export interface KnownCallBack {
  readonly callBackId: CallBackId;
  readonly queueId: string;
  readonly placeMs: number;
  /**
   * `held`: nobody dials it while this contact lasts. `asked`: it is being asked for. `dialling`: it was being dialled when it was asked for,
   * and is asked for again when its caller is served.
   */
  readonly state: 'found' | 'dialling' | 'asked' | 'held';
  /** Made as the concluded end; `untold`: he has not heard of it yet. */
  readonly concluded?:
    | 'untold'
    | 'told' /** His own choice, promised for then, too late for the flow that asked for it: he has not heard of it yet. */;
  readonly untold?: { readonly dueAtMs: number };
  /** Made of a request that he left while nobody was there: the request is what he has, this is how it is answered. */
  readonly ofRequest?: true;
}

/** A place in a queue that this caller gave up by hanging up. */
export interface AbandonedPlace {
  readonly contactId: ContactId;
  readonly queueId: string;
  readonly placeMs: number;
  readonly endedAtMs: number;
}

/** A place that the caller had before this contact: he is ranked as if he had come then. */
export interface EarnedPlace {
  readonly placeMs: number;
  readonly by: 'callBack' | 'abandoned';
  /** He has not heard yet that he has it back. */
  readonly untold?: true;
}

/** What is being written down for the caller. */
export type Promising = 'ownCallBack' | 'concludedCallBack' | 'concludedRequest' | 'requestCallBack';

interface Waiting {
  readonly queueId: string;
  readonly topic: string;
  readonly enqueuedAtMs: number;
  /** The holding bridge: its music resumes by itself, also while this process is down. None where callers wait in silence. */
  readonly holdingBridgeId?: BridgeId;
  /** A limit of the queue was reached: when nothing rings any more, the contact goes where that says. */
  readonly limitReached?: 'length' | 'nobodyLoggedIn' | 'wait' | 'closed';
  /** Queues that did not take it, or not any longer, so far. */
  readonly overflows?: number;
  /** What he has been told; where the queue announces something. */
  readonly told?: Told;
  /** Where the queue has one. */
  readonly ladder?: LadderProgress;
  /** What the next `placeKnown` is for. */
  readonly asking?: readonly PlaceQuestion[];
  /** Of a request that has been stored for him and that he has not heard yet. */
  readonly numberToTell?: string;
  /** Where the queue says what becomes of who waits at closing time, and his line closes. */
  readonly closing?: LineClosing;
}

/** Of a contact that calls somebody back also before its caller is on the line. */
export interface QueuedPhase extends Waiting {
  readonly name: 'queued';
  /** The welcome or an announcement. */
  readonly playback?: PlaybackId;
  readonly offer?: Offer;
  readonly visit?: Visit;
}

/** A device answered; the queue is being asked whether the offer still stands. */
export interface JoiningPhase extends Waiting {
  readonly name: 'joining';
  readonly offer: Offer;
  readonly operatorLegId: LegId;
  readonly answeredAtMs: number;
}

/**
 * A caller is being called back: the attempt is written down, his phone rings, the recording is started when he has answered; or
 * he was not reached, and the operator who waits is told.
 */
export interface DiallingPhase {
  readonly name: 'dialling';
  readonly step: 'writingDown' | 'ringing' | 'startingRecording' | 'telling';
  readonly queueId: string;
  readonly topic: string;
  readonly enqueuedAtMs: number;
  /** Operator first: he has answered and waits in a bridge of his own. */
  readonly operator?: WaitingOperator;
  /** Caller first: who is kept for him, and is rung when he has answered. */
  readonly reserved?: { readonly offer: Offer; readonly devices: readonly string[] };
  /** What the operator hears. */
  readonly playback?: PlaybackId;
}

export interface WaitingOperator {
  readonly operatorId: OperatorId;
  readonly legId: LegId;
  readonly bridgeId: BridgeId;
}

export interface TalkingPhase {
  readonly name: 'talking';
  readonly queueId: string;
  readonly operatorId: OperatorId;
  readonly operatorLegId: LegId;
  readonly talkBridgeId: BridgeId;
  readonly joinedAtMs: number;
  /** Who calls, and that it is recorded: said to both when he who was called is joined with an operator who waited for him. */
  readonly playback?: PlaybackId;
}

export interface ClosingPhase {
  readonly name: 'closing';
  /** Who is in wrap-up after this contact, until the queue, asked when the timer `wrapUp` fires, has ended it. */
  readonly wrapUp?: { readonly operatorId: OperatorId; readonly sinceMs: number };
  readonly awaitingRecording: boolean;
}

export interface Leg {
  readonly legId: LegId;
  readonly role: 'caller' | 'operator' | 'consult' | 'supervisor';
  readonly state: 'starting' | 'ringing' | 'up' | 'ending' | 'ended';
  readonly operatorId?: OperatorId;
  readonly offerId?: OfferId;
  readonly device?: string;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
}

export type TimerId =
  | 'input'
  | 'queueLimit'
  | 'lineClosed'
  | 'tell'
  | 'ladder'
  | 'message'
  | 'ring'
  | 'wrapUp'
  | 'recordingStart'
  | 'window'
  | 'dial'
  | 'live'
  | 'closing'
  | 'playback';

/** What the permanent record will hold; filled as the contact goes. */
export interface ContactFacts {
  readonly lineId: string | undefined;
  readonly dnis: string;
  /** Personal data. */
  readonly ani: string;
  readonly trunk: string;
  readonly sipCallId: string;
  /** The schedule is evaluated at this instant plus the time since arrival; only where the service runs for testing. */
  readonly evaluateAtMs?: number;
  readonly language: string;
  readonly answeredAtMs?: number;
  readonly queueId?: string;
  readonly topic?: string;
  readonly enqueuedAtMs?: number;
  readonly waitMs?: number;
  readonly joinedAtMs?: number;
  readonly operatorId?: OperatorId;
  readonly talkMs?: number;
  readonly wrapUpMs?: number;
  readonly endedAtMs?: number;
  readonly endedBy?: 'caller' | 'operator' | 'service';
  readonly outcome?: ContactOutcome;
  readonly caseId?: CaseId;
  /** We called. */
  readonly kind?: 'callBack';
  /** The call-back that is dialled, or promised. */
  readonly callBackId?: CallBackId;
}

export interface ContactRecording {
  readonly recordingId: RecordingId;
  readonly state: 'opening' | 'starting' | 'running' | 'closed' | 'failed';
  /** Wall time of the recording's zero second. */
  readonly startedAtMs: number;
  readonly spoolFile?: string;
}

/** What a contact that calls somebody back has to do. */
export interface CallBackTask {
  readonly callBackId: CallBackId;
  /**
   * `asked`: may be claimed · `refused`: it is another's · `claimed` · `attempted`: an attempt is written down, or may be ·
   * `settled`: the room of call-backs has been told how it went, or has it back.
   */
  readonly stage: 'asked' | 'refused' | 'claimed' | 'attempted' | 'settled';
  /** By whose settings it is dialled, wherever staff has moved it. */
  readonly queueId?: string;
  /** It may be dialled until then. */
  readonly untilMs?: number;
  /** How the queue holds it: a caller who has been reached and has no operator waits as any other. */
  readonly queuedAs: 'callBack' | 'live';
}

/** Everything known of a live contact. Plain JSON; holds personal data, so it is stored sealed. */
export interface ContactState {
  readonly contactId: ContactId;
  readonly shard: string;
  readonly configVersion: string;
  readonly arrivedAtMs: number;
  /** Of a caller who is called back: the name that his leg will have. */
  readonly callerLegId: LegId;
  readonly phase: ContactPhase;
  readonly facts: ContactFacts;
  readonly legs: readonly Leg[];
  readonly recording?: ContactRecording;
  /** Where we call. */
  readonly callBack?: CallBackTask;
  /** A request of the caller's own choice has been asked to be stored. */
  readonly requestAsked?: boolean;
  /** By the key that the answer will name: the contact is not forgotten before it has come. */
  readonly promising?: Readonly<Record<string, Promising>>;
  /** The request that was stored as the concluded end, while nobody has served its caller. */
  readonly concluded?: { readonly caseId: CaseId; readonly told?: true };
  readonly callBacks?: readonly KnownCallBack[];
  readonly abandonedPlaces?: readonly AbandonedPlace[];
  readonly earned?: EarnedPlace;
  /** The last spoken message, milliseconds from the recording's zero second. */
  readonly message?: { readonly fromMs: number; readonly toMs: number };
  /** Instants (wall time, ms) at which `timerFired` is due. Compared when it fires: a stale one disarms itself. */
  readonly timers: Readonly<Partial<Record<TimerId, number>>>;
  readonly timeline: readonly TimelineEntry[];
  /** Numbers the legs, bridges and playbacks of this contact. */
  readonly sequence: number;
}

/** What is saved: the state with the effects that had not been seen done when it was saved. */
export interface StoredContact {
  readonly version: 1;
  readonly state: ContactState;
  readonly pending: readonly PendingEffect[];
}
