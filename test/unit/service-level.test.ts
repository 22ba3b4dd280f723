import t from 'tap';
import {
  abandonedShare,
  averageHandlingTimeMs,
  averageSpeedOfAnswerMs,
  certainArrivalsPerMs,
  ForecastWatch,
  figuresOf,
  forecastAlarm,
  noRates,
  type OperatorView,
  operatorsForShare,
  type QueueNow,
  QueueObservations,
  queueForecasts,
  queueSchema,
  type RecordedWait,
  requirementClass,
  serviceLevel,
  shareInTime,
  type TalkingWait,
  TargetWatch,
  talliesOf,
  tallyOf,
  targetAlarm,
  targetsSchema,
  verdictsOf,
  type WaitRecords,
  withArrival,
  withTalking,
} from '../../src/acd/index.ts';
import { bar, levelsScreen } from '../../src/cli/levels-screen.ts';
import { asId, hourMs, minuteMs, type OperatorId, secondMs, silentLogger } from '../../src/foundation/index.ts';
import { type PeriodUnit, periodAt, periodsOf } from '../../src/schedule/index.ts';
import { createMemoryStores } from '../../src/store/memory/index.ts';
import { FakeClock, settled } from '../support/fake-clock.ts';

const start = Date.UTC(2026, 10, 23, 6);

const wait = (of: Partial<RecordedWait> & Pick<RecordedWait, 'waitMs' | 'end'>): RecordedWait => ({
  lineId: 'support',
  queueId: 'general',
  enqueuedAtMs: start,
  ...of,
});

const contacts: readonly RecordedWait[] = [
  wait({ end: 'answered', waitMs: 20 * secondMs, talkMs: 60 * secondMs, wrapUpMs: 20 * secondMs, isRepeat: true }),
  wait({ end: 'answered', waitMs: 100 * secondMs, talkMs: 40 * secondMs, isRepeat: false }),
  wait({ end: 'answered', waitMs: 150 * secondMs, concludedAfterMs: 110 * secondMs, isRepeat: false }),
  wait({ end: 'abandoned', waitMs: 5 * secondMs }),
  wait({ end: 'abandoned', waitMs: 130 * secondMs, isRepeat: false }),
  wait({ end: 'otherwise', waitMs: 120 * secondMs, concludedAfterMs: 119 * secondMs }),
];

t.test('three service levels, short abandons apart', async (t) => {
  const tally = tallyOf(contacts);
  const figures = figuresOf(tally);
  t.match(tally, { entered: 6, answered: 3, abandoned: 2, shortAbandoned: 1, answeredWithin: [1, 2] });
  t.same(figures.serviceLevels, [
    { withinMs: 20_000, ofEntered: 1 / 5, ofAnsweredAndAbandoned: 1 / 4, ofAnswered: 1 / 3 },
    { withinMs: 120_000, ofEntered: 2 / 5, ofAnsweredAndAbandoned: 2 / 4, ofAnswered: 2 / 3 },
  ]);
  t.equal(figures.concludedShare, 4 / 5, 'who hung up after 130 s with nothing was failed');
  t.equal(figures.repeatShare, 1 / 4);
  t.equal(figures.averageWaitMs, (20 + 100 + 150 + 130 + 120) * 200);
  t.same([tally.p50Ms, tally.p90Ms, tally.p95Ms], [120_000, 150_000, 150_000]);
  t.same(figuresOf(tallyOf([])), {
    serviceLevels: [{ withinMs: 20_000 }, { withinMs: 120_000 }],
  });
});

t.test('the tallies say what the formulas of docs/metrics.md say', async (t) => {
  const figures = figuresOf(tallyOf(contacts));
  t.equal(figures.serviceLevels[0]?.ofEntered, serviceLevel(contacts, 20_000));
  t.equal(figures.serviceLevels[1]?.ofEntered, serviceLevel(contacts, 120_000));
  t.equal(figures.abandonedShare, abandonedShare(contacts));
  t.equal(figures.asaMs, averageSpeedOfAnswerMs(contacts));
  t.equal(figures.ahtMs, averageHandlingTimeMs(contacts));
});

