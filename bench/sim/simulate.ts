import { performance } from 'node:perf_hooks';
import type { StoreChoice } from './open-router.ts';
import { type PairedRun, PairedRuns } from './paired-runs.ts';
import { defaultStrategy, type Scenario, theoryScenarios } from './scenarios.ts';
import { controlledMean, type Estimate, halfWidthOf, ratioOfMeans } from './statistics.ts';
import { type StrategyRun, strategyRuns } from './strategies.ts';
import type { TaskResult } from './task.ts';
import { Workers } from './workers.ts';

export interface SimulationOptions {
  readonly seed: string;
  /** `short` is for the test suite: fewer scenarios and contacts, intervals as wide as they come. */
  readonly length: 'full' | 'short';
  /** The private Redis whose scripts are compared with the twin; undefined: the comparison is left out. */
  readonly redisUrl: string | undefined;
  /** Who serves the replications. The scripts take some forty times as long as the twin. */
  readonly rowsBy: 'twin' | 'scripts';
  /** Threads; 0: in this one. */
  readonly workers: number;
  readonly onProgress: (line: string) => void;
}

export interface Row {
  readonly name: string;
  readonly metric: string;
  readonly measured: number;
  /** Half the width of the interval in which all rows lie together with 95 %. */
  readonly halfWidth: number;
  /** Half the width of this row's own 95 % interval. */
  readonly ownHalfWidth: number;
  readonly expected: number;
  readonly relation: 'equal' | 'atMost' | 'shown';
  readonly inside: boolean;
  /** The interval is narrow enough to tell: at most 2 % of the expected value on either side. */
  readonly precise: boolean;
}

export interface StrategyRow {
  readonly arrivalsPerHour: number;
  readonly strategy: string;
  readonly by: 'queue' | 'model';
  readonly isDefault: boolean;
  readonly bilingualAsaSeconds: number;
  readonly generalAsaSeconds: number;
  /** Bilingual ASA over that under random assignment. */
  readonly ratio: number;
  readonly ratioHalfWidth: number;
}

export interface SimulationResult {
  readonly seed: string;
  readonly length: 'full' | 'short';
  readonly rowsBy: 'twin' | 'scripts';
  readonly replications: number;
  /** All contacts whose wait was compared with the recursion, on the twin and on the scripts. */
  readonly pathContacts: number;
  readonly pathMismatches: number;
  readonly paired: readonly PairedRun[];
  readonly rows: readonly Row[];
  readonly strategies: readonly StrategyRow[];
  readonly contacts: number;
  /** Of one thread. */
  readonly contactsPerSecond: number;
  readonly tookSeconds: number;
}

/** At least 20 are asked for; 40 leave degrees of freedom enough beside the controls. */
const replications = { full: 40, short: 20 } as const;
const shortContacts = 1_500;
const pairedContacts = { full: 5_000, short: 600 } as const;
const hardDays = { full: 4, short: 1 } as const;
const confidence = 0.95;
/** "95 % half-width at most 2 % of the value". */
const widestShare = 0.02;
const skewBound = 0.6;

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const startedMs = performance.now();
  const scenarios = theoryScenarios().filter((scenario) => options.length === 'full' || scenario.inShort);
  const strategies = options.length === 'full' ? strategyRuns() : [];
  const judged = scenarios.flatMap(({ measures }) => measures.filter(({ relation }) => relation !== 'shown'));
  // Bonferroni: with this many rows some would lie outside their own 95 % interval in most runs of a faultless queue.
  const rowConfidence = 1 - (1 - confidence) / (judged.length + (strategies.length > 0 ? 1 : 0));

  const paired = await runPaired(options, scenarios);
  const workers = new Workers(options.workers);
  try {
    const results = new Map<string, readonly TaskResult[]>();
    for (const scenario of [...scenarios, ...strategies.map((run) => run.scenario)]) {
      results.set(scenario.id, await runScenario(scenario, options, workers));
    }
    const all = [...results.values()].flat();
    const total = (of: (result: TaskResult) => number): number => all.reduce((sum, result) => sum + of(result), 0);
    const compared = strategyRows(strategies, { results, rowConfidence });
    const rows = scenarios.flatMap((scenario) => rowsOf(scenario, results.get(scenario.id) ?? [], rowConfidence));
    return {
      seed: options.seed,
      length: options.length,
      rowsBy: options.rowsBy,
      replications: replications[options.length],
      pathContacts: total((result) => result.pathContacts) + sumOf(paired, (run) => run.pathContacts),
      pathMismatches: total((result) => result.pathMismatches) + sumOf(paired, (run) => run.pathMismatches),
      paired,
      rows: [...rows, ...compared.judged],
      strategies: compared.table,
      contacts: total((result) => result.contacts),
      contactsPerSecond: (total((result) => result.contacts) / total((result) => result.tookMs)) * 1_000,
      tookSeconds: (performance.now() - startedMs) / 1_000,
    };
  } finally {
    await workers.stop();
  }
}

