import { randomBytes } from 'node:crypto';
import { type Clock, DozvonError, hasCode, type Logger } from '../foundation/index.ts';
import type { ChunkSealer, DataKey } from '../vault/index.ts';
import type { BlobStore, SegmentRow } from './ports.ts';
import { retrying } from './retrying.ts';
import {
  channels,
  chunkAudioBytes,
  chunkFrames,
  chunkMetaBytes,
  encodeChunk,
  encodeHeader,
  frameBytes,
  framesPerMs,
  framesPerSecond,
  fullChunkBytes,
  type SealedHeader,
  streamIdBytes,
  writeChunkMeta,
} from './sealed-format.ts';
import type { SealedExtent } from './sealed-reader.ts';
import type { SpoolFile } from './spool.ts';
import { createTimeline } from './timeline.ts';

/** Chunks sealed before an append: bounds the sealed bytes held while the store does not answer (260 KiB a recording). */
const chunksPerAppend = 16;

export interface SegmentSealer {
  /** Seals and stores every full chunk the file holds by now. Rejects only with `STOPPED` or `BLOB_OFFSET` (a second writer), `SPOOL_SHRANK` or `SPOOL_RELEASED`. */
  sealFull(file: SpoolFile): Promise<void>;
  /** Seals the rest as the last chunk; the file must be final. The timeline is filled with silence up to `endedAtMs`. */
  sealLast(file: SpoolFile, endedAtMs: number): Promise<{ readonly fileBytes: number; readonly durationMs: number }>;
  /** Bytes of the spool file that are sealed and durable. */
  sealedFileBytes(): number;
  /** Bytes of the sealed object. */
  storedBytes(): number;
}

/** Turns the growth of one spool file into appends to one sealed object. One caller at a time. */
export function createSegmentSealer(options: {
  readonly row: SegmentRow;
  readonly dataKey: DataKey;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** What an earlier attempt stored; sealing goes on after its last full chunk. */
  readonly extent?: SealedExtent;
}): SegmentSealer {
  const { row, dataKey, blobs, clock, logger, signal, extent } = options;
  const header = extent?.opened ?? encodeHeader(newHeader(row, dataKey));
  const streamId = Buffer.from(header.header.streamId, 'hex');
  const sealer: ChunkSealer = dataKey.sealer(header.digest);
  const plain = Buffer.alloc(chunkMetaBytes + chunkAudioBytes);
  let chunks = extent?.fullChunks ?? 0;
  let stored = extent === undefined ? 0 : header.bytes.length + chunks * fullChunkBytes;
  let sizeSeen = 0;
  const timeline = createTimeline(row.startedAtMs, {
    fileFrames: chunks * chunkFrames,
    timelineFrames: extent?.timelineFrames ?? 0,
  });

  const append = async (pieces: readonly Buffer[]): Promise<void> => {
    // The header goes with the first chunks: a recording that never began leaves no object.
    const bytes = Buffer.concat(stored === 0 ? [header.bytes, ...pieces] : pieces);
    await retrying(() => blobs.append(row.blobName, bytes, stored), {
      what: 'storing sealed audio',
      clock,
      logger,
      signal,
      hopeless: (error) => hasCode(error, 'BLOB_OFFSET') || hasCode(error, 'BLOB_NAME'),
    });
    stored += bytes.length;
  };

  /** Reads and seals one chunk without yielding, so that plain audio is in memory only within this call. */
  const sealChunk = (file: SpoolFile, index: number, audioBytes: number, endFrame?: number): Buffer => {
    const audio = plain.subarray(chunkMetaBytes, chunkMetaBytes + audioBytes);
    try {
      const came = file.read(audio, index * chunkAudioBytes);
      if (came < audioBytes)
        throw new DozvonError('SPOOL_SHRANK', `a spool file: expected ${audioBytes} more bytes, came ${came}`);
      const placed = timeline.place(audioBytes / frameBytes);
      const trailingFrames = endFrame === undefined ? 0 : Math.max(0, endFrame - timeline.placedFrames());
      writeChunkMeta(plain, { ...placed, trailingFrames });
      const sealed = sealer.seal(
        { index, last: endFrame !== undefined },
        plain.subarray(0, chunkMetaBytes + audioBytes),
      );
      return encodeChunk(streamId, sealed.nonce, sealed.body);
    } finally {
      plain.fill(0);
    }
  };

  const observe = (file: SpoolFile): number => {
    let facts = file.facts();
    if (sizeSeen === 0) refuseReleased(facts, chunks * chunkAudioBytes);
    if (facts.size > sizeSeen) {
      // A write sets the time before the size: asking twice keeps the two together.
      facts = file.facts();
      sizeSeen = facts.size;
      timeline.grew(Math.floor(facts.size / frameBytes), facts.writtenAtMs);
    }
    return facts.size;
  };

  const sealFull = async (file: SpoolFile): Promise<void> => {
    for (;;) {
      const full = Math.floor(observe(file) / chunkAudioBytes);
      const ready = Math.min(full - chunks, chunksPerAppend);
      if (ready <= 0) return;
      const pieces: Buffer[] = [];
      for (let i = 0; i < ready; i += 1) pieces.push(sealChunk(file, chunks + i, chunkAudioBytes));
      await append(pieces);
      chunks += ready;
    }
  };

  return {
    sealFull,
    async sealLast(file, endedAtMs) {
      await sealFull(file);
      const fileBytes = file.facts().size;
      // A writer that was killed may leave part of a frame: half a sample is no sound.
      const rest = Math.max(0, Math.floor((fileBytes - chunks * chunkAudioBytes) / frameBytes) * frameBytes);
      const endFrame = Math.round((endedAtMs - row.startedAtMs) * framesPerMs);
      await append([sealChunk(file, chunks, rest, endFrame)]);
      return { fileBytes, durationMs: Math.round(Math.max(endFrame, timeline.placedFrames()) / framesPerMs) };
    },
    sealedFileBytes: () => chunks * chunkAudioBytes,
    storedBytes: () => stored,
  };
}

/** Pages round up and a read may race with a release: less than this is no sign of anything. */
const releaseSlackBytes = 65_536;

/**
 * A file whose released part is longer than what the store holds: the sealed object is not where it was (a store not mounted).
 * Going on would seal silence in place of what is sealed elsewhere.
 */
function refuseReleased(facts: { readonly size: number; readonly heldBytes: number }, sealedBytes: number): void {
  const missing = facts.size - facts.heldBytes - sealedBytes;
  if (missing > releaseSlackBytes) {
    throw new DozvonError(
      'SPOOL_RELEASED',
      `a spool file: ${missing} bytes were sealed and released, and the store does not hold them`,
    );
  }
}

function newHeader(row: SegmentRow, dataKey: DataKey): SealedHeader {
  return {
    version: 1,
    recordingId: row.recordingId,
    segment: row.segment,
    startedAtMs: row.startedAtMs,
    encoding: 's16le',
    sampleRate: framesPerSecond,
    channels,
    chunkAudioBytes,
    streamId: randomBytes(streamIdBytes).toString('hex'),
    keyId: row.keyId,
    keyCheck: dataKey.check.toString('hex'),
  };
}
