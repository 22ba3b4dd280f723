import {
  type AcdService,
  type AlarmBoard,
  ForecastWatch,
  TargetWatch,
  type TimeZoneLines,
  type WaitRecords,
} from './acd/index.ts';
import type { ApiPorts } from './api/index.ts';
import { openFor } from './app-hours.ts';
import type { HotlineConfig } from './config/index.ts';
import type { EventStream, StreamEvent } from './contact/index.ts';
import { type Clock, type Logger, messageOf, secondMs } from './foundation/index.ts';
import { periodAt, periodsOf } from './schedule/index.ts';

export interface LevelParts {
  readonly config: HotlineConfig;
  readonly acd: AcdService;
  readonly waits: WaitRecords;
  readonly alarms: AlarmBoard;
  readonly events: Pick<EventStream, 'follow'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Service level of a running process: the watches on targets and forecasts, and what the API shows of it. */
export interface Levels {
  readonly ports: ApiPorts['levels'];
  stop(): Promise<void>;
}

export function startLevels(parts: LevelParts): Levels {
  const { config, waits, alarms, clock, logger } = parts;
  const zones = zonesOf(config);
  const targets = new TargetWatch({ waits, alarms, settings: config.targets, zones, periodAt, clock, logger });
  const openForMs = (queueId: string, nowMs: number): number => openFor(config, queueId, nowMs);
  const forecasts = new ForecastWatch({ ...parts, settings: config.targets.forecast, openForMs });
  const stopListening = listen(parts, (event) => {
    if (event.source === 'system') return 'wantsMore';
    forecasts.changed();
    if (event.source !== 'contact') return 'wantsMore';
    targets.changed();
    return 'knows';
  });
  return {
    ports: {
      waits,
      targets: config.targets,
      zones,
      periodsOf,
      startOfDayMs: (timeZone, atMs) => periodAt(timeZone, 'day', atMs).fromMs,
      forecasts: () => forecasts.latest(),
      alarms,
    },
    async stop() {
      await stopListening();
      await Promise.all([targets.stop(), forecasts.stop()]);
    },
  };
}

/**
 * Once something is known to have happened: what is asked for by it is done once a minute at most, and to read each event of a busy hotline would
 * cost more than all of that.
 */
const deafMs = 30 * secondMs;

/** From now on, as what was before is in the records; after a time of deafness from where it began, so that nothing is missed. */
function listen(
  { events, clock, logger }: LevelParts,
  take: (event: StreamEvent) => 'knows' | 'wantsMore',
): () => Promise<void> {
  const ending = new AbortController();
  const listening = (async () => {
    for (let lastId: string | undefined; !ending.signal.aborted; ) {
      const heard = new AbortController();
      const deliver = (event: StreamEvent): void => {
        lastId = event.id;
        if (take(event) === 'knows') heard.abort();
      };
      await events.follow(lastId, deliver, AbortSignal.any([ending.signal, heard.signal]));
      await pauseUntil(clock, clock.nowMs() + deafMs, ending.signal);
    }
  })().catch((error: unknown) => {
    logger.error({ error: messageOf(error) }, 'targets and forecasts are no longer looked at');
  });
  return async () => {
    ending.abort();
    await listening;
  };
}

async function pauseUntil(clock: Clock, atMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.setTimer(atMs, resolve);
  const end = (): void => resolve();
  signal.addEventListener('abort', end, { once: true });
  await promise;
  signal.removeEventListener('abort', end);
  cancel();
}

function zonesOf({ lines, schedules }: HotlineConfig): readonly TimeZoneLines[] {
  const byZone = Map.groupBy(lines, (line) => schedules[line.scheduleId]?.timeZone ?? 'UTC');
  return [...byZone].map(([timeZone, own]) => ({ timeZone, lineIds: own.map(({ id }) => id) }));
}
