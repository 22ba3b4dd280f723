import t, { type Test } from 'tap';
import type { ContactWatch } from '../../src/cli/contact-watch.ts';
import type { PhoneLeg } from '../../src/phones/index.ts';
import { toneStretch } from '../support/audio.ts';
import { triesAgainSoon } from '../support/called-back.ts';
import {
  assertAtRest,
  closedContact,
  limitMs,
  operatorNow,
  placeCall,
  readyOperator,
  type ShownContact,
} from '../support/calls.ts';
import { answers, leaves, nextTry, promisedCaller, untilCallBack } from '../support/promised-calls.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const [callerHz, operatorHz] = [1_000, 1_300];
/** Longer than the two sentences take. */
const introductionMs = 9_000;
/** Of the line that was called. */
const shownNumber = /8001000001$/;

t.setTimeout(240_000);
void t.test('whom the hotline calls back', { timeout: 240_000 }, async (t) => {
  const stack: TestStack = await startTestStack({ edit: triesAgainSoon });
  t.teardown(async () => await stack.stop());
  await operatorFirst(t, stack);
  await callerFirst(t, stack);
  await oneOfTwo(t, stack);
});

/** Both speak, and the caller hangs up; the record of his contact when its recording is verified. */
async function converse(
  t: Test,
  stack: TestStack,
  parties: { readonly caller: PhoneLeg; readonly operator: PhoneLeg; readonly watch: ContactWatch },
): Promise<ShownContact> {
  const { caller, operator, watch } = parties;
  await watch.entry(['joined'], { limitMs, what: 'to be joined' });
  // Where the operator has waited for the caller, that one is told first who calls.
  if (watch.has('operatorAnswered')) await new Promise((resolve) => setTimeout(resolve, introductionMs));
  await Promise.all([caller.playTone(callerHz, 3_000), operator.playTone(operatorHz, 3_000)]);
  await caller.hangup();
  await operator.ended(limitMs);
  t.ok((await caller.hears(operatorHz, { forMs: 2_500, limitMs })) >= 2_500, 'the caller heard the operator');
  t.ok((await operator.hears(callerHz, { forMs: 2_500, limitMs })) >= 2_500, 'and the operator the caller');
  await watch.entry(['recordingVerified'], { limitMs: 2 * limitMs, what: 'the recording to be verified' });
  await watch.entry(['wrapUpEnded'], { limitMs, what: 'the end of the wrap-up' });
  const audio = await stack.exportRecording(watch.contactId ?? '');
  t.ok((toneStretch(audio.left, callerHz)?.soundsMs ?? 0) >= 2_500, 'the recording has the caller on the left');
  t.ok((toneStretch(audio.right, operatorHz)?.soundsMs ?? 0) >= 2_500, 'and the operator on the right');
  return await closedContact(stack, watch.contactId ?? '');
}

const told = (watch: ContactWatch): readonly string[] => {
  const story =
    /^(callBackQueued|operator(Ringing|Answered)|caller(Dialled|Ringing|Answered)|joined|attemptEnded|ended)$/;
  return watch.entries.map(({ kind }) => kind).filter((kind) => story.test(kind));
};

async function operatorFirst(t: Test, stack: TestStack): Promise<void> {
  await t.test('operator first: he answers, hears the phone ring, and both talk', { timeout: 90_000 }, async (t) => {
    const ani = '+74955550001';
    const citizen = stack.phones.citizen({ number: ani, behaviour: answers });
    const { caller, callBackId } = await promisedCaller(t, stack, { ani, keys: '1' });
    const coming = await nextTry(t, stack, callBackId);
    t.equal((await leaves(caller)).outcome, 'callBackPromised');
    const watch = await coming();

    const phone = await readyOperator(t, stack, 'op101', { kind: 'ring' });
    const operator = await phone.nextCall(limitMs);
    await operator.ringing(limitMs);
    t.same(stack.phones.dialled(ani), [], 'nobody is called before an operator has answered');
    await operator.answer();
    const called = await citizen.nextCall(limitMs);
    await called.answered(limitMs);
    const contact = await converse(t, stack, { caller: called, operator, watch });

    const order = ['callBackQueued', 'operatorRinging', 'operatorAnswered', 'callerDialled', 'callerRinging'];
    t.same(told(watch), [...order, 'callerAnswered', 'joined', 'attemptEnded', 'ended']);
    t.match(contact, { kind: 'callBack', outcome: 'answeredByOperator', operatorId: 'op101', queueId: 'account' });
    t.equal(contact.enqueuedAt, (await caller.contact()).enqueuedAt, 'the place that he had earned');
    t.match(await untilCallBack(stack, callBackId, { state: 'done' }), { attempts: [{ outcome: 'reached' }] });
    t.equal(stack.phones.dialled(ani).length, 1);
    t.match(stack.phones.dialled(ani)[0]?.callerId, shownNumber);
    t.match(await operatorNow(stack, 'op101'), { work: { voice: 'idle' } });
    await assertAtRest(t, stack);
  });
}

