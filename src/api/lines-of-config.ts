import type { HotlineConfig } from '../config/index.ts';
import { evaluateSchedule } from '../schedule/index.ts';
import type { LineNow } from './ports.ts';

/** The configured lines with the verdict of their schedules at an instant. */
export function linesOfConfig(
  config: Pick<HotlineConfig, 'lines' | 'schedules' | 'calendar'>,
  nowMs: number,
): readonly LineNow[] {
  return config.lines.flatMap((line) => {
    const schedule = config.schedules[line.scheduleId];
    if (schedule === undefined) return []; // the configuration is checked: there is none without
    return {
      lineId: line.id,
      name: line.name,
      numbers: line.numbers,
      scheduleId: schedule.scheduleId,
      timeZone: schedule.timeZone,
      verdict: evaluateSchedule(schedule, config.calendar, nowMs),
    };
  });
}
