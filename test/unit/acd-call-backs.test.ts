import t, { type Test } from 'tap';
import {
  type AcdService,
  type CallBackOffers,
  CallBackPlan,
  type CallBackPlanOptions,
  createAcdService,
  fullLoadPerHour,
  type HourLoad,
  KeptForecasts,
  LearnedLoad,
  type LoadHistory,
  levelSoFar,
  mostPromised,
  operatorSchema,
  type PastOfQueue,
  type PooledQueue,
  type PromisedOfDay,
  pooled,
  type QueueHours,
  queueSchema,
  sharedOperators,
} from '../../src/acd/index.ts';
import {
  asId,
  bySystem,
  type ContactId,
  dayMs,
  hourMs,
  minuteMs,
  type OperatorId,
  secondMs,
  silentLogger,
} from '../../src/foundation/index.ts';
import { createMemoryStores } from '../../src/store/memory/index.ts';
import { FakeClock, settled } from '../support/fake-clock.ts';

const meta = bySystem('test', 'callBacks');
/** A Monday, 00:00 UTC. */
const monday = Date.UTC(2026, 10, 23);
const isoDay = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** 8 to 20 o'clock UTC on working days, closed at weekends. */
const hours: QueueHours = {
  timeZone: () => 'UTC',
  days: (_queueId, nowMs, { firstAhead, count }) =>
    Array.from({ length: count }, (_, i) => {
      const midnightMs = Math.floor(nowMs / dayMs) * dayMs + (firstAhead + i) * dayMs;
      const isWeekend = [0, 6].includes(new Date(midnightMs).getUTCDay());
      const open = Array.from({ length: isWeekend ? 0 : 12 }, (__, hour) => ({
        hour: 8 + hour,
        fromMs: midnightMs + (8 + hour) * hourMs,
        untilMs: midnightMs + (9 + hour) * hourMs,
      }));
      return { day: isoDay(midnightMs), kind: isWeekend ? 'weekend' : 'workingDay', open };
    }),
};

const documents = queueSchema.parse({ id: 'documents', name: 'Documents', requirement: 'documents' });
const general = queueSchema.parse({ id: 'general', name: 'General', requirement: 'general' });
const sixOperators = Array.from({ length: 6 }, (_, i) =>
  operatorSchema.parse({ id: `10${i}`, extension: `10${i}`, name: 'Somebody', skills: { documents: 5, general: 5 } }),
);

function world(t: Test, options: { readonly nowMs: number; readonly callBacks?: Record<string, CallBackOffers> }) {
  const clock = new FakeClock(options.nowMs);
  const stores = createMemoryStores();
  const acd = createAcdService({
    store: stores.queue,
    clock,
    logger: silentLogger,
    queues: [documents, general],
    operators: sixOperators,
    callBacks: options.callBacks ?? { documents: {} },
  });
  t.teardown(async () => {
    await acd.stop();
    await stores.close();
  });
  return { clock, stores, acd };
}

async function ready(acd: AcdService, id: string): Promise<OperatorId> {
  const operatorId = asId<OperatorId>(id);
  await acd.signIn(operatorId, meta);
  await acd.setReachable(operatorId, true, meta);
  await acd.setPresence(operatorId, { presence: 'ready' }, meta);
  return operatorId;
}

const enqueue = (acd: AcdService, id: string, more: object = {}): ReturnType<AcdService['enqueue']> =>
  acd.enqueue(
    {
      contactId: asId<ContactId>(id),
      queueId: 'documents',
      lineId: 'documents',
      shard: 's',
      enqueuedAtMs: monday,
      ...more,
    },
    meta,
  );

