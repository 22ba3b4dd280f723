import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import t from 'tap';
import {
  createAcdService,
  operatorSchema,
  type QueueEvent,
  queueSchema,
  requirementClass,
} from '../../src/acd/index.ts';
import {
  asId,
  bySystem,
  type ContactId,
  type OperatorId,
  silentLogger,
  systemClock,
  withLimit,
} from '../../src/foundation/index.ts';
import { closeConnection, connectNow, openConnection } from '../../src/store/redis/connection.ts';
import { createRedisStores, type RedisStores } from '../../src/store/redis/index.ts';
import { bringUpToDate, schemaVersion } from '../../src/store/redis/schema.ts';
import { keysOfVersion1, writeKeys } from '../support/keys-of-version-1.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';

const start = 1_800_000_000_000;
const limitMs = 10_000;
const by = bySystem('test', 'test');
const redis: TestRedis = await startRedis();
t.teardown(() => redis.stop());

function request(
  name: string,
  skill: string,
): Parameters<Awaited<ReturnType<TestRedis['stores']>>['queue']['enqueue']>[0] {
  return {
    contactId: asId<ContactId>(name),
    queueId: skill,
    lineId: 'general',
    medium: 'voice',
    requirement: requirementClass([{ skill, minLevel: 1 }], 'longestIdle'),
    score: start,
    enqueuedAtMs: start,
    shard: 's1',
  };
}

t.test('classes and profiles that appear at the same moment in several processes all find each other', async (t) => {
  const processes = await Promise.all([1, 2, 3].map(() => redis.stores('map:')));
  const skills = Array.from({ length: 12 }, (_, i) => `skill${i}`);
  await Promise.all(
    skills.flatMap((skill, i) => {
      const { queue } = processes[i % 3] as (typeof processes)[number];
      const { queue: other } = processes[(i + 1) % 3] as (typeof processes)[number];
      const operatorId = asId<OperatorId>(skill);
      return [
        queue.registerOperator(
          { operatorId, extension: `${i}`, skills: { [skill]: 1 }, capacity: { voice: 1 } },
          start,
        ),
        other.enqueue(request(skill, skill), start),
      ];
    }),
  );
  const [{ queue }] = processes as [(typeof processes)[number]];
  for (const skill of skills) {
    const operatorId = asId<OperatorId>(skill);
    await queue.signIn(operatorId, start);
    await queue.setReachable(operatorId, true, start);
    await queue.setPresence(operatorId, 'ready', { nowMs: start });
    t.match(await queue.matchOperator(operatorId, { nowMs: start, leaseMs: 1 }), {
      contactId: skill,
      operatorId: skill,
    });
  }
});

t.test('of classes and strategies that are gone nothing is left', async (t) => {
  const { queue } = await redis.stores('gone:');
  const operatorId = asId<OperatorId>('101');
  await queue.registerOperator({ operatorId, extension: '101', skills: { a: 1 }, capacity: { voice: 1 } }, start);
  await queue.signIn(operatorId, start);
  await queue.setReachable(operatorId, true, start);
  await queue.setPresence(operatorId, 'ready', { nowMs: start });
  await queue.enqueue(request('c1', 'a'), start);
  await queue.withdraw(asId('c1'), start);
  const ofClasses = async (): Promise<readonly string[]> => {
    const keys = await redis.client.keys('gone:*');
    return keys.filter((key) => /classes|strateg|served|serves|ready|heads|class-/.test(key)).sort();
  };
  t.ok((await ofClasses()).length >= 6, (await ofClasses()).join());
  await queue.forgetClasses([], start);
  t.same(await ofClasses(), []);
});

