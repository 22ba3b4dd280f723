import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { withLimit } from '../../src/foundation/index.ts';
import { locateOwnStack, rootsDirOf } from '../../src/runtime/own-stack.ts';
import {
  ensureCluster,
  type PostgresPlan,
  postgresCommand,
  postgresUrl,
  preparePostgres,
} from '../../src/runtime/postgres.ts';
import { spawnIdentity } from '../../src/runtime/service-user.ts';

const startLimitMs = 20_000;
const stopLimitMs = 10_000;
const askAgainMs = 50;
const password = 'of-the-tests';

export interface TestPostgres {
  /** Connection string of the empty database `postgres`. */
  readonly databaseUrl: string;
  /** Creates a database of its own for a test and returns its connection string. */
  createDatabase(name: string): Promise<string>;
  /** Ends the server as a crash would (SIGKILL to the postmaster; its children notice at once). */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  restart(): Promise<void>;
  /** Ends it in order and removes its folder. */
  stop(): Promise<void>;
}

/** A private PostgreSQL, made and started as the product does it, in a temporary folder. The caller stops it. */
export async function startPostgres(): Promise<TestPostgres> {
  const own = locateOwnStack(fileURLToPath(new URL('../..', import.meta.url)), process.env);
  const programDir = await preparePostgres({ rootsDir: rootsDirOf(own), onProgress: () => undefined });
  const home = await mkdtemp(join(tmpdir(), 'dozvon-pg-'));
  if (own.user.switched) await chown(home, own.user.uid, own.user.gid);
  await chmod(home, 0o700);
  const plan: PostgresPlan = { programDir, clusterDir: home, socketDir: home, runDir: home, password, user: own.user };
  await ensureCluster(plan);

  let server = await start(plan);
  return {
    databaseUrl: postgresUrl(home, password, 'postgres'),
    async createDatabase(name) {
      const client = new pg.Client({ connectionString: postgresUrl(home, password, 'postgres') });
      await client.connect();
      try {
        await client.query(`create database ${client.escapeIdentifier(name)}`);
      } finally {
        await client.end();
      }
      return postgresUrl(home, password, name);
    },
    kill: () => end(server, 'SIGKILL'),
    async restart() {
      await end(server, 'SIGINT');
      server = await start(plan);
    },
    async stop() {
      await end(server, 'SIGINT');
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function start(plan: PostgresPlan): Promise<ChildProcess> {
  const command = postgresCommand(plan);
  const url = postgresUrl(plan.socketDir, password, 'postgres');
  // After a crash the new server refuses to start while a child of the old one is still letting go of the shared memory.
  for (const startedAtMs = Date.now(); ; ) {
    const child = spawn(command.file, [...command.args, '-c', 'fsync=off'], {
      ...spawnIdentity(plan.user),
      cwd: plan.clusterDir,
      env: command.env,
      stdio: 'ignore',
    });
    if (await withLimit(isReady(url, child), startLimitMs, 'start of the test PostgreSQL')) return child;
    if (Date.now() - startedAtMs > startLimitMs) {
      throw new Error(`the test PostgreSQL ended with code ${child.exitCode} instead of starting`);
    }
  }
}

async function end(child: ChildProcess, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await withLimit(ended, stopLimitMs, 'end of the test PostgreSQL');
}

/** Asks until the server answers (the pause is only between two refused connections); false when it ended instead. */
async function isReady(databaseUrl: string, child: ChildProcess): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    const client = new pg.Client({ connectionString: databaseUrl });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      await pause(askAgainMs);
    }
  }
  return false;
}
