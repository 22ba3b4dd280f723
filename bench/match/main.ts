/**
 * `npm run bench:match`: how fast one Redis reserves operators for contacts, and what it costs as the queue grows. The verbs are the
 * product's own, on a private Redis that writes its append-only file as the product's does. See docs/benchmarks.md.
 */
import { messageOf } from '../../src/foundation/index.ts';
import { startRedis, type TestRedis } from '../../test/support/redis.ts';
import { median, quantile, rounded } from '../measure/figures.ts';
import { machineFacts, watchCpu } from '../measure/machine.ts';
import { isReached, printTable, printTargets, progress, readOptions, type Target } from '../measure/report.ts';
import { type CycleResult, cycleRound, type Direction, type Round, reserveRound } from './measure.ts';
import { classCount, operatorCount } from './population.ts';
import { countWaiting, openStage, type Stage } from './stage.ts';

const sizes = { few: 1_000, usual: 10_000, many: 100_000 } as const;
/** Reservations of one round: a quarter of the operators, so that a contact always finds one who can serve it. */
const roundSize = 500;
/** Enough that Redis never waits for us; the 99th percentile is the wait behind so many others. */
const inFlight = 16;
const directions: readonly Direction[] = ['contactArrives', 'operatorReady'];
/** Redis and its client take a core each; less is left for them when others take more than this of two. */
const busyCores = 0.3;
const targets = { reservationsPerSecond: 8_000, scalingRatio: 1.5 };

interface Plan {
  readonly rounds: number;
  readonly cycleRounds: number;
  readonly cycles: number;
}
const plans: Readonly<Record<'full' | 'short', Plan>> = {
  full: { rounds: 15, cycleRounds: 5, cycles: 3_000 },
  short: { rounds: 5, cycleRounds: 1, cycles: 1_000 },
};

type Measured = Readonly<Record<keyof typeof sizes, readonly Round[]>>;

/** Sizes and directions in turn, so that whatever else the machine does meets all of them. */
async function measureRounds(stages: Readonly<Record<keyof typeof sizes, Stage>>, rounds: number): Promise<Measured> {
  const measured: Record<keyof typeof sizes, Round[]> = { few: [], usual: [], many: [] };
  // The first round of each is not counted: code is compiled, pages are touched.
  for (let i = 0; i <= rounds; i += 1) {
    for (const size of ['few', 'many', 'usual'] as const) {
      for (const direction of directions) {
        const round = await reserveRound(stages[size], { direction, count: roundSize, inFlight });
        if (i > 0) measured[size].push(round);
      }
    }
  }
  return measured;
}

async function referenceRate(redis: TestRedis): Promise<number> {
  const { client } = redis;
  const sha = String(await client.script('LOAD', "redis.call('HSET', KEYS[1], 'a', ARGV[1]) return ARGV[1]"));
  const calls = 5_000;
  const startedAt = performance.now();
  for (let done = 0; done < calls; done += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, i) => client.evalsha(sha, 1, 'reference', String(i))));
  }
  return (calls / (performance.now() - startedAt)) * 1_000;
}

/** Reservations a second over each pair of rounds, one in either direction. */
function pairRates(rounds: readonly Round[]): readonly number[] {
  const rates: number[] = [];
  for (let i = 0; i + 1 < rounds.length; i += 2) {
    const pair = rounds.slice(i, i + 2);
    const elapsedMs = pair.reduce((total, round) => total + round.elapsedMs, 0);
    rates.push((pair.reduce((total, round) => total + round.reservations, 0) / elapsedMs) * 1_000);
  }
  return rates;
}

function pairCosts(rounds: readonly Round[]): readonly number[] {
  const costs: number[] = [];
  for (let i = 0; i + 1 < rounds.length; i += 2) {
    costs.push(((rounds[i]?.redisMicroseconds ?? 0) + (rounds[i + 1]?.redisMicroseconds ?? 0)) / 2);
  }
  return costs;
}

function printRounds(measured: Measured, cycles: readonly CycleResult[]): void {
  const rows = (['few', 'usual', 'many'] as const).flatMap((size) =>
    directions.map((direction) => {
      const rounds = measured[size].filter((round) => round.direction === direction);
      return [
        sizes[size],
        direction === 'contactArrives' ? 'a contact arrives' : 'an operator is ready',
        Math.round(median(rounds.map((round) => (round.reservations / round.elapsedMs) * 1_000))),
        rounded(median(rounds.flatMap((round) => round.latenciesMs))),
        rounded(
          quantile(
            rounds.flatMap((round) => round.latenciesMs),
            0.99,
          ),
        ),
        rounded(median(rounds.map((round) => round.redisMicroseconds))),
      ];
    }),
  );
  const head = ['waiting', 'trigger', 'reservations/s', 'p50 ms', 'p99 ms', 'Redis µs each'];
  printTable(`Reservations, ${operatorCount} operators, ${classCount} classes, ${inFlight} in flight`, [head, ...rows]);
  printTable('Whole contacts under a backlog: enqueue, look, answered, released, next (5 scripts)', [
    ['waiting', 'contacts/s', 'release → next p50 ms', 'p99 ms', 'Redis µs each'],
    [
      sizes.usual,
      Math.round(median(cycles.map((cycle) => (cycle.cycles / cycle.elapsedMs) * 1_000))),
      rounded(median(cycles.flatMap((cycle) => cycle.latenciesMs))),
      rounded(
        quantile(
          cycles.flatMap((cycle) => cycle.latenciesMs),
          0.99,
        ),
      ),
      rounded(median(cycles.map((cycle) => cycle.redisMicroseconds))),
    ],
  ]);
}

