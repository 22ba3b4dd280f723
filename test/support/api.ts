import {
  createAcdService,
  operatorSchema,
  QueueObservations,
  queueSchema,
  targetsSchema,
} from '../../src/acd/index.ts';
import {
  type Api,
  type ApiPorts,
  createApi,
  hashToken,
  type LineNow,
  type Scope,
  tokenAuthenticator,
} from '../../src/api/index.ts';
import { type JournalEntry, type Logger, silentLogger, systemClock } from '../../src/foundation/index.ts';
import { periodAt, periodsOf } from '../../src/schedule/index.ts';
import { createMemoryCases } from '../../src/store/memory/cases.ts';
import { createMemoryContactRecords } from '../../src/store/memory/contact-records.ts';
import { createMemoryStores } from '../../src/store/memory/index.ts';
import { createMemoryRecordingRepository } from '../../src/store/memory/recording-repository.ts';
import { createMemoryWaitRecords } from '../../src/store/memory/wait-records.ts';

export const tokens = { first: 'first-token-of-the-test', reader: 'reader-token-of-the-test' } as const;

const allScopes: readonly Scope[] = ['read', 'operators:write', 'queues:write', 'callBacks:write', 'pii:read'];

/** A line that is open, as the schedule room would say it. */
const supportLine: LineNow = {
  lineId: 'support',
  name: 'Support',
  numbers: ['+78005553535'],
  scheduleId: 'a',
  timeZone: 'Europe/Moscow',
  verdict: {
    open: true,
    why: { rule: 'weekdayHours', date: '2026-11-23', weekday: 1, dayKind: 'workingDay', shortened: false },
    closesAtMs: Date.UTC(2026, 10, 23, 17),
    provisional: false,
  },
};

/** The API over the memory twins, on a free port; `ports` replaces single ones. The caller stops it. */
export async function startTestApi(
  options: {
    readonly ports?: Partial<ApiPorts>;
    readonly logger?: Logger;
    readonly requestsPerMinute?: number;
    readonly port?: number;
  } = {},
) {
  const clock = systemClock();
  const logger = options.logger ?? silentLogger;
  const stores = createMemoryStores();
  const recordings = createMemoryRecordingRepository();
  const records = createMemoryContactRecords(recordings);
  const { cases, outbox } = createMemoryCases();
  const entries: JournalEntry[] = [];
  const acd = createAcdService({
    store: stores.queue,
    clock,
    logger: silentLogger,
    observations: new QueueObservations(clock.nowMs()),
    queues: [queueSchema.parse({ id: 'documents', name: 'Documents', requirement: [{ skill: 'documents' }] })],
    operators: [operatorSchema.parse({ id: '101', extension: '101', name: 'Anna', skills: { documents: 5 } })],
  });
  await acd.start();
  const ports: ApiPorts = {
    acd,
    lines: () => [supportLine],
    records,
    events: stores.events,
    cases,
    outbox,
    levels: {
      waits: createMemoryWaitRecords(() => records.list({ limit: 1_000 })),
      targets: targetsSchema.parse({}),
      zones: [{ timeZone: 'Europe/Moscow', lineIds: ['support'] }],
      periodsOf,
      startOfDayMs: (timeZone, atMs) => periodAt(timeZone, 'day', atMs).fromMs,
      forecasts: () => [],
      alarms: stores.alarms,
    },
    journal: { append: async (entry) => void entries.push(entry) },
    health: [
      { part: 'asterisk', check: async () => undefined },
      { part: 'redis', check: async () => undefined },
      { part: 'postgres', check: async () => undefined },
    ],
    normaliseAni: (text) => (/^\+?7\d{10}$/.test(text) ? `+${text.replace('+', '')}` : undefined),
    clock,
    ...options.ports,
  };
  const authenticator = tokenAuthenticator([
    { tokenId: 'first', tokenHash: hashToken(tokens.first), scopes: allScopes },
    { tokenId: 'reader', tokenHash: hashToken(tokens.reader), scopes: ['read'] },
  ]);
  const { requestsPerMinute } = options;
  const api: Api = createApi({
    ports,
    authenticator,
    logger,
    settings: {
      host: '127.0.0.1',
      port: options.port ?? 0,
      ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    },
  });
  const stop = async (): Promise<void> => {
    await api.stop();
    await acd.stop();
    await stores.close();
  };
  const { url } = await api.start().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    url,
    api,
    acd,
    stores,
    records,
    recordings,
    cases,
    entries,
    stop,
  };
}
