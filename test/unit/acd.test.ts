import t from 'tap';
import {
  type AcdService,
  abandonedShare,
  averageHandlingTimeMs,
  averageSpeedOfAnswerMs,
  canServe,
  contactScore,
  createAcdService,
  type OperatorSettings,
  occupancy,
  operatorProfile,
  operatorSchema,
  type QueuedContact,
  type QueueSettings,
  type QueueStore,
  queueSchema,
  requirementClass,
  serviceLevel,
  skillSchema,
} from '../../src/acd/index.ts';
import {
  asId,
  bySystem,
  type ContactId,
  DozvonError,
  type OperatorId,
  silentLogger,
} from '../../src/foundation/index.ts';
import { createMemoryStores, type MemoryStores } from '../../src/store/memory/index.ts';
import { FakeClock, settled } from '../support/fake-clock.ts';

const start = 1_800_000_000_000;
const by = bySystem('test', 'test');
const contact = (name: string): ContactId => asId(name);
const operator = (name: string): OperatorId => asId(name);

const documents: QueueSettings = queueSchema.parse({
  id: 'documents',
  name: 'Documents',
  requirement: [{ skill: 'documents', minLevel: 3 }],
  setAside: { unansweredMs: 30_000, busyMs: 10_000, declinedMs: 20_000 },
});
const operators: readonly OperatorSettings[] = ['101', '102'].map((id) =>
  operatorSchema.parse({ id, extension: id, name: `Operator ${id}`, skills: { documents: 7 } }),
);

interface Hotline {
  readonly stores: MemoryStores;
  readonly clock: FakeClock;
  readonly acd: AcdService;
  readonly enqueue: (name: string) => Promise<unknown>;
  readonly ready: (...names: string[]) => Promise<void>;
  /** Who is offered whom now, as "contact>operator". */
  readonly offers: () => Promise<string[]>;
  readonly offerOf: (name: string) => Promise<{ readonly offerId: never; readonly queueId: string }>;
}

async function hotline(
  change: { readonly store?: (store: QueueStore) => QueueStore; readonly queues?: readonly QueueSettings[] } = {},
): Promise<Hotline> {
  const stores = createMemoryStores();
  const clock = new FakeClock(start);
  const store = change.store?.(stores.queue) ?? stores.queue;
  const queues = change.queues ?? [documents];
  const acd = createAcdService({ store, clock, logger: silentLogger, queues, operators });
  await acd.start();
  return {
    stores,
    clock,
    acd,
    async enqueue(name) {
      const place = { queueId: 'documents', lineId: 'general', shard: 's1', enqueuedAtMs: clock.nowMs() };
      return (await acd.enqueue({ contactId: contact(name), ...place }, by)).outcome;
    },
    async ready(...names) {
      for (const name of names) {
        await acd.signIn(operator(name), by);
        await acd.setReachable(operator(name), true, by);
        await acd.setPresence(operator(name), { presence: 'ready' }, by);
      }
    },
    async offers() {
      const views = await stores.queue.operators();
      return views
        .filter((view) => view.work.voice === 'offered')
        .map((view) => `${view.contactId}>${view.operatorId}`)
        .sort();
    },
    async offerOf(name) {
      const waiting = (await stores.queue.waiting()).find((each) => each.contactId === name);
      if (waiting?.offerId === undefined) throw new Error(`expected a live offer for ${name}`);
      return { offerId: waiting.offerId as never, queueId: waiting.queueId };
    },
  };
}

t.test('equal content gives equal ids, whatever its order', async (t) => {
  const one = requirementClass(
    [
      { skill: 'a', minLevel: 1 },
      { skill: 'b', minLevel: 2 },
    ],
    'longestIdle',
  );
  const other = requirementClass(
    [
      { skill: 'b', minLevel: 2 },
      { skill: 'a', minLevel: 1 },
      { skill: 'b', minLevel: 1 },
    ],
    'longestIdle',
  );
  t.same(one, other);
  t.not(one.classId, requirementClass([{ skill: 'a', minLevel: 1 }], 'longestIdle').classId);
  t.equal(operatorProfile({ a: 1, b: 2 }).profileId, operatorProfile({ b: 2, a: 1, c: 0 }).profileId);
  t.not(operatorProfile({ a: 1 }).profileId, operatorProfile({ a: 2 }).profileId);
});

