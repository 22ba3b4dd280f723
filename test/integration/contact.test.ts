import t from 'tap';
import type { ContactView } from '../../src/acd/index.ts';
import type { ContactRecord } from '../../src/contact/index.ts';
import { ContactWorld, type CrashPoint } from '../support/contact-world.ts';

/** A caller chooses key 1, talks to the operator for five seconds and hangs up; wrap-up passes. */
async function callToTheEnd(world: ContactWorld): Promise<ContactRecord> {
  const caller = world.call();
  await world.live(3_000);
  world.exchange.press(caller, '1');
  await world.live(1_000);
  // A key pressed while no process was there is lost: the menu asks again, the caller presses again.
  if ((await queuedOrLater(world)) === false) world.exchange.press(caller, '1');
  await world.live(60_000);
  world.exchange.hangup(caller);
  await world.live(30_000);
  const [record] = await world.records.list({ limit: 1 });
  if (!record) throw new Error('expected a record');
  return record;
}

async function queuedOrLater(world: ContactWorld): Promise<boolean> {
  return (await world.stores.queue.waiting()).length > 0 || (await world.operator())?.work.voice !== 'idle';
}

/** Nothing is left of the call: no leg, no bridge, nobody in the queue, no live contact, the operator free. */
async function assertNothingLeft(world: ContactWorld): Promise<string | undefined> {
  const { legs, bridges } = world.exchange.snapshot('dozvon-n1');
  if (legs.length > 0) return `legs left: ${legs.map((leg) => leg.legId).join()}`;
  if (bridges.length > 0) return `bridges left: ${bridges.map((bridge) => bridge.bridgeId).join()}`;
  const live = await world.stores.contactStates.loadShard('dozvon-n1');
  if (live.length > 0) return `live contacts left: ${live[0]?.sealedState.slice(0, 300)}`;
  if ((await world.stores.queue.waiting()).length > 0) return 'somebody is still in the queue';
  const operator = await world.operator();
  if (operator?.work.voice !== undefined && operator.work.voice !== 'idle')
    return `the operator is ${operator.work.voice}`;
  return undefined;
}

async function world(crashAt?: CrashPoint): Promise<ContactWorld> {
  const made = new ContactWorld();
  await made.startProcess();
  await made.operatorReady('answer');
  if (crashAt) {
    // The process that will die is a second one, so that its steps are counted from the call on.
    await made.stop();
    await made.startProcess(crashAt);
    await made.pass(100);
  }
  return made;
}

t.test('a call goes from the menu to an operator, and leaves only its record', async (t) => {
  const made = await world();
  const record = await callToTheEnd(made);
  t.match(record, { outcome: 'answeredByOperator', endedBy: 'caller', operatorId: 'op101', lineId: 'general' });
  t.same(
    record.timeline.map((entry) => entry.kind).filter((kind) => kind !== 'promptStarted'),
    [
      'arrived',
      'answered',
      'recordingStarted',
      'topicChosen',
      'queued',
      'offerMade',
      'placeTold',
      'operatorRinging',
      'joined',
      'ended',
      'wrapUpStarted',
      'recordingVerified',
      'wrapUpEnded',
    ],
  );
  t.equal(await assertNothingLeft(made), undefined);
  await made.stop();
});

t.test(
  'the service dies in any step of a call: the caller still reaches the operator and nothing is left',
  { timeout: 300_000 },
  async (t) => {
    const whole = await world({ step: Number.MAX_SAFE_INTEGER, when: 'before' });
    await callToTheEnd(whole);
    const lastStep = whole.steps;
    await whole.stop();
    t.ok(lastStep > 30, `${lastStep} steps`);
    const faults: string[] = [];
    let joined = 0;
    let recovered = 0;
    for (let step = 1; step <= lastStep; step += 1) {
      for (const when of ['before', 'after'] as const) {
        const made = await world({ step, when });
        const record = await callToTheEnd(made);
        const left = await assertNothingLeft(made);
        if (left !== undefined) faults.push(`${when} step ${step}: ${left}`);
        // One death of the process that made the operator ready, one here.
        if (made.deaths < 2) faults.push(`${when} step ${step}: nobody died`);
        if (record.timeline.some((entry) => entry.kind === 'recovered')) recovered += 1;
        if (record.outcome === 'answeredByOperator') joined += 1;
        else
          faults.push(`${when} step ${step}: ${record.outcome} ${record.timeline.map((entry) => entry.kind).join()}`);
        if (new Set(record.timeline.filter((entry) => entry.kind === 'queued').map((entry) => entry.atMs)).size > 1)
          faults.push(`${when} step ${step}: queued twice`);
        await made.stop();
      }
    }
    t.comment(`${2 * lastStep} deaths, ${joined} callers joined, ${recovered} contacts recovered`);
    t.ok(recovered > lastStep / 2, 'most deaths were in the middle of the contact');
    t.same(faults, []);
  },
);

