import t from 'tap';
import { requirementClass } from '../../src/acd/index.ts';
import type { ShardLease, StreamEvent, TimelineEntry } from '../../src/contact/store-ports.ts';
import { asId, bySystem, type ContactId, hasCode, type SaveAhead, withLimit } from '../../src/foundation/index.ts';
import { bothStores, type Stores } from '../support/redis.ts';

const start = 1_800_000_000_000;
const leaseMs = 10_000;
const contactId = asId<ContactId>('c1');
const entry = (kind: string, facts: TimelineEntry['facts'] = {}): TimelineEntry => ({ atMs: start, kind, facts });

async function acquire(stores: Stores, nodeId: string, nowMs = start): Promise<ShardLease> {
  const lease = await stores.leases.acquire('s1', { nodeId, nowMs, leaseMs });
  if (lease === undefined) throw new Error('expected a lease');
  return lease;
}

async function published(stores: Stores, count: number): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  const stop = new AbortController();
  const reading = stores.events.consume(
    'test',
    async (batch) => {
      events.push(...batch);
      if (events.length === count) setImmediate(() => stop.abort());
    },
    stop.signal,
  );
  await withLimit(reading, 5_000, `${count} events`).finally(() => stop.abort());
  return events;
}

/** Puts the contact into a queue of its own. */
function enqueue(stores: Stores, ahead: SaveAhead, skill = 'general'): Promise<string> {
  const request = {
    contactId,
    queueId: 'general',
    lineId: 'general',
    medium: 'voice',
    requirement: requirementClass([{ skill, minLevel: 1 }], 'longestIdle'),
    score: start,
    enqueuedAtMs: start,
    shard: 's1',
  } as const;
  return stores.queue.enqueue(request, start, { ...bySystem('test', 'test'), ahead });
}

const both = await bothStores();
t.teardown(() => both.stop());

for (const kind of both.kinds) {
  t.test(`contact states in ${kind.name}`, async (t) => {
    t.test('the newest state is there for whoever takes the shard over', async (t) => {
      const stores = await kind.open();
      const lease = await acquire(stores, 'n1');
      t.equal(await stores.contactStates.save(lease, contactId, { sealedState: 'one', timeline: [] }), 'saved');
      t.equal(await stores.contactStates.save(lease, contactId, { sealedState: 'two', timeline: [] }), 'saved');
      t.same(await stores.contactStates.loadShard('s1'), [{ contactId, sealedState: 'two' }]);
      t.same(await stores.contactStates.loadShard('s2'), []);
    });

    t.test('an owner that has been overtaken writes nothing', async (t) => {
      const stores = await kind.open();
      const late = await acquire(stores, 'n1');
      await stores.contactStates.save(late, contactId, { sealedState: 'one', timeline: [] });
      const owner = await acquire(stores, 'n2', start + leaseMs);
      const change = { sealedState: 'late', timeline: [entry('late')] };
      t.equal(await stores.contactStates.save(late, contactId, change), 'leaseLost');
      t.equal(await stores.contactStates.finish(late, contactId, [entry('late')]), 'leaseLost');
      t.same(await stores.contactStates.loadShard('s1'), [{ contactId, sealedState: 'one' }]);
      t.equal(await stores.contactStates.finish(owner, contactId, [entry('ended')]), 'finished');
      t.match(await published(stores, 1), [{ entry: { kind: 'ended' } }], 'nothing of the late owner was published');
    });

    t.test('a save and the command to the queue that takes it along are one step', async (t) => {
      const stores = await kind.open();
      const lease = await acquire(stores, 'n1');
      let command: Promise<string> | undefined;
      const change = { sealedState: 'one', timeline: [entry('queued')] };
      const outcome = await stores.contactStates.saveWith(lease, contactId, change, (ahead) => {
        command = enqueue(stores, ahead);
      });
      t.equal(outcome, 'saved');
      t.equal(await command, 'enqueued');
      t.same(await stores.contactStates.loadShard('s1'), [{ contactId, sealedState: 'one' }]);
      t.equal((await stores.queue.waiting()).length, 1);
      const kinds = (await published(stores, 2)).map((event) => event.entry.kind);
      t.same(kinds, ['queued', 'contactEnqueued'], 'the save comes first');
    });

    t.test('a command that needs several steps is carried out, and its save stays', async (t) => {
      const stores = await kind.open();
      const lease = await acquire(stores, 'n1');
      let command: Promise<string> | undefined;
      await stores.contactStates.saveWith(lease, contactId, { sealedState: 'one', timeline: [] }, (ahead) => {
        // Its class is not known yet: the first try changes nothing in the queue.
        command = enqueue(stores, ahead, `new to ${kind.name}`);
      });
      t.equal(await command, 'enqueued');
      t.same(await stores.contactStates.loadShard('s1'), [{ contactId, sealedState: 'one' }]);
    });

    t.test('an owner that has been overtaken commands nothing with its save', async (t) => {
      const stores = await kind.open();
      const late = await acquire(stores, 'n1');
      await acquire(stores, 'n2', start + leaseMs);
      const refusals: unknown[] = [];
      let command: Promise<unknown> | undefined;
      const change = { sealedState: 'late', timeline: [entry('late')] };
      const outcome = await stores.contactStates.saveWith(late, contactId, change, (ahead) => {
        command = enqueue(stores, ahead).then(
          () => t.fail('expected the command to be refused'),
          (error: unknown) => refusals.push(error),
        );
      });
      t.equal(outcome, 'leaseLost');
      await command;
      t.ok(
        refusals.every((error) => hasCode(error, 'LEASE_LOST')),
        'refused when it was given',
      );
      t.same(await stores.contactStates.loadShard('s1'), []);
      t.same(await stores.queue.waiting(), []);
    });

    t.test('without a command at once the save goes alone, and one that comes later finds it there', async (t) => {
      const stores = await kind.open();
      const lease = await acquire(stores, 'n1');
      let command: Promise<string> | undefined;
      const change = { sealedState: 'one', timeline: [] };
      const outcome = await stores.contactStates.saveWith(lease, contactId, change, (ahead) => {
        command = Promise.resolve().then(() => enqueue(stores, ahead));
      });
      t.equal(outcome, 'saved');
      t.equal(await command, 'enqueued');
      t.same(await stores.contactStates.loadShard('s1'), [{ contactId, sealedState: 'one' }]);
      t.equal(
        await stores.contactStates.saveWith(lease, contactId, { ...change, sealedState: 'two' }, () => {}),
        'saved',
      );
      t.same(await stores.contactStates.loadShard('s1'), [{ contactId, sealedState: 'two' }]);
    });

    t.test('timelines are published in order with their facts, and a finished contact leaves nothing', async (t) => {
      const stores = await kind.open();
      const lease = await acquire(stores, 'n1');
      const facts = { line: 'general', waitMs: 12, told: true, prompts: ['ru/greeting', 'ru/menu'] };
      await stores.contactStates.save(lease, contactId, {
        sealedState: 'x',
        timeline: [entry('arrived'), entry('said', facts)],
      });
      await stores.contactStates.finish(lease, contactId, [entry('ended')]);
      const events = await published(stores, 3);
      t.same(
        events.map((event) => [event.source, event.contactId, event.entry.kind]),
        [
          ['contact', 'c1', 'arrived'],
          ['contact', 'c1', 'said'],
          ['contact', 'c1', 'ended'],
        ],
      );
      t.same(events[1]?.entry, { atMs: start, kind: 'said', facts });
      t.same(await stores.contactStates.loadShard('s1'), []);
    });
  });
}
