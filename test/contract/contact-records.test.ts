import pg from 'pg';
import t, { type Test } from 'tap';
import { type ContactRecord, type ContactRecordStore, lastOperatorDepth } from '../../src/contact/store-ports.ts';
import {
  asId,
  type CallBackId,
  type CaseId,
  type ContactId,
  type LegId,
  newId,
  type OperatorId,
  type RecordingId,
  silentLogger,
} from '../../src/foundation/index.ts';
import type { RecordingRepository } from '../../src/recording/ports.ts';
import { createMemoryContactRecords } from '../../src/store/memory/contact-records.ts';
import { createMemoryRecordingRepository } from '../../src/store/memory/recording-repository.ts';
import { createPostgresStores } from '../../src/store/postgres/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { temporaryVault } from '../support/sealer.ts';

interface Subject {
  readonly records: ContactRecordStore;
  readonly recordings: RecordingRepository;
}

const start = Date.UTC(2026, 10, 21, 9, 0, 0, 123);

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

function ended(record: ContactRecord): ContactRecord {
  return {
    ...record,
    answeredAtMs: start + 100,
    queueId: 'documents',
    topic: 'documents',
    enqueuedAtMs: start + 20_000,
    waitMs: 7_345,
    joinedAtMs: start + 27_345,
    operatorId: asId<OperatorId>('101'),
    talkMs: 60_000,
    wrapUpMs: 15_000,
    endedAtMs: start + 87_345,
    endedBy: 'caller',
    outcome: 'answeredByOperator',
    caseId: asId<CaseId>('k1'),
    kind: 'callBack',
    callBackId: asId<CallBackId>('cb1'),
    legs: [
      { legId: asId<LegId>(`${record.contactId}-l1`), role: 'caller', startedAtMs: start, endedAtMs: start + 87_345 },
      {
        legId: asId<LegId>(`${record.contactId}-l2`),
        role: 'operator',
        operatorId: asId<OperatorId>('101'),
        startedAtMs: start + 25_000,
      },
    ],
    timeline: [
      ...record.timeline,
      { atMs: start + 100, kind: 'answered', facts: {} },
      {
        atMs: start + 20_000,
        kind: 'promptStarted',
        facts: { prompts: ['ru/greeting', 'ru/menu'], place: 2, again: false },
      },
    ],
  };
}

