import { join } from 'node:path';
import { minuteMs, secondMs, withLimit } from '../../src/foundation/index.ts';
import { type CpuShare, watchCpu } from '../measure/machine.ts';
import { progress } from '../measure/report.ts';
import type { Counts } from './counters.ts';
import { busySeconds, completedIn, failures, gaps, perSecond, type Window } from './figures.ts';
import { dialled, operatorCount } from './hotline.ts';
import { type CallerCall, callerCalls, type PhoneCall, readMessages } from './messages.ts';
import type { BenchTools, Phones } from './phones.ts';
import { freeLocal, type SippRun, startSipp, writeValues } from './sipp.ts';
import type { System } from './systems.ts';

/** `gap`: a few waiting. `load`: 50 calls/s offered. `backlog`: a thousand waiting. */
export type PhaseName = 'gap' | 'load' | 'backlog';

export interface PhasePlan {
  readonly name: PhaseName;
  readonly talkMs: number;
  /** How long is measured. */
  readonly measureMs: number;
  /** Callers on the line at once (`gap`, `backlog`): those talking and those waiting. */
  readonly atOnce: number;
}

/** What one phase of one system came to. */
export interface PhaseResult {
  readonly gapsMs: readonly number[];
  readonly completed: number;
  readonly completedPerSecond: number;
  /** Of the most that fifty operators can do: 50 ÷ (talk + measured set-up). */
  readonly shareOfLimit: number;
  readonly setUpMs: number;
  readonly failedCalls: number;
  readonly cpu: CpuShare;
  /** During the window. */
  readonly counts: Counts;
}

const offeredPerSecond = 50;
/** From the first call until all is as it will be. */
const settleMs = 4 * secondMs;
/** Faster, and set-up itself would be what is measured. */
const fillPerSecond = 40;
const drainLimitMs = 90 * secondMs;
const clearLimitMs = minuteMs;

/** Runs one phase and leaves the exchange empty. */
export async function runPhase(
  tools: BenchTools,
  system: System,
  options: { readonly phones: Phones; readonly plan: PhasePlan },
): Promise<PhaseResult> {
  const { phones, plan } = options;
  await phones.register(system);
  await system.setReady(plan.name !== 'backlog');
  const callers = await startCallers(tools, system, plan);
  try {
    if (plan.name === 'backlog') {
      await untilOnTheLine(callers, plan.atOnce);
      await system.setReady(true);
    }
    // Under load the whole time from the first call counts, as it is offered.
    if (plan.name !== 'load') await pause(settleMs);
    const used = watchCpu({
      ...tools.exchange.pids(),
      sipp: [phones.pid, callers.pid],
      bench: [process.pid],
    });
    const before = await tools.counters.read();
    const fromMs = Date.now();
    await pause(plan.measureMs);
    const window: Window = { fromMs, toMs: Date.now() };
    const cpu = used();
    const after = await tools.counters.read();
    // Told twice to end (the load ends by itself), SIPp would drop its calls.
    if (plan.name !== 'load') callers.wind();
    if (plan.name !== 'backlog') await drained(callers);
    return resultOf({
      phones: phones.calls(system),
      callers: callerCalls(readMessages(callers.messageFile)),
      window,
      cpu,
      counts: {
        redisScripts: after.redisScripts - before.redisScripts,
        postgresTransactions: after.postgresTransactions - before.postgresTransactions,
      },
      plan,
    });
  } finally {
    await clear(tools, callers);
  }
}

async function startCallers(tools: BenchTools, system: System, plan: PhasePlan): Promise<SippRun> {
  const { exchange, sipp, dir } = tools;
  const numbers = Array.from({ length: 1_000 }, (_, i) => [`+7926${1_000_000 + i}`]);
  const rate = {
    // Spread over the length of a talk, or all would be free at the same moment.
    gap: ['-users', String(plan.atOnce), '-r', String(Math.ceil((1.2 * operatorCount) / (plan.talkMs / secondMs)))],
    load: ['-r', String(offeredPerSecond), '-m', String((offeredPerSecond * plan.measureMs) / secondMs), '-l', '10000'],
    backlog: ['-users', String(plan.atOnce), '-r', String(fillPerSecond)],
  }[plan.name];
  const local = await freeLocal(exchange.addresses.callers[system.name]);
  return startSipp({
    program: sipp,
    scenario: 'callers',
    name: `callers-${system.name}-${plan.name}-${plan.talkMs}`,
    dir,
    remote: { host: exchange.addresses.exchange, port: exchange.sipPort },
    local,
    args: ['-s', dialled, '-inf', writeValues(join(dir, 'callers.csv'), numbers), ...rate],
  });
}

function resultOf(seen: {
  readonly phones: readonly PhoneCall[];
  readonly callers: readonly CallerCall[];
  readonly window: Window;
  readonly cpu: CpuShare;
  readonly counts: Counts;
  readonly plan: PhasePlan;
}): PhaseResult {
  const { window, plan, cpu, counts } = seen;
  const [first] = seen.callers;
  // Only what belongs to this phase: the phones' file goes through all of them.
  const phones = seen.phones.filter((call) => call.invitedAtMs >= (first?.sentAtMs ?? 0));
  const completed = completedIn(phones, window);
  if (completed.length === 0) throw new Error(`expected conversations in phase ${plan.name}, got none`);
  const { setUp, talk } = busySeconds(completed);
  const completedPerSecond = perSecond(completed.length, window);
  return {
    gapsMs: gaps(phones, seen.callers, window),
    completed: completed.length,
    completedPerSecond,
    shareOfLimit: completedPerSecond / (operatorCount / (talk + setUp)),
    setUpMs: setUp * 1_000,
    failedCalls: failures(phones, seen.callers, {
      talkMs: plan.talkMs,
      // A drained phase is judged to its end, a backlog is sent away.
      untilMs: plan.name === 'backlog' ? window.toMs : Number.POSITIVE_INFINITY,
    }),
    cpu,
    counts,
  };
}

async function untilOnTheLine(callers: SippRun, wanted: number): Promise<void> {
  const deadline = Date.now() + (wanted / fillPerSecond) * secondMs + minuteMs;
  for (;;) {
    const answered = callerCalls(readMessages(callers.messageFile)).filter((call) => call.answeredAtMs !== undefined);
    if (answered.length >= wanted) return;
    if (Date.now() > deadline) throw new Error(`expected ${wanted} callers on the line, got ${answered.length}`);
    await pause(secondMs);
  }
}

/** Those still waiting are served; who has not been by then counts as failed. */
async function drained(callers: SippRun): Promise<void> {
  await withLimit(callers.ended, drainLimitMs, 'the last callers').catch((error: unknown) => {
    progress(`callers are left over: ${String(error)}`);
  });
}

async function clear(tools: BenchTools, callers: SippRun): Promise<void> {
  // First, or a caller who is sent away is followed by another.
  await callers.kill();
  await tools.exchange.console('channel request hangup all');
  const deadline = Date.now() + clearLimitMs;
  for (;;) {
    const count = /(\d+) active channel/.exec(await tools.exchange.console('core show channels count'))?.[1];
    if (count === '0') break;
    if (Date.now() > deadline)
      throw new Error(`expected no channels once all was hung up, got ${count ?? 'no answer'}`);
    await pause(secondMs / 2);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
