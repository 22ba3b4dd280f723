import {
  type CancelTimer,
  type Clock,
  type ContactId,
  DozvonError,
  hasCode,
  type Logger,
  messageOf,
  type RecordingId,
} from '../foundation/index.ts';
import type { DataKey, StreamKeys, WrappedKey } from '../vault/index.ts';
import type { BlobStore, RecordingRepository, RecordingRow, SegmentRow } from './ports.ts';
import { retrying } from './retrying.ts';
import { type SealedExtent, sealedExtent } from './sealed-reader.ts';
import { type SegmentEnd, SegmentFollower, type VerificationTurns } from './segment-follower.ts';
import type { Spool } from './spool.ts';

/** `close` answers within this; with the store down the work goes on behind it. Above the settling limit of a file (10 s). */
const closeLimitMs = 15_000;

/** What became of a recording. `recording`: still being sealed (the store does not answer); `onFinished` tells later. */
export interface RecordingEnd {
  readonly recordingId: RecordingId;
  readonly contactId: ContactId;
  readonly state: 'verified' | 'failed' | 'recording';
  readonly durationMs?: number;
  /**
   * `NEVER_BEGAN`, `SPOOL_FULL`, `SPOOL_LOST` (the file is gone: the machine restarted), `INCOMPLETE` (the file grew after its end),
   * or the code of what was found in the sealed object or its key.
   */
  readonly failure?: string;
}

export interface OpenRequest {
  readonly recordingId: RecordingId;
  readonly contactId: ContactId;
  readonly lineId: string;
  /** Wall time of the segment's zero second; the first segment's is the recording's. */
  readonly startedAtMs: number;
}

export interface FollowedOptions {
  readonly blobs: BlobStore;
  readonly repository: RecordingRepository;
  readonly keys: StreamKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told once for each recording that reached its end here, also when `close` had to answer before. */
  readonly onFinished?: (end: RecordingEnd) => void;
}

interface FollowedRecording {
  readonly row: RecordingRow;
  readonly followers: SegmentFollower[];
  finishing?: Promise<RecordingEnd>;
}

type Adoption = 'adopted' | 'finished' | 'unknown';

/** The recordings whose spool files this process reads. */
export class FollowedRecordings {
  readonly #options: FollowedOptions;
  readonly #spool: Spool;
  readonly #recordings = new Map<RecordingId, FollowedRecording>();
  readonly #byFile = new Map<string, SegmentFollower>();
  /** The last of the openings and adoptions of a recording, which go one after another. */
  readonly #lastTurn = new Map<RecordingId, Promise<unknown>>();
  readonly #verifications = oneAtATime();
  #stopping = new AbortController();

  constructor(options: FollowedOptions, spool: Spool) {
    this.#options = options;
    this.#spool = spool;
  }

  start(): void {
    this.#stopping = new AbortController();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#recordings.keys()].map((recordingId) => this.abandon(recordingId)));
  }

  /** How many spool files are followed. */
  count(): number {
    return this.#byFile.size;
  }

  follows(file: string): boolean {
    return this.#byFile.has(file);
  }

