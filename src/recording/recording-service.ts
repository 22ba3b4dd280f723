import type { Writable } from 'node:stream';
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
import type { StreamKeys } from '../vault/index.ts';
import { type ExportResult, type ExportStretch, exportWav } from './export-wav.ts';
import type { BlobStore, MarkRow, RecordingRepository, RecordingRow, SegmentRow } from './ports.ts';
import { retrying } from './retrying.ts';
import { sealedExtent } from './sealed-reader.ts';
import { createSegmentFollower, type SegmentEnd, type SegmentFollower } from './segment-follower.ts';
import { createFolderSpool, type Spool } from './spool.ts';

/** How often the spool's space is looked at while calls are recorded; also the backstop for a lost file event. */
const beatMs = 10_000;
/** Below this Asterisk's next writes may fail: sound may be missing from what is recorded now. */
const fullBytes = 256 * 1_024;
/** The share of the spool that is left when it is time to call somebody. */
const scarceShare = 0.1;
/** `close` answers within this; with the store down the work goes on behind it. Above the settling limit of a file (10 s). */
const closeLimitMs = 15_000;

/** What became of a recording. `recording`: still being sealed (the store does not answer); `onFinished` tells later. */
export interface RecordingEnd {
  readonly recordingId: RecordingId;
  readonly contactId: ContactId;
  readonly state: 'verified' | 'failed' | 'recording';
  readonly durationMs?: number;
  readonly failure?: string;
}

/** What to do with a recording that a dead process left open: go on following it, finish it (its call is over), or leave it to its owner. */
export type RecoveryVerdict = 'follow' | 'close' | 'leave';

export interface RecordingService {
  /** Creates and watches the spool folder. Rejects with `SPOOL_NOT_IN_MEMORY`. */
  start(): Promise<void>;
  /** Stops reading; everything open waits in the spool for the next start or another process. */
  stop(): Promise<void>;
  /** Makes a key and stores the rows; then `spoolFile` may be recorded into. Each call is a new segment and a new file. */
  open(request: {
    readonly recordingId: RecordingId;
    readonly contactId: ContactId;
    readonly lineId: string;
    readonly startedAtMs: number;
  }): Promise<{ readonly spoolFile: string }>;
  /** Call when the recorded channel has ended. Repeats safely; `unknown` when there is no such recording. */
  close(recordingId: RecordingId, endedAtMs?: number): Promise<RecordingEnd | 'unknown'>;
  mark(row: MarkRow): Promise<void>;
  /** Takes over reading an open recording, from its last full chunk. */
  adopt(recordingId: RecordingId): Promise<'adopted' | 'finished' | 'unknown'>;
  /** Stops reading it here, because another process will. */
  abandon(recordingId: RecordingId): Promise<void>;
  /** Goes over all open recordings. `strangers`: files in the spool that belong to no open recording. */
  recover(decide: (recording: RecordingRow) => RecoveryVerdict | Promise<RecoveryVerdict>): Promise<{
    readonly followed: readonly RecordingId[];
    readonly closed: readonly RecordingEnd[];
    readonly strangers: readonly string[];
  }>;
  exportWav(contactId: ContactId, out: Writable, stretch?: ExportStretch): Promise<ExportResult>;
}

export interface RecordingServiceOptions {
  /** Absolute, on tmpfs. */
  readonly spoolDir: string;
  readonly blobs: BlobStore;
  readonly repository: RecordingRepository;
  readonly keys: StreamKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told once for each recording that reached its end here, also when `close` had to answer before. */
  readonly onFinished?: (end: RecordingEnd) => void;
  /** Only for a test without tmpfs: allow plain audio in a folder on a disk. */
  readonly allowSpoolOnDisk?: boolean;
}

interface ActiveRecording {
  readonly row: RecordingRow;
  readonly followers: SegmentFollower[];
  finishing?: Promise<RecordingEnd>;
}

