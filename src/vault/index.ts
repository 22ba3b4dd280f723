export {
  type ChunkPlace,
  type ChunkSealer,
  chunkNonceBytes,
  chunkTagBytes,
  type DataKey,
  placeOf,
  type SealedChunk,
} from './data-key.ts';
export type { FieldSealer } from './field-sealing.ts';
export { createKeyFile, fileKeyProvider, rotateKeyFile } from './key-file.ts';
export type { FieldKeys, KeyProvider, WrappedKey } from './keys.ts';
export { createVault, type StreamKeys, type Vault } from './vault.ts';
