import t, { type Test } from 'tap';
import type { CallBackRepository } from '../../src/callbacks/index.ts';
import type { ContactRecord, ContactRecordStore, ReturningCallers } from '../../src/contact/store-ports.ts';
import { bySystem, type ContactId, newId, silentLogger } from '../../src/foundation/index.ts';
import { createMemoryCallBackRepository } from '../../src/store/memory/call-back-repository.ts';
import { createMemoryContactRecords } from '../../src/store/memory/contact-records.ts';
import { createMemoryRecordingRepository } from '../../src/store/memory/recording-repository.ts';
import { createMemoryReturningCallers } from '../../src/store/memory/returning-callers.ts';
import { createPostgresStores } from '../../src/store/postgres/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { temporaryVault } from '../support/sealer.ts';

interface Subject {
  readonly callers: ReturningCallers;
  readonly records: ContactRecordStore;
  readonly callBacks: CallBackRepository;
}

const start = Date.UTC(2026, 10, 21, 9, 0, 0, 123);
const meta = bySystem('test', 'asked');

const newNumber = (): string => `+7997${Math.floor(1_000_000 + Math.random() * 8_999_999)}`;

function arriving(fields: Partial<ContactRecord> = {}): ContactRecord {
  return {
    contactId: newId<ContactId>('c', start),
    lineId: 'support',
    dnis: '+78005553535',
    ani: '+79031234567',
    trunk: 'carrier',
    sipCallId: newId<string>('call-', start),
    nodeId: 'n1',
    configVersion: 'v1',
    arrivedAtMs: start,
    legs: [],
    timeline: [{ atMs: start, kind: 'arrived', facts: { line: 'support' } }],
    ...fields,
  };
}