t.test('an operator serves a requirement when every level is reached', async (t) => {
  const requirement = requirementClass(
    [
      { skill: 'a', minLevel: 3 },
      { skill: 'b', minLevel: 1 },
    ],
    'longestIdle',
  );
  t.equal(canServe({ a: 3, b: 1 }, requirement), true);
  t.equal(canServe({ a: 2, b: 9 }, requirement), false);
  t.equal(canServe({ a: 9 }, requirement), false);
});

t.test('the score of a contact is its deadline: a head start counts as having come earlier', async (t) => {
  const score = (enqueuedAtMs: number, headStartMs: number): number =>
    contactScore({ enqueuedAtMs, answerTargetMs: 120_000, headStartMs });
  t.equal(score(start, 0), start + 120_000);
  t.equal(score(start + 30_000, 30_000), score(start, 0));
});

t.test('settings: defaults are filled in and faults are named with their place', async (t) => {
  t.match(documents, { strategy: 'leastSkilled', answerTargetMs: 120_000, ringTimeoutMs: 15_000, headStartMs: 0 });
  t.same(operatorSchema.parse({ id: '101', extension: '101', name: 'A', skills: { a: 1 } }).capacity, {
    voice: 1,
    chat: 0,
  });
  const faults = queueSchema.safeParse({
    id: 'Documents',
    name: '',
    requirement: [{ skill: 'a', minLevel: 11 }],
    ringTimeoutMs: 1,
  });
  t.same(faults.error?.issues.map((issue) => issue.path.join('.')).sort(), [
    'id',
    'name',
    'requirement.0.minLevel',
    'ringTimeoutMs',
  ]);
  t.equal(operatorSchema.safeParse({ id: '101', extension: '1', name: 'A', skills: {} }).success, false);
  t.equal(skillSchema.safeParse({ id: 'a', name: 'A', level: 3 }).success, false);
});

t.test('figures: one formula each', async (t) => {
  const contacts: readonly QueuedContact[] = [
    { end: 'answered', waitMs: 10_000, talkMs: 100_000, wrapUpMs: 20_000 },
    { end: 'answered', waitMs: 20_000, talkMs: 60_000 },
    { end: 'answered', waitMs: 150_000, talkMs: 20_000, wrapUpMs: 10_000 },
    { end: 'abandoned', waitMs: 60_000 },
    { end: 'abandoned', waitMs: 5_000 },
    { end: 'otherwise', waitMs: 120_000 },
  ];
  t.equal(serviceLevel(contacts, 20_000), 2 / 5, 'the short abandon does not count');
  t.equal(serviceLevel(contacts, 19_999), 1 / 5);
  t.equal(abandonedShare(contacts), 1 / 5);
  t.equal(averageSpeedOfAnswerMs(contacts), 60_000);
  t.equal(averageHandlingTimeMs(contacts), 70_000);
  t.equal(occupancy({ idleMs: 30_000, offeredMs: 10_000, connectedMs: 50_000, wrapUpMs: 10_000 }), 0.6);
  t.equal(serviceLevel([], 20_000), undefined);
  t.equal(occupancy({ idleMs: 0, offeredMs: 0, connectedMs: 0, wrapUpMs: 0 }), undefined);
});

t.test('a contact and an operator meet, whichever comes first', async (t) => {
  const { acd, enqueue, ready, offers } = await hotline();
  await enqueue('c1');
  t.same(await offers(), []);
  await ready('101');
  t.same(await offers(), ['c1>101']);
  await ready('102');
  await enqueue('c2');
  t.same(await offers(), ['c1>101', 'c2>102']);
  await acd.stop();
});

t.test(
  'a missed offer goes on to the next operator, and the one who missed it comes back to the millisecond',
  async (t) => {
    const { acd, clock, enqueue, ready, offers, offerOf } = await hotline();
    await ready('101', '102');
    await enqueue('c1');
    await enqueue('c2');
    t.same(await offers(), ['c1>101', 'c2>102']);
    await clock.moveTo(start + 15_000);
    t.equal(await acd.offerFailed({ ...(await offerOf('c1')), failure: 'offerUnanswered' }, by), 'givenBack');
    t.same(await offers(), ['c2>102'], 'nobody is free for c1');
    t.equal(await acd.position(contact('c1')), 1);
    await clock.moveTo(start + 44_999);
    t.same(await offers(), ['c2>102']);
    await clock.moveTo(start + 45_000);
    t.equal((await acd.operator(operator('101')))?.setAsideUntilMs, undefined, 'after the 30 s of unanswered offers');
    t.same(await offers(), ['c2>102'], 'not the same caller again while another on duty can serve him');
    await acd.setPresence(operator('102'), { presence: 'notReady', reason: 'lunch' }, by);
    await clock.moveTo(start + 45_000);
    t.same(await offers(), ['c1>101', 'c2>102'], 'nobody else is left');
    await acd.stop();
  },
);

