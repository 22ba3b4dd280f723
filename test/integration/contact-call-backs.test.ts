import t, { type Test } from 'tap';
import type { ContactRecord } from '../../src/contact/index.ts';
import { bySystem, type CallBackId, type ContactId, newId } from '../../src/foundation/index.ts';
import { ContactWorld, type CrashPoint } from '../support/contact-world.ts';
import type { CitizenAnswer } from '../support/fake-exchange.ts';

const number = '+79160000001';
/** Queues, named by who is rung first. */
type Mode = 'operator-first' | 'caller-first';
const modes: readonly Mode[] = ['operator-first', 'caller-first'];

/** Hears of every call: the first may come to nothing, the next is answered. The rule that an attempt is written down before anybody's phone rings, and rings once. */
function watchDialling(world: ContactWorld, callBackId: CallBackId): string[] {
  const faults: string[] = [];
  world.exchange.onDialled = ({ contactId }) => {
    if (world.exchange.dialled.length > 1) world.exchange.citizen(number, 'human');
    const { state, attempts } = world.callBacks.get(callBackId);
    const attempt = attempts.at(-1);
    if (state !== 'dialling' || attempt?.contactId !== contactId || attempt.endedAtMs !== undefined)
      faults.push(`dialled in ${state} without an attempt of its own`);
    if (world.exchange.dialled.filter((one) => one.contactId === contactId).length > 1)
      faults.push('dialled twice for one attempt');
  };
  return faults;
}

async function world(crashAt?: CrashPoint): Promise<ContactWorld> {
  const made = new ContactWorld();
  await made.startProcess();
  await made.operatorReady('answer');
  if (crashAt) {
    // The process that will die is a second one, so that its steps are counted from the call-back on.
    await made.stop();
    await made.startProcess(crashAt);
    await made.pass(100);
  }
  return made;
}

/** The called person talks for some seconds and hangs up; then wrap-up passes. */
async function talkAndHangUp(made: ContactWorld, callBackId: CallBackId, limitMs: number): Promise<void> {
  for (let passed = 0; passed < limitMs && !isDone(made, callBackId); passed += 1_000) await made.live(1_000);
  await made.live(5_000);
  const { legs } = made.exchange.snapshot('dozvon-n1');
  for (const { legId } of legs) if (legId.endsWith('.c1')) made.exchange.hangup(legId);
  // An offer of which the queue was never told that it was answered ends with its lease.
  await made.live(60_000);
}

const isDone = (made: ContactWorld, callBackId: CallBackId): boolean => made.callBacks.get(callBackId).state === 'done';

async function joinedRecord(made: ContactWorld): Promise<ContactRecord | undefined> {
  const records = await made.records.list({ limit: 50 });
  return records.find(({ outcome }) => outcome === 'answeredByOperator');
}

/** Nothing is left: no leg, no bridge, nobody in the queue, no live contact, the operator free. */
async function whatIsLeft(made: ContactWorld): Promise<string | undefined> {
  const { legs, bridges } = made.exchange.snapshot('dozvon-n1');
  if (legs.length > 0) return `legs left: ${legs.map((leg) => leg.legId).join()}`;
  if (bridges.length > 0) return `bridges left: ${bridges.map((bridge) => bridge.bridgeId).join()}`;
  const kept = await made.stores.contactStates.loadShard('dozvon-n1');
  if (kept.length > 0) return `live contacts left: ${kept[0]?.sealedState.slice(0, 600)}`;
  if ((await made.stores.queue.waiting()).length > 0) return 'somebody is still in the queue';
  const operator = await made.operator();
  if (operator?.work.voice !== undefined && operator.work.voice !== 'idle')
    return `the operator is ${operator.work.voice}`;
  return undefined;
}

/** Steps that have nothing to do with a contact, once a second. */
const ofTheShard: readonly string[] = ['renew', 'list'];

/** Those that the process makes from now on. */
function stepsOf(made: ContactWorld): readonly number[] {
  const steps: number[] = [];
  made.onStep = (name) => {
    if (!ofTheShard.includes(name)) steps.push(made.steps);
  };
  return steps;
}

