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
import type { Terms } from './hotline.ts';
import { type PhaseName, type PhasePlan, type PhaseResult, runPhase } from './phases.ts';
import { type BenchTools, startPhones } from './phones.ts';
import { startProfile } from './profile.ts';
import { figuresOf, printTables, type Table, targetsOf } from './results.ts';
import { findSipp, type SippProgram } from './sipp.ts';
import { appQueue, dozvon, type System } from './systems.ts';

interface Options {
  readonly json: boolean;
  readonly short: boolean;
  readonly pairs: number;
  readonly settings: readonly Setting[];
  readonly phases: readonly PhaseName[];
  readonly systems: readonly System['name'][];
  /** Measured in each phase, instead of what the phase has by itself. */
  readonly seconds: number | undefined;
  /** On the line at once in the phase `backlog`. */
  readonly waiting: number | undefined;
  /** Where profiles of the service go. */
  readonly profileDir: string | undefined;
}

/** One table: the terms both systems work under, and how long is talked. */
interface Setting {
  readonly terms: Terms;
  readonly talkMs: number;
  readonly pairs: number;
}

/** The first table is judged; the others show how the figures change with the talk and with recording. */
const tables: readonly Setting[] = [
  { terms: 'plain', talkMs: 1_000, pairs: 5 },
  { terms: 'plain', talkMs: 5_000, pairs: 2 },
  { terms: 'recorded', talkMs: 1_000, pairs: 2 },
];
const phaseNames: readonly PhaseName[] = ['gap', 'load', 'backlog'];
const systemNames = ['dozvon', 'appQueue'] as const;
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
      system: { type: 'string' },
      seconds: { type: 'string' },
      waiting: { type: 'string' },
      'with-recording': { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  });
  const { only, system, talk, short } = values;
  const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  const asked = values['with-recording'] ? tables.filter(({ terms }) => terms === 'recorded') : tables;
  const [first] = asked;
  if (first === undefined) throw new Error('expected a table to measure');
  const settings = talk !== undefined ? [{ ...first, talkMs: Number(talk) * secondMs }] : short ? [first] : asked;
  return {
    json: values.json,
    short,
    pairs: number(values.pairs) ?? 0,
    settings,
    phases: only === undefined ? phaseNames : phaseNames.filter((phase) => only.split(',').includes(phase)),
    systems: system === undefined ? systemNames : systemNames.filter((name) => name === system),
    seconds: number(values.seconds),
    waiting: number(values.waiting),
    profileDir: values.profile,
  };
}

function planOf(name: PhaseName, options: Pick<Options, 'short' | 'seconds' | 'waiting'>, talkMs: number): PhasePlan {
  const { short, seconds, waiting } = options;
  const measured = (usual: number): number => (seconds ?? usual) * secondMs;
  switch (name) {
    case 'gap':
      return { name, talkMs, measureMs: measured(short ? 12 : 20), atOnce: fewAtOnce };
    case 'load':
      return { name, talkMs, measureMs: measured(short ? 20 : 60), atOnce: 0 };
    case 'backlog':
      return { name, talkMs, measureMs: measured(short ? 12 : 30), atOnce: waiting ?? (short ? 250 : 1_050) };
  }
}

async function measureTable(tools: BenchTools, options: Options, setting: Setting): Promise<Table> {
  const { talkMs, terms } = setting;
  const { profileDir } = options;
  const table: Record<PhaseName, Record<System['name'], PhaseResult[]>> = {
    gap: { dozvon: [], appQueue: [] },
    load: { dozvon: [], appQueue: [] },
    backlog: { dozvon: [], appQueue: [] },
  };
  const systems = [dozvon(tools.exchange), appQueue(tools.exchange)].filter(({ name }) =>
    options.systems.includes(name),
  );
  const pairs = options.pairs || (options.short ? 1 : setting.pairs);
  const phones = await startPhones(tools, { talkMs });
  try {
    for (const name of options.phases) {
      const plan = planOf(name, options, talkMs);
      for (let pair = 1; pair <= pairs; pair += 1) {
        for (const system of systems) {
          const profiled = profileDir !== undefined && system.name === 'dozvon';
          const endProfile = profiled ? await startProfile(tools.exchange.pids().service?.[0] ?? 0) : undefined;
          const result = await runPhase(tools, system, { phones, plan });
          await endProfile?.(join(profileDir ?? '', `${name}-${terms}-${talkMs}-${pair}.cpuprofile`));
          table[name][system.name].push(result);
          progress(
            `${terms}, talk ${talkMs / secondMs} s, ${name}, pair ${pair} of ${pairs}, ${system.title}: ` +
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

interface Measured {
  readonly setting: Setting;
  readonly table: Table;
}

/** All tables of the same terms, on one exchange. */
async function measureTerms(sipp: SippProgram, options: Options, terms: Terms): Promise<readonly Measured[]> {
  const dir = mkdtempSync(join(tmpdir(), 'dozvon-bench-sipp-'));
  const exchange = await startExchange(terms, progress);
  let counters: Counters | undefined;
  const end = async (): Promise<void> => {
    await counters?.close();
    await exchange.stop();
    if (process.env.DOZVON_KEEP_BENCH_HOME === undefined) rmSync(dir, { recursive: true, force: true });
  };
  const onSignal = (): void => void end().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  try {
    counters = await openCounters(exchange);
    const tools: BenchTools = { exchange, sipp, counters, dir };
    const measured: Measured[] = [];
    for (const setting of options.settings.filter((one) => one.terms === terms)) {
      const table = await measureTable(tools, options, setting);
      measured.push({ setting, table });
      printTables(table, setting);
    }
    return measured;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
    await end();
  }
}

async function run(options: Options): Promise<number> {
  const machine = machineFacts();
  const sipp = await findSipp(progress);
  const measured: Measured[] = [];
  for (const terms of new Set(options.settings.map((setting) => setting.terms)))
    measured.push(...(await measureTerms(sipp, options, terms)));
  printTable('The machine', [
    ['processor', 'cores', 'kernel', 'load before'],
    [machine.processor, machine.cores, machine.kernel, machine.loadBefore],
  ]);
  const [first, ...others] = measured;
  if (first === undefined || options.phases.length < phaseNames.length || options.systems.length < systemNames.length)
    return 0;
  const figures = figuresOf(first.table);
  const unmeasured = Object.entries(figures).filter(([, value]) => !Number.isFinite(value));
  if (unmeasured.length > 0)
    throw new Error(`expected figures, got none for ${unmeasured.map(([name]) => name).join(', ')}`);
  const judged = targetsOf(figures);
  printTargets(judged);
  if (options.json) {
    const tablesToo = others.map(({ setting, table }) => ({
      terms: setting.terms,
      talkMs: setting.talkMs,
      ...figuresOf(table),
    }));
    process.stdout.write(`${JSON.stringify({ ...figures, otherTables: tablesToo, machine })}\n`);
  }
  return options.short || judged.every(isReached) ? 0 : 1;
}

try {
  process.exitCode = await run(readOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`bench:dispatch could not measure: ${messageOf(error)}\n`);
  process.exitCode = 2;
}
