import { type ChildProcess, spawn } from 'node:child_process';

import { type CommandLine, DozvonError, secondMs } from '../foundation/index.ts';
import { LogFile } from './log-file.ts';
import { findExecutable } from './platform.ts';
import { nameProcess, type ProcessName } from './process-facts.ts';
import { type ServiceUser, spawnIdentity } from './service-user.ts';

export interface ChildPlan {
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  readonly command: CommandLine;
  readonly cwd: string;
  readonly user: ServiceUser;
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
  /** After this long a stop becomes SIGKILL. */
  readonly stopLimitMs: number;
  readonly startLimitMs: number;
  /** One question to the program: resolves when it can serve, rejects while it cannot. */
  readonly ask: () => Promise<unknown>;
}

/**
 *   starting ──ready──▶ running ──ends──▶ backingOff ──▶ starting
 *      └──ends──▶ backingOff          any ──stop──▶ stopped
 */
export type ChildState = 'starting' | 'running' | 'backingOff' | 'stopped';

export type ChildEvent =
  | { readonly type: 'ready'; readonly name: string; readonly afterMs: number }
  | { readonly type: 'ended'; readonly name: string; readonly how: string; readonly againInMs: number }
  | { readonly type: 'spawned'; readonly name: string };

const firstBackOffMs = 500;
const longestBackOffMs = 30 * secondMs;
/** Who has been up this long starts again without having to wait for earlier failures. */
const provenMs = 60 * secondMs;
const askEveryMs = 50;

export function nextBackOffMs(lastMs: number | undefined, upMs: number): number {
  if (lastMs === undefined || upMs >= provenMs) return firstBackOffMs;
  return Math.min(lastMs * 2, longestBackOffMs);
}

/**
 * Sets the umask and asks the kernel to end the program with us, then becomes the program: the pid stays the same. A parent that
 * instruments its children (a test runner) does so through NODE_OPTIONS; the servers run without.
 */
function wrapped(command: CommandLine, stopSignal: NodeJS.Signals): { file: string; args: string[] } {
  const setpriv = findExecutable(['/usr/bin/setpriv', '/bin/setpriv']);
  const guard =
    setpriv === undefined ? [] : [setpriv, '--pdeathsig', stopSignal.replace('SIG', ''), '--no-new-privs', '--'];
  return {
    file: '/bin/sh',
    args: ['-c', 'umask 077; unset NODE_OPTIONS; exec "$@"', 'sh', ...guard, command.file, ...command.args],
  };
}

/** One program kept running: started, asked whether it serves, started again when it ends, stopped in bounded time. */
export class SupervisedChild {
  readonly plan: ChildPlan;
  readonly #onEvent: (event: ChildEvent) => void;
  readonly #log: LogFile;
  #state: ChildState = 'stopped';
  #process: ChildProcess | undefined;
  #named: ProcessName | undefined;
  #ended: Promise<void> = Promise.resolve();
  #spawnedAtMs = 0;
  #backOffMs: number | undefined;
  #backOffTimer: NodeJS.Timeout | undefined;
  #restarts = 0;
  /** Set by `kill(…, { stayDown })`: not started again until `start()`. */
  #held = false;
  /** A program that never served is not started again by itself: its first start is reported as failed. */
  #served = false;

  constructor(plan: ChildPlan, onEvent: (event: ChildEvent) => void) {
    this.plan = plan;
    this.#onEvent = onEvent;
    this.#log = new LogFile(plan.logFile);
  }

  get state(): ChildState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** The process with its start time; undefined while none runs. */
  get process(): ProcessName | undefined {
    return this.#named;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Starts the program and resolves once it serves; `CHILD_FAILED` when it ends before or does not serve in time. */
  async start(): Promise<void> {
    this.#held = false;
    this.#served = false;
    clearTimeout(this.#backOffTimer);
    this.#spawn('first');
    const child = this.#process;
    try {
      await this.#untilReady(child);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends the program: its own signal first, SIGKILL after the plan's limit (at once when `now`). */
  async stop(now = false): Promise<void> {
    this.#state = 'stopped';
    clearTimeout(this.#backOffTimer);
    const child = this.#process;
    if (child !== undefined) {
      child.kill(now ? 'SIGKILL' : this.plan.stopSignal);
      const limit = setTimeout(() => child.kill('SIGKILL'), this.plan.stopLimitMs);
      await this.#ended;
      clearTimeout(limit);
    }
  }

  /** Sends a signal as somebody from outside would. With `stayDown` the program is not started again until `start()`. */
  kill(signal: NodeJS.Signals, options: { readonly stayDown?: boolean } = {}): void {
    this.#held = options.stayDown ?? false;
    this.#process?.kill(signal);
  }

  closeLog(): void {
    this.#log.close();
  }

  #spawn(attempt: 'first' | 'again'): void {
    const { plan } = this;
    const { file, args } = wrapped(plan.command, plan.stopSignal);
    // A process group of its own: Ctrl-C at the terminal reaches only the supervisor, which stops the children in order.
    const child = spawn(file, args, {
      cwd: plan.cwd,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: plan.cwd, ...plan.command.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...spawnIdentity(plan.user),
    });
    this.#state = 'starting';
    this.#process = child;
    this.#named = child.pid === undefined ? undefined : nameProcess(child.pid);
    this.#spawnedAtMs = Date.now();
    if (attempt === 'again') this.#restarts += 1;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => this.#log.write(chunk));
    this.#ended = new Promise((resolve) => {
      let over = false;
      const end = (how: string): void => {
        if (over) return;
        over = true;
        this.#afterEnd(child, how);
        resolve();
      };
      child.on('error', (error) => end(error.message));
      child.on('exit', (code, signal) => end(signal === null ? `exit code ${code}` : signal));
    });
    this.#onEvent({ type: 'spawned', name: plan.name });
  }

  #afterEnd(child: ChildProcess, how: string): void {
    if (this.#process !== child) return;
    this.#process = undefined;
    this.#named = undefined;
    if (this.#state === 'stopped' || this.#held || !this.#served) {
      this.#state = 'stopped';
      return;
    }
    this.#state = 'backingOff';
    this.#backOffMs = nextBackOffMs(this.#backOffMs, Date.now() - this.#spawnedAtMs);
    this.#onEvent({ type: 'ended', name: this.plan.name, how, againInMs: this.#backOffMs });
    this.#backOffTimer = setTimeout(() => {
      this.#spawn('again');
      const again = this.#process;
      this.#untilReady(again).catch(() => {
        // It ended by itself, or never served: what runs is ended, and its end starts it again.
        if (this.#process === again) again?.kill('SIGKILL');
      });
    }, this.#backOffMs);
  }

  async #untilReady(child: ChildProcess | undefined): Promise<void> {
    const { plan } = this;
    const deadline = this.#spawnedAtMs + plan.startLimitMs;
    let last: unknown;
    while (this.#process === child && child !== undefined && Date.now() < deadline) {
      try {
        await plan.ask();
        if (this.#process !== child) break;
        this.#state = 'running';
        this.#served = true;
        this.#onEvent({ type: 'ready', name: plan.name, afterMs: Date.now() - this.#spawnedAtMs });
        return;
      } catch (error) {
        last = error;
      }
      await new Promise((resolve) => setTimeout(resolve, askEveryMs));
    }
    const gone = this.#process !== child;
    const what = gone ? 'ended at once' : `did not answer within ${plan.startLimitMs / secondMs} s`;
    const tail = this.#log.tail(8);
    throw new DozvonError('CHILD_FAILED', `${plan.title} ${what}. The end of ${plan.logFile}:\n${tail}`, {
      cause: last,
    });
  }
}