t.test('a call-back is enqueued beside the live callers and has an operator at once when one is spare', async (t) => {
  const { acd, stores, clock } = world(t, { nowMs: monday });
  await acd.start();
  const operatorId = await ready(acd, '100');
  t.equal((await enqueue(acd, 'c1', { kind: 'callBack' })).outcome, 'enqueued');
  t.equal((await acd.operator(operatorId))?.contactId, 'c1');
  await enqueue(acd, 'c2', { kind: 'callBack' });
  const [queue] = await acd.queuesNow();
  t.match(queue, { waiting: 0, offered: 0, longestWaitMs: 0 }, 'nobody waits on the line');
  t.same(await acd.waitingContacts(), []);

  await acd.setSharing('documents', { keepIdle: 1, presses: false, share: 0.015, costMs: 180_000 });
  t.match((await acd.queuesNow())[0]?.sharing, { keepIdle: 1, callBacks: 1 });
  await ready(acd, '101');
  t.equal((await acd.operator(asId('101')))?.contactId, undefined, 'one stays idle for the next live caller');
  await acd.setSharing('documents', { keepIdle: 0, presses: false, share: 0.015, costMs: 180_000 });
  t.equal((await acd.operator(asId('101')))?.contactId, 'c2', 'and is given away when the rule says so');
  await t.rejects(acd.setSharing('nowhere', { keepIdle: 0, presses: false, share: 0, costMs: 1 }), {
    code: 'UNKNOWN_QUEUE',
  });

  // Given back by who did not answer, it is offered to another who is spare.
  await ready(acd, '102');
  const offerId = (await acd.operator(operatorId))?.offerId;
  if (offerId === undefined) throw new Error('expected an offer');
  await acd.offerFailed({ offerId, queueId: 'documents', failure: 'offerUnanswered' }, meta);
  t.equal((await acd.operator(asId('102')))?.contactId, 'c1');
  t.ok(stores && clock);
});

t.test('no limit of the queue keeps a promised call-back out', async (t) => {
  const { acd } = world(t, { nowMs: monday });
  const full = queueSchema.parse({
    ...{ id: 'documents', name: 'Documents', requirement: 'documents' },
    limits: { length: { most: 1, to: { queue: 'general' } }, nobodyLoggedIn: { to: { queue: 'general' } } },
  });
  await acd.configure({ queues: [full, general], operators: sixOperators }, meta);
  t.equal((await enqueue(acd, 'c1')).outcome, 'nobodyLoggedIn');
  t.equal((await enqueue(acd, 'c2', { kind: 'callBack' })).outcome, 'enqueued');
});

t.test('an offer lasts while the caller is rung before the operator', async (t) => {
  const lasts = async (callBacks: Record<string, CallBackOffers>): Promise<number> => {
    const { acd, clock, stores } = world(t, { nowMs: monday, callBacks });
    await acd.start();
    await ready(acd, '100');
    await enqueue(acd, 'c1', { kind: 'callBack' });
    return ((await stores.queue.nextDueMs()) ?? 0) - clock.nowMs();
  };
  const operatorFirst = await lasts({ documents: {} });
  const callerFirst = await lasts({ documents: { callerRingMs: 30 * secondMs } });
  t.equal(callerFirst - operatorFirst, 40 * secondMs);
});

t.test('queues that share operators: the work of one is work for the others', async (t) => {
  const queue = (queueId: string, ids: readonly string[], handlingMs: number): PooledQueue => ({
    queueId,
    operatorIds: new Set(ids.map((id) => asId<OperatorId>(id))),
    handlingMs,
  });
  const one = queue('one', ['a', 'b'], 100);
  const other = queue('other', ['b', 'c', 'd', 'e'], 200);
  const nobodys = queue('nobodys', [], 100);
  t.equal(sharedOperators(one, one), 1);
  t.equal(sharedOperators(one, other), 0.25);
  t.equal(sharedOperators(other, one), 0.5);
  t.equal(sharedOperators(one, nobodys), 0);
  t.equal(
    pooled(one, [one, other, nobodys], ({ queueId }) => (queueId === 'one' ? 10 : 20)),
    10 + 0.25 * 20 * 2,
  );
  // b has half of his time for each.
  t.equal(fullLoadPerHour(one, [one, other], 2), (1.5 * hourMs) / 100);
  t.equal(fullLoadPerHour(nobodys, [one], 2), 0);
});

