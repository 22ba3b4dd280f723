import t from 'tap';
import type { ContactRecord } from '../../src/contact/store-ports.ts';
import {
  asId,
  type ContactId,
  hourMs,
  minuteMs,
  newId,
  type OperatorId,
  silentLogger,
} from '../../src/foundation/index.ts';
import { createPostgresStores } from '../../src/store/postgres/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { temporaryVault } from '../support/sealer.ts';

const [postgres, { vault, remove }] = await Promise.all([startPostgres(), temporaryVault()]);
const stores = createPostgresStores({
  databaseUrl: await postgres.createDatabase('load'),
  sealer: vault,
  logger: silentLogger,
});
await stores.migrate();
t.teardown(async () => {
  await stores.close();
  await postgres.stop();
  await remove();
});

/** 23:30 in Moscow. */
const startMs = Date.UTC(2026, 10, 23, 20, 30);

function contact(atMs: number, more: Partial<ContactRecord> = {}): ContactRecord {
  return {
    contactId: newId<ContactId>('c', atMs),
    lineId: 'documents',
    dnis: '+78002000002',
    ani: '+79035550173',
    trunk: 'carrier',
    sipCallId: 'x',
    nodeId: 'n1',
    configVersion: 'v',
    arrivedAtMs: atMs,
    queueId: 'documents',
    enqueuedAtMs: atMs + 1_000,
    legs: [],
    timeline: [],
    ...more,
  };
}

t.test('arrivals and operators on shift, by queue and hour on the wall of its zone', async (t) => {
  const records = [
    contact(startMs),
    contact(startMs + minuteMs),
    contact(startMs + hourMs),
    contact(startMs, { queueId: 'general' }),
    contact(startMs + hourMs, { enqueuedAtMs: startMs - hourMs, kind: 'callBack' }),
    contact(startMs + hourMs, { kind: 'callBack' }),
    contact(startMs - 10 * hourMs),
  ];
  for (const record of records) await stores.records.put(record);
  const { enqueuedAtMs: _left, ...neverQueued } = contact(startMs);
  await stores.records.put(neverQueued);

  const change = (operatorId: string, value: string, atMs: number) => ({
    ...{ operatorId: asId<OperatorId>(operatorId), aspect: 'presence' as const, value, atMs },
    sourceId: `${operatorId}-${atMs}`,
  });
  await stores.activity.record([
    change('101', 'ready', startMs - 5 * hourMs),
    change('101', 'notReady', startMs + 15 * minuteMs),
    change('101', 'ready', startMs + 45 * minuteMs),
    change('102', 'ready', startMs),
    change('103', 'notReady', startMs),
  ]);
  const loads = await stores.loadHistory.read(
    [
      { queueId: 'documents', timeZone: 'Europe/Moscow', operatorIds: [asId('101'), asId('102')] },
      { queueId: 'general', timeZone: 'UTC', operatorIds: [asId('102'), asId('103')] },
    ],
    { fromMs: startMs, untilMs: startMs + 2 * hourMs },
  );
  t.same(loads, [
    { queueId: 'documents', day: '2026-11-23', hour: 23, arrivals: 2, operators: 0.75 },
    { queueId: 'documents', day: '2026-11-24', hour: 0, arrivals: 1, operators: 1.75 },
    { queueId: 'documents', day: '2026-11-24', hour: 1, arrivals: 0, operators: 1 },
    { queueId: 'general', day: '2026-11-23', hour: 20, arrivals: 1, operators: 0.5 },
    { queueId: 'general', day: '2026-11-23', hour: 21, arrivals: 0, operators: 1 },
    { queueId: 'general', day: '2026-11-23', hour: 22, arrivals: 0, operators: 0.5 },
  ]);
  t.same(await stores.loadHistory.read([], { fromMs: 0, untilMs: startMs }), []);
});
