import { type RecordingPorts, runRecording, type Terminal } from './cli/index.ts';
import type { ServiceSettings } from './config/index.ts';
import { silentLogger, systemClock } from './foundation/index.ts';
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
      async exportWav(contactId, out, stretch) {
        // Who listens to a citizen's voice is journalled first: what cannot be journalled is not exported.
        const meta = {
          actor: { kind: 'system', id: `user-${process.getuid?.() ?? 'unknown'}` },
          reason: 'commandLine',
        } as const;
        const facts = { contactId, stretch: stretch === undefined ? 'all' : 'message' };
        await postgres.journal.append({ atMs: systemClock().nowMs(), action: 'recording.export', meta, facts });
        return await exportWav({ repository: postgres.recordings, blobs, keys: vault }, contactId, out, stretch);
      },
      terminal,
    };
    return await runRecording(args, ports);
  } finally {
    await postgres.close();
  }
}
