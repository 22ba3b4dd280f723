import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DozvonError } from '../foundation/index.ts';
import { type PhonesSettings, renderPhonesConfig } from './asterisk-config.ts';

const stopLimitMs = 3_000;

/** From util-linux, essential on every Debian: has the kernel end the child when its parent dies in whatever way. */
const setpriv = '/usr/bin/setpriv';

/** Who the program runs as when we are root. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/** The second Asterisk as a child process; it dies with us. */
export class AsteriskProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit').catch(() => undefined);
  }

  static start(settings: PhonesSettings, runAs?: RunAs): AsteriskProcess {
    writeConfig(settings, runAs);
    const command = settings.program.command(['-C', join(settings.dir, 'etc', 'asterisk.conf'), '-f']);
    const bound = existsSync(setpriv);
    const child = spawn(
      '/bin/sh',
      [
        '-c',
        'umask 077; exec "$@"',
        'sh',
        ...(bound ? [setpriv, '--pdeathsig', 'KILL'] : []),
        command.file,
        ...command.args,
      ],
      {
        cwd: settings.dir,
        env: { ...command.env, HOME: settings.dir, PATH: '/usr/bin:/bin' },
        stdio: ['ignore', 'ignore', 'ignore'],
        ...runAs,
      },
    );
    return new AsteriskProcess(child);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  /** Rejects as soon as the process ends: to be raced against whatever waits for its readiness. */
  async failure(): Promise<never> {
    await this.#exited;
    throw new DozvonError('PHONES_UNAVAILABLE', 'the Asterisk of the test phones ended instead of starting');
  }

  /** Bounded: asked first, then killed. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopLimitMs);
    await this.#exited;
    clearTimeout(timer);
  }

  /** At once, as a power cut would: registrations stay behind. */
  async kill(): Promise<void> {
    if (!this.running) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

function writeConfig(settings: PhonesSettings, runAs?: RunAs): void {
  const own = (path: string): void => {
    if (runAs !== undefined) chownSync(path, runAs.uid, runAs.gid);
  };
  for (const name of ['', 'etc', 'lib', 'lib/keys', 'spool', 'run', 'log', 'heard']) {
    const path = join(settings.dir, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    own(path);
  }
  for (const [name, text] of Object.entries(renderPhonesConfig(settings))) {
    const path = join(settings.dir, 'etc', name);
    writeFileSync(path, text, { mode: 0o600 });
    own(path);
  }
}