/** A call-back that is due. */
async function scheduled(
  made: ContactWorld,
  queueId: Mode,
  of: { readonly to?: string; readonly placeMs?: number; readonly lineId?: string } = {},
): Promise<CallBackId> {
  const { to = number, placeMs = made.clock.nowMs() - 60_000, lineId = 'general' } = of;
  return await made.callBacks.scheduled(to, placeMs, queueId, lineId);
}

/** One whole call-back to somebody who answers; what was wrong with it. */
async function calledBack(
  made: ContactWorld,
  queueId: Mode,
  {
    firstAnswer = 'human',
    meanwhile = async () => {},
  }: { readonly firstAnswer?: CitizenAnswer; readonly meanwhile?: (made: ContactWorld) => Promise<void> } = {},
): Promise<readonly string[]> {
  made.exchange.citizen(number, firstAnswer);
  const callBackId = await scheduled(made, queueId);
  const faults = watchDialling(made, callBackId);
  await made.pass(0);
  await meanwhile(made);
  await talkAndHangUp(made, callBackId, 120_000);
  const left = await whatIsLeft(made);
  if (left !== undefined) faults.push(left);
  const { state, attempts } = made.callBacks.get(callBackId);
  const outcomes = attempts.map(({ outcome }) => outcome ?? 'open').join();
  if (state !== 'done') faults.push(`${state} after ${outcomes}`);
  if (attempts.filter(({ outcome }) => outcome === 'reached').length !== 1) faults.push(`attempts: ${outcomes}`);
  if ((await joinedRecord(made)) === undefined) faults.push('nobody was joined');
  return faults;
}

/** A call-back to somebody of whom this is what his phone does; it is not retried. */
async function tried(queueId: Mode, answer: CitizenAnswer): Promise<{ made: ContactWorld; id: CallBackId }> {
  const made = await world();
  made.exchange.citizen(number, answer);
  const id = await scheduled(made, queueId);
  await made.pass(19_000);
  return { made, id };
}

const attemptOf = (record: ContactRecord): unknown =>
  record.timeline.find(({ kind }) => kind === 'attemptEnded')?.facts.outcome;

const kinds = (record: ContactRecord | undefined): readonly string[] =>
  record?.timeline.map(({ kind }) => kind).filter((kind) => kind !== 'placeTold') ?? [];

t.test('operator first: he answers, then the caller is dialled and joined', async (t) => {
  const made = await world();
  t.same(await calledBack(made, 'operator-first'), []);
  const record = await joinedRecord(made);
  t.match(record, { kind: 'callBack', outcome: 'answeredByOperator', ani: number, lineId: 'general', dnis: /^\+7800/ });
  t.same(kinds(record), [
    'callBackQueued',
    'offerMade',
    'operatorRinging',
    'operatorAnswered',
    'callerDialled',
    'callerRinging',
    'callerAnswered',
    'recordingStarted',
    'joined',
    'attemptEnded',
    'introduced',
    'ended',
    'wrapUpStarted',
    'recordingVerified',
    'wrapUpEnded',
  ]);
  t.equal(made.exchange.dialled.length, 1);
  await made.stop();
});

t.test('caller first: he answers, then the operator who was kept for him is rung', async (t) => {
  const made = await world();
  t.same(await calledBack(made, 'caller-first'), []);
  t.same(kinds(await joinedRecord(made)), [
    'callBackQueued',
    'offerMade',
    'callerDialled',
    'callerRinging',
    'callerAnswered',
    'recordingStarted',
    'operatorRinging',
    'joined',
    'attemptEnded',
    'ended',
    'wrapUpStarted',
    'recordingVerified',
    'wrapUpEnded',
  ]);
  t.equal(made.exchange.dialled.length, 1);
  await made.stop();
});

t.test('two contacts for one call-back: one dials, the other leaves no trace', async (t) => {
  const made = await world();
  made.exchange.citizen(number, 'human');
  const callBackId = await scheduled(made, 'operator-first');
  for (let n = 0; n < 3; n += 1) made.beginCallBack(callBackId);
  await talkAndHangUp(made, callBackId, 60_000);
  t.equal(made.exchange.dialled.length, 1);
  t.equal((await made.records.list({ limit: 10 })).length, 1);
  t.equal(await whatIsLeft(made), undefined);
  await made.stop();
});

