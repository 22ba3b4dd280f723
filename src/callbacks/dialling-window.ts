import { FixedOffsetZone, IANAZone, type Zone } from 'luxon';
import { DozvonError, dayMs, hourMs, minuteMs } from '../foundation/index.ts';
import type { NumberPlace } from './number-places.ts';

/** Nobody is called before and from these hours on, by any clock that may hang where the phone is. */
const earliestMs = 8 * hourMs;
const latestMs = 22 * hourMs;

/** A line that opens later than this is as good as closed for a call-back; the schedule is asked no further either. */
const lookAheadMs = 15 * dayMs;

/** Whether operators are there, until when, and when next; `undefined`: there is no such line. */
export type LineHours = (
  atMs: number,
) => { readonly open: boolean; readonly untilMs?: number; readonly nextMs?: number } | undefined;

/** `untilMs` does not belong to the stretch in which it may be dialled. Without `nextMs`: not within a fortnight. */
export type DiallingVerdict =
  | { readonly may: true; readonly untilMs: number }
  | { readonly may: false; readonly nextMs?: number };

/**
 * Whether a number may be dialled at `nowMs`: while the line's operators are there and it is between 08:00 and 22:00 in every zone
 * that the phone may be in. `nextMs` is the first instant from which it may.
 */
export function mayDial(place: NumberPlace, lineHours: LineHours, nowMs: number): DiallingVerdict {
  const zones = zonesOf(place);
  if (zones.length === 0) return { may: false };
  const constraints = [lineConstraint(lineHours), ...zones.map((zone) => (atMs: number) => decentHours(zone, atMs))];
  const now = allAt(constraints, nowMs);
  if (now.holds) return { may: true, untilMs: now.changesAtMs };
  let atMs = now.changesAtMs;
  while (atMs - nowMs <= lookAheadMs) {
    const then = allAt(constraints, atMs);
    if (then.holds) return { may: false, nextMs: atMs };
    if (then.changesAtMs <= atMs) throw badHours(atMs, then.changesAtMs);
    atMs = then.changesAtMs;
  }
  return { may: false };
}

function badHours(atMs: number, changesAtMs: number): DozvonError {
  return new DozvonError('HOURS_STAND_STILL', `expected hours that change after ${atMs}, they do at ${changesAtMs}`);
}

/** Whether it holds at the instant asked for, and the first after it at which that changes. */
interface Holding {
  readonly holds: boolean;
  readonly changesAtMs: number;
}

/** All hold until the first ends; where one does not, nothing can before it does. */
function allAt(constraints: readonly ((atMs: number) => Holding)[], atMs: number): Holding {
  let changesAtMs = Number.POSITIVE_INFINITY;
  for (const constraint of constraints) {
    const one = constraint(atMs);
    if (!one.holds) return one;
    changesAtMs = Math.min(changesAtMs, one.changesAtMs);
  }
  return { holds: true, changesAtMs };
}

function lineConstraint(lineHours: LineHours): (atMs: number) => Holding {
  return (atMs) => {
    const hours = lineHours(atMs);
    const changesAtMs = (hours?.open === true ? hours.untilMs : hours?.nextMs) ?? Number.POSITIVE_INFINITY;
    return { holds: hours?.open === true, changesAtMs };
  };
}

function zonesOf(place: NumberPlace): readonly Zone[] {
  if (place.kind === 'anywhere') return [];
  if (place.kind === 'offset') return [FixedOffsetZone.instance(place.minutes)];
  return place.zones.map((name) => IANAZone.create(name));
}

/** Clocks are changed on whole quarters of an hour everywhere. */
const quarterMs = 15 * minuteMs;

function decentHours(zone: Zone, atMs: number): Holding {
  const offsetMinutes = zone.offset(atMs);
  const timeOfDayMs = timeOfDay(atMs, offsetMinutes);
  const holds = isDecent(timeOfDayMs);
  const edgeMs = holds ? latestMs : earliestMs;
  const changesAtMs = atMs + ((edgeMs - timeOfDayMs + dayMs) % dayMs);
  if (zone.offset(changesAtMs) === offsetMinutes) return { holds, changesAtMs };
  // The clocks are changed on the way: looked at quarter by quarter, at most for a day.
  let quarter = Math.floor(atMs / quarterMs) * quarterMs;
  do quarter += quarterMs;
  while (isDecent(timeOfDay(quarter, zone.offset(quarter))) === holds);
  return { holds, changesAtMs: quarter };
}

function timeOfDay(atMs: number, offsetMinutes: number): number {
  return (((atMs + offsetMinutes * minuteMs) % dayMs) + dayMs) % dayMs;
}

function isDecent(timeOfDayMs: number): boolean {
  return timeOfDayMs >= earliestMs && timeOfDayMs < latestMs;
}

/** Whose watch says the next or the last hour already is taken at his word. */
const watchToleranceMs = 10 * minuteMs;
/** Minutes east of UTC from the westernmost to the easternmost clock. */
export const wholeHourOffsets: readonly number[] = Array.from({ length: 27 }, (_, at) => (at - 12) * 60);

/**
 * Minutes east of UTC of a caller who says that it is `hour` o'clock (0–23, minutes left off) where he is: of the zones his number may be
 * in, the one nearest to the line's clock; of all whole hours where nothing is known of the number. Up to twelve may be of an afternoon
 * or of midnight. `undefined`: it is that hour in none of the zones of his number, so he has mistaken it or the key.
 */
export function utcOffsetOf(said: {
  readonly hour: number;
  readonly atMs: number;
  readonly place: NumberPlace;
  /** IANA name. */
  readonly lineZone: string;
}): number | undefined {
  const { hour, atMs, place } = said;
  const lineOffset = IANAZone.create(said.lineZone).offset(atMs);
  const shows = (offset: number, oclock: number, aheadMs: number): boolean =>
    Math.floor(timeOfDay(atMs + aheadMs, offset) / hourMs) === oclock;
  const nearest = (offsets: readonly number[]): number | undefined =>
    offsets.toSorted((a, b) => Math.abs(a - lineOffset) - Math.abs(b - lineOffset))[0];
  const possible = place.kind === 'anywhere' ? wholeHourOffsets : zonesOf(place).map((zone) => zone.offset(atMs));
  const among = (oclock: number): number | undefined =>
    nearest(possible.filter((offset) => shows(offset, oclock, 0))) ??
    nearest(possible.filter((offset) => [-1, 1].some((way) => shows(offset, oclock, way * watchToleranceMs))));
  const isOfTwelve = hour >= 1 && hour <= 12;
  return among(hour) ?? (isOfTwelve ? among((hour + 12) % 24) : undefined);
}
