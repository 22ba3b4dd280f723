import pg from 'pg';
import t, { type Test } from 'tap';
import { triesAgainSoon } from '../support/called-back.ts';
import { assertAtRest, EventLog, limitMs, readyOperator } from '../support/calls.ts';
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
import { startTestStack, type TestStack } from '../support/stack.ts';

/** At one in Moscow it is ten in the evening in Kamchatka; at eight there, the line has not opened yet. */
const nightAtMs = Date.parse('2026-11-18T13:00+03:00');
const morningAtMs = Date.parse('2026-11-19T08:00+03:00');
/** Whatever were due would be offered to an idle operator in a fraction of this. */
const nothingForMs = 6_000;

t.setTimeout(200_000);
void t.test('nobody is called back at night', { timeout: 200_000 }, async (t) => {
  const stack: TestStack = await startTestStack({ edit: triesAgainSoon });
  t.teardown(async () => await stack.stop());
  await nightComes(t, stack);
});

async function nightComes(t: Test, stack: TestStack): Promise<void> {
  await t.test('not at night where his number is, and in the morning', { timeout: 120_000 }, async (t) => {
    const clock = new TestClock(nightAtMs, 22_000);
    const log = await EventLog.open(t, stack);
    const numbers = [1, 2].map((n) => `+7415255002${n}`);
    for (const number of numbers) stack.phones.citizen({ number, behaviour: answersShortly });
    const callers = await Promise.all(
      numbers.map(async (ani) => await promisedCaller(t, stack, { ani, keys: '7', at: clock.at })),
    );
    const called = { numbers, ids: callers.map(({ callBackId }) => callBackId) };
    const [waiting, onTheLine] = callers.map(({ caller }) => caller);
    if (waiting === undefined || onTheLine === undefined) return;

    await leaves(waiting);
    await log.until('callBackQueued', 1);
    t.ok(clock.nowMs < nightAtMs, 'all this before ten in the evening');
    await clock.until(nightAtMs + onTheWayMs);
    await leaves(onTheLine);
    await putOff(t, stack, called, clock, morningAtMs);
    const phone = await readyOperator(t, stack, 'op103', { kind: 'answer', afterMs: 100 });
    await new Promise((resolve) => setTimeout(resolve, nothingForMs));
    t.same([invites(stack, called), phone.calls], [[], []], 'an operator is there, and nobody is called');

    await timePasses(stack, called, { asIf: morningAtMs + 60_000, clock });
    await reached(t, stack, called);
    await assertAtRest(t, stack);
  });
}

/** It is this instant now for these call-backs, and they are due; planned anew by a service that has just started. */
async function timePasses(
  stack: TestStack,
  { ids }: Called,
  to: { readonly asIf: number; readonly clock: TestClock },
): Promise<void> {
  const client = new pg.Client({ connectionString: stack.stack.databaseUrl });
  await client.connect();
  try {
    await client.query(
      'update call_backs set due_at = now(), hours_ahead_ms = hours_ahead_ms + $1::bigint where call_back_id = any($2)',
      [to.asIf - to.clock.nowMs, ids],
    );
  } finally {
    await client.end();
  }
  stack.stack.kill('service-n1', 'SIGKILL');
  const serves = async (): Promise<boolean> =>
    await stack.api.get('/call-backs?limit=1').then(
      () => true,
      () => false,
    );
  for (const sinceMs = Date.now(); !(await serves()); ) {
    if (Date.now() - sinceMs > limitMs) throw new Error('expected the killed service to be back');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
