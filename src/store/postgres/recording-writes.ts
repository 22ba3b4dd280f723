import { hasCode } from '../../foundation/index.ts';
import type { MarkRow, RecordingRepository, RecordingRow, SegmentRow } from '../../recording/ports.ts';
import { GroupCommit } from '../group-commit.ts';
import type { Database, Statement } from './database.ts';
import { instantText, storableJson } from './values.ts';

/** The contact's last record and its removal wait for the end of the recording, no person does. */
const lingerMs = 50;
const mostAtOnce = 200;

interface Rows {
  readonly recordings: readonly RecordingRow[];
  readonly segments: readonly SegmentRow[];
  readonly marks: readonly MarkRow[];
}

type RecordingWrites = Pick<RecordingRepository, 'begin' | 'put' | 'putMark'> & { settle(): Promise<void> };

/**
 * Writes rows of recordings in groups, each group in one statement and so in one transaction: beginnings at once (those that come
 * while one is written go together), ends and marks after a moment.
 */
export function createRecordingWrites({ run, guard }: Pick<Database, 'run' | 'guard'>): RecordingWrites {
  // Whatever else fails does so for what was to be written, also before it is sent.
  const isRefusal = (error: unknown): boolean => !hasCode(error, 'DATABASE_UNAVAILABLE');
  const beginnings = new GroupCommit<{ recording: RecordingRow; segment: SegmentRow }, 'begun' | 'known'>({
    write: (items) =>
      guard('storing beginnings of recordings', async () => {
        const begun = await run<{ recording_id: string }>(beginRecordings, [
          storableJson(items.map(({ recording }) => recordingJson(recording))),
          storableJson(items.map(({ segment }) => segmentJson(segment))),
        ]);
        const ids = new Set(begun.map((row) => row.recording_id));
        return items.map(({ recording }) => (ids.has(recording.recordingId) ? 'begun' : 'known'));
      }),
    lingerMs: 0,
    most: mostAtOnce,
    isRefusal,
  });
  const changes = new GroupCommit<Rows, void>({
    write: (items) =>
      guard('storing recordings', async () => {
        const recordings = items.flatMap((item) => item.recordings.map(recordingJson));
        const segments = items.flatMap((item) => item.segments.map(segmentJson));
        const marks = items.flatMap((item) => item.marks.map(markJson));
        await run(putRecordings, [
          storableJson(lastBy(recordings, (row) => row.recording_id)),
          storableJson(lastBy(segments, (row) => `${row.recording_id} ${row.segment}`)),
          storableJson(lastBy(marks, (row) => `${row.recording_id} ${row.purpose} ${row.from_ms}`)),
        ]);
        return items.map(() => undefined);
      }),
    lingerMs,
    most: mostAtOnce,
    isRefusal,
  });
  return {
    begin: (recording, segment) => beginnings.add({ recording, segment }),
    put: (recording, segments) => changes.add({ recordings: [recording], segments, marks: [] }),
    putMark: (row) => changes.add({ recordings: [], segments: [], marks: [row] }),
    async settle() {
      await Promise.all([beginnings.settle(), changes.settle()]);
    },
  };
}

/** A statement may touch a row only once: the newest of each key, in the order of keys, in which every process locks them. */
function lastBy<Row>(rows: readonly Row[], keyOf: (row: Row) => string): readonly Row[] {
  const last = new Map(rows.map((row) => [keyOf(row), row]));
  return [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

function recordingJson(row: RecordingRow) {
  return {
    recording_id: row.recordingId,
    contact_id: row.contactId,
    line_id: row.lineId,
    started_at: instantText(row.startedAtMs),
    state: row.state,
    duration_ms: row.durationMs === undefined ? undefined : Math.round(row.durationMs),
    failure: row.failure,
  };
}

function segmentJson(row: SegmentRow) {
  return {
    recording_id: row.recordingId,
    segment: row.segment,
    spool_file: row.spoolFile,
    blob_name: row.blobName,
    wrapped_key: row.wrappedKey,
    key_id: row.keyId,
    started_at: instantText(row.startedAtMs),
    state: row.state,
    sealed_bytes: row.sealedBytes === undefined ? undefined : Math.round(row.sealedBytes),
  };
}

function markJson(row: MarkRow) {
  return {
    recording_id: row.recordingId,
    purpose: row.purpose,
    from_ms: Math.round(row.fromMs),
    to_ms: row.toMs === undefined ? undefined : Math.round(row.toMs),
  };
}

const recordingColumns = 'recording_id, contact_id, line_id, started_at, state, duration_ms, failure';
const givenRecordings = `jsonb_to_recordset($1::jsonb) as r (recording_id text, contact_id text, line_id text,
      started_at timestamptz, state text, duration_ms bigint, failure text)`;
const segmentColumns =
  'recording_id, segment, spool_file, blob_name, wrapped_key, key_id, started_at, state, sealed_bytes';
const givenSegments = `jsonb_to_recordset($2::jsonb) as s (recording_id text, segment integer, spool_file text,
      blob_name text, wrapped_key text, key_id text, started_at timestamptz, state text, sealed_bytes bigint)`;

/** $1: recordings, $2: their first segments. Returns the ids of those that are new. */
const beginRecordings: Statement = {
  name: 'begin-recordings',
  text: `with begun as (
    insert into recordings (${recordingColumns}) select ${recordingColumns} from ${givenRecordings}
    on conflict (recording_id) do nothing
    returning recording_id
  ), begun_segments as (
    insert into recording_segments (${segmentColumns}) select ${segmentColumns} from ${givenSegments}
    where s.recording_id in (select recording_id from begun)
  )
  select recording_id from begun`,
};

/** $1: recordings, $2: segments, $3: marks; each may be empty. */
const putRecordings: Statement = {
  name: 'put-recordings',
  text: `with stored as (
    insert into recordings (${recordingColumns}) select ${recordingColumns} from ${givenRecordings}
    on conflict (recording_id) do update set ${overwriting(recordingColumns, ['recording_id'])}
  ), stored_segments as (
    insert into recording_segments (${segmentColumns}) select ${segmentColumns} from ${givenSegments}
    on conflict (recording_id, segment) do update set ${overwriting(segmentColumns, ['recording_id', 'segment'])}
  )
  insert into recording_marks (recording_id, purpose, from_ms, to_ms)
  select recording_id, purpose, from_ms, to_ms
  from jsonb_to_recordset($3::jsonb) as m (recording_id text, purpose text, from_ms bigint, to_ms bigint)
  on conflict (recording_id, purpose, from_ms) do update set to_ms = excluded.to_ms`,
};

function overwriting(columns: string, key: readonly string[]): string {
  const changed = columns.split(', ').filter((column) => !key.includes(column));
  return changed.map((column) => `${column} = excluded.${column}`).join(', ');
}
