import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { type AsteriskProgram, type CommandLine, DozvonError, secondMs } from '../foundation/index.ts';
import { fetchPackages, holdsPackages, type OnProgress } from './packages.ts';
import { findExecutable } from './platform.ts';

const run = promisify(execFile);

export interface RedisProgram {
  readonly version: string;
  command(args: readonly string[]): CommandLine;
}

/** Where programs may come from. */
export interface ProgramSources {
  readonly rootsDir: string;
  readonly suite: string;
  /** `private` passes over what the host has. */
  readonly programs: 'any' | 'private';
  readonly mirror?: string;
  readonly keyring?: string;
  readonly onProgress: OnProgress;
}

/** The private root's packages. Its name is that of its folder. */
const rootName = 'servers';
const asteriskPackages = ['asterisk', 'asterisk-modules', 'asterisk-moh-opsound-wav'];
const redisPackages = ['redis-server'];

const versionPattern = /(\d+)\.(\d+)(?:\.(\d+))?/;

/** Minor versions that stop answering under ARI load (Asterisk issue 1962: locks held for ever at 100 calls a minute). */
const deadlocking = new Map([
  [20, 19],
  [22, 9],
  [23, 3],
]);

/** Whether this Asterisk can carry the calls; 22.10 brought what the service uses (claims of broadcast legs, fixed locking). */
export function judgeAsterisk(
  version: string,
): { readonly fits: true } | { readonly fits: false; readonly reason: string } {
  const [, major = 0, minor = 0] = (versionPattern.exec(version) ?? []).map(Number);
  if (deadlocking.get(major) === minor) return { fits: false, reason: `${version} deadlocks under ARI load` };
  const newEnough = major > 23 || (major === 23 && minor >= 4) || (major === 22 && minor >= 10);
  return newEnough ? { fits: true } : { fits: false, reason: `${version} is older than 22.10` };
}

async function versionOf(command: CommandLine): Promise<string | undefined> {
  try {
    const { stdout } = await run(command.file, [...command.args], {
      env: { ...process.env, ...command.env },
      timeout: 10 * secondMs,
      cwd: '/',
    });
    return versionPattern.exec(stdout)?.[0];
  } catch {
    return undefined;
  }
}

/** A program of the unpacked root is started through the root's own loader: it needs a newer libc than the host's. */
function throughLoader(root: string, program: string): (args: readonly string[]) => CommandLine {
  const libraries = [join(root, 'usr/lib/x86_64-linux-gnu'), join(root, 'usr/lib')].join(':');
  return (args) => ({
    file: join(root, 'usr/lib64/ld-linux-x86-64.so.2'),
    args: ['--library-path', libraries, join(root, program), ...args],
    env: {},
  });
}

async function hostAsterisk(onProgress: OnProgress): Promise<AsteriskProgram | undefined> {
  const file = findExecutable(['/usr/sbin/asterisk', '/usr/local/sbin/asterisk']);
  if (file === undefined) return undefined;
  const command = (args: readonly string[]): CommandLine => ({ file, args, env: {} });
  const version = await versionOf(command(['-V']));
  const moduleDir = [
    '/usr/lib/x86_64-linux-gnu/asterisk/modules',
    '/usr/lib/asterisk/modules',
    '/usr/local/lib/asterisk/modules',
  ].find((dir) => existsSync(join(dir, 'chan_pjsip.so')));
  const dataDir = ['/usr/share/asterisk', '/usr/local/share/asterisk', '/var/lib/asterisk'].find((dir) =>
    existsSync(join(dir, 'moh')),
  );
  const verdict =
    version === undefined ? { fits: false as const, reason: 'does not tell its version' } : judgeAsterisk(version);
  const reason = !verdict.fits
    ? verdict.reason
    : moduleDir === undefined
      ? 'it has no chan_pjsip'
      : dataDir === undefined
        ? 'it has no music on hold'
        : undefined;
  if (reason === undefined && version !== undefined && moduleDir !== undefined && dataDir !== undefined) {
    return { version, command, moduleDir, dataDir, musicDir: join(dataDir, 'moh') };
  }
  onProgress(`The host's own Asterisk is not used: ${reason}`);
  return undefined;
}

async function hostRedis(onProgress: OnProgress): Promise<RedisProgram | undefined> {
  const file = findExecutable(['/usr/bin/redis-server', '/usr/local/bin/redis-server']);
  if (file === undefined) return undefined;
  const command = (args: readonly string[]): CommandLine => ({ file, args, env: {} });
  const version = await versionOf(command(['--version']));
  if (version !== undefined && Number(version.split('.')[0]) >= 7) return { version, command };
  onProgress(`The host's own Redis is not used: ${version ?? 'unknown version'} is older than 7`);
  return undefined;
}

