import { type RecordingPorts, runRecording, type Terminal } from './cli/index.ts';
import type { ServiceSettings } from './config/index.ts';
import { silentLogger } from './foundation/index.ts';
import { exportWav } from './recording/index.ts';
import { createFolderBlobStore } from './store/blobs/index.ts';
import { createPostgresStores } from './store/postgres/index.ts';
import { createVault } from './vault/index.ts';

/** `dozvon recording …` beside a running system: over its database, its key file and its sealed recordings. */
export async function recordingCommand(
  args: readonly string[],
  parts: { readonly settings: ServiceSettings; readonly terminal: Terminal },
): Promise<number> {
  const { settings, terminal } = parts;
  const vault = await createVault({ keyFile: settings.keyFile });
  const postgres = createPostgresStores({ databaseUrl: settings.databaseUrl, sealer: vault, logger: silentLogger });
  try {
    const blobs = await createFolderBlobStore(settings.recordingsDir);
    const ports: RecordingPorts = {
      exportWav: (contactId, out, stretch) =>
        exportWav({ repository: postgres.recordings, blobs, keys: vault }, contactId, out, stretch),
      terminal,
    };
    return await runRecording(args, ports);
  } finally {
    await postgres.close();
  }
}
