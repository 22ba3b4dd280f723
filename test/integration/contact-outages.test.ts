import t from 'tap';
import { minuteMs } from '../../src/foundation/index.ts';
import { ContactWorld } from '../support/contact-world.ts';

/** A caller in conversation with the operator. */
async function talking(): Promise<{ readonly world: ContactWorld; readonly hangup: () => void }> {
  const world = new ContactWorld();
  await world.startProcess();
  await world.operatorReady('answer');
  const caller = world.call();
  await world.pass(3_000);
  world.exchange.press(caller, '1');
  await world.pass(5_000);
  return { world, hangup: () => world.exchange.hangup(caller) };
}

async function kindsOf(world: ContactWorld): Promise<readonly string[]> {
  const [record] = await world.records.list({ limit: 1 });
  return record?.timeline.map((entry) => entry.kind) ?? [];
}

async function liveContacts(world: ContactWorld, shard = 'dozvon-n1'): Promise<number> {
  return (await world.stores.contactStates.loadShard(shard)).length;
}

t.test('an operator whose wrap-up ends while Asterisk is away is offered contacts again', async (t) => {
  const { world, hangup } = await talking();
  hangup();
  await world.pass(2_000);
  t.equal((await world.operator())?.work.voice, 'wrapUp');
  await world.cutOff(20_000);
  await world.pass(5_000);
  t.equal((await world.operator())?.work.voice, 'idle');
  t.equal(await liveContacts(world), 0);
  await world.stop();
});

t.test('an operator whose caller hangs up while Redis is away is given back when it returns', async (t) => {
  const { world, hangup } = await talking();
  t.equal((await world.operator())?.work.voice, 'connected');
  hangup();
  await world.without('REDIS_UNAVAILABLE', 5 * minuteMs);
  await world.pass(minuteMs);
  t.equal((await world.operator())?.work.voice, 'idle');
  t.equal(await liveContacts(world), 0);
  t.ok((await kindsOf(world)).includes('wrapUpEnded'));
  await world.stop();
});

t.test('while Redis is away a hang-up still ends the other leg', async (t) => {
  const { world, hangup } = await talking();
  hangup();
  await world.without('REDIS_UNAVAILABLE', 15_000);
  t.same(world.exchange.snapshot('dozvon-n1').legs, []);
  await world.stop();
});

t.test('while Redis is away a caller is kept by it once, not by every step', async (t) => {
  const world = new ContactWorld();
  await world.startProcess();
  const caller = world.call();
  await world.pass(500);
  // The end of the prompt is the event whose saving is waited for.
  await world.without('REDIS_UNAVAILABLE', 13_000);
  world.exchange.press(caller, '1');
  await world.without('REDIS_UNAVAILABLE', 1_000);
  t.equal(world.exchange.snapshot('dozvon-n1').bridges.length, 1, 'he waits with music a second after his key');
  await world.pass(5_000);
  t.equal((await world.stores.queue.waiting()).length, 1, 'and has his place once Redis is back');
  await world.stop();
});

t.test('a record outlasts hours without PostgreSQL', async (t) => {
  const { world, hangup } = await talking();
  hangup();
  await world.without('DATABASE_UNAVAILABLE', 3 * 60 * minuteMs);
  t.equal(await liveContacts(world), 1, 'the contact’s state keeps what is not written yet');
  await world.pass(minuteMs);
  const [record] = await world.records.list({ limit: 1 });
  t.match(record, { outcome: 'answeredByOperator', operatorId: 'op101' });
  t.equal(await liveContacts(world), 0);
  await world.stop();
});

t.test('a comparison with Asterisk that fails is made again', async (t) => {
  const { world, hangup } = await talking();
  world.snapshotFailures = 2;
  await world.cutOff(500);
  await world.pass(5_000);
  hangup();
  await world.pass(minuteMs);
  t.equal((await world.operator())?.work.voice, 'idle');
  t.ok((await kindsOf(world)).includes('recovered'));
  await world.stop();
});

t.test('a phone that registers while Redis is away makes its operator reachable', async (t) => {
  const world = new ContactWorld();
  await world.startProcess();
  const outage = world.without('REDIS_UNAVAILABLE', 3_000);
  world.exchange.register('101', 'answer');
  await outage;
  t.equal((await world.operator())?.reachable, false);
  await world.pass(2_000);
  t.equal((await world.operator())?.reachable, true);
  await world.stop();
});

