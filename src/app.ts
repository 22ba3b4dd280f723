import { hostname } from 'node:os';
import { basename } from 'node:path';
import { type AcdService, activityOf, createAcdService, type QueueMoveKind, QueueObservations } from './acd/index.ts';
import { createApi, hashToken, type LineNow, tokenAuthenticator } from './api/index.ts';
import { createCaseService } from './cases/index.ts';
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
  noCallBacks,
  QueueWatch,
  rulesFromConfig,
  type StreamEvent,
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
import { createRecordingService, type RecordingService } from './recording/index.ts';
import { recordingPort } from './recording-port.ts';
import { evaluateSchedule } from './schedule/index.ts';
import { createFolderBlobStore } from './store/blobs/index.ts';
import { createDueJobs } from './store/jobs/index.ts';
import { type ActivityChange, createPostgresStores, type PostgresStores } from './store/postgres/index.ts';
import { createRedisStores, type RedisStores } from './store/redis/index.ts';
import { AmiConnection, type AmiEvent, createTelephony } from './telephony/index.ts';
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

/** Undoes what has been started, last first. */
class Closers {
  readonly #closers: { readonly what: string; readonly close: () => Promise<void> }[] = [];
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(what: string, close: () => Promise<void>): void {
    this.#closers.push({ what, close });
  }

  async closeAll(): Promise<void> {
    for (const { what, close } of this.#closers.splice(0).reverse()) {
      await close().catch((error: unknown) =>
        this.#logger.warn({ what, error: messageOf(error) }, 'a part did not stop cleanly'),
      );
    }
  }
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
  });
  const recordings = await startRecordings(settings, { clock, logger, vault, postgres, closers });
  await acd.start();
  closers.add('the queue', () => acd.stop());

  const contacts = createContacts(settings, { clock, logger, vault, postgres, redis, acd, recordings, hotline });
  closers.add('the contacts', () => contacts.stop());
  await contacts.start();
  await settleOldRecordings(settings, { redis, recordings, logger });
  await startDueJobs(settings, { clock, logger, postgres, redis, recordings, closers });

  readEvents(redis, postgres, { closers, logger });
  if (observations !== undefined) watchQueues(config, observations, { redis, closers, logger });
  watchSecurity(settings, { clock, logger, closers });
  await startApi(settings, { clock, logger, postgres, redis, acd, contacts, config, closers });
  logger.info({ nodeId: settings.nodeId, configVersion: hotline.version, version: readVersion() }, 'service started');
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

interface RecordingParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly vault: Vault;
  readonly postgres: PostgresStores;
  readonly closers: Closers;
}

async function startRecordings(settings: ServiceSettings, parts: RecordingParts): Promise<RecordingService> {
  const { clock, logger, vault, postgres, closers } = parts;
  const recordings = createRecordingService({
    spoolDir: settings.spoolDir,
    blobs: await createFolderBlobStore(settings.recordingsDir),
    repository: postgres.recordings,
    keys: vault,
    clock,
    logger,
  });
  await recordings.start();
  closers.add('the recordings', () => recordings.stop());
  return recordings;
}

interface ContactParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly vault: Vault;
  readonly postgres: PostgresStores;
  readonly redis: RedisStores;
  readonly acd: AcdService;
  readonly recordings: RecordingService;
  readonly hotline: LoadedConfig;
}

