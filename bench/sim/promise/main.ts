/**
 * `npm run sim:promise`: what callers are promised within two minutes, on a virtual clock with the queue's own rules, beside first come first served.
 * `--short` (for the test suite), `--json` (one object on the last line), `--seed TEXT`. Exits 1 when a target is missed.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '../../../src/foundation/index.ts';
import { machine } from '../report.ts';
import { promiseReport } from './promise-report.ts';
import { promiseFaults, promiseRun } from './promise-run.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
    },
  });
  const result = await promiseRun({
    seed: values.seed,
    length: values.short ? 'short' : 'full',
    onProgress: (line) => void process.stderr.write(`${line}\n`),
  });
  const faults = promiseFaults(result);
  say(promiseReport(result));
  for (const fault of faults) say(`FAULT: ${fault}`);
  if (values.json) say(JSON.stringify({ ...result, machine: machine(), faults }));
  return faults.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`sim:promise: ${messageOf(error)}\n`);
  process.exitCode = 2;
}
