import t, { type Test } from 'tap';
import type { Citizen } from '../../src/phones/index.ts';
import { retryMs, triesAgainSoon } from '../support/called-back.ts';
import { assertAtRest, closedContact, EventLog, limitMs, operatorNow, readyOperator } from '../support/calls.ts';
import { answers, leaves, nextTry, promisedCaller, untilCallBack } from '../support/promised-calls.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

t.setTimeout(240_000);
void t.test('whoever hangs up before both are joined', { timeout: 240_000 }, async (t) => {
  // Long enough for whoever is to hang up first.
  const ringTimeoutMs = 20_000;
  const stack: TestStack = await startTestStack({
    queues: { account: { ringTimeoutMs }, technical: { ringTimeoutMs } },
    edit: triesAgainSoon,
  });
  t.teardown(async () => await stack.stop());
  await operatorHangsUp(t, stack);
  await callerHangsUp(t, stack);
});

/** One more call than before, not sooner than the delay after the end of the first attempt; both are joined then. */
async function reachedAtTheSecondTry(
  t: Test,
  stack: TestStack,
  parties: { readonly citizen: Citizen; readonly callBackId: string; readonly outcome: string },
): Promise<void> {
  const { citizen, callBackId, outcome } = parties;
  const coming = await nextTry(t, stack, callBackId);
  const watch = await coming(2 * retryMs);
  const called = await citizen.nextCall(2 * limitMs);
  await watch.entry(['joined'], { limitMs, what: 'to be joined at the second try' });
  await called.hangup();
  const { attempts } = await untilCallBack(stack, callBackId, { state: 'done' });
  t.match(attempts, [{ outcome }, { outcome: 'reached' }]);
  const dialled = stack.phones.dialled(citizen.number);
  t.equal(dialled.length, 2, 'one call for each attempt');
  const waitedMs = (dialled[1]?.atMs ?? 0) - Date.parse(attempts[0]?.endedAt ?? '');
  t.comment(`called again ${waitedMs} ms after the end of the first try`);
  t.ok(waitedMs >= retryMs, 'and not before its delay');
  await watch.entry(['wrapUpEnded'], { limitMs, what: 'the end of the wrap-up' });
  t.match(await closedContact(stack, watch.contactId ?? ''), { kind: 'callBack', outcome: 'answeredByOperator' });
}

async function operatorHangsUp(t: Test, stack: TestStack): Promise<void> {
  await t.test('an operator who hangs up while the caller’s phone rings ends the ringing', async (t) => {
    const ani = '+74955550011';
    const citizen = stack.phones.citizen({ number: ani, behaviour: { kind: 'ring' } });
    const { caller, callBackId } = await promisedCaller(t, stack, { ani, keys: '1' });
    const coming = await nextTry(t, stack, callBackId);
    await leaves(caller);
    const watch = await coming();
    const log = await EventLog.open(t, stack);
    const phone = await readyOperator(t, stack, 'op101', { kind: 'answer', afterMs: 300 });
    const operator = await phone.nextCall(limitMs);
    const called = await citizen.nextCall(limitMs);
    await called.ringing(limitMs);
    citizen.behaviour = answers;
    await operator.hangup();
    await called.ended(limitMs);
    t.equal(called.answeredAtMs, undefined);
    t.ok((called.end?.atMs ?? 0) - (operator.end?.atMs ?? 0) < 1_000, 'at once');
    const row = await untilCallBack(stack, callBackId, { state: 'scheduled', tries: 1 });
    t.match(row, { attempts: [{ outcome: 'operatorGone' }] });
    const closed = await watch.entry(['ended'], { limitMs, what: 'the contact to end' });
    t.equal(closed.facts.outcome, 'callBackNotReached');
    t.same(log.all('wrapUpStarted'), [], 'nothing to wrap up');
    t.match(await operatorNow(stack, 'op101'), { presence: 'ready', work: { voice: 'idle' } });
    await reachedAtTheSecondTry(t, stack, { citizen, callBackId, outcome: 'operatorGone' });
    await assertAtRest(t, stack);
  });
}

async function callerHangsUp(t: Test, stack: TestStack): Promise<void> {
  await t.test('a caller who hangs up while the operator’s phone rings frees him', async (t) => {
    const ani = '+74955550012';
    const citizen = stack.phones.citizen({ number: ani, behaviour: answers });
    const { caller, callBackId } = await promisedCaller(t, stack, { ani, keys: '61' });
    const coming = await nextTry(t, stack, callBackId);
    await leaves(caller);
    const watch = await coming();
    const phone = await readyOperator(t, stack, 'op104', { kind: 'ring' });
    const called = await citizen.nextCall(limitMs);
    const operator = await phone.nextCall(limitMs);
    await operator.ringing(limitMs);
    phone.behaviour = { kind: 'answer', afterMs: 300 };
    await called.hangup();
    await operator.ended(limitMs);
    t.equal(operator.answeredAtMs, undefined);
    t.ok((operator.end?.atMs ?? 0) - (called.end?.atMs ?? 0) < 1_000, 'his phone is silent at once');
    const row = await untilCallBack(stack, callBackId, { state: 'scheduled', tries: 1 });
    t.match(row, { attempts: [{ outcome: 'declined' }] });
    await watch.entry(['ended'], { limitMs, what: 'the contact to end' });
    t.match(await operatorNow(stack, 'op104'), { presence: 'ready', work: { voice: 'idle' } });
    t.match(await closedContact(stack, watch.contactId ?? ''), { kind: 'callBack', endedBy: 'caller' });
    await reachedAtTheSecondTry(t, stack, { citizen, callBackId, outcome: 'declined' });
    await assertAtRest(t, stack);
  });
}
