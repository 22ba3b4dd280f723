import t, { type Test } from 'tap';
import { createAcdService } from '../../src/acd/index.ts';
import { callBackOffers, composeCallBacks } from '../../src/app-call-backs.ts';
import { createCaseService } from '../../src/cases/index.ts';
import { loadHotlineConfig } from '../../src/config/index.ts';
import {
  bySystem,
  type CallBackId,
  type CommandMeta,
  type ContactId,
  newId,
  silentLogger,
  systemClock,
} from '../../src/foundation/index.ts';
import { createDueJobs } from '../../src/store/jobs/index.ts';
import { createPostgresStores } from '../../src/store/postgres/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { startRedis } from '../support/redis.ts';
import { temporaryVault } from '../support/sealer.ts';

const [postgres, redis, { vault, remove }] = await Promise.all([startPostgres(), startRedis(), temporaryVault()]);
const stores = createPostgresStores({
  databaseUrl: await postgres.createDatabase('house'),
  sealer: vault,
  logger: silentLogger,
});
await stores.migrate();
t.teardown(async () => {
  await stores.close();
  await postgres.stop();
  await redis.stop();
  await remove();
});

const clock = systemClock();
const logger = silentLogger;
const meta: CommandMeta = bySystem('test', 'house');
/** Open round the clock. */
const [lineId, queueId] = ['emergency', 'emergency'];

/** Call-backs as the service composes them, over real stores; contacts are only begun. */
async function house(t: Test) {
  const loaded = await loadHotlineConfig(new URL('../../config', import.meta.url).pathname, { settings: {} });
  if (!loaded.ok) throw new Error('expected the reference configuration');
  const { general } = loaded.config.callBacks;
  const settings = general === undefined ? {} : { [queueId]: general };
  const config = { ...loaded.config, callBacks: settings };
  const { queues, operators } = config;
  const queueStore = (await redis.stores('dozvon:')).queue;
  const offers = callBackOffers(settings);
  const acd = createAcdService({ store: queueStore, clock, logger, queues, operators, callBacks: offers });
  await acd.start();
  t.teardown(() => acd.stop());
  const callBacks = composeCallBacks({
    ...{ config, acd, clock, logger },
    repository: stores.callBacks,
    requests: createCaseService({ repository: stores.cases }),
    history: stores.loadHistory,
    liveContacts: async () => new Set(),
  });
  const { service, plan, times } = callBacks;
  const begun = new Set<CallBackId>();
  const jobs = createDueJobs({
    ...{ redisUrl: redis.url, prefix: 'dozvon:', outbox: stores.outbox, gateways: {}, host: 'here', clock, logger },
    settleSpools: async () => undefined,
    callBacks: times,
    reconcile: { everyMs: 60_000, settleMs: 300 },
  });
  callBacks.hand({ jobs, contacts: { beginCallBack: async (callBackId) => void begun.add(callBackId) } });
  await plan.start();
  t.teardown(() => plan.stop());
  await jobs.start();
  t.teardown(() => jobs.stop());

  /** Promised to a caller whose clock shows noon, and who hangs up. */
  const promise = async (number: string): Promise<CallBackId> => {
    const contactId = newId<ContactId>('c', clock.nowMs());
    const utcOffsetMinutes = 60 * (12 - new Date().getUTCHours());
    const answer = await service.promise(
      {
        ...{ contactId, lineId, queueId, number, utcOffsetMinutes },
        ...{ topic: 'emergency', language: 'ru', placeMs: clock.nowMs(), wish: { kind: 'soon' } },
      },
      meta,
    );
    if (answer.outcome !== 'promised') throw new Error(`expected a promise, got ${answer.why}`);
    await service.letGo(answer.callBackId, contactId, meta);
    return answer.callBackId;
  };
  return { promise, begun };
}

async function eventually(what: string, check: () => boolean): Promise<void> {
  const endsAtMs = Date.now() + 8_000;
  while (!check()) {
    if (Date.now() > endsAtMs) throw new Error(`${what}: not within 8 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

t.test('a promise becomes a contact at its time, one made while Redis was away as soon as it is back', async (t) => {
  const { promise, begun } = await house(t);
  const first = await promise('+79035550173');
  await eventually('the first is begun', () => begun.has(first));
  await redis.kill();
  const second = await promise('+79035550174');
  await redis.restart();
  await eventually('the second is begun', () => begun.has(second));
  t.equal(begun.size, 2);
});
