import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ContactId, DozvonError, hasCode } from '../foundation/index.ts';
import type { StreamKeys } from '../vault/index.ts';
import type { BlobStore, MarkRow, RecordingRepository, RecordingRow, SegmentRow } from './ports.ts';
import { channels, frameBytes, framesPerMs, framesPerSecond } from './sealed-format.ts';
import { readSealed, type SealedSource, sealedExtent } from './sealed-reader.ts';

/** Which part: all of it, from/to in milliseconds from the contact's first recorded instant, or the stretch of a mark. */
export type ExportStretch =
  | { readonly purpose: MarkRow['purpose'] }
  | { readonly fromMs: number; readonly toMs: number };

export interface ExportResult {
  readonly durationMs: number;
  /** False when a failed recording was exported as far as it goes. */
  readonly complete: boolean;
}

interface PlacedSegment {
  readonly segment: SegmentRow;
  readonly recording: RecordingRow;
  /** Frames from the contact's first recorded instant. */
  readonly startFrame: number;
  readonly endFrame: number;
}

const wavHeaderBytes = 44;
const maxWavBytes = 0xffff_ffff - wavHeaderBytes;
/** Silence is written in pieces of this many frames (1 s). */
const silenceFrames = framesPerSecond;

/**
 * Writes the contact's recordings as one stereo WAV (caller left, far end right), segments and gaps in their places on the clock, and
 * ends `out`. Every chunk is authenticated before it is written; on an error what was written so far is to be thrown away.
 * Throws `NO_RECORDING`, `RECORDING_OPEN` (a call still recorded), `NO_SUCH_STRETCH`, and what `readSealed` throws.
 */
export async function exportWav(
  ports: { readonly repository: RecordingRepository; readonly blobs: BlobStore; readonly keys: StreamKeys },
  contactId: ContactId,
  out: Writable,
  stretch?: ExportStretch,
): Promise<ExportResult> {
  const recordings = await ports.repository.byContact(contactId);
  const zeroMs = Math.min(...recordings.map((row) => row.startedAtMs));
  const placed = await placeSegments(ports, recordings, zeroMs);
  if (placed.length === 0) throw new DozvonError('NO_RECORDING', `contact ${contactId} has no recording`);
  const endFrame = Math.max(...placed.map((segment) => segment.endFrame));
  const range = await frameRange(ports.repository, recordings, zeroMs, endFrame, stretch);
  const frames = range.to - range.from;
  if (frames * frameBytes > maxWavBytes)
    throw new DozvonError('TOO_LONG_FOR_WAV', 'more than 37 hours do not fit one WAV file');

  const writer = createFrameWriter(out, range);
  let complete = true;
  await writer.header(wavHeader(frames));
  for (const segment of placed) {
    await writer.silenceUpTo(segment.startFrame);
    complete = (await writeSegment(ports, segment, writer)) && complete;
  }
  await writer.silenceUpTo(endFrame);
  out.end();
  await finished(out);
  return { durationMs: Math.round(frames / framesPerMs), complete };
}

async function placeSegments(
  ports: { readonly repository: RecordingRepository; readonly blobs: BlobStore; readonly keys: StreamKeys },
  recordings: readonly RecordingRow[],
  zeroMs: number,
): Promise<PlacedSegment[]> {
  const placed: PlacedSegment[] = [];
  let freeFrame = 0;
  for (const recording of recordings) {
    for (const segment of await ports.repository.segments(recording.recordingId)) {
      if (segment.state === 'recording')
        throw new DozvonError('RECORDING_OPEN', `${recording.recordingId} is still being recorded`);
      if ((await ports.blobs.size(segment.blobName)) === undefined) continue; // it never began
      const extent = await withSource(ports, segment, (source) => sealedExtent(source));
      if (extent === undefined) continue;
      // A segment that overlaps the one before it (by the clock's tolerance) is put after it: no sound is lost.
      const startFrame = Math.max(freeFrame, Math.round((segment.startedAtMs - zeroMs) * framesPerMs));
      freeFrame = startFrame + (extent.endedFrames ?? extent.timelineFrames);
      placed.push({ segment, recording, startFrame, endFrame: freeFrame });
    }
  }
  return placed;
}

