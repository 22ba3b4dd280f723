import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { MarkRow, RecordingRepository, RecordingRow, SegmentRow } from '../../src/recording/index.ts';
import { createMemoryRecordingRepository } from '../../src/store/memory/recording-repository.ts';

interface Rows {
  readonly recordings: RecordingRow[];
  readonly segments: SegmentRow[];
  readonly marks: MarkRow[];
}

/** A repository that outlives its process in one JSON file: for tests that kill the process. */
export async function openFileRecordingRepository(path: string): Promise<RecordingRepository> {
  const memory = createMemoryRecordingRepository();
  const rows = load(path);
  for (const row of rows.recordings) {
    await memory.put(
      row,
      rows.segments.filter(({ recordingId }) => recordingId === row.recordingId),
    );
  }
  for (const row of rows.marks) await memory.putMark(row);
  const keep = (): void => {
    writeFileSync(`${path}.next`, JSON.stringify(rows));
    renameSync(`${path}.next`, path);
  };
  const put = async (recording: RecordingRow, segments: readonly SegmentRow[]): Promise<void> => {
    await memory.put(recording, segments);
    rows.recordings.push(recording);
    rows.segments.push(...segments);
    keep();
  };
  return {
    ...memory,
    put,
    async begin(recording, segment) {
      if ((await memory.recording(recording.recordingId)) !== undefined) return 'known';
      await put(recording, [segment]);
      return 'begun';
    },
    async putMark(row) {
      await memory.putMark(row);
      rows.marks.push(row);
      keep();
    },
  };
}

function load(path: string): Rows {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Rows;
  } catch {
    return { recordings: [], segments: [], marks: [] };
  }
}
