import { type BridgeId, minuteMs, secondMs } from '../../foundation/index.ts';
import type { ContactEvent } from '../events.ts';
import type { ClosingPhase, ContactPhase, ContactState, JoiningPhase, QueuedPhase, TalkingPhase } from '../state.ts';
import type { ContactOutcome } from '../store-ports.ts';
import { giveBackCallBack, isAlone } from './calling-back.ts';
import {
  callerLeg,
  cancelTimer,
  type Draft,
  emit,
  endBridge,
  endLeg,
  legOf,
  note,
  setFacts,
  setPhase,
  startTimer,
  updateLeg,
} from './draft.ts';
import { awaitsPromise, hasCallBack, keepRequest, letGoCallBacks } from './promising.ts';
import { putRecord } from './record.ts';
import { closeRecording, markStretch } from './recording.ts';
import { keepSpokenMessage } from './spoken-message.ts';

/**
 * Bound of everything that closing waits for besides wrap-up (ends of legs, verification of the recording): what has
 * not come by then is not coming, and the record says so.
 */
const closingLimitMs = 2 * minuteMs;
/** When the queue is asked again that would not end a wrap-up yet; of one made longer it tells until when. */
const wrapUpAskAgainMs = secondMs;

/** The conversation, the wait or the menu is over: gives everything back, in the order of docs/closures.md. */
export function beginClosing(draft: Draft): void {
  const phase = draft.state.phase;
  if (phase.name === 'closing') return;
  keepSpokenMessage(draft);
  closeFacts(draft);
  giveBackCallBack(draft);
  letGoCallBacks(draft);
  const wrapUp = giveBackQueue(draft);
  const { phase: before } = draft.state;
  for (const leg of draft.state.legs) endLeg(draft, leg.legId);
  endBridge(draft, bridgeOf(before));
  for (const timerId of Object.keys(draft.state.timers) as (keyof ContactState['timers'])[])
    cancelTimer(draft, timerId);
  const { recording } = draft.state;
  const awaitingRecording = recording !== undefined && recording.state !== 'failed' && recording.state !== 'closed';
  setPhase(draft, { name: 'closing', awaitingRecording, ...(wrapUp ? { wrapUp } : {}) });
  const { outcome, endedBy } = draft.state.facts;
  note(draft, 'ended', { outcome: outcome ?? 'failed', by: endedBy ?? 'service' });
  startTimer(draft, 'closing', closingLimitMs);
  // Where nothing but the ends of legs is waited for, `finishWhenDone` writes it in the same moment.
  if (wrapUp || awaitingRecording) putRecord(draft);
  if (awaitingRecording && callerLeg(draft.state)?.state === 'ended') closeRecording(draft);
  finishWhenDone(draft);
}

function closeFacts(draft: Draft): void {
  const { phase, facts } = draft.state;
  const outcome = facts.outcome ?? outcomeOfLeaving(draft.state);
  setFacts(draft, {
    endedAtMs: draft.nowMs,
    endedBy: facts.endedBy ?? 'caller',
    outcome,
    ...(isWaiting(phase) && !isAlone(draft.state) ? { waitMs: draft.nowMs - phase.enqueuedAtMs } : {}),
    ...(phase.name === 'talking' ? { talkMs: draft.nowMs - phase.joinedAtMs } : {}),
  });
}

/** The caller hung up: what that means depends on where he was and what he had got by then. */
function outcomeOfLeaving(state: ContactState): ContactOutcome {
  const { phase, facts, timeline, callBack } = state;
  if (callBack !== undefined) return 'callBackNotReached';
  if (hasCallBack(state)) return 'callBackPromised';
  if (isWaiting(phase) && facts.caseId !== undefined) return 'requestLeft';
  if (phase.name === 'queued') return phase.offer ? 'abandonedWhileRinging' : 'abandonedInQueue';
  if (phase.name === 'joining') return 'abandonedWhileRinging';
  if (facts.caseId !== undefined) return 'requestLeft';
  return timeline.some((entry) => entry.kind === 'answerGiven') ? 'informed' : 'abandonedInMenu';
}

function isWaiting(phase: ContactPhase): phase is QueuedPhase | JoiningPhase {
  return phase.name === 'queued' || phase.name === 'joining';
}