export function createRecordingService(options: RecordingServiceOptions): RecordingService {
  const { blobs, repository, keys, clock, logger } = options;
  const spool: Spool = createFolderSpool({ folder: options.spoolDir, logger });
  const active = new Map<RecordingId, ActiveRecording>();
  const byFile = new Map<string, SegmentFollower>();
  const adopting = new Map<RecordingId, Promise<'adopted' | 'finished' | 'unknown'>>();
  let stopping = new AbortController();
  let cancelBeat: CancelTimer = () => {};

  const storing = <T>(work: () => Promise<T>): Promise<T> =>
    retrying(work, { what: 'storing what became of a recording', clock, logger, signal: stopping.signal });

  const follow = (recording: ActiveRecording, options: Parameters<typeof createSegmentFollower>[0]): void => {
    const follower = createSegmentFollower(options);
    recording.followers.push(follower);
    byFile.set(follower.row.spoolFile, follower);
    follower.poke();
  };

  const forget = (recordingId: RecordingId): readonly SegmentFollower[] => {
    const followers = active.get(recordingId)?.followers ?? [];
    active.delete(recordingId);
    for (const { row } of followers) byFile.delete(row.spoolFile);
    return followers;
  };

  const beat = async (): Promise<void> => {
    for (const follower of byFile.values()) follower.poke();
    if (byFile.size > 0) await watchSpace();
  };

  const watchSpace = async (): Promise<void> => {
    const { freeBytes, totalBytes } = await spool.space();
    if (freeBytes > totalBytes * scarceShare) return;
    if (freeBytes > fullBytes) {
      logger.warn({ freeBytes, totalBytes, recordings: byFile.size }, 'the recording spool is nearly full');
      return;
    }
    logger.error(
      { freeBytes, totalBytes, recordings: byFile.size },
      'the recording spool is full: calls go on, recordings of now will say failed',
    );
    for (const follower of byFile.values()) follower.spoolWasFull();
  };

  const scheduleBeat = (): void => {
    cancelBeat = clock.setTimer(clock.nowMs() + beatMs, () => {
      beat()
        .catch((error: unknown) =>
          logger.error({ why: messageOf(error) }, 'the recording spool could not be looked at'),
        )
        .finally(() => {
          if (!stopping.signal.aborted) scheduleBeat();
        });
    });
  };

  /** The recording's end from those of its segments: an attempt that never began does not spoil one that did. */
  const sumUp = (
    row: RecordingRow,
    ends: readonly { readonly row: SegmentRow; readonly end: SegmentEnd }[],
  ): RecordingEnd => {
    const { recordingId, contactId } = row;
    const failures = ends.flatMap(({ end }) => (end.state === 'failed' ? [end.failure] : []));
    const durations = ends.flatMap(({ row: segment, end }) =>
      end.state === 'verified' ? [segment.startedAtMs - row.startedAtMs + end.durationMs] : [],
    );
    const failure =
      failures.find((code) => code !== 'NEVER_BEGAN') ?? (durations.length === 0 ? failures[0] : undefined);
    const length = durations.length === 0 ? {} : { durationMs: Math.max(...durations) };
    if (failure !== undefined) return { recordingId, contactId, state: 'failed', failure, ...length };
    return { recordingId, contactId, state: 'verified', ...length };
  };

  const finishAll = async (
    { row, followers }: ActiveRecording,
    endedAtMs: number | undefined,
  ): Promise<RecordingEnd> => {
    const ends: { row: SegmentRow; end: SegmentEnd }[] = [];
    for (const [i, follower] of followers.entries()) {
      // Only the last attempt lasts to the call's end; an earlier one ended with its file.
      const end = await follower.finish(i === followers.length - 1 ? endedAtMs : undefined);
      if (end.state === 'halted') return { recordingId: row.recordingId, contactId: row.contactId, state: 'recording' };
      ends.push({ row: follower.row, end });
    }
    const end = sumUp(row, ends);
    await storing(async () => {
      for (const { row: segment, end: segmentEnd } of ends) {
        if (segmentEnd.state === 'halted') continue;
        await repository.putSegment({ ...segment, state: segmentEnd.state, sealedBytes: segmentEnd.sealedBytes });
      }
      const { state, durationMs, failure } = end;
      await repository.putRecording({
        ...row,
        state,
        ...(durationMs === undefined ? {} : { durationMs }),
        ...(failure === undefined ? {} : { failure }),
      });
    });
    const fields = { recordingId: end.recordingId, durationMs: end.durationMs, failure: end.failure };
    if (end.state === 'verified') logger.info(fields, 'recording verified');
    else logger.error(fields, 'recording failed');
    return end;
  };

  const finishing = (recording: ActiveRecording, endedAtMs: number | undefined): Promise<RecordingEnd> => {
    const { recordingId, contactId } = recording.row;
    recording.finishing ??= finishAll(recording, endedAtMs)
      .then(
        (end) => {
          if (end.state !== 'recording') options.onFinished?.(end);
          return end;
        },
        (error: unknown): RecordingEnd => {
          if (!hasCode(error, 'STOPPED'))
            logger.error({ recordingId, why: messageOf(error) }, 'a recording could not be finished');
          return { recordingId, contactId, state: 'recording' };
        },
      )
      .finally(() => forget(recordingId));
    return recording.finishing;
  };

  const close: RecordingService['close'] = async (recordingId, endedAtMs) => {
    if (!active.has(recordingId)) await adopt(recordingId);
    const recording = active.get(recordingId);
    if (recording === undefined) return storedEnd(recordingId);
    const { contactId } = recording.row;
    let cancel: CancelTimer = () => {};
    const limit = new Promise<RecordingEnd>((resolve) => {
      cancel = clock.setTimer(clock.nowMs() + closeLimitMs, () =>
        resolve({ recordingId, contactId, state: 'recording' }),
      );
    });
    const end = await Promise.race([finishing(recording, endedAtMs), limit]);
    cancel();
    return end;
  };

  const storedEnd = async (recordingId: RecordingId): Promise<RecordingEnd | 'unknown'> => {
    const row = await repository.recording(recordingId);
    if (row === undefined) return 'unknown';
    const { contactId, durationMs, failure } = row;
    return {
      recordingId,
      contactId,
      state: row.state === 'sealed' ? 'recording' : row.state,
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(failure === undefined ? {} : { failure }),
    };
  };

  const adoptSegment = async (recording: ActiveRecording, row: SegmentRow): Promise<void> => {
    let dataKey: Awaited<ReturnType<StreamKeys['openDataKey']>> | undefined;
    try {
      dataKey = await keys.openDataKey({ keyId: row.keyId, wrappedKey: row.wrappedKey });
      const source = { blobs, blobName: row.blobName, dataKey, recordingId: row.recordingId, segment: row.segment };
      const extent = await retrying(() => sealedExtent(source), {
        what: 'finding where a recording goes on',
        clock,
        logger,
        signal: stopping.signal,
        hopeless: (error) => error instanceof DozvonError && error.code !== 'BLOB_STORE_UNAVAILABLE',
      });
      follow(recording, { row, dataKey, spool, blobs, clock, logger, ...(extent === undefined ? {} : { extent }) });
    } catch (error) {
      dataKey?.destroy();
      if (!(error instanceof DozvonError) || error.code === 'STOPPED') throw error;
      logger.error(
        { recordingId: row.recordingId, code: error.code, why: error.message },
        'a recording cannot be gone on with',
      );
      await storing(async () => {
        await repository.putSegment({ ...row, state: 'failed' });
        await repository.putRecording({ ...recording.row, state: 'failed', failure: error.code });
      });
    }
  };

  const adoptNow = async (recordingId: RecordingId): Promise<'adopted' | 'finished' | 'unknown'> => {
    const row = await repository.recording(recordingId);
    if (row === undefined) return 'unknown';
    const open = (await repository.segments(recordingId)).filter((segment) => segment.state === 'recording');
    const recording: ActiveRecording = { row, followers: [] };
    for (const segment of open) await adoptSegment(recording, segment);
    if (recording.followers.length === 0) return 'finished';
    active.set(recordingId, recording);
    return 'adopted';
  };

  const adopt: RecordingService['adopt'] = async (recordingId) => {
    if (active.has(recordingId)) return 'adopted';
    let running = adopting.get(recordingId);
    if (running === undefined) {
      running = adoptNow(recordingId).finally(() => adopting.delete(recordingId));
      adopting.set(recordingId, running);
    }
    return running;
  };

  return {
    async start() {
      stopping = new AbortController();
      await spool.start((file) => byFile.get(file)?.poke());
      const { kind, totalBytes, swaps } = await spool.space();
      if (kind === 'disk' && options.allowSpoolOnDisk !== true) {
        spool.stop();
        throw new DozvonError(
          'SPOOL_NOT_IN_MEMORY',
          `the recording spool ${options.spoolDir} must be on tmpfs: plain audio never touches a disk`,
        );
      }
      if (swaps)
        logger.warn({}, 'this machine swaps: plain audio of calls may reach a disk; turn swap off or encrypt it');
      logger.info({ spoolBytes: totalBytes }, 'recording spool ready');
      scheduleBeat();
    },
    async stop() {
      stopping.abort();
      cancelBeat();
      spool.stop();
      const followers = [...active.keys()].flatMap((recordingId) => forget(recordingId));
      await Promise.all(followers.map((follower) => follower.halt()));
    },
    async open({ recordingId, contactId, lineId, startedAtMs }) {
      const startedAt = Math.round(startedAtMs);
      const earlier = await repository.segments(recordingId);
      const first = earlier.length === 0 ? undefined : await repository.recording(recordingId);
      const row: RecordingRow = first ?? { recordingId, contactId, lineId, startedAtMs: startedAt, state: 'recording' };
      const segment = 1 + Math.max(0, ...earlier.map((one) => one.segment));
      const { dataKey, wrapped } = await keys.newDataKey();
      const segmentRow: SegmentRow = {
        recordingId,
        segment,
        spoolFile: `${recordingId}.${segment}.sln`,
        blobName: `${recordingId}.${segment}.dzr`,
        wrappedKey: wrapped.wrappedKey,
        keyId: wrapped.keyId,
        startedAtMs: startedAt,
        state: 'recording',
      };
      try {
        await repository.putRecording({ ...row, state: 'recording' });
        await repository.putSegment(segmentRow);
      } catch (error) {
        dataKey.destroy();
        throw error;
      }
      const recording = active.get(recordingId) ?? { row, followers: [] };
      active.set(recordingId, recording);
      follow(recording, { row: segmentRow, dataKey, spool, blobs, clock, logger });
      return { spoolFile: spool.pathOf(segmentRow.spoolFile) };
    },
    close,
    mark: (row) => repository.putMark(row),
    adopt,
    async abandon(recordingId) {
      await adopting.get(recordingId)?.catch(() => {});
      await Promise.all(forget(recordingId).map((follower) => follower.halt()));
    },
    async recover(decide) {
      const open = await repository.openSegments();
      const followed: RecordingId[] = [];
      const ended: RecordingId[] = [];
      for (const recordingId of new Set(open.map((segment) => segment.recordingId))) {
        const row = await repository.recording(recordingId);
        const verdict = row === undefined ? 'leave' : await decide(row);
        if (verdict === 'leave') continue;
        if ((await adopt(recordingId)) === 'adopted') (verdict === 'close' ? ended : followed).push(recordingId);
      }
      const closed = await Promise.all(ended.map((recordingId) => close(recordingId)));
      const known = new Set(open.map((segment) => segment.spoolFile));
      const strangers = (await spool.list()).filter((file) => !known.has(file) && !byFile.has(file));
      if (strangers.length > 0)
        logger.warn({ files: strangers.length }, 'files in the recording spool belong to no open recording');
      return { followed, closed: closed.filter((end) => end !== 'unknown'), strangers };
    },
    exportWav: (contactId, out, stretch) => exportWav({ repository, blobs, keys }, contactId, out, stretch),
  };
}
