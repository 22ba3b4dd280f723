import type { AttemptOutcome, CallBack, CallBackSettings } from '../../callbacks/index.ts';
import { asId, type CallBackId, type ContactId, type LegId, secondMs } from '../../foundation/index.ts';
import type { ContactEvent } from '../events.ts';
import type { ContactRules } from '../rules.ts';
import type { CallBackTask, ContactState } from '../state.ts';
import type { ContactOutcome } from '../store-ports.ts';
import { beginClosing } from './closing.ts';
import { beginDialling } from './dialling.ts';
import { callerLeg, cancelTimer, type Draft, emit, note, setFacts, setPhase, startTimer } from './draft.ts';
import { putRecord } from './record.ts';

/**
 * Another operator is mostly found in the moment the first is given up. Who has not got one by then waits as any caller on the
 * line does; until then the rule for call-backs finds him one.
 */
const standAsLiveAfterMs = secondMs;

export interface CallBackBeginning {
  readonly contactId: ContactId;
  readonly shard: string;
  readonly callBackId: CallBackId;
}

/** The leg of the caller, named before anybody knows whether he will be dialled. */
function calledLegId(contactId: ContactId): LegId {
  return asId<LegId>(`${contactId}.c1`);
}

/** Whether a leg, known by its name alone, is one that we have dialled. */
export function isCalledLeg(legId: LegId): boolean {
  return /^c[0-9a-z]{20}\.c1$/.test(legId);
}

/** The state of a contact that is to call somebody back; of whom, it learns when the call-back is its own. */
export function newCallBackContact(beginning: CallBackBeginning, nowMs: number, rules: ContactRules): ContactState {
  const { contactId, shard, callBackId } = beginning;
  return {
    contactId,
    shard,
    configVersion: rules.version,
    arrivedAtMs: nowMs,
    callerLegId: calledLegId(contactId),
    phase: { name: 'claiming' },
    facts: {
      lineId: undefined,
      dnis: '',
      ani: '',
      trunk: '',
      sipCallId: '',
      language: rules.language,
      kind: 'callBack',
      callBackId,
    },
    callBack: { callBackId, stage: 'asked', queuedAs: 'callBack' },
    legs: [],
    timers: {},
    timeline: [],
    sequence: 0,
  };
}

/** Its state is saved before this is asked: a call-back is claimed for a contact that will be there. */
export function beginClaiming(draft: Draft): void {
  const { callBack } = draft.state;
  if (callBack !== undefined) emit(draft, { type: 'claimCallBack', callBackId: callBack.callBackId });
}

export function onClaiming(draft: Draft, event: ContactEvent): void {
  const { callBack } = draft.state;
  if (callBack === undefined) return;
  switch (event.type) {
    case 'callBackClaimed':
      enterQueueAlone(draft, callBack, event.callBack, event.untilMs);
      return;
    case 'callBackNotClaimed':
      vanish(draft, callBack);
      return;
    case 'effectFailed':
      if (event.effect !== 'claimCallBack') return;
      // It may have been claimed all the same, and must not wait for somebody who is gone.
      emit(draft, { type: 'postponeCallBack', callBackId: callBack.callBackId });
      vanish(draft, callBack);
      return;
    default:
      return; // nothing else can concern a contact that is nobody's yet
  }
}

/** Nothing has happened: no record, no trace. */
function vanish(draft: Draft, callBack: CallBackTask): void {
  draft.state = { ...draft.state, callBack: { ...callBack, stage: 'refused' } };
  setPhase(draft, { name: 'closing', awaitingRecording: false });
  emit(draft, { type: 'finish' });
}

function enterQueueAlone(draft: Draft, task: CallBackTask, callBack: CallBack, untilMs: number | undefined): void {
  const { lineId, queueId, topic, language, number, placeMs: enqueuedAtMs } = callBack;
  const until = untilMs === undefined ? {} : { untilMs };
  draft.state = { ...draft.state, callBack: { ...task, stage: 'claimed', queueId, ...until } };
  const dialling = draft.rules.dialling(lineId);
  setFacts(draft, {
    lineId,
    dnis: dialling?.callerIdNumber ?? '',
    ani: number,
    trunk: dialling?.trunk ?? '',
    language,
    queueId,
    topic,
    enqueuedAtMs,
  });
  note(draft, 'callBackQueued', { line: lineId, queueId, topic, callBackId: task.callBackId });
  putRecord(draft);
  if (untilMs !== undefined) startTimer(draft, 'window', Math.max(0, untilMs - draft.nowMs));
  const place = { queueId, topic, enqueuedAtMs };
  if (dialling === undefined || callBackSettings(draft) === undefined) {
    // Nobody can be dialled here any more: the tries are counted, so that people take over in the end.
    beginDialling(draft, place);
    return;
  }
  setPhase(draft, { name: 'queued', ...place });
  emit(draft, { type: 'enqueue', queueId, lineId, enqueuedAtMs, kind: 'callBack', keepsPlace: true });
}

