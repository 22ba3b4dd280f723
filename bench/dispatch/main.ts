/**
 * `npm run bench:dispatch`: Dozvon and Asterisk's own queue (app_queue) in the same Asterisk, in turns, under the same calls.
 * See docs/benchmarks.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, secondMs } from '../../src/foundation/index.ts';
import { machineFacts } from '../measure/machine.ts';
import { isReached, printTable, printTargets, progress } from '../measure/report.ts';
import { type Counters, openCounters } from './counters.ts';
import { startExchange } from './exchange.ts';
import { type PhaseName, type PhasePlan, type PhaseResult, runPhase } from './phases.ts';
import { type BenchTools, startPhones } from './phones.ts';
import { startProfile } from './profile.ts';
import { figuresOf, printTables, type Table, targetsOf } from './results.ts';
import { findSipp } from './sipp.ts';
import { appQueue, dozvon, type System } from './systems.ts';

interface Options {
  readonly json: boolean;
  readonly short: boolean;
  readonly pairs: number;
  readonly talksMs: readonly number[];
  readonly phases: readonly PhaseName[];
  /** The peer records its callers too, as we do. */
  readonly peerRecords: boolean;
  /** Where profiles of the service go. */
  readonly profileDir: string | undefined;
}

/** The first table is judged; the second shows how the figures change with the talk. */
const tables = [
  { talkMs: 1_000, pairs: 5 },
  { talkMs: 5_000, pairs: 2 },
] as const;
/** Those talking and one to five waiting. */
const fewAtOnce = 55;

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      pairs: { type: 'string' },
      talk: { type: 'string' },
      only: { type: 'string' },
      'peer-records': { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  });
  const phases: readonly PhaseName[] = ['gap', 'load', 'backlog'];
  return {
    json: values.json,
    short: values.short,
    pairs: values.pairs === undefined ? 0 : Number(values.pairs),
    talksMs:
      values.talk !== undefined
        ? [Number(values.talk) * secondMs]
        : tables.slice(0, values.short ? 1 : 2).map(({ talkMs }) => talkMs),
    phases: values.only === undefined ? phases : phases.filter((phase) => values.only?.split(',').includes(phase)),
    peerRecords: values['peer-records'],
    profileDir: values.profile,
  };
}

function planOf(name: PhaseName, options: { readonly talkMs: number; readonly short: boolean }): PhasePlan {
  const { talkMs, short } = options;
  switch (name) {
    case 'gap':
      return { name, talkMs, measureMs: (short ? 12 : 20) * secondMs, atOnce: fewAtOnce };
    case 'load':
      return { name, talkMs, measureMs: (short ? 20 : 60) * secondMs, atOnce: 0 };
    case 'backlog':
      return { name, talkMs, measureMs: (short ? 12 : 30) * secondMs, atOnce: short ? 250 : 1_050 };
  }
}

async function measureTable(tools: BenchTools, options: Options & { readonly talkMs: number }): Promise<Table> {
  const { talkMs, short, profileDir } = options;
  const table: Record<PhaseName, Record<System['name'], PhaseResult[]>> = {
    gap: { dozvon: [], appQueue: [] },
    load: { dozvon: [], appQueue: [] },
    backlog: { dozvon: [], appQueue: [] },
  };
  const systems = [dozvon(tools.exchange), appQueue(tools.exchange)];
  const wanted = tables.find((entry) => entry.talkMs === talkMs)?.pairs ?? 1;
  const pairs = options.pairs || (short ? 1 : wanted);
  const phones = await startPhones(tools, { talkMs });
  try {
    for (const name of options.phases) {
      const plan = planOf(name, { talkMs, short });
      for (let pair = 1; pair <= pairs; pair += 1) {
        for (const system of systems) {
          const profiled = profileDir !== undefined && system.name === 'dozvon';
          const endProfile = profiled ? await startProfile(tools.exchange.pids().service?.[0] ?? 0) : undefined;
          const result = await runPhase(tools, system, { phones, plan });
          await endProfile?.(join(profileDir ?? '', `${name}-${talkMs}-${pair}.cpuprofile`));
          table[name][system.name].push(result);
          progress(
            `talk ${talkMs / secondMs} s, ${name}, pair ${pair} of ${pairs}, ${system.title}: ` +
              `${result.completedPerSecond.toFixed(1)} calls/s, ${result.failedCalls} failed, ` +
              `others took ${result.cpu.othersCores.toFixed(2)} cores`,
          );
        }
      }
    }
  } finally {
    await phones.stop();
  }
  return table;
}

async function run(options: Options): Promise<number> {
  const machine = machineFacts();
  const sipp = await findSipp(progress);
  const dir = mkdtempSync(join(tmpdir(), 'dozvon-bench-sipp-'));
  const exchange = await startExchange(progress);
  let counters: Counters | undefined;
  const end = async (): Promise<void> => {
    await counters?.close();
    await exchange.stop();
    if (process.env.DOZVON_KEEP_BENCH_HOME === undefined) rmSync(dir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void end().finally(() => process.exit(130)));
  }
  try {
    counters = await openCounters(exchange);
    if (options.peerRecords) await exchange.recordPeer();
    const tools: BenchTools = { exchange, sipp, counters, dir };
    const measured: { readonly talkMs: number; readonly table: Table }[] = [];
    for (const talkMs of options.talksMs) {
      const table = await measureTable(tools, { ...options, talkMs });
      measured.push({ talkMs, table });
      printTables(table, talkMs);
    }
    printTable('The machine', [
      ['processor', 'cores', 'kernel', 'Asterisk', 'load before'],
      [machine.processor, machine.cores, machine.kernel, exchange.stack.programs.asterisk.version, machine.loadBefore],
    ]);
    const [first] = measured;
    if (first === undefined || options.phases.length < 3) return 0;
    const figures = figuresOf(first.table);
    const unmeasured = Object.entries(figures).filter(([, value]) => !Number.isFinite(value));
    if (unmeasured.length > 0)
      throw new Error(`expected figures, got none for ${unmeasured.map(([name]) => name).join(', ')}`);
    const judged = targetsOf(figures);
    printTargets(judged);
    if (options.json) {
      const [, second] = measured;
      const more = second === undefined ? {} : { secondTable: { talkMs: second.talkMs, ...figuresOf(second.table) } };
      process.stdout.write(`${JSON.stringify({ ...figures, ...more, machine })}\n`);
    }
    return options.short || judged.every(isReached) ? 0 : 1;
  } finally {
    await end();
  }
}

try {
  process.exitCode = await run(readOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`bench:dispatch could not measure: ${messageOf(error)}\n`);
  process.exitCode = 2;
}
