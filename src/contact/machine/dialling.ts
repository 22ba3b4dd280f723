import type { AttemptOutcome } from '../../callbacks/index.ts';
import { assertNever, type BridgeId, type PlaybackId, secondMs } from '../../foundation/index.ts';
import type { ContactEvent } from '../events.ts';
import type { Heard } from '../ports.ts';
import type { DiallingPhase, JoiningPhase } from '../state.ts';
import type { ContactOutcome } from '../store-ports.ts';
import type { LegEndCause } from '../telephony-events.ts';
import { callBackSettings, endAttempt, setStage, settled } from './calling-back.ts';
import { beginClosing } from './closing.ts';
import {
  addLeg,
  callerLeg,
  cancelTimer,
  type Draft,
  emit,
  endBridge,
  endLeg,
  legOf,
  newName,
  note,
  setFacts,
  setPhase,
  startTimer,
  updateLeg,
} from './draft.ts';
import { sayIntoBridge } from './prompts.ts';
import { goOnUnrecorded, onReached, recordingOpened, recordingStarted, recoverRecording } from './reached.ts';
import { onForgotten } from './talking.ts';

/** Longer than the effect is tried (10 s): an operator waits for it. */
const writeDownLimitMs = 15 * secondMs;
/** Longer than Asterisk listens to who has answered. */
const listenLimitMs = 7 * secondMs;
/** On top of the time the caller's phone rings, for the way to it. */
const dialMarginMs = 3 * secondMs;
/** The operator is free at once: a sentence, not a wait. */
const tellingLimitMs = 3 * secondMs;

type Place = Pick<DiallingPhase, 'queueId' | 'topic' | 'enqueuedAtMs'>;

/** The attempt is written down, and hours and zones looked at once more, before anybody's phone rings. */
export function beginDialling(
  draft: Draft,
  { queueId, topic, enqueuedAtMs }: Place,
  by: Pick<DiallingPhase, 'operator' | 'reserved' | 'playback'> = {},
): void {
  const { callBack } = draft.state;
  if (callBack === undefined) return;
  cancelTimer(draft, 'window');
  setStage(draft, 'attempted');
  setPhase(draft, { name: 'dialling', step: 'writingDown', queueId, topic, enqueuedAtMs, ...by });
  startTimer(draft, 'dial', writeDownLimitMs);
  emit(draft, { type: 'beginAttempt', callBackId: callBack.callBackId });
}

/** Operator first: he is on the line and hears that a caller is being called back. */
export function dialForOperator(draft: Draft, phase: JoiningPhase): void {
  const { offer, operatorLegId: legId } = phase;
  const { operatorId } = offer;
  const bridgeId = newName<BridgeId>(draft, 'b');
  const playback = newName<PlaybackId>(draft, 'p');
  const operator = { operatorId, legId, bridgeId };
  note(draft, 'operatorAnswered', { operatorId });
  emit(draft, { type: 'joinBridge', bridgeId, kind: 'holding', legIds: [legId] });
  sayIntoBridge(draft, operator.bridgeId, playback, 'call-back-operator');
  beginDialling(draft, phase, { operator, playback });
}

export function onDialling(draft: Draft, phase: DiallingPhase, event: ContactEvent): void {
  const isCaller = 'legId' in event && event.legId === draft.state.callerLegId;
  switch (event.type) {
    case 'attemptBegun':
      if (phase.step === 'writingDown') dial(draft, phase, event.attempt);
      return;
    case 'attemptRefused':
      if (phase.step !== 'writingDown') return;
      settled(draft);
      note(draft, 'attemptRefused', { why: event.why });
      letOperatorGo(draft, event.why === 'mayNotDial' ? 'callBackPostponed' : 'callBackNotNeeded');
      return;
    case 'legRinging':
      if (isCaller) onRinging(draft);
      return;
    case 'legAnswered':
      if (isCaller) onAnswered(draft, phase, event.heard);
      else if (event.legId !== phase.operator?.legId) endLeg(draft, event.legId);
      return;
    case 'legReturned':
      if (isCaller && phase.step === 'startingRecording') recordingStarted(draft, phase, event.spoolFile);
      return;
    case 'recordingOpened':
      if (phase.step === 'startingRecording') recordingOpened(draft, event);
      return;
    case 'legEnded':
      if (isCaller) onCallerEnded(draft, phase, event.cause);
      else if (event.legId === phase.operator?.legId) onOperatorEnded(draft, phase);
      return;
    case 'playbackEnded':
      if (event.playbackId === phase.playback) onSaid(draft, phase);
      return;
    case 'timerFired':
      onTimer(draft, phase, event.timerId);
      return;
    case 'effectFailed':
      onEffectFailed(draft, phase, event);
      return;
    default:
      onQueueEvent(draft, phase, event);
  }
}

