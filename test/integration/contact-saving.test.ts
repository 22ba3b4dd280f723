import t from 'tap';
import { talkingWaits } from '../../src/contact/index.ts';
import type { StoredContact } from '../../src/contact/state.ts';
import { ContactWorld } from '../support/contact-world.ts';

async function stored(world: ContactWorld): Promise<readonly StoredContact[]> {
  const contacts = await world.stores.contactStates.loadShard('dozvon-n1');
  return contacts.map(({ sealedState }) => JSON.parse(sealedState) as StoredContact);
}

/** Commands that name something, and where the effect has the name. */
const naming: Readonly<Record<string, string>> = {
  answer: 'legId',
  startRecording: 'legId',
  hangup: 'legId',
  createBridge: 'bridgeId',
  joinBridge: 'bridgeId',
  destroyBridge: 'bridgeId',
  stopPlayback: 'playbackId',
  originate: 'legId',
};

/** Commands to the queue, and the effects that give them. */
const queueEffects: Readonly<Record<string, string>> = {
  enqueueAndMatch: 'enqueue',
  offerAnswered: 'offerAnswered',
  offerFailedAndMatch: 'offerFailed',
  releaseAndMatch: 'release',
  endWrapUpAndMatch: 'endWrapUp',
  withdraw: 'withdraw',
};

/** A bridge is made by the first effect that puts a leg into it. */
const effectOf = (command: string): string => (command === 'createBridge' ? 'joinBridge' : command);

function nameIn(first: unknown, field: string): unknown {
  return typeof first === 'object' && first !== null ? (first as Record<string, unknown>)[field] : first;
}

async function wholeCall(world: ContactWorld): Promise<void> {
  const caller = world.call();
  await world.pass(3_000);
  world.exchange.press(caller, '1');
  await world.pass(6_000);
  world.exchange.hangup(caller);
  await world.pass(30_000);
}

t.test('nothing is asked of Asterisk that the saved state does not name', async (t) => {
  const world = new ContactWorld();
  await world.startProcess();
  await world.operatorReady('answer');
  const checks: Promise<string | undefined>[] = [];
  world.onStep = (name, [first]) => {
    const field = naming[name];
    if (field === undefined) return;
    const wanted = nameIn(first, field);
    // Reads what is stored in this very moment.
    const check = stored(world).then((contacts) => {
      const named = contacts.some(({ pending }) =>
        pending.some(({ effect }) => effect.type === effectOf(name) && nameIn(effect, field) === wanted),
      );
      return named ? undefined : `${name} ${String(wanted)}`;
    });
    checks.push(check);
  };
  await wholeCall(world);
  t.ok(checks.length >= 10, `${checks.length} commands`);
  t.same(
    (await Promise.all(checks)).filter((fault) => fault !== undefined),
    [],
  );
  await world.stop();
});

t.test('nothing is asked of the queue that the saved state does not name, and most of it in one step', async (t) => {
  const world = new ContactWorld();
  await world.startProcess();
  await world.operatorReady('answer');
  const checks: Promise<string | undefined>[] = [];
  const together: string[] = [];
  let last = '';
  world.onStep = (name) => {
    const effect = queueEffects[name];
    if (effect !== undefined) {
      if (last === 'saveWith') together.push(effect);
      const check = stored(world).then((contacts) =>
        contacts.some(({ pending }) => pending.some((one) => one.effect.type === effect)) ? undefined : name,
      );
      checks.push(check);
    }
    last = name;
  };
  await wholeCall(world);
  t.same(
    (await Promise.all(checks)).filter((fault) => fault !== undefined),
    [],
  );
  // A caller's last operator is asked for before he is queued: that save goes alone.
  t.same(together, ['offerAnswered', 'release', 'endWrapUp']);
  await world.stop();
});