t.test('periods follow the wall of the zone', async (t) => {
  const iso = (zone: string, unit: PeriodUnit, fromMs: number, untilMs: number): readonly string[] =>
    periodsOf(zone, unit, { fromMs, untilMs }).map((period) => new Date(period.fromMs).toISOString().slice(5, 16));
  const lengths = (zone: string, atMs: number): number => {
    const { fromMs, untilMs } = periodAt(zone, 'day', atMs);
    return (untilMs - fromMs) / hourMs;
  };
  t.same(
    iso('Europe/Berlin', 'hour', Date.UTC(2026, 9, 24, 23), Date.UTC(2026, 9, 25, 3)),
    ['10-24T23:00', '10-25T00:00', '10-25T01:00', '10-25T02:00'],
    'the hour from two is there twice',
  );
  t.equal(lengths('Europe/Berlin', Date.UTC(2026, 9, 25, 12)), 25);
  t.equal(lengths('Europe/Berlin', Date.UTC(2026, 2, 29, 12)), 23);
  t.equal(
    periodsOf('Europe/Berlin', 'hour', periodAt('Europe/Berlin', 'day', Date.UTC(2026, 2, 29, 12))).length,
    23,
    'the hour that the wall skips is no period',
  );
  t.equal(lengths('Australia/Lord_Howe', Date.UTC(2026, 3, 5, 2)), 24.5);
  t.same(iso('Asia/Kolkata', 'hour', start, start + 1), ['11-23T05:30']);
  t.same(iso('Asia/Kolkata', 'day', start, start + 1), ['11-22T18:30']);
  t.equal(lengths('America/Sao_Paulo', Date.UTC(2018, 10, 4, 12)), 23, 'a day that begins at one');
  t.same(
    periodsOf('Pacific/Apia', 'day', { fromMs: Date.UTC(2011, 11, 29, 12), untilMs: Date.UTC(2011, 11, 31) }).length,
    2,
  );
});

