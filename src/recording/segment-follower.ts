import { type CancelTimer, type Clock, DozvonError, hasCode, type Logger, messageOf } from '../foundation/index.ts';
import type { DataKey } from '../vault/index.ts';
import type { BlobStore, SegmentRow } from './ports.ts';
import { retrying } from './retrying.ts';
import { frameBytes, framesPerMs } from './sealed-format.ts';
import { readSealed, type SealedExtent } from './sealed-reader.ts';
import { createSegmentSealer } from './segment-sealer.ts';
import type { Spool, SpoolFile } from './spool.ts';

/** Asterisk writes in whole buffers of this size until the file is closed, so any other size means that it is closed. */
const flushBytes = 32_768;
/** A closed file is given this long to prove it: longer than the loop of a busy machine is ever held up between two looks. */
const settlePartialMs = 200;
/** A file that ends on a whole buffer may still be open: above the second that a buffer takes to fill. */
const settleWholeMs = 2_000;
/** The caller has gone: a file that still grows after this is not his. Must be above `settleWholeMs`. */
const settleLimitMs = 10_000;
/** 16 s of sound. Releasing costs a fork in a helper, about 1.5 ms; 60 calls hold 30 MB at most between two releases. */
const releaseBytes = 512 * 1_024;

export type SegmentEnd =
  | { readonly state: 'verified'; readonly durationMs: number; readonly sealedBytes: number }
  | { readonly state: 'failed'; readonly failure: string; readonly sealedBytes: number }
  /** Halted before the end: somebody else goes on with it. */
  | { readonly state: 'halted' };

/** Follows one spool file from its first byte to the verified sealed object. */
export interface SegmentFollower {
  readonly row: SegmentRow;
  /** The file may have grown. */
  poke(): void;
  /** The spool has been full: what the file holds cannot be trusted to be everything. */
  spoolWasFull(): void;
  /** Waits until the file is final, seals the rest, verifies the whole and removes the plain file. Without a time: the file's last write. */
  finish(endedAtMs: number | undefined): Promise<SegmentEnd>;
  /** Stops reading and forgets the key; the spool file and the rows stay as they are. */
  halt(): Promise<void>;
}

