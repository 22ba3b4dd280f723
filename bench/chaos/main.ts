/**
 * `npm run chaos:call-backs`: call-backs are promised while the service and Redis are killed, and everything that was promised must be kept, with
 * no attempt dialled twice. A real hotline, real calls; the calls are counted by the citizens' side. See docs/benchmarks.md.
 */
import { parseArgs } from 'node:util';
import { messageOf, minuteMs } from '../../src/foundation/index.ts';
import { startTestStack } from '../../test/support/stack.ts';
import { machineFacts } from '../measure/machine.ts';
import { progress } from '../measure/report.ts';
import { configureHotline } from './hotline.ts';
import { figuresOf, printResult } from './report.ts';
import { runChaos } from './run.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const kills = Number(values.kills);
/** A call-back whose job was lost with a process is planned anew within five minutes. */
const settleLimitMs = 7 * minuteMs;

try {
  if (!Number.isInteger(kills) || kills < 1) throw new Error(`expected a number of kills, got ${values.kills}`);
  const machine = machineFacts();
  const stack = await startTestStack({ edit: (_change, configDir) => configureHotline(configDir) });
  try {
    const result = await runChaos(stack, { kills, seed: values.seed, settleLimitMs, onProgress: progress });
    const figures = figuresOf(result);
    printResult(figures);
    if (values.json) process.stdout.write(`${JSON.stringify({ seed: values.seed, ...figures, machine })}\n`);
    process.exitCode = figures.faults.length === 0 ? 0 : 1;
  } finally {
    await stack.stop();
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}
