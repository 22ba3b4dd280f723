import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

import { DozvonError, minuteMs } from '../foundation/index.ts';
import { openPrivateApt, type PrivateApt } from './apt.ts';
import { type AptSource, pickMirror, readHostSources } from './apt-sources.ts';
import { underFileLock } from './file-lock.ts';
import { checkPlatform, findExecutable, readText } from './platform.ts';

const run = promisify(execFile);

export type OnProgress = (line: string) => void;

export interface FetchRequest {
  /** The unpacked root lands in `<rootsDir>/<name>`. */
  readonly rootsDir: string;
  readonly name: string;
  readonly packages: readonly string[];
  readonly suite: string;
  /** From the settings; the host's own apt configuration otherwise. */
  readonly mirror?: string;
  readonly keyring?: string;
  readonly onProgress: OnProgress;
}

export interface FetchedRoot {
  readonly root: string;
  /** False when everything was there already. */
  readonly fetched: boolean;
  readonly downloadedMb: number;
}

/** What was unpacked; written last, so that a root without it is an unfinished one. */
interface Manifest {
  readonly suite: string;
  readonly packages: readonly string[];
  /** Package → version, as unpacked. */
  readonly versions: Readonly<Record<string, string>>;
}

const manifestName = 'dozvon-manifest.json';

function readManifest(root: string): Manifest | undefined {
  try {
    return JSON.parse(readText(join(root, manifestName)) ?? '') as Manifest;
  } catch {
    return undefined;
  }
}

/** Whether a finished root of this suite holds the packages. */
export function holdsPackages(root: string, request: Pick<FetchRequest, 'suite' | 'packages'>): boolean {
  const manifest = readManifest(root);
  return (
    manifest !== undefined &&
    manifest.suite === request.suite &&
    request.packages.every((name) => manifest.versions[name] !== undefined)
  );
}

const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

function chooseSource(request: FetchRequest): AptSource {
  const own = pickMirror(readHostSources(), checkPlatform().codename);
  const uri = request.mirror ?? own?.uri;
  if (uri === undefined) {
    throw new DozvonError(
      'MIRROR_UNKNOWN',
      "The host's apt configuration (/etc/apt) names no Debian archive: set DOZVON_DEBIAN_MIRROR to the address of a Debian mirror.",
    );
  }
  // Without a key file of its own the archive is checked by the keys of trusted.gpg.d, as apt does for the host.
  const signedBy = request.keyring ?? own?.signedBy ?? (existsSync(debianKeyring) ? debianKeyring : undefined);
  return { uri, suites: [request.suite], components: ['main'], ...(signedBy === undefined ? {} : { signedBy }) };
}

interface Archive {
  readonly file: string;
  readonly bytes: number;
}

/** Lines of `--print-uris`: 'URI' file bytes hash. */
export function parseUris(output: string): Archive[] {
  return [...output.matchAll(/^'[^']+' (\S+\.deb) (\d+)/gm)].map((match) => ({
    file: match[1] ?? '',
    bytes: Number(match[2]),
  }));
}

function presentBytes(apt: PrivateApt, archive: Archive): number {
  for (const place of [join(apt.archives, archive.file), join(apt.archives, 'partial', archive.file)]) {
    try {
      return Math.min(statSync(place).size, archive.bytes);
    } catch {
      // Not here: look in the next place.
    }
  }
  return 0;
}

const inMb = (bytes: number): string => (bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0);

async function download(
  apt: PrivateApt,
  request: FetchRequest,
): Promise<{ archives: Archive[]; downloadedMb: number }> {
  request.onProgress(`Reading the package lists of ${request.suite}`);
  await apt.run(['--error-on=any', 'update']);
  // Asked with an empty folder of archives, apt lists all it would take, also what is here already.
  const listing = await apt.run([
    '--print-uris',
    '-o',
    `Dir::Cache::archives=${join(apt.dir, 'sources')}`,
    'install',
    ...request.packages,
  ]);
  const archives = parseUris(listing);
  if (archives.length === 0)
    throw new DozvonError('APT_FAILED', 'apt-get listed nothing to fetch although the servers are missing.', {
      details: { listing: listing.slice(-2_000) },
    });
  const total = archives.reduce((sum, archive) => sum + archive.bytes, 0);
  const state = (): { bytes: number; files: number } => {
    let bytes = 0;
    let files = 0;
    for (const archive of archives) {
      const present = presentBytes(apt, archive);
      bytes += present;
      if (present === archive.bytes) files += 1;
    }
    return { bytes, files };
  };
  const before = state();
  const kept = before.bytes === 0 ? '' : ` (${inMb(before.bytes)} MB of them here already)`;
  request.onProgress(`Fetching ${request.name}: ${archives.length} packages, ${inMb(total)} MB${kept}`);
  let shown = before.bytes;
  await apt.run(['--download-only', 'install', ...request.packages], {
    onTick: () => {
      const now = state();
      if (now.bytes === shown) return;
      shown = now.bytes;
      request.onProgress(
        `  fetched ${inMb(now.bytes)} of ${inMb(total)} MB, ${now.files} of ${archives.length} packages`,
      );
    },
  });
  const missing = archives.find((archive) => presentBytes(apt, archive) !== archive.bytes);
  if (missing !== undefined)
    throw new DozvonError(
      'LISTS_STALE',
      `The package ${missing.file} did not arrive whole: start again, what has arrived is kept.`,
    );
  return { archives, downloadedMb: Math.round((total - before.bytes) / 1_000_000) };
}

