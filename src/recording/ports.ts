import type { ContactId, RecordingId } from '../foundation/index.ts';

export interface RecordingRow {
  readonly recordingId: RecordingId;
  readonly contactId: ContactId;
  readonly lineId: string;
  /** Wall time of the recording's zero second. */
  readonly startedAtMs: number;
  readonly state: 'recording' | 'sealed' | 'verified' | 'failed';
  readonly durationMs?: number;
  /** Why it failed, in machine-readable words. */
  readonly failure?: string;
}

/** One spool file and the sealed object made of it; a recording has several when recording was started again. */
export interface SegmentRow {
  readonly recordingId: RecordingId;
  readonly segment: number;
  readonly spoolFile: string;
  readonly blobName: string;
  /** The data key, wrapped by the key-encryption key `keyId`; base64. Never the key itself. */
  readonly wrappedKey: string;
  readonly keyId: string;
  readonly startedAtMs: number;
  readonly state: 'recording' | 'sealed' | 'verified' | 'failed';
  readonly sealedBytes?: number;
}

/** A stretch of a recording with a purpose, in milliseconds from the recording's zero second. */
export interface MarkRow {
  readonly recordingId: RecordingId;
  readonly purpose: 'menu' | 'queue' | 'talk' | 'message';
  readonly fromMs: number;
  readonly toMs?: number;
}

/**
 * Rows of recordings, segments and marks (PostgreSQL; a memory twin for unit tests). Each write is done whole or not at all, is
 * durable when it resolves, and repeats safely.
 */
export interface RecordingRepository {
  /** A new recording with its first segment, at once: a caller waits. `known`: it is there already, and stays as it is. */
  begin(recording: RecordingRow, segment: SegmentRow): Promise<'begun' | 'known'>;
  /** The recording and these of its segments, over what is there. May wait a moment for others to be written with. */
  put(recording: RecordingRow, segments: readonly SegmentRow[]): Promise<void>;
  /** May wait as `put` does. */
  putMark(row: MarkRow): Promise<void>;
  recording(recordingId: RecordingId): Promise<RecordingRow | undefined>;
  byContact(contactId: ContactId): Promise<readonly RecordingRow[]>;
  segments(recordingId: RecordingId): Promise<readonly SegmentRow[]>;
  marks(recordingId: RecordingId): Promise<readonly MarkRow[]>;
  /** Segments still in state `recording`: what a restart goes on with. */
  openSegments(): Promise<readonly SegmentRow[]>;
}

/** Where sealed objects lie. Names are flat, `[a-z0-9.-]`. */
export interface BlobStore {
  /** Appends to the object (created at the first append) and returns once the bytes are durable (fsync). */
  append(name: string, bytes: Uint8Array, atOffset: number): Promise<void>;
  size(name: string): Promise<number | undefined>;
  read(name: string, from: number, length: number): Promise<Uint8Array>;
  remove(name: string): Promise<void>;
}
