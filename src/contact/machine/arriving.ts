import type { ContactId, LegId, RecordingId } from '../../foundation/index.ts';
import type { ContactEvent } from '../events.ts';
import type { ArrivalFacts } from '../ports.ts';
import type { ContactRules } from '../rules.ts';
import type { ContactState } from '../state.ts';
import { type Draft, emit, note, setFacts, setPhase, startTimer } from './draft.ts';
import { putRecord } from './record.ts';
import { openRecording, recordingFailed, recordingStartLimitMs, takeOpened, takeStarted } from './recording.ts';
import { lookUpCaller } from './returning.ts';
import { enterVoice } from './voice.ts';

export interface Arrival {
  readonly contactId: ContactId;
  readonly shard: string;
  readonly legId: LegId;
  readonly arrival: ArrivalFacts;
  /** Where the service runs for testing: the instant at which the schedule is evaluated. */
  readonly evaluateAtMs?: number;
}

/** The state of a contact that has just arrived, before its first step. */
export function newContact(arrival: Arrival, nowMs: number, rules: ContactRules): ContactState {
  const dialled = rules.lineByDialled(arrival.arrival.dnis);
  const line = dialled.lineId === undefined ? undefined : rules.line(dialled.lineId);
  return {
    contactId: arrival.contactId,
    shard: arrival.shard,
    configVersion: rules.version,
    arrivedAtMs: nowMs,
    callerLegId: arrival.legId,
    phase: { name: 'arriving', step: 'openingRecording' },
    facts: {
      lineId: dialled.lineId,
      dnis: dialled.e164,
      ani: rules.callerNumber(arrival.arrival.ani),
      trunk: arrival.arrival.trunk,
      sipCallId: arrival.arrival.sipCallId,
      language: line?.language ?? rules.language,
      ...(arrival.evaluateAtMs === undefined ? {} : { evaluateAtMs: arrival.evaluateAtMs }),
    },
    legs: [{ legId: arrival.legId, role: 'caller', state: 'up', startedAtMs: nowMs }],
    timers: {},
    timeline: [],
    sequence: 0,
  };
}

/** First step: the recording is opened before the line is connected, so that it begins with the answer. */
export function beginContact(draft: Draft): void {
  const { facts, contactId, callerLegId } = draft.state;
  const line = facts.lineId === undefined ? undefined : draft.rules.line(facts.lineId);
  note(draft, 'arrived', { line: facts.lineId ?? 'unknown', dnis: facts.dnis, trunk: facts.trunk });
  if (line?.recording === 'all') {
    // Before the record, in the same lane: the caller waits for the recording, nobody waits for the record.
    openRecording(draft, `r${contactId}` as RecordingId, line.lineId);
    putRecord(draft);
    lookUpCaller(draft);
    return;
  }
  putRecord(draft);
  lookUpCaller(draft);
  answered(draft);
  emit(draft, { type: 'answer', legId: callerLegId });
  enterVoice(draft);
}

function answered(draft: Draft): void {
  if (draft.state.facts.answeredAtMs !== undefined) return;
  setFacts(draft, { answeredAtMs: draft.nowMs });
  note(draft, 'answered');
}

export function onArriving(draft: Draft, event: ContactEvent): void {
  const { callerLegId } = draft.state;
  switch (event.type) {
    case 'recordingOpened':
      if (!takeOpened(draft, event)) return;
      setPhase(draft, { name: 'arriving', step: 'startingRecording' });
      answered(draft);
      emit(
        draft,
        { type: 'answer', legId: callerLegId },
        { type: 'startRecording', legId: callerLegId, spoolFile: event.spoolFile },
      );
      return;
    case 'legReturned':
      if (event.legId === callerLegId) recordingStarted(draft, event.spoolFile);
      return;
    case 'effectFailed':
      if (event.effect === 'openRecording' || event.effect === 'startRecording') goOnUnrecorded(draft, event.why);
      return;
    case 'timerFired':
      if (event.timerId === 'recordingStart') goOnUnrecorded(draft, 'timedOut');
      return;
    default:
      return; // nothing else can concern a contact without prompts, offers or other legs
  }
}

function recordingStarted(draft: Draft, spoolFile: string | undefined): void {
  const { callerLegId } = draft.state;
  answered(draft);
  takeStarted(draft, spoolFile);
  enterVoice(draft);
  // After what is said first, which keeps the time itself; a leg that waits in a bridge needs nothing.
  if (draft.state.phase.name !== 'closing') emit(draft, { type: 'keepTime', legId: callerLegId });
}

function goOnUnrecorded(draft: Draft, why: string): void {
  recordingFailed(draft, why);
  answered(draft);
  emit(draft, { type: 'answer', legId: draft.state.callerLegId });
  enterVoice(draft);
}

/** The process died around the start of the recording: begin again under a new name unless Asterisk shows that it runs. */
export function recoverArriving(
  draft: Draft,
  caller: { readonly controlled: boolean; readonly spoolFile?: string },
): void {
  const { recording, facts } = draft.state;
  if (!caller.controlled) {
    // On its way through the dialplan: it comes back by itself as `legReturned`.
    startTimer(draft, 'recordingStart', recordingStartLimitMs);
    return;
  }
  if (recording?.spoolFile !== undefined && caller.spoolFile === recording.spoolFile) {
    recordingStarted(draft, caller.spoolFile);
    return;
  }
  if (recording && facts.lineId !== undefined) {
    setPhase(draft, { name: 'arriving', step: 'openingRecording' });
    openRecording(draft, recording.recordingId, facts.lineId);
    return;
  }
  beginContact(draft);
}
