import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyFile, createVault, type Vault } from '../../src/vault/index.ts';

/** A real vault with keys of its own, gone with the folder. */
export async function temporaryVault(): Promise<{ readonly vault: Vault; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'dozvon-keys-'));
  const keyFile = join(folder, 'kek.json');
  await createKeyFile(keyFile);
  const vault = await createVault({ keyFile });
  return { vault, remove: () => rm(folder, { recursive: true, force: true }) };
}