function dial(draft: Draft, phase: DiallingPhase, attempt: number): void {
  const { callerLegId: legId, facts } = draft.state;
  const settings = callBackSettings(draft);
  const dialling = draft.rules.dialling(facts.lineId ?? '');
  if (settings === undefined || dialling === undefined) {
    notReached(draft, 'unreachable');
    return;
  }
  if (phase.operator === undefined && phase.reserved === undefined) {
    notReached(draft, 'operatorGone'); // the queue has taken back who was kept for him
    return;
  }
  const { ringTimeoutMs, recogniseMachines } = settings;
  addLeg(draft, { legId, role: 'caller', state: 'starting', startedAtMs: draft.nowMs });
  setPhase(draft, { ...phase, step: 'ringing' });
  startTimer(draft, 'dial', ringTimeoutMs + (recogniseMachines ? listenLimitMs : 0) + dialMarginMs);
  note(draft, 'callerDialled', { attempt });
  emit(draft, { type: 'dialCaller', legId, number: facts.ani, ...dialling, ringTimeoutMs, recogniseMachines });
}

function onRinging(draft: Draft): void {
  if (callerLeg(draft.state)?.state !== 'starting') return;
  updateLeg(draft, draft.state.callerLegId, { state: 'ringing' });
  note(draft, 'callerRinging');
}

function onAnswered(draft: Draft, phase: DiallingPhase, heard: Heard = 'unsure'): void {
  if (phase.step === 'telling') {
    // In the moment his call was given up: asked once more, as the first may have come before there was anything to end.
    emit(draft, { type: 'hangup', legId: draft.state.callerLegId, cause: 'normal' });
    return;
  }
  if (phase.step !== 'ringing') return;
  note(draft, 'callerAnswered', { heard });
  if (heard === 'machine' || heard === 'silence') notReached(draft, heard);
  else onReached(draft, phase);
}

function onCallerEnded(draft: Draft, phase: DiallingPhase, cause: LegEndCause): void {
  switch (phase.step) {
    case 'ringing':
      notReached(draft, attemptOutcome(cause));
      return;
    case 'startingRecording':
      notReached(draft, 'declined'); // answered, and put down before he was joined with anybody
      return;
    case 'writingDown':
    case 'telling':
      return;
    default:
      assertNever(phase.step, 'step');
  }
}

function attemptOutcome(cause: LegEndCause): AttemptOutcome {
  switch (cause) {
    case 'busy':
    case 'noAnswer':
    case 'declined':
    case 'unreachable':
      return cause;
    case 'normal': // put down while somebody still listened who it was
      return 'declined';
    case 'cancelled':
      return 'noAnswer';
    case 'failure':
      return 'unreachable';
    default:
      return assertNever(cause, 'cause');
  }
}

function onOperatorEnded(draft: Draft, phase: DiallingPhase): void {
  const { operator, playback: _said, ...rest } = phase;
  if (operator === undefined) return;
  if (phase.step === 'telling') {
    beginClosing(draft);
    return;
  }
  if (phase.step !== 'startingRecording') {
    notReached(draft, 'operatorGone');
    return;
  }
  // Somebody is on the line already: he gets the next operator.
  setPhase(draft, rest);
  note(draft, 'operatorGone', { operatorId: operator.operatorId });
  emit(draft, { type: 'release', operatorId: operator.operatorId, wrapUp: false });
  endBridge(draft, operator.bridgeId);
}

function onSaid(draft: Draft, phase: DiallingPhase): void {
  if (phase.step === 'telling') {
    beginClosing(draft);
    return;
  }
  const { playback: _said, ...rest } = phase;
  setPhase(draft, rest);
}

function onTimer(draft: Draft, phase: DiallingPhase, timerId: string): void {
  if (timerId === 'recordingStart' && phase.step === 'startingRecording') goOnUnrecorded(draft, phase, 'timedOut');
  if (timerId !== 'dial') return;
  if (phase.step === 'telling') beginClosing(draft);
  else if (phase.step === 'ringing') notReached(draft, 'noAnswer');
  else if (phase.step === 'writingDown') notReached(draft, 'operatorGone');
}