t.test(
  'the connection to Asterisk is lost at any moment of a call: the call goes on after it is back',
  { timeout: 120_000 },
  async (t) => {
    const faults: string[] = [];
    let cuts = 0;
    for (let atMs = 0; atMs < 12_000; atMs += 50) {
      const made = await world();
      const caller = made.call();
      await made.pass(Math.min(atMs, 3_000));
      if (atMs < 3_000) await made.cutOff(700);
      made.exchange.press(caller, '1');
      // With the operator's 100 ms of ringing the cuts fall into queueing, ringing, answering, joining and talk.
      await made.pass(Math.max(0, (atMs - 3_000) / 30));
      if (atMs >= 3_000) await made.cutOff(700);
      await made.pass(5_000);
      if (await queuedOrLater(made)) cuts += 1;
      else made.exchange.press(caller, '1'); // the key was pressed while nobody heard it
      await made.pass(20_000);
      made.exchange.hangup(caller);
      await made.pass(30_000);
      const [record] = await made.records.list({ limit: 1 });
      const left = await assertNothingLeft(made);
      if (left !== undefined) faults.push(`cut at ${atMs}: ${left}`);
      if (record?.outcome !== 'answeredByOperator')
        faults.push(`cut at ${atMs}: ${record?.outcome} ${record?.timeline.map((entry) => entry.kind).join()}`);
      await made.stop();
    }
    t.comment(`240 cuts, ${cuts} after the caller had pressed his key`);
    t.same(faults, []);
  },
);

t.test(
  'the service dies at any moment, also between its steps: the caller still reaches the operator and nothing is left',
  { timeout: 120_000 },
  async (t) => {
    const faults: string[] = [];
    for (let atMs = 0; atMs < 800; atMs += 5) {
      const made = await world();
      const caller = made.call();
      await made.pass(3_000);
      made.exchange.press(caller, '1');
      // What asks for nothing (the place told, the phone that rings) is not saved yet in these moments.
      for (let passedMs = 0; passedMs < atMs; passedMs += 5) await made.pass(5);
      await made.stop();
      await made.live(5_000);
      if (!(await queuedOrLater(made))) made.exchange.press(caller, '1');
      await made.live(20_000);
      made.exchange.hangup(caller);
      await made.live(30_000);
      const [record] = await made.records.list({ limit: 1 });
      const left = await assertNothingLeft(made);
      if (left !== undefined) faults.push(`at ${atMs}: ${left}`);
      if (record?.outcome !== 'answeredByOperator')
        faults.push(`at ${atMs}: ${record?.outcome} ${record?.timeline.map((entry) => entry.kind).join()}`);
      if (!record?.timeline.some((entry) => entry.kind === 'recovered')) faults.push(`at ${atMs}: not recovered`);
      await made.stop();
    }
    t.same(faults, []);
  },
);
/** The same caller talks with the operator, comes back while he talks again, and waits. */
async function comesBack(made: ContactWorld, beforeTheKey: () => void = () => {}): Promise<ContactView | undefined> {
  await callToTheEnd(made);
  const talking = made.call();
  await made.pass(3_000);
  made.exchange.press(talking, '1');
  await made.pass(5_000);
  const waiting = made.call();
  await made.pass(3_000);
  beforeTheKey();
  made.exchange.press(waiting, '1');
  for (const sinceMs = Date.now(); Date.now() - sinceMs < 5_000; ) {
    await made.pass(10);
    const [place] = await made.stores.queue.waiting();
    if (place !== undefined) return await made.stores.queue.contact(place.contactId);
  }
  return undefined;
}

t.test('a caller is kept for the operator he talked with last', async (t) => {
  const made = await world();
  const place = await comesBack(made);
  t.equal(place?.preferred?.operatorId, 'op101');
  await made.stop();
});

t.test('without PostgreSQL a caller is queued at once, for whoever is free', async (t) => {
  const made = await world();
  let outage: Promise<void> | undefined;
  const place = await comesBack(made, () => {
    outage = made.without('DATABASE_UNAVAILABLE', 1_000);
  });
  t.match(place, { queueId: 'general' });
  t.equal(place?.preferred, undefined);
  await outage;
  await made.stop();
});

t.test('PostgreSQL that does not answer delays nobody’s place for long', async (t) => {
  const made = await world();
  let askedAtMs = 0;
  const place = await comesBack(made, () => {
    made.records.lastOperator = () => new Promise(() => {});
    askedAtMs = performance.now();
  });
  t.match(place, { queueId: 'general' });
  t.equal(place?.preferred, undefined);
  t.ok(performance.now() - askedAtMs < 2_000, 'bounded');
  await made.stop();
});
