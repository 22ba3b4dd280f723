import { join } from 'node:path';

import { type ServiceSettings, serviceSettingsSchema } from '../config/index.ts';
import { DozvonError, secondMs } from '../foundation/index.ts';
import type { RunnableApp } from './app-copy.ts';
import type { ChildPlan } from './child.ts';
import { type Home, writePrivateFile } from './home.ts';
import { askPostgres, type PostgresPlan, postgresCommand, postgresUrl } from './postgres.ts';
import type { Programs } from './programs.ts';
import { askRedis, redisConfigFile, renderRedisConfig } from './redis.ts';
import type { Secrets } from './secrets.ts';
import type { ServiceUser } from './service-user.ts';
import type { AsteriskFacts, ServiceRequest, StackRequest } from './stack-request.ts';

/** Everything that was decided and made before the first child starts. */
export interface Prepared {
  readonly request: StackRequest;
  readonly services: readonly ServiceRequest[];
  readonly user: ServiceUser;
  readonly home: Home;
  readonly programs: Programs;
  readonly secrets: Secrets;
  readonly app: RunnableApp;
  readonly configPath: string;
  readonly postgres: PostgresPlan | undefined;
  readonly redisUrl: string;
  readonly databaseUrl: string;
}

const ariUser = 'dozvon';
const amiUser = 'dozvon';

function shardOf(nodeId: string): string {
  return `dozvon-${nodeId}`;
}

export function redisPlan(prepared: Prepared): ChildPlan[] {
  const { home, programs, request, secrets, user } = prepared;
  if (programs.redis === undefined) return [];
  const file = redisConfigFile(home.redisDir);
  writePrivateFile(
    file,
    renderRedisConfig({
      port: request.ports.redis,
      password: secrets.redisPassword,
      dataDir: join(home.redisDir, 'data'),
    }),
    user,
  );
  return [
    {
      name: 'redis',
      title: 'Redis',
      command: programs.redis.command([file]),
      cwd: '/',
      user,
      logFile: join(home.logDir, 'redis.log'),
      stopSignal: 'SIGTERM',
      stopLimitMs: 10 * secondMs,
      startLimitMs: 20 * secondMs,
      ask: () => askRedis(prepared.redisUrl, secondMs),
    },
  ];
}

export function postgresPlan(prepared: Prepared): ChildPlan[] {
  const { home, postgres, user } = prepared;
  if (postgres === undefined) return [];
  const url = postgresUrl(home.socketDir, postgres.password, 'postgres');
  return [
    {
      name: 'postgres',
      title: 'PostgreSQL',
      command: postgresCommand(postgres),
      cwd: '/',
      user,
      logFile: join(home.logDir, 'postgres.log'),
      // "Fast" shutdown: connections are ended. SIGTERM would wait for them for ever.
      stopSignal: 'SIGINT',
      stopLimitMs: 10 * secondMs,
      // After a crash it replays its log before it answers.
      startLimitMs: 60 * secondMs,
      ask: () => askPostgres(url, secondMs),
    },
  ];
}