t.test('forecasts are kept: a minute for today, an hour for later days, no longer than the day', async (t) => {
  const kept = new KeptForecasts();
  const made: number[] = [];
  const of = (nowMs: number, today = 'monday'): void => {
    kept.of({ nowMs, today, days: 3 }, (ahead) => {
      made.push(ahead);
      return { pieces: [], spareMs: 0, reservedMs: 0, coverMs: 0 };
    });
  };
  of(0);
  t.same(made.splice(0), [1, 2, 0]);
  of(minuteMs - 1);
  t.same(made.splice(0), []);
  of(minuteMs);
  t.same(made.splice(0), [0]);
  of(hourMs);
  t.same(made.splice(0), [1, 2, 0]);
  of(hourMs + 1, 'tuesday');
  t.same(made.splice(0), [1, 2, 0]);
  kept.forget();
  of(hourMs + 2, 'tuesday');
  t.same(made.splice(0), [1, 2, 0]);
});

/** History that serves `loads` and keeps which ranges were read. */
function historyOf(loads: readonly HourLoad[]) {
  const reads: { readonly days: number; readonly queues: readonly PastOfQueue[] }[] = [];
  return {
    reads,
    read: async (queues: readonly PastOfQueue[], range: { readonly fromMs: number; readonly untilMs: number }) => {
      reads.push({ days: (range.untilMs - range.fromMs) / dayMs, queues });
      return loads.filter(({ day, hour }) => {
        const atMs = Date.parse(`${day}T00:00:00Z`) + hour * hourMs;
        return atMs >= range.fromMs && atMs < range.untilMs;
      });
    },
  };
}

t.test('the load of each hour is learned from days of the same kind', async (t) => {
  const loads = [7, 6, 5, 4, 3].map((ago) => ({
    ...{ queueId: 'documents', hour: 9, arrivals: 60, operators: 3 },
    day: isoDay(monday - ago * dayMs),
  }));
  const today = { queueId: 'documents', day: isoDay(monday), hour: 8, arrivals: 25, operators: 3 };
  const history = historyOf([...loads, today]);
  const queues = [{ queueId: 'documents', timeZone: 'UTC', operatorIds: [] }];
  const learned = new LearnedLoad({ history, hours, queues });
  const believed = { arrivals: 100, operators: 6 };
  const nowMs = monday + 9 * hourMs;
  await learned.read(nowMs);
  t.equal(learned.arrivalsOn('documents', isoDay(monday)), 25);
  const { arrivals, operators } = learned.profiles('documents', 'workingDay', believed);
  t.equal(arrivals.days, 5, 'weekends are of another kind, today is not over, before was nothing');
  t.ok((arrivals.perHour[9] ?? 0) < 75 && (arrivals.perHour[9] ?? 0) > 60);
  t.ok((arrivals.perHour[10] ?? 100) < 30, 'an hour without anybody is seen, too');
  t.ok((operators.perHour[9] ?? 0) < 4);
  t.same(learned.profiles('documents', 'weekend', believed).arrivals, {
    perHour: Array.from({ length: 24 }, () => 100),
    days: 0,
  });
  await learned.read(nowMs + hourMs);
  t.same(
    history.reads.map(({ days }) => days),
    [9 / 24, ...Array.from({ length: 57 }, () => 1), 10 / 24, 1],
    'a day at a time; then what may have changed',
  );
  t.equal(learned.profiles('documents', 'workingDay', believed).arrivals.days, 5, 'former days are kept');

  const open = [{ hour: 9, fromMs: 0, untilMs: hourMs }];
  const profile = { perHour: Array.from({ length: 24 }, () => 100), days: 1 };
  t.equal(levelSoFar(open, profile, { contacts: 50, untilMs: hourMs / 2 }), 1);
  t.ok(levelSoFar(open, profile, { contacts: 100, untilMs: hourMs / 2 }) > 1.4);
});