function onEffectFailed(
  draft: Draft,
  phase: DiallingPhase,
  event: Extract<ContactEvent, { type: 'effectFailed' }>,
): void {
  switch (event.effect) {
    case 'beginAttempt':
      // Nobody was dialled, and it may be written down all the same.
      if (phase.step === 'writingDown') notReached(draft, 'operatorGone');
      return;
    case 'dialCaller':
      if (phase.step !== 'ringing') return;
      // Whatever else it was, the phone may have rung.
      notReached(draft, event.why === 'refused' || event.why === 'gone' ? 'unreachable' : 'unknown');
      return;
    case 'hangup':
      if (event.legId !== undefined && legOf(draft.state, event.legId)?.state === 'ending')
        updateLeg(draft, event.legId, { state: 'ended', endedAtMs: draft.nowMs });
      return;
    case 'openRecording':
    case 'startRecording':
      if (phase.step === 'startingRecording') goOnUnrecorded(draft, phase, event.why);
      return;
    case 'playToBridge':
      if (event.playbackId === phase.playback) onSaid(draft, phase);
      return;
    default:
      return;
  }
}

/** What the queue tells of who is kept for the caller. */
function onQueueEvent(draft: Draft, phase: DiallingPhase, event: ContactEvent): void {
  const { reserved, ...rest } = phase;
  switch (event.type) {
    case 'offerMade':
      onOfferMade(draft, phase, event);
      return;
    case 'offerWithdrawn':
    case 'offerStale':
      if (reserved?.offer.offerId !== event.offerId) return;
      note(draft, 'offerWithdrawn', {
        operatorId: reserved.offer.operatorId,
        offerId: event.offerId,
        reason: event.type,
      });
      setPhase(draft, rest);
      return;
    case 'contactWithdrawn':
      setPhase(draft, rest);
      return;
    case 'contactMoved':
      setPhase(draft, { ...phase, queueId: event.queueId });
      setFacts(draft, { queueId: event.queueId });
      note(draft, 'movedToQueue', { queueId: event.queueId });
      return;
    default:
      return; // of phases gone by
  }
}

function onOfferMade(draft: Draft, phase: DiallingPhase, event: Extract<ContactEvent, { type: 'offerMade' }>): void {
  const { offerId, operatorId, extension, devices } = event;
  if (phase.reserved?.offer.offerId === offerId) return; // delivered twice
  const { queueId } = phase;
  if (phase.operator !== undefined) {
    onForgotten(draft, { queueId, operatorId: phase.operator.operatorId }, event);
    return;
  }
  note(draft, 'offerMade', { operatorId, offerId, devices: devices.length });
  if (devices.length === 0) {
    note(draft, 'operatorUnreachable', { operatorId, offerId });
    emit(draft, { type: 'offerFailed', offerId, queueId, failure: 'operatorUnreachable' });
  } else {
    setPhase(draft, {
      ...phase,
      reserved: { offer: { offerId, operatorId, extension, failure: 'operatorUnreachable' }, devices },
    });
  }
}

/** The attempt is over without the caller: he is not rung any longer, and the operator is free. */
function notReached(draft: Draft, outcome: AttemptOutcome): void {
  endAttempt(draft, outcome);
  endLeg(draft, draft.state.callerLegId);
  letOperatorGo(draft, 'callBackNotReached');
}

/** He is told, where he is on the line. */
function letOperatorGo(draft: Draft, outcome: ContactOutcome): void {
  const { phase } = draft.state;
  setFacts(draft, { outcome, endedBy: 'service' });
  for (const timerId of ['dial', 'recordingStart'] as const) cancelTimer(draft, timerId);
  if (phase.name !== 'dialling') return;
  const { operator } = phase;
  const operatorState = operator && legOf(draft.state, operator.legId)?.state;
  if (operator === undefined || operatorState === 'ended') {
    beginClosing(draft);
    return;
  }
  if (phase.playback !== undefined) emit(draft, { type: 'stopPlayback', playbackId: phase.playback });
  const playback = newName<PlaybackId>(draft, 'p');
  setPhase(draft, { ...phase, step: 'telling', playback });
  startTimer(draft, 'dial', tellingLimitMs);
  sayIntoBridge(draft, operator.bridgeId, playback, 'call-back-not-reached');
}

/** Whether he was called nobody knows unless Asterisk shows his leg: he is not called again now. */
export function recoverDialling(
  draft: Draft,
  phase: DiallingPhase,
  caller: { readonly controlled: boolean; readonly spoolFile?: string } | undefined,
): void {
  const { operator } = phase;
  if (operator !== undefined)
    emit(draft, { type: 'joinBridge', bridgeId: operator.bridgeId, kind: 'holding', legIds: [operator.legId] });
  const isDialled = phase.step === 'ringing' || phase.step === 'startingRecording';
  if (isDialled && caller === undefined) {
    notReached(draft, 'unknown');
    return;
  }
  if (phase.step === 'startingRecording' && caller !== undefined) recoverRecording(draft, phase, caller);
}
