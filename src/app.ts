import { hostname } from 'node:os';
import { basename } from 'node:path';
import { type AcdService, createAcdService, QueueObservations, withTalking } from './acd/index.ts';
import { type CallBackApi, createApi, hashToken, type LineNow, tokenAuthenticator } from './api/index.ts';
import { apiOf, type CallBacks, callBackOffers, composeCallBacks } from './app-call-backs.ts';
import { Closers } from './app-closers.ts';
import { recordActivity, watchSecurity } from './app-events.ts';
import { type Levels, startLevels } from './app-levels.ts';
import { settleOldRecordings, startRecordings } from './app-recordings.ts';
import { type CaseService, createCaseService } from './cases/index.ts';
import {
  type HotlineConfig,
  loadHotlineConfig,
  normaliseAni,
  readServiceSettings,
  type ServiceSettings,
} from './config/index.ts';
import {
  type ContactService,
  createContactService,
  QueueWatch,
  rulesFromConfig,
  talkingWaits,
} from './contact/index.ts';
import {
  bySystem,
  type Clock,
  DozvonError,
  type Logger,
  messageOf,
  secondMs,
  systemClock,
  withLimit,
} from './foundation/index.ts';
import { createLogger } from './pino-logger.ts';
import type { RecordingService } from './recording/index.ts';
import { recordingPort } from './recording-port.ts';
import { evaluateSchedule } from './schedule/index.ts';
import { createDueJobs, type DueJobs } from './store/jobs/index.ts';
import { createPostgresStores, type PostgresStores } from './store/postgres/index.ts';
import { createRedisStores, type RedisStores } from './store/redis/index.ts';
import { createTelephony } from './telephony/index.ts';
import { createVault, type Vault } from './vault/index.ts';
import { readVersion } from './version.ts';

/** Begins every key of this system in Redis. */
const redisPrefix = 'dozvon:';

/** Where the event stream begins. */
const streamStart = '0-0';

/** Below the supervisor's patience with this process. */
const stopLimitMs = 8 * secondMs;

/** A running service process. */
export interface Service {
  /** Stops in the reverse order of the start: no new work, then the shards, then the stores. Calls stay in Asterisk. */
  stop(): Promise<void>;
}

