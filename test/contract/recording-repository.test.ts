import t from 'tap';
import { silentLogger } from '../../src/foundation/index.ts';
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
