import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ApiClient, createApiClient } from '../../src/cli/api-client.ts';
import { loadHotlineConfig } from '../../src/config/index.ts';
import { messageOf, secondMs } from '../../src/foundation/index.ts';
import { freeTcpPort, freeUdpPort } from '../../src/phones/free-ports.ts';
import { type Stack, startStack } from '../../src/runtime/index.ts';
import { locateOwnStack, rootsDirOf } from '../../src/runtime/own-stack.ts';
import { giveTo, type ServiceUser } from '../../src/runtime/service-user.ts';
import type { RenderAsterisk } from '../../src/runtime/stack-request.ts';
import { renderAsteriskConfig } from '../../src/telephony/index.ts';
import { descendantsOf } from '../measure/machine.ts';
import { extensionsOf, type Terms, writeHotline } from './hotline.ts';

const run = promisify(execFile);
const appDir = fileURLToPath(new URL('../..', import.meta.url));

/** Where test calls come from: one address a system, another for the phones of both. */
export interface Addresses {
  readonly exchange: string;
  readonly callers: { readonly dozvon: string; readonly appQueue: string };
  readonly phones: string;
}

/** The product's whole stack with Asterisk's own queue beside it in the same Asterisk. */
export interface Exchange {
  readonly stack: Stack;
  readonly addresses: Addresses;
  readonly sipPort: number;
  readonly api: ApiClient;
  /** Extension → password, of both systems. */
  readonly passwords: Readonly<Record<string, string>>;
  /** Processes by part: `asterisk`, `service`, `redis`, `postgres`. */
  pids(): Readonly<Record<string, readonly number[]>>;
  /** Runs a command of Asterisk's console and returns what it prints. */
  console(command: string): Promise<string>;
  /** RTP packets sent so far on all channels that are there. */
  packetsSent(): Promise<number>;
  stop(): Promise<void>;
}

/** Ends up where no other stack of this machine listens. */
function drawAddresses(): Addresses {
  const net = `127.${100 + Math.floor(Math.random() * 100)}.${1 + Math.floor(Math.random() * 250)}`;
  return {
    exchange: `${net}.1`,
    callers: { dozvon: `${net}.2`, appQueue: `${net}.3` },
    phones: `${net}.9`,
  };
}

function peerText(name: string, values: Readonly<Record<string, string>>): string {
  const text = readFileSync(new URL(`peer/${name}`, import.meta.url), 'utf8');
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_whole, key: string) => values[key] ?? '');
}

/** The product's configuration with the peer's added to it. */
function withPeer(peer: {
  readonly terms: Terms;
  readonly callerAddress: string;
  readonly phones: readonly { readonly extension: string; readonly sipPassword: string }[];
}): RenderAsterisk {
  const members = peer.phones.map(({ extension }) => `member => PJSIP/${extension}`).join('\n');
  return (facts) => {
    const values = { callerAddress: peer.callerAddress, members, musicDir: facts.program.musicDir };
    const files = renderAsteriskConfig({ ...facts, operators: [...facts.operators, ...peer.phones] });
    const added = Object.fromEntries(
      ['extensions.conf', 'pjsip.conf', 'modules.conf'].map((name) => [
        name,
        `${files[name] ?? ''}\n${peerText(name, values)}`,
      ]),
    );
    // app_queue plays the class "default" whatever it is told: without one it plays nothing.
    const silence = peer.terms === 'plain' ? { 'musiconhold.conf': peerText('silence.conf', values) } : {};
    return { ...files, ...added, ...silence, 'queues.conf': peerText('queues.conf', values) };
  };
}

