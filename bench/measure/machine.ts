import { readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

export interface MachineFacts {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  readonly startedAt: string;
  /** Over the minute before the benchmark: what others were doing. */
  readonly loadBefore: number;
}

export function machineFacts(): MachineFacts {
  const [first] = cpus();
  return {
    processor: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    startedAt: new Date().toISOString(),
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** The kernel's clock tick on every Linux that Node runs on (USER_HZ). */
const tickMs = 10;

/** CPU time of a process with all its threads so far; 0 when it has gone. */
export function processCpuMs(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold blanks; utime and stime are the 12th and 13th field after it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * tickMs;
  } catch {
    return 0;
  }
}

/** CPU time that all processes together have used since the machine started. */
export function machineCpuMs(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) * tickMs;
}

/** Who did the work: the processes named, and everybody else on the machine. */
export interface CpuShare {
  readonly elapsedMs: number;
  readonly byName: Readonly<Record<string, number>>;
  /** Cores' worth of work of processes that are not the benchmark's. */
  readonly othersCores: number;
}

/** Starts to count; the function returned tells what was used since. What a process that ends meanwhile had used in that time is not counted. */
export function watchCpu(processes: Readonly<Record<string, readonly number[]>>): () => CpuShare {
  const started = new Map(
    Object.values(processes)
      .flat()
      .map((pid) => [pid, processCpuMs(pid)]),
  );
  const before = { atMs: performance.now(), machine: machineCpuMs() };
  const usedBy = (pid: number): number => Math.max(0, processCpuMs(pid) - (started.get(pid) ?? 0));
  return () => {
    const byName = Object.fromEntries(
      Object.entries(processes).map(([name, pids]) => [name, pids.reduce((total, pid) => total + usedBy(pid), 0)]),
    );
    const elapsedMs = performance.now() - before.atMs;
    const ours = Object.values(byName).reduce((total, usedMs) => total + usedMs, 0);
    return { elapsedMs, byName, othersCores: Math.max(0, machineCpuMs() - before.machine - ours) / elapsedMs };
  };
}

/** Children of `pid` and theirs: PostgreSQL's backends, for example. */
export function descendantsOf(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const text = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const parent = Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const found: number[] = [];
  for (const ask = [pid]; ask.length > 0; ) {
    const below = children.get(ask.pop() ?? 0) ?? [];
    found.push(...below);
    ask.push(...below);
  }
  return found;
}
