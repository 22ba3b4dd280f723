import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Document, parseDocument } from 'yaml';
import { type ApiClient, createApiClient } from '../../src/cli/api-client.ts';
import { type HotlineConfig, loadHotlineConfig } from '../../src/config/index.ts';
import { asId, type ContactId, silentLogger, systemClock } from '../../src/foundation/index.ts';
import { freeTcpPort, freeUdpPort } from '../../src/phones/free-ports.ts';
import { type Phones, type RunAs, startPhones, type TwoChannelAudio } from '../../src/phones/index.ts';
import { createRecordingService } from '../../src/recording/index.ts';
import { type ServiceRequest, type Stack, startStack } from '../../src/runtime/index.ts';
import { locateOwnStack, rootsDirOf } from '../../src/runtime/own-stack.ts';
import { createFolderBlobStore } from '../../src/store/blobs/index.ts';
import { createPostgresStores } from '../../src/store/postgres/index.ts';
import { renderAsteriskConfig } from '../../src/telephony/index.ts';
import { createVault } from '../../src/vault/index.ts';
import { readStereoWav } from './audio.ts';
import { startWitness, type Witness } from './witness.ts';

const appDir = fileURLToPath(new URL('../..', import.meta.url));

/** A whole hotline on ports and in folders of its own, with phones to call it and a witness to look at it. */
export interface TestStack {
  readonly stack: Stack;
  readonly phones: Phones;
  readonly witness: Witness;
  /** Of the first service process. */
  readonly api: ApiClient;
  readonly config: HotlineConfig;
  readonly homeDir: string;
  /** The contact's recording, unsealed and checked. */
  exportRecording(contactId: string): Promise<TwoChannelAudio>;
  /** Kills the first service process for good; resolves when Asterisk has noticed that its connections are gone. */
  killForGood(): Promise<void>;
  /** Ends everything and removes it. Bounded by the bounds of its parts. */
  stop(): Promise<void>;
}

export interface TestStackOptions {
  /** Two: `n1` and `n2` over the same Redis, PostgreSQL and Asterisk. */
  readonly processes?: 1 | 2;
  /** Callers hear the whole greeting of the reference flow; otherwise a short one, which makes each call nine seconds shorter. */
  readonly wholeGreeting?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Settings of queues, by queue and name, in place of those of the reference hotline and of the short delays. */
  readonly queues?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Further changes, to any file of the configuration. */
  readonly edit?: (change: ChangeConfig, configDir: string) => void;
}

/** Changes one file of the test's configuration, by its path in config/. */
export type ChangeConfig = (file: string, change: (document: Document) => void) => void;

const noticeLimitMs = 10_000;

/** Callers' address; the configuration's trunk by default. */
const callerAddress = '127.0.0.2';

/** The reference hotline with short delays, so that a test need not wait for a person's pace. */
const delays = {
  ringTimeoutMs: 3_000,
  wrapUpMs: 1_000,
  setAside: { unansweredMs: 2_000, busyMs: 2_000, declinedMs: 2_000 },
};

export async function startTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const homeDir = mkdtempSync(join(tmpdir(), 'dozvon-stack-'));
  // The servers' user has to enter it when the tests are run by root.
  chmodSync(homeDir, 0o755);
  const configDir = join(homeDir, 'config');
  const callerPort = await freeUdpPort([callerAddress]);
  writeTestConfig(configDir, options, callerPort);
  const own = locateOwnStack(appDir, { ...process.env, DOZVON_HOME: join(homeDir, 'home') });
  const loaded = await loadHotlineConfig(configDir, { soundsDir: own.soundsDir });
  if (!loaded.ok) throw new Error(`the test configuration has faults: ${JSON.stringify(loaded.faults)}`);
  const { config } = loaded;
  const bind = `127.0.${1 + Math.floor(Math.random() * 250)}.${1 + Math.floor(Math.random() * 250)}`;
  const services: ServiceRequest[] = [];
  for (const nodeId of options.processes === 2 ? ['n1', 'n2'] : ['n1']) {
    services.push({ nodeId, apiPort: await freeTcpPort('127.0.0.1'), ...(options.env && { env: options.env }) });
  }
  const progress: string[] = [];
  const stack = await startStack({
    appDir,
    homeDir: own.homeDir,
    copyApp: own.copyApp,
    user: own.user,
    name: 'test',
    ports: {
      bind,
      sip: await freeUdpPort([bind]),
      rtp: { first: 20_000, last: 20_998 },
      ari: await freeTcpPort('127.0.0.1'),
      ami: await freeTcpPort('127.0.0.1'),
      redis: await freeTcpPort('127.0.0.1'),
      apiBind: '127.0.0.1',
      api: services[0]?.apiPort ?? 0,
    },
    services,
    hotline: { configPath: configDir, operators: config.operators, trunks: config.trunks },
    renderAsterisk: renderAsteriskConfig,
    sources: {
      suite: own.settings.suite,
      programs: own.settings.programs,
      ...(own.settings.mirror === undefined ? {} : { mirror: own.settings.mirror }),
      ...(own.settings.keyring === undefined ? {} : { keyring: own.settings.keyring }),
    },
    rootsDir: rootsDirOf(locateOwnStack(appDir, process.env)),
    testing: true,
    onProgress: (line) => void progress.push(line),
  }).catch((error: unknown) => {
    if (process.env.DOZVON_KEEP_TEST_HOME === undefined) rmSync(homeDir, { recursive: true, force: true });
    throw error;
  });
  return await joinParts(stack, { homeDir, config, callerPort, ...(own.user.switched && { runAs: own.user }) });
}

