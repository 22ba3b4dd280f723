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

export interface MemoryFolder {
  readonly isTmpfs: boolean;
  readonly freeMb: number;
  /** The host may write pages of a tmpfs to a swap device. */
  readonly swapMb: number;
}

/** What kind of place a folder for plain audio would be. */
export function inspectMemoryFolder(folder: string): MemoryFolder {
  const fs = statfsSync(folder);
  const swapKb = Number(/^SwapTotal:\s+(\d+) kB/m.exec(readText('/proc/meminfo') ?? '')?.[1] ?? 0);
  return {
    isTmpfs: fs.type === tmpfsMagic,
    freeMb: Math.floor((fs.bavail * fs.bsize) / 1_048_576),
    swapMb: Math.round(swapKb / 1024),
  };
}
