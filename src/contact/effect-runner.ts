import {
  assertNever,
  bySystem,
  type Clock,
  type CommandMeta,
  type ContactId,
  DozvonError,
  type SaveAhead,
} from '../foundation/index.ts';
import { briefLook } from './brief-look.ts';
import { type CallBackEffect, isCallBackEffect, runCallBackEffect } from './call-back-effects.ts';
import { type CallerEffect, isCallerEffect, runCallerEffect } from './caller-effects.ts';
import type { ContactEffect } from './effects.ts';
import type { ContactEvent } from './events.ts';
import type { CommandOutcome, TelephonyPort } from './ports.ts';
import type { CallBackPort, QueuePort, RecordingPort, RequestPort } from './room-ports.ts';
import type { ContactRecord, ContactRecordStore, ReturningCallers } from './store-ports.ts';

/** Where the effects of a shard's contacts go. */
export interface EffectPorts {
  readonly telephony: TelephonyPort;
  readonly queue: QueuePort;
  readonly recordings: RecordingPort;
  readonly requests: RequestPort;
  readonly callBacks: CallBackPort;
  readonly records: ContactRecordStore;
  readonly callers: ReturningCallers;
  readonly clock: Clock;
}

export interface EffectContext {
  readonly contactId: ContactId;
  readonly shard: string;
  readonly record: () => ContactRecord;
  /** The save of the state that names the effect, to be taken along by its command. */
  readonly ahead?: SaveAhead | undefined;
}

export const lanes = ['call', 'queue', 'records'] as const;
export type Lane = (typeof lanes)[number];

/**
 * The lane an effect runs in. Effects of one lane run one after another in the order given; a database that is slow holds up
 * `records`, an Asterisk that is away `call`, a Redis that is away `queue`, and none of them another.
 */
export function laneOf(effect: ContactEffect): Lane {
  switch (effect.type) {
    case 'openRecording':
    case 'markRecording':
    case 'closeRecording':
    case 'storeRequest':
    case 'claimCallBack':
    case 'beginAttempt':
    case 'endAttempt':
    case 'postponeCallBack':
    case 'closeRequest':
    case 'lookUpCaller':
    case 'promiseCallBack':
    case 'holdCallBack':
    case 'letGoCallBack':
    case 'cancelCallBack':
    case 'putRecord':
    case 'finish':
      return 'records';
    case 'enqueue':
    case 'askPlace':
    case 'setHeadStart':
    case 'withdraw':
    case 'offerAnswered':
    case 'offerFailed':
    case 'release':
    case 'endWrapUp':
      return 'queue';
    default:
      return 'call';
  }
}

/** Whether the effect begins with a command to the queue, so that the save before it can go along. */
export function takesSaveAlong(effect: ContactEffect): boolean {
  return laneOf(effect) === 'queue' && !(effect.type === 'enqueue' && effect.lastOperator !== undefined);
}

/** The caller hears music already, so this delays his offer only; a database at work answers in a few milliseconds. */
const lastOperatorLimitMs = 200;

const meta = (reason: string): CommandMeta => bySystem('contact', reason);

/**
 * Runs one effect and returns the events that it brings (none for most). Rejects when what it needs cannot be reached:
 * `TELEPHONY_UNAVAILABLE`, `TIMED_OUT`, `REDIS_UNAVAILABLE`, `DATABASE_UNAVAILABLE`.
 */