t.test('what has been read of former days is kept when the rest cannot be', async (t) => {
  const loads = Array.from({ length: 28 }, (_, i) => ({
    ...{ queueId: 'documents', hour: 9, arrivals: 60, operators: 3 },
    day: isoDay(monday - (i + 1) * dayMs),
  }));
  const whole = historyOf(loads);
  let left = 10;
  const read: LoadHistory['read'] = async (queues, range) => {
    if (left === 0) throw new Error('too much');
    left -= 1;
    return await whole.read(queues, range);
  };
  const learned = new LearnedLoad({
    ...{ history: { read }, hours },
    queues: [{ queueId: 'documents', timeZone: 'UTC', operatorIds: [] }],
  });
  const days = () => learned.profiles('documents', 'workingDay', { arrivals: 100, operators: 6 }).arrivals.days;
  const nowMs = monday + 12 * hourMs;
  await t.rejects(learned.read(nowMs), { message: 'too much' });
  t.equal(days(), 5, 'today and nine days before');
  t.equal(learned.readAtMs, nowMs);
  left = 50;
  await learned.read(nowMs + 10 * minuteMs);
  t.equal(days(), 20);
  t.equal(left, 0, 'today, yesterday, and the 48 days that were missing');
  const aborted = new AbortController();
  aborted.abort();
  await learned.read(nowMs + hourMs, aborted.signal);
  t.equal(days(), 20);
});

t.test('a start does not wait for weeks to be read', async (t) => {
  const nowMs = monday + 10 * hourMs;
  let finish = (): void => undefined;
  const slow = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const read: LoadHistory['read'] = async () => {
    await slow;
    return [];
  };
  const { plan } = planOf(t, { nowMs, history: { read } });
  await plan.start();
  const rooms = await plan.room('documents', nowMs);
  t.equal(rooms.length, 3);
  const [today, tomorrow] = rooms;
  t.ok((today?.most ?? 0) <= (tomorrow?.most ?? 0), 'of today nothing is known: it is not taken for a quiet day');
  finish();
  await plan.stop();
});