t.test('each failure has its own delay', async (t) => {
  for (const [failure, delayMs] of [
    ['offerDeclined', 20_000],
    ['operatorBusy', 10_000],
    ['operatorUnreachable', 30_000],
  ] as const) {
    const { acd, enqueue, ready, offerOf } = await hotline();
    await ready('101');
    await enqueue('c1');
    await acd.offerFailed({ ...(await offerOf('c1')), failure }, by);
    t.equal((await acd.operator(operator('101')))?.setAsideUntilMs, start + delayMs, failure);
    await acd.stop();
  }
});

t.test('a caller who hangs up while it rings frees the operator for the next one at once', async (t) => {
  const { acd, enqueue, ready, offers, offerOf } = await hotline();
  await ready('101');
  await enqueue('c1');
  await enqueue('c2');
  await enqueue('c3');
  await acd.offerFailed({ ...(await offerOf('c1')), failure: 'contactGone' }, by);
  t.same(await offers(), ['c2>101']);
  t.equal(await acd.withdraw(contact('c2'), by), 'withdrawn');
  t.same(await offers(), ['c3>101']);
  t.equal(await acd.withdraw(contact('c2'), by), 'notQueued');
  await acd.stop();
});

t.test('after the conversation the operator is offered the next contact only when wrap-up is over', async (t) => {
  const { acd, enqueue, ready, offers, offerOf } = await hotline();
  await ready('101');
  await enqueue('c1');
  t.equal(await acd.offerAnswered((await offerOf('c1')).offerId, by), 'connected');
  await enqueue('c2');
  const held = { operatorId: operator('101'), contactId: contact('c1') };
  t.equal(await acd.release({ ...held, wrapUp: true }, by), 'released');
  t.same(await offers(), []);
  t.equal(await acd.endWrapUp(held, by), 'idle');
  t.same(await offers(), ['c2>101']);
  await acd.stop();
});

t.test('an offer nobody speaks for is given back when its lease runs out, by whichever process is alive', async (t) => {
  const { acd, stores, clock, enqueue, ready, offers } = await hotline();
  const other = createAcdService({ store: stores.queue, clock, logger: silentLogger, queues: [documents], operators });
  await other.start();
  await ready('101');
  await enqueue('c1');
  await acd.stop();
  await clock.moveTo(start + 34_999);
  const before = await offers();
  const [first] = await stores.queue.operators();
  await clock.moveTo(start + 35_000);
  const [second] = await stores.queue.operators();
  t.same(before, ['c1>101']);
  t.same(await offers(), ['c1>101'], 'offered again, to the only operator');
  t.not(first?.offerId, second?.offerId);
  await other.stop();
  await settled();
  t.same(clock.due(), [], 'no timer is left behind');
});

t.test('signing out while it rings gives the contact to the next operator', async (t) => {
  const { acd, enqueue, ready, offers } = await hotline();
  await ready('101');
  await enqueue('c1');
  await ready('102');
  t.same(await offers(), ['c1>101']);
  t.equal(await acd.signOut(operator('101'), by), 'done');
  t.same(await offers(), ['c1>102']);
  await acd.stop();
});

t.test('a match that the store could not make is made when it can', async (t) => {
  let away = false;
  const { acd, clock, enqueue, ready, offers } = await hotline({
    store: (store) =>
      new Proxy(store, {
        get(target, name: keyof QueueStore) {
          const verb = target[name].bind(target) as (...args: unknown[]) => Promise<unknown>;
          if (name !== 'matchContact' && name !== 'matchOperator') return verb;
          return (...args: unknown[]) =>
            away ? Promise.reject(new DozvonError('REDIS_UNAVAILABLE', 'away')) : verb(...args);
        },
      }),
  });
  await enqueue('c1');
  away = true;
  await ready('101');
  t.match(await acd.operator(operator('101')), { presence: 'ready' }, 'he is ready all the same');
  await clock.moveTo(start + 1_000);
  t.same(await offers(), []);
  away = false;
  await clock.moveTo(start + 10_000);
  t.same(await offers(), ['c1>101']);
  await acd.stop();
});