const notReached: readonly (readonly [CitizenAnswer, string])[] = [
  ['ring', 'noAnswer'],
  ['busy', 'busy'],
  ['decline', 'declined'],
  ['unreachable', 'unreachable'],
  ['machine', 'machine'],
  ['silence', 'silence'],
  ['hangsUpAtOnce', 'declined'],
];
for (const mode of modes) {
  t.test(`${mode}: who is not reached is not joined with anybody, and the operator is free at once`, async (t) => {
    for (const [answer, outcome] of notReached) {
      const { made, id } = await tried(mode, answer);
      t.match(made.callBacks.get(id), { state: 'scheduled', attempts: [{ outcome }] }, answer);
      t.equal(await whatIsLeft(made), undefined, answer);
      const [record] = await made.records.list({ limit: 1 });
      t.match(record, { outcome: 'callBackNotReached', kind: 'callBack', endedBy: 'service' });
      t.notOk(kinds(record).includes('wrapUpStarted'));
      await made.stop();
    }
  });
}

t.test('a machine is hung up on, and is neither recorded nor joined with anybody', async (t) => {
  const { made } = await tried('operator-first', 'machine');
  const [record] = await made.records.list({ limit: 1 });
  t.notOk(kinds(record).includes('recordingStarted'));
  t.notOk(kinds(record).includes('joined'));
  await made.stop();
});

t.test(
  'an operator who does not answer the caller who was reached: he waits as any caller, with his place',
  async (t) => {
    const made = await world();
    const [device] = made.exchange.devices('101');
    if (device === undefined) throw new Error('expected a device');
    made.exchange.unregister(device);
    made.exchange.register('101', 'ring');
    await made.pass(100);
    made.exchange.citizen(number, 'human');
    const placeMs = made.clock.nowMs() - 3_600_000;
    const id = await scheduled(made, 'caller-first', { placeMs });
    await made.pass(20_000);
    t.match(await made.stores.queue.waiting(), [{ queueId: 'caller-first', enqueuedAtMs: placeMs, position: 1 }]);
    t.equal(made.exchange.snapshot('dozvon-n1').bridges.length, 1, 'he hears music');
    t.equal(made.callBacks.get(id).state, 'dialling', 'nobody else calls him meanwhile');
    for (const one of made.exchange.devices('101')) made.exchange.unregister(one);
    made.exchange.register('101', 'answer');
    await made.pass(60_000);
    t.match(made.callBacks.get(id), { state: 'done', attempts: [{ outcome: 'reached' }] });
    await talkAndHangUp(made, id, 1_000);
    t.equal(await whatIsLeft(made), undefined);
    await made.stop();
  },
);

t.test('who hangs up before his operator came is called again', async (t) => {
  const made = await world();
  await made.operatorAway();
  const waiting = made.exchange.register('101', 'ring');
  for (const one of made.exchange.devices('101')) if (one !== waiting) made.exchange.unregister(one);
  await made.operatorReady('ring');
  made.exchange.citizen(number, 'human');
  const id = await scheduled(made, 'caller-first');
  await made.pass(5_000);
  for (const { legId } of made.exchange.snapshot('dozvon-n1').legs)
    if (legId.endsWith('.c1')) made.exchange.hangup(legId);
  await made.pass(5_000);
  t.match(made.callBacks.get(id), { state: 'scheduled', attempts: [{ outcome: 'declined' }] });
  await made.operatorAway();
  await made.pass(14_000);
  t.equal(await whatIsLeft(made), undefined);
  await made.stop();
});

t.test('an operator who hangs up while the caller’s phone rings: nobody answers an empty line', async (t) => {
  const made = await world();
  made.exchange.citizen(number, 'ring');
  const id = await scheduled(made, 'operator-first');
  await made.pass(2_000);
  t.equal(made.exchange.dialled.length, 1);
  for (const device of made.exchange.devices('101')) made.exchange.hangupDevice(device);
  await made.pass(1_000);
  t.match(made.callBacks.get(id), { state: 'scheduled', attempts: [{ outcome: 'operatorGone' }] });
  t.equal(await whatIsLeft(made), undefined);
  await made.stop();
});

