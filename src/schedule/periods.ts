import { minuteMs } from '../foundation/index.ts';
import { candidateInstants, type DayNumber, wallTimeAt } from './wall-clock.ts';

export type PeriodUnit = 'hour' | 'day';

/** From `fromMs` up to but not including `untilMs`. */
export interface Period {
  readonly fromMs: number;
  readonly untilMs: number;
}

const everyHour = Array.from({ length: 24 }, (_, hour) => hour * 60);

/**
 * Hours or days as the wall of a zone shows them, one after the other without a gap, that touch [fromMs, untilMs). A day may have 23 or 25 hours; an hour
 * that the wall shows twice is two periods, one that it skips is none, and where clocks change by half an hour one of them is shorter.
 */
export function periodsOf(
  zone: string,
  unit: PeriodUnit,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): readonly Period[] {
  const starts: number[] = [];
  const last = wallTimeAt(zone, untilMs).day;
  // A zone has skipped a whole day; one more before the first and two after the last hold every start that is needed.
  for (let day = wallTimeAt(zone, fromMs).day - 1; day <= last + 2; day += 1) starts.push(...startsIn(zone, unit, day));
  return starts.flatMap((startMs, i) => {
    const endMs = starts[i + 1];
    const touches = endMs !== undefined && endMs > fromMs && startMs < untilMs;
    return touches ? [{ fromMs: startMs, untilMs: endMs }] : [];
  });
}

/** The hour or day in which an instant lies. */
export function periodAt(zone: string, unit: PeriodUnit, atMs: number): Period {
  return periodsOf(zone, unit, { fromMs: atMs, untilMs: atMs + 1 })[0] ?? { fromMs: atMs, untilMs: atMs + 1 };
}

function startsIn(zone: string, unit: PeriodUnit, day: DayNumber): readonly number[] {
  const minutes = unit === 'day' ? [0] : everyHour;
  const within = [...new Set(candidateInstants(zone, day, minutes))]
    .filter((atMs) => wallTimeAt(zone, atMs).day === day)
    .sort((a, b) => a - b);
  return unit === 'day' ? within.slice(0, 1) : within.filter((atMs) => beginsHour(zone, atMs));
}

/** The wall shows another hour than a minute before, or has been put forward or back. */
function beginsHour(zone: string, atMs: number): boolean {
  const now = minuteOf(zone, atMs);
  const before = minuteOf(zone, atMs - minuteMs);
  return now - before !== 1 || Math.floor(now / 60) !== Math.floor(before / 60);
}

function minuteOf(zone: string, atMs: number): number {
  const { day, minute } = wallTimeAt(zone, atMs);
  return day * 24 * 60 + minute;
}