function planOf(
  t: Test,
  options: {
    readonly nowMs: number;
    readonly promised?: readonly PromisedOfDay[];
    readonly loads?: readonly HourLoad[];
    readonly history?: CallBackPlanOptions['history'];
    readonly away?: () => boolean;
  },
) {
  const { acd, clock, stores } = world(t, options);
  const set: string[] = [];
  const watched = new Proxy(acd, {
    get: (target, name) => {
      if (name === 'setSharing' || name === 'matchCallBacks') set.push(name);
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  let promised = options.promised ?? [];
  const plan = new CallBackPlan({
    acd: watched,
    queues: [documents, general],
    operators: sixOperators,
    planned: { documents: { withinDays: 3, expectedOperators: 4 } },
    hours,
    history: options.history ?? historyOf(options.loads ?? []),
    promised: async () => {
      if (options.away?.() === true) throw new Error('away');
      return promised;
    },
    clock,
    logger: silentLogger,
  });
  t.teardown(() => plan.stop());
  const promise = (of: readonly PromisedOfDay[]): void => {
    promised = of;
  };
  return { plan, acd, clock, stores, set, promise };
}

const day = (ahead: number): string => isoDay(monday + ahead * dayMs);

t.test('room: what the rest of today and the next open days cover', async (t) => {
  const { plan, clock, promise } = planOf(t, { nowMs: monday + 10 * hourMs });
  await plan.start();
  await settled();
  await clock.moveTo(clock.nowMs() + minuteMs);
  const rooms = await plan.room('documents', clock.nowMs());
  t.same(
    rooms.map((room) => [room.day, room.dueAtMs]),
    [
      [day(0), clock.nowMs()],
      [day(1), monday + dayMs + 8 * hourMs],
      [day(2), monday + 2 * dayMs + 8 * hourMs],
    ],
  );
  const most = (i: number): number => rooms[i]?.most ?? 0;
  t.ok(most(1) > 10 && most(1) === most(2) && most(0) > most(1), 'today has been quiet so far');
  t.same(await plan.room('general', clock.nowMs()), [], 'a queue that does not call back');

  // Call-backs of yesterday and of another queue with the same operators take of today's time; own ones of today count into `most`.
  promise([
    { queueId: 'documents', day: day(-3), open: 2, oldestDueAtMs: monday - 3 * dayMs },
    { queueId: 'documents', day: day(0), open: 5 },
    { queueId: 'general', day: day(1), open: 3 },
  ]);
  await clock.moveTo(clock.nowMs() + minuteMs);
  const later = await plan.room('documents', clock.nowMs());
  t.ok((later[0]?.most ?? 0) <= most(0) - 2 && (later[0]?.most ?? 0) > most(0) - 5, JSON.stringify(later[0]));
  t.equal(later[1]?.most, most(1) - 3);
  t.match(plan.outlooks().get('documents'), {
    open: 7,
    oldestDueAtMs: monday - 3 * dayMs,
    daysSeen: 0,
    days: [{ day: day(0), promised: 5 }, { promised: 0 }, {}],
  });
});

t.test('a test call’s instant has the room of its own days, and changes nothing of now', async (t) => {
  const { plan, acd, clock } = planOf(t, { nowMs: monday + 3 * hourMs });
  await plan.start();
  const sharing = (await acd.queuesNow())[0]?.sharing;
  const outlook = plan.outlooks().get('documents');
  const thursday = monday - 4 * dayMs + 12 * hourMs;
  const rooms = await plan.room('documents', thursday);
  t.same(
    rooms.map((room) => [room.day, room.dueAtMs]),
    [
      [day(-4), thursday],
      [day(-3), monday - 3 * dayMs + 8 * hourMs],
      [day(0), monday + 8 * hourMs],
    ],
  );
  t.equal(plan.outlooks().get('documents'), outlook);
  t.same((await acd.queuesNow())[0]?.sharing, sharing);
  t.same(await plan.room('general', thursday), []);
  t.equal((await plan.room('documents', clock.nowMs()))[0]?.day, day(0));
});

t.test('a Friday night is followed by Monday; a promise is late when its day is over', async (t) => {
  const friday = monday + 4 * dayMs;
  const { plan, acd, clock } = planOf(t, {
    nowMs: friday + 21 * hourMs,
    promised: [{ queueId: 'documents', day: isoDay(friday), open: 1, oldestDueAtMs: friday + 19 * hourMs }],
  });
  await plan.start();
  t.same(
    (await plan.room('documents', clock.nowMs())).map((room) => room.day),
    [day(7), day(8), day(9)],
  );
  t.equal((await acd.queuesNow())[0]?.sharing?.presses, true);
});

t.test('the rule of sharing is set when it is another, and call-backs matched every minute', async (t) => {
  const { plan, acd, clock, set, stores, promise } = planOf(t, { nowMs: monday + 10 * hourMs });
  await plan.start();
  t.same(set.splice(0), ['setSharing']);
  await clock.moveTo(clock.nowMs() + minuteMs);
  t.same(set.splice(0), ['matchCallBacks']);
  // Somebody else's rule, or that of a store that has lost it, is replaced.
  await stores.queue.setSharing('documents', { keepIdle: 77, presses: false, share: 1, costMs: 1 }, clock.nowMs());
  await clock.moveTo(clock.nowMs() + minuteMs);
  t.same(set.splice(0), ['setSharing']);
  t.equal((await acd.queuesNow())[0]?.sharing?.keepIdle, 0, 'nobody is on duty');

  promise([{ queueId: 'documents', day: day(0), open: 500 }]);
  await clock.moveTo(clock.nowMs() + minuteMs);
  t.equal((await acd.queuesNow())[0]?.sharing?.presses, true, 'more is promised than the day can hold');
  const [today] = await plan.room('documents', clock.nowMs());
  t.ok((today?.most ?? 0) < 500, 'and no more is');
  // A chosen time that is past presses, too.
  promise([{ queueId: 'documents', day: day(0), open: 1, oldestChosenAtMs: clock.nowMs() - 16 * minuteMs }]);
  await clock.moveTo(clock.nowMs() + minuteMs);
  t.equal((await acd.queuesNow())[0]?.sharing?.presses, true);
  promise([]);
  await clock.moveTo(clock.nowMs() + minuteMs);
  t.equal((await acd.queuesNow())[0]?.sharing?.presses, false);
});

t.test(
  'what cannot be read of former days is believed; without the count of promises nothing is promised',
  async (t) => {
    const nowMs = monday + 10 * hourMs;
    let reads = 0;
    const history: LoadHistory = {
      read: async (_queues, { untilMs }) => {
        if (untilMs > monday) reads += 1; // today's
        if (reads < 2) throw new Error('away');
        return [];
      },
    };
    const { plan, clock } = planOf(t, { nowMs, history });
    await plan.start();
    t.equal((await plan.room('documents', nowMs)).length, 3);
    await clock.moveTo(nowMs + 9 * minuteMs);
    t.equal(reads, 1);
    await clock.moveTo(nowMs + 10 * minuteMs);
    t.equal(reads, 2, 'asked again after ten minutes, then after an hour');
    await clock.moveTo(nowMs + 69 * minuteMs);
    t.equal(reads, 2);
    await clock.moveTo(nowMs + 70 * minuteMs);
    t.equal(reads, 3);

    let away = true;
    const counting = planOf(t, { nowMs, away: () => away });
    await counting.plan.start();
    await t.rejects(counting.plan.room('documents', nowMs), { message: 'away' });
    away = false;
    await counting.clock.moveTo(nowMs + minuteMs);
    t.equal((await counting.plan.room('documents', counting.clock.nowMs())).length, 3);
    away = true;
    await counting.clock.moveTo(nowMs + 2 * minuteMs);
    t.equal((await counting.plan.room('documents', counting.clock.nowMs())).length, 3, 'a minute old');
    await counting.clock.moveTo(nowMs + 3 * minuteMs);
    await t.rejects(counting.plan.room('documents', counting.clock.nowMs()), { message: 'away' });
  },
);

t.test('a busy past leaves less room than a quiet one', async (t) => {
  const past = (arrivals: number): readonly HourLoad[] =>
    Array.from({ length: 28 }, (_, i) => i + 1).flatMap((ago) =>
      Array.from({ length: 12 }, (_, hour) => ({
        ...{ queueId: 'documents', hour: 8 + hour, arrivals, operators: 4 },
        day: isoDay(monday - ago * dayMs),
      })),
    );
  const roomAfter = async (arrivals: number): Promise<number> => {
    const { plan, clock } = planOf(t, { nowMs: monday + 7 * hourMs, loads: past(arrivals) });
    await plan.start();
    await settled();
    await clock.moveTo(clock.nowMs() + minuteMs);
    t.equal(plan.outlooks().get('documents')?.daysSeen, 20);
    return (await plan.room('documents', clock.nowMs()))[0]?.most ?? 0;
  };
  const [quiet, busy] = [await roomAfter(5), await roomAfter(150)];
  t.ok(quiet > 3 * busy && busy > 0, `${quiet} and ${busy}`);
  t.equal(mostPromised({ coverMs: 10 * hourMs }, hourMs, { reservedShare: 0, usableShare: 1, promisedShare: 0.79 }), 7);
});
