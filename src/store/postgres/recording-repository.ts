import type { Selectable } from 'kysely';
import { asId, type ContactId, type RecordingId } from '../../foundation/index.ts';
import type { MarkRow, RecordingRepository, RecordingRow, SegmentRow } from '../../recording/ports.ts';
import type { Database } from './database.ts';
import { createRecordingWrites } from './recording-writes.ts';
import type { RecordingMarksTable, RecordingSegmentsTable, RecordingsTable } from './tables.ts';
import { present } from './values.ts';

/** Rows of recordings, their segments and marks. */
export function createRecordingRepository(database: Database): RecordingRepository & { settle(): Promise<void> } {
  const { db, guard } = database;
  return {
    ...createRecordingWrites(database),

    recording: (recordingId) =>
      guard('reading a recording', async () => {
        const row = await db
          .selectFrom('recordings')
          .selectAll()
          .where('recordingId', '=', recordingId)
          .executeTakeFirst();
        return row === undefined ? undefined : toRecording(row);
      }),

    byContact: (contactId) =>
      guard('reading recordings', async () => {
        const rows = await db
          .selectFrom('recordings')
          .selectAll()
          .where('contactId', '=', contactId)
          .orderBy('startedAt')
          .orderBy('recordingId')
          .execute();
        return rows.map(toRecording);
      }),

    segments: (recordingId) =>
      guard('reading recording segments', async () => {
        const query = db
          .selectFrom('recordingSegments')
          .selectAll()
          .where('recordingId', '=', recordingId)
          .orderBy('segment');
        return (await query.execute()).map(toSegment);
      }),

    marks: (recordingId) =>
      guard('reading recording marks', async () => {
        const query = db
          .selectFrom('recordingMarks')
          .selectAll()
          .where('recordingId', '=', recordingId)
          .orderBy('fromMs');
        return (await query.execute()).map(toMark);
      }),

    openSegments: () =>
      guard('reading open recording segments', async () => {
        const query = db
          .selectFrom('recordingSegments')
          .selectAll()
          .where('state', '=', 'recording')
          .orderBy('recordingId')
          .orderBy('segment');
        return (await query.execute()).map(toSegment);
      }),
  };
}

function toRecording(row: Selectable<RecordingsTable>): RecordingRow {
  return {
    recordingId: asId<RecordingId>(row.recordingId),
    contactId: asId<ContactId>(row.contactId),
    lineId: row.lineId,
    startedAtMs: row.startedAt.getTime(),
    state: row.state as RecordingRow['state'],
    ...present({ durationMs: row.durationMs, failure: row.failure }),
  };
}

function toSegment(row: Selectable<RecordingSegmentsTable>): SegmentRow {
  return {
    recordingId: asId<RecordingId>(row.recordingId),
    segment: row.segment,
    spoolFile: row.spoolFile,
    blobName: row.blobName,
    wrappedKey: row.wrappedKey,
    keyId: row.keyId,
    startedAtMs: row.startedAt.getTime(),
    state: row.state as SegmentRow['state'],
    ...present({ sealedBytes: row.sealedBytes }),
  };
}

function toMark(row: Selectable<RecordingMarksTable>): MarkRow {
  return {
    recordingId: asId<RecordingId>(row.recordingId),
    purpose: row.purpose as MarkRow['purpose'],
    fromMs: row.fromMs,
    ...present({ toMs: row.toMs }),
  };
}
