import type { ContactEffect } from '../effects.ts';
import { type Draft, emit, note } from './draft.ts';

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

/** The recorded leg is over: the recording is to be sealed to its end and verified. */
export function closeRecording(draft: Draft): void {
  const recording = draft.state.recording;
  if (!recording) return;
  emit(draft, { type: 'closeRecording', recordingId: recording.recordingId, endedAtMs: draft.nowMs });
}

/** The call goes on without a recording, and the record says so. */
export function recordingFailed(draft: Draft, why: string): void {
  const recording = draft.state.recording;
  if (!recording) return;
  draft.state = { ...draft.state, recording: { ...recording, state: 'failed' } };
  note(draft, 'recordingFailed', { why });
}
