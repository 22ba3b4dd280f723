import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { TelephonyPort } from '../../src/contact/ports.ts';
import {
  asId,
  type BridgeId,
  type ContactId,
  type LegId,
  newId,
  type PlaybackId,
  silentLogger,
  systemClock,
} from '../../src/foundation/index.ts';
import { splitStereo, toneMs } from '../../src/phones/index.ts';
import { AmiConnection, type AmiEvent } from '../../src/telephony/index.ts';
import { type Heard, realTelephonyWorld } from '../support/telephony-world.ts';

const limitMs = 10_000;
const contactId = asId<ContactId>('c0contact');

type World = Awaited<ReturnType<typeof realTelephonyWorld>>;

function id<Id extends string>(kind: string): Id {
  return newId<Id>(`${contactId}.${kind}`, Date.now());
}

// A caller waits for the service for a quarter of a minute, and Asterisk is started twice.
t.setTimeout(90_000);
void t.test('the telephone side over a real Asterisk', { timeout: 90_000 }, async (t) => {
  const world = await realTelephonyWorld();
  t.teardown(async () => await world.stop());
  await recordingKeepsTime(t, world);
  await longSoundHoldsUpNobody(t, world);
  await strangersCallAPhone(t, world);
  await callersWaitForTheService(t, world);
  await anotherProcessTakesOver(t, world);
  await startsLeaveNothingBehind(t, world);
  await asteriskRestarts(t, world);
  await manager(t, world);
  await strangersAreNoCarriers(t, world);
  await secrets(t, world);
});

/** A caller of ours who sends no RTP, recorded from the answer on. */
async function silentCaller(
  world: World,
  parts: { readonly port: TelephonyPort; readonly heard: Heard },
  number: string,
) {
  const { port, heard } = parts;
  const caller = await world.phones.call({ number, audio: 'none' });
  const { legId } = await heard.event('legArrived', (event) => event.arrival.dnis === number);
  await port.answer(legId);
  const spoolFile = world.spoolFile();
  await port.startRecording(legId, spoolFile);
  const { atMs } = await heard.event('legReturned', (event) => event.legId === legId);
  await port.keepTime(legId);
  return { caller, legId, spoolFile, startedAtMs: atMs };
}

async function recordingKeepsTime(t: Test, world: World): Promise<void> {
  await t.test('the recording keeps time through menu, queue and talk though the caller sends no RTP', async (t) => {
    const { port, heard } = await world.open();
    const phone = await world.phones.register({ extension: '101', password: 'first-secret', audio: { toneHz: 1_000 } });
    const { devices } = await heard.event(
      'devicesChanged',
      (event) => event.extension === '101' && event.devices.length > 0,
    );
    const { caller, legId, spoolFile, startedAtMs } = await silentCaller(world, { port, heard }, '80001');
    const plays = async (target: { readonly legId: LegId } | { readonly bridgeId: BridgeId }): Promise<void> => {
      const playbackId = id<PlaybackId>('p');
      await port.play({ playbackId, target, media: ['ru/short'] });
      await heard.event('playbackEnded', (event) => event.playbackId === playbackId);
    };
    const pause = async (): Promise<void> => await new Promise((resolve) => setTimeout(resolve, 1_000));
    await pause();
    await plays({ legId });
    await pause();
    const [queue, talk] = [id<BridgeId>('b'), id<BridgeId>('b')];
    await port.createBridge(queue, 'holding');
    await port.joinBridge(queue, [legId]);
    await pause();
    await plays({ bridgeId: queue });
    await pause();
    const operatorLeg = id<LegId>('l');
    const offer = { contactId, role: 'operator', callerIdNumber: '', callerIdName: '', ringTimeoutMs: 5_000 } as const;
    await port.originate({ ...offer, legId: operatorLeg, device: devices[0] ?? '' });
    await heard.event('legAnswered', (event) => event.legId === operatorLeg);
    await port.createBridge(talk, 'mixing');
    await port.joinBridge(talk, [operatorLeg, legId]);
    t.ok((await caller.hears(1_000, { forMs: 800, limitMs })) >= 800, 'the caller hears the operator');
    await port.hangup(operatorLeg, 'normal');
    await heard.event('legEnded', (event) => event.legId === operatorLeg);
    await port.leaveBridge(talk, legId);
    await pause();
    await port.hangup(legId, 'normal');
    const ended = await heard.event('legEnded', (event) => event.legId === legId);
    await caller.ended(limitMs);
    const wallMs = ended.atMs - startedAtMs;
    const recordedMs = (await settledSize(spoolFile)) / 32;
    t.comment(`${wallMs} ms passed, ${recordedMs} ms recorded`);
    t.ok(Math.abs(wallMs - recordedMs) < 400, `${wallMs} ms passed, ${recordedMs} ms recorded`);
    const { left, right } = splitStereo(readFileSync(spoolFile));
    t.equal(toneMs(left, 1_000), 0);
    t.ok(toneMs(right, 1_000) >= 800, 'the operator is on the right');
    t.ok(toneMs(right, 660) >= 1_800, 'both announcements are recorded');
    for (const bridgeId of [queue, talk]) await port.destroyBridge(bridgeId);
    await phone.unregister();
    await port.stop();
  });
}

