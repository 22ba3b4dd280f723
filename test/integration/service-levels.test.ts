import assert from 'node:assert/strict';
import fc from 'fast-check';
import pg from 'pg';
import t from 'tap';
import type { TalkingWait, TallyBy } from '../../src/acd/index.ts';
import type { ContactOutcome, ContactRecord } from '../../src/contact/store-ports.ts';
import { type ContactId, dayMs, hourMs, minuteMs, newId, secondMs, silentLogger } from '../../src/foundation/index.ts';
import { type PeriodUnit, periodsOf } from '../../src/schedule/index.ts';
import { createMemoryWaitRecords } from '../../src/store/memory/wait-records.ts';
import { createPostgresStores } from '../../src/store/postgres/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { temporaryVault } from '../support/sealer.ts';

const [postgres, { vault, remove }] = await Promise.all([startPostgres(), temporaryVault()]);
const databaseUrl = await postgres.createDatabase('levels');
const stores = createPostgresStores({ databaseUrl, sealer: vault, logger: silentLogger });
await stores.migrate();
t.teardown(async () => {
  await stores.close();
  await postgres.stop();
  await remove();
});

/** Where the clocks change, by an hour and by half an hour, and where they stand half an hour off. */
const scenes = [
  { zone: 'Europe/Moscow', fromMs: Date.UTC(2026, 10, 22, 20), days: 2 },
  { zone: 'Europe/Berlin', fromMs: Date.UTC(2026, 2, 28, 22), days: 2 },
  { zone: 'Europe/Berlin', fromMs: Date.UTC(2026, 9, 24, 21), days: 2 },
  { zone: 'Australia/Lord_Howe', fromMs: Date.UTC(2026, 3, 4, 6), days: 2 },
  { zone: 'America/St_Johns', fromMs: Date.UTC(2026, 10, 1, 1), days: 2 },
  { zone: 'Asia/Kolkata', fromMs: Date.UTC(2026, 5, 1), days: 1 },
] as const;

const outcomes: readonly (ContactOutcome | 'callBackPromised' | 'callBackNotReached' | undefined)[] = [
  'answeredByOperator',
  'answeredByOperator',
  'abandonedInQueue',
  'abandonedWhileRinging',
  'requestLeft',
  'callBackPromised',
  'callBackNotReached',
  'failed',
  undefined,
];

/** Waits at and beside every limit that counts. */
const waitArbitrary = fc.oneof(
  fc.integer({ min: 0, max: 8_000 }),
  fc.integer({ min: 0, max: 300_000 }),
  fc.constantFrom(5_000, 5_001, 20_000, 20_001, 120_000, 120_001),
);

const contactArbitrary = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  outcome: fc.constantFrom(...outcomes),
  waitMs: fc.option(waitArbitrary, { nil: undefined, freq: 12 }),
  talkMs: fc.option(fc.integer({ min: 0, max: 600_000 }), { nil: undefined }),
  wrapUpMs: fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined }),
  concludedAfterMs: fc.option(fc.oneof(waitArbitrary, fc.constant(-1)), { nil: undefined }),
  line: fc.constantFrom('a', 'b'),
  queue: fc.constantFrom('x', 'y', 'z'),
  caller: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  /** In conversation; `recorded`: his record has come meanwhile. */
  talking: fc.constantFrom('no', 'no', 'no', 'live', 'recorded'),
  before: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});

type Drawn = typeof contactArbitrary extends fc.Arbitrary<infer One> ? One : never;

let scenesPlayed = 0;

function recordOf(drawn: Drawn, scene: (typeof scenes)[number], run: number): ContactRecord {
  const lengthMs = scene.days * dayMs;
  const enqueuedAtMs = scene.fromMs + Math.floor(drawn.at * lengthMs) - (drawn.before ? 7 * dayMs : 0);
  const { waitMs, talkMs, wrapUpMs, outcome, concludedAfterMs } = drawn;
  const isAnswered = outcome === 'answeredByOperator';
  return {
    contactId: newId<ContactId>('c', enqueuedAtMs),
    lineId: `${drawn.line}${run}`,
    dnis: '+78005553535',
    ani: drawn.caller === undefined ? '' : `+79${String(run).padStart(8, '0')}${drawn.caller}`,
    trunk: 'carrier',
    sipCallId: `call-${run}`,
    nodeId: 'n1',
    configVersion: 'v1',
    arrivedAtMs: enqueuedAtMs - 10_000,
    enqueuedAtMs,
    queueId: drawn.queue,
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(isAnswered && waitMs !== undefined ? { joinedAtMs: enqueuedAtMs + waitMs } : {}),
    ...(isAnswered && talkMs !== undefined ? { talkMs } : {}),
    ...(isAnswered && wrapUpMs !== undefined ? { wrapUpMs } : {}),
    ...(outcome === undefined ? {} : { outcome: outcome as ContactOutcome }),
    legs: [],
    timeline:
      concludedAfterMs === undefined
        ? []
        : [
            {
              atMs: enqueuedAtMs + concludedAfterMs,
              kind: drawn.queue === 'x' ? 'requestStored' : 'callBackPromised',
              facts: {},
            },
          ],
  };
}

/** As it stands before the conversation is over. */
function begun({
  waitMs: _waitMs,
  talkMs: _talkMs,
  wrapUpMs: _wrapUpMs,
  outcome: _outcome,
  ...record
}: ContactRecord): ContactRecord {
  return record;
}

