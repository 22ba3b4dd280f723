import t from 'tap';
import { toneStretch } from '../support/audio.ts';
import { assertAtRest, limitMs, operatorNow, placeCall, readyOperator, registerPhone } from '../support/calls.ts';
import { findInTheClear } from '../support/personal-data.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const callerHz = 1_000;
const operatorHz = 1_300;
/** Planted: must stand in the clear nowhere. */
const ani = '+79261234567';
const planted = '9261234567';

t.setTimeout(400_000);
void t.test('in hours', { timeout: 400_000 }, async (t) => {
  const stack: TestStack = await startTestStack();
  t.teardown(async () => await stack.stop());

  await t.test('a caller reaches an operator and the recording holds both voices', { timeout: 90_000 }, async (t) => {
    const phone = await readyOperator(t, stack, 'op101');
    const caller = await placeCall(t, stack, { number: '88001000001', ani });
    await caller.press('1');
    await caller.next('topicChosen');
    t.equal((await caller.next('queued')).facts.queueId, 'account');
    const joined = await caller.next('joined');
    const operator = await phone.nextCall(limitMs);
    t.equal(joined.facts.operatorId, 'op101');
    const untilJoinedMs = Date.parse(joined.at) - (operator.answeredAtMs ?? 0);
    t.ok(untilJoinedMs <= 300, `joined ${untilJoinedMs} ms after the answer`);
    await Promise.all([caller.leg.playTone(callerHz, 3_000), operator.playTone(operatorHz, 3_000)]);
    await operator.hangup();
    await caller.leg.ended(limitMs);
    t.ok((await caller.leg.hears(operatorHz, { forMs: 2_500, limitMs })) >= 2_500);
    t.ok((await operator.hears(callerHz, { forMs: 2_500, limitMs })) >= 2_500);

    const contact = await caller.verified();
    t.match(contact, {
      outcome: 'answeredByOperator',
      endedBy: 'operator',
      operatorId: 'op101',
      topic: 'registration',
    });
    t.ok((contact.talkMs ?? 0) >= 3_000);
    const audio = await stack.exportRecording(contact.contactId);
    const [left, right] = [toneStretch(audio.left, callerHz), toneStretch(audio.right, operatorHz)];
    t.ok((left?.soundsMs ?? 0) >= 2_500, `the caller on the left: ${left?.soundsMs ?? 0} ms`);
    t.ok((right?.soundsMs ?? 0) >= 2_500, `the operator on the right: ${right?.soundsMs ?? 0} ms`);
    t.equal(toneStretch(audio.left, operatorHz)?.soundsMs ?? 0, 0);
    t.equal(toneStretch(audio.right, callerHz)?.soundsMs ?? 0, 0);
    const talk = contact.recordings[0]?.marks.find((mark) => mark.purpose === 'talk');
    t.ok(Math.abs((left?.fromMs ?? 0) - (talk?.fromMs ?? -10_000)) <= 700, 'the talk is where its mark says');
    await caller.next('wrapUpEnded');
    await assertAtRest(t, stack);
  });

  await t.test(
    'either hang-up ends the conversation, and the operator goes through wrap-up',
    { timeout: 90_000 },
    async (t) => {
      const phone = await readyOperator(t, stack, 'op101');
      const caller = await placeCall(t, stack, { number: '88001000001', ani });
      await caller.press('1');
      await caller.next('joined');
      const operator = await phone.nextCall(limitMs);
      await caller.leg.hangup();
      await operator.ended(limitMs);
      await caller.next('wrapUpStarted');
      t.equal((await operatorNow(stack, 'op101')).work.voice, 'wrapUp');
      await caller.next('wrapUpEnded');
      t.equal((await operatorNow(stack, 'op101')).work.voice, 'idle');
      t.equal((await caller.closed()).endedBy, 'caller');
      await assertAtRest(t, stack);
    },
  );

  await t.test('wrong keys are told, and three of them lead to an operator', { timeout: 90_000 }, async (t) => {
    const caller = await placeCall(t, stack, { number: '88001000001', ani });
    for (let tries = 0; tries < 3; tries += 1) await caller.press('*');
    t.equal((await caller.next('queued', undefined, 2 * limitMs)).facts.queueId, 'general');
    t.equal(caller.kinds().filter((kind) => kind === 'wrongKey').length, 3);
    await caller.leg.hangup();
    t.equal((await caller.verified()).outcome, 'abandonedInQueue');
    await assertAtRest(t, stack);
  });

  await t.test('a caller who hangs up in the menu leaves nothing behind', { timeout: 90_000 }, async (t) => {
    const caller = await placeCall(t, stack, { number: '88001000001', ani });
    await caller.next('promptStarted');
    await caller.leg.hangup();
    t.match(await caller.verified(), { outcome: 'abandonedInMenu', endedBy: 'caller' });
    await assertAtRest(t, stack);
  });

  await t.test('a caller who hangs up in the queue leaves his place', { timeout: 90_000 }, async (t) => {
    const caller = await placeCall(t, stack, { number: '88001000001', ani });
    await caller.press('1');
    await caller.next('queued');
    await caller.leg.hangup();
    t.equal((await caller.verified()).outcome, 'abandonedInQueue');
    const { items } = await stack.api.get<{ items: unknown[] }>('/queues/account/waiting');
    t.same(items, []);
    await assertAtRest(t, stack);
  });

  await t.test('a caller who hangs up while it rings frees the operator at once', { timeout: 90_000 }, async (t) => {
    const phone = await readyOperator(t, stack, 'op101', { kind: 'ring' });
    const caller = await placeCall(t, stack, { number: '88001000001', ani });
    await caller.press('1');
    await caller.next('operatorRinging');
    const operator = await phone.nextCall(limitMs);
    await caller.leg.hangup();
    await operator.ended(limitMs);
    await caller.next('ended');
    t.equal((await operatorNow(stack, 'op101')).work.voice, 'idle');
    t.equal((await caller.verified()).outcome, 'abandonedWhileRinging');
    await assertAtRest(t, stack);
  });

  for (const [behaviour, told] of [
    [{ kind: 'ring' }, 'offerUnanswered'],
    [{ kind: 'busy' }, 'operatorBusy'],
    [{ kind: 'decline' }, 'offerDeclined'],
  ] as const) {
    await t.test(
      `${told}: the next operator is rung and the caller keeps the place`,
      { timeout: 90_000 },
      async (t) => {
        const missing = await readyOperator(t, stack, 'op101', behaviour);
        const caller = await placeCall(t, stack, { number: '88001000001', ani });
        await caller.press('1');
        const queued = await caller.next('queued');
        await missing.nextCall(limitMs);
        await readyOperator(t, stack, 'op104');
        t.equal((await caller.next(told)).facts.operatorId, 'op101');
        t.equal((await caller.next('joined')).facts.operatorId, 'op104');
        await caller.leg.hangup();
        const contact = await caller.verified();
        t.equal(contact.enqueuedAt, queued.at);
        await caller.next('wrapUpEnded');
        await assertAtRest(t, stack);
      },
    );
  }

  await t.test('two callers and one operator: the first come is the first served', { timeout: 90_000 }, async (t) => {
    const first = await placeCall(t, stack, { number: '88001000001', ani });
    await first.press('1');
    await first.next('queued');
    const second = await placeCall(t, stack, { number: '+7 800 100-00-01', ani: '+79267654321' });
    await second.press('1');
    await second.next('queued');
    await readyOperator(t, stack, 'op101');
    await first.next('joined');
    t.notOk(second.kinds().includes('joined'));
    await first.leg.hangup();
    await second.next('joined');
    await second.leg.hangup();
    await second.next('wrapUpEnded');
    await assertAtRest(t, stack);
  });

  await t.test('all devices of an operator ring, one answers, the others stop', { timeout: 90_000 }, async (t) => {
    const desk = await readyOperator(t, stack, 'op101', { kind: 'ring' });
    const mobile = await registerPhone(t, stack, 'op101', { kind: 'answer', afterMs: 1_000 });
    const caller = await placeCall(t, stack, { number: '88001000001', ani });
    await caller.press('1');
    await caller.next('joined');
    const [silent, answering] = await Promise.all([desk.nextCall(limitMs), mobile.nextCall(limitMs)]);
    await silent.ended(limitMs);
    t.equal(silent.answeredAtMs, undefined);
    t.ok(answering.answeredAtMs);
    await caller.leg.hangup();
    await caller.next('wrapUpEnded');
    await assertAtRest(t, stack);
  });

  await t.test('an operator whose phone is not registered is never offered a call', { timeout: 90_000 }, async (t) => {
    const phone = await readyOperator(t, stack, 'op101');
    await phone.unregister();
    const caller = await placeCall(t, stack, { number: '88001000001', ani });
    await caller.press('1');
    await caller.next('queued');
    await readyOperator(t, stack, 'op104');
    t.equal((await caller.next('joined')).facts.operatorId, 'op104');
    t.notOk(caller.watch.entries.some(({ kind, facts }) => kind === 'offerMade' && facts.operatorId === 'op101'));
    await caller.leg.hangup();
    await caller.next('wrapUpEnded');
    await assertAtRest(t, stack);
  });

  await t.test('presence by keys: only who has signed in becomes ready', { timeout: 90_000 }, async (t) => {
    const phone = await registerPhone(t, stack, 'op103', { kind: 'ring' });
    const dial = async (code: string): Promise<void> => {
      const leg = await phone.dial(code);
      await leg.answered(limitMs);
      await leg.ended(2 * limitMs);
    };
    await dial('*11');
    t.match(await operatorNow(stack, 'op103'), { signedIn: false, presence: 'loggedOff' });
    await stack.api.send('POST', '/operators/op103/sign-in', { reason: 'test' });
    for (const [code, presence] of [
      ['*11', 'ready'],
      ['*12', 'notReady'],
      ['*10', 'loggedOff'],
    ] as const) {
      await dial(code);
      t.equal((await operatorNow(stack, 'op103')).presence, presence, code);
    }
    await stack.api.send('POST', '/operators/op103/sign-out', { reason: 'test' });
    await assertAtRest(t, stack);
  });

  await t.test('a caller who sends no RTP for a while does not shift the recording', { timeout: 90_000 }, async (t) => {
    const phone = await readyOperator(t, stack, 'op101');
    const caller = await placeCall(t, stack, { number: '88001000001', ani });
    await caller.press('1');
    const joined = await caller.next('joined');
    const operator = await phone.nextCall(limitMs);
    await caller.leg.playTone(callerHz, 1_000);
    await caller.leg.stopRtp();
    await operator.playTone(operatorHz, 4_000);
    const againAtMs = Date.now();
    await caller.leg.playTone(callerHz, 1_000);
    await caller.leg.hangup();
    const contact = await caller.verified();
    const talk = contact.recordings[0]?.marks.find((mark) => mark.purpose === 'talk');
    const audio = await stack.exportRecording(contact.contactId);
    const expectedMs = (talk?.fromMs ?? 0) + againAtMs - Date.parse(joined.at) + 1_000;
    const lastMs = toneStretch(audio.left, callerHz)?.toMs ?? 0;
    t.ok(Math.abs(lastMs - expectedMs) <= 700, `the last tone ends at ${lastMs} ms, expected ${expectedMs} ms`);
    await caller.next('wrapUpEnded');
    await assertAtRest(t, stack);
  });

  await t.test('nothing planted stands in the clear in logs and databases', { timeout: 90_000 }, async (t) => {
    const { found, looked } = await findInTheClear([planted, '9267654321'], {
      dirs: [stack.stack.home.logDir],
      databaseUrl: stack.stack.databaseUrl,
      redisUrl: stack.stack.redisUrl,
    });
    t.ok(looked > 10, `${looked} places looked at`);
    t.same(found, []);
    const control = await findInTheClear(['operatorRinging'], {
      dirs: [],
      databaseUrl: stack.stack.databaseUrl,
      redisUrl: stack.stack.redisUrl,
    });
    t.not(control.found.length, 0, 'what stands in the clear is found');
  });
});
