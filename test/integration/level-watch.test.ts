import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { createAcdService, QueueObservations, withTalking } from '../../src/acd/index.ts';
import { type Levels, startLevels } from '../../src/app-levels.ts';
import { loadHotlineConfig } from '../../src/config/index.ts';
import { type ContactState, type StoredContact, talkingWaits } from '../../src/contact/index.ts';
import type { ContactRecord } from '../../src/contact/store-ports.ts';
import { Changes, type ContactId, minuteMs, newId, secondMs, silentLogger } from '../../src/foundation/index.ts';
import { createPostgresStores } from '../../src/store/postgres/index.ts';
import type { RedisStores } from '../../src/store/redis/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { startPostgres } from '../support/postgres.ts';
import { startRedis } from '../support/redis.ts';
import { temporaryVault } from '../support/sealer.ts';

/** 12:10 in Moscow on a Monday: all lines are open. */
const start = Date.UTC(2026, 10, 23, 9, 10);
const shipped = fileURLToPath(new URL('../../config', import.meta.url));

const [postgres, redis, { vault, remove }] = await Promise.all([startPostgres(), startRedis(), temporaryVault()]);
t.teardown(async () => {
  await Promise.all([postgres.stop(), redis.stop()]);
  await remove();
});

/** One process of several over the same stores, as far as service level is concerned. */
interface Process {
  readonly levels: Levels;
  readonly stores: RedisStores;
  stop(): Promise<void>;
}

async function startProcess(parts: {
  readonly databaseUrl: string;
  readonly prefix: string;
  readonly clock: FakeClock;
}): Promise<Process> {
  const { databaseUrl, prefix, clock } = parts;
  const loaded = await loadHotlineConfig(shipped, { settings: {} });
  if (!loaded.ok) throw new Error('expected the shipped configuration to load');
  const { config } = loaded;
  const stores = await redis.stores(prefix);
  const records = createPostgresStores({ databaseUrl, sealer: vault, logger: silentLogger });
  await records.migrate();
  const acd = createAcdService({
    store: stores.queue,
    clock,
    logger: silentLogger,
    observations: new QueueObservations(clock.nowMs()),
    queues: config.queues,
    operators: config.operators,
  });
  const talking = () => talkingWaits({ shards: ['s1', 's2'], states: stores.contactStates, sealer: vault });
  const waits = withTalking({ waits: records.waits, talking, clock });
  const { alarms, events } = stores;
  const levels = startLevels({ config, acd, waits, alarms, events, clock, logger: silentLogger });
  return {
    levels,
    stores,
    async stop() {
      await levels.stop();
      await records.close();
    },
  };
}

/** Kinds of the system's events, as an independent reader sees them. */
function alarmsTold(t: Test, stores: RedisStores) {
  const kinds: string[] = [];
  const changes = new Changes();
  const ending = new AbortController();
  const following = stores.events.follow(
    '0-0',
    ({ source, entry }) => {
      if (source === 'system') kinds.push(`${entry.kind} ${String(entry.facts.target)} ${String(entry.facts.unit)}`);
      changes.notify();
    },
    ending.signal,
  );
  t.teardown(async () => {
    ending.abort();
    await following;
  });
  return {
    kinds,
    until: (count: number) =>
      changes.until(() => kinds.length >= count || undefined, { limitMs: 10 * secondMs, what: `${count} alarms` }),
  };
}

function answered(waitMs: number): ContactRecord {
  const enqueuedAtMs = start - 5 * minuteMs;
  return {
    contactId: newId<ContactId>('c', enqueuedAtMs),
    lineId: 'general',
    dnis: '+78001000001',
    ani: '',
    trunk: 'carrier',
    sipCallId: 'call-1',
    nodeId: 'n1',
    configVersion: 'v1',
    arrivedAtMs: enqueuedAtMs,
    queueId: 'general',
    enqueuedAtMs,
    waitMs,
    joinedAtMs: enqueuedAtMs + waitMs,
    outcome: 'answeredByOperator',
    legs: [],
    timeline: [],
  };
}

