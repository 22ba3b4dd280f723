import { asId, type ContactId, type RecordingId, silentLogger, systemClock } from '../../src/foundation/index.ts';
import { createRecordingService } from '../../src/recording/index.ts';
import { createFolderBlobStore } from '../../src/store/blobs/folder-blob-store.ts';
import { createVault } from '../../src/vault/index.ts';
import { openFileRecordingRepository } from './file-recording-repository.ts';

/**
 * A service process that does nothing but record, to be killed. Arguments: spool, blobs, key file, repository file.
 * Takes one command a line on standard input and answers each with one line of JSON: `open ID`, `recover`, `close ID`.
 */
const [spoolDir = '', blobDir = '', keyFile = '', rowsFile = ''] = process.argv.slice(2);
const service = createRecordingService({
  spoolDir,
  blobs: await createFolderBlobStore(blobDir),
  repository: await openFileRecordingRepository(rowsFile),
  keys: await createVault({ keyFile }),
  clock: systemClock(),
  logger: silentLogger,
  allowSpoolOnDisk: true,
});
await service.start();

async function answer(line: string): Promise<unknown> {
  const [command, id = ''] = line.split(' ');
  const recordingId = asId<RecordingId>(id);
  if (command === 'open') {
    return service.open({ recordingId, contactId: asId<ContactId>(`c${id}`), lineId: 'test', startedAtMs: Date.now() });
  }
  if (command === 'recover') return service.recover(() => 'follow');
  return service.close(recordingId);
}

process.stdin.setEncoding('utf8');
let rest = '';
process.stdin.on('data', (text: string) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    answer(line).then(
      (result) => process.stdout.write(`${JSON.stringify(result)}\n`),
      (error: unknown) => process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`),
    );
  }
});
process.stdin.on('end', () => process.exit(0));
