import t, { type Test } from 'tap';
import type { NoticeGateway, OutboxNotice } from '../../src/cases/index.ts';
import { bySystem, type ContactId, newId, silentLogger, systemClock, withLimit } from '../../src/foundation/index.ts';
import { createDueJobs, type DueJobs, type DueJobsOptions } from '../../src/store/jobs/index.ts';
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
