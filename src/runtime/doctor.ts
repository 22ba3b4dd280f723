import { existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { messageOf } from '../foundation/index.ts';
import { pickMirror, readHostSources } from './apt-sources.ts';
import { homePlaces } from './home.ts';
import { type OwnStack, rootsDirOf } from './own-stack.ts';
import { checkPlatform, findExecutable, judgeMemoryFolder } from './platform.ts';
import { portSentence, whyTaken } from './port-check.ts';
import { askPostgres } from './postgres.ts';
import { lookForPrograms } from './programs.ts';
import { askRedis } from './redis.ts';
import { readRunningStack } from './running.ts';
import { readSecrets } from './secrets.ts';
import { wantedPorts } from './stack.ts';

export interface Finding {
  readonly what: string;
  readonly state: 'good' | 'doubtful' | 'fault';
  readonly found: string;
  /** What to do about it. */
  readonly next?: string;
}

const roomyDiskMb = 2_000;

/** Looks over the host and this stack; changes nothing and fetches nothing. */
export async function examine(own: OwnStack): Promise<readonly Finding[]> {
  return [
    examinePlatform(),
    examineUser(own),
    examineMemory(),
    examineDisk(own),
    await examinePrograms(own),
    ...(await examineStores(own)),
    ...(await examinePorts(own)),
    examineSecrets(own),
    examineKeyFile(own),
  ];
}

function examinePlatform(): Finding {
  const what = 'Platform';
  try {
    const release = checkPlatform();
    if (findExecutable(['/usr/bin/setpriv']) === undefined) {
      return {
        what,
        state: 'doubtful',
        found: `${release.pretty}, without setpriv`,
        next: 'Install util-linux: without setpriv the servers outlive a killed supervisor until the next start.',
      };
    }
    return { what, state: 'good', found: `${release.pretty}, Node ${process.versions.node}` };
  } catch (error) {
    return {
      what,
      state: 'fault',
      found: messageOf(error),
      next: 'Use a host of the Debian family (Debian 12 or later) on 64-bit x86.',
    };
  }
}

function examineUser(own: OwnStack): Finding {
  const runsAs = own.user.switched
    ? `started by root, servers run as ${own.user.name}`
    : 'servers run as the user who starts them';
  const from = own.copyApp
    ? `; the clone is closed to that user, so the service runs from a copy in ${own.homeDir}`
    : '';
  return { what: 'User', state: 'good', found: `${runsAs}${from}` };
}

function examineMemory(): Finding {
  return { what: 'Memory for plain audio', ...judgeMemoryFolder('/dev/shm') };
}

function examineDisk(own: OwnStack): Finding {
  let place = own.homeDir;
  while (!existsSync(place)) place = dirname(place);
  const disk = statfsSync(place);
  const freeMb = Math.floor((disk.bavail * disk.bsize) / 1_048_576);
  const found = `home ${own.homeDir}, ${freeMb} MB free`;
  return freeMb >= roomyDiskMb
    ? { what: 'Disk', state: 'good', found }
    : { what: 'Disk', state: 'doubtful', found, next: 'Make room, or set DOZVON_HOME to a folder on a larger disk.' };
}

async function examinePrograms(own: OwnStack): Promise<Finding> {
  const what = 'Asterisk and Redis';
  try {
    const found = await lookForPrograms({
      rootsDir: rootsDirOf(own),
      suite: own.settings.suite,
      programs: own.settings.programs,
    });
    if (found.asterisk !== undefined)
      return {
        what,
        state: 'good',
        found: `Asterisk ${found.asterisk.version}${found.redis === undefined ? '' : `, Redis ${found.redis.version}`}`,
      };
  } catch (error) {
    return { what, state: 'fault', found: messageOf(error) };
  }
  const mirror = own.settings.mirror ?? pickMirror(readHostSources(), checkPlatform().codename)?.uri;
  if (mirror === undefined)
    return {
      what,
      state: 'fault',
      found: 'not fetched yet, and the host names no Debian mirror',
      next: 'Set DOZVON_DEBIAN_MIRROR to the address of a Debian mirror.',
    };
  return { what, state: 'good', found: `not fetched yet: the first start fetches about 90 MB from ${mirror}` };
}

async function examineStores(own: OwnStack): Promise<Finding[]> {
  const findings: Finding[] = [];
  const ask = async (
    what: string,
    setting: string,
    question: () => Promise<{ readonly version: string }>,
  ): Promise<void> => {
    try {
      findings.push({ what, state: 'good', found: `version ${(await question()).version}` });
    } catch (error) {
      findings.push({
        what,
        state: 'fault',
        found: messageOf(error),
        next: `Correct ${setting}, or unset it to use one of our own.`,
      });
    }
  };
  const { redisUrl, databaseUrl } = own.settings;
  if (redisUrl !== undefined) await ask('Redis of REDIS_URL', 'REDIS_URL', () => askRedis(redisUrl));
  if (databaseUrl !== undefined)
    await ask('PostgreSQL of DATABASE_URL', 'DATABASE_URL', () => askPostgres(databaseUrl));
  return findings;
}

async function examinePorts(own: OwnStack): Promise<Finding[]> {
  const what = 'Ports';
  const running = readRunningStack(own.homeDir);
  if (running !== undefined)
    return [{ what, state: 'good', found: `Dozvon runs (process ${running.supervisor.pid}) and holds them` }];
  const wanted = wantedPorts(own.settings.ports, {
    services: [{ nodeId: 'n1', apiPort: own.settings.ports.api }],
    withRedis: own.settings.redisUrl === undefined,
  });
  const findings: Finding[] = [];
  for (const port of wanted) {
    const code = await whyTaken(port);
    if (code !== undefined) findings.push({ what, state: 'fault', found: portSentence(port, code) });
  }
  return findings.length > 0
    ? findings
    : [{ what, state: 'good', found: wanted.map((port) => `${port.purpose} ${port.address}:${port.port}`).join(', ') }];
}

function examineSecrets(own: OwnStack): Finding {
  const what = 'Secrets';
  const { secretsFile } = homePlaces(own.homeDir, 'main');
  try {
    return {
      what,
      state: 'good',
      found: readSecrets(secretsFile) === undefined ? 'made at the first start' : `in ${secretsFile}`,
    };
  } catch (error) {
    return { what, state: 'fault', found: messageOf(error) };
  }
}

function examineKeyFile(own: OwnStack): Finding {
  const what = 'Key file';
  const { keyFile, postgresDir } = homePlaces(own.homeDir, 'main');
  try {
    const facts = statSync(keyFile, { throwIfNoEntry: false });
    if (facts === undefined && !existsSync(`${postgresDir}/cluster/data`))
      return { what, state: 'good', found: 'made at the first start' };
    if (facts === undefined)
      return {
        what,
        state: 'fault',
        found: `${keyFile} is missing though there are data sealed under it`,
        next: 'Restore it from its copy; nothing else opens those data.',
      };
    if ((facts.mode & 0o077) !== 0)
      return { what, state: 'fault', found: `${keyFile} can be read by others`, next: `Run "chmod 600 ${keyFile}".` };
    return { what, state: 'good', found: `${keyFile}; keep a copy of it elsewhere` };
  } catch (error) {
    return {
      what,
      state: 'doubtful',
      found: `cannot look at it: ${messageOf(error)}`,
      next: 'Run doctor as the user who starts Dozvon.',
    };
  }
}