t.test('several processes and a restart: a target that is missed is told once', async (t) => {
  const databaseUrl = await postgres.createDatabase('watch');
  const clock = new FakeClock(start);
  const parts = { databaseUrl, prefix: 'watch:', clock };
  const first = await startProcess(parts);
  const second = await startProcess(parts);
  const records = createPostgresStores({ databaseUrl, sealer: vault, logger: silentLogger });
  t.teardown(() => records.close());
  const told = alarmsTold(t, first.stores);
  const lease = await first.stores.leases.acquire('s1', { nodeId: 'n1', nowMs: start, leaseMs: minuteMs });
  if (lease === undefined) throw new Error('expected a lease');
  /** Something happens to a contact; both processes hear of it and look. */
  const happens = async (): Promise<void> => {
    const contactId = newId<ContactId>('c', clock.nowMs());
    const entry = { atMs: clock.nowMs(), kind: 'ended', facts: {} };
    const save = (): unknown =>
      first.stores.contactStates.save(lease, contactId, { sealedState: 'x', timeline: [entry] });
    // Said again until everybody hears it: a process that has just started follows the stream from a moment later.
    const changes = new Changes();
    const again = setInterval(() => {
      changes.notify();
      void save();
    }, 50);
    // Of each process the watches on the targets of the hour and of the day and on forecasts have a timer each, and then it listens no more for a while.
    await changes.until(() => clock.due().length >= 8 || undefined, { limitMs: 10 * secondMs, what: 'both to hear' });
    clearInterval(again);
    await clock.moveTo(clock.nowMs() + 11 * minuteMs);
  };

  await Promise.all(Array.from({ length: 12 }, () => records.records.put(answered(31 * secondMs))));
  await happens();
  await told.until(2);
  t.same(told.kinds.toSorted(), ['targetMissed averageSpeedOfAnswer day', 'targetMissed averageSpeedOfAnswer hour']);

  await Promise.all([first.stop(), second.stop()]);
  const third = await startProcess(parts);
  const fourth = await startProcess(parts);
  await happens();
  await Promise.all(Array.from({ length: 12 }, () => records.records.put(answered(secondMs))));
  await happens();
  await told.until(4);
  t.same(
    told.kinds.slice(2).toSorted(),
    ['targetMet averageSpeedOfAnswer day', 'targetMet averageSpeedOfAnswer hour'],
    'not told again after the restart; told when it is met',
  );
  const { waits } = third.levels.ports;
  const hour = { fromMs: start - 10 * minuteMs, untilMs: start + 50 * minuteMs };
  const [tally] = await waits.tallies({ periods: [hour], by: 'queue' });
  t.match(tally, { queueId: 'general', tally: { entered: 24, answered: 24 } }, 'figures are those of the records');
  await Promise.all([third.stop(), fourth.stop()]);
  t.equal(told.kinds.length, 4);
});

/** As its process saves it before the two are joined, and until the record is written. */
function talkingContact(contactId: ContactId, fields: Partial<ContactState['facts']> = {}): StoredContact {
  const state = {
    ...{
      contactId,
      shard: 's1',
      configVersion: 'v1',
      arrivedAtMs: start - 3 * minuteMs,
      callerLegId: `${contactId}.c1`,
    },
    phase: { name: 'talking', queueId: 'general', operatorId: 'op1', joinedAtMs: start },
    facts: {
      ...{ lineId: 'general', dnis: '+78001000001', ani: '', trunk: 'carrier', sipCallId: 'call', language: 'ru' },
      ...{
        queueId: 'general',
        enqueuedAtMs: start - 2 * minuteMs,
        waitMs: 2 * minuteMs,
        outcome: 'answeredByOperator',
      },
      ...fields,
    },
    ...{ legs: [], timers: {}, timeline: [], sequence: 0 },
  };
  return { version: 1, state: state as unknown as ContactState, pending: [] };
}

t.test('who is in conversation counts with every process and after a restart, and once', async (t) => {
  const databaseUrl = await postgres.createDatabase('talking');
  const clock = new FakeClock(start);
  const parts = { databaseUrl, prefix: 'talking:', clock };
  const first = await startProcess(parts);
  const records = createPostgresStores({ databaseUrl, sealer: vault, logger: silentLogger });
  t.teardown(() => records.close());
  const periods = [{ fromMs: start - 10 * minuteMs, untilMs: start + 50 * minuteMs }];
  const entered = async ({ levels }: Process): Promise<number> => {
    await clock.moveTo(clock.nowMs() + secondMs);
    const [counted] = await levels.ports.waits.tallies({ periods, by: 'all' });
    t.equal(counted?.tally.answered, counted?.tally.entered);
    return counted?.tally.entered ?? 0;
  };
  const contactIds: ContactId[] = [];
  for (const shard of ['s1', 's2']) {
    const lease = await first.stores.leases.acquire(shard, { nodeId: 'n1', nowMs: start, leaseMs: minuteMs });
    if (lease === undefined) throw new Error('expected a lease');
    const save = async (facts: Partial<ContactState['facts']>): Promise<void> => {
      const contactId = newId<ContactId>('c', start);
      contactIds.push(contactId);
      const stored = JSON.stringify(talkingContact(contactId, facts));
      const sealedState = vault.seal(stored, `contactState:${contactId}`);
      await first.stores.contactStates.save(lease, contactId, { sealedState, timeline: [] });
    };
    await save({});
    await save({ outcome: 'abandonedInQueue' });
    await first.stores.contactStates.save(lease, newId<ContactId>('c', start), { sealedState: 'x', timeline: [] });
  }
  t.equal(await entered(first), 2, 'of both shards');
  await first.stop();
  const second = await startProcess(parts);
  t.equal(await entered(second), 2, 'after a restart');
  await records.records.put({ ...answered(secondMs), contactId: contactIds[0] ?? newId<ContactId>('c', start) });
  t.equal(await entered(second), 2, 'his record has come');
  await second.stop();
});
