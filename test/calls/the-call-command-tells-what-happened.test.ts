import t from 'tap';
import { callCommand, inOrder } from '../support/call-command.ts';
import { assertAtRest, inHours, operatorNow } from '../support/calls.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

t.setTimeout(200_000);
void t.test('the call command', { timeout: 200_000 }, async (t) => {
  const stack: TestStack = await startTestStack({ wholeGreeting: true });
  t.teardown(async () => await stack.stop());

  await t.test('to an operator: the whole timeline, both voices, the record', { timeout: 90_000 }, async (t) => {
    const { code, told, result } = await callCommand(stack, '88001000001', '--keys', '1', '--at', inHours);
    t.equal(code, 0, told);
    t.match(result, { ok: true, answered: true, queued: true, joined: true, recordingVerified: true });
    t.ok(Number(result.talkMs) >= 3_000);
    t.match(result.contact, { outcome: 'answeredByOperator', queueId: 'account' });
    const order = [
      'answered',
      'greeting',
      'menu-topics',
      'key 1 pressed',
      'queued',
      'place in the queue',
      'rings',
      'joined',
      'heard the other',
      'recording verified',
    ];
    t.ok(inOrder(told, order), told);
    t.match(await operatorNow(stack, 'op101'), { signedIn: false }, 'the borrowed operator is put back');
    await assertAtRest(t, stack);
  });

  await t.test('hanging up in the queue is good when it was asked for', { timeout: 90_000 }, async (t) => {
    const { code, result, told } = await callCommand(
      stack,
      '88001000001',
      '--keys',
      '1',
      '--at',
      inHours,
      '--hang-up-in',
      'queue',
    );
    t.equal(code, 0, told);
    t.match(result, { ok: true, queued: true, joined: false, recordingVerified: true });
  });

  await t.test('what did not happen is told, and the exit code says so', { timeout: 90_000 }, async (t) => {
    const { code, result, told } = await callCommand(
      stack,
      '88001000001',
      '--keys',
      '1',
      '--at',
      inHours,
      '--operator',
      '105',
    );
    t.equal(code, 1);
    t.match(result, { ok: false, answered: true, queued: true, joined: false });
    t.match(told, /did not happen: the operator at 105 has not the skills of queue account/);
    await assertAtRest(t, stack);
  });
});