t.test('a process of an older configuration goes on with its classes', async (t) => {
  const clock = systemClock();
  const operators = [operatorSchema.parse({ id: '101', extension: '101', name: 'One', skills: { a: 1 } })];
  const withRequirement = async (requirement: string) => {
    const { queue: store } = await redis.stores('configured:');
    const queues = [queueSchema.parse({ id: 'a', name: 'A', requirement })];
    const acd = createAcdService({ store, clock, logger: silentLogger, queues, operators });
    t.teardown(() => acd.stop());
    await acd.start();
    return { acd, store };
  };
  const classes = async (): Promise<number> => await redis.client.hlen('configured:classes');
  const older = await withRequirement('a');
  const arrive = (contactId: string) =>
    older.acd.enqueue({ contactId: asId(contactId), queueId: 'a', lineId: 'l', shard: 's1', enqueuedAtMs: 0 }, by);
  t.match(await arrive('c1'), { outcome: 'enqueued' });
  await older.acd.withdraw(asId('c1'), by);
  t.equal(await classes(), 1);
  const newer = await withRequirement('anyone');
  t.equal(await classes(), 0, 'forgotten by the one that does not have it');
  t.match(await arrive('c2'), { outcome: 'enqueued' }, 'and defined again by the one that has');
  t.equal((await newer.store.contact(asId('c2')))?.qualified.loggedIn, 0);
  await newer.acd.signIn(asId('101'), by);
  t.equal((await newer.store.contact(asId('c2')))?.qualified.loggedIn, 1, 'with everything that belongs to it');
});

t.test('what one process makes due, another gives back when the first is gone', async (t) => {
  const clock = systemClock();
  const settings = {
    queues: [
      queueSchema.parse({
        id: 'a',
        name: 'A',
        requirement: [{ skill: 'a' }],
        setAside: { unansweredMs: 400, busyMs: 400, declinedMs: 400 },
      }),
    ],
    operators: [operatorSchema.parse({ id: '101', extension: '101', name: 'One', skills: { a: 1 } })],
  };
  const [first, second] = await Promise.all([redis.stores('due:'), redis.stores('due:')]);
  const dying = createAcdService({ store: first.queue, clock, logger: silentLogger, ...settings });
  const living = createAcdService({ store: second.queue, clock, logger: silentLogger, ...settings });
  await dying.start();
  await living.start();
  t.teardown(() => living.stop());
  const operatorId = asId<OperatorId>('101');
  await dying.signIn(operatorId, by);
  await dying.setReachable(operatorId, true, by);
  await dying.setPresence(operatorId, { presence: 'ready' }, by);
  const place = { queueId: 'a', lineId: 'general', shard: 's1', enqueuedAtMs: clock.nowMs() };
  await dying.enqueue({ contactId: asId('c1'), ...place }, by);

  const offers: (QueueEvent & { readonly type: 'offerMade' })[] = [];
  const stop = new AbortController();
  const again = Promise.withResolvers<void>();
  const reading = second.inbox.consume(
    's1',
    async (event) => {
      if (event.type !== 'offerMade') return;
      offers.push(event);
      if (offers.length > 1) again.resolve();
      else {
        await dying.offerFailed({ offerId: event.offerId, queueId: 'a', failure: 'offerUnanswered' }, by);
        await dying.stop();
        await first.close();
      }
    },
    stop.signal,
  );
  await withLimit(again.promise, limitMs, 'the second offer');
  stop.abort();
  await reading;
  const view = await second.queue.operator(operatorId);
  t.match(view, { work: { voice: 'offered' }, contactId: 'c1' });
  const backAtMs = (await second.queue.operator(operatorId))?.readySinceMs ?? 0;
  t.ok((offers[1]?.atMs ?? 0) >= backAtMs, 'not before his time');
  // At once, but for a machine that is busy with other things; without word from the other process it would be never.
  t.ok((offers[1]?.atMs ?? 0) - backAtMs < 1_000, `soon after it: ${(offers[1]?.atMs ?? 0) - backAtMs} ms`);
});

