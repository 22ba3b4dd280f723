import { type ContactRecord, type ContactRecordStore, lastOperatorDepth } from '../../contact/store-ports.ts';
import type { ContactId } from '../../foundation/index.ts';
import type { RecordingRepository } from '../../recording/ports.ts';

/** The twin of the contact records in PostgreSQL, for tests and simulation; recordings come from the given repository. */
export function createMemoryContactRecords(recordings: RecordingRepository): ContactRecordStore {
  const records = new Map<ContactId, ContactRecord>();
  const newestFirst = (matches: (record: ContactRecord) => boolean): ContactRecord[] =>
    [...records.values()].filter(matches).sort((a, b) => (a.contactId < b.contactId ? 1 : -1));
  return {
    put: async (record) => {
      const stored = records.get(record.contactId);
      const late = stored?.endedAtMs !== undefined && record.endedAtMs === undefined;
      if (!late) records.set(record.contactId, structuredClone(record));
    },

    get: async (contactId) => {
      const record = records.get(contactId);
      if (record === undefined) return undefined;
      const rows = await recordings.byContact(contactId);
      const summaries = rows.map(async ({ recordingId, state, durationMs }) => ({
        recordingId,
        state,
        ...(durationMs === undefined ? {} : { durationMs }),
        marks: (await recordings.marks(recordingId)).map(({ recordingId: _of, ...mark }) => mark),
      }));
      return { ...structuredClone(record), recordings: await Promise.all(summaries) };
    },

    list: async (filter) => {
      const matches = newestFirst(
        (record) =>
          (filter.ani === undefined || record.ani === filter.ani) &&
          (filter.sipCallId === undefined || record.sipCallId === filter.sipCallId) &&
          (filter.lineId === undefined || record.lineId === filter.lineId) &&
          (filter.before === undefined || record.contactId < filter.before),
      );
      return structuredClone(matches.slice(0, filter.limit));
    },

    lastOperator: async ({ ani, sinceMs }) =>
      newestFirst((record) => ani !== '' && record.ani === ani)
        .slice(0, lastOperatorDepth)
        .find(({ operatorId, joinedAtMs = 0 }) => operatorId !== undefined && joinedAtMs >= sinceMs)?.operatorId,
  };
}
