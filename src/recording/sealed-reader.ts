import { DozvonError } from '../foundation/index.ts';
import { type ChunkPlace, chunkTagBytes, type DataKey, placeOf } from '../vault/index.ts';
import type { BlobStore } from './ports.ts';
import {
  chunkFrames,
  chunkHeadBytes,
  chunkMetaBytes,
  decodeChunk,
  decodeHeader,
  type EncodedHeader,
  frameBytes,
  fullChunkBytes,
  maxHeaderBytes,
  type PlainChunk,
  splitChunk,
} from './sealed-format.ts';

/** Chunks read from the store at once: 260 KiB, 8 s of sound. */
const chunksPerRead = 16;
const shortestChunkBytes = chunkHeadBytes + chunkMetaBytes + chunkTagBytes;

export interface SealedSource {
  readonly blobs: BlobStore;
  readonly blobName: string;
  readonly dataKey: DataKey;
  /** What the record says it is; another recording under this name is refused. */
  readonly recordingId: string;
  readonly segment: number;
}

/**
 * The header, checked against the record and the key; `undefined` when the object does not hold a whole one.
 * Throws `TAMPERED`, `UNSUPPORTED_FORMAT`, `WRONG_RECORDING` or `WRONG_KEY`.
 */
export async function openHeader(source: SealedSource): Promise<EncodedHeader | undefined> {
  const opened = decodeHeader(Buffer.from(await source.blobs.read(source.blobName, 0, maxHeaderBytes)));
  if (opened === undefined) return undefined;
  const { header } = opened;
  if (header.recordingId !== source.recordingId || header.segment !== source.segment) {
    throw new DozvonError(
      'WRONG_RECORDING',
      `the object of ${source.recordingId}.${source.segment} holds another recording`,
    );
  }
  if (!source.dataKey.matches(Buffer.from(header.keyCheck, 'hex'))) {
    throw new DozvonError(
      'WRONG_KEY',
      `the data key of ${source.recordingId}.${source.segment} is not the one that sealed it`,
    );
  }
  return opened;
}

/**
 * Opens one stored chunk that is read as chunk `expected`.
 * Throws `TRUNCATED`, `FOREIGN_CHUNK` (of another stream), `REORDERED` (a true chunk in another's place) or `TAMPERED`.
 */
export function openChunk(
  source: SealedSource,
  opened: EncodedHeader,
  expected: ChunkPlace,
  stored: Buffer,
): PlainChunk {
  const { streamId, nonce, body } = splitChunk(stored);
  if (streamId.toString('hex') !== opened.header.streamId) {
    throw new DozvonError('FOREIGN_CHUNK', `chunk ${expected.index} of ${source.recordingId} is of another recording`);
  }
  const plain = source.dataKey.open({ nonce, body }, opened.digest);
  const place = placeOf(nonce);
  if (place.index !== expected.index) {
    plain.fill(0);
    throw new DozvonError(
      'REORDERED',
      `chunk ${expected.index} of ${source.recordingId}: chunk ${place.index} lies in its place`,
    );
  }
  if (place.last !== expected.last) {
    plain.fill(0);
    throw new DozvonError(
      'TRUNCATED',
      `chunk ${place.index} of ${source.recordingId}: the end is ${place.last ? 'followed by more' : 'missing'}`,
    );
  }
  return decodeChunk(plain);
}

/**
 * The chunks of a whole recording in order, each buffer zeroed when the next is asked for. Everything `openHeader` and `openChunk`
 * throw, and `TRUNCATED` when there is no last chunk. Chunks already yielded were true; their consumer discards them on an error.
 */