t.test(
  'an answer of Redis that is lost at any step: what it was asked is done once, and nothing is left',
  async (t) => {
    const faults: string[] = [];
    let lost = 0;
    for (let at = 1; lost === at - 1; at += 1) {
      const world = new ContactWorld();
      await world.startProcess();
      await world.operatorReady('answer');
      let asked = 0;
      world.losesAnswer = () => {
        asked += 1;
        if (asked !== at) return false;
        lost += 1;
        return true;
      };
      await wholeCall(world);
      const [record] = await world.records.list({ limit: 1 });
      const kinds = record?.timeline.map((entry) => entry.kind).join();
      if (record?.outcome !== 'answeredByOperator') faults.push(`answer ${at}: ${record?.outcome} ${kinds}`);
      if ((await stored(world)).length > 0) faults.push(`answer ${at}: the contact is left, ${kinds}`);
      if ((await world.operator())?.work.voice !== 'idle')
        faults.push(`answer ${at}: the operator is not free, ${kinds}`);
      await world.stop();
    }
    t.ok(lost > 20, `${lost} answers lost`);
    t.same(faults, []);
  },
);

t.test('what comes together is saved together, and what asks for nothing waits for the next', async (t) => {
  const world = new ContactWorld();
  await world.startProcess();
  await world.operatorReady('answer');
  let saves = 0;
  world.onStep = (name) => {
    if (name === 'save' || name === 'saveWith') saves += 1;
  };
  await wholeCall(world);
  const [record] = await world.records.list({ limit: 1 });
  t.ok(record?.timeline.some((entry) => entry.kind === 'operatorRinging'));
  // Arrival, answer, menu, key, offer, answer, joined, end, wrap-up's end asked and told; and two that waited.
  t.ok(saves <= 12, `${saves} saves`);
  await world.stop();
});

t.test('a change that asks for nothing is saved within 100 ms, or when the service is told to stop', async (t) => {
  const ringing = async (world: ContactWorld): Promise<boolean> =>
    (await stored(world)).some(({ state }) => state.legs.some((leg) => leg.state === 'ringing'));
  const toRinging = async (): Promise<ContactWorld> => {
    const world = new ContactWorld();
    await world.startProcess();
    await world.operatorReady('ring');
    const caller = world.call();
    await world.pass(3_000);
    world.exchange.press(caller, '1');
    const rings = (): boolean => world.exchange.snapshot('dozvon-n1').legs.some((leg) => leg.state === 'ringing');
    for (let passedMs = 0; !rings() && passedMs < 1_000; passedMs += 5) await world.pass(5);
    return world;
  };
  const living = await toRinging();
  t.equal(await ringing(living), false);
  await living.pass(100);
  t.equal(await ringing(living), true);
  await living.stop();
  const stopping = await toRinging();
  t.equal(await ringing(stopping), false);
  await stopping.stopInOrder();
  t.equal(await ringing(stopping), true);
});

t.test('who is in conversation is known by what is saved, from being joined until his record is written', async (t) => {
  const world = new ContactWorld();
  await world.startProcess();
  await world.operatorReady('answer');
  const found = () =>
    talkingWaits({ shards: ['dozvon-n1'], states: world.stores.contactStates, sealer: { open: (sealed) => sealed } });
  const caller = world.call();
  await world.pass(3_000);
  t.same(await found(), []);
  world.exchange.press(caller, '1');
  await world.pass(6_000);
  const [record] = await world.records.list({ limit: 1 });
  t.equal(record?.outcome, undefined, 'his record does not say so');
  const [talking, ...others] = await found();
  t.same(others, []);
  t.match(talking, {
    contactId: record?.contactId,
    lineId: record?.lineId,
    queueId: 'general',
    number: '+79161234567',
  });
  t.ok((talking?.waitMs ?? 0) > 0 && (talking?.enqueuedAtMs ?? 0) > (record?.arrivedAtMs ?? 0));
  world.exchange.hangup(caller);
  await world.pass(30_000);
  t.match(await world.records.list({ limit: 1 }), [{ outcome: 'answeredByOperator', waitMs: talking?.waitMs }]);
  t.same(await found(), []);
});
