import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AriAccess } from '../../src/ari/index.ts';
import { freeTcpPort, freeUdpPort } from '../../src/phones/free-ports.ts';
import { renderTone } from '../../src/phones/tones.ts';
import { type AsteriskSettings, asteriskFolders, renderAsteriskConfig } from '../../src/telephony/index.ts';
import { asteriskProgram } from './asterisk.ts';

/** Asterisk with the product's own configuration and nothing behind it. */
export interface HotlineAsterisk {
  readonly settings: AsteriskSettings;
  readonly ari: AriAccess;
  readonly sip: { readonly host: string; readonly port: number };
  /** Text of Asterisk's own log so far goes here. */
  readonly logFile: string;
  /** Ends Asterisk at once and starts it again on the same ports. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** `ru/short` is a second of 660 Hz, `ru/long` eight seconds of 440 Hz, `ru/no-service` half a second of 550 Hz. */
const sounds = [
  ['short', 660, 1_000],
  ['long', 440, 8_000],
  ['no-service', 550, 500],
] as const;

export async function startHotlineAsterisk(options: {
  readonly shards: readonly string[];
  readonly operators: AsteriskSettings['operators'];
  readonly trunkAddress: string;
  /** Where the trunk takes our calls, on that address. */
  readonly trunkPort: number;
}): Promise<HotlineAsterisk> {
  const dir = mkdtempSync('/dev/shm/dozvon-hotline-');
  const soundsDir = join(dir, 'sounds');
  mkdirSync(join(soundsDir, 'ru'), { recursive: true });
  for (const [name, hz, lastsMs] of sounds)
    writeFileSync(join(soundsDir, 'ru', `${name}.wav`), wav(renderTone(hz, lastsMs)));
  const host = `127.0.${1 + Math.floor(Math.random() * 250)}.${1 + Math.floor(Math.random() * 250)}`;
  const rtpFirst = 30_000 + 2 * Math.floor(Math.random() * 5_000);
  const settings: AsteriskSettings = {
    program: await asteriskProgram(),
    nodeId: 'n1',
    homeDir: join(dir, 'home'),
    bindAddress: host,
    sipPort: await freeUdpPort([host]),
    ariPort: await freeTcpPort('127.0.0.1'),
    amiPort: await freeTcpPort('127.0.0.1'),
    rtpRange: { first: rtpFirst, last: rtpFirst + 198 },
    ariUser: 'dozvon',
    ariPassword: 'ari-secret',
    amiUser: 'dozvon',
    amiPassword: 'ami-secret',
    shards: options.shards,
    operators: options.operators,
    trunks: [
      {
        name: 'carrier',
        addresses: [options.trunkAddress],
        dial: { host: options.trunkAddress, port: options.trunkPort },
      },
      // Nobody takes its calls: a closed port of ours.
      { name: 'away', addresses: ['192.0.2.1'], dial: { host, port: await freeUdpPort([host]) } },
    ],
    soundsDir,
    spoolDir: join(dir, 'spool'),
    testing: true,
  };
  for (const folder of asteriskFolders(settings)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(renderAsteriskConfig(settings))) {
    writeFileSync(join(settings.homeDir, 'etc', name), text, { mode: 0o600 });
  }
  let child = launch(settings);
  await answering(settings, child);
  return {
    settings,
    ari: { url: `http://127.0.0.1:${settings.ariPort}`, user: settings.ariUser, password: settings.ariPassword },
    sip: { host, port: settings.sipPort },
    logFile: join(settings.homeDir, 'log', 'messages.log'),
    async restart() {
      await end(child);
      child = launch(settings);
      await answering(settings, child);
    },
    async stop() {
      await end(child);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** From util-linux. */
const setpriv = '/usr/bin/setpriv';

function launch(settings: AsteriskSettings): ChildProcess {
  const command = settings.program.command(['-C', join(settings.homeDir, 'etc', 'asterisk.conf'), '-f']);
  // A test that is killed takes its Asterisk with it.
  const guard = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL'] : [];
  return spawn('/bin/sh', ['-c', 'umask 077; exec "$@"', 'sh', ...guard, command.file, ...command.args], {
    cwd: settings.homeDir,
    env: { ...command.env, HOME: settings.homeDir, PATH: '/usr/bin:/bin' },
    stdio: 'ignore',
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Asks until ARI answers; Asterisk says 503 while its modules load. */
async function answering(settings: AsteriskSettings, child: ChildProcess): Promise<void> {
  const limitAtMs = Date.now() + 20_000;
  const authorization = `Basic ${Buffer.from(`${settings.ariUser}:${settings.ariPassword}`).toString('base64')}`;
  while (Date.now() < limitAtMs && child.exitCode === null) {
    const response = await fetch(`http://127.0.0.1:${settings.ariPort}/ari/asterisk/info`, {
      headers: { authorization },
      signal: AbortSignal.timeout(1_000),
    }).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('Asterisk did not answer on ARI');
}

/** A RIFF header for 16-bit mono at 8 kHz. */
function wav(samples: Uint8Array): Uint8Array {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8_000, 24);
  header.writeUInt32LE(16_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, samples]);
}
