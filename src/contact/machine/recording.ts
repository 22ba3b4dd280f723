import { type RecordingId, secondMs } from '../../foundation/index.ts';
import type { ContactEffect } from '../effects.ts';
import type { ContactEvent } from '../events.ts';
import { cancelTimer, type Draft, emit, note, startTimer } from './draft.ts';

/**
 * How long the way through the dialplan and back may take. It takes a few milliseconds; a caller must not hear
 * silence for longer than this because recording would not start.
 */
export const recordingStartLimitMs = 3 * secondMs;

type Purpose = Extract<ContactEffect, { type: 'markRecording' }>['purpose'];

/** Marks the stretch from `fromMs` to `toMs` (wall time) of the running recording; nothing when none runs. */
export function markStretch(draft: Draft, purpose: Purpose, fromMs: number, toMs: number): void {
  const recording = draft.state.recording;
  if (recording?.state !== 'running') return;
  emit(draft, {
    type: 'markRecording',
    recordingId: recording.recordingId,
    purpose,
    fromMs: Math.max(0, fromMs - recording.startedAtMs),
    toMs: Math.max(0, toMs - recording.startedAtMs),
  });
}

export function openRecording(draft: Draft, recordingId: RecordingId, lineId: string): void {
  draft.state = { ...draft.state, recording: { recordingId, state: 'opening', startedAtMs: draft.nowMs } };
  startTimer(draft, 'recordingStart', recordingStartLimitMs);
  emit(draft, { type: 'openRecording', recordingId, lineId, startedAtMs: draft.nowMs });
}

/** Whether it is to be started in the file that was opened. Asked for twice around a restart, the first is used: starting another would cut off what is being said. */
export function takeOpened(draft: Draft, event: Extract<ContactEvent, { type: 'recordingOpened' }>): boolean {
  const { recording } = draft.state;
  if (recording?.recordingId !== event.recordingId || recording.state !== 'opening') return false;
  draft.state = { ...draft.state, recording: { ...recording, state: 'starting', spoolFile: event.spoolFile } };
  return true;
}

/** The leg is back from the dialplan, where the recording into this file was started. */
export function takeStarted(draft: Draft, spoolFile: string | undefined): void {
  const { recording } = draft.state;
  cancelTimer(draft, 'recordingStart');
  if (!recording || recording.spoolFile !== spoolFile) return;
  draft.state = { ...draft.state, recording: { ...recording, state: 'running' } };
  note(draft, 'recordingStarted');
}

/** The recorded leg is over: the recording is to be sealed to its end and verified. */
export function closeRecording(draft: Draft): void {
  const recording = draft.state.recording;
  if (!recording) return;
  emit(draft, { type: 'closeRecording', recordingId: recording.recordingId, endedAtMs: draft.nowMs });
}

/** The call goes on without a recording, and the record says so. */
export function recordingFailed(draft: Draft, why: string): void {
  const recording = draft.state.recording;
  cancelTimer(draft, 'recordingStart');
  if (!recording) return;
  draft.state = { ...draft.state, recording: { ...recording, state: 'failed' } };
  note(draft, 'recordingFailed', { why });
}
