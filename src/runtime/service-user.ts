import { execFileSync, spawnSync } from 'node:child_process';
import { lchownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { DozvonError } from '../foundation/index.ts';

/** Who the servers and the service run as. */
export interface ServiceUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** True when we are root and children are started as this other user. */
  readonly switched: boolean;
}

function idOf(name: string, flag: '-u' | '-g'): number {
  try {
    return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim());
  } catch (cause) {
    throw new DozvonError(
      'USER_UNKNOWN',
      `The user ${name} does not exist on this host: name another in DOZVON_USER.`,
      { cause },
    );
  }
}

/** Root hands the servers to an unprivileged user (`nobody` unless told otherwise); everybody else runs them as himself. */
export function chooseServiceUser(wanted: string | undefined): ServiceUser {
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) return { name: String(uid), uid, gid: process.getgid?.() ?? uid, switched: false };
  const name = wanted ?? 'nobody';
  const user: ServiceUser = { name, uid: idOf(name, '-u'), gid: idOf(name, '-g'), switched: true };
  if (user.uid === 0)
    throw new DozvonError(
      'USER_UNKNOWN',
      'DOZVON_USER names root: the servers never run as root, name an unprivileged user.',
    );
  return user;
}

/** The options of `spawn` that start a child as this user (Node drops the supplementary groups with them). */
export function spawnIdentity(user: ServiceUser): { uid?: number; gid?: number } {
  return user.switched ? { uid: user.uid, gid: user.gid } : {};
}

export function giveTo(user: ServiceUser, place: string): void {
  if (user.switched) lchownSync(place, user.uid, user.gid);
}

/** Makes the user the owner of a folder and all in it. */
export function giveTreeTo(user: ServiceUser, dir: string): void {
  giveTo(user, dir);
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true }))
    giveTo(user, join(entry.parentPath, entry.name));
}

/** Whether the user can read all the files: asked of the kernel, by a process of his. */
export function canRead(user: ServiceUser, files: readonly string[]): boolean {
  const probe = spawnSync('/bin/sh', ['-c', 'for file; do [ -r "$file" ] || exit 1; done', 'sh', ...files], {
    cwd: '/',
    stdio: 'ignore',
    ...spawnIdentity(user),
  });
  return probe.status === 0;
}