for (const mode of modes) {
  t.test(`${mode}: it is not dialled when its caller has called in, nor at an hour when he may not be`, async (t) => {
    const made = await world();
    await made.operatorAway();
    made.exchange.citizen(number, 'human');
    const id = await scheduled(made, mode);
    await made.pass(1_000);
    const { contactId } = made.callBacks.get(id);
    if (contactId === undefined) throw new Error('expected it to be claimed');
    await made.callBacks.hold(id, newId<ContactId>('c', 0), bySystem('test', 'callsIn'));
    await made.pass(1_000);
    t.match(await made.records.get(contactId), { outcome: 'callBackNotNeeded' });
    t.equal(made.callBacks.get(id).state, 'held', 'it is his who called in');

    const late = await scheduled(made, mode, { to: '+79160000002' });
    const awayAtMs = made.clock.nowMs() + 60_000;
    made.callBacks.away = { fromMs: awayAtMs, toMs: awayAtMs + 20_000 };
    await made.pass(61_000);
    t.match(made.callBacks.get(late), { state: 'scheduled', attempts: [] }, 'its hours are over while it waits');

    await made.pass(40_000);
    t.match(made.callBacks.get(late), { state: 'claimed' }, 'it waits again');
    made.callBacks.away = { fromMs: made.clock.nowMs(), toMs: made.clock.nowMs() + 3_600_000 };
    await made.operatorReady('answer');
    await made.pass(5_000);
    t.match(
      made.callBacks.get(late),
      { state: 'scheduled', attempts: [] },
      'its hours are over when the attempt is to begin',
    );
    t.equal(made.exchange.dialled.length, 0);
    await made.operatorAway();
    await made.pass(30_000);
    t.equal((await made.operator())?.work.voice, 'idle');
    await made.stop();
  });
}

t.test('a line over which nobody can be dialled: the tries are used up without troubling an operator', async (t) => {
  const made = await world();
  const id = await scheduled(made, 'operator-first', { lineId: 'told' });
  await made.pass(2_000);
  t.match(made.callBacks.get(id), { state: 'scheduled', attempts: [{ outcome: 'unreachable' }] });
  t.same(made.exchange.dialled, []);
  t.equal(await whatIsLeft(made), undefined);
  await made.stop();
});

/** His phone is busy however often it is called. */
async function neverReached(made: ContactWorld): Promise<string | undefined> {
  made.exchange.citizen(number, 'busy');
  const id = await scheduled(made, 'caller-first');
  await made.live(100_000);
  const { state, attempts } = made.callBacks.get(id);
  if (state !== 'failed' || attempts.length !== 3) return `${state} after ${attempts.length} attempts`;
  if (!made.callBacks.requests.has(id)) return 'no request';
  if (made.exchange.dialled.length > 3) return `dialled ${made.exchange.dialled.length} times`;
  return await whatIsLeft(made);
}

t.test(
  'whom no try reaches is called as often as is wanted, then there is a request; also if the service dies in any step',
  async (t) => {
    const whole = await world({ step: Number.MAX_SAFE_INTEGER, when: 'before' });
    const steps = stepsOf(whole);
    t.equal(await neverReached(whole), undefined);
    t.equal(whole.exchange.dialled.length, 3);
    await whole.stop();
    const faults: string[] = [];
    for (const step of steps) {
      for (const when of ['before', 'after'] as const) {
        const made = await world({ step, when });
        const fault = await neverReached(made);
        if (fault !== undefined) faults.push(`${when} step ${step}: ${fault}`);
        await made.stop();
      }
    }
    t.same(faults, []);
  },
);

t.test('no contact is begun while no shard is connected to Asterisk', async (t) => {
  const made = await world();
  const id = await scheduled(made, 'operator-first');
  const lost = made.cutOff(1_000);
  await t.rejects(made.begunCallBack(id), { code: 'NO_SHARD' });
  await lost;
  await made.stop();
});

/** The operator refuses the first, and takes what he is offered some seconds later. */
async function refusesFirst(made: ContactWorld): Promise<void> {
  for (const device of made.exchange.devices('101')) made.exchange.unregister(device);
  made.exchange.register('101', 'decline');
  await made.live(6_000);
  for (const device of made.exchange.devices('101')) made.exchange.unregister(device);
  made.exchange.register('101', 'answer');
}

