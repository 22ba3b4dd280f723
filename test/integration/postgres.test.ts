import pg from 'pg';
import t from 'tap';
import {
  asId,
  bySystem,
  type ContactId,
  newId,
  type OperatorId,
  type RecordingId,
  silentLogger,
} from '../../src/foundation/index.ts';
import { createPostgresStores, type PostgresStores } from '../../src/store/postgres/index.ts';
import { migrations } from '../../src/store/postgres/migrations/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { temporaryVault } from '../support/sealer.ts';

const planted = { ani: '+79035550173', callBack: '+79265550199' };
const meta = bySystem('test', 'integration');

const [postgres, { vault, remove }] = await Promise.all([startPostgres(), temporaryVault()]);
t.teardown(async () => {
  await postgres.stop();
  await remove();
});

async function openStores(
  database: string,
  options: { readonly migrate: boolean },
): Promise<{ stores: PostgresStores; url: string }> {
  const url = await postgres.createDatabase(database);
  const stores = createPostgresStores({ databaseUrl: url, sealer: vault, logger: silentLogger });
  if (options.migrate) await stores.migrate();
  return { stores, url };
}

async function query<Row extends pg.QueryResultRow>(url: string, text: string): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Every row of every table as text, as a dump would show it. */
async function dump(url: string): Promise<string> {
  const tables = await query<{ name: string }>(
    url,
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) => query<{ row: string }>(url, `select row_to_json(x)::text as row from "${name}" x`)),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}

async function fill(stores: PostgresStores): Promise<void> {
  const at = Date.now();
  const contactId = newId<ContactId>('c', at);
  const recordingId = newId<RecordingId>('r', at);
  await stores.recordings.put({ recordingId, contactId, lineId: 'support', startedAtMs: at, state: 'recording' }, []);
  await stores.records.put({
    contactId,
    lineId: 'support',
    dnis: '+78005553535',
    ani: planted.ani,
    trunk: 'carrier',
    sipCallId: 'call-1',
    nodeId: 'n1',
    configVersion: 'v1',
    arrivedAtMs: at,
    legs: [],
    timeline: [{ atMs: at, kind: 'arrived', facts: { line: 'support' } }],
  });
  await stores.cases.storeRequest(
    {
      contactId,
      lineId: 'support',
      topic: 'documents',
      callBackNumber: planted.callBack,
      language: 'ru',
      createdAtMs: at,
    },
    {
      idempotencyKey: contactId,
      notices: (caseNumber) => [
        {
          channel: 'sms',
          to: planted.callBack,
          template: 'requestRegistered',
          parameters: { caseNumber, name: 'Zoja' },
        },
      ],
      meta,
    },
  );
  await stores.callBacks.promise(
    {
      contactId,
      lineId: 'support',
      queueId: 'general',
      topic: 'documents',
      language: 'ru',
      number: planted.callBack,
      placeMs: at,
      wish: { kind: 'soon' },
      createdAtMs: at,
    },
    { room: [{ day: '2026-11-23', most: 1, dueAtMs: at }], meta },
  );
}

t.test('no table holds a personal datum in the clear', async (t) => {
  const { stores, url } = await openStores('leaks', { migrate: true });
  await fill(stores);
  const text = await dump(url);
  t.match(text, /requestRegistered/, 'the dump shows what is there');
  t.match(text, /"promised_day":"2026-11-23"/);
  for (const number of [planted.ani, planted.callBack]) {
    t.notMatch(text, number.slice(2), 'the number as digits');
    t.notMatch(text, Buffer.from(number).toString('base64').slice(0, 14));
    t.notMatch(text, Buffer.from(number).toString('hex'));
  }
  t.notMatch(text, /Zoja/);
  t.match((await stores.records.list({ ani: planted.ani, limit: 5 }))[0], { ani: planted.ani });
  await stores.close();
});

