import { existsSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { TelephonyPort } from '../../src/contact/ports.ts';
import { asId, type BridgeId, type ContactId, type LegId, newId, type PlaybackId } from '../../src/foundation/index.ts';
import {
  type CallerLever,
  fakeTelephonyWorld,
  type Heard,
  realTelephonyWorld,
  type TelephonyWorld,
} from '../support/telephony-world.ts';

const limitMs = 8_000;
const contactId = asId<ContactId>('c0contact');

function id<Id extends string>(kind: string): Id {
  return newId<Id>(`${contactId}.${kind}`, Date.now());
}

t.setTimeout(90_000);
for (const makeWorld of [async () => fakeTelephonyWorld(), realTelephonyWorld]) {
  const world: TelephonyWorld = await makeWorld();
  await t.test(`the telephone side by ${world.name}`, { timeout: 90_000 }, async (t) => {
    t.teardown(async () => await world.stop());
    const { port, heard } = await world.open();
    t.match(heard.all()[0], { type: 'connected', again: false });
    t.ok(port.connected());
    await callersLegs(t, { world, port, heard });
    await playing(t, { world, port, heard });
    await bridges(t, { world, port, heard });
    await operatorsLegs(t, { world, port, heard });
    await devices(t, { world, port, heard });
    await outsideCalls(t, { world, port, heard });
    await calledBack(t, { world, port, heard });
    await restart(t, { world, port });
  });
}

interface Parts {
  readonly world: TelephonyWorld;
  readonly port: TelephonyPort;
  readonly heard: Heard;
}

/** A caller who is answered and recorded, as every contact begins. */
async function recordedCaller(
  parts: Parts,
  number: string,
): Promise<{ readonly caller: CallerLever; readonly legId: LegId; readonly spoolFile: string }> {
  const { world, port, heard } = parts;
  const caller = await world.call(number);
  const { legId } = await heard.event('legArrived', (event) => event.arrival.dnis === number);
  await port.answer(legId);
  const spoolFile = world.spoolFile();
  await port.startRecording(legId, spoolFile);
  await heard.event('legReturned', (event) => event.legId === legId);
  await port.keepTime(legId);
  return { caller, legId, spoolFile };
}

async function callersLegs(t: Test, { world, port, heard }: Parts): Promise<void> {
  await t.test(
    'a caller arrives with what the trunk says, is answered and recorded, presses keys, hangs up',
    async (t) => {
      const caller = await world.call('88001000001', { ani: '+79161234567', at: '2027-01-03T15:00+03:00' });
      const { legId, arrival } = await heard.event('legArrived');
      t.match(arrival, {
        dnis: '88001000001',
        ani: '+79161234567',
        trunk: 'carrier',
        sipCallId: /.+/,
        evaluateAt: '2027-01-03T15:00+03:00',
      });
      t.equal(await port.answer(legId), 'done');
      t.equal(await port.answer(legId), 'done', 'answering twice changes nothing');
      const spoolFile = world.spoolFile();
      t.equal(await port.startRecording(legId, spoolFile), 'done');
      const returned = await heard.event('legReturned', (event) => event.legId === legId);
      t.equal(returned.spoolFile, spoolFile);
      t.match(returned.arrival, arrival);
      t.equal(await port.keepTime(legId), 'done');
      const { legs } = await port.snapshot();
      t.match(legs, [{ legId, state: 'up', controlled: true, spoolFile, arrival }]);
      await caller.press('15');
      await heard.event('digit', (event) => event.legId === legId && event.digit === '5', limitMs);
      const digits = heard.all().flatMap((event) => (event.type === 'digit' ? [event.digit] : []));
      t.same(digits, ['1', '5'], 'each key once, in order');
      await caller.hangup();
      t.match(await heard.event('legEnded', (event) => event.legId === legId), { cause: 'normal' });
      t.equal(await port.answer(asId<LegId>('n1-nobody')), 'gone');
      t.equal(await port.keepTime(legId), 'gone');
      t.equal(await port.startRecording(legId, world.spoolFile()), 'gone');
      t.equal(await port.hangup(legId, 'normal'), 'gone');
      t.same((await port.snapshot()).legs, []);
    },
  );

  await t.test('a caller is turned away', async () => {
    const caller = await world.call('+78009999999');
    const { legId } = await heard.event('legArrived', (event) => event.arrival.dnis === '+78009999999');
    await port.hangup(legId, 'unallocated');
    await caller.ended(limitMs);
    await heard.event('legEnded', (event) => event.legId === legId);
  });
}

async function playing(t: Test, parts: Parts): Promise<void> {
  const { port, heard } = parts;
  await t.test('sounds play one after another, can be stopped, and one that is not there fails', async (t) => {
    const { caller, legId } = await recordedCaller(parts, '80001');
    const played = id<PlaybackId>('p');
    t.equal(await port.play({ playbackId: played, target: { legId }, media: ['ru/short', 'ru/short'] }), 'done');
    t.ok(await port.playbackExists(played));
    t.match(await heard.event('playbackEnded', (event) => event.playbackId === played), { outcome: 'played' });
    t.notOk(await port.playbackExists(played));
    const stopped = id<PlaybackId>('p');
    await port.play({ playbackId: stopped, target: { legId }, media: ['ru/long', 'ru/long'] });
    t.equal(await port.stopPlayback(stopped), 'done');
    await heard.event('playbackEnded', (event) => event.playbackId === stopped, 2_000);
    t.equal(await port.stopPlayback(stopped), 'gone');
    const missing = id<PlaybackId>('p');
    await port.play({ playbackId: missing, target: { legId }, media: ['ru/missing'] });
    t.match(await heard.event('playbackEnded', (event) => event.playbackId === missing), { outcome: 'failed' });
    await caller.hangup();
    await heard.event('legEnded', (event) => event.legId === legId);
    const late = { playbackId: id<PlaybackId>('p'), target: { legId }, media: ['ru/short'] };
    t.equal(await port.play(late), 'gone');
  });
}

async function bridges(t: Test, parts: Parts): Promise<void> {
  const { port, heard } = parts;
  await t.test('a leg goes from bridge to bridge, also while something plays to it', async (t) => {
    const { caller, legId } = await recordedCaller(parts, '80002');
    const [waiting, talking] = [id<BridgeId>('b'), id<BridgeId>('b')];
    t.equal(await port.joinBridge(waiting, [legId]), 'gone', 'a bridge that was not made');
    t.equal(await port.createBridge(waiting, 'holding'), 'done');
    t.equal(await port.createBridge(waiting, 'holding'), 'exists');
    t.equal(await port.createBridge(talking, 'mixing'), 'done');
    const cut = id<PlaybackId>('p');
    await port.play({ playbackId: cut, target: { legId }, media: ['ru/long', 'ru/long'] });
    t.equal(await port.joinBridge(waiting, [legId]), 'done');
    await heard.event('playbackEnded', (event) => event.playbackId === cut, 2_000);
    t.equal(await port.joinBridge(waiting, [legId]), 'done', 'joining twice changes nothing');
    const announced = id<PlaybackId>('p');
    t.equal(await port.play({ playbackId: announced, target: { bridgeId: waiting }, media: ['ru/short'] }), 'done');
    t.match(await heard.event('playbackEnded', (event) => event.playbackId === announced), { outcome: 'played' });
    t.equal(await port.joinBridge(talking, [legId]), 'done');
    const { bridges: there, legs } = await port.snapshot();
    t.same(there.find((one) => one.bridgeId === waiting)?.legIds, []);
    t.same(there.find((one) => one.bridgeId === talking)?.legIds, [legId]);
    t.equal(legs.find((leg) => leg.legId === legId)?.bridgeId, talking);
    t.equal(await port.leaveBridge(waiting, legId), 'gone');
    t.equal(await port.leaveBridge(talking, legId), 'done');
    t.equal(await port.joinBridge(talking, [legId]), 'done');
    t.equal(await port.destroyBridge(talking), 'done');
    t.equal(await port.destroyBridge(talking), 'gone');
    t.equal(await port.destroyBridge(waiting), 'done');
    t.match((await port.snapshot()).legs, [{ legId, controlled: true }], 'the leg outlives its bridge');
    await caller.hangup();
    await heard.event('legEnded', (event) => event.legId === legId);
    t.equal(await port.joinBridge(talking, [legId]), 'gone');
  });
}

async function operatorsLegs(t: Test, parts: Parts): Promise<void> {
  const { world, port, heard } = parts;
  const ring = async (device: string, ringTimeoutMs = 10_000): Promise<LegId> => {
    const legId = id<LegId>('l');
    const request = {
      legId,
      contactId,
      role: 'operator',
      device,
      callerIdNumber: '79161234567',
      ringTimeoutMs,
    } as const;
    t.equal(await port.originate({ ...request, callerIdName: 'Документы' }), 'done');
    return legId;
  };
  const onlyDevice = async (extension: string): Promise<string> => {
    const { devices } = await heard.event(
      'devicesChanged',
      (e) => e.extension === extension && port.devices(extension).length > 0,
    );
    return port.devices(extension)[0] ?? devices[0] ?? '';
  };

  await t.test('an operator answers and talks; when one side hangs up the other is still ours', async (t) => {
    const phone = await world.register('101', 'answer');
    const operatorLeg = await ring(await onlyDevice('101'));
    await heard.event('legRinging', (event) => event.legId === operatorLeg && event.contactId === contactId);
    await heard.event('legAnswered', (event) => event.legId === operatorLeg && event.contactId === contactId);
    const again = { legId: operatorLeg, contactId, role: 'operator', callerIdNumber: '', callerIdName: '' } as const;
    t.equal(await port.originate({ ...again, device: await onlyDevice('101'), ringTimeoutMs: 1_000 }), 'exists');
    const { caller, legId } = await recordedCaller(parts, '80003');
    const talk = id<BridgeId>('b');
    await port.createBridge(talk, 'mixing');
    t.equal(await port.joinBridge(talk, [operatorLeg, id<LegId>('l')]), 'gone', 'together or not at all');
    t.same((await port.snapshot()).bridges, [{ bridgeId: talk, legIds: [] }]);
    t.equal(await port.joinBridge(talk, [operatorLeg, legId]), 'done');
    t.equal((await port.snapshot()).bridges[0]?.legIds.length, 2);
    await phone.hangup();
    t.match(await heard.event('legEnded', (event) => event.legId === operatorLeg), { cause: 'normal' });
    t.match((await port.snapshot()).legs, [{ legId, state: 'up', controlled: true }]);
    t.equal(await port.destroyBridge(talk), 'done');
    t.equal(await port.hangup(legId, 'normal'), 'done');
    await caller.ended(limitMs);
    await heard.event('legEnded', (event) => event.legId === legId);
    await phone.unregister();
  });

  for (const [answer, cause] of [
    ['busy', 'busy'],
    ['decline', 'declined'],
    ['ring', 'noAnswer'],
  ] as const) {
    await t.test(`a phone that will ${answer} ends the leg with the cause ${cause}`, async (t) => {
      const phone = await world.register('102', answer);
      const legId = await ring(await onlyDevice('102'), 1_000);
      t.match(await heard.event('legEnded', (event) => event.legId === legId), { cause });
      await phone.unregister();
    });
  }

  await t.test('a ringing leg that we end is cancelled', async (t) => {
    const phone = await world.register('102', 'ring');
    const legId = await ring(await onlyDevice('102'));
    await heard.event('legRinging', (event) => event.legId === legId);
    t.equal(await port.hangup(legId, 'normal'), 'done');
    t.match(await heard.event('legEnded', (event) => event.legId === legId), { cause: 'cancelled' });
    await phone.unregister();
  });

  await t.test('a service code is told with the extension that dialled it', async (t) => {
    const phone = await world.register('101', 'answer');
    await phone.dial('*11');
    const { legId } = await heard.event(
      'serviceCodeDialled',
      (event) => event.extension === '101' && event.code === '*11',
    );
    t.equal(await port.answer(legId), 'done');
    const said = id<PlaybackId>('p');
    t.equal(await port.play({ playbackId: said, target: { legId }, media: ['ru/short'] }), 'done');
    await heard.event('playbackEnded', (event) => event.playbackId === said);
    t.equal(await port.hangup(legId, 'normal'), 'done');
    await heard.event('legEnded', (event) => event.legId === legId);
    await phone.unregister();
  });
}

async function calledBack(t: Test, parts: Parts): Promise<void> {
  const { world, port, heard } = parts;
  const dial = async (
    number: string,
    how: { readonly trunk?: string; readonly ringTimeoutMs?: number; readonly recogniseMachines?: boolean } = {},
  ): Promise<LegId> => {
    const legId = id<LegId>('o');
    const request = { trunk: 'carrier', ringTimeoutMs: 10_000, recogniseMachines: false, ...how };
    t.equal(await port.dialCaller({ ...request, legId, contactId, number, callerIdNumber: '+78001000001' }), 'done');
    return legId;
  };
  const end = async (legId: LegId): Promise<void> => {
    await port.hangup(legId, 'normal');
    await heard.event('legEnded', (event) => event.legId === legId);
  };

  await t.test('a caller is called, rings, answers, is recorded and talks; dialled once', async (t) => {
    const number = '+79161234501';
    const citizen = world.citizen(number, 'silence');
    const legId = await dial(number);
    await heard.event('legRinging', (event) => event.legId === legId && event.contactId === contactId);
    const answered = await heard.event('legAnswered', (event) => event.legId === legId);
    t.equal(answered.heard, undefined, 'nobody listened');
    const again = { legId, contactId, number, trunk: 'carrier', callerIdNumber: '+78001000001', ringTimeoutMs: 1_000 };
    t.equal(await port.dialCaller({ ...again, recogniseMachines: false }), 'exists');
    const spoolFile = world.spoolFile();
    t.equal(await port.startRecording(legId, spoolFile), 'done');
    const returned = await heard.event('legReturned', (event) => event.legId === legId);
    t.match(returned, { spoolFile, arrival: { dnis: '+78001000001', ani: number, trunk: 'carrier', sipCallId: /.+/ } });
    const bridgeId = id<BridgeId>('b');
    await port.createBridge(bridgeId, 'mixing');
    t.equal(await port.joinBridge(bridgeId, [legId]), 'done');
    const { legs } = await port.snapshot();
    t.match(legs, [{ legId, state: 'up', controlled: true, spoolFile, bridgeId }]);
    t.equal(legs[0]?.arrival, undefined, 'he has not arrived: he was called');
    await citizen.hangup();
    t.match(await heard.event('legEnded', (event) => event.legId === legId), { cause: 'normal' });
    t.equal(heard.all().filter((event) => event.type === 'legAnswered' && event.legId === legId).length, 1);
    t.match(citizen.dialled(), [{ callerId: '+78001000001' }]);
    await port.destroyBridge(bridgeId);
  });

  for (const [answer, cause] of [
    ['busy', 'busy'],
    ['announcedBusy', 'busy'],
    ['decline', 'declined'],
    ['switchedOff', 'unreachable'],
    ['unknownNumber', 'unreachable'],
    ['ring', 'noAnswer'],
  ] as const) {
    await t.test(`a citizen’s telephone: ${answer} ends the leg with the cause ${cause}`, async (t) => {
      const number = '+79161234502';
      world.citizen(number, answer);
      const legId = await dial(number, { ringTimeoutMs: 1_000 });
      t.match(await heard.event('legEnded', (event) => event.legId === legId), { cause });
    });
  }

  await t.test('a carrier that is away, and one that cannot be dialled over', async (t) => {
    const legId = await dial('+79161234503', { trunk: 'away', ringTimeoutMs: 1_000 });
    t.match(await heard.event('legEnded', (event) => event.legId === legId), { cause: 'unreachable' });
    const request = { legId: id<LegId>('o'), contactId, number: '+79161234503', callerIdNumber: '+78001000001' };
    const nowhere = { ...request, trunk: 'nowhere', ringTimeoutMs: 1_000, recogniseMachines: false };
    t.equal(await port.dialCaller(nowhere), 'refused');
  });

  await t.test('a call that we give up is cancelled', async (t) => {
    world.citizen('+79161234504', 'ring');
    const legId = await dial('+79161234504');
    await heard.event('legRinging', (event) => event.legId === legId);
    t.equal(await port.hangup(legId, 'normal'), 'done');
    t.match(await heard.event('legEnded', (event) => event.legId === legId), { cause: 'cancelled' });
  });

  for (const answer of ['human', 'machine', 'silence', 'unsure'] as const) {
    await t.test(`who answers is heard to be: ${answer}`, async (t) => {
      const number = '+79161234505';
      world.citizen(number, answer);
      const legId = await dial(number, { recogniseMachines: true });
      const answered = await heard.event('legAnswered', (event) => event.legId === legId);
      t.equal(answered.heard, answer);
      t.match((await port.snapshot()).legs, [{ legId, state: 'up', controlled: true, heard: answer }]);
      await end(legId);
    });
  }
}

async function devices(t: Test, { world, port, heard }: Parts): Promise<void> {
  await t.test('devices come and go', async (t) => {
    // What an earlier test has unregistered is told when it is told.
    for (const untilMs = Date.now() + 5_000; port.devices('101').length > 0 && Date.now() < untilMs; )
      await new Promise((resolve) => setTimeout(resolve, 20));
    t.same(port.devices('101'), []);
    const before = heard.all().length;
    const since = (): readonly unknown[] => heard.all().slice(before);
    const first = await world.register('101', 'ring');
    const second = await world.register('101', 'ring');
    await heard.event('devicesChanged', (event) => event.extension === '101' && event.devices.length === 2);
    t.equal(port.devices('101').length, 2);
    await first.unregister();
    await second.unregister();
    await heard.event('devicesChanged', (event) => since().includes(event) && event.devices.length === 0);
    t.same(port.devices('101'), []);
    t.same(port.devices('102'), []);
  });
}

async function outsideCalls(t: Test, { world, port, heard }: Parts): Promise<void> {
  const changes = (): readonly number[] =>
    heard.all().flatMap((e) => (e.type === 'operatorCallsChanged' && e.extension === '101' ? [e.outsideCalls] : []));

  await t.test('a contact’s call and a service code are no calls outside the queue', async (t) => {
    t.same(
      changes().filter((count) => count > 0),
      [],
    );
  });

  await t.test('calls that an operator places are told from the first to the last', async (t) => {
    const phone = await world.register('101', 'answer');
    const before = changes().length;
    const own = await phone.dial('80010');
    await heard.event('operatorCallsChanged', (event) => event.extension === '101' && event.outsideCalls === 1);
    t.equal(port.outsideCalls('101'), 1);
    t.equal(port.outsideCalls('102'), 0);
    const { legId } = await heard.event('legArrived', (event) => event.arrival.dnis === '80010');
    await port.answer(legId);
    await phone.dial('80011');
    await heard.event('operatorCallsChanged', (event) => event.extension === '101' && event.outsideCalls === 2);
    const second = await heard.event('legArrived', (event) => event.arrival.dnis === '80011');
    await port.hangup(second.legId, 'normal');
    await heard.event('legEnded', (event) => event.legId === second.legId);
    await own.hangup();
    await heard.event('operatorCallsChanged', () => port.outsideCalls('101') === 0);
    t.same(changes().slice(before), [1, 2, 1, 0]);
    await phone.unregister();
  });
}

async function restart(t: Test, { world, port }: Pick<Parts, 'world' | 'port'>): Promise<void> {
  await t.test('a port that comes back finds its legs and bridges, and what waited for it arrives', async (t) => {
    await port.stop();
    t.notOk(port.connected());
    await t.rejects(port.answer(asId<LegId>('x')), { code: 'TELEPHONY_UNAVAILABLE' });
    const first = await world.open();
    const phone = await world.register('101', 'answer');
    await first.heard.event('devicesChanged', (event) => event.extension === '101' && event.devices.length === 1);
    const parts = { world, port: first.port, heard: first.heard };
    const { caller, legId, spoolFile } = await recordedCaller(parts, '80004');
    const bridgeId = id<BridgeId>('b');
    await first.port.createBridge(bridgeId, 'holding');
    await first.port.joinBridge(bridgeId, [legId]);
    await first.port.stop();
    await world.call('80005');
    const second = await world.open();
    t.equal(second.port.devices('101').length, 1);
    const { legs, bridges } = await second.port.snapshot();
    t.match(
      legs.find((leg) => leg.legId === legId),
      { state: 'up', controlled: true, spoolFile, bridgeId, arrival: { dnis: '80004' } },
    );
    t.same(
      bridges.find((bridge) => bridge.bridgeId === bridgeId),
      { bridgeId, legIds: [legId] },
    );
    const waited = await second.heard.event('legArrived', (event) => event.arrival.dnis === '80005');
    await caller.press('7');
    await second.heard.event('digit', (event) => event.legId === legId && event.digit === '7');
    for (const leg of [waited.legId, legId]) {
      await second.port.hangup(leg, 'normal');
      await second.heard.event('legEnded', (event) => event.legId === leg);
    }
    await second.port.destroyBridge(bridgeId);
    t.same(await second.port.snapshot(), { legs: [], bridges: [] });
    if (world.name !== 'the in-memory twin') t.ok(existsSync(spoolFile), 'the recording is there');
    await phone.unregister();
    await second.port.stop();
  });

  await t.test('a port that comes back says who is in a call outside the queue now', async (t) => {
    const phone = await world.register('101', 'answer');
    const first = await world.open();
    const own = await phone.dial('80012');
    await first.heard.event('operatorCallsChanged', (event) => event.outsideCalls === 1);
    const { legId } = await first.heard.event('legArrived', (event) => event.arrival.dnis === '80012');
    await first.port.answer(legId);
    await first.port.stop();
    const second = await world.open();
    await second.heard.event('operatorCallsChanged', (e) => e.extension === '101' && e.outsideCalls === 1);
    await second.port.stop();
    await own.hangup();
    const third = await world.open();
    await third.heard.event('operatorCallsChanged', (e) => e.extension === '101' && e.outsideCalls === 0);
    t.equal(third.port.outsideCalls('101'), 0);
    await phone.unregister();
    await third.port.stop();
  });

  await t.test('a caller who answers while the port is away is found with what was heard of him', async (t) => {
    const number = '+79161234506';
    const citizen = world.citizen(number, 'human');
    const first = await world.open();
    const legId = id<LegId>('o');
    const request = { legId, contactId, number, trunk: 'carrier', callerIdNumber: '+78001000001' };
    await first.port.dialCaller({ ...request, ringTimeoutMs: 10_000, recogniseMachines: true });
    await first.heard.event('legRinging', (event) => event.legId === legId);
    await first.port.stop();
    const second = await world.open();
    t.match((await second.port.snapshot()).legs, [{ legId }], 'the leg lives');
    const answered = await second.heard.event('legAnswered', (event) => event.legId === legId);
    t.equal(answered.heard, 'human');
    await second.port.stop();
    const third = await world.open();
    t.match((await third.port.snapshot()).legs, [{ legId, state: 'up', controlled: true, heard: 'human' }]);
    await third.port.hangup(legId, 'normal');
    await third.heard.event('legEnded', (event) => event.legId === legId);
    t.equal(citizen.dialled().length, 1);
    await third.port.stop();
  });

  await t.test('a recording that was asked for begins though the port goes at that moment', async (t) => {
    const first = await world.open();
    await world.call('80006');
    const { legId } = await first.heard.event('legArrived', (event) => event.arrival.dnis === '80006');
    await first.port.answer(legId);
    const spoolFile = world.spoolFile();
    // Whether Asterisk has heard of it is not known any more; that is what this is about.
    const asked = first.port.startRecording(legId, spoolFile).catch(() => undefined);
    await first.port.stop();
    await asked;
    const second = await world.open();
    // The leg may have come back while nobody listened, or it is still on its way.
    const { legs } = await second.port.snapshot();
    if (legs[0]?.controlled !== true) await second.heard.event('legReturned', (event) => event.spoolFile === spoolFile);
    t.match((await second.port.snapshot()).legs, [{ legId, controlled: true, spoolFile }]);
    await second.port.hangup(legId, 'normal');
    await second.heard.event('legEnded', (event) => event.legId === legId);
    await second.port.stop();
  });
}
