import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { asId, type ContactId, type LegId, newId, silentLogger } from '../../src/foundation/index.ts';
import { freeUdpPort } from '../../src/phones/free-ports.ts';
import { type Phones, type Refusal, splitStereo, startPhones, toneMs } from '../../src/phones/index.ts';
import { asteriskProgram } from '../support/asterisk.ts';
import { startPlainHotline } from '../support/plain-hotline.ts';
import { realTelephonyWorld } from '../support/telephony-world.ts';

const limitMs = 10_000;
const host = '127.0.0.9';
const dir = mkdtempSync('/dev/shm/dozvon-phones-');

void t.test('test callers and phones against a plain Asterisk', async (t) => {
  const program = await asteriskProgram();
  const hotline = await startPlainHotline({ program, dir: join(dir, 'h'), host, port: await freeUdpPort([host]) });
  t.teardown(async () => {
    await hotline.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const phones: Phones = await startPhones({ program, dir: join(dir, 'p'), target: hotline, logger: silentLogger });
  let stopped = false;
  t.teardown(async () => {
    if (!stopped) await phones.stop();
  });

  await t.test('a caller presses a key, an operator answers, both hear each other', async (t) => {
    const phone = await phones.register({ extension: '101', password: 'right-password' });
    const caller = await phones.call({ number: '100' });
    t.match(caller.sipCallId, /.{8,}/);
    await caller.answered(limitMs);
    await caller.press('1');
    t.ok((await caller.hears(600, { forMs: 1_000, limitMs })) >= 1_000);
    const operator = await phone.nextCall(limitMs);
    await operator.answered(limitMs);
    t.ok((operator.ringingAtMs ?? 0) >= operator.startedAtMs);
    await Promise.all([caller.playTone(1_000, 1_500), operator.playTone(1_300, 1_500)]);
    await caller.hangup();
    await operator.ended(limitMs);
    t.ok((await operator.hears(1_000, { forMs: 1_000, limitMs })) >= 1_000);
    t.ok((await caller.hears(1_300, { forMs: 1_000, limitMs })) >= 1_000);
    t.equal(toneMs((await caller.audio()).right, 1_300), 0, 'what is heard is not what is said');
    await phone.unregister();
  });

  await t.test('two devices of one extension ring together, one answers, the other is told', async (t) => {
    const first = await phones.register({ extension: '101', password: 'right-password', behaviour: { kind: 'ring' } });
    const second = await phones.register({ extension: '101', password: 'right-password', behaviour: { kind: 'ring' } });
    const caller = await phones.call({ number: '100' });
    await caller.answered(limitMs);
    await caller.press('1');
    const [ringing, answering] = await Promise.all([first.nextCall(limitMs), second.nextCall(limitMs)]);
    await Promise.all([ringing.ringing(limitMs), answering.ringing(limitMs)]);
    await second.answer();
    await ringing.ended(limitMs);
    t.equal(ringing.answeredAtMs, undefined);
    t.ok(answering.answeredAtMs);
    await second.hangup();
    await caller.ended(limitMs);
    await Promise.all([first.unregister(), second.unregister()]);
  });

  await t.test('busy and refusing phones, and a phone that is no longer registered', async (t) => {
    const phone = await phones.register({ extension: '101', password: 'right-password', behaviour: { kind: 'busy' } });
    for (const behaviour of [{ kind: 'busy' }, { kind: 'decline' }] as const) {
      phone.behaviour = behaviour;
      const caller = await phones.call({ number: '100' });
      await caller.answered(limitMs);
      await caller.press('1');
      const operator = await phone.nextCall(limitMs);
      t.equal((await operator.ended(limitMs)).cause, behaviour.kind === 'busy' ? 17 : 21);
      await caller.ended(limitMs);
    }
    await phone.unregister();
    const caller = await phones.call({ number: '100' });
    await caller.answered(limitMs);
    await caller.press('1');
    await caller.ended(limitMs);
    t.equal(phone.calls.length, 2, 'nothing more came to it');
    t.equal(phone.failure, undefined);
  });

  await t.test('a wrong password is told apart', async (t) => {
    await t.rejects(phones.register({ extension: '101', password: 'wrong' }), { code: 'PHONE_NOT_REGISTERED' });
  });

  await t.test('a refused call tells cause and SIP status', async (t) => {
    const busy = await phones.call({ number: '200' });
    await t.rejects(busy.answered(limitMs), { code: 'PHONE_CALL_ENDED' });
    t.match(busy.end, { cause: 17, sipCode: 486 });
    const unknown = await phones.call({ number: '+7 (999)#*' });
    t.match(await unknown.ended(limitMs), { sipCode: 404 });
  });

  await t.test('headers, the number and its withholding arrive', async (t) => {
    const at = await phones.call({ number: '300', headers: { 'X-Dozvon-At': '2027-01-03T15:00+03:00' } });
    const known = await phones.call({ number: '400', ani: '+79001234567' });
    const withheld = await phones.call({ number: '400', ani: 'withheld' });
    const forMs = 500;
    t.ok(await at.hears(700, { forMs, limitMs }));
    t.ok(await known.hears(900, { forMs, limitMs }));
    t.ok(await withheld.hears(800, { forMs, limitMs }));
  });

  await t.test('a phone dials a service code with its digest', async (t) => {
    const phone = await phones.register({ extension: '101', password: 'right-password' });
    const leg = await phone.dial('*11');
    await leg.answered(limitMs);
    t.ok(await leg.hears(440, { forMs: 1_000, limitMs }));
    await leg.ended(limitMs);
  });

  await t.test('stop leaves nothing', async (t) => {
    const caller = await phones.call({ number: '500' });
    await caller.answered(limitMs);
    const startedAtMs = Date.now();
    await phones.stop();
    stopped = true;
    t.ok(Date.now() - startedAtMs < 5_000);
    t.equal(caller.state, 'ended');
  });
});

void t.test('citizens are called by the product', async (t) => {
  const world = await realTelephonyWorld();
  t.teardown(async () => await world.stop());
  const { phones } = world;
  const { port, heard } = await world.open();
  t.teardown(async () => await port.stop());
  const contactId = asId<ContactId>('c0contact');
  const dial = async (number: string, ringTimeoutMs = limitMs): Promise<LegId> => {
    const legId = newId<LegId>(`${contactId}.o`, Date.now());
    const request = { legId, contactId, number, trunk: 'carrier', callerIdNumber: '+78001000001', ringTimeoutMs };
    t.equal(await port.dialCaller({ ...request, recogniseMachines: false }), 'done');
    return legId;
  };
  const ended = async (legId: LegId): Promise<string> =>
    (await heard.event('legEnded', (event) => event.legId === legId, limitMs)).cause;

  await t.test('a place that is taken is told, since nobody could be called there', async (t) => {
    const { host, port: taken } = phones.carrier;
    const { program } = world.asterisk.settings;
    const options = { program, dir: join(dir, 'never-made'), target: phones.carrier, logger: silentLogger };
    await t.rejects(startPhones({ ...options, callerAddress: host, callerPort: taken }), {
      code: 'PHONES_UNAVAILABLE',
      message: /is taken/,
    });
  });

  await t.test('one answers after a while, says something, hears us, and hangs up when he said he would', async (t) => {
    const says = join(world.asterisk.settings.soundsDir, 'ru', 'short.wav');
    const behaviour = { kind: 'answer', afterMs: 700, says, hangsUpAfterMs: 3_000 } as const;
    const citizen = phones.citizen({ number: '+79000000101', behaviour });
    const legId = await dial(citizen.number);
    const leg = await citizen.nextCall(limitMs);
    await leg.answered(limitMs);
    t.ok((leg.answeredAtMs ?? 0) - leg.startedAtMs >= 690, 'after a while');
    await heard.event('legAnswered', (event) => event.legId === legId);
    const spoolFile = world.spoolFile();
    await port.startRecording(legId, spoolFile);
    await heard.event('legReturned', (event) => event.legId === legId);
    const playbackId = newId<Parameters<typeof port.stopPlayback>[0]>(`${contactId}.p`, Date.now());
    await port.play({ playbackId, target: { legId }, media: ['ru/long'] });
    const end = await leg.ended(limitMs);
    const talkedMs = end.atMs - (leg.answeredAtMs ?? 0);
    t.ok(talkedMs >= 2_900 && talkedMs < 3_600, `${talkedMs} ms`);
    t.equal(await ended(legId), 'normal');
    t.ok((await leg.hears(440, { forMs: 1_000, limitMs })) >= 1_000, 'he hears us');
    t.ok(toneMs(splitStereo(readFileSync(spoolFile)).left, 660) >= 500, 'he is heard');
    t.equal(citizen.failure, undefined);
  });

  await t.test('one rings for ever, and others refuse, each in the way it was told', async (t) => {
    const citizen = phones.citizen({ number: '+79000000102', behaviour: { kind: 'ring' } });
    t.equal(await ended(await dial(citizen.number, 1_000)), 'noAnswer');
    const refusals: readonly (readonly [Refusal, string])[] = [
      ['busy', 'busy'],
      ['rejected', 'declined'],
      ['unknownNumber', 'unreachable'],
      ['switchedOff', 'unreachable'],
      ['carrierFault', 'unreachable'],
    ];
    for (const [as, cause] of refusals) {
      for (const announcesMs of [undefined, 300]) {
        citizen.behaviour = { kind: 'refuse', as, ...(announcesMs !== undefined && { announcesMs }) };
        const legId = await dial(citizen.number);
        t.equal(await ended(legId), cause, `${as} after ${announcesMs ?? 0} ms`);
        const rang = heard.all().some((event) => event.type === 'legRinging' && event.legId === legId);
        t.equal(rang, announcesMs !== undefined, 'early media is ringing');
      }
    }
    t.equal(citizen.failure, undefined);
  });

  await t.test('every INVITE is counted, with its instant and the number shown, whoever has the number', async (t) => {
    const number = '+79000000103';
    t.same(phones.dialled(number), []);
    t.equal(await ended(await dial(number)), 'unreachable', 'nobody has it');
    const citizen = phones.citizen({ number, behaviour: { kind: 'refuse', as: 'busy' } });
    await ended(await dial(number));
    const [first, second] = phones.dialled(number);
    t.equal(phones.dialled(number).length, 2);
    t.equal(citizen.calls.length, 1);
    t.match([first, second], [{ callerId: '+78001000001' }, { callerId: '+78001000001' }]);
    t.ok((first?.atMs ?? 0) <= (second?.atMs ?? 0) && (second?.atMs ?? 0) <= Date.now());
    await t.rejects(dial('+7900;phone-context=x'), { code: 'NUMBER_INVALID' });
    t.same(phones.dialled('+7900'), [], 'what is no number is never dialled');
  });
});
