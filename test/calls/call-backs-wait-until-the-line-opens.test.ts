import t, { type Test } from 'tap';
import { triesAgainSoon } from '../support/called-back.ts';
import { assertAtRest, EventLog, limitMs, operatorNow, readyOperator, type TestCaller } from '../support/calls.ts';
import {
  answersShortly,
  type Called,
  invites,
  leaves,
  onTheWayMs,
  promisedCaller,
  putOff,
  reached,
  TestClock,
} from '../support/promised-calls.ts';
import { type ChangeConfig, startTestStack, type TestStack } from '../support/stack.ts';

/** On a Wednesday the line closes for one minute. */
const closesAtMs = Date.parse('2026-11-18T12:30+03:00');
const opensAtMs = Date.parse('2026-11-18T12:31+03:00');

t.setTimeout(200_000);
void t.test('nobody is called back while the line is closed', { timeout: 200_000 }, async (t) => {
  // Longer than until the line closes.
  const queues = { account: { ringTimeoutMs: 30_000 } };
  const stack: TestStack = await startTestStack({ queues, edit: closedForAMinute });
  t.teardown(async () => await stack.stop());
  await lineCloses(t, stack);
});

function closedForAMinute(change: ChangeConfig): void {
  triesAgainSoon(change);
  change('hotline.yaml', (hotline) => {
    const { schedules } = hotline.toJS() as { readonly schedules: readonly { readonly id: string }[] };
    const at = schedules.findIndex(({ id }) => id === 'B');
    const exception = { start: '2026-11-18T12:30', end: '2026-11-18T12:31', hours: 'closed', reason: 'Учения' };
    hotline.setIn(['schedules', at, 'exceptions'], hotline.createNode([exception]));
  });
}

async function lineCloses(t: Test, stack: TestStack): Promise<void> {
  await t.test('whoever waits for an operator, is just found one, or hangs up now', { timeout: 120_000 }, async (t) => {
    const clock = new TestClock(closesAtMs, 25_000);
    const log = await EventLog.open(t, stack);
    const promise = async (ani: string, keys: string): Promise<Promised> => {
      stack.phones.citizen({ number: ani, behaviour: answersShortly });
      return { ...(await promisedCaller(t, stack, { ani, keys, at: clock.at })), number: ani };
    };
    // He who stays is of another queue: an operator would be his, while he is on the line.
    const [one, other, stays] = await Promise.all([
      promise('+74955550021', '1'),
      promise('+74955550022', '1'),
      promise('+74955550023', '7'),
    ]);
    await Promise.all([leaves(one.caller), leaves(other.caller)]);
    await log.until('callBackQueued', 2);
    const phone = await readyOperator(t, stack, 'op101', { kind: 'ring' });
    const operator = await phone.nextCall(limitMs);
    t.ok(clock.nowMs < closesAtMs, 'all this while the line is open');
    await clock.until(closesAtMs + onTheWayMs);
    await operator.answer();
    await leaves(stays.caller);
    await putOff(t, stack, calledOf(one, other, stays), clock, opensAtMs);
    const refused = await log.until('attemptRefused', 1);
    t.match(refused.facts, { why: 'mayNotDial' }, 'looked at once more behind the answer of the operator');
    await log.until('ended', 2, ({ facts }) => facts.outcome === 'callBackPostponed');
    await operator.ended(limitMs);

    phone.behaviour = { kind: 'answer', afterMs: 100 };
    await readyOperator(t, stack, 'op103', { kind: 'answer', afterMs: 100 });
    await clock.until(opensAtMs - onTheWayMs);
    for (const id of ['op101', 'op103'])
      t.match(await operatorNow(stack, id), { presence: 'ready', work: { voice: 'idle' } });
    t.same(invites(stack, calledOf(one, other, stays)), [], 'operators are there, and nobody is called');
    await reached(t, stack, calledOf(one, other, stays));
    const firstMs = Math.min(...invites(stack, calledOf(one, other, stays)));
    t.ok(clock.of(firstMs) >= opensAtMs - onTheWayMs, 'from the opening on');
    await assertAtRest(t, stack);
  });
}

interface Promised {
  readonly caller: TestCaller;
  readonly callBackId: string;
  readonly number: string;
}

function calledOf(...promised: readonly Promised[]): Called {
  return { numbers: promised.map(({ number }) => number), ids: promised.map(({ callBackId }) => callBackId) };
}
