import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto';
import { DozvonError } from '../foundation/index.ts';
import { keyBytes } from './keys.ts';

export const chunkNonceBytes = 12;
export const chunkTagBytes = 16;
const prefixBytes = 7;
const maxChunkIndex = 0xffff_ffff;

/** One chunk after sealing. `nonce` is stored with it in the clear. */
export interface SealedChunk {
  readonly nonce: Buffer;
  /** As long as what was sealed, plus the tag of 16 bytes. */
  readonly body: Buffer;
}

/** The place that a stored nonce claims for its chunk; it holds when the chunk opens. */
export interface ChunkPlace {
  readonly index: number;
  readonly last: boolean;
}

/** Seals the chunks of one stream during one attempt (one process, from opening or resuming to the end or the crash). */
export interface ChunkSealer {
  seal(place: ChunkPlace, plain: Uint8Array): SealedChunk;
}

/**
 * A key for one stream. Its bytes do not leave this object. The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015)
 * over AES-256-GCM: nonce = 7 random bytes of the attempt, the chunk's index (32 bits, big-endian), 1 for the last chunk else 0.
 * The prefix is drawn anew by each sealer, so that two attempts at the same chunk, with different contents after a crash or by
 * two processes at once, still never share a nonce.
 */
export interface DataKey {
  /** 16 bytes that tell whether this is the key of a stream, and tell nothing about the key. */
  readonly check: Buffer;
  sealer(associatedData: Uint8Array): ChunkSealer;
  /** The plain bytes in a buffer of their own. Throws `TAMPERED`. The caller compares the nonce's place with the one it reads. */
  open(chunk: SealedChunk, associatedData: Uint8Array): Buffer;
  matches(check: Uint8Array): boolean;
  /** Zeroes the key; using it afterwards throws `KEY_DESTROYED`. */
  destroy(): void;
}

/** A new random key. Zero the buffer after wrapping it: `dataKeyOf` keeps a copy of its own. */
export function randomDataKey(): Buffer {
  return randomFillSync(Buffer.alloc(keyBytes));
}

/** Takes a copy of `bytes`; the caller zeroes its own. */
export function dataKeyOf(bytes: Uint8Array): DataKey {
  const key = Buffer.alloc(keyBytes);
  key.set(bytes);
  const check = createHmac('sha256', key).update('dozvon data key check v1').digest().subarray(0, 16);
  let destroyed = false;
  // The raw bytes, not a KeyObject: that one keeps a copy until it is collected, and a cipher is freed by its final().
  const usable = (): Buffer => {
    if (destroyed) throw new DozvonError('KEY_DESTROYED', 'a data key was used after its end');
    return key;
  };
  return {
    check,
    sealer(associatedData) {
      const prefix = randomBytes(prefixBytes);
      return {
        seal(place, plain) {
          const nonce = nonceOf(prefix, place);
          const cipher = createCipheriv('aes-256-gcm', usable(), nonce);
          cipher.setAAD(associatedData);
          const body = Buffer.allocUnsafe(plain.length + chunkTagBytes);
          cipher.update(plain).copy(body);
          cipher.final();
          cipher.getAuthTag().copy(body, plain.length);
          return { nonce, body };
        },
      };
    },
    open({ nonce, body }, associatedData) {
      const end = body.length - chunkTagBytes;
      if (nonce.length !== chunkNonceBytes || end < 0) throw new DozvonError('TAMPERED', 'a sealed chunk: cut short');
      const decipher = createDecipheriv('aes-256-gcm', usable(), nonce, { authTagLength: chunkTagBytes });
      decipher.setAAD(associatedData);
      decipher.setAuthTag(body.subarray(end));
      const plain = decipher.update(body.subarray(0, end));
      try {
        decipher.final();
      } catch (cause) {
        plain.fill(0);
        throw new DozvonError('TAMPERED', 'a sealed chunk: altered, or not of this stream', { cause });
      }
      return plain;
    },
    matches: (other) => other.length === check.length && timingSafeEqual(other, check),
    destroy() {
      destroyed = true;
      key.fill(0);
    },
  };
}

/** The place a nonce claims. */
export function placeOf(nonce: Buffer): ChunkPlace {
  return { index: nonce.readUInt32BE(prefixBytes), last: nonce[chunkNonceBytes - 1] === 1 };
}

function nonceOf(prefix: Buffer, { index, last }: ChunkPlace): Buffer {
  if (!Number.isInteger(index) || index < 0 || index > maxChunkIndex) {
    throw new DozvonError('CHUNK_INDEX', `a chunk index: expected 0 to ${maxChunkIndex}, came ${index}`);
  }
  const nonce = Buffer.alloc(chunkNonceBytes);
  prefix.copy(nonce);
  nonce.writeUInt32BE(index, prefixBytes);
  nonce[chunkNonceBytes - 1] = last ? 1 : 0;
  return nonce;
}
