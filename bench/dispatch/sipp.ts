import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandLine, secondMs, withLimit } from '../../src/foundation/index.ts';
import { freeUdpPort } from '../../src/phones/free-ports.ts';
import { locateOwnStack, rootsDirOf } from '../../src/runtime/own-stack.ts';
import { fetchPackages } from '../../src/runtime/packages.ts';

/** SIPp, out of a package set of its own beside the servers'. */
export interface SippProgram {
  command(args: readonly string[]): CommandLine;
}

export async function findSipp(onProgress: (line: string) => void): Promise<SippProgram> {
  const own = locateOwnStack(fileURLToPath(new URL('../..', import.meta.url)), process.env);
  const { suite, mirror, keyring } = own.settings;
  const { root } = await fetchPackages({
    rootsDir: rootsDirOf(own),
    name: 'sipp',
    packages: ['sip-tester'],
    suite,
    onProgress,
    ...(mirror === undefined ? {} : { mirror }),
    ...(keyring === undefined ? {} : { keyring }),
  });
  const libraries = [join(root, 'usr/lib/x86_64-linux-gnu'), join(root, 'usr/lib')].join(':');
  return {
    command: (args) => ({
      // Through its own loader: it needs a newer libc than the host's.
      file: join(root, 'usr/lib64/ld-linux-x86-64.so.2'),
      args: ['--library-path', libraries, join(root, 'usr/bin/sipp'), ...args],
      env: {},
    }),
  };
}

export interface SippRun {
  readonly pid: number;
  /** Every message sent and received with its time, one a line; complete once `ended`. */
  readonly messageFile: string;
  /** Resolves with the exit code: 0 all calls went as written, 1 some did not. */
  readonly ended: Promise<number>;
  /** Begins no new call. */
  wind(): void;
  /** Ends it at once. */
  kill(): Promise<void>;
}

export interface SippRequest {
  readonly program: SippProgram;
  readonly scenario: 'register' | 'phones' | 'callers';
  /** Names its files in `dir`. */
  readonly name: string;
  readonly dir: string;
  readonly remote: { readonly host: string; readonly port: number };
  readonly local: { readonly host: string; readonly port: number };
  readonly args: readonly string[];
}

const killLimitMs = 5 * secondMs;

export function startSipp(request: SippRequest): SippRun {
  const { program, scenario, name, dir, remote, local } = request;
  const messageFile = join(dir, `${name}.messages`);
  const places = ['-i', local.host, '-bind_local', '-p', String(local.port), '-mi', local.host];
  const logs = ['-trace_shortmsg', '-shortmessage_file', messageFile, '-trace_err', '-error_file'];
  const { file, args, env } = program.command([
    `${remote.host}:${remote.port}`,
    '-sf',
    fileURLToPath(new URL(`scenarios/${scenario}.xml`, import.meta.url)),
    ...places,
    ...logs,
    join(dir, `${name}.errors`),
    '-nostdin',
    ...request.args,
  ]);
  const out = openSync(join(dir, `${name}.screen`), 'w');
  const child: ChildProcess = spawn(file, args, {
    cwd: dir,
    env: { ...process.env, ...env, TERM: 'dumb' },
    stdio: ['ignore', out, out],
  });
  closeSync(out);
  const ended = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : -1));
  ended.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    messageFile,
    ended,
    wind: () => void child.kill('SIGUSR1'),
    async kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await withLimit(ended, killLimitMs, `ending SIPp (${name})`);
    },
  };
}

export async function freeLocal(host: string): Promise<{ readonly host: string; readonly port: number }> {
  return { host, port: await freeUdpPort([host]) };
}

/** A file of values for `-inf`, a line a call, over and over. */
export function writeValues(file: string, rows: readonly (readonly string[])[]): string {
  writeFileSync(file, `SEQUENTIAL\n${rows.map((row) => row.join(';')).join('\n')}\n`);
  return file;
}