/** Composes and starts everything one process does. Rejects with a code, and leaves nothing running, when a part cannot start. */
export async function startService(settings: ServiceSettings, logger: Logger): Promise<Service> {
  const closers = new Closers(logger);
  try {
    await compose(settings, logger, closers);
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
  return { stop: () => closers.closeAll() };
}

async function compose(settings: ServiceSettings, logger: Logger, closers: Closers): Promise<void> {
  const clock = systemClock();
  const hotline = await loadConfig(settings, logger);
  const vault = await createVault({ keyFile: settings.keyFile });

  const postgres = createPostgresStores({ databaseUrl: settings.databaseUrl, sealer: vault, logger });
  closers.add('PostgreSQL', () => postgres.close());
  await postgres.migrate();
  const meta = bySystem(settings.nodeId, 'serviceStarted');
  await postgres.configVersions.record(hotline.version, hotline.source, { meta, atMs: clock.nowMs() });

  const redis = await createRedisStores({ url: settings.redisUrl, prefix: redisPrefix, logger });
  closers.add('Redis', () => redis.close());

  const { config } = hotline;
  const observations = isObserved(config) ? new QueueObservations(clock.nowMs()) : undefined;
  const acd = createAcdService({
    store: redis.queue,
    clock,
    logger,
    ...(observations === undefined ? {} : { observations }),
    queues: config.queues,
    operators: config.operators,
    callBacks: callBackOffers(config.callBacks),
  });
  const recordings = await startRecordings(settings, { clock, logger, vault, postgres });
  closers.add('the recordings', () => recordings.stop());
  await acd.start();
  closers.add('the queue', () => acd.stop());

  const requests = createCaseService({ repository: postgres.cases });
  const liveContacts = (): Promise<ReadonlySet<string>> => contactsOf(settings.allShards, redis);
  const shared = { clock, logger, postgres, redis, acd, requests, liveContacts };
  const callBacks = composeCallBacks({
    ...shared,
    config,
    repository: postgres.callBacks,
    history: postgres.loadHistory,
  });
  const contacts = createContacts(settings, { ...shared, vault, recordings, hotline, callBacks });
  closers.add('the contacts', () => contacts.stop());
  await contacts.start();
  await settleOldRecordings(recordings, { liveContacts, logger });
  const jobs = createJobs(settings, { ...shared, recordings, callBacks });
  await startCallBacks(callBacks, { contacts, jobs }, closers);
  await jobs.start();
  closers.add('the jobs', () => jobs.stop());

  recordActivity(redis, postgres, { closers, logger });
  if (observations !== undefined) watchQueues(config, observations, { redis, closers, logger });
  watchSecurity(settings, { clock, logger, closers });
  const levels = startLevels({
    config,
    acd,
    waits: withTalking({
      waits: postgres.waits,
      talking: () => talkingWaits({ shards: settings.allShards, states: redis.contactStates, sealer: vault }),
      clock,
    }),
    alarms: redis.alarms,
    events: redis.events,
    clock,
    logger,
  });
  closers.add('the watch on targets', () => levels.stop());
  const callBackApi = apiOf(callBacks, postgres.callBacks, config);
  await startApi(settings, { ...shared, contacts, config, callBacks: callBackApi, levels, closers });
  logger.info({ nodeId: settings.nodeId, configVersion: hotline.version, version: readVersion() }, 'service started');
}

/** The plan first: room for promises is known when the first caller asks. */
async function startCallBacks(
  callBacks: CallBacks,
  parts: { readonly contacts: ContactService; readonly jobs: DueJobs },
  closers: Closers,
): Promise<void> {
  callBacks.hand(parts);
  await callBacks.plan.start();
  closers.add('the plan of call-backs', () => callBacks.plan.stop());
}

/** Every contact that some process has, by the stored states. */
async function contactsOf(shards: readonly string[], redis: RedisStores): Promise<ReadonlySet<string>> {
  const states = await Promise.all(shards.map((shard) => redis.contactStates.loadShard(shard)));
  return new Set(states.flat().map(({ contactId }) => contactId));
}

interface LoadedConfig {
  readonly config: HotlineConfig;
  readonly version: string;
  readonly source: string;
}

async function loadConfig(settings: ServiceSettings, logger: Logger): Promise<LoadedConfig> {
  const loaded = await loadHotlineConfig(settings.configPath, { soundsDir: settings.soundsDir });
  if (!loaded.ok) {
    for (const fault of loaded.faults) logger.error({ ...fault }, 'the configuration has a fault');
    throw new DozvonError('CONFIG_INVALID', `${settings.configPath} has ${loaded.faults.length} faults`);
  }
  for (const warning of loaded.warnings) logger.warn({ ...warning }, 'the configuration works, but hardly as meant');
  return loaded;
}

interface ContactParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly vault: Vault;
  readonly postgres: PostgresStores;
  readonly redis: RedisStores;
  readonly acd: AcdService;
  readonly requests: CaseService;
  readonly recordings: RecordingService;
  readonly callBacks: CallBacks;
  readonly hotline: LoadedConfig;
}

function createContacts(settings: ServiceSettings, parts: ContactParts): ContactService {
  const { clock, logger, vault, postgres, redis, acd, requests, callBacks, hotline } = parts;
  const rules = rulesFromConfig(hotline.config, hotline.version);
  return createContactService({
    nodeId: settings.nodeId,
    ownShards: settings.shards,
    telephonyFor: (shard) =>
      createTelephony({
        ari: settings.ari,
        shard,
        nodeId: settings.nodeId,
        extensions: hotline.config.operators.map((operator) => operator.extension),
        dialTrunks: hotline.config.trunks.flatMap(({ name, dial }) => (dial === undefined ? [] : [name])),
        soundsDir: settings.soundsDir,
        clock,
        logger,
      }),
    ports: {
      queue: acd,
      recordings: recordingPort(parts.recordings),
      requests,
      records: postgres.records,
      callers: postgres.callers,
      callBacks: callBacks.service,
    },
    leases: redis.leases,
    states: redis.contactStates,
    inbox: redis.inbox,
    sealer: vault,
    rules: () => rules,
    clock,
    logger,
    testing: settings.testing,
  });
}

