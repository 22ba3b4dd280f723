import { type DayNumber, dayNumberOf, isoDate, weekdayOf } from './wall-clock.ts';

/**
 * What a day is by the production calendar. `movedDayOff`: a weekday made free in place of a holiday or a worked weekend day.
 * `workingWeekend`: a Saturday or Sunday made a working day.
 */
export const dayKinds = ['workingDay', 'weekend', 'publicHoliday', 'movedDayOff', 'workingWeekend'] as const;
export type DayKind = (typeof dayKinds)[number];

export interface PublicHoliday {
  /** `MM-DD`. */
  readonly day: string;
  readonly name: string;
  /** Where its day off goes when it falls on a weekend (Labour Code, article 112). */
  readonly onWeekend: 'nextWorkingDay' | 'byDecree';
}

/** A day off taken from the weekend day `from` and given to the weekday `to`; ISO dates. */
export interface Transfer {
  readonly from: string;
  readonly to: string;
}

/** The Government's yearly decree. A year without one is computed from the law alone and provisional. */
export interface YearDecree {
  readonly year: number;
  readonly decree: string;
  readonly transfers: readonly Transfer[];
}

export interface CalendarData {
  readonly publicHolidays: readonly PublicHoliday[];
  readonly decrees: readonly YearDecree[];
}

export interface CalendarDay {
  readonly date: string;
  readonly kind: DayKind;
  /** A working day before a public holiday, or one that stands in for such a day: an hour shorter by law. */
  readonly shortened: boolean;
  /** No decree for this year yet: days off may still be moved. */
  readonly provisional: boolean;
  readonly holidayName?: string;
  /** For `movedDayOff` and `workingWeekend`: the date it was swapped with. */
  readonly swappedWith?: string;
}

export interface CalendarYear {
  readonly year: number;
  readonly decree?: string;
  readonly provisional: boolean;
  /** Mondays to Fridays that are free. */
  readonly weekdaysOff: readonly string[];
  readonly workingWeekends: readonly string[];
  readonly shortened: readonly string[];
  readonly daysOff: number;
  readonly workingDays: number;
}

export interface ProductionCalendar {
  /** `date`: an existing ISO date, or its day number. */
  day(date: string | DayNumber): CalendarDay;
  year(year: number): CalendarYear;
}

/** Years are computed when first asked for and kept as long as the calendar. */
export function createCalendar(data: CalendarData): ProductionCalendar {
  const years = new Map<number, readonly CalendarDay[]>();
  const daysOf = (year: number): readonly CalendarDay[] => {
    let days = years.get(year);
    if (days === undefined) {
      days = computeYear(data, year);
      years.set(year, days);
    }
    return days;
  };
  return {
    day(date) {
      const iso = typeof date === 'number' ? isoDate(date) : date;
      const year = Number(iso.slice(0, 4));
      const found = daysOf(year)[existingDay(iso) - firstDay(year)];
      if (found === undefined) throw new RangeError(`expected a date of the year ${year}, got ${iso}`);
      return found;
    },
    year: (year) => summarise(data, year, daysOf(year)),
  };
}

function existingDay(iso: string): DayNumber {
  const day = dayNumberOf(iso);
  if (day === undefined) throw new RangeError(`expected an existing date as YYYY-MM-DD, got ${iso}`);
  return day;
}

function firstDay(year: number): DayNumber {
  return existingDay(`${String(year).padStart(4, '0')}-01-01`);
}

function isWeekend(day: DayNumber): boolean {
  return weekdayOf(day) >= 6;
}

/**
 * Article 112: a public holiday that falls on a weekend moves its day off to the next working day, unless the decree moves it elsewhere;
 * those of January are moved by decree only. A working day before a public holiday is shortened, and a working weekend day inherits the
 * shortening of the weekday it stands in for.
 */
function computeYear(data: CalendarData, year: number): readonly CalendarDay[] {
  const start = firstDay(year);
  const end = firstDay(year + 1);
  const holidays = new Map(data.publicHolidays.map((holiday) => [holiday.day, holiday]));
  const holidayOn = (day: DayNumber): PublicHoliday | undefined => holidays.get(isoDate(day).slice(5));
  const transfers = data.decrees.flatMap((decree) => decree.transfers); // a decree may reach over the turn of the year
  const freed = new Map<DayNumber, DayNumber>(transfers.map(({ from, to }) => [existingDay(to), existingDay(from)]));
  const moved = new Map<DayNumber, DayNumber>(transfers.map(({ from, to }) => [existingDay(from), existingDay(to)]));

  for (let day = start; day < end; day += 1) {
    if (!isWeekend(day) || moved.has(day) || holidayOn(day)?.onWeekend !== 'nextWorkingDay') continue;
    let target = day + 1;
    while (isWeekend(target) || holidayOn(target) !== undefined || freed.has(target)) target += 1;
    freed.set(target, day);
    moved.set(day, target);
  }

  const kindOf = (day: DayNumber): DayKind => {
    if (holidayOn(day) !== undefined) return 'publicHoliday';
    if (freed.has(day)) return 'movedDayOff';
    if (!isWeekend(day)) return 'workingDay';
    return moved.has(day) ? 'workingWeekend' : 'weekend';
  };
  const provisional = !data.decrees.some((decree) => decree.year === year);
  const days: CalendarDay[] = [];
  for (let day = start; day < end; day += 1) {
    const kind = kindOf(day);
    const swapped = kind === 'movedDayOff' ? freed.get(day) : kind === 'workingWeekend' ? moved.get(day) : undefined;
    const beforeHoliday = holidayOn(day + 1) !== undefined;
    const standsInBeforeHoliday =
      kind === 'workingWeekend' && swapped !== undefined && holidayOn(swapped + 1) !== undefined;
    const holidayName = holidayOn(day)?.name;
    days.push({
      date: isoDate(day),
      kind,
      shortened: isWorking(kind) && (beforeHoliday || standsInBeforeHoliday),
      provisional,
      ...(holidayName === undefined ? {} : { holidayName }),
      ...(swapped === undefined ? {} : { swappedWith: isoDate(swapped) }),
    });
  }
  return days;
}

function isWorking(kind: DayKind): boolean {
  return kind === 'workingDay' || kind === 'workingWeekend';
}

function summarise(data: CalendarData, year: number, days: readonly CalendarDay[]): CalendarYear {
  const decree = data.decrees.find((candidate) => candidate.year === year)?.decree;
  const dates = (test: (day: CalendarDay) => boolean): readonly string[] => days.filter(test).map((day) => day.date);
  const workingDays = days.filter((day) => isWorking(day.kind)).length;
  return {
    year,
    ...(decree === undefined ? {} : { decree }),
    provisional: decree === undefined,
    weekdaysOff: dates((day) => !isWorking(day.kind) && !isWeekend(existingDay(day.date))),
    workingWeekends: dates((day) => day.kind === 'workingWeekend'),
    shortened: dates((day) => day.shortened),
    daysOff: days.length - workingDays,
    workingDays,
  };
}
