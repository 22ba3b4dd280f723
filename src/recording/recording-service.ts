import type { Writable } from 'node:stream';
import type { ContactId, RecordingId } from '../foundation/index.ts';
import { type ExportResult, type ExportStretch, exportWav } from './export-wav.ts';
import {
  type FollowedOptions,
  FollowedRecordings,
  type OpenRequest,
  type RecordingEnd,
} from './followed-recordings.ts';
import type { MarkRow, RecordingRow } from './ports.ts';
import { createFolderSpool } from './spool.ts';
import { watchSpool } from './spool-watch.ts';

/** What to do with a recording that a dead process left open: go on following it, finish it (its call is over), or leave it to its owner. */
export type RecoveryVerdict = 'follow' | 'close' | 'leave';

export interface Recovered {
  readonly followed: readonly RecordingId[];
  readonly closed: readonly RecordingEnd[];
  /** Files in the spool that belong to no open recording. */
  readonly strangers: readonly string[];
}

/** Records contacts: a spool file for Asterisk to write, a sealed object to keep. Only the process that owns a contact follows its recordings. */
export interface RecordingService {
  /** Creates and watches the spool folder. Rejects with `SPOOL_NOT_IN_MEMORY`. */
  start(): Promise<void>;
  /** Stops reading; everything open waits in the spool for the next start or another process. */
  stop(): Promise<void>;
  /** Makes a key and stores the rows; then `spoolFile` (absolute) may be recorded into. Each call is a new segment and a new file. */
  open(request: OpenRequest): Promise<{ readonly spoolFile: string }>;
  /**
   * Call when the recorded channel has ended. Answers within 15 s, takes over the recording when nobody here follows it, repeats
   * safely; `unknown` when there is no such recording. Without a time the recording ends with its file's last write.
   */
  close(recordingId: RecordingId, endedAtMs?: number): Promise<RecordingEnd | 'unknown'>;
  mark(row: MarkRow): Promise<void>;
  /** Takes over reading an open recording, from its last full chunk. */
  adopt(recordingId: RecordingId): Promise<'adopted' | 'finished' | 'unknown'>;
  /** Stops reading it here, because another process will. */
  abandon(recordingId: RecordingId): Promise<void>;
  /** Goes over all recordings that are open in the repository. */
  recover(decide: (recording: RecordingRow) => RecoveryVerdict | Promise<RecoveryVerdict>): Promise<Recovered>;
  /** See `exportWav` in export-wav.ts. */
  exportWav(contactId: ContactId, out: Writable, stretch?: ExportStretch): Promise<ExportResult>;
}

export interface RecordingServiceOptions extends FollowedOptions {
  /** Absolute, on tmpfs. */
  readonly spoolDir: string;
  /** Only for a test without tmpfs: allow plain audio in a folder on a disk. */
  readonly allowSpoolOnDisk?: boolean;
}

export function createRecordingService(options: RecordingServiceOptions): RecordingService {
  const { repository, clock, logger } = options;
  const spool = createFolderSpool({ folder: options.spoolDir, logger });
  const followed = new FollowedRecordings(options, spool);
  let stopWatching = (): void => {};

  const recover: RecordingService['recover'] = async (decide) => {
    const open = await repository.openSegments();
    const following: RecordingId[] = [];
    const ended: RecordingId[] = [];
    for (const recordingId of new Set(open.map((segment) => segment.recordingId))) {
      const row = await repository.recording(recordingId);
      const verdict = row === undefined ? 'leave' : await decide(row);
      if (verdict === 'leave' || (await followed.adopt(recordingId)) !== 'adopted') continue;
      (verdict === 'close' ? ended : following).push(recordingId);
    }
    const closed = await Promise.all(ended.map((recordingId) => followed.close(recordingId)));
    const known = new Set(open.map((segment) => segment.spoolFile));
    const strangers = (await spool.list()).filter((file) => !known.has(file) && !followed.follows(file));
    if (strangers.length > 0)
      logger.warn({ files: strangers.length }, 'files in the recording spool belong to no open recording');
    return { followed: following, closed: closed.filter((end) => end !== 'unknown'), strangers };
  };

  return {
    async start() {
      followed.start();
      stopWatching = await watchSpool({
        spool,
        clock,
        logger,
        onDisk: options.allowSpoolOnDisk === true ? 'allow' : 'refuse',
        grown: (file) => followed.poke(file),
        full: () => followed.spoolWasFull(),
        following: () => followed.count(),
      });
    },
    async stop() {
      stopWatching();
      await followed.stop();
    },
    open: async (request) => ({ spoolFile: spool.pathOf(await followed.open(request)) }),
    close: (recordingId, endedAtMs) => followed.close(recordingId, endedAtMs),
    mark: (row) => repository.putMark(row),
    adopt: (recordingId) => followed.adopt(recordingId),
    abandon: (recordingId) => followed.abandon(recordingId),
    recover,
    exportWav: (contactId, out, stretch) => exportWav(options, contactId, out, stretch),
  };
}