/** What is due later, by whichever process comes to it first. No gateway sends notices yet: they stay in the outbox. */
function createJobs(
  settings: ServiceSettings,
  parts: Pick<ContactParts, 'clock' | 'logger' | 'postgres' | 'recordings' | 'callBacks'> & {
    readonly liveContacts: () => Promise<ReadonlySet<string>>;
  },
): DueJobs {
  const { clock, logger, postgres, recordings, callBacks } = parts;
  return createDueJobs({
    redisUrl: settings.redisUrl,
    prefix: redisPrefix,
    outbox: postgres.outbox,
    gateways: {},
    settleSpools: () => settleOldRecordings(recordings, parts),
    host: `${hostname()}-${basename(settings.spoolDir)}`.replace(/[^A-Za-z0-9-]/g, '-'),
    callBacks: callBacks.times,
    clock,
    logger,
  });
}

/** Estimates are for who is told them, or offered something because of them; forecasts rest on the same. */
function isObserved({ queues, announcements, callBacks }: HotlineConfig): boolean {
  return queues.some(
    ({ id, ladder }) => ladder !== undefined || announcements[id] !== undefined || callBacks[id] !== undefined,
  );
}

/** Unacknowledged: what estimates rest on may miss an event, and begins with what the stream still holds. */
function watchQueues(
  config: HotlineConfig,
  observations: QueueObservations,
  parts: { readonly redis: RedisStores; readonly closers: Closers; readonly logger: Logger },
): void {
  const abort = new AbortController();
  const watch = new QueueWatch(
    observations,
    (queueId) => config.queues.find(({ id }) => id === queueId)?.wrapUpMs !== 0,
  );
  const watching = parts.redis.events.follow(streamStart, (event) => watch.take(event), abort.signal);
  const told = watching.catch((error: unknown) =>
    parts.logger.error({ error: messageOf(error) }, 'estimates rest on what has been seen so far'),
  );
  parts.closers.add('the watch on the queues', async () => {
    abort.abort();
    await told;
  });
}

interface ApiParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly postgres: PostgresStores;
  readonly redis: RedisStores;
  readonly acd: AcdService;
  readonly contacts: ContactService;
  readonly config: HotlineConfig;
  readonly callBacks: CallBackApi;
  readonly levels: Levels;
  readonly closers: Closers;
}

async function startApi(settings: ServiceSettings, parts: ApiParts): Promise<void> {
  const { clock, logger, postgres, redis, acd, contacts, config, callBacks, closers } = parts;
  const api = createApi({
    ports: {
      acd,
      lines: () => linesNow(config, clock.nowMs()),
      callBacks,
      records: postgres.records,
      events: redis.events,
      cases: postgres.cases,
      outbox: postgres.outbox,
      journal: postgres.journal,
      levels: parts.levels.ports,
      health: [
        { part: 'asterisk', check: async () => contacts.assertConnected() },
        { part: 'redis', check: () => redis.ping() },
        { part: 'postgres', check: () => postgres.ping() },
      ],
      normaliseAni: (text) => {
        const normalised = normaliseAni(text, { defaultCountry: config.settings.country });
        return normalised.known ? normalised.e164 : undefined;
      },
      clock,
    },
    authenticator: tokenAuthenticator([
      {
        tokenId: 'first',
        tokenHash: hashToken(settings.api.token),
        scopes: ['read', 'operators:write', 'queues:write', 'callBacks:write', 'pii:read'],
      },
    ]),
    logger,
    settings: { host: settings.api.bind, port: settings.api.port },
  });
  const { url } = await api.start();
  closers.add('the API', () => api.stop());
  logger.info({ url }, 'API is served');
}

function linesNow(config: HotlineConfig, nowMs: number): readonly LineNow[] {
  return config.lines.flatMap((line) => {
    const schedule = config.schedules[line.scheduleId];
    if (!schedule) return [];
    const verdict = evaluateSchedule(schedule, config.calendar, nowMs);
    const { id: lineId, name, numbers, scheduleId } = line;
    return [{ lineId, name, numbers, scheduleId, timeZone: schedule.timeZone, verdict }];
  });
}

/** `dozvon serve FILE`: one service process until it is told to stop. Resolves with the exit code. */
export async function runService(settingsFile: string): Promise<number> {
  const settings = readServiceSettings(settingsFile);
  const logger = createLogger({ name: `dozvon-${settings.nodeId}`, level: process.env.DOZVON_LOG_LEVEL ?? 'info' });
  const told = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  });
  const service = await startService(settings, logger);
  logger.info({ signal: await told }, 'service stops');
  await withLimit(service.stop(), stopLimitMs, 'stopping the service').catch((error: unknown) => {
    logger.error({ error: messageOf(error) }, 'the service did not stop in time');
  });
  return 0;
}