/** One operator who is ready, and somebody who hears the offers of the shard `s1`. */
async function listening(prefix: string): Promise<{
  readonly stores: RedisStores;
  readonly heard: string[];
  readonly until: (count: number) => Promise<void>;
  readonly end: () => Promise<void>;
}> {
  const stores = await redis.stores(prefix);
  const operatorId = asId<OperatorId>('101');
  await stores.queue.registerOperator(
    { operatorId, extension: '101', skills: { a: 1 }, capacity: { voice: 1 } },
    start,
  );
  await stores.queue.signIn(operatorId, start);
  await stores.queue.setReachable(operatorId, true, start);
  await stores.queue.setPresence(operatorId, 'ready', { nowMs: start });
  const heard: string[] = [];
  const stop = new AbortController();
  const deliver = async (event: QueueEvent): Promise<void> => {
    heard.push(`${event.type} ${event.contactId}`);
  };
  const reading = stores.inbox.consume('s1', deliver, stop.signal);
  const until = (count: number): Promise<void> => eventually(async () => heard.length >= count, `${count} events`);
  await eventually(async () => (await redis.client.exists(`${prefix}inbox-reader:s1`)) === 1, 'the reader');
  // Its own process knows of it a moment later.
  await new Promise((resolve) => setImmediate(resolve));
  return {
    stores,
    heard,
    until,
    async end() {
      stop.abort();
      await withLimit(reading, limitMs, 'the end of the reader');
    },
  };
}

