/**
 * `npm run sim`: the queue on a virtual clock against theory. `--short` (under 20 s), `--json` (one object on the last line), `--seed TEXT`,
 * `--workers N`, `--rows-by twin|scripts` (the scripts take some forty times as long), `--without-scripts` (no Redis at hand). Exits 1 when
 * something is outside of what theory allows, or was not measured well enough to tell.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/foundation/index.ts';
import { startRedis } from '../../test/support/redis.ts';
import { machine, tablesOf } from './report.ts';
import { faultsOf, simulate } from './simulate.ts';

/** Both processors of the smallest machine; more bring more. */
const defaultWorkers = Math.min(4, availableParallelism());

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(defaultWorkers) },
      'rows-by': { type: 'string', default: 'twin' },
      'without-scripts': { type: 'boolean', default: false },
    },
  });
  const workers = Number(values.workers);
  const rowsBy = values['rows-by'];
  if (!(Number.isInteger(workers) && workers >= 0 && workers <= 64)) throw new Error('expected --workers from 0 to 64');
  if (rowsBy !== 'twin' && rowsBy !== 'scripts') throw new Error('expected --rows-by twin or scripts');
  const redis = values['without-scripts'] ? undefined : await startRedis();
  if (rowsBy === 'scripts' && redis === undefined) throw new Error('--rows-by scripts needs the scripts');
  try {
    const result = await simulate({
      seed: values.seed,
      length: values.short ? 'short' : 'full',
      redisUrl: redis?.url,
      rowsBy,
      workers,
      onProgress: (line) => void process.stderr.write(`${line}\n`),
    });
    const faults = faultsOf(result);
    say(tablesOf(result));
    for (const fault of faults) say(`FAULT: ${fault}`);
    if (values.json) say(JSON.stringify({ ...result, machine: machine(), faults }));
    return faults.length === 0 ? 0 : 1;
  } finally {
    await redis?.stop();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`sim: ${messageOf(error)}\n`);
  process.exitCode = 2;
}
