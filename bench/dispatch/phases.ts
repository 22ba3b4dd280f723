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
  /** Of all who wait, before operators are there (`backlog` only). */
  readonly waitingCpu?: CpuShare;
  /** RTP packets a second to each of them (`backlog` only). */
  readonly waitingPackets?: number;
  /** During the window. */
  readonly counts: Counts;
}

const offeredPerSecond = 50;
/** From the first call until all is as it will be. */
const settleMs = 4 * secondMs;
/** Faster, and set-up itself would be what is measured. */
const fillPerSecond = 40;
const drainLimitMs = 60 * secondMs;
const waitingWindowMs = 4 * secondMs;
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
  const watch = (): (() => CpuShare) =>
    watchCpu({ ...tools.exchange.pids(), sipp: [phones.pid, callers.pid], bench: [process.pid] });
  try {
    const waiting = plan.name === 'backlog' ? await gather(tools, callers, { wanted: plan.atOnce, watch }) : {};
    if (plan.name === 'backlog') await system.setReady(true);
    // Under load the whole time from the first call counts, as it is offered.
    if (plan.name !== 'load') await pause(settleMs);
    const used = watch();
    const before = await tools.counters.read();
    const fromMs = Date.now();
    await pause(plan.measureMs);
    const window: Window = { fromMs, toMs: Date.now() };
    const cpu = used();
    const after = await tools.counters.read();
    // Told twice to end (the load ends by itself), SIPp would drop its calls.
    if (plan.name !== 'load') callers.wind();
    const untilMs = plan.name === 'backlog' || !(await drained(callers)) ? Date.now() : Number.POSITIVE_INFINITY;
    const result = resultOf({
      phones: phones.calls(system),
      callers: callerCalls(readMessages(callers.messageFile)),
      window,
      cpu,
      counts: {
        redisScripts: after.redisScripts - before.redisScripts,
        postgresTransactions: after.postgresTransactions - before.postgresTransactions,
      },
      plan,
      untilMs,
    });
    return { ...result, ...waiting };
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
  /** Callers are judged until then; afterwards they are sent away. */
  readonly untilMs: number;
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
      untilMs: seen.untilMs,
    }),
    cpu,
    counts,
  };
}

/** All are on the line and nobody is there to talk to them: what their waiting costs. */
async function gather(
  tools: BenchTools,
  callers: SippRun,
  options: { readonly wanted: number; readonly watch: () => () => CpuShare },
): Promise<Pick<PhaseResult, 'waitingCpu' | 'waitingPackets'>> {
  const { wanted, watch } = options;
  const deadline = Date.now() + (wanted / fillPerSecond) * secondMs + minuteMs;
  for (;;) {
    const answered = callerCalls(readMessages(callers.messageFile)).filter((call) => call.answeredAtMs !== undefined);
    if (answered.length >= wanted) break;
    if (Date.now() > deadline) throw new Error(`expected ${wanted} callers on the line, got ${answered.length}`);
    await pause(secondMs);
  }
  await pause(settleMs);
  // Asked outside of the time in which CPU is counted: a long listing costs Asterisk something.
  const packetsBefore = await tools.exchange.packetsSent();
  const fromMs = Date.now();
  const used = watch();
  await pause(waitingWindowMs);
  const waitingCpu = used();
  const packets = (await tools.exchange.packetsSent()) - packetsBefore;
  return { waitingCpu, waitingPackets: perSecond(packets, { fromMs, toMs: Date.now() }) / wanted };
}

/** Those still waiting are served. False when some are left. */
async function drained(callers: SippRun): Promise<boolean> {
  try {
    await withLimit(callers.ended, drainLimitMs, 'the last callers');
    return true;
  } catch {
    progress(`some callers are still waiting after ${drainLimitMs / secondMs} s: they are sent away`);
    return false;
  }
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
