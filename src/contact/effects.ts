import type { OfferFailure } from '../acd/index.ts';
import type { AttemptOutcome, CallBackDraft } from '../callbacks/index.ts';
import type {
  BridgeId,
  CallBackId,
  CaseId,
  LegId,
  OfferId,
  OperatorId,
  PlaybackId,
  RecordingId,
} from '../foundation/index.ts';
import { assertNever } from '../foundation/index.ts';
import type { BridgeKind } from './ports.ts';

/** What the machine wants done. Everything it names (legs, bridges, playbacks, recordings) it has named itself. */
export type ContactEffect =
  | { readonly type: 'answer'; readonly legId: LegId }
  | {
      readonly type: 'openRecording';
      readonly recordingId: RecordingId;
      readonly lineId: string;
      readonly startedAtMs: number;
    }
  | { readonly type: 'startRecording'; readonly legId: LegId; readonly spoolFile: string }
  | { readonly type: 'keepTime'; readonly legId: LegId }
  | {
      readonly type: 'markRecording';
      readonly recordingId: RecordingId;
      readonly purpose: 'menu' | 'queue' | 'talk' | 'message';
      readonly fromMs: number;
      readonly toMs?: number;
    }
  | { readonly type: 'closeRecording'; readonly recordingId: RecordingId; readonly endedAtMs: number }
  | {
      readonly type: 'playToLeg';
      readonly playbackId: PlaybackId;
      readonly legId: LegId;
      readonly media: readonly string[];
    }
  | {
      readonly type: 'playToBridge';
      readonly playbackId: PlaybackId;
      readonly bridgeId: BridgeId;
      readonly media: readonly string[];
    }
  | { readonly type: 'stopPlayback'; readonly playbackId: PlaybackId }
  /** Makes the bridge, unless it is there, and moves the legs into it together. */
  | {
      readonly type: 'joinBridge';
      readonly bridgeId: BridgeId;
      readonly kind: BridgeKind;
      readonly legIds: readonly LegId[];
    }
  | { readonly type: 'leaveBridge'; readonly bridgeId: BridgeId; readonly legId: LegId }
  | { readonly type: 'destroyBridge'; readonly bridgeId: BridgeId }
  | {
      readonly type: 'originate';
      readonly legId: LegId;
      readonly device: string;
      readonly callerIdNumber: string;
      readonly callerIdName: string;
      readonly ringTimeoutMs: number;
    }
  /** Calls a caller back. */
  | {
      readonly type: 'dialCaller';
      readonly legId: LegId;
      /** Personal data. */
      readonly number: string;
      readonly trunk: string;
      readonly callerIdNumber: string;
      readonly ringTimeoutMs: number;
      readonly recogniseMachines: boolean;
    }
  | { readonly type: 'hangup'; readonly legId: LegId; readonly cause: 'normal' | 'busy' | 'unallocated' | 'failure' }
  | {
      readonly type: 'enqueue';
      readonly queueId: string;
      readonly lineId: string;
      readonly enqueuedAtMs: number;
      /** Nobody is on the line: he is to be called back. */
      readonly kind?: 'callBack';
      /** Who has talked with this caller since is asked first. `ani` is personal data. */
      readonly lastOperator?: { readonly ani: string; readonly sinceMs: number };
      /** It had a place already: the queue's limits do not count. */
      readonly keepsPlace?: true;
      /** His own head start; none unless said. */
      readonly headStartMs?: number;
      /** He is told about it: the answer comes with an estimate. */
      readonly estimate?: true;
    }
  /** Place and estimate in one round trip; answered by `placeKnown`. */
  | { readonly type: 'askPlace' }
  | { readonly type: 'setHeadStart'; readonly headStartMs: number }
  | { readonly type: 'withdraw' }
  | { readonly type: 'offerAnswered'; readonly offerId: OfferId }
  | {
      readonly type: 'offerFailed';
      readonly offerId: OfferId;
      readonly queueId: string;
      readonly failure: OfferFailure;
    }
  | {
      readonly type: 'release';
      readonly operatorId: OperatorId;
      readonly wrapUp: boolean;
      /** Whose wrap-up time counts. */
      readonly queueId?: string;
    }
  | { readonly type: 'endWrapUp'; readonly operatorId: OperatorId }
  | {
      readonly type: 'storeRequest';
      /** Contact and place in the flow: a repeat returns the request stored first. */
      readonly idempotencyKey: string;
      readonly lineId: string;
      readonly topic: string;
      readonly callBackNumber: string;
      readonly language: string;
      readonly message?: { readonly recordingId: RecordingId; readonly fromMs: number; readonly toMs: number };
    }
  /** Answered by `callBackClaimed` or `callBackNotClaimed`. */
  | { readonly type: 'claimCallBack'; readonly callBackId: CallBackId }
  /** Written down before the caller is dialled; answered by `attemptBegun` or `attemptRefused`. */
  | { readonly type: 'beginAttempt'; readonly callBackId: CallBackId }
  | { readonly type: 'endAttempt'; readonly callBackId: CallBackId; readonly outcome: AttemptOutcome }
  /** Given back undialled. */
  | { readonly type: 'postponeCallBack'; readonly callBackId: CallBackId }
  /** Nobody needs to work on it any more: its caller was answered while he waited, or has left another in its place. */
  | { readonly type: 'closeRequest'; readonly caseId: CaseId; readonly why: 'answeredLive' | 'replaced' }
  /** Who is calling: open call-backs of the number, and places it gave up since; answered by `callerKnown`, if at all. */
  | { readonly type: 'lookUpCaller'; readonly ani: string; readonly sinceMs: number }
  /** Answered by `callBackPromised` or `callBackRefused`. */
  | ({
      readonly type: 'promiseCallBack';
      /** Names the answer. A repeat finds the call-back that it made the first time. */
      readonly idempotencyKey: string;
    } & Omit<CallBackDraft, 'contactId' | 'createdAtMs'>)
  /** Nobody dials it while its caller is on the line; answered by `callBackHeld`. */
  | { readonly type: 'holdCallBack'; readonly callBackId: CallBackId }
  | { readonly type: 'letGoCallBack'; readonly callBackId: CallBackId }
  | { readonly type: 'cancelCallBack'; readonly callBackId: CallBackId; readonly why: 'answeredLive' | 'replaced' }
  /** The permanent record, of the state as it is when the effect runs. */
  | { readonly type: 'putRecord' }
  /** The contact is over: its state is removed and its mailbox closed. */
  | { readonly type: 'finish' };

