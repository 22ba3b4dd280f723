import { mkdtempSync } from 'node:fs';
import { type CallPorts, runTestCall } from '../../src/cli/index.ts';
import { silentLogger } from '../../src/foundation/index.ts';
import { startPhones } from '../../src/phones/index.ts';
import type { TestStack } from './stack.ts';

/** `npm run call` as a person runs it: its exit code, its lines, and the object of its last line. */
export async function callCommand(
  stack: TestStack,
  ...args: string[]
): Promise<{ readonly code: number; readonly told: string; readonly result: Record<string, unknown> }> {
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
}

/** Whether the words stand in what was told, one after another. */
export function inOrder(told: string, words: readonly string[]): boolean {
  let from = 0;
  return words.every((word) => {
    const at = told.indexOf(word, from);
    from = at + word.length;
    return at >= 0;
  });
}
