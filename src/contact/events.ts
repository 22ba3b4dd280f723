import type { CallBack, PromiseRefusal } from '../callbacks/index.ts';
import type { CallBackId, CaseId, LegId, OfferId, OperatorId, PlaybackId, RecordingId } from '../foundation/index.ts';
import type { EffectType } from './effects.ts';
import type { Heard } from './ports.ts';
import type { AbandonedPlace, KnownCallBack, TimerId } from './state.ts';
import type { LegEndCause } from './telephony-events.ts';

/**
 * What can happen to a contact, one at a time through its mailbox. Every event about a leg, playback, offer or recording names it,
 * and the machine compares: one that names something of the past is a named no-op or gives something back.
 */
export type ContactEvent =
  | { readonly type: 'legReturned'; readonly legId: LegId; readonly spoolFile?: string }
  | { readonly type: 'legRinging'; readonly legId: LegId }
  | { readonly type: 'legAnswered'; readonly legId: LegId; readonly heard?: Heard }
  | { readonly type: 'legEnded'; readonly legId: LegId; readonly cause: LegEndCause }
  | { readonly type: 'digit'; readonly legId: LegId; readonly digit: string }
  | { readonly type: 'playbackEnded'; readonly playbackId: PlaybackId; readonly outcome: 'played' | 'failed' }
  | { readonly type: 'timerFired'; readonly timerId: TimerId; readonly dueMs: number }
  | {
      readonly type: 'offerMade';
      readonly offerId: OfferId;
      readonly operatorId: OperatorId;
      readonly extension: string;
      readonly devices: readonly string[];
      readonly why: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'offerWithdrawn'; readonly offerId: OfferId; readonly reason: string }
  | { readonly type: 'offerConfirmed'; readonly offerId: OfferId }
  | { readonly type: 'offerStale'; readonly offerId: OfferId }
  /** Without a position: the queue does not know the contact (any more). No estimate while nobody on duty can serve it. */
  | {
      readonly type: 'placeKnown';
      readonly position?: number;
      readonly estimateMs?: number;
      /** Of who has just taken his place. */
      readonly atArrival?: true;
    }
  /** The queue does not take the contact. */
  | { readonly type: 'queueRefused'; readonly queueId: string; readonly limit: 'length' | 'nobodyLoggedIn' }
  /** Staff took the contact out of its queue. */
  | { readonly type: 'contactWithdrawn' }
  /** Staff took the contact to another queue. */
  | { readonly type: 'contactMoved'; readonly queueId: string }
  /** The queue holds the operator in wrap-up now. */
  | { readonly type: 'wrapUpBegun'; readonly operatorId: OperatorId }
  | { readonly type: 'wrapUpExtended'; readonly operatorId: OperatorId; readonly untilMs: number }
  /** The queue holds the operator in wrap-up no more. */
  | { readonly type: 'wrapUpOver'; readonly operatorId: OperatorId }
  /** Asked to end it: the queue's own time for it has not come. */
  | { readonly type: 'wrapUpNotDue'; readonly operatorId: OperatorId }
  | { readonly type: 'recordingOpened'; readonly recordingId: RecordingId; readonly spoolFile: string }
  | {
      readonly type: 'recordingClosed';
      readonly recordingId: RecordingId;
      readonly state: 'verified' | 'failed';
      readonly durationMs: number;
      readonly failure?: string;
    }
  | {
      readonly type: 'requestStored';
      readonly caseId: CaseId;
      readonly caseNumber: string;
      /** Which of the contact's requests, what it is about, and where its caller can be called: empty when he withheld it; personal data. */
      readonly idempotencyKey?: string;
      readonly topic?: string;
      readonly callBackNumber?: string;
    }
  /** It is this contact's to dial; `untilMs`: until then. */
  | { readonly type: 'callBackClaimed'; readonly callBack: CallBack; readonly untilMs?: number }
  /** It is another's, not due, or over. */
  | { readonly type: 'callBackNotClaimed' }
  | { readonly type: 'attemptBegun'; readonly attempt: number }
  /** `mayNotDial`: at this hour, and it has been planned anew; `notClaimed`: it is this contact's no more. */
  | { readonly type: 'attemptRefused'; readonly why: 'mayNotDial' | 'notClaimed' }
  /** What is known of who is calling; nothing comes when nothing is. */
  | {
      readonly type: 'callerKnown';
      readonly callBacks: readonly Omit<KnownCallBack, 'state'>[];
      readonly abandoned: readonly AbandonedPlace[];
    }
  /** It is promised, and held by this contact. */
  | {
      readonly type: 'callBackPromised';
      readonly idempotencyKey: string;
      readonly callBackId: CallBackId;
      readonly queueId: string;
      readonly placeMs: number;
      readonly dueAtMs: number;
    }
  | {
      readonly type: 'callBackRefused';
      readonly idempotencyKey: string;
      readonly why: PromiseRefusal;
      readonly nextAtMs?: number;
    }
  | { readonly type: 'callBackHeld'; readonly callBackId: CallBackId; readonly outcome: 'held' | 'dialling' | 'over' }
  /** An effect came to nothing. `why`: an outcome of the port or the code of an error; no personal data. */
  | {
      readonly type: 'effectFailed';
      readonly effect: EffectType;
      readonly why: string;
      readonly legId?: LegId;
      readonly playbackId?: PlaybackId;
      readonly offerId?: OfferId;
      readonly idempotencyKey?: string;
      readonly callBackId?: CallBackId;
    }
  | RecoveredEvent;

/** The process that owns this contact is new: this is what Asterisk holds of it now. */
export interface RecoveredEvent {
  readonly type: 'recovered';
  readonly nodeId: string;
  readonly legs: readonly {
    readonly legId: LegId;
    readonly controlled: boolean;
    readonly up: boolean;
    readonly spoolFile?: string;
    readonly heard?: Heard;
  }[];
  /** Of the playbacks the state knows: those that Asterisk still has. */
  readonly playbacks: readonly PlaybackId[];
  /** Effects of class `once` of which nobody knows whether they happened. */
  readonly uncertain: readonly EffectType[];
}
