import { type CancelTimer, type Clock, DozvonError, hasCode, type Logger, messageOf } from '../foundation/index.ts';
import type { DataKey } from '../vault/index.ts';
import type { BlobStore, SegmentRow } from './ports.ts';
import { retrying } from './retrying.ts';
import { frameBytes, framesPerMs } from './sealed-format.ts';
import { readSealed, type SealedExtent } from './sealed-reader.ts';
import { createSegmentSealer, type SegmentSealer } from './segment-sealer.ts';
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

/** Lets one verification at a time through: many calls that end together must not hold up the loop. */
export type VerificationTurns = <T>(work: () => Promise<T>) => Promise<T>;

export interface FollowerOptions {
  readonly row: SegmentRow;
  /** Destroyed by the follower at its end. */
  readonly dataKey: DataKey;
  readonly spool: Spool;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly turns: VerificationTurns;
  /** What an earlier attempt stored. */
  readonly extent?: SealedExtent;
}

/** Follows one spool file from its first byte to the verified sealed object. */
export class SegmentFollower {
  readonly row: SegmentRow;
  readonly #options: FollowerOptions;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #sealer: SegmentSealer;
  #file: SpoolFile | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #releasedBytes = 0;
  #spoolWasFull = false;
  /** Why sealing stopped for good. */
  #broken: string | undefined;
  #lookWhileSettling: (() => void) | undefined;

  constructor(options: FollowerOptions) {
    this.row = options.row;
    this.#options = options;
    this.#logger = options.logger.child({ recordingId: options.row.recordingId, segment: options.row.segment });
    this.#sealer = createSegmentSealer({ ...options, logger: this.#logger, signal: this.#stopping.signal });
  }

  /** The file may have grown. */
  poke(): void {
    if (this.#stopping.signal.aborted || this.#broken !== undefined) return;
    this.#lookWhileSettling?.();
    if (this.#endedBefore()) return;
    this.#again = true;
    this.#running ??= this.#sealGrowth().finally(() => {
      this.#running = undefined;
    });
  }

  /** The spool has been full: what the file holds cannot be trusted to be everything. */
  spoolWasFull(): void {
    this.#spoolWasFull = true;
  }

  /**
   * Waits until the file is final, seals the rest, verifies the whole and removes the plain file.
   * Without a time the segment ends with the file's last write.
   */
  async finish(endedAtMs: number | undefined): Promise<SegmentEnd> {
    try {
      const end = await this.#sealAndVerify(endedAtMs);
      // Whatever a halt made of it, the process that goes on will find out for itself.
      return this.#stopping.signal.aborted ? { state: 'halted' } : end;
    } finally {
      this.#stopping.abort();
      this.#forget();
    }
  }

  /** Stops reading and forgets the key; the spool file and the rows stay as they are. */
  async halt(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#forget();
  }

  async #sealGrowth(): Promise<void> {
    try {
      do {
        this.#again = false;
        const file = this.#openFile();
        if (file === undefined) return;
        await this.#sealer.sealFull(file);
        this.#release();
      } while (this.#again);
    } catch (error) {
      if (hasCode(error, 'STOPPED')) return;
      this.#broken = codeOf(error);
      this.#logger.error({ why: messageOf(error), code: this.#broken }, 'sealing a recording stopped');
    }
  }

  #release(): void {
    const sealedBytes = this.#sealer.sealedFileBytes();
    if (sealedBytes - this.#releasedBytes < releaseBytes) return;
    this.#releasedBytes = sealedBytes;
    this.#options.spool.release(this.row.spoolFile, sealedBytes);
  }

