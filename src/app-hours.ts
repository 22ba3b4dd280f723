import type { QueueDay, QueueHours } from './acd/index.ts';
import type { CallBackSurroundings } from './callbacks/index.ts';
import type { HotlineConfig, Line } from './config/index.ts';
import { dayMs } from './foundation/index.ts';
import { evaluateSchedule, type OpenHour, openHours, type Schedule } from './schedule/index.ts';

type Hours = Pick<HotlineConfig, 'lines' | 'schedules' | 'calendar' | 'flows'>;

/** A line that does not open within so long has no next opening for a call-back. */
const openingWithinMs = 14 * dayMs;

export function lineHours(
  config: Pick<Hours, 'lines' | 'schedules' | 'calendar'>,
  lineId: string,
  atMs: number,
): ReturnType<CallBackSurroundings['lineHours']> {
  const line = config.lines.find(({ id }) => id === lineId);
  const schedule = line && config.schedules[line.scheduleId];
  if (schedule === undefined) return undefined;
  const { open, closesAtMs, opensAtMs, why } = evaluateSchedule(schedule, config.calendar, atMs);
  const isSoon = opensAtMs !== undefined && opensAtMs <= atMs + openingWithinMs;
  return {
    open,
    day: why.date,
    ...(closesAtMs === undefined ? {} : { untilMs: closesAtMs }),
    ...(isSoon ? { nextMs: opensAtMs } : {}),
  };
}

/** When some line is open whose callers come to the queue. */
export function queueHours(config: Hours): QueueHours {
  const schedulesOf = (queueId: string): readonly Schedule[] => {
    const ids = new Set(config.lines.filter((line) => leadsTo(config, line, queueId)).map((line) => line.scheduleId));
    return [...ids].flatMap((id) => config.schedules[id] ?? []);
  };
  return {
    timeZone: (queueId) => schedulesOf(queueId)[0]?.timeZone ?? 'UTC',
    days(queueId, nowMs, { firstAhead, count }) {
      const schedules = schedulesOf(queueId);
      return Array.from({ length: schedules.length === 0 ? 0 : count }, (_, i) =>
        oneDay(
          schedules.map((schedule) => openHours(schedule, config.calendar, { atMs: nowMs, daysAhead: firstAhead + i })),
        ),
      );
    },
  };
}

/** Until the last of the lines closes whose callers come into the queue; of a queue that only other queues send callers to, of all lines. */
export function openFor(config: Hours, queueId: string, nowMs: number): number {
  const leading = config.lines.filter((line) => leadsTo(config, line, queueId));
  const lines = leading.length === 0 ? config.lines : leading;
  const open = lines.map(({ scheduleId }) => {
    const schedule = config.schedules[scheduleId];
    if (schedule === undefined) return 0;
    const verdict = evaluateSchedule(schedule, config.calendar, nowMs);
    if (!verdict.open) return 0;
    return (verdict.closesAtMs ?? Number.POSITIVE_INFINITY) - nowMs;
  });
  return Math.max(0, ...open);
}

/** Whether callers of the line come into the queue by themselves: it is the line's own, or its flow has them queue there. */
function leadsTo({ flows }: Pick<Hours, 'flows'>, { defaultQueueId, flowId }: Line, queueId: string): boolean {
  if (defaultQueueId === queueId) return true;
  const nodes = Object.values(flows[flowId]?.nodes ?? {});
  return nodes.some((node) => node.type === 'enqueue' && node.queue === queueId);
}

/** The hours of several schedules united; the first says which day it is. */
function oneDay(days: readonly ReturnType<typeof openHours>[]): QueueDay {
  const hours = days.flatMap((day) => day.hours).sort((one, other) => one.fromMs - other.fromMs);
  const open: OpenHour[] = [];
  for (const piece of hours) {
    const fromMs = Math.max(piece.fromMs, open.at(-1)?.untilMs ?? 0);
    if (fromMs < piece.untilMs) open.push({ ...piece, fromMs });
  }
  const [first] = days;
  // Saturdays and Sundays differ; a working day is like another.
  const kind = first?.kind === 'weekend' ? `weekend${first.weekday}` : (first?.kind ?? '');
  return { day: first?.date ?? '', kind, open };
}
