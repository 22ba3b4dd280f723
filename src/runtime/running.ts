import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { DozvonError, secondMs } from '../foundation/index.ts';
import { type Home, writePrivateFile } from './home.ts';
import { readText } from './platform.ts';
import { isAlive, nameProcess, type ProcessName, signalProcess, waitForEnd } from './process-facts.ts';

/** What runs under a home: written by its supervisor, read by the other commands. Holds no secret. */
export interface RunningStack {
  readonly supervisor: ProcessName;
  readonly children: readonly (ProcessName & { readonly name: string; readonly stopSignal: NodeJS.Signals })[];
  readonly apiUrls: readonly string[];
  readonly sip: { readonly address: string; readonly port: number };
  readonly testing: boolean;
  readonly configPath: string;
}

const fileOf = (homeDir: string): string => join(homeDir, 'run', 'stack.json');

function readRecord(homeDir: string): RunningStack | undefined {
  try {
    return JSON.parse(readText(fileOf(homeDir)) ?? '') as RunningStack;
  } catch {
    return undefined;
  }
}

/** The stack running under this home now; undefined when none is. */
export function readRunningStack(homeDir: string): RunningStack | undefined {
  const record = readRecord(homeDir);
  return record !== undefined && isAlive(record.supervisor) ? record : undefined;
}

export function recordStack(home: Home, facts: Omit<RunningStack, 'supervisor'>): void {
  const supervisor = nameProcess(process.pid);
  if (supervisor === undefined) return;
  writePrivateFile(fileOf(home.dir), `${JSON.stringify({ supervisor, ...facts })}\n`);
}

export function forgetStack(home: Home): void {
  rmSync(fileOf(home.dir), { force: true });
}

/** A server that a dead supervisor left gets this long to end by itself before SIGKILL. */
const leftoverLimitMs = 10 * secondMs;

async function endLeftovers(record: RunningStack): Promise<number> {
  let ended = 0;
  for (const child of [...record.children].reverse()) {
    if (signalProcess(child, child.stopSignal) !== 'sent') continue;
    ended += 1;
    if (!(await waitForEnd(child, leftoverLimitMs))) {
      signalProcess(child, 'SIGKILL');
      await waitForEnd(child, secondMs);
    }
  }
  return ended;
}

/**
 * Makes sure that nothing runs under this home: throws `ALREADY_RUNNING` when a living supervisor holds it, ends what a dead one left
 * (only processes that its record names by start time). Returns how many were ended.
 */
export async function clearHome(home: Home): Promise<number> {
  const record = readRecord(home.dir);
  if (record === undefined) return 0;
  if (isAlive(record.supervisor)) {
    throw new DozvonError(
      'ALREADY_RUNNING',
      `Dozvon runs already (process ${record.supervisor.pid}, home ${home.dir}): stop it with "node bin/dozvon down", or give this one its own DOZVON_HOME and ports.`,
    );
  }
  const ended = await endLeftovers(record);
  forgetStack(home);
  return ended;
}

export type DownOutcome = 'stopped' | 'killed' | 'notRunning' | 'leftoversEnded' | 'notAllowed';

/** Stops the stack of this home and waits for its end, `limitMs` at most; then ends it by force. */
export async function stopRunningStack(homeDir: string, limitMs: number): Promise<DownOutcome> {
  const record = readRecord(homeDir);
  if (record === undefined) return 'notRunning';
  const sent = signalProcess(record.supervisor, 'SIGTERM');
  if (sent === 'notAllowed') return 'notAllowed';
  if (sent === 'gone') return (await endLeftovers(record)) > 0 ? 'leftoversEnded' : 'notRunning';
  if (await waitForEnd(record.supervisor, limitMs)) return 'stopped';
  signalProcess(record.supervisor, 'SIGKILL');
  await waitForEnd(record.supervisor, secondMs);
  await endLeftovers(record);
  return 'killed';
}
