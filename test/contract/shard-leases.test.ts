import t from 'tap';
import { bothStores } from '../support/redis.ts';

const start = 1_800_000_000_000;
const leaseMs = 10_000;

const both = await bothStores();
t.teardown(() => both.stop());

for (const kind of both.kinds) {
  t.test(`shard leases in ${kind.name}`, async (t) => {
    t.test('one node at a time holds a shard', async (t) => {
      const { leases } = await kind.open();
      const first = await leases.acquire('s1', { nodeId: 'n1', nowMs: start, leaseMs });
      t.same(first, { shard: 's1', nodeId: 'n1', epoch: 1 });
      t.equal(await leases.acquire('s1', { nodeId: 'n2', nowMs: start + leaseMs - 1, leaseMs }), undefined);
      t.ok(await leases.acquire('s2', { nodeId: 'n2', nowMs: start, leaseMs }), 'another shard is free');
    });

    t.test('a lease that has run out is taken over, and its holder finds out', async (t) => {
      const { leases } = await kind.open();
      const first = await leases.acquire('s1', { nodeId: 'n1', nowMs: start, leaseMs });
      if (first === undefined) throw new Error('expected a lease');
      t.equal(await leases.renew(first, { nowMs: start + 5_000, leaseMs }), true);
      t.equal(await leases.acquire('s1', { nodeId: 'n2', nowMs: start + leaseMs, leaseMs }), undefined, 'renewed');
      const second = await leases.acquire('s1', { nodeId: 'n2', nowMs: start + 5_000 + leaseMs, leaseMs });
      t.same(second, { shard: 's1', nodeId: 'n2', epoch: 2 });
      t.equal(await leases.renew(first, { nowMs: start + 16_000, leaseMs }), false);
      await leases.release(first);
      t.equal(
        await leases.acquire('s1', { nodeId: 'n1', nowMs: start + 16_000, leaseMs }),
        undefined,
        'a late release does nothing',
      );
    });

    t.test('a restart of the same node takes its shard at once, under a new epoch', async (t) => {
      const { leases } = await kind.open();
      const before = await leases.acquire('s1', { nodeId: 'n1', nowMs: start, leaseMs });
      const after = await leases.acquire('s1', { nodeId: 'n1', nowMs: start + 1, leaseMs });
      t.match(after, { epoch: 2 });
      if (before === undefined) throw new Error('expected a lease');
      t.equal(await leases.renew(before, { nowMs: start + 2, leaseMs }), false);
    });

    t.test('a released shard is free at once and its epoch goes on', async (t) => {
      const { leases } = await kind.open();
      const first = await leases.acquire('s1', { nodeId: 'n1', nowMs: start, leaseMs });
      if (first === undefined) throw new Error('expected a lease');
      await leases.release(first);
      t.match(await leases.acquire('s1', { nodeId: 'n2', nowMs: start + 1, leaseMs }), { nodeId: 'n2', epoch: 2 });
      t.same(await leases.list(), [{ shard: 's1', nodeId: 'n2', epoch: 2, expiresAtMs: start + 1 + leaseMs }]);
    });
  });
}