async function callerFirst(t: Test, stack: TestStack): Promise<void> {
  await t.test('caller first: an operator is kept, and rung when he answers', { timeout: 90_000 }, async (t) => {
    const ani = '+74955550002';
    const citizen = stack.phones.citizen({ number: ani, behaviour: { ...answers, afterMs: 2_000 } });
    const { caller, callBackId } = await promisedCaller(t, stack, { ani, keys: '61' });
    const coming = await nextTry(t, stack, callBackId);
    await leaves(caller);
    const watch = await coming();

    const phone = await readyOperator(t, stack, 'op104', { kind: 'ring' });
    const called = await citizen.nextCall(limitMs);
    t.equal((await operatorNow(stack, 'op104')).work.voice, 'offered', 'he is kept');
    t.same(phone.calls, [], 'and not rung yet');
    await called.answered(limitMs);
    const operator = await phone.nextCall(limitMs);
    t.ok(operator.startedAtMs > (called.answeredAtMs ?? Number.POSITIVE_INFINITY), 'rung when the caller has answered');
    await operator.answer();
    const contact = await converse(t, stack, { caller: called, operator, watch });

    const order = ['callBackQueued', 'callerDialled', 'callerRinging', 'callerAnswered', 'operatorRinging'];
    t.same(told(watch), [...order, 'joined', 'attemptEnded', 'ended']);
    t.match(contact, { kind: 'callBack', outcome: 'answeredByOperator', operatorId: 'op104', queueId: 'technical' });
    t.match(await untilCallBack(stack, callBackId, { state: 'done' }), { attempts: [{ outcome: 'reached' }] });
    t.equal(stack.phones.dialled(ani).length, 1);
    await assertAtRest(t, stack);
  });
}

async function oneOfTwo(t: Test, stack: TestStack): Promise<void> {
  await t.test('promised again on the number, he is called once', { timeout: 90_000 }, async (t) => {
    const ani = '+74955550003';
    const citizen = stack.phones.citizen({ number: ani, behaviour: answers });
    const first = await promisedCaller(t, stack, { ani, keys: '1' });
    const called = await nextTry(t, stack, first.callBackId);
    await leaves(first.caller);
    const withdrawn = await called();
    // He calls again and has it promised once more.
    const second = await placeCall(t, stack, { number: '88001000001', ani });
    await second.press('1');
    t.equal((await second.next('callBackHeld')).facts.callBackId, first.callBackId, 'it is found');
    t.equal((await closedContact(stack, withdrawn.contactId ?? '')).outcome, 'callBackNotNeeded');
    await second.leg.press('1');
    await second.press('1');
    t.equal((await second.next('callBackPromised')).facts.callBackId, first.callBackId, 'the second is the first');
    const coming = await nextTry(t, stack, first.callBackId);
    await leaves(second);
    const watch = await coming();
    const phone = await readyOperator(t, stack, 'op101');
    const operator = await phone.nextCall(limitMs);
    const leg = await citizen.nextCall(limitMs);
    await watch.entry(['joined'], { limitMs, what: 'to be joined' });
    await leg.hangup();
    await operator.ended(limitMs);
    const done = await untilCallBack(stack, first.callBackId, { state: 'done' });
    t.equal(done.placeAt, (await first.caller.contact()).enqueuedAt, 'with the earlier place');
    await watch.entry(['wrapUpEnded'], { limitMs, what: 'the end of the wrap-up' });
    // Whatever else had been promised would be offered to him now.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    t.equal(stack.phones.dialled(ani).length, 1);
    t.equal(phone.calls.length, 1);
    await assertAtRest(t, stack);
  });
}
