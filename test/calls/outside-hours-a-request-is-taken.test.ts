import { readdirSync } from 'node:fs';
import t from 'tap';
import { toneStretch } from '../support/audio.ts';
import { afterHours, assertAtRest, inHours, limitMs, placeCall } from '../support/calls.ts';
import { findInTheClear } from '../support/personal-data.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const ani = '+79261234567';
const callBack = '89167654321';
const messageHz = 900;

const saysClosed = (entry: { readonly facts: Readonly<Record<string, unknown>> }): boolean =>
  JSON.stringify(entry.facts.prompts ?? []).includes('closed-now');

t.setTimeout(400_000);
void t.test('outside hours and off the map', { timeout: 400_000 }, async (t) => {
  const stack: TestStack = await startTestStack();
  t.teardown(async () => await stack.stop());

  await t.test('a request with a spoken message is stored, and its number read out', { timeout: 90_000 }, async (t) => {
    const caller = await placeCall(t, stack, { number: '88001000001', ani, at: afterHours });
    await caller.next('promptStarted', saysClosed);
    await caller.press('4');
    await caller.press('3');
    t.equal((await caller.next('topicChosen')).facts.topic, 'documents');
    await caller.press('2');
    await caller.press(`${callBack}#`);
    await caller.press('1');
    const began = await caller.next('messageStarted', undefined, 2 * limitMs);
    await caller.leg.playTone(messageHz, 3_000);
    await caller.leg.press('#');
    t.ok(Number((await caller.next('messageRecorded')).facts.seconds) >= 3);
    await caller.press('1');
    const stored = await caller.next('requestStored', undefined, 2 * limitMs);
    const caseNumber = String(stored.facts.caseNumber);
    await caller.next('ended', undefined, 4 * limitMs);
    const contact = await caller.verified();
    t.match(contact, { outcome: 'requestLeft', endedBy: 'service' });

    const found = await stack.api.get<{
      topic: string;
      callBackNumber: string;
      contactId: string;
      message: { fromMs: number; toMs: number };
    }>(`/cases/${caseNumber}`);
    t.match(found, { topic: 'documents', callBackNumber: '+79167654321', contactId: contact.contactId });
    const outbox = await stack.api.get<{ items: { caseId: string; state: string }[] }>('/outbox?state=pending');
    t.ok(outbox.items.some((notice) => notice.caseId === contact.caseId));

    const audio = await stack.exportRecording(contact.contactId);
    const tone = toneStretch(audio.left, messageHz);
    t.ok((tone?.soundsMs ?? 0) >= 2_500, 'the message is in the recording');
    t.ok(
      (tone?.fromMs ?? 0) >= found.message.fromMs - 700 && (tone?.toMs ?? 0) <= found.message.toMs + 700,
      'the message is where the request says',
    );
    t.ok(Date.parse(began.at) > 0);
    await assertAtRest(t, stack);
  });

  await t.test('on a Sunday within the holidays the holiday hours decide', { timeout: 90_000 }, async (t) => {
    const closed = await placeCall(t, stack, { number: '88001000001', ani, at: '2027-01-03T15:00+03:00' });
    await closed.next('promptStarted', saysClosed);
    await closed.leg.hangup();
    const open = await placeCall(t, stack, { number: '88001000001', ani, at: '2027-01-03T13:30+03:00' });
    await open.press('1');
    await open.next('queued');
    await open.leg.hangup();
    await Promise.all([closed.verified(), open.verified()]);
    await assertAtRest(t, stack);
  });

  await t.test('the emergency line has operators at any hour', { timeout: 90_000 }, async (t) => {
    const caller = await placeCall(t, stack, { number: '88005550000', ani, at: '2027-01-01T04:00+03:00' });
    t.equal((await caller.next('queued')).facts.queueId, 'emergency');
    await caller.leg.hangup();
    await caller.verified();
    await assertAtRest(t, stack);
  });

  await t.test('an unknown number is told so, politely', { timeout: 90_000 }, async (t) => {
    const caller = await placeCall(t, stack, { number: '88009999999', ani });
    const said = await caller.next('promptStarted');
    t.match(JSON.stringify(said.facts), /unknown-number/);
    await caller.leg.ended(2 * limitMs);
    t.equal((await caller.closed()).outcome, 'unknownNumber');
    await assertAtRest(t, stack);
  });

  await t.test('every line is reached in every notation', { timeout: 90_000 }, async (t) => {
    const lines = [
      ['general', '88001000001', '78001000001', '+78001000001', '8001000001', '8 (800) 100-00-01'],
      ['documents', '88002000002', '+7 800 200 00 02'],
      ['business', '78003000003', '8-800-300-00-03'],
      ['social', '8004000004', '+78004000004'],
      ['support', '88005553535', '8 800 555-35-35'],
      ['emergency', '88005550000'],
    ] as const;
    for (const [line, ...numbers] of lines) {
      for (const number of numbers) {
        const caller = await placeCall(t, stack, { number, ani, at: inHours });
        t.equal((await caller.next('arrived')).facts.line, line, number);
        await caller.leg.hangup();
        await caller.next('ended');
      }
    }
    await assertAtRest(t, stack);
  });

  await t.test('nothing planted stands in the clear in logs and databases', { timeout: 90_000 }, async (t) => {
    const { found, looked } = await findInTheClear(['9261234567', '9167654321'], {
      dirs: [stack.stack.home.logDir],
      databaseUrl: stack.stack.databaseUrl,
      redisUrl: stack.stack.redisUrl,
    });
    t.ok(looked > 10);
    t.same(found, []);
  });

  await t.test('no secret stands where it need not, and no audio outside the spool on tmpfs', async (t) => {
    const { home, secrets } = stack.stack;
    const { found } = await findInTheClear([...Object.values(secrets.sipPasswords), secrets.apiToken], {
      dirs: [home.logDir, home.asteriskDir],
      databaseUrl: stack.stack.databaseUrl,
      redisUrl: stack.stack.redisUrl,
    });
    t.same(found, []);
    const files = readdirSync(home.asteriskDir, { recursive: true, encoding: 'utf8' });
    t.ok(files.length > 10);
    t.same(
      files.filter((name) => /\.(wav|sln|raw|gsm|alaw)$/.test(name)),
      [],
    );
    t.match(home.spoolDir, /^\/dev\/shm\//);
    // The recordings of the last calls may still be being sealed.
    for (const sinceMs = Date.now(); readdirSync(home.spoolDir).length > 0 && Date.now() - sinceMs < limitMs; ) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    t.same(readdirSync(home.spoolDir), [], 'what is sealed is gone from the spool');
  });
});
