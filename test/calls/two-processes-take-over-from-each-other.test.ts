import t from 'tap';
import { assertAtRest, placeCall, readyOperator } from '../support/calls.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

/** The shard's lease has to run out, the other process to notice and to recover. */
const takeOverMs = 45_000;

t.setTimeout(400_000);
void t.test('two service processes over one Redis', { timeout: 400_000 }, async (t) => {
  const stack: TestStack = await startTestStack({ processes: 2 });
  t.teardown(async () => await stack.stop());

  await t.test('each owns its contacts, and the death of one is taken over', { timeout: 90_000 }, async (t) => {
    const callers = [];
    for (let i = 0; i < 4; i += 1) {
      const caller = await placeCall(t, stack, { number: '88001000001', ani: `+7926123456${i}` });
      await caller.press('1');
      await caller.next('queued');
      callers.push(caller);
    }
    const nodes = new Set<string>();
    for (const caller of callers)
      nodes.add((await stack.api.get<{ nodeId: string }>(`/contacts/${caller.contactId}`)).nodeId);
    t.same([...nodes].toSorted(), ['n1', 'n2'], 'both processes have contacts');

    stack.stack.kill('service-n2', 'SIGKILL', { stayDown: true });
    await Promise.any(callers.map(async (caller) => await caller.next('recovered', undefined, takeOverMs)));
    t.ok(callers.every((caller) => caller.leg.state === 'up'));
    await readyOperator(t, stack, 'op101');
    for (const caller of callers) {
      await caller.next('joined', undefined, takeOverMs);
      await caller.leg.hangup();
      await caller.next('wrapUpEnded');
    }
    await assertAtRest(t, stack);
  });
});