export async function runEffect(
  effect: ContactEffect,
  context: EffectContext,
  ports: EffectPorts,
): Promise<readonly ContactEvent[]> {
  const { contactId } = context;
  if (isCallBackEffect(effect)) return runCallBackEffect(effect, contactId, ports.callBacks);
  if (isCallerEffect(effect)) return await runCallerEffect(effect, contactId, ports);
  switch (effect.type) {
    case 'openRecording': {
      const opened = await ports.recordings.open({
        contactId,
        recordingId: effect.recordingId,
        lineId: effect.lineId,
        startedAtMs: effect.startedAtMs,
      });
      return [{ type: 'recordingOpened', recordingId: effect.recordingId, spoolFile: opened.spoolFile }];
    }
    case 'markRecording': {
      const { type: _type, ...mark } = effect;
      await ports.recordings.mark(mark);
      return [];
    }
    case 'closeRecording': {
      const closed = await ports.recordings.close(effect.recordingId, effect.endedAtMs);
      return [{ type: 'recordingClosed', recordingId: effect.recordingId, ...closed }];
    }
    case 'storeRequest': {
      const { type: _type, ...request } = effect;
      const stored = await ports.requests.storeRequest(
        { ...request, contactId, createdAtMs: ports.clock.nowMs() },
        meta('callerLeftRequest'),
      );
      const { idempotencyKey, topic, callBackNumber } = effect;
      return [{ type: 'requestStored', ...stored, idempotencyKey, topic, callBackNumber }];
    }
    case 'putRecord':
      await ports.records.put(context.record());
      return [];
    case 'finish':
      throw new DozvonError('UNEXPECTED_EFFECT', 'finish is the mailbox’s own: expected it not to reach the runner');
    case 'enqueue':
    case 'askPlace':
    case 'setHeadStart':
    case 'withdraw':
    case 'offerAnswered':
    case 'offerFailed':
    case 'release':
    case 'endWrapUp':
      return runQueueEffect(effect, context, ports);
    default:
      return runTelephonyEffect(effect, contactId, ports.telephony);
  }
}

type QueueEffect = Extract<
  ContactEffect,
  {
    type:
      | 'enqueue'
      | 'askPlace'
      | 'setHeadStart'
      | 'withdraw'
      | 'offerAnswered'
      | 'offerFailed'
      | 'release'
      | 'endWrapUp';
  }
>;

async function runQueueEffect(
  effect: QueueEffect,
  context: EffectContext,
  { queue, records }: EffectPorts,
): Promise<readonly ContactEvent[]> {
  const { contactId, shard, ahead } = context;
  const meta = (reason: string): CommandMeta => ({ ...bySystem('contact', reason), ...(ahead && { ahead }) });
  switch (effect.type) {
    case 'enqueue': {
      const { type: _type, lastOperator, estimate, ...place } = effect;
      const { queueId } = place;
      // A wish, for which nobody loses his place.
      const known =
        lastOperator &&
        (await briefLook(records.lastOperator(lastOperator), lastOperatorLimitMs, 'the last operator of a caller'));
      const preferred = known === undefined ? {} : { preferredOperatorId: known };
      const request = { contactId, shard, ...place, ...preferred };
      const { outcome, position } = await queue.enqueue(request, meta('flowChoseQueue'));
      if (outcome === 'queueFull') return [{ type: 'queueRefused', queueId, limit: 'length' }];
      if (outcome === 'nobodyLoggedIn') return [{ type: 'queueRefused', queueId, limit: 'nobodyLoggedIn' }];
      if (estimate === true) return [{ ...(await placeOf(contactId, queue)), atArrival: true }];
      return position === undefined ? [] : [{ type: 'placeKnown', position, atArrival: true }];
    }
    case 'askPlace':
      return [await placeOf(contactId, queue)];
    case 'setHeadStart':
      await queue.setHeadStart(contactId, effect.headStartMs, meta('ladder'));
      return [];
    case 'withdraw':
      await queue.withdraw(contactId, meta('contactLeftQueue'));
      return [];
    case 'offerAnswered': {
      const outcome = await queue.offerAnswered(effect.offerId, meta('deviceAnswered'));
      return [{ type: outcome === 'connected' ? 'offerConfirmed' : 'offerStale', offerId: effect.offerId }];
    }
    case 'offerFailed':
      await queue.offerFailed(
        { offerId: effect.offerId, queueId: effect.queueId, failure: effect.failure },
        meta(effect.failure),
      );
      return [];
    case 'release': {
      const { type: _type, ...held } = effect;
      // Also when it holds him no more: a repeat finds what it has done the first time.
      await queue.release({ ...held, contactId }, meta('conversationOver'));
      return effect.wrapUp ? [{ type: 'wrapUpBegun', operatorId: effect.operatorId }] : [];
    }
    case 'endWrapUp': {
      const { operatorId } = effect;
      // The queue's own time counts: an operator who has been given longer stays until then.
      const outcome = await queue.endWrapUp({ operatorId, contactId }, meta('wrapUpTimeOver'), 'onlyWhenDue');
      return [{ type: outcome === 'notDue' ? 'wrapUpNotDue' : 'wrapUpOver', operatorId }];
    }
    default:
      return assertNever(effect, 'queue effect');
  }
}

