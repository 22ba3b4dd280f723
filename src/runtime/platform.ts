import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';

import { DozvonError } from '../foundation/index.ts';

/** What /etc/os-release says. */
export interface HostRelease {
  readonly id: string;
  readonly like: readonly string[];
  /** `bookworm`; empty for a release without a name (sid). */
  readonly codename: string;
  readonly pretty: string;
}

/** Reads the KEY=value lines of an os-release file. */
export function parseOsRelease(text: string): HostRelease {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
    if (match?.[1] !== undefined) values.set(match[1], match[2] ?? match[3] ?? match[4] ?? '');
  }
  return {
    id: values.get('ID') ?? 'unknown',
    like: (values.get('ID_LIKE') ?? '').split(' ').filter((word) => word !== ''),
    codename: values.get('VERSION_CODENAME') ?? '',
    pretty: values.get('PRETTY_NAME') ?? values.get('ID') ?? 'unknown system',
  };
}

/** The host's release; throws `PLATFORM_UNSUPPORTED` with one sentence where Dozvon cannot run. */
export function checkPlatform(): HostRelease {
  const refuse = (found: string): never => {
    throw new DozvonError(
      'PLATFORM_UNSUPPORTED',
      `Dozvon runs on 64-bit x86 Linux of the Debian family (Debian 12 or later); this host is ${found}.`,
    );
  };
  if (process.platform !== 'linux' || process.arch !== 'x64') refuse(`${process.platform} ${process.arch}`);
  const release = parseOsRelease(readText('/etc/os-release') ?? '');
  if (release.id !== 'debian' && !release.like.includes('debian')) refuse(release.pretty);
  return release;
}

/** The first of `places` that can be executed. */
export function findExecutable(places: readonly string[]): string | undefined {
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** The file system's magic number of tmpfs (linux/magic.h). */
const tmpfsMagic = 0x01021994;

interface MemoryFolder {
  readonly isTmpfs: boolean;
  readonly freeMb: number;
  /** The host may write pages of a tmpfs to a swap device. */
  readonly swapMb: number;
}

/** What kind of place a folder for plain audio would be. */
function inspectMemoryFolder(folder: string): MemoryFolder {
  const fs = statfsSync(folder);
  const swapKb = Number(/^SwapTotal:\s+(\d+) kB/m.exec(readText('/proc/meminfo') ?? '')?.[1] ?? 0);
  return {
    isTmpfs: fs.type === tmpfsMagic,
    freeMb: Math.floor((fs.bavail * fs.bsize) / 1_048_576),
    swapMb: Math.round(swapKb / 1024),
  };
}

/** A call records 32 kB a second, and up to a minute of it may wait to be sealed: room for some hundreds of calls. */
const roomyMemoryMb = 512;
const leastMemoryMb = 64;

export interface MemoryVerdict {
  readonly state: 'good' | 'doubtful' | 'fault';
  readonly found: string;
  readonly next?: string;
}

/** Whether plain audio may lie in `folder`, and whether there is room. */
export function judgeMemoryFolder(folder: string): MemoryVerdict {
  const { isTmpfs, freeMb, swapMb } = inspectMemoryFolder(folder);
  const give = `Give it ${roomyMemoryMb} MB (in a container: --shm-size)`;
  const found = `${freeMb} MB free on ${folder}`;
  if (!isTmpfs) {
    return {
      state: 'fault',
      found: `${folder} is not a tmpfs`,
      next: `Mount a tmpfs on ${folder}: plain audio may only lie in memory.`,
    };
  }
  if (freeMb < leastMemoryMb) return { state: 'fault', found, next: `${give}.` };
  if (freeMb < roomyMemoryMb) return { state: 'doubtful', found, next: `${give}: many calls at once would fill it.` };
  if (swapMb > 0) {
    const next = 'Turn swap off or encrypt it: the host may write plain audio to it.';
    return { state: 'doubtful', found: `${found}, and the host swaps (${swapMb} MB)`, next };
  }
  return { state: 'good', found: `${found}, no swap` };
}