  poke(file?: string): void {
    if (file !== undefined) this.#byFile.get(file)?.poke();
    else for (const follower of this.#byFile.values()) follower.poke();
  }

  spoolWasFull(): void {
    for (const follower of this.#byFile.values()) follower.spoolWasFull();
  }

  /** Stores the rows, then follows; returns the name of the spool file. */
  open(request: OpenRequest): Promise<string> {
    return this.#inTurn(request.recordingId, () => this.#openNow(request));
  }

  async close(recordingId: RecordingId, endedAtMs?: number): Promise<RecordingEnd | 'unknown'> {
    const { clock } = this.#options;
    if (!this.#recordings.has(recordingId)) await this.adopt(recordingId);
    const recording = this.#recordings.get(recordingId);
    if (recording === undefined) return this.#storedEnd(recordingId);
    recording.finishing ??= this.#finish(recording, endedAtMs);
    let cancel: CancelTimer = () => {};
    const limit = new Promise<RecordingEnd>((resolve) => {
      cancel = clock.setTimer(clock.nowMs() + closeLimitMs, () => resolve(stillRecording(recording.row)));
    });
    const end = await Promise.race([recording.finishing, limit]);
    cancel();
    return end;
  }

  adopt(recordingId: RecordingId): Promise<Adoption> {
    return this.#inTurn(recordingId, () => this.#adoptNow(recordingId));
  }

  abandon(recordingId: RecordingId): Promise<void> {
    return this.#inTurn(recordingId, async () => {
      await Promise.all(this.#forget(recordingId).map((follower) => follower.halt()));
    });
  }

  #inTurn<T>(recordingId: RecordingId, work: () => Promise<T>): Promise<T> {
    const turn = (this.#lastTurn.get(recordingId) ?? Promise.resolve()).then(work);
    const settled = turn.then(
      () => {},
      () => {},
    );
    this.#lastTurn.set(recordingId, settled);
    void settled.then(() => {
      if (this.#lastTurn.get(recordingId) === settled) this.#lastTurn.delete(recordingId);
    });
    return turn;
  }

  async #openNow({ recordingId, contactId, lineId, startedAtMs }: OpenRequest): Promise<string> {
    const { keys, repository } = this.#options;
    const startedAt = Math.round(startedAtMs);
    const { dataKey, wrapped } = await keys.newDataKey();
    let row: RecordingRow = { recordingId, contactId, lineId, startedAtMs: startedAt, state: 'recording' };
    let segment = newSegmentRow(recordingId, 1, startedAt, wrapped);
    try {
      if ((await repository.begin(row, segment)) === 'known') {
        const earlier = await repository.segments(recordingId);
        row = { ...((await repository.recording(recordingId)) ?? row), state: 'recording' };
        const next = 1 + Math.max(0, ...earlier.map((one) => one.segment));
        segment = newSegmentRow(recordingId, next, startedAt, wrapped);
        await repository.put(row, [segment]);
      }
    } catch (error) {
      dataKey.destroy();
      throw error;
    }
    const recording = this.#recordings.get(recordingId) ?? { row, followers: [] };
    this.#recordings.set(recordingId, recording);
    this.#follow(recording, segment, dataKey);
    return segment.spoolFile;
  }

  #follow(recording: FollowedRecording, row: SegmentRow, dataKey: DataKey, extent?: SealedExtent): void {
    const { blobs, clock, logger } = this.#options;
    const common = { row, dataKey, spool: this.#spool, blobs, clock, logger, turns: this.#verifications };
    const follower = new SegmentFollower(extent === undefined ? common : { ...common, extent });
    recording.followers.push(follower);
    this.#byFile.set(row.spoolFile, follower);
    follower.poke(); // what was written before anybody looked
  }

  #forget(recordingId: RecordingId): readonly SegmentFollower[] {
    const followers = this.#recordings.get(recordingId)?.followers ?? [];
    this.#recordings.delete(recordingId);
    for (const { row } of followers) this.#byFile.delete(row.spoolFile);
    return followers;
  }

  async #finish(recording: FollowedRecording, endedAtMs: number | undefined): Promise<RecordingEnd> {
    const { logger, onFinished } = this.#options;
    const { recordingId } = recording.row;
    try {
      const ends: { row: SegmentRow; end: SegmentEnd }[] = [];
      for (const [i, follower] of recording.followers.entries()) {
        // Only the last attempt lasts to the call's end; an earlier one ended with its file.
        const end = await follower.finish(i === recording.followers.length - 1 ? endedAtMs : undefined);
        if (end.state === 'halted') return stillRecording(recording.row);
        ends.push({ row: follower.row, end });
      }
      const end = sumUp(recording.row, ends);
      await this.#storeEnds(recording.row, end, ends);
      const fields = { recordingId, durationMs: end.durationMs, failure: end.failure };
      if (end.state === 'verified') logger.info(fields, 'recording verified');
      else logger.error(fields, 'recording failed');
      onFinished?.(end);
      return end;
    } catch (error) {
      if (!hasCode(error, 'STOPPED'))
        logger.error({ recordingId, why: messageOf(error) }, 'a recording could not be finished');
      return stillRecording(recording.row);
    } finally {
      if (this.#recordings.get(recordingId) === recording) this.#forget(recordingId);
    }
  }

  async #storeEnds(
    row: RecordingRow,
    end: RecordingEnd,
    ends: readonly { row: SegmentRow; end: SegmentEnd }[],
  ): Promise<void> {
    const { repository } = this.#options;
    const { state, durationMs, failure } = end;
    const ended: RecordingRow = {
      ...row,
      state,
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(failure === undefined ? {} : { failure }),
    };
    const segments = ends.flatMap(({ row: segment, end: one }) =>
      one.state === 'halted' ? [] : [{ ...segment, state: one.state, sealedBytes: one.sealedBytes }],
    );
    await this.#storing(() => repository.put(ended, segments));
  }

