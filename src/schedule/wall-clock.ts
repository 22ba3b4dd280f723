import { IANAZone } from 'luxon';
import { DozvonError, dayMs, hourMs, minuteMs } from '../foundation/index.ts';

/** ISO weekday: 1 is Monday, 7 is Sunday. */
export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** Days since 1970-01-01 of a date on the wall: arithmetic on dates without a zone. */
export type DayNumber = number;

/** What the clock on the wall of a zone shows. */
export interface WallTime {
  readonly day: DayNumber;
  /** Minutes since 00:00 as the hands show them, 0–1439. */
  readonly minute: number;
}

/** A moment as it is told to people. */
export interface LocalMoment {
  /** ISO date in the schedule's zone. */
  readonly date: string;
  /** `HH:mm` in the schedule's zone. */
  readonly time: string;
  readonly weekday: Weekday;
  /** Calendar days from the date of the question: 0 is today, 1 is tomorrow. */
  readonly dayOffset: number;
}

/** Undefined when there is no such date (2027-02-30) or the text is not `YYYY-MM-DD`. */
export function dayNumberOf(date: string): DayNumber | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return undefined;
  const ms = Date.parse(`${date}T00:00:00Z`);
  return Number.isNaN(ms) || isoDate(ms / dayMs) !== date ? undefined : ms / dayMs;
}

export function isoDate(day: DayNumber): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

export function weekdayOf(day: DayNumber): Weekday {
  return (((((day + 3) % 7) + 7) % 7) + 1) as Weekday; // day 0 was a Thursday
}

export function hourAndMinute(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

export function isTimeZone(name: string): boolean {
  return IANAZone.isValidZone(name);
}

/** The zone's distance from UTC at an instant, in milliseconds (Moscow: +3 h). */
function offsetMs(zone: string, atMs: number): number {
  const minutes = IANAZone.create(zone).offset(atMs);
  if (Number.isNaN(minutes)) throw new DozvonError('UNKNOWN_TIME_ZONE', `expected an IANA time zone, got ${zone}`);
  return minutes * minuteMs;
}

export function wallTimeAt(zone: string, atMs: number): WallTime {
  const localMs = atMs + offsetMs(zone, atMs);
  const day = Math.floor(localMs / dayMs);
  return { day, minute: Math.floor((localMs - day * dayMs) / minuteMs) };
}

export function localMoment(zone: string, atMs: number, askedAtMs: number): LocalMoment {
  const { day, minute } = wallTimeAt(zone, atMs);
  return {
    date: isoDate(day),
    time: hourAndMinute(minute),
    weekday: weekdayOf(day),
    dayOffset: day - wallTimeAt(zone, askedAtMs).day,
  };
}

/** When the wall first shows `minute` on the day `dayOffset` days from the date at `atMs`; when the clocks skip it, when they have. */
export function instantOnWall(
  zone: string,
  wanted: { readonly atMs: number; readonly dayOffset: number; readonly minute: number },
): number {
  const { atMs, dayOffset, minute } = wanted;
  const day = wallTimeAt(zone, atMs).day + dayOffset;
  const instants = candidateInstants(zone, day, [minute]).toSorted((one, other) => one - other);
  const first = instants.find((instant) => {
    const wall = wallTimeAt(zone, instant);
    return wall.day > day || (wall.day === day && wall.minute >= minute);
  });
  return first ?? day * dayMs + minute * minuteMs;
}

/**
 * Every instant at which the wall may begin to show one of `minutes` on `day`, and the instant at which the clocks are put forward or
 * back around that day. When an hour is skipped or occurs twice this holds more instants than needed: whoever walks them asks each
 * what the wall shows then.
 */
export function candidateInstants(zone: string, day: DayNumber, minutes: readonly number[]): readonly number[] {
  const before = day * dayMs - 15 * hourMs; // no zone is further from UTC than 14 hours
  const after = (day + 1) * dayMs + 15 * hourMs;
  const offsets = [offsetMs(zone, before)];
  const instants: number[] = [];
  const offsetAfter = offsetMs(zone, after);
  if (offsetAfter !== offsets[0]) {
    offsets.push(offsetAfter);
    instants.push(clockChange(zone, before, after));
  }
  for (const offset of offsets) for (const minute of minutes) instants.push(day * dayMs + minute * minuteMs - offset);
  return instants;
}

/** The first whole minute with the later offset. Between two instants with different offsets the clocks change once. */
function clockChange(zone: string, fromMs: number, toMs: number): number {
  const earlier = offsetMs(zone, fromMs);
  let low = fromMs / minuteMs;
  let high = toMs / minuteMs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(zone, middle * minuteMs) === earlier) low = middle;
    else high = middle;
  }
  return high * minuteMs;
}
