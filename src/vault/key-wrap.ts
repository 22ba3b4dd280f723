import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { DozvonError } from '../foundation/index.ts';
import { keyBytes } from './keys.ts';

const algorithm = 'id-aes256-wrap';
/** The default initial value of RFC 3394, section 2.2.3.1: it is what an unwrap with the wrong key fails to find. */
const initialValue = Buffer.alloc(8, 0xa6);

/** AES key wrap (RFC 3394) of a 32-byte key: 40 bytes, the same each time. */
export function wrapKey(wrappingKey: Uint8Array, dataKey: Uint8Array): Buffer {
  const cipher = createCipheriv(algorithm, wrappingKey, initialValue);
  return Buffer.concat([cipher.update(dataKey), cipher.final()]);
}

/** The key in a buffer of its own. Throws `WRONG_KEY` when `wrappingKey` did not close it, or it was altered since. */
export function unwrapKey(wrappingKey: Uint8Array, wrapped: Uint8Array): Buffer {
  if (wrapped.length !== keyBytes + 8) {
    throw new DozvonError('TAMPERED', `a wrapped key: expected ${keyBytes + 8} bytes, came ${wrapped.length}`);
  }
  try {
    const decipher = createDecipheriv(algorithm, wrappingKey, initialValue);
    const opened = decipher.update(wrapped);
    decipher.final();
    const key = Buffer.alloc(keyBytes); // not from Node's shared pool, which outlives the key
    opened.copy(key);
    opened.fill(0);
    return key;
  } catch (cause) {
    throw new DozvonError('WRONG_KEY', 'a wrapped key: the key-encryption key of its id does not open it', { cause });
  }
}

/** A key for one use (`purpose`) out of a root key: HKDF-SHA-256 (RFC 5869). */
export function deriveKey(rootKey: Uint8Array, purpose: string, length = keyBytes): Buffer {
  return Buffer.from(hkdfSync('sha256', rootKey, Buffer.alloc(0), purpose, length));
}
