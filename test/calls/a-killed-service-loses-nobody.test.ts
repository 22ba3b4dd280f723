import t from 'tap';
import { toneStretch } from '../support/audio.ts';
import { afterHours, assertAtRest, limitMs, placeCall, readyOperator, type TestCaller } from '../support/calls.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const ani = '+79261234567';
const callerHz = 1_000;
const operatorHz = 1_300;
const recoveryMs = 30_000;

/** Ends the service process as a crash would; its supervisor starts it again. */
function killService(stack: TestStack): void {
  stack.stack.kill('service-n1', 'SIGKILL');
}

async function recovered(caller: TestCaller): Promise<void> {
  await caller.next('recovered', undefined, recoveryMs);
}

t.setTimeout(400_000);
void t.test('the service is killed once in each phase', { timeout: 400_000 }, async (t) => {
  const stack: TestStack = await startTestStack();
  t.teardown(async () => await stack.stop());

  await t.test('in the menu: the menu goes on', { timeout: 90_000 }, async (t) => {
    const caller = await placeCall(t, stack, { number: '88001000001', ani });
    await caller.next('promptStarted');
    killService(stack);
    await recovered(caller);
    t.equal(caller.leg.state, 'up');
    await caller.press('1');
    t.equal((await caller.next('queued')).facts.queueId, 'account');
    await caller.leg.hangup();
    await caller.verified();
    await assertAtRest(t, stack);
  });

  await t.test(
    'during the announcement in the queue, and in the queue: the place is kept',
    { timeout: 90_000 },
    async (t) => {
      const caller = await placeCall(t, stack, { number: '88001000001', ani });
      await caller.press('1');
      const queued = await caller.next('queued');
      killService(stack);
      await recovered(caller);
      const later = await placeCall(t, stack, { number: '88001000001', ani: '+79267654321' });
      await later.press('1');
      await later.next('queued');
      killService(stack);
      await Promise.all([recovered(caller), recovered(later)]);
      await readyOperator(t, stack, 'op101');
      await caller.next('joined');
      t.notOk(later.kinds().includes('joined'));
      await later.leg.hangup();
      await caller.leg.hangup();
      const [contact] = await Promise.all([caller.verified(), later.verified()]);
      t.equal(contact.enqueuedAt, queued.at);
      await caller.next('wrapUpEnded');
      await assertAtRest(t, stack);
    },
  );

  await t.test(
    'while it rings, the operator answering meanwhile: the two are joined',
    { timeout: 90_000 },
    async (t) => {
      const phone = await readyOperator(t, stack, 'op101', { kind: 'ring' });
      const caller = await placeCall(t, stack, { number: '88001000001', ani });
      await caller.press('1');
      await caller.next('operatorRinging');
      const operator = await phone.nextCall(limitMs);
      killService(stack);
      await operator.answer();
      await caller.next('joined', undefined, recoveryMs);
      await Promise.all([caller.leg.playTone(callerHz, 2_000), operator.playTone(operatorHz, 2_000)]);
      await caller.leg.hangup();
      t.ok(await operator.hears(callerHz, { forMs: 1_500, limitMs }));
      t.ok(await caller.leg.hears(operatorHz, { forMs: 1_500, limitMs }));
      t.equal((await caller.verified()).outcome, 'answeredByOperator');
      await caller.next('wrapUpEnded');
      await assertAtRest(t, stack);
    },
  );

  await t.test('during the talk: the talk, the bridge and the recording go on', { timeout: 90_000 }, async (t) => {
    const phone = await readyOperator(t, stack, 'op101');
    const caller = await placeCall(t, stack, { number: '88001000001', ani });
    await caller.press('1');
    await caller.next('joined');
    const operator = await phone.nextCall(limitMs);
    await caller.leg.playTone(callerHz, 500);
    t.ok(await operator.hears(callerHz, { forMs: 400, limitMs }));
    const bridges = await stack.witness.bridges();
    killService(stack);
    await Promise.all([caller.leg.playTone(callerHz, 4_000), operator.playTone(operatorHz, 4_000)]);
    await recovered(caller);
    t.same(await stack.witness.bridges(), bridges);
    await operator.hangup();
    await caller.leg.ended(limitMs);
    t.ok(await operator.hears(callerHz, { forMs: 3_500, limitMs }));
    t.ok(await caller.leg.hears(operatorHz, { forMs: 3_500, limitMs }));
    const contact = await caller.verified();
    t.match(contact, { outcome: 'answeredByOperator', endedBy: 'operator' });
    const audio = await stack.exportRecording(contact.contactId);
    t.ok((toneStretch(audio.left, callerHz)?.soundsMs ?? 0) >= 3_500, 'the caller is recorded throughout');
    t.ok((toneStretch(audio.right, operatorHz)?.soundsMs ?? 0) >= 3_500, 'the operator is recorded throughout');
    await caller.next('wrapUpEnded');
    await assertAtRest(t, stack);
  });

  await t.test('during the spoken message: it is kept', { timeout: 90_000 }, async (t) => {
    const caller = await placeCall(t, stack, { number: '88001000001', ani, at: afterHours });
    await caller.press('4');
    await caller.press('1');
    await caller.press('1');
    await caller.next('messageStarted', undefined, 2 * limitMs);
    killService(stack);
    await caller.leg.playTone(900, 4_000);
    await recovered(caller);
    await caller.leg.press('#');
    await caller.next('messageRecorded');
    await caller.press('1');
    await caller.next('requestStored', undefined, 2 * limitMs);
    await caller.leg.hangup();
    const contact = await caller.verified();
    const audio = await stack.exportRecording(contact.contactId);
    t.ok((toneStretch(audio.left, 900)?.soundsMs ?? 0) >= 3_500);
    await assertAtRest(t, stack);
  });

  await t.test(
    'a call that comes while the service is away is served when it is back',
    { timeout: 90_000 },
    async (t) => {
      await stack.killForGood();
      const leg = await stack.phones.call({ number: '88005550000', ani });
      t.not(leg.state, 'up');
      await stack.stack.start('service-n1');
      await leg.answered(limitMs);
      await leg.hangup();
      await assertAtRest(t, stack);
    },
  );

  await t.test('no service at all: the caller is told so in bounded time', { timeout: 90_000 }, async (t) => {
    await stack.killForGood();
    const leg = await stack.phones.call({ number: '88001000001', ani });
    await leg.answered(20_000);
    await leg.ended(20_000);
    const { left } = await leg.audio();
    t.ok(
      left.some((sample) => Math.abs(sample) > 2_000),
      'something is said',
    );
    await stack.stack.start('service-n1');
    await assertAtRest(t, stack);
  });
});
