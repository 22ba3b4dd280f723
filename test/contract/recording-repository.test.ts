import t from 'tap';
import { asId, type ContactId, type RecordingId, silentLogger } from '../../src/foundation/index.ts';
import { createMemoryRecordingRepository } from '../../src/store/memory/recording-repository.ts';
import { createPostgresStores } from '../../src/store/postgres/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { temporaryVault } from '../support/sealer.ts';
import { testRecordingRepository } from './recording-repository.ts';

const [postgres, { vault, remove }] = await Promise.all([startPostgres(), temporaryVault()]);
const stores = createPostgresStores({ databaseUrl: postgres.databaseUrl, sealer: vault, logger: silentLogger });
await stores.migrate();
t.teardown(async () => {
  await stores.close();
  await postgres.stop();
  await remove();
});

testRecordingRepository(t, 'memory', async () => createMemoryRecordingRepository());
testRecordingRepository(t, 'PostgreSQL', async () => stores.recordings);

t.test('PostgreSQL: a mark of no recording fails alone', async (t) => {
  const recordingId = asId<RecordingId>(`r${process.pid}`);
  const row = {
    recordingId,
    contactId: asId<ContactId>('c1'),
    lineId: 'general',
    startedAtMs: 1,
    state: 'recording',
  } as const;
  const mark = { purpose: 'talk', fromMs: 0 } as const;
  t.match(
    await Promise.allSettled([
      stores.recordings.put(row, []),
      stores.recordings.putMark({ recordingId: asId<RecordingId>('nobody'), ...mark }),
      stores.recordings.put({ ...row, startedAtMs: Number.NaN }, []), // cannot even be written down
      stores.recordings.putMark({ recordingId, ...mark }),
    ]),
    [
      { status: 'fulfilled' },
      { reason: { code: 'DATABASE_REJECTED' } },
      { reason: RangeError },
      { status: 'fulfilled' },
    ],
  );
  t.same(await stores.recordings.marks(recordingId), [{ recordingId, ...mark }]);
});