t.test('a contact that cannot be judged keeps nobody from whoever is free at the same instant', async (t) => {
  const steps = [{ afterMs: 30_000, requirement: 'documents', considerIf: { estimateAboveMs: 1_000 } }];
  const asked = queueSchema.parse({ id: 'asked', name: 'Asked', requirement: 'documents >= 9', steps });
  let broken = true;
  const { acd, clock, enqueue, ready, offers, offerOf } = await hotline({
    queues: [documents, asked],
    store: (store) =>
      new Proxy(store, {
        get(target, name: keyof QueueStore) {
          const verb = target[name].bind(target) as (...args: unknown[]) => Promise<unknown>;
          if (name !== 'figures') return verb;
          return (...args: unknown[]) => (broken ? Promise.reject(new Error('a defect')) : verb(...args));
        },
      }),
  });
  await ready('101');
  await enqueue('c1');
  await acd.enqueue(
    { contactId: contact('c2'), queueId: 'asked', lineId: 'general', shard: 's1', enqueuedAtMs: start },
    by,
  );
  await acd.offerFailed({ ...(await offerOf('c1')), failure: 'offerUnanswered' }, by);
  t.same(await offers(), [], 'set aside until the instant at which c2 is to be judged');
  await clock.moveTo(start + 30_000);
  t.same(await offers(), ['c1>101']);
  broken = false;
  await ready('102');
  await acd.offerAnswered((await offerOf('c1')).offerId, by);
  await clock.moveTo(start + 40_000);
  t.same(await offers(), ['c2>102'], 'and is judged when it can be');
  await acd.stop();
});

t.test('a new configuration registers who is new and lets go of who is not there any more', async (t) => {
  const { acd, enqueue, ready, offers, offerOf } = await hotline();
  await ready('101', '102');
  await enqueue('c1');
  await acd.offerAnswered((await offerOf('c1')).offerId, by);
  const third = operatorSchema.parse({ id: '103', extension: '103', name: 'Third', skills: { documents: 3 } });
  t.same(await acd.configure({ queues: [documents], operators: [third] }, by), {
    registered: 1,
    removed: ['102'],
    leaving: ['101'],
  });
  t.equal(await acd.signIn(operator('101'), by), 'unknownOperator', 'he may finish, not begin again');
  await enqueue('c2');
  await acd.release({ operatorId: operator('101'), contactId: contact('c1'), wrapUp: false }, by);
  t.same(
    (await acd.operators()).map((each) => each.operatorId),
    ['103'],
  );
  await ready('103');
  t.same(await offers(), ['c2>103']);
  await t.rejects(
    acd.enqueue({ contactId: contact('c9'), queueId: 'none', lineId: 'general', shard: 's1', enqueuedAtMs: start }, by),
    { code: 'UNKNOWN_QUEUE' },
  );
  await acd.stop();
});

t.test('queues now: who waits, for how long, who could be rung', async (t) => {
  const { acd, clock, enqueue, ready, offers } = await hotline();
  await enqueue('c1');
  await clock.moveTo(start + 5_000);
  await enqueue('c2');
  await acd.signIn(operator('102'), by);
  t.same(await acd.queuesNow(), [
    {
      queueId: 'documents',
      name: 'Documents',
      waiting: 2,
      offered: 0,
      longestWaitMs: 5_000,
      readyOperators: 0,
      signedInOperators: 1,
    },
  ]);
  await ready('101');
  t.same(await offers(), ['c1>101']);
  t.match(await acd.queuesNow(), [{ waiting: 2, offered: 1, readyOperators: 0, signedInOperators: 2 }]);
  t.match(await acd.operator(operator('101')), { name: 'Operator 101', extension: '101', work: { voice: 'offered' } });
  t.equal(acd.operatorOfExtension('102'), '102');
  t.match(await acd.waitingContacts('documents'), [
    { contactId: 'c1', position: 1 },
    { contactId: 'c2', position: 2 },
  ]);
  t.same(await acd.waitingContacts('other'), []);
  await acd.stop();
});

t.test('logging off while it rings withdraws the offer, and the contact goes on at once', async (t) => {
  const { acd, enqueue, ready, offers } = await hotline();
  await ready('101');
  await enqueue('c1');
  await ready('102');
  t.equal(await acd.setPresence(operator('101'), { presence: 'loggedOff' }, by), 'done');
  t.same(await offers(), ['c1>102']);
  await acd.stop();
});

