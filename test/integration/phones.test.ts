import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { silentLogger } from '../../src/foundation/index.ts';
import { freeUdpPort } from '../../src/phones/free-ports.ts';
import { type Phones, startPhones, toneMs } from '../../src/phones/index.ts';
import { asteriskProgram } from '../support/asterisk.ts';
import { startPlainHotline } from '../support/plain-hotline.ts';

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
