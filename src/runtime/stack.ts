import { cpSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

import { DozvonError } from '../foundation/index.ts';
import { createKeyFile } from '../vault/index.ts';
import { copyApp, packagedNode, type RunnableApp } from './app-copy.ts';
import type { ChildState } from './child.ts';
import { apiUrl, asteriskPlan, type Prepared, postgresPlan, redisPlan, servicePlan } from './child-plans.ts';
import { ChildSet } from './child-set.ts';
import { type Home, homePlaces, leaveMemoryFolder, prepareHome } from './home.ts';
import { judgeMemoryFolder } from './platform.ts';
import { checkPorts, type WantedPort } from './port-check.ts';
import {
  askPostgres,
  ensureCluster,
  ensureDatabase,
  hasCluster,
  type PostgresPlan,
  postgresUrl,
  preparePostgres,
} from './postgres.ts';
import { findPrograms, type Programs } from './programs.ts';
import { askRedis, redisUrl } from './redis.ts';
import { clearHome, forgetStack, recordStack } from './running.ts';
import { ensureSecrets, type Secrets } from './secrets.ts';
import { canRead, chooseServiceUser, giveTo, giveTreeTo, type ServiceUser } from './service-user.ts';
import type { PortPlan } from './settings.ts';
import type { ServiceRequest, StackRequest } from './stack-request.ts';

export interface ChildView {
  readonly name: string;
  readonly title: string;
  readonly state: ChildState;
  readonly pid: number | undefined;
  readonly restarts: number;
}

export interface Stack {
  readonly home: Home;
  readonly ports: PortPlan;
  readonly programs: Programs;
  readonly secrets: Secrets;
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly services: readonly { readonly nodeId: string; readonly name: string; readonly apiUrl: string }[];
  /** Whether the database was there before this start. */
  readonly data: 'created' | 'kept' | 'elsewhere';
  /** In the order of their start: `redis`, `postgres`, `asterisk`, `service-n1`… */
  children(): readonly ChildView[];
  /** Sends a signal to a child; with `stayDown` it is not started again until `start(name)`. */
  kill(name: string, signal: NodeJS.Signals, options?: { readonly stayDown?: boolean }): void;
  start(name: string): Promise<void>;
  /** Ends all children in reverse order, each in bounded time; `now` kills them at once. Repeats safely. */
  stop(options?: { readonly now?: boolean }): Promise<void>;
}

export function wantedPorts(
  ports: PortPlan,
  request: { readonly services: readonly ServiceRequest[]; readonly withRedis: boolean },
): WantedPort[] {
  const local = '127.0.0.1';
  return [
    { protocol: 'udp', address: ports.bind, port: ports.sip, purpose: 'SIP', setting: 'DOZVON_SIP_PORT' },
    { protocol: 'tcp', address: local, port: ports.ari, purpose: "Asterisk's ARI", setting: 'DOZVON_ARI_PORT' },
    { protocol: 'tcp', address: local, port: ports.ami, purpose: "Asterisk's AMI", setting: 'DOZVON_AMI_PORT' },
    ...(request.withRedis
      ? [
          {
            protocol: 'tcp',
            address: local,
            port: ports.redis,
            purpose: 'Redis',
            setting: 'DOZVON_REDIS_PORT',
          } as const,
        ]
      : []),
    ...request.services.map(
      ({ apiPort }): WantedPort => ({
        protocol: 'tcp',
        address: ports.apiBind,
        port: apiPort,
        purpose: 'the API',
        setting: 'DOZVON_API_PORT',
      }),
    ),
  ];
}

async function prepare(request: StackRequest): Promise<Prepared> {
  const user = request.user ?? chooseServiceUser(undefined);
  const services = request.services ?? [{ nodeId: 'n1', apiPort: request.ports.api }];
  const home = homePlaces(resolve(request.homeDir), request.name ?? 'main');
  const leftovers = await clearHome(home);
  if (leftovers > 0) request.onProgress(`Ended ${leftovers} servers that an earlier start had left`);
  await checkPorts(wantedPorts(request.ports, { services, withRedis: request.redisUrl === undefined }));
  prepareHome(home, user);
  const memory = judgeMemoryFolder(dirname(home.memoryDir));
  if (memory.state === 'doubtful') request.onProgress(`Note: ${memory.found}. ${memory.next}`);
  try {
    return await gather(request, { services, user, home });
  } catch (error) {
    leaveMemoryFolder(home);
    throw error;
  }
}

/** Finds, fetches and makes what the children need, in a home that is ours alone. */
async function gather(
  request: StackRequest,
  { services, user, home }: Pick<Prepared, 'services' | 'user' | 'home'>,
): Promise<Prepared> {
  if (request.redisUrl !== undefined) await askRedis(request.redisUrl);
  if (request.databaseUrl !== undefined) await askPostgres(request.databaseUrl);

  const rootsDir = request.rootsDir ?? join(home.dir, 'runtime');
  const programs = await findPrograms(
    { ...request.sources, rootsDir, onProgress: request.onProgress },
    { withRedis: request.redisUrl === undefined },
  );
  const postgresDir =
    request.databaseUrl === undefined ? await preparePostgres({ rootsDir, onProgress: request.onProgress }) : undefined;
  if (!canRead(user, [programs.asterisk.moduleDir])) {
    throw new DozvonError(
      'HOME_NOT_WRITABLE',
      `The user ${user.name}, who runs the servers, cannot enter ${rootsDir}: set DOZVON_RUNTIME_ROOT to a folder under /var/lib, for example.`,
    );
  }
  const secrets = ensureSecrets(
    home,
    request.hotline.operators.map((operator) => operator.extension),
  );
  const app = request.copyApp
    ? await copyApp(request.appDir, rootsDir, request.onProgress)
    : { dir: request.appDir, node: packagedNode(request.appDir) };
  const postgres: PostgresPlan | undefined =
    postgresDir === undefined
      ? undefined
      : {
          programDir: postgresDir,
          clusterDir: join(home.postgresDir, 'cluster'),
          socketDir: home.socketDir,
          runDir: home.runDir,
          password: secrets.databasePassword,
          user,
        };
  return {
    request,
    services,
    user,
    home,
    programs,
    secrets,
    app,
    configPath: reachableConfig(request, home, app, user),
    postgres,
    redisUrl: request.redisUrl ?? redisUrl(request.ports.redis, secrets.redisPassword),
    databaseUrl: request.databaseUrl ?? postgresUrl(home.socketDir, secrets.databasePassword),
  };
}

/** The hotline's configuration where the service can read it: in place, in the copy of the clone, or in a copy of its own. */
function reachableConfig(request: StackRequest, home: Home, app: RunnableApp, user: ServiceUser): string {
  const path = resolve(request.hotline.configPath);
  const inside = relative(request.appDir, path);
  if (app.dir !== request.appDir && !inside.startsWith('..')) return join(app.dir, inside);
  if (!user.switched || canRead(user, [path])) return path;
  const isFolder = statSync(path).isDirectory();
  const copy = join(home.runDir, 'config');
  rmSync(copy, { recursive: true, force: true });
  cpSync(isFolder ? path : dirname(path), copy, { recursive: true });
  giveTreeTo(user, copy);
  return isFolder ? copy : join(copy, relative(dirname(path), path));
}

/** Made before the database and never after it: data whose key is lost must not be joined by data under another. */
async function ensureKeyFile(prepared: Prepared): Promise<void> {
  const { home, postgres, user } = prepared;
  if (statSync(home.keyFile, { throwIfNoEntry: false }) !== undefined) return;
  if (postgres !== undefined && hasCluster(postgres)) {
    throw new DozvonError(
      'KEY_FILE_MISSING',
      `The key file ${home.keyFile} is missing though there are data sealed under it: restore it from its copy.`,
    );
  }
  await createKeyFile(home.keyFile);
  giveTo(user, home.keyFile);
}

/**
 * Starts Redis, PostgreSQL, Asterisk and the service in this order, each when the one before it serves, and keeps them running. What
 * is missing is fetched first. Throws with one sentence (`PORT_TAKEN`, `ALREADY_RUNNING`, `NO_NETWORK`, `CHILD_FAILED`, …) and
 * leaves nothing running then.
 */
export async function startStack(request: StackRequest): Promise<Stack> {
  const prepared = await prepare(request);
  const { home, services } = prepared;
  const children = new ChildSet((event) => {
    if (event.type === 'spawned') record();
    request.onEvent?.(event);
  });
  const record = (): void =>
    recordStack(home, {
      children: children.all.flatMap(({ plan, process }) =>
        process === undefined ? [] : [{ name: plan.name, stopSignal: plan.stopSignal, ...process }],
      ),
      apiUrls: services.map(({ apiPort }) => apiUrl(request.ports.apiBind, apiPort)),
      sip: { address: request.ports.bind, port: request.ports.sip },
      testing: request.testing,
      configPath: prepared.configPath,
    });
  const stop = async (options: { readonly now?: boolean } = {}): Promise<void> => {
    await children.stop(options.now ?? false);
    forgetStack(home);
    leaveMemoryFolder(home);
  };

  let data: Stack['data'] = 'elsewhere';
  try {
    record();
    await ensureKeyFile(prepared);
    if (prepared.postgres !== undefined)
      data = (await ensureCluster(prepared.postgres)) === 'created' ? 'created' : 'kept';
    for (const plan of [...redisPlan(prepared), ...postgresPlan(prepared)]) await children.start(plan);
    if (prepared.postgres !== undefined) await ensureDatabase(home.socketDir, prepared.secrets.databasePassword);
    await children.start(asteriskPlan(prepared));
    for (const service of services) await children.start(servicePlan(prepared, service));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    home,
    ports: request.ports,
    programs: prepared.programs,
    secrets: prepared.secrets,
    redisUrl: prepared.redisUrl,
    databaseUrl: prepared.databaseUrl,
    services: services.map(({ nodeId, apiPort }) => ({
      nodeId,
      name: `service-${nodeId}`,
      apiUrl: apiUrl(request.ports.apiBind, apiPort),
    })),
    data,
    children: () =>
      children.all.map(({ plan, state, pid, restarts }) => ({
        name: plan.name,
        title: plan.title,
        state,
        pid,
        restarts,
      })),
    kill: (name, signal, options) => children.named(name).kill(signal, options),
    start: (name) => children.named(name).start(),
    stop,
  };
}