t.test('wrap-up of the queue ends to the millisecond by itself, later when extended, sooner when ended', async (t) => {
  const { acd, clock, enqueue, ready, offers, offerOf } = await hotline();
  await ready('101');
  const held = { operatorId: operator('101'), contactId: contact('c1') };
  await enqueue('c1');
  await acd.offerAnswered((await offerOf('c1')).offerId, by);
  await enqueue('c2');
  await acd.release({ ...held, wrapUp: true, queueId: 'documents' }, by);
  t.equal(await acd.extendWrapUp(held, 5_000, by), start + 35_000);
  await clock.moveTo(start + 34_999);
  t.same(await offers(), []);
  t.equal(await acd.endWrapUp(held, by, 'onlyWhenDue'), 'notDue');
  await clock.moveTo(start + 35_000);
  t.same(await offers(), ['c2>101']);
  await acd.stop();
});

t.test('a step widens at its instant and the contact is offered; a condition is judged by estimate', async (t) => {
  const steps = [
    { afterMs: 3_000, requirement: 'documents >= 6', considerIf: { estimateAboveMs: 1_000 } },
    { afterMs: 9_000, requirement: 'documents' },
  ];
  const queue = queueSchema.parse({ id: 'documents', name: 'Documents', requirement: 'documents >= 9', steps });
  const { acd, clock, enqueue, ready, offers } = await hotline({ queues: [queue] });
  await ready('101');
  await enqueue('c1');
  await clock.moveTo(start + 2_999);
  t.same(await offers(), []);
  t.match(await acd.waitingContact(contact('c1')), { position: 1, steps: [{ state: 'active' }, {}, {}] });
  t.same(await acd.whyNot(operator('101'), contact('c1')), ['lacksSkills']);
  t.equal(await acd.whyNot(operator('999'), contact('c1')), 'unknown');
  await clock.moveTo(start + 3_000);
  t.same(await offers(), ['c1>101'], 'nobody on duty could serve: above any estimate');
  await acd.stop();
});

t.test('moved to another queue, a contact keeps its wait and its own head start', async (t) => {
  const other = queueSchema.parse({
    id: 'other',
    name: 'Other',
    requirement: 'documents',
    answerTargetMs: 60_000,
    headStartMs: 5_000,
  });
  const { acd, clock, enqueue, ready, offers } = await hotline({ queues: [documents, other] });
  await enqueue('c1');
  t.equal(await acd.setHeadStart(contact('c1'), 20_000, by), 'done');
  t.match(await acd.waitingContact(contact('c1')), { score: start + 100_000, headStartMs: 20_000 });
  await clock.moveTo(start + 1_000);
  t.equal(await acd.moveContact(contact('c1'), { queueId: 'other' }, by), 'moved');
  const moved = { queueId: 'other', enqueuedAtMs: start, score: start + 35_000, headStartMs: 25_000 };
  t.match(await acd.waitingContact(contact('c1')), moved);
  t.match(await acd.waitingContact(contact('c1')), { estimateMs: undefined }, 'nobody is on duty');
  await ready('101');
  t.same(await offers(), ['c1>101']);
  t.match(await acd.waitingContact(contact('c1')), { estimateMs: 126_420 });
  t.equal(await acd.moveContact(contact('c9'), { queueId: 'other' }, by), 'notQueued');
  await t.rejects(acd.moveContact(contact('c1'), { queueId: 'none' }, by), { code: 'UNKNOWN_QUEUE' });
  await acd.stop();
});

t.test('limits are named in the outcome; who had a place keeps it', async (t) => {
  const limits = { length: { most: 1, to: { queue: 'documents' } }, nobodyLoggedIn: { to: { node: 'message' } } };
  const queue = queueSchema.parse({ id: 'documents', name: 'Documents', requirement: 'documents', limits });
  const { acd, enqueue } = await hotline({ queues: [queue] });
  t.equal(await enqueue('c1'), 'nobodyLoggedIn');
  await acd.signIn(operator('101'), by);
  t.equal(await enqueue('c1'), 'enqueued');
  t.equal(await enqueue('c2'), 'queueFull');
  const place = { queueId: 'documents', lineId: 'general', shard: 's1', enqueuedAtMs: start };
  t.same(await acd.enqueue({ contactId: contact('c2'), ...place, keepsPlace: true }, by), {
    outcome: 'enqueued',
    position: 2,
  });
  await acd.stop();
});
