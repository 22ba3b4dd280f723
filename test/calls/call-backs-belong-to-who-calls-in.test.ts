import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { ApiEvent } from '../../src/cli/api-client.ts';
import { messageOf } from '../../src/foundation/index.ts';
import { wasHeard } from '../support/audio.ts';
import {
  callBackConfig,
  callBacks,
  dayNumber,
  now,
  picksUp,
  type ShownCallBack,
  untilCallBacks,
} from '../support/called-back.ts';
import {
  assertAtRest,
  closedContact,
  eventually,
  limitMs,
  placeCall,
  readyOperator,
  type TestCaller,
  untilIdle,
} from '../support/calls.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const operatorHz = 1_300;
const callerHz = 1_000;

const queues = { account: { welcome: false, wrapUpMs: 500 } };

t.setTimeout(400_000);
void t.test('who calls in himself', { timeout: 400_000 }, async (t) => {
  const stack: TestStack = await startTestStack({ queues, edit: callBackConfig });
  t.teardown(async () => await stack.stop());
  await calledOff(t, stack);
  await keptByWhoLeavesAgain(t, stack);
  await abandonedPlace(t, stack);
});

async function calledOff(t: Test, stack: TestStack): Promise<void> {
  await t.test('he gets his place back, is told so, and is not called back', { timeout: 90_000 }, async (t) => {
    const number = dayNumber(1);
    stack.phones.citizen({ number, behaviour: picksUp });
    const first = await promised(t, stack, number);
    const { enqueuedAt } = await first.closed();
    const waiting = await claimed(stack, number);
    const between = await queued(t, stack, dayNumber(2));

    const again = await queued(t, stack, number);
    t.match((await again.next('placeReturned')).facts, { by: 'callBack', placeMs: Date.parse(enqueuedAt ?? '') });
    await told(t, again, 'call-back-resumed');
    t.equal((await closedContact(stack, waiting.contactId ?? '')).outcome, 'callBackNotNeeded');
    t.match(await ofNumber(stack, number), { state: 'held', contactId: again.contactId });
    t.same(await order(stack), [again.contactId, between.contactId], 'ahead of who came between');

    await servedFirst(t, stack, { first: again, second: between });
    t.match(await ofNumber(stack, number), { state: 'cancelled', reason: 'answeredLive', attempts: [] });
    t.same(stack.phones.dialled(number), [], 'his number was never dialled');
    await assertAtRest(t, stack);
  });
}

async function keptByWhoLeavesAgain(t: Test, stack: TestStack): Promise<void> {
  await t.test(
    'who hangs up again is called back all the same, by the place he had',
    { timeout: 90_000 },
    async (t) => {
      const number = dayNumber(3);
      const citizen = stack.phones.citizen({ number, behaviour: picksUp });
      const first = await promised(t, stack, number);
      const { enqueuedAt } = await first.closed();
      await claimed(stack, number);
      const again = await queued(t, stack, number);
      await again.next('callBackHeld');
      await again.leg.hangup();
      const left = await again.closed();
      t.match(left, { outcome: 'callBackPromised', endedBy: 'caller' });
      t.match(await claimed(stack, number), { placeAt: enqueuedAt });
      t.same(stack.phones.dialled(number), [], 'nobody is there to talk to him');

      const phone = await readyOperator(t, stack, 'op101');
      phone.audio = { toneHz: operatorHz };
      const leg = await citizen.nextCall(limitMs);
      t.ok(await leg.hears(operatorHz, { forMs: 600, limitMs }));
      await leg.hangup();
      const [made] = await untilCallBacks(stack, (all) => all.find((one) => one.number === number)?.state === 'done', {
        what: 'the call-back to be made',
      });
      t.match(made, { number, attempts: [{ number: 1, outcome: 'reached' }] });
      t.equal(stack.phones.dialled(number).length, 1, 'and he is called once');
      t.match(await closedContact(stack, made?.attempts[0]?.contactId ?? ''), { kind: 'callBack', enqueuedAt });
      await untilIdle(stack, ['op101']);
      await assertAtRest(t, stack);
    },
  );
}