async function rows(databaseUrl: string, text: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** What every store of contact records does. */
async function contract(t: Test, { records, recordings }: Subject): Promise<void> {
  await t.test('an unknown contact is undefined', async (t) => {
    t.equal(await records.get(asId<ContactId>('cnobody')), undefined);
  });

  await t.test('a record comes back as it was put, grown and put again', async (t) => {
    const first = arriving();
    await records.put(first);
    t.same(await records.get(first.contactId), { ...first, recordings: [] });
    const last = ended(first);
    await records.put(last);
    await records.put(last);
    t.same(await records.get(first.contactId), { ...last, recordings: [] });
  });

  await t.test('a late write of an earlier moment does not undo the end', async (t) => {
    const first = arriving();
    await records.put(ended(first));
    await records.put(first);
    t.equal((await records.get(first.contactId))?.outcome, 'answeredByOperator');
    t.equal((await records.get(first.contactId))?.timeline.length, 3);
  });

  await t.test('many at once, some of them twice, come back as they were put last', async (t) => {
    const firsts = Array.from({ length: 30 }, () => arriving());
    const lasts = firsts.map(ended);
    await Promise.all([...firsts, ...lasts, ...firsts.slice(0, 10)].map((record) => records.put(record)));
    for (const last of lasts) t.same(await records.get(last.contactId), { ...last, recordings: [] });
  });

  await t.test('a timeline that has become another, or shorter, comes back as it was put last', async (t) => {
    const first = arriving();
    const other = arriving({ contactId: first.contactId, legs: ended(first).legs, timeline: ended(first).timeline });
    await records.put(other);
    const changed: ContactRecord = {
      ...first,
      legs: ended(first).legs,
      timeline: [...first.timeline, { atMs: start + 50, kind: 'answered', facts: { late: true } }],
    };
    t.ok(changed.timeline.length < other.timeline.length);
    const neighbour = arriving({ timeline: other.timeline });
    await Promise.all([records.put(changed), records.put(neighbour)]);
    t.same(await records.get(first.contactId), { ...changed, recordings: [] });
    t.same(await records.get(neighbour.contactId), { ...neighbour, recordings: [] });
    const none: ContactRecord = { ...changed, timeline: [] };
    await records.put(none);
    t.same(await records.get(first.contactId), { ...none, recordings: [] });
  });

  await t.test('a contact has its recordings with their marks', async (t) => {
    const record = arriving();
    const recordingId = newId<RecordingId>('r', start);
    await records.put(record);
    await recordings.put(
      {
        recordingId,
        contactId: record.contactId,
        lineId: 'support',
        startedAtMs: start,
        state: 'verified',
        durationMs: 87_000,
      },
      [],
    );
    await recordings.putMark({ recordingId, purpose: 'menu', fromMs: 0, toMs: 20_000 });
    await recordings.putMark({ recordingId, purpose: 'talk', fromMs: 27_345 });
    t.same((await records.get(record.contactId))?.recordings, [
      {
        recordingId,
        state: 'verified',
        durationMs: 87_000,
        marks: [
          { purpose: 'menu', fromMs: 0, toMs: 20_000 },
          { purpose: 'talk', fromMs: 27_345 },
        ],
      },
    ]);
  });

  await t.test('lists are newest first and go on where the page ended', async (t) => {
    const lineId = newId<string>('line-', start);
    const ids = [1, 2, 3].map((n) => newId<ContactId>('c', start + n * 1_000));
    for (const contactId of ids) await records.put(arriving({ contactId, lineId }));
    const first = await records.list({ lineId, limit: 2 });
    t.same(
      first.map((record) => record.contactId),
      [ids[2], ids[1]],
    );
    t.equal(first[0]?.timeline.length, 1);
    const before = first[1]?.contactId;
    t.ok(before);
    if (before === undefined) return;
    t.same(
      (await records.list({ lineId, before, limit: 2 })).map((record) => record.contactId),
      [ids[0]],
    );
  });

  await t.test('a caller is found by number, a call by its SIP Call-ID', async (t) => {
    const ani = `+7999${Math.floor(1_000_000 + Math.random() * 8_999_999)}`;
    const record = arriving({ ani });
    await records.put(record);
    await records.put(arriving());
    t.same(
      (await records.list({ ani, limit: 10 })).map((found) => [found.contactId, found.ani]),
      [[record.contactId, ani]],
    );
    const byCallId = await records.list({ sipCallId: record.sipCallId, limit: 10 });
    t.same(
      byCallId.map((found) => found.contactId),
      [record.contactId],
    );
  });

  await t.test('whoever talked with a caller last is found by the caller’s number', async (t) => {
    const ani = `+7998${Math.floor(1_000_000 + Math.random() * 8_999_999)}`;
    const contact = (minute: number, fields: Partial<ContactRecord>): ContactRecord => {
      const atMs = start + minute * 60_000;
      return arriving({ contactId: newId<ContactId>('c', atMs), ani, arrivedAtMs: atMs, ...fields });
    };
    const talk = (minute: number, operator: string): ContactRecord =>
      contact(minute, { operatorId: asId<OperatorId>(operator), joinedAtMs: start + minute * 60_000 });
    t.equal(await records.lastOperator({ ani, sinceMs: 0 }), undefined, 'an unknown caller');
    await records.put(talk(1, 'op1'));
    await records.put(talk(2, 'op2'));
    for (let minute = 3; minute < 3 + lastOperatorDepth - 1; minute += 1) await records.put(contact(minute, {}));
    await records.put({ ...talk(500, 'op3'), ani: '+79990000000' });
    t.equal(await records.lastOperator({ ani, sinceMs: start }), 'op2', 'contacts that reached nobody do not count');
    t.equal(await records.lastOperator({ ani, sinceMs: start + 2 * 60_000 }), 'op2');
    t.equal(await records.lastOperator({ ani, sinceMs: start + 2 * 60_000 + 1 }), undefined, 'too long ago');
    await records.put(contact(400, {}));
    t.equal(await records.lastOperator({ ani, sinceMs: start }), undefined, 'no longer among the latest');
    await records.put({ ...talk(600, 'op4'), ani: '' });
    t.equal(await records.lastOperator({ ani: '', sinceMs: 0 }), undefined, 'a withheld number is nobody’s');
  });

  await t.test('a withheld number and an unknown line are kept as such', async (t) => {
    const record = arriving({ ani: '', lineId: undefined });
    await records.put(record);
    t.same(await records.get(record.contactId), { ...record, recordings: [] });
    for (const ani of ['+79031112233', '+79031112244', '']) {
      await records.put({ ...record, ani });
      t.equal((await records.get(record.contactId))?.ani, ani, 'the number is that of the last record');
    }
  });
}

t.test('memory', async (t) => {
  const recordings = createMemoryRecordingRepository();
  await contract(t, { recordings, records: createMemoryContactRecords(recordings) });
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

  await t.test('a record that PostgreSQL refuses fails alone', async (t) => {
    const good = [arriving(), arriving()];
    const bad = arriving({ arrivedAtMs: 8.64e15 }); // the last instant that JavaScript knows
    const worse = arriving({ arrivedAtMs: Number.NaN }); // which cannot even be written down
    const outcomes = await Promise.allSettled([...good, bad, worse].map((record) => stores.records.put(record)));
    t.match(outcomes, [
      { status: 'fulfilled' },
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'DATABASE_REJECTED' } },
      { status: 'rejected', reason: RangeError },
    ]);
    for (const record of good) t.same(await stores.records.get(record.contactId), { ...record, recordings: [] });
  });

  await t.test('what is there already is not written again', async (t) => {
    const first = arriving();
    await stores.records.put(first);
    await stores.records.put(ended(first));
    const places = (): Promise<readonly unknown[]> =>
      rows(
        postgres.databaseUrl,
        `select ctid, xmin::text from contact_timeline where contact_id = '${first.contactId}' and position < 2 union all
         select ctid, xmin::text from legs where contact_id = '${first.contactId}'`,
      );
    const before = await places();
    t.equal(before.length, 4);
    await stores.records.put({ ...ended(first), timeline: [...ended(first).timeline, ...first.timeline] });
    t.same(await places(), before);
  });

  await t.test('what PostgreSQL cannot hold is replaced rather than losing the record', async (t) => {
    const record = arriving({
      sipCallId: 'a\0b\ud800',
      timeline: [{ atMs: start, kind: 'odd', facts: { text: '\0\ud800' } }],
    });
    await stores.records.put(record);
    t.equal((await stores.records.get(record.contactId))?.sipCallId, 'a\uFFFDb\uFFFD');
  });
});