export type EffectType = ContactEffect['type'];

/**
 * What may be done with an effect of which nobody knows whether it happened (the process died around it):
 * `repeat` it freely; `askFirst` what Asterisk holds and repeat only what is not there; `once`: never again, the
 * machine is told and decides.
 */
export type EffectClass = 'repeat' | 'askFirst' | 'once';

export function effectClass(type: EffectType): EffectClass {
  switch (type) {
    case 'answer': // answering an answered leg changes nothing
    case 'keepTime':
    case 'markRecording':
    case 'closeRecording':
    case 'stopPlayback':
    case 'joinBridge': // a known bridge answers 409, a leg that is in it stays
    case 'leaveBridge':
    case 'destroyBridge':
    case 'hangup':
    case 'enqueue': // the queue's verbs know the contact and the offer by id
    case 'askPlace':
    case 'setHeadStart':
    case 'withdraw':
    case 'offerAnswered':
    case 'offerFailed':
    case 'release':
    case 'endWrapUp':
    case 'claimCallBack': // the room of call-backs knows whose it is
    case 'beginAttempt':
    case 'endAttempt':
    case 'postponeCallBack':
    case 'storeRequest': // carries an idempotency key
    case 'closeRequest': // what is closed stays so
    case 'lookUpCaller':
    case 'promiseCallBack': // an open one of this number in this queue is found again
    case 'holdCallBack': // the verbs of call-backs know who has it
    case 'letGoCallBack':
    case 'cancelCallBack':
    case 'putRecord': // upsert
    case 'finish':
    case 'openRecording': // opens a new segment under a new name; an unused one holds nothing
      return 'repeat';
    case 'playToLeg': // the same id would be played twice
    case 'playToBridge':
    case 'originate': // an ended id would ring again
      return 'askFirst';
    case 'startRecording': // a second start would record twice or truncate
    case 'dialCaller': // nobody's phone rings twice for one attempt
      return 'once';
    default:
      return assertNever(type, 'effect');
  }
}

/**
 * Whether it may run only when the state that names it is saved, however long that takes: a process that dies is followed by one that
 * knows nothing of it and asks for it again, and somebody's phone would ring twice. Of a recording only its start is lost.
 */
export function needsSave(type: EffectType): boolean {
  return type === 'dialCaller';
}

/** An effect saved with the state before it runs. */
export interface PendingEffect {
  /** Grows over the contact's life; names the effect in logs and in recovery. */
  readonly number: number;
  readonly effect: ContactEffect;
}
