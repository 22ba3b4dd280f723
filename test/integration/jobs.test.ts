import t, { type Test } from 'tap';
import type { NoticeGateway, OutboxNotice } from '../../src/cases/index.ts';
import {
  asId,
  bySystem,
  type CallBackId,
  type ContactId,
  DozvonError,
  newId,
  silentLogger,
  systemClock,
  withLimit,
} from '../../src/foundation/index.ts';
import { type CallBackTimes, createDueJobs, type DueJobs, type DueJobsOptions } from '../../src/store/jobs/index.ts';
import { createMemoryCases } from '../../src/store/memory/cases.ts';
import { startRedis } from '../support/redis.ts';

const planted = '+79265550199';
const redis = await startRedis();
t.teardown(() => redis.stop());

let count = 0;

/** Jobs under a prefix of their own over a memory outbox. */
async function started(t: Test, options: Partial<DueJobsOptions> & { readonly prefix?: string }): Promise<DueJobs> {
  count += 1;
  const jobs = createDueJobs({
    redisUrl: redis.url,
    prefix: `jobs${count}:`,
    outbox: createMemoryCases().outbox,
    gateways: {},
    settleSpools: async () => undefined,
    host: 'here',
    clock: systemClock(),
    logger: silentLogger,
    ...options,
  });
  await jobs.start();
  t.teardown(() => jobs.stop());
  return jobs;
}

function store(cases: ReturnType<typeof createMemoryCases>['cases']) {
  const contactId = newId<ContactId>('c', Date.now());
  const draft = {
    contactId,
    lineId: 'support',
    topic: 'documents',
    callBackNumber: planted,
    language: 'ru',
    createdAtMs: Date.now(),
  };
  return cases.storeRequest(draft, {
    idempotencyKey: contactId,
    notices: (caseNumber) => [
      { channel: 'sms', to: planted, template: 'requestRegistered', parameters: { caseNumber } },
    ],
    meta: bySystem('test', 'requestLeft'),
  });
}

/** A gateway that answers as told and keeps what it was given; `until` waits for a number of notices. */
function testGateway(...answers: readonly Awaited<ReturnType<NoticeGateway['send']>>[]) {
  const sent: (OutboxNotice & { readonly noticeId: string })[] = [];
  let told = (): void => undefined;
  const gateway: NoticeGateway = {
    send: async (notice) => {
      sent.push(notice);
      told();
      return answers[sent.length - 1] ?? 'accepted';
    },
  };
  const until = (wanted: number): Promise<void> =>
    withLimit(
      new Promise((resolve) => {
        told = () => {
          if (sent.length >= wanted) resolve();
        };
        told();
      }),
      10_000,
      `${wanted} notices at the gateway`,
    );
  return { gateway, sent, until };
}