/** Bounded by the bounds of the stack's parts; leaves nothing behind when it fails. */
export async function startExchange(terms: Terms, onProgress: (line: string) => void): Promise<Exchange> {
  const homeDir = mkdtempSync(join(tmpdir(), 'dozvon-bench-'));
  // The servers' user has to enter it when root runs the benchmark.
  chmodSync(homeDir, 0o755);
  const removeHome = (stack?: Stack): void => {
    if (process.env.DOZVON_KEEP_BENCH_HOME !== undefined) return;
    rmSync(homeDir, { recursive: true, force: true });
    // Recordings that were still open: nobody will go on with them.
    if (stack !== undefined) rmSync(stack.home.memoryDir, { recursive: true, force: true });
  };
  const addresses = drawAddresses();
  const configDir = join(homeDir, 'config');
  try {
    writeHotline(configDir, { appDir, callerAddress: addresses.callers.dozvon, terms });
    const own = locateOwnStack(appDir, { ...process.env, DOZVON_HOME: join(homeDir, 'home') });
    const loaded = await loadHotlineConfig(configDir, { soundsDir: own.soundsDir });
    if (!loaded.ok) throw new Error(`the benchmark's hotline has faults: ${JSON.stringify(loaded.faults)}`);
    const peerPhones = extensionsOf('appQueue').map((extension) => ({
      extension,
      sipPassword: randomBytes(12).toString('hex'),
    }));
    const sipPort = await freeUdpPort([addresses.exchange]);
    const apiPort = await freeTcpPort('127.0.0.1');
    const stack = await startStack({
      appDir,
      homeDir: own.homeDir,
      copyApp: own.copyApp,
      user: own.user,
      name: 'bench',
      ports: {
        bind: addresses.exchange,
        sip: sipPort,
        // A thousand callers and the phones of fifty: an even port each for RTP and the odd one after it.
        rtp: { first: 20_000, last: 29_998 },
        ari: await freeTcpPort('127.0.0.1'),
        ami: await freeTcpPort('127.0.0.1'),
        redis: await freeTcpPort('127.0.0.1'),
        apiBind: '127.0.0.1',
        api: apiPort,
      },
      services: [{ nodeId: 'n1', apiPort, env: { DOZVON_LOG_LEVEL: 'warn' } }],
      hotline: { configPath: configDir, operators: loaded.config.operators, trunks: loaded.config.trunks },
      renderAsterisk: withPeer({ terms, callerAddress: addresses.callers.appQueue, phones: peerPhones }),
      sources: {
        suite: own.settings.suite,
        programs: own.settings.programs,
        ...(own.settings.mirror === undefined ? {} : { mirror: own.settings.mirror }),
        ...(own.settings.keyring === undefined ? {} : { keyring: own.settings.keyring }),
      },
      rootsDir: rootsDirOf(locateOwnStack(appDir, process.env)),
      testing: false,
      onProgress,
    });
    const peerPasswords = Object.fromEntries(peerPhones.map((phone) => [phone.extension, phone.sipPassword]));
    if (terms === 'recorded') await recordPeer(stack, own.user);
    return exchangeOf(stack, {
      addresses,
      passwords: { ...stack.secrets.sipPasswords, ...peerPasswords },
      removeHome,
    });
  } catch (error) {
    removeHome();
    throw error;
  }
}

function exchangeOf(
  stack: Stack,
  given: Pick<Exchange, 'addresses' | 'passwords'> & {
    readonly removeHome: (stack: Stack) => void;
  },
): Exchange {
  const { removeHome, ...rest } = given;
  const pidOf = (name: string): number => stack.children().find((child) => child.name === name)?.pid ?? 0;
  return {
    ...rest,
    stack,
    sipPort: stack.ports.sip,
    api: createApiClient({ url: stack.services[0]?.apiUrl ?? '', token: stack.secrets.apiToken }),
    pids: () => ({
      asterisk: [pidOf('asterisk')],
      service: [pidOf('service-n1')],
      redis: [pidOf('redis')],
      postgres: [pidOf('postgres'), ...descendantsOf(pidOf('postgres'))],
    }),
    console: (command) => runConsole(stack, command),
    packetsSent: async () => packetsSentOf(await runConsole(stack, 'pjsip show channelstats')),
    async stop() {
      await stack.stop();
      removeHome(stack);
    },
  };
}

/** Asterisk records the peer's callers from now on, as it does Dozvon's. */
async function recordPeer(stack: Stack, user: ServiceUser): Promise<void> {
  const dir = join(stack.home.memoryDir, 'peer');
  mkdirSync(dir, { mode: 0o700 });
  giveTo(user, dir);
  await runConsole(stack, `dialplan set global PEER_RECORDINGS ${dir}`);
}

/** Up-time, codec, four columns of what came; the first of what went. */
function packetsSentOf(stats: string): number {
  const counts = stats.matchAll(/\d\d:\d\d:\d\d\s+\S+\s+\d+K?\s+\d+K?\s+\d+\s+[\d.]+\s+(\d+)(K?)/g);
  return [...counts].reduce((sum, [, count, thousands]) => sum + Number(count) * (thousands === 'K' ? 1_000 : 1), 0);
}

async function runConsole(stack: Stack, command: string): Promise<string> {
  const { file, args, env } = stack.programs.asterisk.command([
    '-C',
    join(stack.home.asteriskDir, 'etc/asterisk.conf'),
    '-rx',
    command,
  ]);
  try {
    const options = { env: { ...process.env, ...env }, timeout: 20 * secondMs, maxBuffer: 16 * 2 ** 20, cwd: '/' };
    return (await run(file, [...args], options)).stdout;
  } catch (error) {
    throw new Error(`Asterisk's console did not take "${command}": ${messageOf(error)}`);
  }
}