t.test('two processes migrate at once; going down leaves no table; going up again works', async (t) => {
  const { stores, url } = await openStores('migrations', { migrate: false });
  const second = createPostgresStores({ databaseUrl: url, sealer: vault, logger: silentLogger });
  await Promise.all([stores.migrate(), second.migrate()]);
  for (const _migration of Object.keys(migrations)) await stores.migrateDown();
  const left = await query<{ name: string }>(
    url,
    `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
  );
  t.same(
    left.map(({ name }) => name),
    ['schema_migrations', 'schema_migrations_lock'],
  );
  await second.migrate();
  await fill(second);
  await Promise.all([stores.close(), second.close()]);
});

t.test('the journal is chained, and a changed or missing row is found', async (t) => {
  const { stores, url } = await openStores('journal', { migrate: true });
  const entry = (n: number) => ({
    atMs: Date.now(),
    action: 'operator.signIn',
    meta: { actor: { kind: 'token', id: 'first' }, reason: `shift ${n}` } as const,
    facts: { operatorId: '101', n, half: 0.5, marks: ['b', 'a'], big: 1e21 },
  });
  await Promise.all([1, 2, 3, 4, 5].map((n) => stores.journal.append(entry(n))));
  t.same(await stores.journal.verify(), { entries: 5 });
  for (const statement of [
    'update audit_journal set reason = reason',
    'delete from audit_journal',
    'truncate audit_journal',
  ]) {
    await t.rejects(query(url, statement), { code: '23001' }, statement);
  }
  await query(url, 'alter table audit_journal disable trigger all');
  await query(url, `update audit_journal set facts = facts || '{"operatorId":"102"}' where seq = 3`);
  t.same(await stores.journal.verify(), { entries: 2, brokenAt: 3 });
  await query(url, `update audit_journal set facts = facts || '{"operatorId":"101"}' where seq = 3`);
  t.same(await stores.journal.verify(), { entries: 5 });
  await query(url, 'delete from audit_journal where seq = 2');
  t.same(await stores.journal.verify(), { entries: 1, brokenAt: 2 });
  await stores.close();
});

t.test('activity becomes intervals; the same event again changes nothing', async (t) => {
  const { stores } = await openStores('activity', { migrate: true });
  const operatorId = asId<OperatorId>('101');
  const change = { operatorId, aspect: 'presence', atMs: 1_000, sourceId: '1-0', value: 'ready' } as const;
  await stores.activity.record([change]);
  const next = {
    operatorId,
    aspect: 'presence',
    atMs: 5_000,
    sourceId: '3-0',
    value: 'notReady',
    reason: 'lunch',
  } as const;
  await stores.activity.record([
    { operatorId, aspect: 'work/voice', atMs: 2_000, sourceId: '2-0', value: 'offered' },
    next,
  ]);
  await stores.activity.record([change]);
  t.same(await stores.activity.intervals({ operatorId, fromMs: 0, toMs: 10_000 }), [
    { operatorId, aspect: 'presence', value: 'ready', startedAtMs: 1_000, endedAtMs: 5_000 },
    { operatorId, aspect: 'work/voice', value: 'offered', startedAtMs: 2_000 },
    { operatorId, aspect: 'presence', value: 'notReady', reason: 'lunch', startedAtMs: 5_000 },
  ]);
  t.same((await stores.activity.intervals({ fromMs: 6_000, toMs: 7_000 })).length, 2);
  await stores.close();
});

t.test('changes that come together leave the same intervals as one by one', async (t) => {
  const { stores } = await openStores('batches', { migrate: true });
  const values = ['offered', 'connected', 'wrapUp', 'idle'];
  const changes = Array.from({ length: 60 }, (_, n) => ({
    operatorId: asId<OperatorId>(`1${n % 3}`),
    aspect: n % 7 === 0 ? ('presence' as const) : ('work/voice' as const),
    value: values[n % 4] ?? '',
    atMs: 1_000 + n,
    sourceId: `${n}-0`,
  }));
  for (const change of changes) await stores.activity.record([change]);
  const range = { fromMs: 0, toMs: 10_000 };
  const oneByOne = await stores.activity.intervals(range);
  t.equal(oneByOne.length, 60);
  t.equal(oneByOne.filter(({ endedAtMs }) => endedAtMs === undefined).length, 6);

  const { stores: others } = await openStores('batches_together', { migrate: true });
  await others.activity.record(changes.slice(0, 20));
  // After a crash a batch comes again, with what has gathered meanwhile.
  await others.activity.record(changes.slice(10, 50));
  await others.activity.record([...changes.slice(0, 50), ...changes.slice(40)]);
  await others.activity.record([]);
  t.same(await others.activity.intervals(range), oneByOne);
  await Promise.all([stores.close(), others.close()]);
});

t.test('what waits to be written with others is written before the connections close', async (t) => {
  const { stores, url } = await openStores('closing', { migrate: true });
  const filling = fill(stores);
  await new Promise(setImmediate);
  const recordingId = asId<RecordingId>('r1');
  const put = stores.recordings.put(
    { recordingId, contactId: asId<ContactId>('c1'), lineId: 'support', startedAtMs: 1, state: 'recording' },
    [],
  );
  await stores.close();
  await put;
  t.equal((await query(url, `select 1 from recordings where recording_id = 'r1'`)).length, 1);
  await filling.catch(() => undefined); // It goes on after the end.
});

t.test('a configuration version is kept once', async (t) => {
  const { stores } = await openStores('versions', { migrate: true });
  t.equal(await stores.configVersions.record('abc', 'lines: []', { meta, atMs: 1_000 }), 'recorded');
  t.equal(await stores.configVersions.record('abc', 'lines: []', { meta, atMs: 2_000 }), 'known');
  t.same(await stores.configVersions.get('abc'), { version: 'abc', yaml: 'lines: []', recordedAtMs: 1_000 });
  t.equal(await stores.configVersions.get('other'), undefined);
  await stores.close();
});

t.test('a database that refuses is told from one that is away', async (t) => {
  const { stores } = await openStores('empty', { migrate: false });
  await t.rejects(stores.configVersions.get('abc'), { code: 'DATABASE_REJECTED' });
  await stores.close();
  const nowhere = createPostgresStores({
    databaseUrl: 'postgresql://dozvon@/x?host=/nowhere',
    sealer: vault,
    logger: silentLogger,
  });
  await t.rejects(nowhere.ping(), { code: 'DATABASE_UNAVAILABLE' });
  await nowhere.close();
});

t.test('a killed PostgreSQL is unavailable, and used again once it is back', async (t) => {
  const { stores } = await openStores('restarts', { migrate: true });
  await fill(stores);
  await postgres.kill();
  await t.rejects(stores.ping(), { code: 'DATABASE_UNAVAILABLE' });
  await t.rejects(fill(stores), { code: 'DATABASE_UNAVAILABLE' });
  await postgres.restart();
  await stores.ping();
  t.equal((await stores.records.list({ ani: planted.ani, limit: 5 })).length, 1);
  await stores.close();
});
