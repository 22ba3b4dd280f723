import { type DataKey, dataKeyOf, randomDataKey } from './data-key.ts';
import { createFieldSealer, type FieldSealer } from './field-sealing.ts';
import { fileKeyProvider } from './key-file.ts';
import type { KeyProvider, WrappedKey } from './keys.ts';

/** Data keys of streams, wrapped by the provider's key-encryption keys. */
export interface StreamKeys {
  newDataKey(): Promise<{ readonly dataKey: DataKey; readonly wrapped: WrappedKey }>;
  /** Rejects with `UNKNOWN_KEY`, `WRONG_KEY` or `TAMPERED`. The caller destroys the key when it is done. */
  openDataKey(wrapped: WrappedKey): Promise<DataKey>;
}

export interface Vault extends FieldSealer, StreamKeys {}

/** Opens the vault: reads or asks for the keys once; after that sealing is synchronous. */
export async function createVault(
  options: { readonly keyFile: string } | { readonly provider: KeyProvider },
): Promise<Vault> {
  const provider = 'provider' in options ? options.provider : await fileKeyProvider(options.keyFile);
  const fields = createFieldSealer(await provider.fieldKeys());
  return {
    ...fields,
    async newDataKey() {
      const bytes = randomDataKey();
      try {
        return { dataKey: dataKeyOf(bytes), wrapped: await provider.wrap(bytes) };
      } finally {
        bytes.fill(0);
      }
    },
    async openDataKey(wrapped) {
      const bytes = await provider.unwrap(wrapped);
      try {
        return dataKeyOf(bytes);
      } finally {
        bytes.fill(0);
      }
    },
  };
}
