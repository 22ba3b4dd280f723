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
import { type Clock, type Logger, messageOf } from './foundation/index.ts';
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
  const stopFollowing = followEvents(parts, (event) => {
    if (event.source === 'system') return;
    forecasts.changed();
    if (event.source === 'contact') targets.changed();
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
      await stopFollowing();
      await Promise.all([targets.stop(), forecasts.stop()]);
    },
  };
}

/** From now on: what was before is in the records. */
function followEvents({ events, logger }: LevelParts, take: (event: StreamEvent) => void): () => Promise<void> {
  const abort = new AbortController();
  const following = events.follow(undefined, take, abort.signal).catch((error: unknown) => {
    logger.error({ error: messageOf(error) }, 'targets and forecasts are no longer looked at');
  });
  return async () => {
    abort.abort();
    await following;
  };
}

function zonesOf({ lines, schedules }: HotlineConfig): readonly TimeZoneLines[] {
  const byZone = Map.groupBy(lines, (line) => schedules[line.scheduleId]?.timeZone ?? 'UTC');
  return [...byZone].map(([timeZone, own]) => ({ timeZone, lineIds: own.map(({ id }) => id) }));
}
