import { z } from 'zod';
import { type CalendarData, dayKinds, type YearDecree } from './calendar.ts';
import {
  compareWall,
  type DayHours,
  type Interval,
  roundTheClock,
  type Schedule,
  type ScheduleException,
} from './schedule.ts';
import { dayNumberOf, hourAndMinute, isTimeZone, type WallTime, weekdayOf } from './wall-clock.ts';

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

const hoursNotation = '"closed", "roundTheClock", an interval as HH:mm-HH:mm, or a list of intervals';

/** `closed`, `roundTheClock`, `08:00-20:00`, or a list of intervals in any order, which may touch but not overlap. */
const hoursSchema = z.unknown().transform((value, ctx): DayHours => {
  const fail = (message: string): never => {
    ctx.addIssue({ code: 'custom', message, input: value });
    return z.NEVER;
  };
  if (value === 'closed') return [];
  if (value === 'roundTheClock') return roundTheClock;
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  const intervals: Interval[] = [];
  for (const text of texts) {
    const interval = typeof text === 'string' ? parseInterval(text) : undefined;
    if (interval === undefined) return fail(hoursNotation);
    if (interval.fromMinute >= interval.toMinute) {
      return fail('an interval that ends after it starts; over midnight write two, the first until 24:00');
    }
    intervals.push(interval);
  }
  intervals.sort((a, b) => a.fromMinute - b.fromMinute);
  const overlap = intervals.find((interval, index) => interval.fromMinute < (intervals[index - 1]?.toMinute ?? 0));
  return overlap === undefined
    ? intervals
    : fail(`intervals that do not overlap (one more starts at ${hourAndMinute(overlap.fromMinute)})`);
});

function parseInterval(text: string): Interval | undefined {
  const [from, to, ...rest] = text.split('-').map((time) => parseMinute(time.trim()));
  if (from === undefined || to === undefined || rest.length > 0) return undefined;
  return { fromMinute: from, toMinute: to };
}

/** Minutes since midnight of `HH:mm`; `24:00` is the end of the day. */
function parseMinute(text: string): number | undefined {
  const match = /^(\d{2}):(\d{2})$/.exec(text);
  if (match === null) return undefined;
  const [hour, minute] = [Number(match[1]), Number(match[2])];
  return minute < 60 && hour * 60 + minute <= 1440 ? hour * 60 + minute : undefined;
}

const dateSchema = z
  .string()
  .refine((text) => dayNumberOf(text) !== undefined, { error: 'an existing date as YYYY-MM-DD' });

/** A date or a date with a time, on the wall clock of the schedule's zone. */
const wallTimeSchema = z.unknown().transform((value, ctx): WallTime => {
  const match = typeof value === 'string' ? /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}))?$/.exec(value) : null;
  const day = dayNumberOf(match?.[1] ?? '');
  const minute = parseMinute(match?.[2] ?? '00:00');
  if (match === null || day === undefined || minute === undefined) {
    ctx.addIssue({
      code: 'custom',
      message: 'an existing date or a date with a time, as YYYY-MM-DD or YYYY-MM-DDTHH:mm',
      input: value,
    });
    return z.NEVER;
  }
  return minute === 1440 ? { day: day + 1, minute: 0 } : { day, minute };
});

const exceptionSchema = z
  .strictObject({ start: wallTimeSchema, end: wallTimeSchema, hours: hoursSchema, reason: z.string().trim().min(1) })
  .superRefine((exception, ctx) => {
    if (compareWall(exception.start, exception.end) >= 0) {
      ctx.addIssue({ code: 'custom', path: ['end'], message: 'an end after the start', input: undefined });
    }
  }) satisfies z.ZodType<ScheduleException>;

