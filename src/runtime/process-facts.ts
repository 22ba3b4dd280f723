import { readText } from './platform.ts';

/** With its start time a pid names one process for ever; the pid alone is used again. */
export interface ProcessName {
  readonly pid: number;
  /** Clock ticks since boot (field 22 of /proc/PID/stat). */
  readonly startTicks: string;
  /** Ticks start again with each boot. */
  readonly bootId: string;
}

/** The process that has this pid now; undefined when none has, or only a zombie. */
export function nameProcess(pid: number): ProcessName | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the program's name in brackets and may hold spaces and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = fields[19];
  if (startTicks === undefined || fields[0] === 'Z') return undefined;
  return { pid, startTicks, bootId: (readText('/proc/sys/kernel/random/boot_id') ?? '').trim() };
}

export function isAlive(process: ProcessName): boolean {
  const now = nameProcess(process.pid);
  return now !== undefined && now.startTicks === process.startTicks && now.bootId === process.bootId;
}

/** Sends the signal only to the very process that was named. */
export function signalProcess(target: ProcessName, signal: NodeJS.Signals): 'sent' | 'gone' | 'notAllowed' {
  if (!isAlive(target)) return 'gone';
  try {
    process.kill(target.pid, signal);
    return 'sent';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'notAllowed' : 'gone';
  }
}

const pollMs = 25;

/** Waits for a process that is not our child to end (the kernel tells only parents); false when it still lives at the limit. */
export async function waitForEnd(target: ProcessName, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (isAlive(target)) {
    if (Date.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return true;
}