async function longSoundHoldsUpNobody(t: Test, world: World): Promise<void> {
  await t.test('commands for a leg do not wait for what plays to it, and hold up no other leg', async (t) => {
    const { port, heard } = await world.open();
    const { legId } = await silentCaller(world, { port, heard }, '80002');
    const long = async (): Promise<void> => {
      await port.play({ playbackId: id<PlaybackId>('p'), target: { legId }, media: ['ru/long', 'ru/long'] });
    };
    const bridgeId = id<BridgeId>('b');
    await port.createBridge(bridgeId, 'holding');
    for (const command of [
      async () => await port.answer(legId),
      async () => await port.startRecording(legId, world.spoolFile()),
      async () => await port.joinBridge(bridgeId, [legId]),
      async () => await port.leaveBridge(bridgeId, legId),
    ]) {
      await long();
      const startedAtMs = Date.now();
      t.equal(await command(), 'done');
      t.ok(Date.now() - startedAtMs < 500, `${Date.now() - startedAtMs} ms`);
      await heard.event('legReturned', (event) => event.legId === legId);
    }
    await port.hangup(legId, 'normal');
    await heard.event('legEnded', (event) => event.legId === legId);
    await port.destroyBridge(bridgeId);
    await port.stop();
  });
}

/** Asterisk rings an operator's phone for somebody who is no contact: asked by another client of ARI, as a dialplan would by itself. */
async function strangersCallAPhone(t: Test, world: World): Promise<void> {
  await t.test('a call that somebody else sends to an operator’s phone is one outside the queue', async (t) => {
    const { port, heard } = await world.open();
    const phone = await world.register('101', 'ring');
    const { devices } = await heard.event('devicesChanged', (event) => event.devices.length > 0);
    const { url, user, password } = world.asterisk.ari;
    const ask = async (method: string, query: Readonly<Record<string, string>>): Promise<void> => {
      const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      const path = `${url}/ari/channels/stranger?${new URLSearchParams(query).toString()}`;
      const response = await fetch(path, { method, headers: { authorization }, signal: AbortSignal.timeout(limitMs) });
      t.ok(response.ok, `${method}: ${response.status}`);
      await response.arrayBuffer();
    };
    await ask('POST', { endpoint: devices[0] ?? '', context: 'no-service', extension: 's', priority: '1' });
    await heard.event('operatorCallsChanged', (event) => event.extension === '101' && event.outsideCalls === 1);
    await ask('DELETE', {});
    await heard.event('operatorCallsChanged', () => port.outsideCalls('101') === 0);
    await phone.unregister();
    await port.stop();
  });
}

async function callersWaitForTheService(t: Test, world: World): Promise<void> {
  await t.test('a caller whom no service answers waits, then hears so and is let go', async (t) => {
    const startedAtMs = Date.now();
    const caller = await world.phones.call({ number: '80003' });
    await caller.answered(25_000);
    const waitedMs = Date.now() - startedAtMs;
    t.ok(waitedMs > 10_000 && waitedMs < 20_000, `${waitedMs} ms`);
    t.ok((await caller.hears(550, { forMs: 400, limitMs })) >= 400, 'the prompt');
    await caller.ended(limitMs);
  });
}

async function anotherProcessTakesOver(t: Test, world: World): Promise<void> {
  await t.test('when another process takes the shard over, this one can do nothing more; the legs stay', async (t) => {
    const first = await world.open();
    const { legId } = await silentCaller(world, first, '80004');
    const second = await world.open();
    await first.heard.event('replaced');
    t.notOk(first.port.connected());
    await t.rejects(first.port.hangup(legId, 'normal'), { code: 'TELEPHONY_UNAVAILABLE' });
    t.match((await second.port.snapshot()).legs, [{ legId, controlled: true }]);
    await second.port.hangup(legId, 'normal');
    await second.heard.event('legEnded', (event) => event.legId === legId);
    await Promise.all([first.port.stop(), second.port.stop()]);
  });
}

async function startsLeaveNothingBehind(t: Test, world: World): Promise<void> {
  await t.test('however often a process starts, Asterisk keeps no application of those before', async (t) => {
    const { url, user, password } = world.asterisk.ari;
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const applications = async (): Promise<readonly string[]> => {
      const response = await fetch(`${url}/ari/applications`, { headers: { authorization } });
      const found = (await response.json()) as readonly { readonly name: string }[];
      return found.map(({ name }) => name).sort();
    };
    for (const _start of [1, 2, 3]) {
      const { port } = await world.open();
      t.same(await applications(), ['test-shard', 'test-shard-listing-n1']);
      await port.stop();
    }
    // Asterisk clears up behind a closed connection in its own time.
    const limitAtMs = Date.now() + limitMs;
    while ((await applications()).length > 1 && Date.now() < limitAtMs) await pause(20);
    t.same(await applications(), ['test-shard'], 'the shard is kept: callers wait in it for the next owner');
  });
}

