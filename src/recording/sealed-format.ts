import { createHash } from 'node:crypto';
import { DozvonError } from '../foundation/index.ts';
import { chunkNonceBytes, chunkTagBytes } from '../vault/index.ts';

/** The sealed recording as bytes; docs/recording-format.md says the same for people. Pure: sealing itself is in the vault. */

const magic = Buffer.from('DOZVREC1', 'latin1');
const headerFixedBytes = magic.length + 4;
const headerDigestBytes = 32;
/** A header is under 400 bytes; a length beyond this is damage, not a header. */
const maxHeaderTextBytes = 4_096;
export const maxHeaderBytes = headerFixedBytes + maxHeaderTextBytes + headerDigestBytes;

/** 16 KiB of two interleaved 16-bit channels at 8 kHz: 0.512 s, and half of what Asterisk flushes at once. */
export const chunkAudioBytes = 16_384;
/** One sample of each channel. */
export const frameBytes = 4;
export const framesPerSecond = 8_000;
export const framesPerMs = framesPerSecond / 1_000;
export const chunkFrames = chunkAudioBytes / frameBytes;
export const channels = 2;

export interface SealedHeader {
  readonly version: 1;
  readonly recordingId: string;
  readonly segment: number;
  /** Wall time of the segment's zero frame. */
  readonly startedAtMs: number;
  readonly encoding: 's16le';
  readonly sampleRate: 8000;
  readonly channels: 2;
  readonly chunkAudioBytes: 16384;
  /** 8 random bytes, hex; repeated in the clear before each chunk. */
  readonly streamId: string;
  readonly keyId: string;
  /** The data key's check value, hex. */
  readonly keyCheck: string;
}

/** What is sealed with each chunk's audio. */
export interface ChunkMeta {
  /** Wall time of the first frame as observed. */
  readonly wallMs: number;
  /** Place of the first frame on the segment's timeline: frames before it, gaps included. */
  readonly startFrame: number;
  /** Silence that belongs before the first frame because none was delivered. */
  readonly gapFrames: number;
  /** Silence after the last frame, up to the end of the call; 0 but in the last chunk. */
  readonly trailingFrames: number;
}

export interface PlainChunk {
  readonly meta: ChunkMeta;
  readonly audio: Buffer;
}

export const chunkMetaBytes = 32;
export const streamIdBytes = 8;
export const chunkHeadBytes = 4 + streamIdBytes + chunkNonceBytes;
const chunkOverheadBytes = chunkHeadBytes + chunkMetaBytes + chunkTagBytes;
/** Every chunk but the last is stored in exactly this many bytes; the last is always shorter. */
export const fullChunkBytes = chunkOverheadBytes + chunkAudioBytes;

export interface EncodedHeader {
  readonly header: SealedHeader;
  readonly bytes: Buffer;
  /** SHA-256 of the header: the associated data of every chunk. */
  readonly digest: Buffer;
}

export function encodeHeader(header: SealedHeader): EncodedHeader {
  const text = Buffer.from(JSON.stringify(header), 'utf8');
  const fixed = Buffer.alloc(headerFixedBytes);
  magic.copy(fixed);
  fixed.writeUInt32BE(text.length, magic.length);
  const digest = createHash('sha256').update(fixed).update(text).digest();
  return { header, bytes: Buffer.concat([fixed, text, digest]), digest };
}

/** The header at the start of `bytes`, or `undefined` when they end before it does. Throws `TAMPERED`. */
export function decodeHeader(bytes: Buffer): EncodedHeader | undefined {
  const seen = Math.min(bytes.length, magic.length);
  if (bytes.compare(magic, 0, seen, 0, seen) !== 0)
    throw new DozvonError('TAMPERED', 'not a sealed recording: the magic is missing');
  if (bytes.length < headerFixedBytes) return undefined;
  const textBytes = bytes.readUInt32BE(magic.length);
  if (textBytes > maxHeaderTextBytes)
    throw new DozvonError('TAMPERED', `a recording's header: ${textBytes} bytes is no header`);
  const end = headerFixedBytes + textBytes;
  if (bytes.length < end + headerDigestBytes) return undefined;
  const digest = createHash('sha256').update(bytes.subarray(0, end)).digest();
  if (digest.compare(bytes, end, end + headerDigestBytes) !== 0) {
    throw new DozvonError('TAMPERED', "a recording's header: its digest does not fit");
  }
  const header = JSON.parse(bytes.toString('utf8', headerFixedBytes, end)) as SealedHeader;
  const known = header.version === 1 && header.encoding === 's16le' && header.sampleRate === framesPerSecond;
  if (!known || header.channels !== channels || header.chunkAudioBytes !== chunkAudioBytes) {
    throw new DozvonError('UNSUPPORTED_FORMAT', "a recording's header: this version or encoding is not known here");
  }
  return { header, digest, bytes: Buffer.from(bytes.subarray(0, end + headerDigestBytes)) };
}

/** Writes `meta` into the first `chunkMetaBytes` of `into`; the audio follows it there. */
export function writeChunkMeta(into: Buffer, meta: ChunkMeta): void {
  into.writeBigUInt64BE(BigInt(Math.round(meta.wallMs)), 0);
  into.writeBigUInt64BE(BigInt(meta.startFrame), 8);
  into.writeUInt32BE(meta.gapFrames, 16);
  into.writeUInt32BE(meta.trailingFrames, 20);
  into.writeBigUInt64BE(0n, 24);
}

export function decodeChunk(plain: Buffer): PlainChunk {
  if (plain.length < chunkMetaBytes)
    throw new DozvonError('TAMPERED', 'a sealed chunk: too short for what every chunk holds');
  return {
    meta: {
      wallMs: Number(plain.readBigUInt64BE(0)),
      startFrame: Number(plain.readBigUInt64BE(8)),
      gapFrames: plain.readUInt32BE(16),
      trailingFrames: plain.readUInt32BE(20),
    },
    audio: plain.subarray(chunkMetaBytes),
  };
}

/** A chunk as it is stored: length of nonce and body, stream id, nonce, body. */
export function encodeChunk(streamId: Buffer, nonce: Buffer, body: Buffer): Buffer {
  const stored = Buffer.allocUnsafe(chunkHeadBytes + body.length);
  stored.writeUInt32BE(chunkNonceBytes + body.length, 0);
  streamId.copy(stored, 4);
  nonce.copy(stored, 4 + streamIdBytes);
  body.copy(stored, chunkHeadBytes);
  return stored;
}

export interface StoredChunk {
  readonly streamId: Buffer;
  readonly nonce: Buffer;
  readonly body: Buffer;
}

/** The parts of one stored chunk. Throws `TRUNCATED` when it says that it is longer, `TAMPERED` when it says anything else. */
export function splitChunk(stored: Buffer): StoredChunk {
  if (stored.length < chunkHeadBytes) throw new DozvonError('TRUNCATED', 'a sealed recording ends within a chunk');
  const length = stored.readUInt32BE(0) + 4 + streamIdBytes;
  if (length > fullChunkBytes) throw new DozvonError('TAMPERED', 'a sealed chunk: its length cannot be');
  if (length > stored.length) throw new DozvonError('TRUNCATED', 'a sealed recording ends within a chunk');
  if (length < stored.length || length < chunkOverheadBytes) {
    throw new DozvonError('TAMPERED', 'a sealed chunk: its length does not fit its place');
  }
  return {
    streamId: stored.subarray(4, 4 + streamIdBytes),
    nonce: stored.subarray(4 + streamIdBytes, chunkHeadBytes),
    body: stored.subarray(chunkHeadBytes),
  };
}
