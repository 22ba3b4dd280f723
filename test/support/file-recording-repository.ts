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
  for (const row of rows.recordings) await memory.putRecording(row);
  for (const row of rows.segments) await memory.putSegment(row);
  for (const row of rows.marks) await memory.putMark(row);
  const kept = <Row>(list: Row[], put: (row: Row) => Promise<void>) => {
    return async (row: Row): Promise<void> => {
      await put(row);
      list.push(row);
      writeFileSync(`${path}.next`, JSON.stringify(rows));
      renameSync(`${path}.next`, path);
    };
  };
  return {
    ...memory,
    putRecording: kept(rows.recordings, (row) => memory.putRecording(row)),
    putSegment: kept(rows.segments, (row) => memory.putSegment(row)),
    putMark: kept(rows.marks, (row) => memory.putMark(row)),
  };
}

function load(path: string): Rows {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Rows;
  } catch {
    return { recordings: [], segments: [], marks: [] };
  }
}