function talkingOf({ waitMs, concludedAfterMs }: Drawn, record: ContactRecord): readonly TalkingWait[] {
  const { contactId, lineId = '', queueId = '', enqueuedAtMs = 0, ani } = record;
  if (waitMs === undefined) return [];
  const concluded = concludedAfterMs === undefined ? {} : { concludedAfterMs };
  return [{ contactId, lineId, queueId, enqueuedAtMs, waitMs, ...concluded, number: ani }];
}

t.test(
  'the database counts what the rule counts, over any waits, lines, zones and days of 23 and 25 hours',
  async (t) => {
    let contactsSeen = 0;
    let liveSeen = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...scenes),
        fc.array(contactArbitrary, { minLength: 1, maxLength: 60 }),
        fc.constantFrom<PeriodUnit>('hour', 'day'),
        fc.constantFrom<TallyBy>('all', 'line', 'queue', 'lineAndQueue'),
        async (scene, drawn, unit, by) => {
          scenesPlayed += 1;
          const run = scenesPlayed;
          const drawnRecords = drawn.map((one) => ({ one, record: recordOf(one, scene, run) }));
          const talking = drawnRecords.flatMap(({ one, record }) =>
            one.talking === 'no' ? [] : talkingOf(one, record),
          );
          const records = drawnRecords.map(({ one, record }) => (one.talking === 'live' ? begun(record) : record));
          liveSeen += talking.filter((wait) =>
            records.some((r) => r.contactId === wait.contactId && r.outcome === undefined),
          ).length;
          await Promise.all(records.map((record) => stores.records.put(record)));
          const untilMs = scene.fromMs + scene.days * dayMs;
          const periods = periodsOf(scene.zone, unit, { fromMs: scene.fromMs, untilMs });
          const asked = {
            periods,
            by,
            lineIds: [`a${run}`, `b${run}`],
            ...(run % 3 === 0 ? {} : { talking }),
            ...(run % 4 === 0 ? {} : { repeats: 'counted' as const }),
          };
          const expected = await createMemoryWaitRecords(async () => records).tallies(asked);
          const counted = await stores.waits.tallies(asked);
          contactsSeen += counted.reduce((sum, { tally }) => sum + tally.entered, 0);
          assert.deepStrictEqual(counted, expected);
        },
      ),
      { numRuns: 60 },
    );
    t.ok(contactsSeen > 100, `contacts were counted (${contactsSeen})`);
    t.ok(liveSeen > 50, `of them in conversation (${liveSeen})`);
  },
);

t.test('the hour that the wall shows twice is two, the one it skips is none', async (t) => {
  const lineIds = ['berlin'];
  const put = async (atMs: number): Promise<void> =>
    stores.records.put({
      ...recordOf(
        {
          at: 0,
          outcome: 'answeredByOperator',
          waitMs: 10 * secondMs,
          talkMs: minuteMs,
          wrapUpMs: undefined,
          concludedAfterMs: undefined,
          line: 'a',
          queue: 'x',
          caller: undefined,
          talking: 'no',
          before: false,
        },
        { zone: 'Europe/Berlin', fromMs: atMs, days: 2 },
        0,
      ),
      lineId: 'berlin',
    });
  const hours = async (fromMs: number): Promise<readonly { readonly at: string; readonly entered: number }[]> => {
    const periods = periodsOf('Europe/Berlin', 'hour', { fromMs, untilMs: fromMs + 4 * hourMs });
    const tallies = await stores.waits.tallies({ periods, by: 'all', lineIds });
    return tallies.map(({ period, tally }) => ({ at: new Date(period.fromMs).toISOString(), entered: tally.entered }));
  };
  // 02:30 in summer time, and an hour later 02:30 again.
  await put(Date.UTC(2026, 9, 25, 0, 30));
  await put(Date.UTC(2026, 9, 25, 1, 30));
  await put(Date.UTC(2026, 9, 25, 1, 45));
  t.strictSame(await hours(Date.UTC(2026, 9, 25, 0)), [
    { at: '2026-10-25T00:00:00.000Z', entered: 1 },
    { at: '2026-10-25T01:00:00.000Z', entered: 2 },
  ]);
  // 01:30, then 03:30 an hour later.
  await put(Date.UTC(2026, 2, 29, 0, 30));
  await put(Date.UTC(2026, 2, 29, 1, 30));
  t.strictSame(await hours(Date.UTC(2026, 2, 29, 0)), [
    { at: '2026-03-29T00:00:00.000Z', entered: 1 },
    { at: '2026-03-29T01:00:00.000Z', entered: 1 },
  ]);
});

t.test('a contact that we dialled never counts', async (t) => {
  const record = recordOf(
    {
      at: 0,
      outcome: 'answeredByOperator',
      waitMs: 1_000,
      talkMs: 1_000,
      wrapUpMs: undefined,
      concludedAfterMs: undefined,
      line: 'a',
      queue: 'x',
      caller: undefined,
      talking: 'no',
      before: false,
    },
    { zone: 'Europe/Moscow', fromMs: Date.UTC(2026, 10, 1), days: 2 },
    0,
  );
  await stores.records.put({ ...record, lineId: 'dialled' });
  const asked = {
    periods: [{ fromMs: Date.UTC(2026, 10, 1), untilMs: Date.UTC(2026, 10, 2) }],
    by: 'all',
    lineIds: ['dialled'],
  } as const;
  t.equal((await stores.waits.tallies(asked))[0]?.tally.entered, 1);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`update contacts set kind = 'callBack' where contact_id = $1`, [record.contactId]);
  await client.end();
  t.strictSame(await stores.waits.tallies(asked), []);
});