async function openStages(redis: TestRedis, seed: string): Promise<Readonly<Record<keyof typeof sizes, Stage>>> {
  const open = async (waiting: number): Promise<Stage> => {
    progress(`filling: ${waiting} waiting, ${operatorCount} operators`);
    return await openStage(redis, { waiting, seed, inFlight });
  };
  return { few: await open(sizes.few), usual: await open(sizes.usual), many: await open(sizes.many) };
}

async function assertAsBefore(stage: Stage): Promise<void> {
  const waiting = await countWaiting(stage);
  if (waiting !== stage.waiting) throw new Error(`expected ${stage.waiting} waiting at the end, got ${waiting}`);
}

async function run(redis: TestRedis, plan: Plan, seed: string): Promise<{ json: object; reached: boolean }> {
  // As the product's own Redis: every change is in the append-only file within a second.
  await redis.client.config('SET', 'appendonly', 'yes');
  const redisPid = Number(/process_id:(\d+)/.exec(await redis.client.info('server'))?.[1]);
  const machine = machineFacts();
  const stages = await openStages(redis, seed);
  progress(`measuring ${plan.rounds} rounds`);
  const used = watchCpu({ redis: [redisPid], client: [process.pid] });
  const reference = await referenceRate(redis);
  const measured = await measureRounds(stages, plan.rounds);
  const cycles: CycleResult[] = [];
  for (let i = 0; i < plan.cycleRounds; i += 1) {
    cycles.push(await cycleRound(stages.usual, { count: plan.cycles, inFlight }));
  }
  const { othersCores } = used();
  for (const stage of Object.values(stages)) await assertAsBefore(stage);

  const reservationsPerSecond = median(pairRates(measured.usual));
  const p99Ms = quantile(
    measured.usual.flatMap((round) => round.latenciesMs),
    0.99,
  );
  const few = pairCosts(measured.few);
  const scalingRatio = median(pairCosts(measured.many).map((cost, i) => cost / (few[i] ?? Number.NaN)));
  if (!Number.isFinite(reservationsPerSecond) || !Number.isFinite(scalingRatio)) {
    throw new Error(`expected figures, got ${reservationsPerSecond} reservations/s and a ratio of ${scalingRatio}`);
  }
  printRounds(measured, cycles);
  const judged: readonly Target[] = [
    {
      name: `reservations/s at ${sizes.usual} waiting`,
      value: reservationsPerSecond,
      limit: targets.reservationsPerSecond,
      rule: 'atLeast',
    },
    {
      name: `cost at ${sizes.many} waiting ÷ at ${sizes.few}`,
      value: scalingRatio,
      limit: targets.scalingRatio,
      rule: 'atMost',
    },
  ];
  printTargets(judged);
  if (!judged.every(isReached) && othersCores > busyCores) {
    process.stdout.write(
      `\nOthers took ${rounded(othersCores, 2)} cores meanwhile: measure again on a quieter machine.\n`,
    );
  }
  printTable('The machine during it', [
    ['processor', 'cores', 'taken by others', 'plain scripts/s', 'an operator’s classes (median)'],
    [
      machine.processor,
      machine.cores,
      rounded(othersCores, 2),
      Math.round(reference),
      stages.usual.population.medianClasses,
    ],
  ]);
  return {
    reached: judged.every(isReached),
    json: {
      reservationsPerSecond: Math.round(reservationsPerSecond),
      p99Ms: rounded(p99Ms),
      scalingRatio: rounded(scalingRatio),
      contactsPerSecond: Math.round(median(cycles.map((cycle) => (cycle.cycles / cycle.elapsedMs) * 1_000))),
      plainScriptsPerSecond: Math.round(reference),
      seed,
      othersCores: rounded(othersCores, 2),
      machine,
    },
  };
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const seed = process.env.DOZVON_BENCH_SEED ?? 'match';
  const redis = await startRedis();
  const stop = (): void => void redis.stop().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  try {
    const { json, reached } = await run(redis, options.short ? plans.short : plans.full, seed);
    if (options.json) process.stdout.write(`${JSON.stringify(json)}\n`);
    return reached || options.short ? 0 : 1;
  } finally {
    await redis.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench:match could not measure: ${messageOf(error)}\n`);
  process.exitCode = 2;
}