export function createSegmentFollower(options: {
  readonly row: SegmentRow;
  readonly dataKey: DataKey;
  readonly spool: Spool;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly extent?: SealedExtent;
}): SegmentFollower {
  const { row, dataKey, spool, blobs, clock, extent } = options;
  const logger = options.logger.child({ recordingId: row.recordingId, segment: row.segment });
  const stopping = new AbortController();
  const sealer = createSegmentSealer({ ...options, logger, signal: stopping.signal });
  let file: SpoolFile | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let released = 0;
  let full = false;
  let broken: string | undefined;
  let settling: (() => void) | undefined;

  const seal = async (): Promise<void> => {
    try {
      do {
        again = false;
        file ??= spool.openFile(row.spoolFile);
        if (file === undefined) return;
        await sealer.sealFull(file);
        if (sealer.sealedFileBytes() - released >= releaseBytes) {
          released = sealer.sealedFileBytes();
          spool.release(row.spoolFile, released);
        }
      } while (again);
    } catch (error) {
      if (hasCode(error, 'STOPPED')) return;
      broken = error instanceof DozvonError ? error.code : 'SPOOL_UNREADABLE';
      logger.error({ why: messageOf(error), code: broken }, 'sealing a recording stopped');
    }
  };

  const poke = (): void => {
    if (stopping.signal.aborted || broken !== undefined) return;
    settling?.();
    again = true;
    if (extent?.endedFrames !== undefined) return;
    running ??= seal().finally(() => {
      running = undefined;
    });
  };

  /** Resolves when the file has not changed for as long as its size calls for. */
  const settled = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const limitMs = clock.nowMs() + settleLimitMs;
    let size = -1;
    let cancel: CancelTimer = () => {};
    const look = (): void => {
      const now = file?.facts().size ?? 0;
      if (now === size) return;
      size = now;
      cancel();
      const waitMs = size % flushBytes === 0 ? settleWholeMs : settlePartialMs;
      cancel = clock.setTimer(Math.min(clock.nowMs() + waitMs, limitMs), due);
    };
    const due = (): void => {
      file ??= spool.openFile(row.spoolFile);
      if (clock.nowMs() >= limitMs || (file?.facts().size ?? 0) === size) resolve();
      else look();
    };
    settling = look;
    stopping.signal.addEventListener('abort', () => resolve(), { once: true });
    look();
    await promise;
    cancel();
    settling = undefined;
  };

  const failed = (failure: string): SegmentEnd => ({ state: 'failed', failure, sealedBytes: sealer.storedBytes() });

  const verify = async (fileBytes: number | undefined): Promise<SegmentEnd> => {
    const source = { blobs, blobName: row.blobName, dataKey, recordingId: row.recordingId, segment: row.segment };
    let audioBytes = 0;
    let endFrame = 0;
    try {
      await retrying(
        async () => {
          audioBytes = 0;
          for await (const { meta, audio } of readSealed(source)) {
            audioBytes += audio.length;
            endFrame = meta.startFrame + audio.length / frameBytes + meta.trailingFrames;
          }
        },
        {
          what: 'verifying a recording',
          clock,
          logger,
          signal: stopping.signal,
          hopeless: (error) => error instanceof DozvonError && error.code !== 'BLOB_STORE_UNAVAILABLE',
        },
      );
    } catch (error) {
      if (hasCode(error, 'STOPPED')) return { state: 'halted' };
      logger.error({ why: messageOf(error) }, 'a sealed recording failed its verification');
      return failed(error instanceof DozvonError ? error.code : 'UNVERIFIED');
    }
    if (fileBytes !== undefined && Math.floor(fileBytes / frameBytes) * frameBytes !== audioBytes)
      return failed('INCOMPLETE');
    const sealedBytes = (await blobs.size(row.blobName)) ?? 0;
    return { state: 'verified', durationMs: Math.round(endFrame / framesPerMs), sealedBytes };
  };

  const finish = async (endedAtMs: number | undefined): Promise<SegmentEnd> => {
    poke();
    await running;
    await settled();
    poke();
    await running;
    if (stopping.signal.aborted) return { state: 'halted' };
    if (broken !== undefined) return failed(broken);
    if (extent?.endedFrames === undefined) {
      if (file === undefined) return failed(sealer.storedBytes() === 0 ? 'NEVER_BEGAN' : 'SPOOL_LOST');
      try {
        await sealer.sealLast(file, endedAtMs ?? file.facts().writtenAtMs);
      } catch (error) {
        if (hasCode(error, 'STOPPED')) return { state: 'halted' };
        logger.error({ why: messageOf(error) }, 'the end of a recording could not be sealed');
        return failed(error instanceof DozvonError ? error.code : 'SPOOL_UNREADABLE');
      }
    }
    file ??= spool.openFile(row.spoolFile);
    // The size of now, not of sealing: a file that grew meanwhile does not match, and stays.
    const end = await verify(file?.facts().size);
    if (end.state !== 'verified') return end;
    await spool.remove(row.spoolFile);
    return full ? { ...end, state: 'failed', failure: 'SPOOL_FULL' } : end;
  };

  const forget = (): void => {
    file?.close();
    file = undefined;
    dataKey.destroy();
  };

  return {
    row,
    poke,
    spoolWasFull() {
      full = true;
    },
    async finish(endedAtMs) {
      try {
        const end = await finish(endedAtMs);
        // Whatever a halt made of it, the process that goes on will find out for itself.
        return stopping.signal.aborted ? { state: 'halted' } : end;
      } finally {
        stopping.abort();
        forget();
      }
    },
    async halt() {
      stopping.abort();
      await running;
      forget();
    },
  };
}
