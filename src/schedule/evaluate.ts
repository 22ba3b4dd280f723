import type { DayKind, ProductionCalendar } from './calendar.ts';
import { type DayHours, exceptionAt, followsCalendar, planDay, type Schedule, type ScheduleRule } from './schedule.ts';
import {
  candidateInstants,
  type DayNumber,
  isoDate,
  type LocalMoment,
  localMoment,
  type WallTime,
  type Weekday,
  wallTimeAt,
  weekdayOf,
} from './wall-clock.ts';

export interface ScheduleReason {
  readonly rule: ScheduleRule;
  /** The date on the schedule's wall. */
  readonly date: string;
  readonly weekday: Weekday;
  readonly dayKind: DayKind;
  readonly shortened: boolean;
  readonly holidayName?: string;
  /** For the rule `exception`: the reason that was entered with it. */
  readonly exceptionReason?: string;
}

export interface ScheduleVerdict {
  readonly open: boolean;
  readonly why: ScheduleReason;
  /** When open: the instant from which it is closed. Undefined when it does not close within `closingLookAheadDays`. */
  readonly closesAtMs?: number;
  readonly closes?: LocalMoment;
  /** When closed: the first open instant. Undefined when it does not open within `openingLookAheadDays`. */
  readonly opensAtMs?: number;
  readonly opens?: LocalMoment;
  /** A day looked at is in a year whose decree is not known yet: days off may still be moved. */
  readonly provisional: boolean;
}

/** A year and a month: a longer closure is announced by no schedule. */
const openingLookAheadDays = 400;
/** Longer than any holiday; who is open a fortnight on end is as good as open round the clock, and the search stays cheap. */
const closingLookAheadDays = 14;

/**
 * Whether the line is open at an instant, why, and when that changes. What counts is what the clock on the wall of the schedule's zone
 * shows: a skipped hour is never open, one that occurs twice is open both times. The opening minute is open, the closing one is not.
 * Constant within a minute.
 */
export function evaluateSchedule(schedule: Schedule, calendar: ProductionCalendar, atMs: number): ScheduleVerdict {
  const now = wallTimeAt(schedule.timeZone, atMs);
  const why = reasonAt(schedule, calendar, now);
  const open = isOpen(schedule, calendar, now);
  const change = nextChange(schedule, calendar, { atMs, open });
  const daysSeen = [now.day, change?.day ?? now.day];
  const provisional = followsCalendar(schedule) && daysSeen.some((day) => calendar.day(day).provisional);
  const verdict = { open, why, provisional };
  if (change === undefined) return verdict;
  const moment = localMoment(schedule.timeZone, change.atMs, atMs);
  return open
    ? { ...verdict, closesAtMs: change.atMs, closes: moment }
    : { ...verdict, opensAtMs: change.atMs, opens: moment };
}

/** A stretch of a date in which the line is open, within one hour of the wall. */
export interface OpenHour {
  /** 0–23, as the wall shows it. */
  readonly hour: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** When the line is open on the date that the schedule's wall shows `daysAhead` days after that of `atMs`; days of one kind are alike in what they bring. */
export function openHours(
  schedule: Schedule,
  calendar: ProductionCalendar,
  at: { readonly atMs: number; readonly daysAhead: number },
): { readonly date: string; readonly kind: DayKind; readonly weekday: Weekday; readonly hours: readonly OpenHour[] } {
  const { timeZone } = schedule;
  const day = wallTimeAt(timeZone, at.atMs).day + at.daysAhead;
  const fullHours = Array.from({ length: 24 }, (_, hour) => hour * 60);
  const instants = candidateInstants(timeZone, day, [...edgesOf(schedule, calendar, day), ...fullHours, 1440]);
  const inOrder = [...new Set(instants)].toSorted((a, b) => a - b);
  const hours = inOrder.flatMap((fromMs, i): readonly OpenHour[] => {
    const wall = wallTimeAt(timeZone, fromMs);
    const untilMs = inOrder[i + 1];
    if (wall.day !== day || untilMs === undefined || !isOpen(schedule, calendar, wall)) return [];
    return [{ hour: Math.floor(wall.minute / 60), fromMs, untilMs }];
  });
  return { date: isoDate(day), kind: calendar.day(day).kind, weekday: weekdayOf(day), hours };
}

function reasonAt(schedule: Schedule, calendar: ProductionCalendar, wall: WallTime): ScheduleReason {
  const planned = planDay(schedule, calendar, wall.day);
  const exception = exceptionAt(schedule, wall);
  const { kind, shortened, holidayName } = planned.calendarDay;
  return {
    rule: exception === undefined ? planned.rule : 'exception',
    date: isoDate(wall.day),
    weekday: weekdayOf(wall.day),
    dayKind: kind,
    shortened,
    ...(holidayName === undefined ? {} : { holidayName }),
    ...(exception === undefined ? {} : { exceptionReason: exception.reason }),
  };
}

function isOpen(schedule: Schedule, calendar: ProductionCalendar, wall: WallTime): boolean {
  const hours = exceptionAt(schedule, wall)?.hours ?? planDay(schedule, calendar, wall.day).hours;
  return covers(hours, wall.minute);
}

function covers(hours: DayHours, minute: number): boolean {
  return hours.some((interval) => interval.fromMinute <= minute && minute < interval.toMinute);
}

/** The first instant after `atMs` at which the answer is the other one. Walks the edges of hours and exceptions day by day. */
function nextChange(
  schedule: Schedule,
  calendar: ProductionCalendar,
  from: { readonly atMs: number; readonly open: boolean },
): { readonly atMs: number; readonly day: DayNumber } | undefined {
  const { timeZone } = schedule;
  const today = wallTimeAt(timeZone, from.atMs).day;
  const lastDay = today + (from.open ? closingLookAheadDays : openingLookAheadDays);
  for (let day = today; day <= lastDay; day += 1) {
    const instants = candidateInstants(timeZone, day, edgesOf(schedule, calendar, day)).filter((at) => at > from.atMs);
    for (const at of instants.toSorted((a, b) => a - b)) {
      const wall = wallTimeAt(timeZone, at);
      // The first minute of another day is that day's edge; taking it here could pass over an earlier one.
      if (wall.day === day && isOpen(schedule, calendar, wall) !== from.open) return { atMs: at, day };
    }
  }
  return undefined;
}

/** Minutes of the day at which the answer can change. Midnight always: the next day has its own hours. */
function edgesOf(schedule: Schedule, calendar: ProductionCalendar, day: DayNumber): readonly number[] {
  const edges = new Set<number>([0]);
  const add = (hours: DayHours): void => {
    for (const interval of hours) edges.add(interval.fromMinute).add(interval.toMinute);
  };
  add(planDay(schedule, calendar, day).hours);
  for (const exception of schedule.exceptions) {
    if (exception.start.day > day || exception.end.day < day) continue;
    add(exception.hours);
    if (exception.start.day === day) edges.add(exception.start.minute);
    if (exception.end.day === day) edges.add(exception.end.minute);
  }
  return [...edges];
}
