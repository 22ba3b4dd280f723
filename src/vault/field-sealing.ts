import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomFillSync,
} from 'node:crypto';
import { DozvonError } from '../foundation/index.ts';
import { deriveKey } from './key-wrap.ts';
import type { FieldKeys } from './keys.ts';

/**
 * Sealing of single values. `context` says where a value belongs (for example `contacts.ani:<contactId>`); it is authenticated
 * and not stored, so that a sealed value moved to another column or row does not open.
 */
export interface FieldSealer {
  /** `s1.<keyId>.<base64url of check, nonce, ciphertext, tag>`. Synchronous; two seals of one value differ. */
  seal(plain: string, context: string): string;
  /**
   * Throws `UNKNOWN_KEY` (sealed under an id that is not here), `WRONG_KEY` (the id is here and its key is another one) or
   * `TAMPERED` (altered, cut, from another context, or not a sealed value at all).
   */
  open(sealed: string, context: string): string;
  /** A keyed hash by which equal values are found without being readable: 43 characters. Purposes do not match each other. */
  blindIndex(value: string, purpose: string): string;
}

const version = 's1';
const checkBytes = 4;
/** Random nonces of 96 bits are safe for 2^32 seals under one key (NIST SP 800-38D, 8.3): 8,000 days at 500,000 a day. */
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = checkBytes + nonceBytes;
/** Asking the system for 12 bytes at a time costs as much as the sealing itself. */
const noncesPerDraw = 1_024;

interface FieldKey {
  readonly keyId: string;
  /** Made once: from bytes, Node would make one for every cipher, which costs three times the sealing. */
  readonly key: KeyObject;
  /** Tells a wrong key from an altered value. */
  readonly check: Buffer;
}

export function createFieldSealer(keys: FieldKeys): FieldSealer {
  const byId = new Map<string, FieldKey>();
  for (const [keyId, key] of keys.byId)
    byId.set(keyId, { keyId, key: createSecretKey(key), check: deriveKey(key, 'dozvon key check v1', checkBytes) });
  const current = byId.get(keys.current);
  if (current === undefined)
    throw new DozvonError('UNKNOWN_KEY', `the current field key ${keys.current} is not among the keys`);
  const nextNonce = nonceSource();
  const indexKeys = new Map<string, Buffer>();

  const indexKey = (purpose: string): Buffer => {
    let key = indexKeys.get(purpose);
    if (key === undefined) {
      key = deriveKey(keys.indexKey, `dozvon blind index v1 ${purpose}`);
      indexKeys.set(purpose, key);
    }
    return key;
  };

  return {
    seal(plain, context) {
      const nonce = nextNonce();
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce);
      cipher.setAAD(associatedData(current.keyId, context));
      const body = cipher.update(plain, 'utf8');
      cipher.final();
      const whole = Buffer.concat([current.check, nonce, body, cipher.getAuthTag()]);
      return `${version}.${current.keyId}.${whole.toString('base64url')}`;
    },
    open(sealed, context) {
      const { keyId, whole } = parse(sealed);
      const fieldKey = byId.get(keyId);
      if (fieldKey === undefined)
        throw new DozvonError('UNKNOWN_KEY', `a sealed value: no key ${keyId}`, { details: { keyId } });
      if (fieldKey.check.compare(whole, 0, checkBytes) !== 0) {
        throw new DozvonError('WRONG_KEY', `a sealed value: it was closed under another key than ${keyId}`, {
          details: { keyId },
        });
      }
      const decipher = createDecipheriv('aes-256-gcm', fieldKey.key, whole.subarray(checkBytes, headBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(associatedData(keyId, context));
      decipher.setAuthTag(whole.subarray(whole.length - tagBytes));
      const plain = decipher.update(whole.subarray(headBytes, whole.length - tagBytes));
      try {
        decipher.final();
      } catch (cause) {
        throw new DozvonError('TAMPERED', 'a sealed value: altered, or from another place than this one', { cause });
      }
      return plain.toString('utf8');
    },
    blindIndex(value, purpose) {
      return createHmac('sha256', indexKey(purpose)).update(value, 'utf8').digest('base64url');
    },
  };
}

function associatedData(keyId: string, context: string): Buffer {
  return Buffer.from(`${version}.${keyId}.${context}`, 'utf8');
}

function parse(sealed: string): { readonly keyId: string; readonly whole: Buffer } {
  const parts = sealed.split('.');
  const [marker, keyId, body] = parts;
  if (parts.length !== 3 || marker !== version || keyId === undefined || body === undefined) {
    throw new DozvonError('TAMPERED', `a sealed value: expected ${version}.<keyId>.<base64url>`);
  }
  const whole = Buffer.from(body, 'base64url');
  // Decoding skips what is not base64url and ignores spare bits: only the one spelling that sealing writes is taken.
  if (whole.length < headBytes + tagBytes || whole.toString('base64url') !== body) {
    throw new DozvonError('TAMPERED', 'a sealed value: cut short or not base64url');
  }
  return { keyId, whole };
}

function nonceSource(): () => Buffer {
  const drawn = Buffer.alloc(nonceBytes * noncesPerDraw);
  let next = drawn.length;
  return () => {
    if (next === drawn.length) {
      randomFillSync(drawn);
      next = 0;
    }
    const nonce = drawn.subarray(next, next + nonceBytes);
    next += nonceBytes;
    return nonce;
  };
}