async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  const endsAtMs = Date.now() + 5_000;
  while (!(await check())) {
    if (Date.now() > endsAtMs) throw new Error(`${what}: not within 5 s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

t.test('a notice stored before and one stored after the start are sent once, though two processes relay', async (t) => {
  const { cases, outbox } = createMemoryCases();
  const { gateway, sent, until } = testGateway();
  await store(cases);
  await started(t, { prefix: 'twice:', outbox, gateways: { sms: gateway } });
  await started(t, { prefix: 'twice:', outbox, gateways: { sms: gateway } });
  await until(1);
  await store(cases);
  await until(2);
  await eventually(
    'both are marked as sent',
    async () => (await outbox.list({ state: 'sent', limit: 9 })).length === 2,
  );
  t.equal(new Set(sent.map((notice) => notice.noticeId)).size, 2);
  t.equal(sent.length, 2);
  t.match(sent[0], { to: planted, template: 'requestRegistered' });
});

t.test('a gateway that is away is asked again later, one that refuses is not', async (t) => {
  const { cases, outbox } = createMemoryCases();
  const { gateway, until } = testGateway('unavailable', 'refused');
  await started(t, { outbox, gateways: { sms: gateway } });
  await store(cases);
  await until(1);
  await eventually('it is due again', async () => (await outbox.list({ limit: 1 }))[0]?.failure === 'unavailable');
  const [again] = await outbox.list({ limit: 1 });
  t.equal(again?.state, 'pending');
  t.ok((again?.dueAtMs ?? 0) > Date.now() + 30_000);
  await store(cases);
  await until(2);
  await eventually('it has failed', async () => (await outbox.list({ state: 'failed', limit: 1 })).length === 1);
});

t.test('without a gateway notices stay pending', async (t) => {
  const { cases, outbox } = createMemoryCases();
  await store(cases);
  const jobs = await started(t, { outbox });
  await jobs.stop();
  t.match(await outbox.list({ limit: 9 }), [{ state: 'pending', attempts: 0 }]);
});

t.test('Redis holds no personal datum of a notice', async (t) => {
  const { cases, outbox } = createMemoryCases();
  const { gateway, until } = testGateway('unavailable');
  await started(t, { prefix: 'leaks:', outbox, gateways: { sms: gateway } });
  await store(cases);
  await until(1);
  const holdsRetry = async (): Promise<boolean> => (await redis.client.zcard('leaks:jobs:outbox:delayed')) === 1;
  await eventually('the retry is planned', holdsRetry);
  for (const key of await redis.client.keys('*')) {
    const value = await redis.client.dumpBuffer(key);
    t.notOk(value?.includes(planted.slice(2)), key);
  }
});

t.test('abandoned spools are wrapped up after a start and when asked, by one process', async (t) => {
  let settled = 0;
  const settleSpools = async (): Promise<void> => {
    settled += 1;
  };
  const jobs = await started(t, { prefix: 'spool:', settleSpools });
  await started(t, { prefix: 'spool:', settleSpools });
  await eventually('the first interval', async () => settled === 1);
  await jobs.settleSpoolsSoon();
  await eventually('asked for', async () => settled === 2);
  t.equal(settled, 2);
});

t.test('Redis lost and back: jobs go on', async (t) => {
  const { cases, outbox } = createMemoryCases();
  const { gateway, sent, until } = testGateway();
  await started(t, { outbox, gateways: { sms: gateway } });
  await redis.kill();
  await store(cases);
  await redis.restart();
  await until(1);
  await eventually('it is marked', async () => (await outbox.list({ state: 'sent', limit: 1 })).length === 1);
  t.equal(sent.length, 1);
});

/** Stands for PostgreSQL: what is scheduled for when, and what has been made of it. */
function scheduledCallBacks() {
  const scheduled = new Map<CallBackId, number>();
  const made: string[] = [];
  const extents: string[] = [];
  let jobs: DueJobs | undefined;
  const times: CallBackTimes = {
    due: async (callBackId) => {
      const dueAtMs = scheduled.get(callBackId);
      if (dueAtMs === undefined) return;
      if (dueAtMs > Date.now()) return await jobs?.planCallBack(callBackId, dueAtMs);
      scheduled.delete(callBackId);
      made.push(callBackId);
    },
    reconcile: async (extent) => {
      extents.push(extent);
      for (const [callBackId, dueAtMs] of scheduled) await jobs?.planCallBack(callBackId, dueAtMs);
    },
  };
  return {
    times,
    made,
    extents,
    run: (started: DueJobs) => {
      jobs = started;
    },
    schedule: (name: string, inMs: number): readonly [CallBackId, number] => {
      const callBackId = asId<CallBackId>(name);
      const dueAtMs = Date.now() + inMs;
      scheduled.set(callBackId, dueAtMs);
      return [callBackId, dueAtMs];
    },
  };
}

const often = { everyMs: 200, settleMs: 300 };

t.test('call-backs are made at their times, once over two processes, and planned again at the start', async (t) => {
  const { times, made, schedule, run } = scheduledCallBacks();
  const first = await started(t, { prefix: 'times:', callBacks: times });
  const second = await started(t, { prefix: 'times:', callBacks: times });
  run(first);
  const later = schedule('b1', 400);
  await first.planCallBack(...later);
  await second.planCallBack(...later);
  const sooner = schedule('b2', 100);
  await second.planCallBack(...sooner);
  await eventually('both are made', async () => made.length === 2);
  t.same(made, ['b2', 'b1']);

  schedule('b3', 50);
  await started(t, { prefix: 'times:', callBacks: times });
  await eventually('what was scheduled before the start is made', async () => made.length === 3);
  await eventually('nothing is left of the jobs', async () => (await jobKeys('times:')) === 0);
});

async function jobKeys(prefix: string): Promise<number> {
  return (
    (await redis.client.zcard(`${prefix}jobs:call-back:delayed`)) +
    (await redis.client.llen(`${prefix}jobs:call-back:wait`))
  );
}

t.test('without a shard a call-back is tried again after a second', async (t) => {
  const tries: number[] = [];
  const times: CallBackTimes = {
    due: async () => {
      tries.push(Date.now());
      if (tries.length < 3) throw new DozvonError('NO_SHARD', 'expected a shard, this process has none');
    },
    reconcile: async () => undefined,
  };
  const jobs = await started(t, { callBacks: times });
  await jobs.planCallBack(asId<CallBackId>('b1'), Date.now());
  await eventually('it is tried three times', async () => tries.length === 3);
  const [first = 0, second = 0, third = 0] = tries;
  t.ok(second - first >= 990 && third - second >= 990 && third - first < 4_000, tries.join(' '));
});

t.test('a job that comes too early is planned again beside itself', async (t) => {
  const { times, made, schedule, run } = scheduledCallBacks();
  const jobs = await started(t, { callBacks: times });
  run(jobs);
  const [callBackId, dueAtMs] = schedule('b1', 300);
  // As by a process whose clock is ahead.
  const ahead = await started(t, {
    prefix: `jobs${count}:`,
    callBacks: times,
    clock: { ...systemClock(), nowMs: () => Date.now() + 10_000 },
  });
  await ahead.planCallBack(callBackId, dueAtMs);
  await eventually('it is made', async () => made.length === 1);
  t.ok(Date.now() >= dueAtMs);
});

t.test('jobs that Redis has lost are planned again, without a new start', async (t) => {
  const { times, made, schedule, run, extents } = scheduledCallBacks();
  const jobs = await started(t, { prefix: 'lost:', callBacks: times, reconcile: often });
  run(jobs);
  for (const name of ['b1', 'b2', 'b3']) await jobs.planCallBack(...schedule(name, 1_000));
  const keys = await redis.client.keys('lost:jobs:*');
  t.ok(keys.length > 0);
  await redis.client.del(...keys);
  await eventually('they are made', async () => made.length === 3);
  t.same([...made].sort(), ['b1', 'b2', 'b3']);
  t.ok(extents.slice(1).every((extent) => extent === 'all'));
});

t.test(
  'a start plans at once, and takes no contact for gone until the others have had time to save theirs',
  async (t) => {
    const { times, extents } = scheduledCallBacks();
    await started(t, { callBacks: times, reconcile: { everyMs: 60_000, settleMs: 300 } });
    const startedAtMs = Date.now();
    await eventually('contacts are compared', async () => extents.length === 2);
    t.same(extents, ['planOnly', 'all']);
    t.ok(Date.now() - startedAtMs >= 250);
  },
);

t.test(
  'Redis killed and empty again: all call-backs are planned at once, live contacts are left alone for a while',
  async (t) => {
    const { times, made, schedule, run, extents } = scheduledCallBacks();
    const jobs = await started(t, { callBacks: times, reconcile: { everyMs: 60_000, settleMs: 300 } });
    run(jobs);
    for (const name of ['b1', 'b2']) await jobs.planCallBack(...schedule(name, 1_500));
    await eventually('the start is over', async () => extents.length === 2);
    extents.length = 0;
    await redis.kill();
    // Promised meanwhile: whoever promises does not wait for Redis to come back.
    const askedAtMs = Date.now();
    await jobs.planCallBack(...schedule('b3', 1_000));
    t.ok(Date.now() - askedAtMs < 3_000);
    await redis.restart();
    await eventually('they are made', async () => made.length === 3);
    t.same([...made].sort(), ['b1', 'b2', 'b3']);
    await eventually('contacts are compared after a while', async () => extents.at(-1) === 'all' && extents.length > 1);
    t.equal(extents[0], 'planOnly');
  },
);

t.test('Redis lost for good: the jobs end all the same, in bounded time', async (t) => {
  const { gateway } = testGateway();
  const jobs = await started(t, { gateways: { sms: gateway } });
  await redis.kill();
  await withLimit(jobs.stop(), 10_000, 'the end of the jobs');
});

t.test('no Redis at the start is a clear error in bounded time', async (t) => {
  const jobs = createDueJobs({
    redisUrl: '/nowhere/redis.sock',
    prefix: 'x:',
    outbox: createMemoryCases().outbox,
    gateways: {},
    settleSpools: async () => undefined,
    host: 'here',
    clock: systemClock(),
    logger: silentLogger,
  });
  await t.rejects(jobs.start(), { code: 'REDIS_UNAVAILABLE' });
});