async function privateAsterisk(root: string): Promise<AsteriskProgram> {
  const command = throughLoader(root, 'usr/sbin/asterisk');
  const version = await versionOf(command(['-V']));
  if (version === undefined)
    throw new DozvonError(
      'ASTERISK_UNSUITABLE',
      `The fetched Asterisk in ${root} does not start: remove that folder and start again.`,
    );
  const verdict = judgeAsterisk(version);
  if (!verdict.fits)
    throw new DozvonError(
      'ASTERISK_UNSUITABLE',
      `The suite's Asterisk cannot be used: ${verdict.reason}. Name another suite in DOZVON_ASTERISK_SUITE.`,
    );
  const dataDir = join(root, 'usr/share/asterisk');
  return {
    version,
    command,
    moduleDir: join(root, 'usr/lib/x86_64-linux-gnu/asterisk/modules'),
    dataDir,
    musicDir: join(dataDir, 'moh'),
  };
}

async function privateRedis(root: string): Promise<RedisProgram> {
  const command = throughLoader(root, 'usr/bin/redis-server');
  const version = await versionOf(command(['--version']));
  if (version === undefined)
    throw new DozvonError(
      'REDIS_UNSUITABLE',
      `The fetched Redis in ${root} does not start: remove that folder and start again.`,
    );
  return { version, command };
}

async function fetchRoot(sources: ProgramSources, packages: readonly string[]): Promise<string> {
  const { root } = await fetchPackages({
    rootsDir: sources.rootsDir,
    name: rootName,
    packages,
    suite: sources.suite,
    onProgress: sources.onProgress,
    ...(sources.mirror === undefined ? {} : { mirror: sources.mirror }),
    ...(sources.keyring === undefined ? {} : { keyring: sources.keyring }),
  });
  return root;
}

export interface Programs {
  readonly asterisk: AsteriskProgram;
  /** Undefined when a Redis elsewhere is used. */
  readonly redis: RedisProgram | undefined;
}

/** The programs to start: the host's where they are suitable, fetched ones otherwise. */
export async function findPrograms(
  sources: ProgramSources,
  options: { readonly withRedis: boolean },
): Promise<Programs> {
  const own = sources.programs === 'any';
  const asterisk = own ? await hostAsterisk(sources.onProgress) : undefined;
  const redis = own && options.withRedis ? await hostRedis(sources.onProgress) : undefined;
  const wanted = [
    ...(asterisk === undefined ? asteriskPackages : []),
    ...(options.withRedis && redis === undefined ? redisPackages : []),
  ];
  // Fetched together though they are two programs: most of what they depend on is the same.
  const root = wanted.length === 0 ? '' : await fetchRoot(sources, wanted);
  return {
    asterisk: asterisk ?? (await privateAsterisk(root)),
    redis: options.withRedis ? (redis ?? (await privateRedis(root))) : undefined,
  };
}

/** What is there without fetching anything. Throws when a fetched program cannot be used. */
export async function lookForPrograms(
  sources: Pick<ProgramSources, 'rootsDir' | 'suite' | 'programs'>,
): Promise<{ readonly asterisk: AsteriskProgram | undefined; readonly redis: RedisProgram | undefined }> {
  const own = sources.programs === 'any';
  const quiet = (): void => {};
  const root = join(sources.rootsDir, rootName);
  const holds = (packages: readonly string[]): boolean => holdsPackages(root, { suite: sources.suite, packages });
  return {
    asterisk:
      (own ? await hostAsterisk(quiet) : undefined) ??
      (holds(asteriskPackages) ? await privateAsterisk(root) : undefined),
    redis: (own ? await hostRedis(quiet) : undefined) ?? (holds(redisPackages) ? await privateRedis(root) : undefined),
  };
}

/** An Asterisk that fits: the host's, or a fetched one. */
export async function findAsterisk(sources: ProgramSources): Promise<AsteriskProgram> {
  return (
    (sources.programs === 'any' ? await hostAsterisk(sources.onProgress) : undefined) ??
    (await privateAsterisk(await fetchRoot(sources, [...asteriskPackages, ...redisPackages])))
  );
}

/** A Redis of version 7 or later: the host's, or a fetched one. */
export async function findRedis(sources: ProgramSources): Promise<RedisProgram> {
  return (
    (sources.programs === 'any' ? await hostRedis(sources.onProgress) : undefined) ??
    (await privateRedis(await fetchRoot(sources, [...asteriskPackages, ...redisPackages])))
  );
}