async function everyCrash(t: Test, mode: Mode, course: NonNullable<Parameters<typeof calledBack>[2]>): Promise<void> {
  const whole = await world({ step: Number.MAX_SAFE_INTEGER, when: 'before' });
  const steps = stepsOf(whole);
  await calledBack(whole, mode, course);
  await whole.stop();
  t.ok(steps.length > 25, `${steps.length} steps`);
  const faults: string[] = [];
  let unknown = 0;
  for (const step of steps) {
    for (const when of ['before', 'after'] as const) {
      const made = await world({ step, when });
      const found = await calledBack(made, mode, course);
      faults.push(...found.map((fault) => `${when} step ${step}: ${fault}`));
      if (made.deaths < 2) faults.push(`${when} step ${step}: nobody died`);
      if ((await made.records.list({ limit: 20 })).some((record) => attemptOf(record) === 'unknown')) unknown += 1;
      await made.stop();
    }
  }
  t.comment(`${2 * steps.length} deaths, after ${unknown} of them nobody knew what had become of the call`);
  t.ok(unknown > 0, 'the caller was called again only after the delay');
  t.same(faults, []);
}

for (const mode of modes) {
  t.test(
    `${mode}: the service dies in any step of a call-back, and the caller’s phone rings once for each attempt`,
    { timeout: 200_000 },
    (t) => everyCrash(t, mode, {}),
  );

  t.test(
    `${mode}: the service dies in any step, and the call it was making ends meanwhile`,
    { timeout: 200_000 },
    (t) => everyCrash(t, mode, { firstAnswer: 'busy' }),
  );

  t.test(`${mode}: the service dies in any step, and the first offer is refused`, { timeout: 200_000 }, (t) =>
    everyCrash(t, mode, { meanwhile: refusesFirst }),
  );

  t.test(`${mode}: the service dies at any moment, also between its steps`, { timeout: 200_000 }, async (t) => {
    const faults: string[] = [];
    for (let atMs = 0; atMs < 2_000; atMs += 20) {
      const made = await world();
      const found = await calledBack(made, mode, {
        meanwhile: async () => {
          await made.pass(atMs);
          await made.stop();
        },
      });
      faults.push(...found.map((fault) => `death at ${atMs}: ${fault}`));
      await made.stop();
    }
    t.same(faults, []);
  });

  for (const outage of ['DATABASE_UNAVAILABLE', 'REDIS_UNAVAILABLE'] as const) {
    t.test(`${mode}: ${outage} at any moment, for half a minute`, { timeout: 200_000 }, async (t) => {
      const faults: string[] = [];
      for (let atMs = 0; atMs < 1_500; atMs += 50) {
        const made = await world();
        const found = await calledBack(made, mode, {
          meanwhile: async () => {
            await made.pass(atMs);
            await made.without(outage, 30_000);
          },
        });
        faults.push(...found.map((fault) => `away from ${atMs}: ${fault}`));
        await made.stop();
      }
      t.same(faults, []);
    });
  }

  t.test(
    `${mode}: the connection to Asterisk is lost at any moment of a call-back`,
    { timeout: 200_000 },
    async (t) => {
      const faults: string[] = [];
      for (let atMs = 0; atMs < 2_500; atMs += 50) {
        const made = await world();
        const found = await calledBack(made, mode, {
          meanwhile: async () => {
            await made.pass(atMs);
            await made.cutOff(700);
          },
        });
        faults.push(...found.map((fault) => `cut at ${atMs}: ${fault}`));
        await made.stop();
      }
      t.same(faults, []);
    },
  );
}

for (const mode of modes) {
  t.test(
    `${mode}: Redis is away for long and the service dies before it is back: nobody’s phone rings twice`,
    async (t) => {
      const faults: string[] = [];
      for (let atMs = 0; atMs < 160; atMs += 40) {
        for (let awayMs = 12_000; awayMs <= 24_000; awayMs += 3_000) {
          const made = await world();
          const found = await calledBack(made, mode, {
            firstAnswer: 'ring',
            meanwhile: async () => {
              await made.pass(atMs);
              // What rang has stopped ringing by then.
              await made.dieWithout('REDIS_UNAVAILABLE', { ms: awayMs, deadMs: 15_000 });
            },
          });
          // A bridge that nobody has heard of stays, empty, until Asterisk is compared once more.
          const serious = found.filter((fault) => !fault.startsWith('bridges left'));
          faults.push(...serious.map((fault) => `away from ${atMs} for ${awayMs}: ${fault}`));
          await made.stop();
        }
      }
      t.same(faults, []);
    },
  );
}