async function joinParts(
  stack: Stack,
  given: {
    readonly homeDir: string;
    readonly config: HotlineConfig;
    readonly callerPort: number;
    readonly runAs?: RunAs;
  },
): Promise<TestStack> {
  const { homeDir, config } = given;
  const phonesDir = mkdtempSync('/dev/shm/dozvon-phones-');
  const phones = await startPhones({
    program: stack.programs.asterisk,
    dir: phonesDir,
    target: { host: stack.ports.bind, port: stack.ports.sip },
    callerAddress,
    callerPort: given.callerPort,
    logger: silentLogger,
    ...(given.runAs && { runAs: given.runAs }),
  });
  const witness = await startWitness({
    url: `http://127.0.0.1:${stack.ports.ari}`,
    user: 'dozvon',
    password: stack.secrets.ariPassword,
  });
  return {
    stack,
    phones,
    witness,
    api: createApiClient({ url: stack.services[0]?.apiUrl ?? '', token: stack.secrets.apiToken }),
    config,
    homeDir,
    exportRecording: async (contactId) => await exportRecording(stack, contactId),
    killForGood: async () => await killForGood(stack),
    async stop() {
      witness.stop();
      await phones.stop();
      await stack.stop();
      if (process.env.DOZVON_KEEP_TEST_HOME === undefined) rmSync(homeDir, { recursive: true, force: true });
    },
  };
}

function writeTestConfig(dir: string, options: TestStackOptions, callerPort: number): void {
  cpSync(join(appDir, 'config'), dir, { recursive: true });
  const change: ChangeConfig = (name, apply) => {
    const file = join(dir, name);
    const document = parseDocument(readFileSync(file, 'utf8'));
    apply(document);
    writeFileSync(file, document.toString());
  };
  change('hotline.yaml', (document) => {
    const { queues } = document.toJS() as { readonly queues: readonly { readonly id: string }[] };
    for (const [i, { id }] of queues.entries()) {
      const settings = { ...delays, ...options.queues?.[id] };
      for (const [name, value] of Object.entries(settings))
        document.setIn(['queues', i, name], document.createNode(value));
    }
    // Whom the hotline calls back is one of our citizens.
    document.setIn(['trunks', 0, 'dial'], document.createNode({ host: callerAddress, port: callerPort }));
  });
  if (options.wholeGreeting !== true) {
    change('flows/main.yaml', (main) =>
      main.setIn(['nodes', 'greeting', 'say'], main.createNode(['recording-notice-short'])),
    );
  }
  options.edit?.(change, dir);
}

/** As `dozvon recording export` does it, in this process. */
async function exportRecording(stack: Stack, contactId: string): Promise<TwoChannelAudio> {
  const vault = await createVault({ keyFile: stack.home.keyFile });
  const postgres = createPostgresStores({ databaseUrl: stack.databaseUrl, sealer: vault, logger: silentLogger });
  try {
    const recordings = createRecordingService({
      spoolDir: stack.home.spoolDir,
      blobs: await createFolderBlobStore(stack.home.recordingsDir),
      repository: postgres.recordings,
      keys: vault,
      clock: systemClock(),
      logger: silentLogger,
    });
    const parts: Buffer[] = [];
    const out = new Writable({
      write(chunk: Buffer, _encoding, done) {
        // Copied: the exporter zeroes its buffers once they are written.
        parts.push(Buffer.from(chunk));
        done();
      },
    });
    await recordings.exportWav(asId<ContactId>(contactId), out);
    return readStereoWav(Buffer.concat(parts));
  } finally {
    await postgres.close();
  }
}

async function killForGood(stack: Stack): Promise<void> {
  stack.kill('service-n1', 'SIGKILL', { stayDown: true });
  const port = `:${stack.ports.ari.toString(16).toUpperCase().padStart(4, '0')}`;
  // 08 is CLOSE_WAIT: the far end is gone and Asterisk has not closed its own yet. Asterisk goes on listing the application.
  const unnoticed = (): boolean =>
    stack.children().some(({ name, state }) => name === 'service-n1' && state !== 'stopped') ||
    readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .some((line) => new RegExp(`^ *\\d+: [0-9A-F]{8}${port} \\S+ 08 `).test(line));
  for (const sinceMs = Date.now(); unnoticed(); ) {
    if (Date.now() - sinceMs > noticeLimitMs) throw new Error('the killed service is still connected to Asterisk');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