  async #sealAndVerify(endedAtMs: number | undefined): Promise<SegmentEnd> {
    await this.#caughtUp();
    await this.#settled();
    await this.#caughtUp();
    if (this.#stopping.signal.aborted) return { state: 'halted' };
    if (this.#broken !== undefined) return this.#failed(this.#broken);
    if (!this.#endedBefore()) {
      const file = this.#openFile();
      if (file === undefined) return this.#failed(this.#sealer.storedBytes() === 0 ? 'NEVER_BEGAN' : 'SPOOL_LOST');
      try {
        await this.#sealer.sealLast(file, endedAtMs ?? file.facts().writtenAtMs);
      } catch (error) {
        this.#logger.error({ why: messageOf(error) }, 'the end of a recording could not be sealed');
        return this.#failed(codeOf(error));
      }
    }
    const end = await this.#verify();
    if (end.state !== 'verified') return end;
    await this.#options.spool.remove(this.row.spoolFile);
    return this.#spoolWasFull ? { ...this.#failed('SPOOL_FULL'), sealedBytes: end.sealedBytes } : end;
  }

  async #caughtUp(): Promise<void> {
    this.poke();
    await this.#running;
  }

  /** Resolves when the file has not changed for as long as its size calls for. */
  async #settled(): Promise<void> {
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const limitMs = clock.nowMs() + settleLimitMs;
    let size = -1;
    let cancel: CancelTimer = () => {};
    const look = (): void => {
      const now = this.#openFile()?.facts().size ?? 0;
      if (now === size) return;
      size = now;
      cancel();
      const waitMs = size % flushBytes === 0 ? settleWholeMs : settlePartialMs;
      cancel = clock.setTimer(Math.min(clock.nowMs() + waitMs, limitMs), due);
    };
    const due = (): void => {
      const now = this.#openFile()?.facts().size ?? 0;
      if (now === size || clock.nowMs() >= limitMs) resolve();
      else look();
    };
    this.#lookWhileSettling = look;
    this.#stopping.signal.addEventListener('abort', () => resolve(), { once: true });
    look();
    await promise;
    cancel();
    this.#lookWhileSettling = undefined;
  }

  async #verify(): Promise<SegmentEnd> {
    const { blobs, clock, dataKey, turns } = this.#options;
    const { blobName, recordingId, segment } = this.row;
    const read = async (): Promise<{ audioBytes: number; endFrame: number; sealedBytes: number }> => {
      let audioBytes = 0;
      let endFrame = 0;
      for await (const { meta, audio } of readSealed({ blobs, blobName, dataKey, recordingId, segment })) {
        audioBytes += audio.length;
        endFrame = meta.startFrame + audio.length / frameBytes + meta.trailingFrames;
      }
      return { audioBytes, endFrame, sealedBytes: (await blobs.size(blobName)) ?? 0 };
    };
    try {
      const { audioBytes, endFrame, sealedBytes } = await retrying(() => turns(read), {
        what: 'verifying a recording',
        clock,
        logger: this.#logger,
        signal: this.#stopping.signal,
        hopeless: (error) => error instanceof DozvonError && error.code !== 'BLOB_STORE_UNAVAILABLE',
      });
      // The size of now, not of sealing: a file that grew meanwhile does not match, and stays.
      const fileBytes = this.#openFile()?.facts().size;
      const whole = fileBytes === undefined || Math.floor(fileBytes / frameBytes) * frameBytes === audioBytes;
      if (!whole) return this.#failed('INCOMPLETE');
      return { state: 'verified', durationMs: Math.round(endFrame / framesPerMs), sealedBytes };
    } catch (error) {
      this.#logger.error({ why: messageOf(error) }, 'a sealed recording failed its verification');
      return this.#failed(codeOf(error));
    }
  }

  #openFile(): SpoolFile | undefined {
    this.#file ??= this.#options.spool.openFile(this.row.spoolFile);
    return this.#file;
  }

  /** An earlier process sealed the last chunk and died before it could say so. */
  #endedBefore(): boolean {
    return this.#options.extent?.endedFrames !== undefined;
  }

  #failed(failure: string): SegmentEnd & { readonly state: 'failed' } {
    return { state: 'failed', failure, sealedBytes: this.#sealer.storedBytes() };
  }

  #forget(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#options.dataKey.destroy();
  }
}

function codeOf(error: unknown): string {
  return error instanceof DozvonError ? error.code : 'SPOOL_UNREADABLE';
}
