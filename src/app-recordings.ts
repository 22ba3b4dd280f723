import type { ServiceSettings } from './config/index.ts';
import type { Clock, Logger } from './foundation/index.ts';
import { createRecordingService, type RecordingService } from './recording/index.ts';
import { createFolderBlobStore } from './store/blobs/index.ts';
import type { PostgresStores } from './store/postgres/index.ts';
import type { Vault } from './vault/index.ts';

export async function startRecordings(
  settings: Pick<ServiceSettings, 'spoolDir' | 'recordingsDir'>,
  parts: {
    readonly clock: Clock;
    readonly logger: Logger;
    readonly vault: Vault;
    readonly postgres: Pick<PostgresStores, 'recordings'>;
  },
): Promise<RecordingService> {
  const { clock, logger, vault, postgres } = parts;
  const recordings = createRecordingService({
    spoolDir: settings.spoolDir,
    blobs: await createFolderBlobStore(settings.recordingsDir),
    repository: postgres.recordings,
    keys: vault,
    clock,
    logger,
  });
  await recordings.start();
  return recordings;
}

/** Recordings left open whose contact no process knows any more are sealed to their end; those of live contacts belong to their shard's owner. */
export async function settleOldRecordings(
  recordings: RecordingService,
  parts: { readonly liveContacts: () => Promise<ReadonlySet<string>>; readonly logger: Logger },
): Promise<void> {
  // Asked for after the open recordings have been read: a contact that arrives in between must count as live.
  let live: Promise<ReadonlySet<string>> | undefined;
  const settled = await recordings.recover(async (recording) => {
    live ??= parts.liveContacts();
    return (await live).has(recording.contactId) ? 'leave' : 'close';
  });
  if (settled.closed.length > 0)
    parts.logger.info({ recordings: settled.closed.length }, 'recordings left open were sealed');
}
