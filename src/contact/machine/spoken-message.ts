import { secondMs } from '../../foundation/index.ts';
import type { CallBackNumber } from '../../ivr/index.ts';
import { dialogueOf } from './dialogue.ts';
import { type Draft, emit, newName, note } from './draft.ts';
import { markStretch } from './recording.ts';

/** A message shorter than this is a slip of the finger, not something said. */
const shortestMessageMs = secondMs;

/** Marks the message in the recording; returns its length, 0 when nothing was said or nothing records. */
export function takeMessage(draft: Draft, sinceMs: number): number {
  const { recording } = draft.state;
  const lengthMs = draft.nowMs - sinceMs;
  if (lengthMs < shortestMessageMs || recording?.state !== 'running') return 0;
  // The stretch is kept even when the caller records it again: the last one is the request's.
  markStretch(draft, 'message', sinceMs, draft.nowMs);
  const zeroMs = recording.startedAtMs;
  draft.state = { ...draft.state, message: { fromMs: sinceMs - zeroMs, toMs: draft.nowMs - zeroMs } };
  return Math.max(1, Math.round(lengthMs / secondMs));
}

/** Asks for the request to be stored, with the last spoken message if there is one; returns the key that its answer will name. */
export function storeRequest(
  draft: Draft,
  request: { readonly topic: string; readonly callBackNumber: CallBackNumber },
): string {
  const { recording, message, facts } = draft.state;
  const idempotencyKey = newName<string>(draft, 'r');
  const callBackNumber = request.callBackNumber === 'ani' ? facts.ani : request.callBackNumber.keyed;
  emit(draft, {
    type: 'storeRequest',
    idempotencyKey,
    lineId: facts.lineId ?? '',
    topic: request.topic,
    callBackNumber,
    language: facts.language,
    ...(message && recording?.state === 'running'
      ? { message: { recordingId: recording.recordingId, ...message } }
      : {}),
  });
  return idempotencyKey;
}

/** Of the caller's own choice. */
export function askForRequest(draft: Draft, request: Parameters<typeof storeRequest>[1]): void {
  storeRequest(draft, request);
  draft.state = { ...draft.state, requestAsked: true };
}

/**
 * The caller hung up while or after speaking his message and before he was told a number: what he said is a request all
 * the same, and he learns its number by the confirmation.
 */
export function keepSpokenMessage(draft: Draft): void {
  const dialogue = dialogueOf(draft.state.phase);
  if (dialogue === undefined) return;
  if (dialogue.messageSinceMs !== undefined) takeMessage(draft, dialogue.messageSinceMs);
  if (draft.state.message === undefined || draft.state.requestAsked) return;
  const position = dialogue.flow?.position;
  note(draft, 'messageKept');
  askForRequest(draft, {
    topic: position?.topic ?? draft.state.facts.topic ?? '',
    callBackNumber: position?.secret.callBack ?? 'ani',
  });
}
