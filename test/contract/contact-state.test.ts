import t from 'tap';
import type { ShardLease, StreamEvent, TimelineEntry } from '../../src/contact/store-ports.ts';
import { asId, type ContactId, withLimit } from '../../src/foundation/index.ts';
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