/** Who holds the shard, if his lease has not run out. */
async function holderOf(
  world: ContactWorld,
  shard: string,
): Promise<{ readonly nodeId?: string; readonly epoch?: number }> {
  const lease = (await world.stores.leases.list()).find((one) => one.shard === shard);
  return lease !== undefined && lease.expiresAtMs > world.clock.nowMs() ? lease : {};
}

t.test(
  'leases are kept while Asterisk cannot be reached, at the start and while another’s shard is taken over',
  async (t) => {
    const starting = new ContactWorld();
    starting.connecting = 'hangs';
    await starting.startProcess();
    await starting.pass(10_000);
    t.equal((await holderOf(starting, 'dozvon-n1')).nodeId, 'n1');
    await starting.stop();

    const world = new ContactWorld();
    await world.stores.leases.acquire('dozvon-n2', { nodeId: 'n2', nowMs: world.clock.nowMs(), leaseMs: 1_000 });
    await world.startProcess();
    world.connecting = 'hangs';
    await world.pass(10_000);
    t.equal((await holderOf(world, 'dozvon-n1')).nodeId, 'n1');
    t.equal((await holderOf(world, 'dozvon-n2')).nodeId, 'n1', 'it is being taken over');
    await world.stop();
  },
);

t.test('a shard that could not be served after it was taken over is tried again', async (t) => {
  const world = new ContactWorld();
  await world.stores.leases.acquire('dozvon-n2', { nodeId: 'n2', nowMs: world.clock.nowMs(), leaseMs: 1_000 });
  await world.startProcess();
  world.connecting = 'fails';
  await world.pass(2_500);
  world.connecting = 'succeeds';
  await world.pass(3_000);
  const { nodeId, epoch = 0 } = await holderOf(world, 'dozvon-n2');
  t.equal(nodeId, 'n1');
  t.ok(epoch > 2, `epoch ${epoch}: it was given back in between`);
  world.exchange.call('dozvon-n2', { dnis: '+78001000001', ani: '+79161234567' });
  await world.pass(1_000);
  t.equal(await liveContacts(world, 'dozvon-n2'), 1, 'and it is served');
  await world.stop();
});

t.test('who has lost the shard does nothing more, also not what he was trying again', async (t) => {
  const { world, hangup } = await talking();
  hangup();
  await world.without('DATABASE_UNAVAILABLE', 30_000);
  const before = await kindsOf(world);
  await world.stores.leases.acquire('dozvon-n1', {
    nodeId: 'n2',
    nowMs: world.clock.nowMs() + minuteMs,
    leaseMs: minuteMs,
  });
  // The renewal finds the lease gone before the next try is due.
  await world.pass(minuteMs);
  t.same(await kindsOf(world), before, 'the record is the next owner’s to write');
  await world.stop();
});

t.test(
  'a call outside the queue that begins or ends while Redis is away makes its operator busy or free',
  async (t) => {
    const world = new ContactWorld();
    await world.startProcess();
    await world.operatorReady('answer');
    const beginning = world.without('REDIS_UNAVAILABLE', 2_000);
    const own = world.exchange.callFrom('dozvon-n1', '101', '+78001000001');
    await beginning;
    t.equal((await world.operator())?.outsideCall, false);
    await world.pass(2_000);
    t.equal((await world.operator())?.outsideCall, true);
    const ending = world.without('REDIS_UNAVAILABLE', 2_000);
    world.exchange.hangup(own);
    await ending;
    t.equal((await world.operator())?.outsideCall, true);
    await world.pass(2_000);
    t.equal((await world.operator())?.outsideCall, false);
    await world.stop();
  },
);

t.test('a call outside the queue that ends while the service is away keeps nobody busy', async (t) => {
  const world = new ContactWorld();
  await world.startProcess();
  await world.operatorReady('answer');
  const own = world.exchange.callFrom('dozvon-n1', '101', '+78001000001');
  await world.pass(100);
  t.equal((await world.operator())?.outsideCall, true);
  await world.stop();
  world.exchange.hangup(own);
  await world.startProcess();
  await world.pass(10_000);
  t.equal((await world.operator())?.outsideCall, false);
  await world.stop();
});
