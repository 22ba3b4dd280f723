import { mkdtempSync } from 'node:fs';
import t from 'tap';
import { type CallPorts, runTestCall } from '../../src/cli/index.ts';
import { silentLogger } from '../../src/foundation/index.ts';
import { startPhones } from '../../src/phones/index.ts';
import { assertAtRest, inHours, operatorNow } from '../support/calls.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

t.setTimeout(200_000);
void t.test('the call command', { timeout: 200_000 }, async (t) => {
  const stack: TestStack = await startTestStack({ wholeGreeting: true });
  t.teardown(async () => await stack.stop());

  /** The command as a person runs it, its lines, and the object of its last line. */
  const call = async (
    ...args: string[]
  ): Promise<{ readonly code: number; readonly told: string; readonly result: Record<string, unknown> }> => {
    const told: string[] = [];
    const ports: CallPorts = {
      findRunning: async () => ({
        apiUrl: stack.stack.services[0]?.apiUrl ?? '',
        apiToken: stack.stack.secrets.apiToken,
        sip: { host: stack.stack.ports.bind, port: stack.stack.ports.sip },
        testing: true,
        config: stack.config,
        sipPasswords: stack.stack.secrets.sipPasswords,
      }),
      startPhones: async (options) =>
        await startPhones({
          ...options,
          program: stack.stack.programs.asterisk,
          dir: mkdtempSync('/dev/shm/dozvon-call-'),
          logger: silentLogger,
        }),
      nowMs: Date.now,
      terminal: {
        print: (text) => void told.push(text),
        complain: (text) => void told.push(text),
        onStopRequest: () => {},
      },
    };
    const code = await runTestCall([...args, '--json'], ports);
    return { code, told: told.join('\n'), result: JSON.parse(told.at(-1) ?? '{}') as Record<string, unknown> };
  };

  await t.test('to an operator: the whole timeline, both voices, the record', { timeout: 90_000 }, async (t) => {
    const { code, told, result } = await call('88001000001', '--keys', '1', '--at', inHours);
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
    const places = order.map((word) => told.indexOf(word));
    t.ok(
      places.every((place) => place >= 0),
      told,
    );
    t.same(
      places.toSorted((a, b) => a - b),
      places,
      'told in the order of happening',
    );
    t.match(await operatorNow(stack, 'op101'), { signedIn: false }, 'the borrowed operator is put back');
    await assertAtRest(t, stack);
  });

  await t.test('hanging up in the queue is good when it was asked for', { timeout: 90_000 }, async (t) => {
    const { code, result, told } = await call('88001000001', '--keys', '1', '--at', inHours, '--hang-up-in', 'queue');
    t.equal(code, 0, told);
    t.match(result, { ok: true, queued: true, joined: false, recordingVerified: true });
  });

  await t.test('what did not happen is told, and the exit code says so', { timeout: 90_000 }, async (t) => {
    const { code, result, told } = await call('88001000001', '--keys', '1', '--at', inHours, '--operator', '105');
    t.equal(code, 1);
    t.match(result, { ok: false, answered: true, queued: true, joined: false });
    t.match(told, /did not happen: the operator at 105 has not the skills of queue account/);
    await assertAtRest(t, stack);
  });
});