/** A schedule as written in the configuration; `parse` gives a `Schedule`. */
export const scheduleSchema = z
  .strictObject({
    id: z.string().regex(/^[A-Za-z][\w-]*$/),
    name: z.string().min(1),
    timeZone: z.string().refine(isTimeZone, { error: 'an IANA time zone such as Europe/Moscow' }),
    /** Open at every instant; then nothing below but exceptions applies. */
    always: z.literal(true).optional(),
    week: z
      .strictObject({
        monday: hoursSchema,
        tuesday: hoursSchema,
        wednesday: hoursSchema,
        thursday: hoursSchema,
        friday: hoursSchema,
        saturday: hoursSchema,
        sunday: hoursSchema,
      })
      .optional(),
    holidayHours: hoursSchema.optional(),
    holidayHoursOn: z.array(z.enum(dayKinds)).min(1).default(['publicHoliday', 'movedDayOff']),
    workingWeekendHours: z.enum(['workingDay', 'weekend']).default('workingDay'),
    shortenedByMinutes: z.int().min(0).max(720).default(0),
    exceptions: z.array(exceptionSchema).default([]),
  })
  .superRefine((written, ctx) => {
    if ((written.always === true) === (written.week !== undefined)) {
      ctx.addIssue({
        code: 'custom',
        path: ['week'],
        message: 'either the hours of a week or "always: true"',
        input: undefined,
      });
    }
  })
  .transform((written): Schedule => {
    const { week } = written;
    return {
      scheduleId: written.id,
      name: written.name,
      timeZone: written.timeZone,
      hours:
        week === undefined
          ? { kind: 'always' }
          : {
              kind: 'weekly',
              week: weekdays.map((weekday) => week[weekday]),
              ...(written.holidayHours === undefined ? {} : { holidayHours: written.holidayHours }),
              holidayHoursOn: written.holidayHoursOn,
              workingWeekendHours: written.workingWeekendHours,
              shortenedByMinutes: written.shortenedByMinutes,
            },
      exceptions: written.exceptions,
    };
  });

const transferSchema = z.strictObject({
  from: dateSchema.refine((date) => weekdayOf(dayNumberOf(date) ?? 0) >= 6, { error: 'a Saturday or a Sunday' }),
  to: dateSchema.refine((date) => weekdayOf(dayNumberOf(date) ?? 0) < 6, { error: 'a Monday to Friday' }),
});

const decreeSchema = z
  .strictObject({ year: z.int().min(1992).max(2200), decree: z.string().min(1), transfers: z.array(transferSchema) })
  .superRefine((decree, ctx) => {
    for (const [index, { from, to }] of decree.transfers.entries()) {
      if (![from, to].some((date) => date.startsWith(`${decree.year}-`))) {
        ctx.addIssue({
          code: 'custom',
          path: ['transfers', index],
          message: `a transfer of the year ${decree.year}`,
          input: `${from} to ${to}`,
        });
      }
    }
  }) satisfies z.ZodType<YearDecree>;

/** The production calendar as written in the configuration. */
export const calendarSchema = z
  .strictObject({
    publicHolidays: z
      .array(
        z.strictObject({
          day: z
            .string()
            .refine((day) => dayNumberOf(`2024-${day}`) !== undefined, { error: 'a day of the year as MM-DD' }),
          name: z.string().min(1),
          onWeekend: z.enum(['nextWorkingDay', 'byDecree']),
        }),
      )
      .min(1),
    decrees: z.array(decreeSchema),
  })
  .superRefine((calendar, ctx) => {
    const holidays = new Set(calendar.publicHolidays.map((holiday) => holiday.day));
    for (const [index, { year, transfers }] of calendar.decrees.entries()) {
      if (calendar.decrees.findIndex((other) => other.year === year) !== index) {
        ctx.addIssue({
          code: 'custom',
          path: ['decrees', index, 'year'],
          message: 'one decree for a year',
          input: year,
        });
      }
      for (const [at, { to }] of transfers.entries()) {
        if (!holidays.has(to.slice(5))) continue;
        const path = ['decrees', index, 'transfers', at, 'to'];
        ctx.addIssue({ code: 'custom', path, message: 'a working day, not a public holiday', input: to });
      }
    }
  }) satisfies z.ZodType<CalendarData>;