/** What is wrong with a result, one sentence each; nothing when all is as it should be. */
export function faultsOf(result: SimulationResult): readonly string[] {
  const faults: string[] = [];
  if (result.pathMismatches > 0) faults.push(`${result.pathMismatches} waits differ from the recursion`);
  for (const run of result.paired) {
    if (run.differences > 0) faults.push(`${run.name}: twin and scripts differ ${run.differences} times`);
    if ((run.hardDay?.keptWaiting ?? 0) > 0) faults.push(`${run.name}: contacts waited while operators were ready`);
    if ((run.hardDay?.leftBehind ?? 0) > 0) faults.push(`${run.name}: contacts or operators were left behind`);
  }
  for (const row of result.rows) {
    const what = `${row.name}, ${row.metric}`;
    if (!row.inside)
      faults.push(`${what}: ${row.measured.toPrecision(5)} is outside of ${row.expected.toPrecision(5)}`);
    if (!row.precise && result.length === 'full') faults.push(`${what}: not measured to 2 %`);
  }
  return faults;
}

async function runPaired(options: SimulationOptions, scenarios: readonly Scenario[]): Promise<readonly PairedRun[]> {
  const { redisUrl, seed, length, onProgress } = options;
  if (redisUrl === undefined) return [];
  const runs = new PairedRuns({ url: redisUrl, seed });
  const done: PairedRun[] = [];
  const say = (run: PairedRun): void => {
    done.push(run);
    onProgress(`twin and scripts, ${run.name}: ${run.contacts} contacts, ${run.compared} answers compared`);
  };
  for (const scenario of scenarios) {
    if (scenario.pathByPath) say(await runs.pathByPath(scenario, pairedContacts[length]));
  }
  for (let day = 1; day <= hardDays[length]; day += 1) say(await runs.hardDay(day, pairedContacts[length]));
  return done;
}

async function runScenario(
  scenario: Scenario,
  options: SimulationOptions,
  workers: Workers,
): Promise<readonly TaskResult[]> {
  const store: StoreChoice =
    options.rowsBy === 'scripts' && options.redisUrl !== undefined
      ? { kind: 'scripts', url: options.redisUrl }
      : { kind: 'twin' };
  const startedMs = performance.now();
  const tasks = Array.from({ length: replications[options.length] }, (_, replication) => ({
    scenarioId: scenario.id,
    seed: options.seed,
    replication,
    contacts: options.length === 'full' ? scenario.contacts : shortContacts,
    store,
  }));
  const results = await workers.run(tasks);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  options.onProgress(`${scenario.name}: ${sumOf(results, (result) => result.contacts)} contacts in ${seconds} s`);
  return results;
}

function rowsOf(scenario: Scenario, results: readonly TaskResult[], rowConfidence: number): readonly Row[] {
  return scenario.measures.map(({ metric, expected, relation }, i) => {
    const estimate = controlledMean(
      results.map((result) => result.values[i] ?? Number.NaN),
      results.map((result) => result.controls),
    );
    return judge({ name: scenario.name, metric, expected, relation }, estimate, rowConfidence);
  });
}

function judge(
  row: Pick<Row, 'name' | 'metric' | 'expected' | 'relation'>,
  estimate: Estimate,
  rowConfidence: number,
): Row {
  const halfWidth = halfWidthOf(estimate, rowConfidence);
  const { mean } = estimate;
  const { expected, relation } = row;
  return {
    ...row,
    measured: mean,
    halfWidth,
    ownHalfWidth: halfWidthOf(estimate, confidence),
    inside:
      relation === 'shown' ||
      (relation === 'equal' ? Math.abs(mean - expected) <= halfWidth : mean + halfWidth <= expected),
    precise: relation !== 'equal' || halfWidth <= widestShare * expected,
  };
}

function strategyRows(
  runs: readonly StrategyRun[],
  measured: { readonly results: ReadonlyMap<string, readonly TaskResult[]>; readonly rowConfidence: number },
): { readonly table: readonly StrategyRow[]; readonly judged: readonly Row[] } {
  const valuesOf = (run: StrategyRun, measure: number): readonly number[] =>
    (measured.results.get(run.scenario.id) ?? []).map((result) => result.values[measure] ?? Number.NaN);
  const mean = (values: readonly number[]): number => sumOf(values, (value) => value) / values.length;
  const judged: Row[] = [];
  const table = runs.map((run): StrategyRow => {
    const { arrivalsPerHour, strategy, by } = run;
    const random =
      runs.find((other) => other.strategy === 'random' && other.arrivalsPerHour === arrivalsPerHour) ?? run;
    const ratio = ratioOfMeans(valuesOf(run, 0), valuesOf(random, 0));
    const isDefault = by === 'queue' && strategy === defaultStrategy;
    const row = {
      name: `skew: 20 % bilingual for 10 %, ${arrivalsPerHour}/h, 20 operators, ${strategy}`,
      metric: 'bilingual ASA ÷ at random',
      expected: skewBound,
      relation: 'atMost',
    } as const;
    if (isDefault && run.judged) judged.push(judge(row, ratio, measured.rowConfidence));
    return {
      arrivalsPerHour,
      strategy,
      by,
      isDefault,
      bilingualAsaSeconds: mean(valuesOf(run, 0)),
      generalAsaSeconds: mean(valuesOf(run, 1)),
      ratio: ratio.mean,
      ratioHalfWidth: halfWidthOf(ratio, confidence),
    };
  });
  return { table, judged };
}

function sumOf<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
