import type { CalendarDay, DayKind, ProductionCalendar } from './calendar.ts';
import { type DayNumber, dayNumberOf, type WallTime, weekdayOf } from './wall-clock.ts';

/** Minutes since 00:00 on the wall; `fromMinute` belongs to the interval, `toMinute` (up to 1440) does not. */
export interface Interval {
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** Intervals of one day in order, without overlap; they may touch (shifts). Empty: closed all day. */
export type DayHours = readonly Interval[];

export interface WeeklyHours {
  readonly kind: 'weekly';
  /** Monday first, seven entries. */
  readonly week: readonly DayHours[];
  /** Undefined: holidays are days like others. */
  readonly holidayHours?: DayHours;
  readonly holidayHoursOn: readonly DayKind[];
  /** Hours of a Saturday or Sunday made a working day: those of the weekday it stands in for, or its own. */
  readonly workingWeekendHours: 'workingDay' | 'weekend';
  /** The last interval of a shortened day ends this much earlier. */
  readonly shortenedByMinutes: number;
}

/** A dated override. Start and end are dates and times on the schedule's wall clock; the start belongs to it, the end does not. */
export interface ScheduleException {
  readonly start: WallTime;
  readonly end: WallTime;
  /** Hours of every day it covers. */
  readonly hours: DayHours;
  readonly reason: string;
}

/** When a line is open, as data. Made by `scheduleSchema` from the configuration. */
export interface Schedule {
  readonly scheduleId: string;
  readonly name: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly hours: { readonly kind: 'always' } | WeeklyHours;
  /** Where two overlap, the later in the list decides. */
  readonly exceptions: readonly ScheduleException[];
}

export type ScheduleRule = 'always' | 'weekdayHours' | 'holidayHours' | 'workingWeekendHours' | 'exception';

/** The hours of one day before exceptions, and which rule gave them. */
export interface PlannedDay {
  readonly rule: Exclude<ScheduleRule, 'exception'>;
  readonly hours: DayHours;
  readonly calendarDay: CalendarDay;
}

export const roundTheClock: DayHours = [{ fromMinute: 0, toMinute: 1440 }];

/** Holiday hours win over the weekday's own, also on a Saturday or Sunday. */
export function planDay(schedule: Schedule, calendar: ProductionCalendar, day: DayNumber): PlannedDay {
  const calendarDay = calendar.day(day);
  const { hours } = schedule;
  if (hours.kind === 'always') return { rule: 'always', hours: roundTheClock, calendarDay };
  if (hours.holidayHours !== undefined && hours.holidayHoursOn.includes(calendarDay.kind)) {
    return { rule: 'holidayHours', hours: hours.holidayHours, calendarDay };
  }
  const standsIn = calendarDay.kind === 'workingWeekend' && hours.workingWeekendHours === 'workingDay';
  const modelDay = (standsIn ? dayNumberOf(calendarDay.swappedWith ?? '') : undefined) ?? day;
  const planned = hours.week[weekdayOf(modelDay) - 1] ?? [];
  return {
    rule: standsIn ? 'workingWeekendHours' : 'weekdayHours',
    hours: calendarDay.shortened ? shorten(planned, hours.shortenedByMinutes) : planned,
    calendarDay,
  };
}

/** Takes minutes off the end of the day; whole intervals too when they are shorter than that. */
function shorten(hours: DayHours, byMinutes: number): DayHours {
  const last = hours.at(-1);
  if (byMinutes <= 0 || last === undefined) return hours;
  const endMinute = last.toMinute - byMinutes;
  return hours
    .map((interval) => ({ fromMinute: interval.fromMinute, toMinute: Math.min(interval.toMinute, endMinute) }))
    .filter((interval) => interval.fromMinute < interval.toMinute);
}

/** The exception that decides at this wall time, if any. */
export function exceptionAt(schedule: Schedule, wall: WallTime): ScheduleException | undefined {
  return schedule.exceptions.findLast(
    (exception) => compareWall(exception.start, wall) <= 0 && compareWall(wall, exception.end) < 0,
  );
}

export function compareWall(a: WallTime, b: WallTime): number {
  return a.day - b.day || a.minute - b.minute;
}

/** True when the production calendar can change this schedule's hours. */
export function followsCalendar(schedule: Schedule): boolean {
  const { hours } = schedule;
  if (hours.kind === 'always') return false;
  return hours.holidayHours !== undefined || hours.workingWeekendHours === 'workingDay' || hours.shortenedByMinutes > 0;
}