async function placeOf(contactId: ContactId, queue: QueuePort): Promise<Extract<ContactEvent, { type: 'placeKnown' }>> {
  const contact = await queue.waitingContact(contactId);
  if (contact === undefined) return { type: 'placeKnown' };
  const { position, estimateMs } = contact;
  return { type: 'placeKnown', position, ...(estimateMs === undefined ? {} : { estimateMs }) };
}

type TelephonyEffect = Exclude<
  ContactEffect,
  | QueueEffect
  | CallBackEffect
  | CallerEffect
  | { type: 'openRecording' | 'markRecording' | 'closeRecording' | 'storeRequest' | 'putRecord' | 'finish' }
>;

async function runTelephonyEffect(
  effect: TelephonyEffect,
  contactId: ContactId,
  telephony: TelephonyPort,
): Promise<readonly ContactEvent[]> {
  const outcome = await command(effect, contactId, telephony);
  if (outcome === 'done' || outcome === 'exists') return [];
  // What is to end and is gone already has ended; everything else the machine has to know of.
  if (outcome === 'gone' && endsSomething(effect)) return [];
  return [
    {
      type: 'effectFailed',
      effect: effect.type,
      why: outcome,
      ...('legId' in effect ? { legId: effect.legId } : {}),
      ...('playbackId' in effect ? { playbackId: effect.playbackId } : {}),
    },
  ];
}

function endsSomething({ type }: TelephonyEffect): boolean {
  return type === 'stopPlayback' || type === 'leaveBridge' || type === 'destroyBridge';
}

function command(effect: TelephonyEffect, contactId: ContactId, telephony: TelephonyPort): Promise<CommandOutcome> {
  switch (effect.type) {
    case 'answer':
      return telephony.answer(effect.legId);
    case 'startRecording':
      return telephony.startRecording(effect.legId, effect.spoolFile);
    case 'keepTime':
      return telephony.keepTime(effect.legId);
    case 'playToLeg':
      return telephony.play({ playbackId: effect.playbackId, target: { legId: effect.legId }, media: effect.media });
    case 'playToBridge':
      return telephony.play({
        playbackId: effect.playbackId,
        target: { bridgeId: effect.bridgeId },
        media: effect.media,
      });
    case 'stopPlayback':
      return telephony.stopPlayback(effect.playbackId);
    case 'joinBridge':
      return joinBridge(effect, telephony);
    case 'leaveBridge':
      return telephony.leaveBridge(effect.bridgeId, effect.legId);
    case 'destroyBridge':
      return telephony.destroyBridge(effect.bridgeId);
    case 'originate': {
      const { type: _type, ...request } = effect;
      return telephony.originate({ ...request, contactId, role: 'operator' });
    }
    case 'dialCaller': {
      const { type: _type, ...request } = effect;
      return telephony.dialCaller({ ...request, contactId });
    }
    case 'hangup':
      return telephony.hangup(effect.legId, effect.cause);
    default:
      return assertNever(effect, 'telephony effect');
  }
}

/** Both are asked for at once: commands are carried out in the order given. */
async function joinBridge(
  effect: Extract<TelephonyEffect, { type: 'joinBridge' }>,
  telephony: TelephonyPort,
): Promise<CommandOutcome> {
  const { bridgeId, kind, legIds } = effect;
  const [made, joined] = await Promise.allSettled([
    telephony.createBridge(bridgeId, kind),
    telephony.joinBridge(bridgeId, legIds),
  ]);
  if (made.status === 'rejected') throw made.reason;
  if (joined.status === 'rejected') throw joined.reason;
  return made.value === 'done' || made.value === 'exists' ? joined.value : made.value;
}