  async #storedEnd(recordingId: RecordingId): Promise<RecordingEnd | 'unknown'> {
    const row = await this.#options.repository.recording(recordingId);
    if (row === undefined) return 'unknown';
    const { contactId, durationMs, failure } = row;
    return {
      recordingId,
      contactId,
      state: row.state === 'sealed' ? 'recording' : row.state,
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(failure === undefined ? {} : { failure }),
    };
  }

  async #adoptNow(recordingId: RecordingId): Promise<Adoption> {
    if (this.#recordings.has(recordingId)) return 'adopted';
    const { repository } = this.#options;
    const row = await repository.recording(recordingId);
    if (row === undefined) return 'unknown';
    const open = (await repository.segments(recordingId)).filter((segment) => segment.state === 'recording');
    const recording: FollowedRecording = { row, followers: [] };
    for (const segment of open) await this.#adoptSegment(recording, segment);
    if (recording.followers.length === 0) return 'finished';
    this.#recordings.set(recordingId, recording);
    return 'adopted';
  }

  async #adoptSegment(recording: FollowedRecording, row: SegmentRow): Promise<void> {
    const { blobs, clock, keys, logger, repository } = this.#options;
    const { recordingId, segment, blobName } = row;
    let dataKey: DataKey | undefined;
    try {
      const opened = await keys.openDataKey({ keyId: row.keyId, wrappedKey: row.wrappedKey });
      dataKey = opened;
      const extent = await retrying(() => sealedExtent({ blobs, blobName, dataKey: opened, recordingId, segment }), {
        what: 'finding where a recording goes on',
        clock,
        logger,
        signal: this.#stopping.signal,
        hopeless: (error) => error instanceof DozvonError && error.code !== 'BLOB_STORE_UNAVAILABLE',
      });
      this.#follow(recording, row, opened, extent);
    } catch (error) {
      dataKey?.destroy();
      if (!(error instanceof DozvonError) || error.code === 'STOPPED') throw error;
      logger.error({ recordingId, code: error.code, why: error.message }, 'a recording cannot be gone on with');
      await this.#storing(() =>
        repository.put({ ...recording.row, state: 'failed', failure: error.code }, [{ ...row, state: 'failed' }]),
      );
    }
  }

  #storing<T>(work: () => Promise<T>): Promise<T> {
    const { clock, logger } = this.#options;
    return retrying(work, { what: 'storing what became of a recording', clock, logger, signal: this.#stopping.signal });
  }
}

function newSegmentRow(
  recordingId: RecordingId,
  segment: number,
  startedAtMs: number,
  wrapped: WrappedKey,
): SegmentRow {
  return {
    recordingId,
    segment,
    spoolFile: `${recordingId}.${segment}.sln`,
    blobName: `${recordingId}.${segment}.dzr`,
    wrappedKey: wrapped.wrappedKey,
    keyId: wrapped.keyId,
    startedAtMs,
    state: 'recording',
  };
}

/** The recording's end from those of its segments: an attempt that never began does not spoil one that did. */
function sumUp(
  row: RecordingRow,
  ends: readonly { readonly row: SegmentRow; readonly end: SegmentEnd }[],
): RecordingEnd {
  const { recordingId, contactId } = row;
  const failures = ends.flatMap(({ end }) => (end.state === 'failed' ? [end.failure] : []));
  const durations = ends.flatMap(({ row: segment, end }) =>
    end.state === 'verified' ? [segment.startedAtMs - row.startedAtMs + end.durationMs] : [],
  );
  const failure = failures.find((code) => code !== 'NEVER_BEGAN') ?? (durations.length === 0 ? failures[0] : undefined);
  const length = durations.length === 0 ? {} : { durationMs: Math.max(...durations) };
  if (failure !== undefined) return { recordingId, contactId, state: 'failed', failure, ...length };
  return { recordingId, contactId, state: 'verified', ...length };
}

function stillRecording({ recordingId, contactId }: RecordingRow): RecordingEnd {
  return { recordingId, contactId, state: 'recording' };
}

function oneAtATime(): VerificationTurns {
  let before: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = before.then(work);
    before = turn.catch(() => {});
    return turn;
  };
}
