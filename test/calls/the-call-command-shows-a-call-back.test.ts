import t from 'tap';
import { freeUdpPort } from '../../src/phones/free-ports.ts';
import { callCommand, inOrder } from '../support/call-command.ts';
import { assertAtRest, operatorNow, readyOperator } from '../support/calls.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const carrier = '127.0.0.2';

t.setTimeout(240_000);
void t.test('the call command with --call-back', { timeout: 240_000 }, async (t) => {
  // Another carrier's port than that of the stack's own phones: here it is the command's caller who is called.
  const port = await freeUdpPort([carrier]);
  const stack: TestStack = await startTestStack({
    edit: (change) => change('hotline.yaml', (hotline) => hotline.setIn(['trunks', 0, 'dial', 'port'], port)),
  });
  t.teardown(async () => await stack.stop());

  for (const [mode, keys, order] of [
    ['operator first', '1', ['op101 rings', 'caller is being called back', 'the caller is dialled', 'phone rings']],
    ['caller first', '61', ['the caller is dialled', 'phone rings', 'answered: human', 'op104 rings']],
  ] as const) {
    await t.test(`${mode}, at whatever hour it is tried`, { timeout: 90_000 }, async (t) => {
      const { code, told, result } = await callCommand(stack, '88001000001', '--keys', keys, '--call-back');
      t.equal(code, 0, told);
      t.match(result, {
        ok: true,
        queued: true,
        joined: false,
        recordingVerified: true,
        contact: { outcome: 'callBackPromised' },
        calledBack: {
          reached: true,
          recordingVerified: true,
          contact: { kind: 'callBack', outcome: 'answeredByOperator' },
        },
      });
      const story = ['as if at', 'queued', 'offered the choice', 'a call-back is promised', 'the caller hangs up'];
      const ending = ['joined with', 'both speak', 'the caller heard', 'the operator heard', 'recording verified'];
      t.ok(inOrder(told, [...story, 'to be called back', ...order, ...ending]), told);
      for (const id of ['op101', 'op104'])
        t.match(await operatorNow(stack, id), { signedIn: false }, 'put back as before');
      await assertAtRest(t, stack);
    });
  }

  await t.test(
    'an operator who is there already is told, and nothing is left promised',
    { timeout: 90_000 },
    async (t) => {
      await readyOperator(t, stack, 'op101', { kind: 'ring' });
      const { code, told, result } = await callCommand(stack, '88001000001', '--keys', '1', '--call-back');
      t.equal(code, 1);
      t.match(result, { ok: false });
      t.match(told, /did not happen: nobody has to wait: op101 is ready/);
      const { items } = await stack.api.get<{ items: readonly { state: string }[] }>('/call-backs?limit=10');
      t.same(
        items.map(({ state }) => state),
        ['done', 'done'],
      );
    },
  );
});