/** What everything that knows returning callers does. */
async function contract(t: Test, { callers, records, callBacks }: Subject): Promise<void> {
  await t.test('a place that a caller gave up is found by his number, once and not too late', async (t) => {
    const ani = newNumber();
    const minute = 60_000;
    const contact = (at: number, fields: Partial<ContactRecord>): ContactRecord => {
      const atMs = start + at * minute;
      return arriving({ contactId: newId<ContactId>('c', atMs), ani, arrivedAtMs: atMs, ...fields });
    };
    const gaveUp = (at: number, queueId: string, fields: Partial<ContactRecord> = {}): ContactRecord =>
      contact(at, {
        queueId,
        enqueuedAtMs: start + at * minute,
        endedAtMs: start + (at + 1) * minute,
        outcome: 'abandonedInQueue',
        ...fields,
      });
    const places = async (sinceMs = start) =>
      (await callers.earlierPlaces({ ani, sinceMs })).abandoned.toSorted((a, b) => (a.queueId < b.queueId ? -1 : 1));
    t.same(await places(), [], 'an unknown caller');
    const first = gaveUp(1, 'general');
    const other = gaveUp(2, 'documents', { outcome: 'abandonedWhileRinging' });
    await records.put(first);
    await records.put(other);
    await records.put({ ...gaveUp(3, 'general'), ani: '+79990000001' });
    const placeOf = ({ contactId, queueId, enqueuedAtMs, endedAtMs }: ContactRecord) => ({
      contactId,
      queueId,
      placeMs: enqueuedAtMs,
      endedAtMs,
    });
    t.same(await places(), [placeOf(other), placeOf(first)]);
    t.same(await places(start + 3 * minute), [placeOf(other)], 'the other was too long ago');
    const returned = (from: ContactRecord) => [
      { atMs: start, kind: 'placeReturned', facts: { from: from.contactId, placeMs: from.enqueuedAtMs ?? 0 } },
    ];
    const live = contact(4, { queueId: 'social', enqueuedAtMs: start + 4 * minute, timeline: returned(first) });
    await records.put(live);
    t.same(await places(), [placeOf(other)], 'given to a contact that is elsewhere now');
    const again = gaveUp(5, 'general', { timeline: returned(first) });
    await records.put(again);
    const older = { ...placeOf(again), placeMs: start + minute };
    t.same(await places(), [placeOf(other), older], 'given up again, it is still the older place');
    await records.put(
      contact(6, { queueId: 'general', enqueuedAtMs: start + 6 * minute, outcome: 'answeredByOperator' }),
    );
    t.same(await places(), [placeOf(other)], 'he was answered since');
    await records.put({ ...gaveUp(7, 'general'), ani: '' });
    t.same(
      await callers.earlierPlaces({ ani: '', sinceMs: 0 }),
      { callBacks: [], abandoned: [] },
      'a withheld number is nobody’s',
    );
  });

  await t.test('his open call-backs are found, the earliest place first, also one that is being dialled', async (t) => {
    const number = newNumber();
    const found = async () => (await callers.earlierPlaces({ ani: number, sinceMs: start })).callBacks;
    const promised = async (queueId: string, placeMs: number, of = number) => {
      const draft = { lineId: 'support', topic: 'passport', language: 'ru', wish: { kind: 'soon' } } as const;
      const asked = {
        ...draft,
        contactId: newId<ContactId>('c', start),
        queueId,
        number: of,
        placeMs,
        createdAtMs: start,
      };
      const room = [{ day: '2026-11-21', most: 1_000, dueAtMs: start }];
      const answer = await callBacks.promise(asked, { room, meta });
      if (answer.outcome !== 'promised') throw new Error(`expected a promise, got ${answer.outcome}`);
      return answer.callBack;
    };
    const placeOf = ({ callBackId, queueId, placeMs }: Awaited<ReturnType<typeof promised>>) => ({
      callBackId,
      queueId,
      placeMs,
    });
    t.same(await found(), []);
    const held = await promised('general', start - 1_000);
    const earlier = await promised('documents', start - 9_000);
    await promised('general', start - 5_000, newNumber());
    t.same(await found(), [placeOf(earlier), placeOf(held)]);
    const { callBackId, promisedBy } = earlier;
    await callBacks.letGo(callBackId, promisedBy, start);
    const claimer = newId<ContactId>('c', start);
    await callBacks.claim(callBackId, claimer, start);
    t.same(await found(), [placeOf(earlier), placeOf(held)], 'held and claimed');
    await callBacks.beginAttempt(callBackId, claimer, start);
    t.same(await found(), [placeOf(earlier), placeOf(held)], 'his phone rings in a moment: taken once he was served');
    await callBacks.cancel(held.callBackId, { contactId: held.promisedBy, reason: 'asked', meta, nowMs: start });
    t.same(await found(), [placeOf(earlier)], 'it is over');
  });

  await t.test('of many who are asked for at once each gets his own', async (t) => {
    const numbers = Array.from({ length: 130 }, newNumber);
    const gaveUp = numbers.map((ani, i) =>
      arriving({
        ...{ ani, queueId: `queue${i % 7}`, enqueuedAtMs: start + i, endedAtMs: start + 60_000 },
        outcome: i % 3 === 0 ? 'answeredByOperator' : 'abandonedInQueue',
      }),
    );
    await Promise.all(gaveUp.map((record) => records.put(record)));
    const asked = numbers.flatMap((ani, i) => (i % 10 === 0 ? [ani, ani, ''] : [ani]));
    const answers = await Promise.all(asked.map((ani) => callers.earlierPlaces({ ani, sinceMs: start })));
    const expected = asked.map((ani) => {
      const record = gaveUp.find((one) => one.ani === ani && one.outcome === 'abandonedInQueue');
      return record === undefined ? [] : [record.contactId];
    });
    t.same(
      answers.map(({ abandoned }) => abandoned.map(({ contactId }) => contactId)),
      expected,
    );
  });
}

t.test('memory', async (t) => {
  const records = createMemoryContactRecords(createMemoryRecordingRepository());
  const callBacks = createMemoryCallBackRepository();
  await contract(t, { records, callBacks, callers: createMemoryReturningCallers({ records, callBacks }) });
});

t.test('PostgreSQL', async (t) => {
  const [postgres, { vault, remove }] = await Promise.all([startPostgres(), temporaryVault()]);
  const stores = createPostgresStores({ databaseUrl: postgres.databaseUrl, sealer: vault, logger: silentLogger });
  t.teardown(async () => {
    await stores.close();
    await postgres.stop();
    await remove();
  });
  await stores.migrate();
  await contract(t, stores);

  await t.test('a look at a database that is away is refused', async (t) => {
    const away = createPostgresStores({
      databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing',
      sealer: vault,
      logger: silentLogger,
    });
    t.teardown(() => away.close());
    const asked = [newNumber(), newNumber()].map((ani) => away.callers.earlierPlaces({ ani, sinceMs: start }));
    for (const one of await Promise.allSettled(asked)) t.match(one, { reason: { code: 'DATABASE_UNAVAILABLE' } });
  });
});