async function eventually(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const until = Date.now() + limitMs;
  while (!(await isSo())) {
    if (Date.now() > until) throw new Error(`expected ${what} within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

t.test('an offer made by its owner’s own verb does not go through the inbox, and is kept while it rings', async (t) => {
  const { stores, heard, until, end } = await listening('own:');
  const match = { nowMs: start, leaseMs: 60_000 };
  const { reservation } = await stores.queue.enqueueAndMatch(request('c1', 'a'), match);
  await until(1);
  t.same(heard, ['offerMade c1']);
  t.equal(await redis.client.exists('own:inbox:s1'), 0);
  t.equal(await redis.client.hlen('own:told:s1'), 1);
  await stores.queue.offerAnswered(reservation?.offerId ?? asId<never>('none'), start);
  t.equal(await redis.client.exists('own:told:s1'), 0);
  await end();
});

t.test('an offer made by another process comes through the inbox', async (t) => {
  const { heard, until, end } = await listening('others:');
  const other = await redis.stores('others:');
  await other.queue.enqueueAndMatch(request('c1', 'a'), { nowMs: start, leaseMs: 60_000 });
  await until(1);
  t.same(heard, ['offerMade c1']);
  t.equal(await redis.client.exists('others:told:s1'), 0);
  await eventually(async () => (await redis.client.xlen('others:inbox:s1')) === 0, 'the acknowledgement');
  await end();
});

t.test('an offer that rings when its owner dies is told to the next one; one that is over is not', async (t) => {
  const { stores, until, end } = await listening('next:');
  await stores.queue.enqueueAndMatch(request('c1', 'a'), { nowMs: start, leaseMs: 60_000 });
  await until(1);
  await end();
  await redis.client.hset('next:told:s1', 'o-of-the-past', '{"type":"offerMade","contactId":"c0"}');
  const next = await listening('next:');
  await next.until(1);
  t.same(next.heard, ['offerMade c1']);
  t.equal(await redis.client.hlen('next:told:s1'), 1, 'what is over has been forgotten');
  await next.end();
});

t.test('an offer whose answer was lost on the way is told all the same', async (t) => {
  const { stores, heard, until, end } = await listening('lost:');
  await stores.queue.enqueue(request('c1', 'a'), start);
  // As this process would ask, on a connection whose reply it never sees.
  const token = await redis.client.get('lost:inbox-reader:s1');
  const [library] = (await redis.client.function('LIST')) as readonly (readonly unknown[])[];
  const name = `${String(library?.[1])}_match_operator`;
  const args = [start, '', '', '101', 'o1', start + 60_000, `s1 ${token} `];
  await redis.client.fcall(name, 1, 'lost:', ...args);
  t.same(heard, []);
  await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await t.rejects(stores.queue.matchOperator(asId('101'), { nowMs: start, leaseMs: 1 }), { code: 'REDIS_UNAVAILABLE' });
  await until(1);
  t.same(heard, ['offerMade c1']);
  await end();
});

t.test('a save and its command ask Redis once, and a command that Redis refuses leaves the save', async (t) => {
  const { queue, contactStates, leases } = await redis.stores('once:');
  const lease = await leases.acquire('s1', { nodeId: 'n1', nowMs: start, leaseMs: 10_000 });
  if (lease === undefined) throw new Error('expected a lease');
  await queue.enqueue(request('c1', 'a'), start);
  const contactId = asId<ContactId>('c1');
  const save = async (sealedState: string): Promise<unknown> => {
    let command: Promise<unknown> = Promise.resolve();
    const change = { sealedState, timeline: [] };
    const outcome = await contactStates.saveWith(lease, contactId, change, (ahead) => {
      command = queue.withdraw(contactId, start, { ...by, ahead });
    });
    t.equal(outcome, 'saved');
    return await command;
  };
  await redis.client.call('CONFIG', 'RESETSTAT');
  t.same(await save('one'), { outcome: 'withdrawn' });
  t.match(await redis.client.info('commandstats'), /^cmdstat_fcall:calls=1,/m);
  t.equal(await redis.client.hget('once:contacts:s1', 'c1'), 'one');

  // A key of the wrong type: the verb fails after the save.
  await redis.client.set('once:contact:c1', 'not a hash');
  await t.rejects(save('two'), { code: 'REDIS_REFUSED' });
  t.equal(await redis.client.hget('once:contacts:s1', 'c1'), 'two');
});

t.test('a schema of a later program is left alone, an older one is migrated once', async (t) => {
  const client = redis.client;
  await client.set('later:schema', schemaVersion + 1);
  await t.rejects(createRedisStores({ url: redis.url, prefix: 'later:', logger: silentLogger }), {
    code: 'REDIS_SCHEMA_NEWER',
  });

  await client.set('older:schema', 1);
  const ran: number[] = [];
  const step = (to: number) => ({
    to,
    describe: `to ${to}`,
    async migrate(connection: Redis, prefix: string) {
      ran.push(to);
      await connection.set(`${prefix}made-by-${to}`, 1);
    },
  });
  const options = { logger: silentLogger, migrations: [step(2), step(3)], version: 3 };
  await Promise.all([bringUpToDate(client, 'older:', options), bringUpToDate(client, 'older:', options)]);
  t.same(ran, [2, 3], 'each step once, in order, though two processes started together');
  t.equal(await client.get('older:schema'), '3');
  t.equal(await client.get('older:schema-lock'), null);
});

t.test('what a program of version 1 left behind is gone on with', async (t) => {
  await writeKeys(redis.client, 'v1:', keysOfVersion1);
  const { queue, inbox } = await redis.stores('v1:');
  t.equal(await redis.client.get('v1:schema'), String(schemaVersion));
  const at = (afterMs: number) => ({ nowMs: start + 20_000 + afterMs, leaseMs: 35_000 });
  const operator = (name: string) => asId<OperatorId>(name);
  const contact = (name: string) => asId<ContactId>(name);
  // As the service does at its start.
  for (const { operatorId, extension, skills, capacity } of await queue.operators()) {
    await queue.registerOperator({ operatorId, extension, skills, capacity }, at(0).nowMs);
  }
  t.match(
    (await queue.operators()).map(({ operatorId, work, setAsideUntilMs }) => [operatorId, work.voice, setAsideUntilMs]),
    [
      ['101', 'idle', undefined],
      ['102', 'offered', undefined],
      ['103', 'connected', undefined],
      ['104', 'wrapUp', undefined],
      ['105', 'idle', start + 30_007],
      ['106', 'idle', undefined],
    ],
  );

  t.match(await queue.contact(contact('c1')), { position: 2, qualified: { loggedIn: 0, onDuty: 0 } });
  await queue.signIn(operator('106'), at(1).nowMs);
  await queue.setReachable(operator('106'), true, at(1).nowMs);
  await queue.setPresence(operator('106'), 'ready', { nowMs: at(1).nowMs });
  t.match(await queue.contact(contact('c1')), { qualified: { loggedIn: 1, onDuty: 1 } });
  t.match(await queue.matchOperator(operator('106'), at(1)), { contactId: 'c1' }, 'under the class it had');

  const ringing = (await queue.contact(contact('c2')))?.offerId;
  if (ringing === undefined) throw new Error('expected an offer');
  t.equal(await queue.offerAnswered(ringing, at(2).nowMs), 'connected');
  for (const [operatorId, contactId] of [
    [operator('102'), contact('c2')],
    [operator('103'), contact('c3')],
  ] as const) {
    const release = { nowMs: at(3).nowMs, wrapUp: true, wrapUpMs: 5_000 };
    t.equal(await queue.release(operatorId, contactId, release), 'released');
  }
  t.same(await queue.endDueWrapUps(at(5_003).nowMs), ['102', '103']);
  t.equal(await queue.extendWrapUp(operator('104'), contact('c4'), 1_000, at(3).nowMs), at(1_003).nowMs);
  t.equal(await queue.endWrapUp(operator('104'), contact('c4'), at(4).nowMs), 'idle');
  const told: string[] = [];
  const stop = new AbortController();
  const reading = inbox.consume(
    's1',
    async (event) => {
      told.push(`${event.contactId} ${event.type}`);
      if (event.type === 'wrapUpOver') stop.abort();
    },
    stop.signal,
  );
  await withLimit(reading, limitMs, 'the end of the wrap-up to be told').finally(() => stop.abort());
  t.ok(told.includes('c4 wrapUpExtended') && told.includes('c4 wrapUpOver'), told.join());
  t.same(await queue.releaseDue(at(20_000).nowMs), ['105']);

  // 105 knows more than the others, 101 two things: the least skilled come before them.
  const requirement = requirementClass('a', 'leastSkilled');
  await queue.enqueue({ ...request('c6', 'a'), requirement }, at(20_001).nowMs);
  t.match(await queue.matchContact(contact('c6'), at(20_001)), { operatorId: '104' }, 'idle for longest of these');
  t.equal(await redis.client.hget('v1:operator:103', 'engaged'), '0', 'what is held is counted as it was');

  await queue.withdraw(contact('c1'), at(20_002).nowMs);
  await queue.withdraw(contact('c6'), at(20_002).nowMs);
  for (const { operatorId } of await queue.operators()) {
    t.equal(await queue.removeOperator(operatorId, at(20_003).nowMs), 'removed', operatorId);
  }
  await queue.forgetClasses([], at(20_004).nowMs);
  const kept = ['schema', 'map-version', 'figures', 'events', 'inbox:s1', 'shards', 'shard:s1', 'contacts:s1'];
  const left = (await redis.client.keys('v1:*')).map((key) => key.slice('v1:'.length));
  t.same(
    left.filter((key) => !kept.includes(key) && !key.startsWith('inbox-reader')),
    [],
    'nothing of it is left behind',
  );
});

t.test('call-backs that a program of version 3 left behind keep their places', async (t) => {
  const { queue: before } = await redis.stores('v3:');
  const operatorId = asId<OperatorId>('101');
  await before.registerOperator({ operatorId, extension: '101', skills: { a: 1 }, capacity: { voice: 1 } }, start);
  await before.signIn(operatorId, start);
  await before.setReachable(operatorId, true, start);
  await before.setPresence(operatorId, 'ready', { nowMs: start });
  for (const [i, name] of ['rung', 'next', 'last'].entries()) {
    await before.enqueue({ ...request(name, 'a'), kind: 'callBack', score: start + i }, start);
  }
  const options = { nowMs: start, leaseMs: 35_000 };
  const offer = await before.matchCallBack('a', options);
  t.equal(offer?.contactId, 'rung');
  // As version 3 has it: whoever waits is in one set of the queue, whoever is rung in none.
  const { client } = redis;
  for (const key of await client.keys('v3:*'))
    if (/waiting-call-backs|call-back-heads/.test(key)) await client.del(key);
  await client.zrem('v3:call-backs:a', 'rung');
  await client.set('v3:schema', 3);

  const { queue } = await redis.stores('v3:');
  t.equal(await client.get('v3:schema'), String(schemaVersion));
  const position = (name: string): Promise<number | undefined> => queue.position(asId<ContactId>(name));
  t.same([await position('rung'), await position('next'), await position('last')], [1, 2, 3]);
  await queue.offerAnswered(offer?.offerId ?? asId('none'), start);
  await queue.release(operatorId, asId('rung'), { nowMs: start, wrapUp: false });
  t.equal((await queue.matchOperator(operatorId, options))?.contactId, 'next');
  for (const name of ['next', 'last']) await queue.withdraw(asId<ContactId>(name), start);
  t.same(await client.keys('v3:*call-back*'), [], 'nothing of them is left behind');
});

t.test('an answer that came while this process was held up is taken', async (t) => {
  const client = openConnection(redis.url, { logger: silentLogger, name: 'held-up', blocking: false });
  await connectNow(client);
  t.teardown(() => closeConnection(client));
  const asked = client.blpop('held-up', 0);
  await pause(600); // So that it has been seen under way.
  await new Promise((resolve) => setImmediate(resolve)); // After this the timers come before the sockets.
  void redis.client.rpush('held-up', 'answer');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
  t.same(await asked, ['held-up', 'answer']);
});

t.test('no Redis: one code, at once', async (t) => {
  await t.rejects(createRedisStores({ url: '/nonexistent/redis.sock', prefix: 'x:', logger: silentLogger }), {
    code: 'REDIS_UNAVAILABLE',
  });
});

t.test('the loss of Redis is told with a code, in bounded time, and survived', async (t) => {
  const stores = await redis.stores('loss:');
  const stop = new AbortController();
  const events: string[] = [];
  let wake = (): void => undefined;
  const reading = Promise.all([
    stores.inbox.consume('s1', async () => undefined, stop.signal),
    stores.events.consume(
      'test',
      async (batch) => {
        events.push(...batch.map(({ entry }) => entry.kind));
        wake();
      },
      stop.signal,
    ),
    stores.queue.watchDue(() => undefined, stop.signal),
  ]);
  await stores.queue.enqueue(request('c1', 'a'), start);
  await redis.kill();
  const askedAtMs = Date.now();
  await t.rejects(stores.queue.matchContact(asId('c1'), { nowMs: start, leaseMs: 1 }), { code: 'REDIS_UNAVAILABLE' });
  await t.rejects(stores.leases.acquire('s1', { nodeId: 'n', nowMs: start, leaseMs: 1 }), {
    code: 'REDIS_UNAVAILABLE',
  });
  await t.rejects(stores.queue.operators(), { code: 'REDIS_UNAVAILABLE' });
  await t.rejects(stores.ping(), { code: 'REDIS_UNAVAILABLE' });
  t.ok(Date.now() - askedAtMs < 5_000, 'nobody waits for a dead server');

  await redis.restart();
  const answering = async (): Promise<void> => {
    while (
      !(await stores.ping().then(
        () => true,
        () => false,
      ))
    ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await withLimit(answering(), limitMs, 'Redis to be back');
  events.length = 0;
  const heard = new Promise<void>((resolve) => {
    wake = resolve;
  });
  t.equal(await stores.queue.enqueue(request('c2', 'a'), start), 'enqueued');
  await withLimit(heard, limitMs, 'the reader to go on');
  t.ok(events.includes('contactEnqueued'));
  stop.abort();
  await withLimit(reading, limitMs, 'the readers to end');
});

t.test('a Redis that hangs is given up in bounded time, and used again when it answers', async (t) => {
  const stores = await redis.stores('hang:');
  t.equal(await stores.queue.enqueue(request('c1', 'a'), start), 'enqueued');
  await redis.client.client('PAUSE', 3_500, 'ALL');
  const askedAtMs = Date.now();
  const answers = await Promise.allSettled([
    stores.ping(),
    stores.queue.matchContact(asId('c1'), { nowMs: start, leaseMs: 1 }),
  ]);
  const tookMs = Date.now() - askedAtMs;
  for (const answer of answers) t.match(answer, { status: 'rejected', reason: { code: 'REDIS_UNAVAILABLE' } });
  t.ok(tookMs >= 1_900 && tookMs < 3_000, `${tookMs} ms: the limit, and little more`);
  for (let answers = false; !answers && Date.now() - askedAtMs < 10_000; ) {
    answers = await stores.ping().then(
      () => true,
      () => false,
    );
    if (!answers) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.equal(await stores.queue.enqueue(request('c2', 'a'), start), 'enqueued');
});