/** Gives the queue or the operator back and marks the recording; returns whose wrap-up begins. */
function giveBackQueue(draft: Draft): ClosingPhase['wrapUp'] {
  const { phase, facts } = draft.state;
  switch (phase.name) {
    case 'queued':
      markStretch(draft, 'queue', phase.enqueuedAtMs, draft.nowMs);
      emit(draft, { type: 'withdraw' });
      return undefined;
    case 'joining':
      // The offer's answer is under way to the queue: whichever of the two came first, one of these frees the operator.
      emit(draft, { type: 'withdraw' }, { type: 'release', operatorId: phase.offer.operatorId, wrapUp: false });
      return undefined;
    case 'dialling':
      // Nobody has talked: he is free at once.
      if (phase.operator === undefined) emit(draft, { type: 'withdraw' });
      else emit(draft, { type: 'release', operatorId: phase.operator.operatorId, wrapUp: false });
      return undefined;
    case 'talking':
      markStretch(draft, 'talk', phase.joinedAtMs, draft.nowMs);
      return releaseOperator(draft, phase);
    default:
      if (facts.answeredAtMs !== undefined && phase.name === 'voice')
        markStretch(draft, 'menu', facts.answeredAtMs, draft.nowMs);
      return undefined;
  }
}

/** Where the queue has no wrap-up he is free at once, and nothing of it is waited for. */
function releaseOperator(draft: Draft, { operatorId, queueId }: TalkingPhase): ClosingPhase['wrapUp'] {
  const wrapUp = draft.rules.queue(queueId)?.wrapUpMs !== 0;
  emit(draft, { type: 'release', operatorId, wrapUp, queueId });
  if (wrapUp) return { operatorId, sinceMs: draft.nowMs };
  setFacts(draft, { wrapUpMs: 0 });
  return undefined;
}

/** The bridge the caller is in. */
function bridgeOf(phase: ContactPhase): BridgeId | undefined {
  switch (phase.name) {
    case 'queued':
    case 'joining':
      return phase.holdingBridgeId;
    case 'talking':
      return phase.talkBridgeId;
    case 'dialling':
      return phase.operator?.bridgeId;
    default:
      return undefined;
  }
}

/** Told, and its time counted, from when the queue holds the operator so: who hears of it finds it so. */
function startWrapUp(draft: Draft, operatorId: string): void {
  if (draft.state.timeline.some((entry) => entry.kind === 'wrapUpStarted')) return;
  const queueId = draft.state.facts.queueId;
  const queue = queueId === undefined ? undefined : draft.rules.queue(queueId);
  // It may have been made longer already.
  if (draft.state.timers.wrapUp === undefined) startTimer(draft, 'wrapUp', queue?.wrapUpMs ?? 0);
  note(draft, 'wrapUpStarted', { operatorId });
}

export function onClosing(draft: Draft, phase: ClosingPhase, event: ContactEvent): void {
  switch (event.type) {
    case 'timerFired':
      if (event.timerId === 'wrapUp') askForEndOfWrapUp(draft);
      else if (event.timerId === 'closing') giveUpWaiting(draft, phase);
      break;
    case 'wrapUpBegun':
      if (event.operatorId !== phase.wrapUp?.operatorId) return;
      startWrapUp(draft, event.operatorId);
      break;
    case 'wrapUpExtended':
      if (event.operatorId !== phase.wrapUp?.operatorId) break;
      startTimer(draft, 'wrapUp', Math.max(0, event.untilMs - draft.nowMs));
      note(draft, 'wrapUpExtended', { operatorId: event.operatorId });
      break;
    case 'wrapUpOver':
      if (event.operatorId !== phase.wrapUp?.operatorId) return;
      endWrapUp(draft, phase);
      break;
    case 'wrapUpNotDue':
      if (event.operatorId !== phase.wrapUp?.operatorId) return;
      if (draft.state.timers.wrapUp === undefined) startTimer(draft, 'wrapUp', wrapUpAskAgainMs);
      break;
    case 'requestStored':
      if (keepRequest(draft, event) !== 'replaced' && draft.state.facts.outcome !== 'answeredByOperator')
        setFacts(draft, { outcome: 'requestLeft' });
      break;
    case 'recordingClosed':
      onRecordingClosed(draft, phase, event);
      break;
    case 'effectFailed':
      if (event.effect === 'closeRecording') recordingLost(draft, phase, event.why);
      else if (event.effect === 'hangup' && event.legId !== undefined) markEnded(draft, event.legId);
      else if (event.effect === 'release' && phase.wrapUp) startWrapUp(draft, phase.wrapUp.operatorId);
      else if (event.effect === 'endWrapUp') endWrapUp(draft, phase);
      break;
    case 'offerMade':
      // Reserved in the moment the caller left; `withdraw` may have come before it.
      emit(draft, {
        type: 'offerFailed',
        offerId: event.offerId,
        queueId: draft.state.facts.queueId ?? '',
        failure: 'contactGone',
      });
      break;
    case 'recordingOpened':
      emit(draft, { type: 'closeRecording', recordingId: event.recordingId, endedAtMs: draft.nowMs });
      break;
    case 'legEnded':
      // Asterisk closes the recorded file with the caller's leg, not before.
      if (event.legId === draft.state.callerLegId && phase.awaitingRecording) closeRecording(draft);
      break;
    case 'legAnswered':
    case 'legReturned':
      if (legOf(draft.state, event.legId)?.state !== 'ended')
        emit(draft, { type: 'hangup', legId: event.legId, cause: 'normal' });
      break;
    default:
      break; // answers to what no longer matters
  }
  finishWhenDone(draft);
}

