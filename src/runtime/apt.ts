import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { DozvonError, minuteMs, secondMs } from '../foundation/index.ts';
import type { AptSource } from './apt-sources.ts';
import { findExecutable } from './platform.ts';

/** An apt of our own: its state, lists and archives lie in `dir`, the host's are neither read nor written. */
export interface PrivateApt {
  readonly dir: string;
  readonly archives: string;
  run(args: readonly string[], options?: { readonly onTick?: () => void }): Promise<string>;
}

/**
 * Packages whose only use is in scripts run at installation, which never run here: apt is told that they are there, and leaves
 * them and what only they need out of the download. Of this architecture and "allowed": some ask for `python3:any`.
 */
const takenAsInstalled = [
  'adduser',
  'debconf',
  'gnupg',
  'init-system-helpers',
  'lsb-base',
  'passwd',
  'perl',
  'perl-base',
  'perl-modules-5.42',
  'procps',
  'python3',
  'sysvinit-utils',
  'ucf',
];

function statusText(): string {
  return takenAsInstalled
    .map(
      (name) =>
        `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: allowed\nVersion: 999\nMaintainer: none\nDescription: never needed here\n`,
    )
    .join('\n');
}

function configText(dir: string): string {
  return [
    `Dir::State "${dir}/state";`,
    `Dir::State::status "${dir}/state/status";`,
    `Dir::State::lists "${dir}/state/lists";`,
    `Dir::Cache "${dir}/cache";`,
    `Dir::Cache::archives "${dir}/archives";`,
    'Dir::Cache::pkgcache "";',
    'Dir::Cache::srcpkgcache "";',
    `Dir::Etc::sourcelist "${dir}/none";`,
    `Dir::Etc::sourceparts "${dir}/sources";`,
    // The host's pins and its default release are about the host's packages, not about these.
    `Dir::Etc::preferences "${dir}/none";`,
    `Dir::Etc::preferencesparts "${dir}/sources";`,
    'APT::Default-Release "";',
    'APT::Install-Recommends "false";',
    'APT::Install-Suggests "false";',
    'APT::Get::Assume-Yes "true";',
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
    'Acquire::http::Timeout "30";',
    'Acquire::https::Timeout "30";',
    // A testing suite's Release file may be older than its own validity; its signature is checked all the same.
    'Acquire::Check-Valid-Until "false";',
    'Acquire::AllowInsecureRepositories "false";',
    'APT::Get::AllowUnauthenticated "false";',
    // Our own lock covers this folder; root writes here as root, without a second user who could not enter.
    'Debug::NoLocking "true";',
    'APT::Sandbox::User "root";',
    '#clear APT::Update::Pre-Invoke;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    '#clear DPkg::Pre-Install-Pkgs;',
    '#clear DPkg::Post-Invoke;',
    '#clear DPkg::Pre-Invoke;',
    '',
  ].join('\n');
}

/** One deb822 stanza for the suite at the host's mirror. Only package indexes are read. */
export function sourceText(source: AptSource, suite: string): string {
  const signedBy =
    source.signedBy === undefined || (source.signedBy.startsWith('/') && !existsSync(source.signedBy))
      ? ''
      : `Signed-By: ${source.signedBy}\n`;
  return `Types: deb\nURIs: ${source.uri}\nSuites: ${suite}\nComponents: main\nArchitectures: amd64\nTargets: Packages\n${signedBy}`;
}

interface AptFault {
  readonly code: string;
  readonly pattern: RegExp;
  readonly sentence: string;
}