t.test('periods have no gap and no overlap, wherever the clocks change', async (t) => {
  for (const zone of ['Europe/Moscow', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns', 'Asia/Kathmandu']) {
    for (const month of [2, 3, 9, 10]) {
      const range = { fromMs: Date.UTC(2026, month, 1, 5, 17), untilMs: Date.UTC(2026, month, 30, 21, 43) };
      for (const unit of ['hour', 'day'] as const) {
        const periods = periodsOf(zone, unit, range);
        const gaps = periods.filter((period, i) => i > 0 && periods[i - 1]?.untilMs !== period.fromMs);
        t.same(gaps, [], `${zone} ${unit}`);
        t.ok((periods[0]?.fromMs ?? 0) <= range.fromMs && (periods.at(-1)?.untilMs ?? 0) >= range.untilMs);
      }
    }
  }
});

t.test('tallies are kept apart by line and queue', async (t) => {
  const mixed = [...contacts, wait({ end: 'answered', waitMs: 1_000, queueId: 'documents', lineId: 'other' })];
  const periods = [{ fromMs: start, untilMs: start + 1 }];
  const names = (by: 'all' | 'line' | 'queue' | 'lineAndQueue') =>
    talliesOf(mixed, { periods, by }).map(
      ({ lineId, queueId, tally }) => `${lineId ?? ''}/${queueId ?? ''} ${tally.entered}`,
    );
  t.same(names('all'), ['/ 7']);
  t.same(names('line'), ['other/ 1', 'support/ 6']);
  t.same(names('queue'), ['/documents 1', '/general 6']);
  t.same(names('lineAndQueue'), ['other/documents 1', 'support/general 6']);
});

const settings = targetsSchema.parse({});
const answeredIn = (waitMs: number, count: number): readonly RecordedWait[] =>
  Array.from({ length: count }, () => wait({ end: 'answered', waitMs, talkMs: minuteMs }));

t.test('targets: met, missed, too few to say, and no data with its reason', async (t) => {
  const found = (of: readonly RecordedWait[]) =>
    Object.fromEntries(verdictsOf(tallyOf(of), settings).map((verdict) => [verdict.targetId, verdict]));
  t.match(found(answeredIn(19_000, 10)), {
    averageSpeedOfAnswer: { state: 'met', figure: 19_000, target: 20_000 },
    concludedInTime: { state: 'met', figure: 1 },
    repeatContacts: { state: 'tooFew' },
    satisfaction: { state: 'noData', reason: 'noSurvey' },
    chatAcceptance: { state: 'noData', reason: 'noChat' },
  });
  t.match(found(answeredIn(21_000, 10)), { averageSpeedOfAnswer: { state: 'missed' } });
  t.match(found(answeredIn(21_000, 9)), { averageSpeedOfAnswer: { state: 'tooFew' } });
  t.match(
    found([wait({ end: 'abandoned', waitMs: 121_000 })]),
    { concludedInTime: { state: 'missed', contacts: 1 } },
    'one caller who was not kept to is enough',
  );
  t.notOk(found(answeredIn(1_000, 10)).answeredInTime, 'compared only where it is set');
});

t.test('a target’s alarm is raised and over once for a period, with a margin between', async (t) => {
  const at = (waitMs: number) => {
    const verdict = verdictsOf(tallyOf(answeredIn(waitMs, 20)), settings).find(
      ({ targetId }) => targetId === 'averageSpeedOfAnswer',
    );
    if (verdict === undefined) throw new Error('expected a verdict');
    return verdict;
  };
  const raised = targetAlarm(undefined, { verdict: at(21_000), about: '9', nowMs: 1 });
  t.same(raised, { state: 'raised', about: '9', sinceMs: 1 });
  t.equal(targetAlarm(undefined, { verdict: at(19_900), about: '9', nowMs: 1 }), undefined);
  t.equal(targetAlarm(raised, { verdict: at(25_000), about: '9', nowMs: 2 }), undefined, 'told already');
  t.equal(targetAlarm(raised, { verdict: at(19_900), about: '9', nowMs: 2 }), undefined, 'too near to be safe');
  const over = targetAlarm(raised, { verdict: at(18_000), about: '9', nowMs: 3 });
  t.same(over, { state: 'over', about: '9', sinceMs: 3 });
  t.equal(targetAlarm(over, { verdict: at(21_000), about: '9', nowMs: 4 }), undefined, 'once for a period');
  t.match(targetAlarm(over, { verdict: at(21_000), about: '10', nowMs: 5 }), { state: 'raised', about: '10' });
  const overLater = targetAlarm(raised, { verdict: at(18_000), about: '10', nowMs: 5 });
  t.match(targetAlarm(overLater, { verdict: at(21_000), about: '10', nowMs: 6 }), { state: 'raised', about: '10' });
});

async function eventsOf(stores: ReturnType<typeof createMemoryStores>): Promise<readonly string[]> {
  const told: string[] = [];
  const ending = new AbortController();
  const following = stores.events.follow('0-0', ({ entry }) => void told.push(entry.kind), ending.signal);
  await settled();
  ending.abort();
  await following;
  return told;
}

t.test(
  'targets are compared at most once a minute, only when something has happened, and told by one process',
  async (t) => {
    const clock = new FakeClock(start + 10 * minuteMs);
    const stores = createMemoryStores();
    let waits = answeredIn(30_000, 20);
    let asked = 0;
    const records: WaitRecords = {
      tallies: async ({ periods, by }) => {
        asked += 1;
        return talliesOf(waits, { periods, by });
      },
    };
    const watches = [1, 2].map(
      () =>
        new TargetWatch({
          waits: records,
          alarms: stores.alarms,
          settings,
          zones: [{ timeZone: 'Europe/Moscow', lineIds: ['support'] }],
          periodAt,
          clock,
          logger: silentLogger,
        }),
    );
    const changed = (): void => {
      for (const watch of watches) watch.changed();
    };
    await clock.moveTo(clock.nowMs() + hourMs / 6);
    t.equal(asked, 0, 'nothing has happened');
    for (let i = 0; i < 100; i += 1) {
      changed();
      await clock.moveTo(clock.nowMs() + secondMs);
    }
    t.equal(asked, 2 * 3, 'two processes look at the hour twice, at the day once');
    t.same(await eventsOf(stores), ['targetMissed', 'targetMissed'], 'of the hour and of the day');
    waits = answeredIn(10_000, 20);
    changed();
    await clock.moveTo(clock.nowMs() + minuteMs);
    t.same((await eventsOf(stores)).slice(2), ['targetMet'], 'of the hour');
    await clock.moveTo(clock.nowMs() + 10 * minuteMs);
    t.same((await eventsOf(stores)).slice(3), ['targetMet'], 'of the day, which is looked at less often');
    await Promise.all(watches.map((watch) => watch.stop()));
  },
);

t.test('who is too late is told though he is the last before quiet, and recorded after he is heard of', async (t) => {
  const clock = new FakeClock(start + 10 * minuteMs);
  const stores = createMemoryStores();
  let recorded: readonly RecordedWait[] = [];
  const watch = new TargetWatch({
    waits: { tallies: async ({ periods, by }) => talliesOf(recorded, { periods, by }) },
    alarms: stores.alarms,
    settings,
    zones: [{ timeZone: 'Europe/Moscow', lineIds: ['support'] }],
    periodAt,
    clock,
    logger: silentLogger,
  });
  watch.changed();
  await clock.moveTo(clock.nowMs() + 14 * secondMs);
  // The look is near: it will not see what is told now.
  watch.changed();
  await clock.moveTo(clock.nowMs() + 2 * secondMs);
  recorded = answeredIn(30_000, 20);
  await clock.moveTo(clock.nowMs() + 11 * minuteMs);
  t.same(await eventsOf(stores), ['targetMissed', 'targetMissed'], 'of the hour and of the day');
  t.same(clock.due(), [], 'then nothing is looked at');
  await watch.stop();
});

/** A queue with callers who come at random, wait, give up and are served: what is observed of it, and its forecast each minute. */
function playedQueue(scene: {
  readonly seed: number;
  readonly operators: number;
  readonly loadAt: (ms: number) => number;
  readonly lengthMs: number;
}) {
  const { operators, loadAt, lengthMs } = scene;
  const handlingMs = 3 * minuteMs;
  const meanPatienceMs = 2 * minuteMs;
  const random = randomFrom(scene.seed);
  const drawn = (meanMs: number): number => -meanMs * Math.log(1 - random());
  const observations = new QueueObservations(start);
  const ends: number[] = [];
  const waiting: { readonly atMs: number; readonly leavesAtMs: number }[] = [];
  const fastest = (4 * operators) / handlingMs;
  const alarms: number[] = [];
  let tooLateAtMs: number | undefined;
  let alarm: ReturnType<typeof forecastAlarm>;
  let arrivesAtMs = drawn(1 / fastest);
  let looksAtMs = minuteMs;
  const shareNow = (nowMs: number): number | undefined => {
    const expected = { handlingMs, meanPatienceMs };
    const seen = observations.of('q', { nowMs: start + nowMs, expected });
    if (seen.certainPerHour === undefined) return undefined;
    return shareInTime({
      arrivalsPerHour: seen.certainPerHour,
      handlingMs: seen.handlingMs,
      meanPatienceMs: seen.meanPatienceMs,
      operators,
      contacts: ends.length + waiting.length,
      aheadMs: 15 * minuteMs,
      withinMs: 2 * minuteMs,
    });
  };
  const serve = (nowMs: number, waitMs: number): void => {
    ends.push(nowMs + drawn(handlingMs));
    observations.waited('q', { waitMs, end: 'answered' });
  };
  for (;;) {
    const endsAtMs = Math.min(...ends);
    const leavesAtMs = Math.min(...waiting.map((one) => one.leavesAtMs));
    const nowMs = Math.min(arrivesAtMs, endsAtMs, leavesAtMs, looksAtMs);
    if (nowMs > lengthMs) return { alarms, tooLateAtMs };
    const late = waiting.map((one) => one.atMs + 2 * minuteMs).filter((atMs) => atMs <= nowMs);
    if (late.length > 0) tooLateAtMs = Math.min(tooLateAtMs ?? Number.POSITIVE_INFINITY, ...late);
    if (nowMs === arrivesAtMs) {
      arrivesAtMs += drawn(1 / fastest);
      if (random() >= loadAt(nowMs) / 4) continue;
      observations.arrived('q', start + nowMs);
      if (ends.length < operators) serve(nowMs, 0);
      else waiting.push({ atMs: nowMs, leavesAtMs: nowMs + drawn(meanPatienceMs) });
    } else if (nowMs === endsAtMs) {
      ends.splice(ends.indexOf(endsAtMs), 1);
      observations.handled('q', handlingMs);
      const first = waiting.shift();
      if (first !== undefined) serve(nowMs, nowMs - first.atMs);
    } else if (nowMs === leavesAtMs) {
      const [left] = waiting.splice(
        waiting.findIndex((one) => one.leavesAtMs === leavesAtMs),
        1,
      );
      observations.waited('q', { waitMs: nowMs - (left?.atMs ?? 0), end: 'left' });
    } else {
      looksAtMs += minuteMs;
      const expectedShare = shareNow(nowMs);
      if (expectedShare === undefined) continue;
      const forecast = { queueId: 'q', expectedShare, operators, operatorsNeeded: 0, waiting: 0, arrivalsPerHour: 0 };
      const next = forecastAlarm(alarm, { forecast, share: settings.forecast.share, nowMs });
      if (next?.state === 'raised') alarms.push(nowMs);
      alarm = next ?? alarm;
    }
  }
}

/** mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

t.test('in a rush the alarm comes before the first caller has waited two minutes', async (t) => {
  const rushAtMs = 40 * minuteMs;
  for (const operators of [12, 20]) {
    for (const seed of [1, 2, 3, 4, 5]) {
      const loadAt = (ms: number): number => (ms < rushAtMs ? 0.6 : 2.4);
      const { alarms, tooLateAtMs } = playedQueue({ seed, operators, loadAt, lengthMs: rushAtMs + 20 * minuteMs });
      t.ok(tooLateAtMs !== undefined && tooLateAtMs > rushAtMs, 'somebody waits for too long, because of the rush');
      const [first = Number.POSITIVE_INFINITY] = alarms;
      const ahead = Math.round(((tooLateAtMs ?? 0) - first) / secondMs);
      t.ok(first > rushAtMs && ahead > 0, `${operators} operators, seed ${seed}: ${ahead} s before`);
    }
  }
});

t.test('on a calm day there is no alarm in ten hours', async (t) => {
  for (const seed of [1, 2, 3]) {
    const { alarms } = playedQueue({ seed, operators: 12, loadAt: () => 0.8, lengthMs: 10 * hourMs });
    t.same(alarms, [], `seed ${seed}`);
  }
});

t.test('the forecast is the exact share where that is known', async (t) => {
  const ahead = {
    arrivalsPerHour: 120,
    handlingMs: 3 * minuteMs,
    meanPatienceMs: 2 * minuteMs,
    operators: 6,
    contacts: 0,
    aheadMs: 15 * minuteMs,
    withinMs: 2 * minuteMs,
  };
  t.equal(shareInTime({ ...ahead, arrivalsPerHour: 0 }), 1);
  t.equal(shareInTime({ ...ahead, operators: 0 }), 0);
  t.ok(shareInTime({ ...ahead, contacts: 30 }) < shareInTime(ahead) - 0.05, 'who waits now is served first');
  t.ok(shareInTime({ ...ahead, operators: 7 }) > shareInTime(ahead));
  // Far ahead the beginning is forgotten, and Erlang A has the share.
  const { impatientServedWithin } = await import('../../src/acd/index.ts');
  for (const arrivalsPerHour of [60, 100, 120, 180, 400]) {
    const exact = impatientServedWithin(
      { arrivalsPerHour, ahtMs: ahead.handlingMs, operators: 6 },
      ahead.meanPatienceMs,
      ahead.withinMs,
    );
    const found = shareInTime({ ...ahead, arrivalsPerHour, contacts: 8, aheadMs: 20 * hourMs });
    t.ok(Math.abs(found - exact) < 0.02, `${arrivalsPerHour} an hour: ${found.toFixed(4)}, exact ${exact.toFixed(4)}`);
  }
  const needed = await operatorsForShare({ ...ahead, arrivalsPerHour: 240 }, { share: 0.8, most: 100 });
  t.ok(shareInTime({ ...ahead, arrivalsPerHour: 240, operators: needed }) >= 0.8);
  t.ok(shareInTime({ ...ahead, arrivalsPerHour: 240, operators: needed - 1 }) < 0.8);
});

t.test('arrivals that are beyond chance', async (t) => {
  let rates = noRates(start);
  const arrive = (perMinute: number, minutes: number): void => {
    const fromMs = rates.arrivalsAtMs;
    for (let i = 1; i <= perMinute * minutes; i += 1) rates = withArrival(rates, fromMs + (i * minuteMs) / perMinute);
  };
  arrive(4, 2);
  t.equal(certainArrivalsPerMs(rates, rates.arrivalsAtMs), undefined, 'too early to say');
  arrive(4, 60);
  const calm = (certainArrivalsPerMs(rates, rates.arrivalsAtMs) ?? 0) * minuteMs;
  t.ok(calm > 3 && calm < 4, `a little less than is seen: ${calm}`);
  arrive(12, 3);
  const rush = (certainArrivalsPerMs(rates, rates.arrivalsAtMs) ?? 0) * minuteMs;
  t.ok(rush > 8, `a rush shows within minutes: ${rush}`);
});

const operator = (id: string, skills: Readonly<Record<string, number>>, work: 'idle' | 'connected'): OperatorView => ({
  operatorId: asId<OperatorId>(id),
  extension: id,
  skills,
  capacity: { voice: 1 },
  held: {},
  signedIn: true,
  presence: 'ready',
  reachable: true,
  work: { voice: work },
  outsideCall: false,
  missedOffers: 0,
  contactsTaken: 0,
});

t.test('who serves several queues is expected to be busy with the others as well', async (t) => {
  const queue = (queueId: string, arrivalsPerHour: number) => ({
    queueId,
    arrivalsPerHour,
    handlingMs: 3 * minuteMs,
    meanPatienceMs: 2 * minuteMs,
    waiting: 0,
    requirements: [requirementClass(`${queueId} >= 1`, 'longestIdle')],
    openForMs: hourMs,
  });
  const operators = Array.from({ length: 4 }, (_, i) => operator(`10${i}`, { one: 5, two: 5 }, 'idle'));
  const rule = { operators, aheadMs: 15 * minuteMs, share: 0.8 };
  const [alone] = await queueForecasts({ ...rule, queues: [queue('one', 50), queue('two', 0)] });
  const [beside] = await queueForecasts({ ...rule, queues: [queue('one', 50), queue('two', 100)] });
  t.ok((alone?.expectedShare ?? 0) > 0.9 && alone?.operatorsNeeded === 4);
  t.ok((beside?.expectedShare ?? 1) < 0.8 && (beside?.operatorsNeeded ?? 0) > 4);
  const closed = { ...queue('one', 500), openForMs: 0 };
  t.match(await queueForecasts({ ...rule, queues: [closed] }), [{ expectedShare: 1 }], 'nobody can come any more');
});

t.test(
  'a forecast is told when it falls below the target, and when that is over, also because nothing happens',
  async (t) => {
    const clock = new FakeClock(start);
    const stores = createMemoryStores();
    let perHour = 400;
    const now = (): QueueNow => ({
      queueId: 'general',
      name: 'General',
      waiting: 0,
      offered: 0,
      longestWaitMs: 0,
      readyOperators: 0,
      signedInOperators: 2,
      observed: { handlingMs: 3 * minuteMs, meanPatienceMs: 2 * minuteMs, certainPerHour: perHour },
    });
    const general = queueSchema.parse({ id: 'general', name: 'General', requirement: 'general >= 1' });
    const watch = new ForecastWatch({
      acd: {
        queuesNow: async () => [now()],
        queueSettings: () => general,
        operators: async () => ['101', '102'].map((id) => ({ ...operator(id, { general: 5 }, 'connected'), name: id })),
      },
      alarms: stores.alarms,
      settings: settings.forecast,
      openForMs: () => hourMs,
      clock,
      logger: silentLogger,
    });
    watch.changed();
    watch.changed();
    await clock.moveTo(start + secondMs);
    t.same(await eventsOf(stores), ['serviceLevelForecast']);
    t.match(watch.latest(), [{ queueId: 'general', operators: 2 }]);
    t.ok((watch.latest()[0]?.operatorsNeeded ?? 0) > 10);
    await clock.moveTo(start + 5 * minuteMs);
    t.equal((await eventsOf(stores)).length, 1, 'told once');
    perHour = 0;
    await clock.moveTo(start + 7 * minuteMs);
    t.same(await eventsOf(stores), ['serviceLevelForecast', 'serviceLevelForecastOver']);
    await clock.moveTo(start + hourMs);
    t.same(clock.due(), [], 'nothing is looked at while nothing happens');
    await watch.stop();
  },
);

t.test('the screen shows bars for the queues, targets and alarms', async (t) => {
  t.equal(bar(0.82), '████████░░');
  const figures = {
    entered: 34,
    serviceLevels: [
      { withinMs: 20_000, ofEntered: 0.5 },
      { withinMs: 120_000, ofEntered: 0.829 },
    ],
  };
  const screen = levelsScreen(
    {
      at: '2026-11-23T09:00:00.000Z',
      windows: [15, 30, 60].map((minutes) => ({ minutes, items: [{ figures }, { queueId: 'general', figures }] })),
      queues: [
        {
          queueId: 'general',
          name: 'General',
          waiting: 3,
          longestWaitMs: 75_000,
          readyOperators: 0,
          forecast: { expectedShare: 0.61, operators: 5, operatorsNeeded: 8 },
        },
        { queueId: 'social', name: 'Social', waiting: 0, longestWaitMs: 0, readyOperators: 2 },
      ],
      alarms: [{ alarmId: 'forecast general', about: 'general', since: '2026-11-23T08:58:00.000Z' }],
    },
    {
      items: [
        {
          from: '2026-11-23T00:00:00.000+03:00',
          targets: [
            {
              target: 'averageSpeedOfAnswer',
              comparison: 'atMost',
              value: 20_000,
              figure: 14_210,
              contacts: 30,
              state: 'met',
            },
            {
              target: 'concludedInTime',
              comparison: 'atLeast',
              value: 1,
              figure: 0.9996,
              contacts: 40,
              state: 'missed',
            },
            { target: 'satisfaction', comparison: 'atLeast', value: 4.7, contacts: 0, state: 'noData' },
          ],
        },
      ],
    },
  );
  t.match(screen, /General .*████████░░ {2}82% of 34.*3 {5}1:15 {5}0 {2}61%, 8 operators needed, 5 there/);
  t.match(screen, /Social .*··········/);
  t.match(screen, /averageSpeedOfAnswer +≤ 20\.0 s +14\.2 s +met/);
  t.match(screen, /concludedInTime +≥ 100% +99% +missed/, 'not all is not rounded up to all');
  t.match(screen, /ALARM since .*forecast general/);
  t.notMatch(screen, /satisfaction/);
});

t.test('conversations under way are asked for once a second, and only where they can be in a period', async (t) => {
  const clock = new FakeClock(start);
  let [asked, isAway] = [0, false];
  const seen: (readonly TalkingWait[] | undefined)[] = [];
  const waits = withTalking({
    waits: {
      tallies: async ({ talking }) => {
        seen.push(talking);
        return [];
      },
    },
    talking: async () => {
      asked += 1;
      if (isAway) throw new Error('away');
      return [];
    },
    clock,
  });
  const now = { periods: [{ fromMs: start - hourMs, untilMs: start }], by: 'all' } as const;
  const lastWeek = {
    periods: [{ fromMs: start - 7 * 24 * hourMs, untilMs: start - 6 * 24 * hourMs }],
    by: 'all',
  } as const;
  await Promise.all([waits.tallies(now), waits.tallies(now), waits.tallies(lastWeek)]);
  t.equal(asked, 1);
  t.same([seen.filter((talking) => talking === undefined).length, seen.length], [1, 3]);
  await clock.moveTo(start + 999);
  await waits.tallies(now);
  t.equal(asked, 1);
  await clock.moveTo(start + 1_000);
  isAway = true;
  await t.rejects(waits.tallies(now), { message: 'away' });
  isAway = false;
  await waits.tallies(now);
  t.equal(asked, 3, 'an answer that did not come is good for nothing');
});