async function askAsterisk(port: number, password: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/ari/asterisk/info`, {
    headers: { authorization: `Basic ${Buffer.from(`${ariUser}:${password}`).toString('base64')}` },
    signal: AbortSignal.timeout(secondMs),
  });
  await response.arrayBuffer();
  // 503 until all modules are up.
  if (!response.ok) throw new DozvonError('NOT_READY', `ARI answers ${response.status}`);
}

export function asteriskPlan(prepared: Prepared): ChildPlan {
  const { home, programs, request, secrets, services, user } = prepared;
  const facts: AsteriskFacts = {
    program: programs.asterisk,
    nodeId: services[0]?.nodeId ?? 'n1',
    homeDir: home.asteriskDir,
    bindAddress: request.ports.bind,
    sipPort: request.ports.sip,
    ariPort: request.ports.ari,
    amiPort: request.ports.ami,
    rtpRange: request.ports.rtp,
    ariUser,
    ariPassword: secrets.ariPassword,
    amiUser,
    amiPassword: secrets.amiPassword,
    shards: services.length === 0 ? [shardOf('n1')] : services.map((service) => shardOf(service.nodeId)),
    operators: request.hotline.operators.map(({ extension }) => ({
      extension,
      sipPassword: secrets.sipPasswords[extension] ?? '',
    })),
    trunks: request.hotline.trunks.map(({ name, addresses, dial }) => ({ name, addresses, dial })),
    soundsDir: join(prepared.app.dir, 'sounds'),
    spoolDir: home.spoolDir,
    testing: request.testing,
  };
  const etc = join(home.asteriskDir, 'etc');
  for (const [name, text] of Object.entries(request.renderAsterisk(facts)))
    writePrivateFile(join(etc, name), text, user);
  return {
    name: 'asterisk',
    title: 'Asterisk',
    command: programs.asterisk.command(['-C', join(etc, 'asterisk.conf'), '-f']),
    cwd: '/',
    user,
    logFile: join(home.logDir, 'asterisk.log'),
    stopSignal: 'SIGTERM',
    stopLimitMs: 8 * secondMs,
    startLimitMs: 30 * secondMs,
    ask: () => askAsterisk(request.ports.ari, secrets.ariPassword),
  };
}

export function apiUrl(bind: string, port: number): string {
  const host = bind === '0.0.0.0' || bind === '::' ? '127.0.0.1' : bind.includes(':') ? `[${bind}]` : bind;
  return `http://${host}:${port}`;
}

async function askService(url: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/health/ready`, { signal: AbortSignal.timeout(2 * secondMs) });
  await response.arrayBuffer();
  if (!response.ok) throw new DozvonError('NOT_READY', `the service answers ${response.status}`);
}

export function servicePlan(prepared: Prepared, service: ServiceRequest): ChildPlan {
  const { app, home, request, secrets, user } = prepared;
  const settings: ServiceSettings = {
    nodeId: service.nodeId,
    shards: [shardOf(service.nodeId)],
    allShards: prepared.services.map(({ nodeId }) => shardOf(nodeId)),
    configPath: prepared.configPath,
    soundsDir: join(app.dir, 'sounds'),
    ari: { url: `http://127.0.0.1:${request.ports.ari}`, user: ariUser, password: secrets.ariPassword },
    ami: { host: '127.0.0.1', port: request.ports.ami, user: amiUser, password: secrets.amiPassword },
    redisUrl: prepared.redisUrl,
    databaseUrl: prepared.databaseUrl,
    keyFile: home.keyFile,
    spoolDir: home.spoolDir,
    recordingsDir: home.recordingsDir,
    api: { bind: request.ports.apiBind, port: service.apiPort, token: secrets.apiToken },
    sip: { bind: request.ports.bind, port: request.ports.sip },
    testing: request.testing,
  };
  const file = join(home.runDir, `service-${service.nodeId}.json`);
  writePrivateFile(file, `${JSON.stringify(serviceSettingsSchema.parse(settings))}\n`, user);
  const passedOn = Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && (entry[0].startsWith('DOZVON_') || entry[0] === 'TZ'),
    ),
  );
  const url = apiUrl(request.ports.apiBind, service.apiPort);
  return {
    name: `service-${service.nodeId}`,
    title: 'The service',
    command: {
      file: app.node,
      args: ['--disable-warning=ExperimentalWarning', join(app.dir, 'src', 'main.ts'), 'serve', file],
      env: { ...passedOn, NODE_ENV: 'production', ...service.env },
    },
    cwd: app.dir,
    user,
    logFile: join(home.logDir, `service-${service.nodeId}.log`),
    stopSignal: 'SIGTERM',
    stopLimitMs: 10 * secondMs,
    startLimitMs: 30 * secondMs,
    ask: () => askService(url),
  };
}