async function asteriskRestarts(t: Test, world: World): Promise<void> {
  await t.test(
    'the connection comes back after a restart of Asterisk, and registrations are known again',
    async (t) => {
      const { port, heard } = await world.open();
      const phone = await world.phones.register({ extension: '102', password: 'second-secret' });
      await heard.event('devicesChanged', (event) => event.extension === '102' && event.devices.length === 1);
      await world.asterisk.restart();
      await heard.event('disconnected');
      await heard.event('connected', (event) => event.again);
      t.ok(port.connected());
      t.same((await port.snapshot()).legs, []);
      const { caller, legId } = await silentCaller(world, { port, heard }, '80005');
      await caller.hangup();
      await heard.event('legEnded', (event) => event.legId === legId);
      t.equal(port.devices('102').length, 1, 'the registration outlived Asterisk');
      await phone.unregister();
      await port.stop();
    },
  );
}

async function manager(t: Test, world: World): Promise<void> {
  await t.test('the manager interface: least rights, no smuggled actions, wrong passwords are told', async (t) => {
    const { settings } = world.asterisk;
    const access = {
      host: '127.0.0.1',
      port: settings.amiPort,
      user: settings.amiUser,
      password: settings.amiPassword,
    };
    const events: AmiEvent[] = [];
    const told = Promise.withResolvers<void>();
    const ami = new AmiConnection({
      access,
      clock: systemClock(),
      logger: silentLogger,
      onEvent: (event) => {
        events.push(event);
        told.resolve();
      },
    });
    t.teardown(async () => await ami.stop());
    await ami.start();
    t.ok((await ami.action('Ping')).ok);
    await t.rejects(ami.action('Ping', { x: 'y\r\n\r\nAction: Logoff' }), { code: 'AMI_VALUE_INVALID' });
    for (const action of ['Command', 'Originate', 'GetConfig', 'PJSIPShowEndpoints']) {
      t.match(await ami.action(action), { ok: false, message: 'Permission denied' });
    }
    const wrong = { ...access, password: 'wrong' };
    const refused = new AmiConnection({ access: wrong, clock: systemClock(), logger: silentLogger });
    t.teardown(async () => await refused.stop());
    await t.rejects(refused.start(), { code: 'AMI_LOGIN_REFUSED' });
    await told.promise;
    t.match(events[0], { name: 'InvalidPassword', fields: { service: 'AMI' } });
    await t.rejects(world.phones.register({ extension: '101', password: 'wrong' }), { code: 'PHONE_NOT_REGISTERED' });
    await ami.stop();
    await t.rejects(ami.action('Ping'), { code: 'TELEPHONY_UNAVAILABLE' });
  });
}

async function strangersAreNoCarriers(t: Test, world: World): Promise<void> {
  await t.test('whoever calls himself by a trunk’s name is not let in', async (t) => {
    const { host, port } = world.asterisk.sip;
    const socket = createSocket('udp4');
    t.teardown(() => socket.close());
    socket.bind(0, '127.0.0.7');
    await once(socket, 'listening');
    for (const name of ['trunk-carrier', 'dial-carrier']) {
      const uri = `sip:80001@${host}:${port}`;
      const own = `127.0.0.7:${socket.address().port}`;
      const lines = [
        `INVITE ${uri} SIP/2.0`,
        `Via: SIP/2.0/UDP ${own};branch=z9hG4bK-${name}`,
        `From: <sip:${name}@${host}>;tag=${name}`,
        `To: <${uri}>`,
        `Call-ID: ${name}@stranger`,
        'CSeq: 1 INVITE',
        `Contact: <sip:${name}@${own}>`,
        'Max-Forwards: 70',
        'Content-Length: 0',
      ];
      const answered = once(socket, 'message', { signal: AbortSignal.timeout(limitMs) });
      socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, host);
      const [message] = (await answered) as [Buffer];
      t.match(message.toString('utf8').split('\r\n')[0], /^SIP\/2\.0 40[13] /, name);
    }
  });
}

async function secrets(t: Test, world: World): Promise<void> {
  await t.test('no password and no number in what Asterisk has written', async (t) => {
    const { settings, logFile } = world.asterisk;
    const astdb = join(settings.homeDir, 'lib', 'astdb.sqlite3');
    t.equal(statSync(astdb).mode & 0o077, 0);
    const written = `${readFileSync(astdb, 'latin1')}\n${readFileSync(logFile, 'latin1')}`;
    t.notMatch(written, /first-secret|second-secret|ari-secret|ami-secret/);
    t.notMatch(written, /79000000001/, "the callers' number");
  });
}

/** Asterisk closes the file a moment after the leg has ended. */
async function settledSize(file: string): Promise<number> {
  let size = -1;
  for (let i = 0; i < 50 && size !== statSync(file).size; i += 1) {
    ({ size } = statSync(file));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return size;
}