function createContacts(settings: ServiceSettings, parts: ContactParts): ContactService {
  const { clock, logger, vault, postgres, redis, acd, hotline } = parts;
  const rules = rulesFromConfig(hotline.config, hotline.version);
  const requests = createCaseService({ repository: postgres.cases });
  return createContactService({
    nodeId: settings.nodeId,
    ownShards: settings.shards,
    telephonyFor: (shard) =>
      createTelephony({
        ari: settings.ari,
        shard,
        nodeId: settings.nodeId,
        extensions: hotline.config.operators.map((operator) => operator.extension),
        soundsDir: settings.soundsDir,
        clock,
        logger,
      }),
    ports: {
      queue: acd,
      recordings: recordingPort(parts.recordings),
      requests,
      callBacks: noCallBacks(),
      records: postgres.records,
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

/** Recordings left open whose contact no process knows any more are sealed to their end; those of live contacts belong to their shard's owner. */
async function settleOldRecordings(
  settings: ServiceSettings,
  parts: { readonly redis: RedisStores; readonly recordings: RecordingService; readonly logger: Logger },
): Promise<void> {
  // Asked for after the open recordings have been read: a contact that arrives in between must count as live.
  let live: Promise<ReadonlySet<string>> | undefined;
  const liveContacts = async (): Promise<ReadonlySet<string>> => {
    const shards = await Promise.all(settings.allShards.map((shard) => parts.redis.contactStates.loadShard(shard)));
    return new Set(shards.flat().map(({ contactId }) => contactId));
  };
  const settled = await parts.recordings.recover(async (recording) => {
    live ??= liveContacts();
    return (await live).has(recording.contactId) ? 'leave' : 'close';
  });
  if (settled.closed.length > 0)
    parts.logger.info({ recordings: settled.closed.length }, 'recordings left open were sealed');
}

/** What is due later, by whichever process comes to it first. No gateway sends notices yet: they stay in the outbox. */
async function startDueJobs(
  settings: ServiceSettings,
  parts: Omit<RecordingParts, 'vault'> & { readonly redis: RedisStores; readonly recordings: RecordingService },
): Promise<void> {
  const { clock, logger, postgres, closers } = parts;
  const jobs = createDueJobs({
    redisUrl: settings.redisUrl,
    prefix: redisPrefix,
    outbox: postgres.outbox,
    gateways: {},
    settleSpools: () => settleOldRecordings(settings, parts),
    host: `${hostname()}-${basename(settings.spoolDir)}`.replace(/[^A-Za-z0-9-]/g, '-'),
    clock,
    logger,
  });
  await jobs.start();
  closers.add('the jobs', () => jobs.stop());
}

/** Refused sign-ins and strangers at Asterisk's doors, as its manager interface tells of them. Calls do not wait for it. */
function watchSecurity(
  settings: ServiceSettings,
  parts: { readonly clock: Clock; readonly logger: Logger; readonly closers: Closers },
): void {
  const { clock, closers } = parts;
  const logger = parts.logger.child({ part: 'security' });
  const onEvent = ({ name, fields }: AmiEvent): void => {
    const { service, remoteaddress, accountid } = fields;
    logger.warn({ event: name, service, remoteaddress, pii: { accountid } }, 'Asterisk refused somebody');
  };
  const ami = new AmiConnection({ access: settings.ami, clock, logger, onEvent });
  ami.start().catch((error: unknown) => {
    logger.error({ error: messageOf(error) }, 'security events of Asterisk are not seen');
  });
  closers.add('the manager interface', () => ami.stop());
}

/** The acknowledged reader of the event stream: operators' days, for reports. */
function readEvents(
  redis: RedisStores,
  postgres: PostgresStores,
  parts: { readonly closers: Closers; readonly logger: Logger },
): void {
  const abort = new AbortController();
  const record = (events: readonly StreamEvent[]): Promise<void> =>
    postgres.activity.record(events.flatMap(activityIn));
  const reading = redis.events.consume('operator-activity', record, abort.signal);
  reading.catch((error: unknown) =>
    parts.logger.error({ error: messageOf(error) }, 'operators’ activity is no longer recorded'),
  );
  parts.closers.add('the event reader', async () => {
    abort.abort();
    await reading;
  });
}

/** Estimates are for who is told them, or offered something because of them. */
function isObserved({ queues, announcements }: HotlineConfig): boolean {
  return queues.some(({ id, ladder }) => ladder !== undefined || announcements[id] !== undefined);
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

function activityIn({ id, source, operatorId, entry }: StreamEvent): readonly ActivityChange[] {
  if (source !== 'queue' || operatorId === undefined) return [];
  const meaning = activityOf(entry.kind as QueueMoveKind, entry.facts);
  return meaning === undefined ? [] : [{ ...meaning, operatorId, atMs: entry.atMs, sourceId: id }];
}

interface ApiParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly postgres: PostgresStores;
  readonly redis: RedisStores;
  readonly acd: AcdService;
  readonly contacts: ContactService;
  readonly config: HotlineConfig;
  readonly closers: Closers;
}

async function startApi(settings: ServiceSettings, parts: ApiParts): Promise<void> {
  const { clock, logger, postgres, redis, acd, contacts, config, closers } = parts;
  const api = createApi({
    ports: {
      acd,
      lines: () => linesNow(config, clock.nowMs()),
      records: postgres.records,
      events: redis.events,
      cases: postgres.cases,
      outbox: postgres.outbox,
      journal: postgres.journal,
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
        scopes: ['read', 'operators:write', 'queues:write', 'pii:read'],
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
