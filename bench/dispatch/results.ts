import { median, quantile, rounded, sumOf } from '../measure/figures.ts';
import { printTable, type Target } from '../measure/report.ts';
import type { Terms } from './hotline.ts';
import type { PhaseName, PhaseResult } from './phases.ts';
import type { System } from './systems.ts';

/** All rounds of one table: for each phase the results of both systems, pair by pair. */
export type Table = Readonly<Record<PhaseName, Readonly<Record<System['name'], readonly PhaseResult[]>>>>;

export interface Figures {
  readonly gapP50Ms: number;
  readonly gapP99Ms: number;
  readonly appQueueGapP50Ms: number;
  readonly appQueueGapP99Ms: number;
  readonly throughputRatio: number;
  readonly backlogShareOfLimit: number;
  readonly serviceCpuMsPerCall: number;
  readonly asteriskCpuMsPerCall: number;
  readonly failedCalls: number;
}

const systems = ['dozvon', 'appQueue'] as const;
const termsText: Readonly<Record<Terms, string>> = {
  plain: 'nothing recorded, waiting in silence',
  recorded: 'all recorded, waiting with music',
};
const phaseNames: readonly PhaseName[] = ['gap', 'load', 'backlog'];

const gapAt =
  (share: number) =>
  (results: readonly PhaseResult[]): number =>
    median(results.map((result) => quantile(result.gapsMs, share)));

const cpuPerCall = (results: readonly PhaseResult[], part: string): number =>
  median(results.map(({ cpu, completed }) => (cpu.byName[part] ?? 0) / completed));

/** Cores that those who wait take while nobody is there to talk to. */
const coresWaiting = (results: readonly PhaseResult[], part: string): number =>
  median(
    results.map(({ waitingCpu }) =>
      waitingCpu === undefined ? Number.NaN : (waitingCpu.byName[part] ?? 0) / waitingCpu.elapsedMs,
    ),
  );

export function figuresOf(table: Table): Figures {
  const { gap, load, backlog } = table;
  const ratios = load.dozvon.map(
    (result, i) => result.completedPerSecond / (load.appQueue[i]?.completedPerSecond ?? Number.NaN),
  );
  return {
    gapP50Ms: rounded(gapAt(0.5)(gap.dozvon)),
    gapP99Ms: rounded(gapAt(0.99)(gap.dozvon)),
    appQueueGapP50Ms: rounded(gapAt(0.5)(gap.appQueue)),
    appQueueGapP99Ms: rounded(gapAt(0.99)(gap.appQueue)),
    throughputRatio: rounded(median(ratios)),
    backlogShareOfLimit: rounded(median(backlog.dozvon.map((result) => result.shareOfLimit))),
    serviceCpuMsPerCall: rounded(cpuPerCall(load.dozvon, 'service')),
    asteriskCpuMsPerCall: rounded(cpuPerCall(load.dozvon, 'asterisk')),
    failedCalls: sumOf(phaseNames.flatMap((phase) => table[phase].dozvon.map((result) => result.failedCalls))),
  };
}

export function targetsOf(figures: Figures): readonly Target[] {
  const atMost = (name: string, value: number, limit: number): Target => ({ name, value, limit, rule: 'atMost' });
  const atLeast = (name: string, value: number, limit: number): Target => ({ name, value, limit, rule: 'atLeast' });
  return [
    atMost('free → called, p99 ms', figures.gapP99Ms, 20),
    atMost("  … as a share of app_queue's", figures.gapP99Ms / figures.appQueueGapP99Ms, 0.1),
    atLeast('completed calls/s ÷ app_queue’s', figures.throughputRatio, 1.5),
    atLeast('share of the limit, long backlog', figures.backlogShareOfLimit, 0.97),
    atMost("service's CPU, ms a call", figures.serviceCpuMsPerCall, 4),
    atMost('failed calls', figures.failedCalls, 0),
  ];
}

export function printTables(table: Table, setting: { readonly talkMs: number; readonly terms: Terms }): void {
  const talk = `talk ${setting.talkMs / 1_000} s, ${termsText[setting.terms]}`;
  const print = (phase: PhaseName, title: string, lines: Parameters<typeof printTable>[1]): void => {
    if (systems.some((system) => table[phase][system].length > 0)) printTable(title, lines);
  };
  const rows = <T extends string | number>(of: (results: readonly PhaseResult[]) => readonly T[], phase: PhaseName) =>
    systems
      .filter((system) => table[phase][system].length > 0)
      .map((system) => [system === 'dozvon' ? 'Dozvon' : 'app_queue', ...of(table[phase][system])]);
  print('gap', `A few waiting, ${talk}: operator free → call at the phone`, [
    ['', 'pairs', 'gaps', 'p50 ms', 'p99 ms', 'longest ms', 'calls/s', 'failed'],
    ...rows(
      (results) => [
        results.length,
        sumOf(results.map(({ gapsMs }) => gapsMs.length)),
        rounded(gapAt(0.5)(results)),
        rounded(gapAt(0.99)(results)),
        rounded(Math.max(...results.flatMap(({ gapsMs }) => gapsMs))),
        rounded(median(results.map(({ completedPerSecond }) => completedPerSecond))),
        sumOf(results.map(({ failedCalls }) => failedCalls)),
      ],
      'gap',
    ),
  ]);
  print('load', `50 calls/s offered, ${talk}`, [
    ['', 'completed/s', 'gap p50 ms', 'Asterisk ms/call', 'service', 'Redis', 'PostgreSQL', 'failed', 'others’ cores'],
    ...rows(
      (results) => [
        rounded(median(results.map(({ completedPerSecond }) => completedPerSecond))),
        rounded(gapAt(0.5)(results)),
        ...['asterisk', 'service', 'redis', 'postgres'].map((part) => rounded(cpuPerCall(results, part))),
        sumOf(results.map(({ failedCalls }) => failedCalls)),
        rounded(median(results.map(({ cpu }) => cpu.othersCores)), 2),
      ],
      'load',
    ),
  ]);
  print('backlog', `A long backlog, ${talk}`, [
    [
      '',
      'completed/s',
      'share of limit',
      'set-up ms',
      'gap p50 ms',
      'p99 ms',
      'waiting: Asterisk',
      'service',
      'RTP packets/s',
      'failed',
      'others’ cores',
    ],
    ...rows(
      (results) => [
        rounded(median(results.map(({ completedPerSecond }) => completedPerSecond))),
        rounded(median(results.map(({ shareOfLimit }) => shareOfLimit))),
        rounded(median(results.map(({ setUpMs }) => setUpMs))),
        rounded(gapAt(0.5)(results)),
        rounded(gapAt(0.99)(results)),
        ...['asterisk', 'service'].map((part) => `${Math.round(100 * coresWaiting(results, part))} %`),
        rounded(median(results.map(({ waitingPackets }) => waitingPackets ?? Number.NaN)), 1),
        sumOf(results.map(({ failedCalls }) => failedCalls)),
        rounded(median(results.map(({ cpu }) => cpu.othersCores)), 2),
      ],
      'backlog',
    ),
  ]);
  if (table.load.dozvon.length > 0) printAsked(table.load.dozvon, talk);
}

function printAsked(results: readonly PhaseResult[], talk: string): void {
  const perCall = (of: (result: PhaseResult) => number): number =>
    rounded(median(results.map((result) => of(result) / result.completed)));
  printTable(`What a call asks of the servers behind the service, ${talk}`, [
    ['Redis scripts', 'PostgreSQL transactions'],
    [perCall(({ counts }) => counts.redisScripts), perCall(({ counts }) => counts.postgresTransactions)],
  ]);
}