export async function* readSealed(source: SealedSource): AsyncGenerator<PlainChunk, void, void> {
  const size = (await source.blobs.size(source.blobName)) ?? 0;
  const opened = size === 0 ? undefined : await openHeader(source);
  if (opened === undefined) throw new DozvonError('TRUNCATED', `${source.blobName}: no whole header`);
  let at = opened.bytes.length;
  let index = 0;
  let nextFrame = 0;
  while (at < size) {
    const batch = Buffer.from(
      await source.blobs.read(source.blobName, at, Math.min(size - at, chunksPerRead * fullChunkBytes)),
    );
    if (batch.length === 0) break;
    for (let from = 0; from < batch.length; from += fullChunkBytes) {
      const stored = batch.subarray(from, from + fullChunkBytes);
      const last = at + from + stored.length >= size && stored.length < fullChunkBytes;
      const chunk = openChunk(source, opened, { index, last }, stored);
      try {
        checkContinues(source, chunk, nextFrame, last);
        nextFrame = chunk.meta.startFrame + chunk.audio.length / frameBytes;
        yield chunk;
      } finally {
        chunk.audio.fill(0);
      }
      if (last) return;
      index += 1;
    }
    at += batch.length;
  }
  throw new DozvonError('TRUNCATED', `${source.blobName}: ${index} chunks and no last one`);
}

/** What a stored object amounts to so far, to go on sealing or to know its length. */
export interface SealedExtent {
  readonly opened: EncodedHeader;
  /** Full chunks, the last one of which was opened. */
  readonly fullChunks: number;
  /** End of those chunks on the segment's timeline, in frames. */
  readonly timelineFrames: number;
  /** Present when the last chunk is there: length of the whole timeline, trailing silence included. */
  readonly endedFrames?: number;
}

/** Reads the header and the tail only. `undefined` when no whole header was stored. Throws what `openChunk` throws. */
export async function sealedExtent(source: SealedSource): Promise<SealedExtent | undefined> {
  const size = (await source.blobs.size(source.blobName)) ?? 0;
  const opened = size === 0 ? undefined : await openHeader(source);
  if (opened === undefined) return undefined;
  const start = opened.bytes.length;
  const fullChunks = Math.floor((size - start) / fullChunkBytes);
  let timelineFrames = 0;
  if (fullChunks > 0) {
    const index = fullChunks - 1;
    const stored = Buffer.from(
      await source.blobs.read(source.blobName, start + index * fullChunkBytes, fullChunkBytes),
    );
    const chunk = openChunk(source, opened, { index, last: false }, stored);
    timelineFrames = chunk.meta.startFrame + chunkFrames;
    chunk.audio.fill(0);
  }
  const extent = { opened, fullChunks, timelineFrames };
  const tailAt = start + fullChunks * fullChunkBytes;
  if (size - tailAt < shortestChunkBytes) return extent;
  const last = await openTail(source, opened, fullChunks, tailAt, size - tailAt);
  if (last === undefined) return extent;
  const { startFrame, trailingFrames } = last.meta;
  const endedFrames = startFrame + last.audio.length / frameBytes + trailingFrames;
  last.audio.fill(0);
  return { ...extent, endedFrames };
}

/** The last chunk, or `undefined` for the torn remnant of an append that a crash cut short. */
async function openTail(
  source: SealedSource,
  opened: EncodedHeader,
  index: number,
  at: number,
  length: number,
): Promise<PlainChunk | undefined> {
  const stored = Buffer.from(await source.blobs.read(source.blobName, at, length));
  try {
    return openChunk(source, opened, { index, last: true }, stored);
  } catch (error) {
    if (error instanceof DozvonError && error.code === 'TRUNCATED') return undefined;
    throw error;
  }
}

function checkContinues(source: SealedSource, { meta, audio }: PlainChunk, nextFrame: number, last: boolean): void {
  const whole = last
    ? audio.length % frameBytes === 0
    : audio.length === chunkFrames * frameBytes && meta.trailingFrames === 0;
  if (!whole || meta.startFrame !== nextFrame + meta.gapFrames) {
    throw new DozvonError('TAMPERED', `${source.blobName}: chunks that do not continue each other`);
  }
}