/** No program of the private root has any use for the rights of its owner (su, mount and the like come as dependencies). */
function dropSetuidBits(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const place = join(dir, entry.name);
    if (entry.isDirectory()) dropSetuidBits(place);
    else if (entry.isFile()) {
      const mode = lstatSync(place).mode;
      if ((mode & 0o6000) !== 0) chmodSync(place, mode & 0o777);
    }
  }
}

async function unpack(
  apt: PrivateApt,
  archives: readonly Archive[],
  target: string,
  request: FetchRequest,
): Promise<Manifest> {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true, mode: 0o755 });
  const versions: Record<string, string> = {};
  let shownAt = Date.now();
  for (const [index, archive] of archives.entries()) {
    await run('dpkg-deb', ['--extract', join(apt.archives, archive.file), target]);
    const [name, version] = basename(archive.file, '.deb').split('_');
    if (name !== undefined && version !== undefined) versions[name] = decodeURIComponent(version);
    if (Date.now() - shownAt > 2_000) {
      request.onProgress(`  unpacked ${index + 1} of ${archives.length} packages`);
      shownAt = Date.now();
    }
  }
  dropSetuidBits(target);
  chmodSync(target, 0o755);
  return { suite: request.suite, packages: request.packages, versions };
}

/**
 * Brings the packages with all they depend on into a private root: nothing of the host is touched, no root is needed. Downloads are
 * kept until unpacked and go on where they were cut. Throws `NO_NETWORK`, `SIGNATURE_REFUSED`, `MIRROR_UNKNOWN`, `SUITE_UNKNOWN`,
 * `LISTS_STALE`, `DISK_FULL` or `APT_FAILED`, each with one sentence for people.
 */
export async function fetchPackages(request: FetchRequest): Promise<FetchedRoot> {
  const root = join(request.rootsDir, request.name);
  if (holdsPackages(root, request)) return { root, fetched: false, downloadedMb: 0 };
  checkPlatform();
  if (findExecutable(['/usr/bin/apt-get']) === undefined || findExecutable(['/usr/bin/dpkg-deb']) === undefined) {
    throw new DozvonError(
      'PLATFORM_UNSUPPORTED',
      'apt-get and dpkg were not found: Dozvon fetches its servers with the tools of a Debian-family host.',
    );
  }
  try {
    mkdirSync(request.rootsDir, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new DozvonError(
      'HOME_NOT_WRITABLE',
      `Cannot create ${request.rootsDir}: set DOZVON_HOME to a folder you may write to.`,
      { cause: error },
    );
  }
  const onWait = (pid: number): void =>
    request.onProgress(`Process ${pid} is fetching the servers already: waiting for it`);
  return await underFileLock(
    join(request.rootsDir, `${request.name}.lock`),
    { limitMs: 30 * minuteMs, onWait },
    async () => {
      if (holdsPackages(root, request)) return { root, fetched: false, downloadedMb: 0 };
      const apt = openPrivateApt(join(request.rootsDir, `${request.name}.apt`), chooseSource(request), request.suite);
      const { archives, downloadedMb } = await download(apt, request);
      const fresh = `${root}.new`;
      const manifest = await unpack(apt, archives, fresh, request);
      writeFileSync(join(fresh, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
      rmSync(root, { recursive: true, force: true });
      renameSync(fresh, root);
      rmSync(apt.dir, { recursive: true, force: true });
      request.onProgress(`  unpacked ${archives.length} packages (${request.name} complete)`);
      return { root, fetched: true, downloadedMb };
    },
  );
}
