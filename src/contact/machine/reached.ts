import type { BridgeId, PlaybackId, RecordingId } from '../../foundation/index.ts';
import type { ContactEvent } from '../events.ts';
import type { DiallingPhase } from '../state.ts';
import { cancelTimer, type Draft, emit, newName, note, setFacts, setPhase, startTimer, updateLeg } from './draft.ts';
import { sayIntoBridge } from './prompts.ts';
import { ringOperator } from './queued.ts';
import { openRecording, recordingFailed, recordingStartLimitMs, takeOpened, takeStarted } from './recording.ts';
import { enterTalk } from './talking.ts';

/** Somebody has answered who is called back: he is recorded from now on, where his line records, and meets his operator. */
export function onReached(draft: Draft, phase: DiallingPhase): void {
  const { callerLegId, facts } = draft.state;
  updateLeg(draft, callerLegId, { state: 'up' });
  cancelTimer(draft, 'dial');
  setFacts(draft, { answeredAtMs: draft.nowMs });
  const line = facts.lineId === undefined ? undefined : draft.rules.line(facts.lineId);
  if (line?.recording !== 'all') {
    meet(draft, phase);
    return;
  }
  setPhase(draft, { ...phase, step: 'startingRecording' });
  openRecording(draft, `r${draft.state.contactId}` as RecordingId, line.lineId);
}

export function recordingOpened(draft: Draft, event: Extract<ContactEvent, { type: 'recordingOpened' }>): void {
  if (!takeOpened(draft, event)) return;
  emit(draft, { type: 'startRecording', legId: draft.state.callerLegId, spoolFile: event.spoolFile });
}

export function recordingStarted(draft: Draft, phase: DiallingPhase, spoolFile: string | undefined): void {
  takeStarted(draft, spoolFile);
  meet(draft, phase);
}

export function goOnUnrecorded(draft: Draft, phase: DiallingPhase, why: string): void {
  recordingFailed(draft, why);
  meet(draft, phase);
}

/** He is on the line: joined with the operator who waits for him, or greeted while the one kept for him is rung. */
function meet(draft: Draft, phase: DiallingPhase): void {
  const { queueId, topic, enqueuedAtMs, operator, reserved } = phase;
  if (operator !== undefined) {
    const { operatorId, legId: operatorLegId, bridgeId: holdingBridgeId } = operator;
    enterTalk(draft, { queueId, enqueuedAtMs, operatorId, operatorLegId, holdingBridgeId });
    introduce(draft);
    return;
  }
  const holdingBridgeId = newName<BridgeId>(draft, 'b');
  const playback = newName<PlaybackId>(draft, 'p');
  const waiting = { name: 'queued', queueId, topic, enqueuedAtMs, holdingBridgeId, playback } as const;
  setPhase(draft, waiting);
  emit(draft, { type: 'joinBridge', bridgeId: holdingBridgeId, kind: 'holding', legIds: [draft.state.callerLegId] });
  sayIntoBridge(draft, holdingBridgeId, playback, 'call-back-greeting');
  if (reserved !== undefined) ringOperator(draft, waiting, reserved);
}

/**
 * Joined at once, he hears who calls and that it is recorded. Said to his leg alone: of a talk bridge that something was played into, Asterisk
 * records the operator no more.
 */
function introduce(draft: Draft): void {
  const { phase, recording } = draft.state;
  if (phase.name !== 'talking') return;
  const playback = newName<PlaybackId>(draft, 'p');
  const notice = recording?.state === 'running' ? (['recording-notice-short'] as const) : [];
  setPhase(draft, { ...phase, playback });
  note(draft, 'introduced', { recorded: notice.length > 0 });
  const say = ['call-back-greeting-short', ...notice].map((prompt) => ({ prompt }));
  const media = draft.rules.render(say, draft.state.facts.language);
  emit(draft, { type: 'playToLeg', playbackId: playback, legId: draft.state.callerLegId, media });
}

/** The process died around the start of the recording. */
export function recoverRecording(
  draft: Draft,
  phase: DiallingPhase,
  caller: { readonly controlled: boolean; readonly spoolFile?: string },
): void {
  const { recording, facts } = draft.state;
  if (!caller.controlled) {
    startTimer(draft, 'recordingStart', recordingStartLimitMs); // on its way through the dialplan: it comes back by itself
  } else if (recording?.spoolFile !== undefined && caller.spoolFile === recording.spoolFile) {
    recordingStarted(draft, phase, caller.spoolFile);
  } else if (recording !== undefined && facts.lineId !== undefined) {
    openRecording(draft, recording.recordingId, facts.lineId);
  }
}