/** Ended, and told as such, when the queue says so (`wrapUpOver`). */
export function askForEndOfWrapUp(draft: Draft): void {
  const { phase, timers } = draft.state;
  if (phase.name !== 'closing' || !phase.wrapUp || timers.wrapUp !== undefined) return;
  emit(draft, { type: 'endWrapUp', operatorId: phase.wrapUp.operatorId });
}

function endWrapUp(draft: Draft, phase: ClosingPhase): void {
  if (!phase.wrapUp) return;
  cancelTimer(draft, 'wrapUp');
  const { wrapUp, ...rest } = phase;
  setPhase(draft, rest);
  setFacts(draft, { wrapUpMs: draft.nowMs - wrapUp.sinceMs });
  note(draft, 'wrapUpEnded', { operatorId: wrapUp.operatorId });
}

function onRecordingClosed(
  draft: Draft,
  phase: ClosingPhase,
  event: Extract<ContactEvent, { type: 'recordingClosed' }>,
): void {
  const { recording } = draft.state;
  if (recording?.recordingId !== event.recordingId || !phase.awaitingRecording) return;
  if (event.state !== 'verified') {
    recordingLost(draft, phase, event.failure ?? 'notVerified');
    return;
  }
  draft.state = { ...draft.state, recording: { ...recording, state: 'closed' } };
  setPhase(draft, { ...phase, awaitingRecording: false });
  note(draft, 'recordingVerified', { durationMs: event.durationMs });
}

function recordingLost(draft: Draft, phase: ClosingPhase, why: string): void {
  const { recording } = draft.state;
  if (recording) draft.state = { ...draft.state, recording: { ...recording, state: 'failed' } };
  setPhase(draft, { ...phase, awaitingRecording: false });
  note(draft, 'recordingFailed', { why });
}

function markEnded(draft: Draft, legId: Parameters<typeof updateLeg>[1]): void {
  updateLeg(draft, legId, { state: 'ended', endedAtMs: draft.nowMs });
}

function giveUpWaiting(draft: Draft, phase: ClosingPhase): void {
  for (const leg of draft.state.legs) {
    if (leg.state === 'ended') continue;
    emit(draft, { type: 'hangup', legId: leg.legId, cause: 'normal' });
    markEnded(draft, leg.legId);
  }
  if (phase.awaitingRecording) recordingLost(draft, phase, 'timedOut');
}

/** Everything has come: the record is written for the last time and the contact forgotten. */
export function finishWhenDone(draft: Draft): void {
  const { phase, legs } = draft.state;
  if (phase.name !== 'closing' || phase.wrapUp || phase.awaitingRecording || awaitsPromise(draft.state)) return;
  if (legs.some((leg) => leg.state !== 'ended')) return;
  cancelTimer(draft, 'closing');
  if (draft.state.callBack?.stage !== 'refused') putRecord(draft);
  emit(draft, { type: 'finish' });
}
