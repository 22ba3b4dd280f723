import type { RecordingPort } from './contact/index.ts';
import { DozvonError } from './foundation/index.ts';
import type { RecordingService } from './recording/index.ts';

/** The recording room as a contact sees it. */
export function recordingPort(recordings: RecordingService): RecordingPort {
  return {
    open: (request) => recordings.open(request),
    mark: (mark) => recordings.mark(mark),
    async close(recordingId, endedAtMs) {
      const end = await recordings.close(recordingId, endedAtMs);
      if (end === 'unknown') return { state: 'failed', durationMs: 0, failure: 'unknownRecording' };
      // Not sealed to its end yet: asked again until it is, the contact keeps its state meanwhile.
      if (end.state === 'recording')
        throw new DozvonError('TIMED_OUT', `recording ${recordingId} is still being sealed`);
      const failure = end.failure === undefined ? {} : { failure: end.failure };
      return { state: end.state, durationMs: end.durationMs ?? 0, ...failure };
    },
    async adopt(recordingId) {
      await recordings.adopt(recordingId);
    },
  };
}
