/** A data key closed under the key-encryption key `keyId`. Safe to store away from what the data key opens. */
export interface WrappedKey {
  readonly keyId: string;
  /** AES key wrap (RFC 3394) of the 32-byte data key, base64. */
  readonly wrappedKey: string;
}

/** The keys of field sealing by id. Each is 32 bytes and lives as long as the process. */
export interface FieldKeys {
  readonly current: string;
  readonly byId: ReadonlyMap<string, Uint8Array>;
  /** The root of the blind indexes. It stays when the others rotate, or what was indexed before could not be found. */
  readonly indexKey: Uint8Array;
}

/**
 * Where key-encryption keys live. The file provider holds them itself; a provider in front of a key management service sends data
 * keys there to be wrapped and unwrapped, which is why both are asynchronous. Field keys are handed over once, at the start.
 */
export interface KeyProvider {
  /** Wraps under the current key. Does not keep or change `dataKey`. */
  wrap(dataKey: Uint8Array): Promise<WrappedKey>;
  /** A buffer of its own, which the caller zeroes. Rejects with `UNKNOWN_KEY` (no such id) or `WRONG_KEY` (the id's key does not fit). */
  unwrap(wrapped: WrappedKey): Promise<Buffer>;
  fieldKeys(): Promise<FieldKeys>;
}

export const keyBytes = 32;
