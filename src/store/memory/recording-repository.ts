import type { MarkRow, RecordingRepository, RecordingRow, SegmentRow } from '../../recording/ports.ts';

/** The twin of the recordings' tables: same contract, nothing durable. */
export function createMemoryRecordingRepository(): RecordingRepository {
  const recordings = new Map<string, RecordingRow>();
  const segments = new Map<string, SegmentRow>();
  const marks = new Map<string, MarkRow>();
  const put = (recording: RecordingRow, of: readonly SegmentRow[]): void => {
    recordings.set(recording.recordingId, recording);
    for (const row of of) segments.set(`${row.recordingId} ${row.segment}`, row);
  };
  return {
    async begin(recording, segment) {
      if (recordings.has(recording.recordingId)) return 'known';
      put(recording, [segment]);
      return 'begun';
    },
    async put(recording, of) {
      put(recording, of);
    },
    async putMark(row) {
      marks.set(`${row.recordingId} ${row.purpose} ${row.fromMs}`, row);
    },
    async recording(recordingId) {
      return recordings.get(recordingId);
    },
    async byContact(contactId) {
      return [...recordings.values()]
        .filter((row) => row.contactId === contactId)
        .sort((a, b) => a.startedAtMs - b.startedAtMs);
    },
    async segments(recordingId) {
      return [...segments.values()]
        .filter((row) => row.recordingId === recordingId)
        .sort((a, b) => a.segment - b.segment);
    },
    async marks(recordingId) {
      return [...marks.values()].filter((row) => row.recordingId === recordingId).sort((a, b) => a.fromMs - b.fromMs);
    },
    async openSegments() {
      return [...segments.values()].filter((row) => row.state === 'recording');
    },
  };
}