/** By what its caller is called back. */
export function callBackSettings(draft: Draft): CallBackSettings | undefined {
  const queueId = draft.state.callBack?.queueId;
  return queueId === undefined ? undefined : draft.rules.queue(queueId)?.callBacks;
}

/** The caller whom it is to call back is not on the line yet. */
export function isAlone(state: ContactState): boolean {
  return state.callBack !== undefined && callerLeg(state) === undefined;
}

/** An operator is found, and the caller is to be dialled before he is rung. */
export function isDialledFirst(draft: Draft): boolean {
  return isAlone(draft.state) && callBackSettings(draft)?.mode === 'callerFirst';
}

/** How the queue is to hold the contact, should it have forgotten it. */
export function queuedKind({ callBack }: ContactState): { readonly kind?: 'callBack' } {
  return callBack?.queuedAs === 'callBack' ? { kind: 'callBack' } : {};
}

/** It ends before anybody was dialled: somebody else has it by now, or it is given back. */
export function endUndialled(draft: Draft, outcome: ContactOutcome): void {
  setFacts(draft, { outcome, endedBy: 'service' });
  beginClosing(draft);
}

/** Tells the room of call-backs what became of the attempt, once. */
export function endAttempt(draft: Draft, outcome: AttemptOutcome): void {
  const { callBack, phase } = draft.state;
  if (callBack?.stage !== 'attempted') return;
  const { callBackId } = callBack;
  settled(draft);
  note(draft, 'attemptEnded', { outcome });
  emit(draft, { type: 'endAttempt', callBackId, outcome });
  // Asked for, and nobody knows whether it was written down: one of the two gives it back.
  if (phase.name === 'dialling' && phase.step === 'writingDown') emit(draft, { type: 'postponeCallBack', callBackId });
}

/** The room of call-backs knows of itself how it stands. */
export function settled(draft: Draft): void {
  setStage(draft, 'settled');
}

export function setStage(draft: Draft, stage: CallBackTask['stage']): void {
  const { callBack } = draft.state;
  if (callBack !== undefined) draft.state = { ...draft.state, callBack: { ...callBack, stage } };
}

/** The contact is over: what it had of a call-back is given back. */
export function giveBackCallBack(draft: Draft): void {
  const { callBack, phase } = draft.state;
  if (callBack === undefined) return;
  if (callBack.stage === 'claimed') {
    settled(draft);
    emit(draft, { type: 'postponeCallBack', callBackId: callBack.callBackId });
    return;
  }
  // Reached, and gone before he had an operator: of his own will, unless there was none for him.
  const isLeftAlone = callBack.queuedAs === 'live' || phase.name === 'voice';
  endAttempt(draft, isLeftAlone ? 'operatorGone' : 'declined');
}

/** After every event: a call-back whose hours are over waits no more, and a caller who was reached gets an operator as others do. */
export function followCallBack(draft: Draft): void {
  const { callBack, phase, timers } = draft.state;
  if (callBack === undefined || phase.name !== 'queued') return;
  if (phase.offer !== undefined) {
    cancelTimer(draft, 'live');
    return;
  }
  if (isAlone(draft.state)) {
    const { untilMs } = callBack;
    if (untilMs !== undefined && draft.nowMs >= untilMs) endUndialled(draft, 'callBackPostponed');
    return;
  }
  if (callBack.queuedAs === 'callBack' && timers.live === undefined) startTimer(draft, 'live', standAsLiveAfterMs);
}

/** He is on the line and has no operator: he waits as any other, with the place he earned. */
export function standAsLive(draft: Draft): void {
  const { callBack, phase, facts } = draft.state;
  if (callBack?.queuedAs !== 'callBack' || phase.name !== 'queued' || phase.offer !== undefined) return;
  draft.state = { ...draft.state, callBack: { ...callBack, queuedAs: 'live' } };
  const { queueId, enqueuedAtMs } = phase;
  note(draft, 'waitsOnLine', { queueId });
  emit(
    draft,
    { type: 'withdraw' },
    { type: 'enqueue', queueId, lineId: facts.lineId ?? '', enqueuedAtMs, keepsPlace: true },
  );
}