const mirrorHint = 'set DOZVON_DEBIAN_MIRROR to the address of a Debian mirror';
const faults: readonly AptFault[] = [
  {
    code: 'DISK_FULL',
    pattern: /No space left on device|don't have enough free space/,
    sentence: 'The disk is full: about 600 MB are needed for the servers.',
  },
  {
    code: 'SIGNATURE_REFUSED',
    pattern: /NO_PUBKEY|EXPKEYSIG|REVKEYSIG|BADSIG|is not signed|couldn't be verified|At least one invalid signature/,
    sentence:
      "The mirror's signature could not be checked with the host's Debian keys: update the package debian-archive-keyring, or name another key file in DOZVON_DEBIAN_KEYRING.",
  },
  {
    code: 'NO_NETWORK',
    pattern:
      /Could not resolve|Temporary failure|Could not connect|Cannot initiate the connection|Connection (failed|refused|timed out|reset)|Network is unreachable|No route to host|timed out/i,
    sentence: `No network: the Debian mirror cannot be reached. The servers are fetched once; connect (or ${mirrorHint}) and start again, what has arrived is kept.`,
  },
  {
    code: 'SUITE_UNKNOWN',
    pattern: /does not have a Release file|does no longer have a Release file|404\s+Not Found/,
    sentence: `The mirror does not carry the suite or a file of it: ${mirrorHint} that does, or another suite in DOZVON_ASTERISK_SUITE.`,
  },
  {
    code: 'LISTS_STALE',
    pattern: /Hash Sum mismatch|File has unexpected size|Unable to locate package|has no installation candidate/,
    sentence:
      'The mirror is being updated just now (its lists and files do not fit together): start again in some minutes.',
  },
];

function faultOf(output: string, doing: string): DozvonError {
  const known = faults.find((fault) => fault.pattern.test(output));
  if (known !== undefined)
    return new DozvonError(known.code, known.sentence, { details: { doing, output: output.slice(-4_000) } });
  const reason = output.split('\n').find((line) => line.startsWith('E:')) ?? 'no reason given';
  return new DozvonError('APT_FAILED', `apt-get ${doing} failed: ${reason}`, {
    details: { output: output.slice(-4_000) },
  });
}

/** A first fetch takes minutes on a slow line; a run without an end must not hold the start for ever. */
const runLimitMs = 60 * minuteMs;

/** Makes the folder's layout and configuration; nothing is fetched yet. */
export function openPrivateApt(dir: string, source: AptSource, suite: string): PrivateApt {
  const archives = join(dir, 'archives');
  for (const sub of ['state/lists/partial', 'cache', 'archives/partial', 'sources'])
    mkdirSync(join(dir, sub), { recursive: true });
  writeFileSync(join(dir, 'state', 'status'), statusText());
  writeFileSync(join(dir, 'apt.conf'), configText(dir));
  writeFileSync(join(dir, 'sources', 'dozvon.sources'), sourceText(source, suite));
  return {
    dir,
    archives,
    run(args, options = {}) {
      return new Promise((resolve, reject) => {
        const command = ['apt-get', '-c', join(dir, 'apt.conf'), '-q', ...args];
        // Ends with us: a download left behind would write into the folder of the next one.
        const guard = findExecutable(['/usr/bin/setpriv']);
        const [file = '', ...rest] = guard === undefined ? command : [guard, '--pdeathsig', 'KILL', '--', ...command];
        const child = spawn(file, rest, {
          stdio: ['ignore', 'pipe', 'pipe'],
          env: { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
        });
        let output = '';
        for (const stream of [child.stdout, child.stderr]) {
          stream.setEncoding('utf8');
          stream.on('data', (chunk: string) => {
            output += chunk;
          });
        }
        const ticker = options.onTick === undefined ? undefined : setInterval(options.onTick, secondMs);
        const limit = setTimeout(() => child.kill('SIGKILL'), runLimitMs);
        const end = (): void => {
          clearInterval(ticker);
          clearTimeout(limit);
        };
        child.on('error', (error) => {
          end();
          reject(
            new DozvonError(
              'PLATFORM_UNSUPPORTED',
              'apt-get was not found: Dozvon fetches its servers with the tools of a Debian-family host.',
              { cause: error },
            ),
          );
        });
        child.on('close', (code) => {
          end();
          if (code === 0) resolve(output);
          else reject(faultOf(output, args.find((arg) => /^[a-z]/.test(arg)) ?? ''));
        });
      });
    },
  };
}
