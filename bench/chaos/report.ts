import { quantile, rounded, sumOf } from '../measure/figures.ts';
import { printTable } from '../measure/report.ts';
import type { FaultKind, ShownAttempt } from './judge.ts';
import type { ChaosResult } from './run.ts';

export interface ChaosFigures {
  readonly kills: number;
  readonly byVictim: Readonly<Record<string, number>>;
  /** Of all kills together, call-backs by the state they were in. */
  readonly atStake: Readonly<Record<string, number>>;
  readonly promises: number;
  /** Reached: joined with an operator whom the citizen has heard. */
  readonly kept: number;
  /** In a later retry when the run ended. */
  readonly waiting: number;
  readonly lost: number;
  readonly attempts: number;
  readonly invites: number;
  readonly unknownAttempts: number;
  readonly dialledTwice: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** From the promise to the conversation, retries included. */
  readonly delayMs: { readonly p50: number; readonly p95: number; readonly most: number };
  /** From the kill until the hotline was ready. */
  readonly awayMs: { readonly p50: number; readonly most: number };
  readonly faults: readonly string[];
}

export function figuresOf({ kills, kept, faults, leftOver }: ChaosResult): ChaosFigures {
  const callBacks = kept.flatMap((one) => one.callBacks);
  const attempts = callBacks.flatMap((one) => one.attempts);
  const made = kept.filter(({ callBacks: some }) => some.length > 0);
  const count = (kinds: readonly FaultKind[]): number => faults.filter(({ kind }) => kinds.includes(kind)).length;
  const delays = callBacks.flatMap(({ state, createdAt, attempts: tries }) => {
    const last = tries.at(-1);
    return state === 'done' && last?.endedAt !== undefined ? [Date.parse(last.endedAt) - Date.parse(createdAt)] : [];
  });
  return {
    kills: kills.length,
    byVictim: counted(kills.map(({ victim }) => victim)),
    atStake: counted(kills.flatMap(({ atStake }) => atStake)),
    promises: made.length,
    kept: made.filter(({ callBacks: [one] }) => one?.state === 'done').length - count(['notReached']),
    waiting: callBacks.filter(({ state }) => state === 'scheduled').length,
    lost: count(['lost']),
    attempts: attempts.length,
    invites: sumOf(kept.map(({ invitesMs }) => invitesMs.length)),
    unknownAttempts: attempts.filter(({ outcome }) => outcome === 'unknown').length,
    dialledTwice: count(['dialledTwice', 'dialledUnwritten']),
    outcomes: counted(attempts.map(({ outcome }: ShownAttempt) => outcome ?? 'open')),
    delayMs: {
      p50: rounded(quantile(delays, 0.5)),
      p95: rounded(quantile(delays, 0.95)),
      most: rounded(Math.max(...delays)),
    },
    awayMs: spread(kills.map(({ awayMs }) => awayMs)),
    faults: [...faults.map(({ kind, callBackId, what }) => `${kind} ${callBackId}: ${what}`), ...leftOver],
  };
}

function spread(values: readonly number[]): { readonly p50: number; readonly most: number } {
  return { p50: rounded(quantile(values, 0.5)), most: rounded(Math.max(...values)) };
}

function counted(names: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

export function printResult(figures: ChaosFigures): void {
  const { byVictim, atStake, outcomes, delayMs, awayMs, faults, ...counts } = figures;
  printTable('Call-backs under kills', [['what', 'number'], ...Object.entries(counts)]);
  printTable('Killed', [['what', 'times'], ...Object.entries(byVictim)]);
  printTable('Promised and not answered at a kill', [['state', 'call-backs'], ...Object.entries(atStake)]);
  printTable('What became of the attempts', [['outcome', 'attempts'], ...Object.entries(outcomes)]);
  printTable('Times, ms', [
    ['what', 'p50', 'p95', 'most'],
    ['from the promise to the operator', delayMs.p50, delayMs.p95, delayMs.most],
    ['from a kill until all is ready', awayMs.p50, '', awayMs.most],
  ]);
  printTable('Faults', [['what'], ...(faults.length === 0 ? [['none']] : faults.map((fault) => [fault]))]);
}