/** Returns false when the segment is a failed one that ends early. */
async function writeSegment(
  ports: { readonly blobs: BlobStore; readonly keys: StreamKeys },
  placed: PlacedSegment,
  writer: FrameWriter,
): Promise<boolean> {
  return withSource(ports, placed.segment, async (source) => {
    try {
      for await (const { meta, audio } of readSealed(source)) {
        await writer.silenceUpTo(placed.startFrame + meta.startFrame);
        await writer.audio(audio);
      }
      return true;
    } catch (error) {
      // A recording that is known to have failed is given as far as it goes; any other must be whole.
      if (placed.segment.state === 'failed' && hasCode(error, 'TRUNCATED')) return false;
      throw error;
    }
  });
}

async function withSource<T>(
  ports: { readonly blobs: BlobStore; readonly keys: StreamKeys },
  segment: SegmentRow,
  work: (source: SealedSource) => Promise<T>,
): Promise<T> {
  const dataKey = await ports.keys.openDataKey({ keyId: segment.keyId, wrappedKey: segment.wrappedKey });
  try {
    const { recordingId, blobName } = segment;
    return await work({ blobs: ports.blobs, blobName, dataKey, recordingId, segment: segment.segment });
  } finally {
    dataKey.destroy();
  }
}

interface FrameRange {
  readonly from: number;
  readonly to: number;
}

async function frameRange(
  repository: RecordingRepository,
  recordings: readonly RecordingRow[],
  zeroMs: number,
  endFrame: number,
  stretch: ExportStretch | undefined,
): Promise<FrameRange> {
  const clamp = (ms: number): number => Math.min(endFrame, Math.max(0, Math.round(ms * framesPerMs)));
  if (stretch === undefined) return { from: 0, to: endFrame };
  if ('fromMs' in stretch)
    return { from: clamp(stretch.fromMs), to: Math.max(clamp(stretch.fromMs), clamp(stretch.toMs)) };
  for (const recording of recordings) {
    const offsetMs = recording.startedAtMs - zeroMs;
    const mark = (await repository.marks(recording.recordingId)).findLast((row) => row.purpose === stretch.purpose);
    if (mark === undefined) continue;
    const from = clamp(offsetMs + mark.fromMs);
    return { from, to: mark.toMs === undefined ? endFrame : Math.max(from, clamp(offsetMs + mark.toMs)) };
  }
  throw new DozvonError('NO_SUCH_STRETCH', `no stretch of the recording is marked ${stretch.purpose}`);
}

interface FrameWriter {
  header(bytes: Buffer): Promise<void>;
  audio(audio: Buffer): Promise<void>;
  silenceUpTo(frame: number): Promise<void>;
}

/** Writes what falls into `range`, waiting for the reader of `out` to keep up. */
function createFrameWriter(out: Writable, range: FrameRange): FrameWriter {
  let at = 0;
  out.on('error', () => {}); // the write that met it, or the end, rejects with it
  // Buffers are zeroed by their owner as soon as this resolves, so it waits until the stream is done with each.
  const write = (bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      out.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  const audio = async (bytes: Buffer): Promise<void> => {
    const frames = bytes.length / frameBytes;
    const from = Math.max(range.from - at, 0);
    const to = Math.min(range.to - at, frames);
    at += frames;
    if (to > from) await write(bytes.subarray(from * frameBytes, to * frameBytes));
  };
  return {
    header: write,
    audio,
    async silenceUpTo(frame) {
      while (at < frame) await audio(Buffer.alloc(Math.min(silenceFrames, frame - at) * frameBytes));
    },
  };
}

/** RIFF/WAVE, PCM: the 44 bytes before the samples. */
function wavHeader(frames: number): Buffer {
  const header = Buffer.alloc(wavHeaderBytes);
  const dataBytes = frames * frameBytes;
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(wavHeaderBytes - 8 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(framesPerSecond, 24);
  header.writeUInt32LE(framesPerSecond * frameBytes, 28);
  header.writeUInt16LE(frameBytes, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}