async function abandonedPlace(t: Test, stack: TestStack): Promise<void> {
  await t.test('who gave up and calls again soon gets his place back, once', { timeout: 90_000 }, async (t) => {
    const number = dayNumber(4);
    const first = await queued(t, stack, number);
    await first.leg.hangup();
    const gaveUp = await first.closed();
    t.equal(gaveUp.outcome, 'abandonedInQueue');
    const between = await queued(t, stack, dayNumber(5));

    const again = await queued(t, stack, number);
    t.match((await again.next('placeReturned')).facts, { by: 'abandoned', from: first.contactId });
    await told(t, again, 'place-returned');
    t.same(await order(stack), [again.contactId, between.contactId], 'ahead of who came between');
    await servedFirst(t, stack, { first: again, second: between });
    const { enqueuedAt, waitMs = 0 } = await again.closed();
    t.ok(waitMs < Date.now() - Date.parse(gaveUp.enqueuedAt ?? ''), 'the time between his calls is no waiting');
    t.ok(Date.parse(enqueuedAt ?? '') > Date.parse(gaveUp.enqueuedAt ?? ''));
    const third = await queued(t, stack, number);
    await third.next('placeTold');
    await third.leg.hangup();
    await third.closed();
    t.notOk(third.kinds().includes('placeReturned'), 'an answered caller has no place to come back to');
    t.same(stack.phones.dialled(number), []);
    await assertAtRest(t, stack);
  });
}

async function queued(t: Test, stack: TestStack, number: string): Promise<TestCaller> {
  const caller = await placeCall(t, stack, { number: '88001000001', ani: number, at: now() });
  await caller.press('1');
  await caller.next('queued');
  return caller;
}

/** Waits, chooses to be called back as soon as possible, and hangs up with the promise. */
async function promised(t: Test, stack: TestStack, number: string): Promise<TestCaller> {
  const caller = await queued(t, stack, number);
  await caller.leg.press('1');
  await caller.press('1');
  await caller.next('callBackPromised');
  await caller.leg.hangup();
  t.equal((await caller.closed()).outcome, 'callBackPromised');
  return caller;
}

async function ofNumber(stack: TestStack, number: string): Promise<ShownCallBack | undefined> {
  return (await callBacks(stack)).find((one) => one.number === number);
}

/** Some contact waits for an operator to call him back. */
async function claimed(stack: TestStack, number: string): Promise<ShownCallBack> {
  const all = await untilCallBacks(stack, (found) => found.some((one) => isClaimed(one, number)), {
    what: 'the call-back to wait for an operator',
  });
  const one = all.find((each) => isClaimed(each, number));
  if (one === undefined) throw new Error('it was there a moment ago');
  const waits = async (): Promise<unknown> =>
    await stack.api.get(`/waiting/${one.contactId}`).catch((error: unknown) => messageOf(error));
  await eventually(waits, (answer) => typeof answer !== 'string', 'its contact to be in the queue');
  return one;
}

function isClaimed(callBack: ShownCallBack, number: string): boolean {
  return callBack.number === number && callBack.state === 'claimed';
}

/** Who waits on the line, by place. */
async function order(stack: TestStack): Promise<readonly string[]> {
  const { items } = await stack.api.get<{ items: readonly { contactId: string }[] }>('/queues/account/waiting');
  return items.map(({ contactId }) => contactId);
}

const sound = (prompt: string): Buffer => readFileSync(new URL(`../../sounds/ru/${prompt}.wav`, import.meta.url));

/** The hotline says that it has said so, and his telephone has heard it. */
async function told(t: Test, caller: TestCaller, prompt: 'call-back-resumed' | 'place-returned'): Promise<void> {
  const says = ({ facts }: ApiEvent): boolean => JSON.stringify(facts.prompts ?? []).includes(`/${prompt}"`);
  await caller.next('announced', says);
  const wav = sound(prompt);
  await eventually(
    async () => wasHeard((await caller.leg.audio()).left, wav),
    (heard) => heard,
    `${prompt} to be heard`,
  );
  const other = prompt === 'place-returned' ? 'call-back-resumed' : 'place-returned';
  t.notOk(wasHeard((await caller.leg.audio()).left, sound(other)), `${prompt} is heard, and ${other} is not`);
}

/** An operator comes: the one talks with him first, both ways, the other after him. */
async function servedFirst(
  t: Test,
  stack: TestStack,
  { first, second }: { readonly first: TestCaller; readonly second: TestCaller },
): Promise<void> {
  const phone = await readyOperator(t, stack, 'op101');
  await first.next('joined');
  t.notOk(second.kinds().includes('joined'));
  const operator = await phone.nextCall(limitMs);
  await Promise.all([first.leg.playTone(callerHz, 1_500), operator.playTone(operatorHz, 1_500)]);
  await first.leg.hangup();
  t.ok(await operator.hears(callerHz, { forMs: 1_000, limitMs }));
  t.ok(await first.leg.hears(operatorHz, { forMs: 1_000, limitMs }));
  t.equal((await first.closed()).outcome, 'answeredByOperator');
  await second.next('joined');
  await second.leg.hangup();
  await second.next('wrapUpEnded');
  await untilIdle(stack, ['op101']);
}
