import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { DateTime } from 'luxon';
import t from 'tap';
import { parse } from 'yaml';
import {
  calendarSchema,
  createCalendar,
  evaluateSchedule,
  instantOnWall,
  openHours,
  type Schedule,
  type ScheduleVerdict,
  scheduleSchema,
} from '../../src/schedule/index.ts';

interface ReferenceYear {
  readonly decree: string;
  readonly weekdaysOff: readonly string[];
  readonly workingWeekends: readonly string[];
  readonly shortened: readonly string[];
  readonly daysOff: number;
  readonly workingDays: number;
}

const fixture = new URL('../fixtures/production-calendar.json', import.meta.url);
const reference = JSON.parse(readFileSync(fixture, 'utf8')) as Readonly<Record<string, ReferenceYear>>;
const shipped = parse(readFileSync(new URL('../../config/calendar/russia.yaml', import.meta.url), 'utf8')) as unknown;
const calendarData = calendarSchema.parse(shipped);
const calendar = createCalendar(calendarData);

const workingWeek = (hours: unknown): Record<string, unknown> => ({
  monday: hours,
  tuesday: hours,
  wednesday: hours,
  thursday: hours,
  friday: hours,
});
const moscow = { name: 'test', timeZone: 'Europe/Moscow' };
const writtenA = {
  id: 'A',
  ...moscow,
  week: { ...workingWeek(['08:00-14:00', '14:00-20:00']), saturday: '09:00-17:00', sunday: '10:00-16:00' },
  holidayHours: '09:00-13:00',
};
const writtenB = {
  id: 'B',
  ...moscow,
  week: { ...workingWeek('08:00-20:00'), saturday: '09:00-18:00', sunday: '10:00-16:00' },
  holidayHours: '10:00-14:00',
};
const scheduleA = scheduleSchema.parse(writtenA);
const scheduleB = scheduleSchema.parse(writtenB);
const always = scheduleSchema.parse({ id: 'always', ...moscow, always: true });

const at = (schedule: Schedule, iso: string): ScheduleVerdict => evaluateSchedule(schedule, calendar, Date.parse(iso));
const instant = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();

t.test('the calendar gives the reference years exactly, every day of them', async (t) => {
  let days = 0;
  for (const [year, expected] of Object.entries(reference)) {
    const computed = calendar.year(Number(year));
    t.same(computed.weekdaysOff, expected.weekdaysOff, `${year}: weekdays off`);
    t.same(computed.workingWeekends, expected.workingWeekends, `${year}: working weekends`);
    t.same(computed.shortened, expected.shortened, `${year}: shortened`);
    t.equal(computed.daysOff, expected.daysOff);
    t.equal(computed.workingDays, expected.workingDays);
    t.equal(computed.provisional, false);
    t.match(computed.decree, new RegExp(`${expected.decree.split(' N ')[1]}$`));
    const wrong: string[] = [];
    for (let day = DateTime.utc(Number(year), 1, 1); day.year === Number(year); day = day.plus({ days: 1 })) {
      const date = day.toFormat('yyyy-MM-dd');
      const free =
        expected.weekdaysOff.includes(date) || (day.weekday >= 6 && !expected.workingWeekends.includes(date));
      const got = calendar.day(date);
      const gotFree = got.kind !== 'workingDay' && got.kind !== 'workingWeekend';
      if (gotFree !== free || got.shortened !== expected.shortened.includes(date)) wrong.push(date);
      days += 1;
    }
    t.same(wrong, [], `${year}: every day is classified as the decree says`);
  }
  t.equal(days, 365 * 3);
});

t.test('what kind a day is', async (t) => {
  t.match(calendar.day('2027-05-09'), { kind: 'publicHoliday', holidayName: 'День Победы' }, 'a holiday on a Sunday');
  t.match(calendar.day('2027-05-10'), { kind: 'movedDayOff', swappedWith: '2027-05-09' }, 'moved by the law');
  t.match(calendar.day('2025-06-13'), { kind: 'movedDayOff', swappedWith: '2025-03-08' }, 'moved by the decree');
  t.match(calendar.day('2025-11-01'), { kind: 'workingWeekend', shortened: true, swappedWith: '2025-11-03' });
  t.match(calendar.day('2027-01-09'), { kind: 'weekend', shortened: false });
  t.match(
    calendar.day('2025-03-10'),
    { kind: 'workingDay' },
    'a decree that moves the day off elsewhere wins over the law',
  );
  t.throws(() => calendar.day('2027-02-29'), RangeError);
});

t.test('a year without a decree is computed from the law and marked provisional', async (t) => {
  const year = calendar.year(2028);
  t.equal(year.provisional, true);
  t.equal(year.decree, undefined);
  t.ok(year.weekdaysOff.includes('2028-01-03'), 'the January holidays');
  t.notOk(year.weekdaysOff.includes('2028-01-10'), 'a January holiday on a weekend is moved by a decree only');
  t.ok(year.weekdaysOff.includes('2028-11-06'), '4 November is a Saturday: Monday is free');
  t.ok(year.shortened.includes('2028-06-09') === false, '12 June is a Monday: nobody works the day before');
  t.equal(at(scheduleB, '2028-03-01T12:00:00+03:00').provisional, true);
  t.equal(at(scheduleB, '2027-12-31T15:00:00+03:00').provisional, true, 'the next opening lies in such a year');
  t.equal(at(scheduleB, '2027-03-01T12:00:00+03:00').provisional, false);
  t.equal(at(always, '2028-03-01T12:00:00+03:00').provisional, false, 'the calendar does not concern it');
});

t.test('a calendar with a mistake is refused', async (t) => {
  const refused = (transfers: unknown, path: readonly (string | number)[]): void => {
    const result = calendarSchema.safeParse({ ...calendarData, decrees: [{ year: 2027, decree: 'x', transfers }] });
    t.same(result.error?.issues[0]?.path, path);
  };
  refused([{ from: '2027-01-04', to: '2027-11-05' }], ['decrees', 0, 'transfers', 0, 'from']);
  refused([{ from: '2027-01-02', to: '2027-11-06' }], ['decrees', 0, 'transfers', 0, 'to']);
  refused([{ from: '2027-01-02', to: '2027-11-04' }], ['decrees', 0, 'transfers', 0, 'to']);
  refused([{ from: '2026-01-03', to: '2026-01-09' }], ['decrees', 0, 'transfers', 0]);
});

t.test('the hours of both schedules', async (t) => {
  const cases: readonly [Schedule, string, boolean, string][] = [
    [scheduleB, '2027-03-01T08:00:00+03:00', true, 'weekdayHours'], // the opening minute belongs to the hours
    [scheduleB, '2027-03-01T07:59:59.999+03:00', false, 'weekdayHours'],
    [scheduleB, '2027-03-01T19:59:59.999+03:00', true, 'weekdayHours'],
    [scheduleB, '2027-03-01T20:00:00+03:00', false, 'weekdayHours'],
    [scheduleA, '2027-03-01T14:00:00+03:00', true, 'weekdayHours'], // the hand-over between shifts leaves no gap
    [scheduleA, '2027-03-06T17:30:00+03:00', false, 'weekdayHours'],
    [scheduleB, '2027-03-06T17:30:00+03:00', true, 'weekdayHours'],
    [scheduleB, '2027-01-03T15:00:00+03:00', false, 'holidayHours'], // a Sunday within the holidays
    [scheduleB, '2027-01-03T13:59:00+03:00', true, 'holidayHours'],
    [scheduleB, '2027-05-09T15:00:00+03:00', false, 'holidayHours'],
    [scheduleA, '2027-05-09T09:30:00+03:00', true, 'holidayHours'],
    [scheduleA, '2027-05-10T13:00:00+03:00', false, 'holidayHours'], // a moved day off
    [scheduleB, '2027-02-20T19:30:00+03:00', true, 'workingWeekendHours'], // a working Saturday
    [scheduleB, '2027-11-03T19:30:00+03:00', true, 'weekdayHours'], // shortened by law, not by this line
    [always, '2027-01-01T03:00:00+03:00', true, 'always'],
  ];
  for (const [schedule, iso, open, rule] of cases) {
    t.match(at(schedule, iso), { open, why: { rule } }, `${schedule.scheduleId} at ${iso}`);
  }
});

t.test('settings of a line: moved days off, working Saturdays, shortened days', async (t) => {
  const own = scheduleSchema.parse({
    ...writtenA,
    holidayHoursOn: ['publicHoliday'],
    workingWeekendHours: 'weekend',
    shortenedByMinutes: 60,
  });
  t.match(at(own, '2027-05-10T15:00:00+03:00'), { open: true, why: { rule: 'weekdayHours', dayKind: 'movedDayOff' } });
  t.match(at(own, '2027-02-20T18:00:00+03:00'), {
    open: false,
    why: { rule: 'weekdayHours', dayKind: 'workingWeekend' },
  });
  t.match(at(own, '2027-11-03T19:00:00+03:00'), { open: false, why: { shortened: true } });
  t.equal(instant(at(own, '2027-11-03T18:00:00+03:00').closesAtMs), '2027-11-03T16:00:00.000Z');
});

t.test('when it closes and when it opens again', async (t) => {
  t.match(
    at(scheduleA, '2027-03-01T09:00:00+03:00').closes,
    { date: '2027-03-01', time: '20:00', dayOffset: 0 },
    'shifts are no closing',
  );
  const sunday = at(scheduleB, '2027-01-03T15:00:00+03:00');
  t.equal(instant(sunday.opensAtMs), '2027-01-04T07:00:00.000Z');
  t.same(sunday.opens, { date: '2027-01-04', time: '10:00', weekday: 1, dayOffset: 1 });
  t.match(at(scheduleB, '2027-03-01T07:00:00+03:00').opens, { date: '2027-03-01', time: '08:00', dayOffset: 0 });
  t.match(at(scheduleB, '2027-03-05T23:30:00+03:00').opens, {
    date: '2027-03-06',
    time: '09:00',
    weekday: 6,
    dayOffset: 1,
  });
  t.match(at(scheduleB, '2027-03-06T00:30:00+03:00').opens, { dayOffset: 0 });
  t.equal(at(always, '2027-03-01T07:00:00+03:00').closesAtMs, undefined);
  const never = scheduleSchema.parse({
    ...writtenB,
    week: { ...workingWeek('closed'), saturday: [], sunday: [] },
    holidayHours: [],
  });
  t.match(at(never, '2027-03-01T07:00:00+03:00'), { open: false, opensAtMs: undefined });
  const rare = scheduleSchema.parse({ ...writtenB, week: { ...workingWeek('closed'), saturday: [], sunday: [] } });
  t.match(at(rare, '2027-06-15T07:00:00+03:00').opens, { date: '2027-11-04', time: '10:00' });
});

t.test('exceptions: round the clock, closed, other hours; the later in the list decides', async (t) => {
  const schedule = scheduleSchema.parse({
    ...writtenB,
    exceptions: [
      { start: '2027-03-01T18:00', end: '2027-03-03T09:00', hours: 'roundTheClock', reason: 'mass enquiries' },
      { start: '2027-03-02T12:00', end: '2027-03-02T13:00', hours: 'closed', reason: 'evacuation drill' },
      { start: '2027-03-10', end: '2027-03-12', hours: '12:00-16:00', reason: 'power works' },
    ],
  });
  t.match(at(schedule, '2027-03-02T03:00:00+03:00'), {
    open: true,
    why: { rule: 'exception', exceptionReason: 'mass enquiries' },
  });
  t.equal(
    instant(at(schedule, '2027-03-01T09:00:00+03:00').closesAtMs),
    '2027-03-02T09:00:00.000Z',
    'through the night to the drill',
  );
  t.match(at(schedule, '2027-03-02T12:00:00+03:00'), { open: false, opens: { time: '13:00' } });
  t.equal(
    instant(at(schedule, '2027-03-02T13:00:00+03:00').closesAtMs),
    '2027-03-03T17:00:00.000Z',
    'its end does not cut the hours',
  );
  t.match(at(schedule, '2027-03-10T11:59:00+03:00'), { open: false, opens: { date: '2027-03-10', time: '12:00' } });
  t.match(at(schedule, '2027-03-11T16:00:00+03:00'), { open: false, opens: { date: '2027-03-12', time: '08:00' } });
  const shut = scheduleSchema.parse({
    id: 'always',
    ...moscow,
    always: true,
    exceptions: [{ start: '2027-03-02', end: '2027-03-03', hours: 'closed', reason: 'moving house' }],
  });
  t.equal(instant(at(shut, '2027-03-01T12:00:00+03:00').closesAtMs), '2027-03-01T21:00:00.000Z');
});

t.test('an hour that is skipped or occurs twice', async (t) => {
  const night = {
    id: 'night',
    name: 'night',
    timeZone: 'Europe/Berlin',
    week: { ...workingWeek('closed'), saturday: [], sunday: '01:00-02:30' },
  };
  const schedule = scheduleSchema.parse(night);
  // 2027-03-28 02:00 becomes 03:00; 2027-10-31 03:00 becomes 02:00 again.
  t.equal(
    instant(at(schedule, '2027-03-28T00:30:00Z').closesAtMs),
    '2027-03-28T01:00:00.000Z',
    'closes as the clocks go forward',
  );
  t.equal(instant(at(schedule, '2027-10-31T00:00:00Z').closesAtMs), '2027-10-31T00:30:00.000Z');
  t.match(at(schedule, '2027-10-31T00:45:00Z'), { open: false, opensAtMs: Date.parse('2027-10-31T01:00:00Z') });
  t.match(at(schedule, '2027-10-31T01:15:00Z'), { open: true, closesAtMs: Date.parse('2027-10-31T01:30:00Z') });
  const late = scheduleSchema.parse({
    ...night,
    week: { ...night.week, saturday: '10:00-24:00', sunday: '00:00-00:30' },
  });
  t.equal(
    instant(at(late, '2027-10-30T12:00:00Z').closesAtMs),
    '2027-10-30T22:30:00.000Z',
    'after midnight, before the clocks go back',
  );
  const skipped = scheduleSchema.parse({ ...night, week: { ...night.week, sunday: '02:15-05:00' } });
  t.equal(
    instant(at(skipped, '2027-03-28T00:00:00Z').opensAtMs),
    '2027-03-28T01:00:00.000Z',
    'opens when the clocks have gone forward',
  );
});

t.test('the announced change is the first one, in any zone', async (t) => {
  const zones = [
    'Europe/Moscow',
    'Europe/Berlin',
    'Asia/Kamchatka',
    'Asia/Kolkata',
    'America/New_York',
    'Australia/Lord_Howe',
    'Pacific/Apia',
  ];
  const zone = fc.constantFrom(...zones);
  const interval = fc.uniqueArray(fc.integer({ min: 0, max: 96 }), { minLength: 2, maxLength: 4 }).map((quarters) => {
    const text = quarters
      .toSorted((a, b) => a - b)
      .map((q) => `${String(Math.floor(q / 4)).padStart(2, '0')}:${String((q % 4) * 15).padStart(2, '0')}`);
    const first = `${text[0]}-${text[1]}`;
    return text.length < 4 ? [first] : [first, `${text[2]}-${text[3]}`];
  });
  const minute = fc.integer({ min: Date.parse('2025-01-01') / 60_000, max: Date.parse('2027-12-01') / 60_000 });
  fc.assert(
    fc.property(zone, interval, interval, minute, (timeZone, weekday, weekend, atMinute) => {
      const schedule = scheduleSchema.parse({
        id: 'any',
        name: 'any',
        timeZone,
        week: { ...workingWeek(weekday), saturday: weekend, sunday: 'closed' },
        holidayHours: '11:00-12:15',
      });
      const atMs = atMinute * 60_000;
      const verdict = evaluateSchedule(schedule, calendar, atMs);
      const changeMs = verdict.open ? verdict.closesAtMs : verdict.opensAtMs;
      if (changeMs === undefined) return verdict.open;
      // Every quarter of an hour up to the change has the same answer, the change itself has the other.
      for (let ms = atMs; ms < changeMs; ms += 15 * 60_000) {
        if (evaluateOpen(schedule, ms) !== verdict.open) return false;
      }
      return (
        evaluateOpen(schedule, changeMs - 60_000) === verdict.open && evaluateOpen(schedule, changeMs) !== verdict.open
      );
    }),
    { numRuns: 60 },
  );
  t.pass('held');
});

/** The rule told another way, by luxon's own clock: what the wall shows lies in the hours of its day. */
function evaluateOpen(schedule: Schedule, atMs: number): boolean {
  const wall = DateTime.fromMillis(atMs, { zone: schedule.timeZone });
  if (schedule.hours.kind === 'always') return true;
  const kind = calendar.day(wall.toFormat('yyyy-MM-dd')).kind;
  const weekday = kind === 'workingWeekend' ? 1 : wall.weekday;
  const holiday = kind === 'publicHoliday' || kind === 'movedDayOff';
  const hours = (holiday ? schedule.hours.holidayHours : schedule.hours.week[weekday - 1]) ?? [];
  const minute = wall.hour * 60 + wall.minute;
  return hours.some((interval) => minute >= interval.fromMinute && minute < interval.toMinute);
}

t.test('a schedule with mistakes names each of them', async (t) => {
  const result = scheduleSchema.safeParse({
    ...writtenB,
    timeZone: 'Europe/Moskow',
    week: { ...writtenB.week, saturday: '18:00-09:00', sunday: ['10:00-14:00', '13:00-16:00'], friday: '8-20' },
    exceptions: [{ start: '2027-03-02', end: '2027-03-02', hours: 'roundTheClock', reason: 'x' }],
  });
  t.same(
    result.error?.issues.map((issue) => issue.path.join('.')),
    ['timeZone', 'week.friday', 'week.saturday', 'week.sunday', 'exceptions.0.end'],
  );
  t.notOk(scheduleSchema.safeParse({ id: 'x', ...moscow }).success, 'neither a week nor always');
  t.notOk(scheduleSchema.safeParse({ ...writtenB, always: true }).success, 'both');
  t.notOk(scheduleSchema.safeParse({ ...writtenB, week: workingWeek('closed') }).success, 'a weekday is missing');
});

t.test('a verdict is cheap enough to ask at every step of a call', async (t) => {
  const started = performance.now();
  for (let i = 0; i < 200; i += 1) at(scheduleB, '2027-01-01T23:00:00+03:00');
  const each = (performance.now() - started) / 200;
  t.ok(each < 5, `${each.toFixed(3)} ms each`);
});

t.test('the open hours of a date, cut at full hours of the wall', async (t) => {
  const hoursOf = (schedule: Schedule, iso: string, daysAhead = 0) =>
    openHours(schedule, calendar, { atMs: Date.parse(iso), daysAhead });
  const monday = hoursOf(scheduleA, '2026-11-23T03:00:00+03:00');
  t.match(monday, { date: '2026-11-23', kind: 'workingDay', weekday: 1 });
  t.same(
    monday.hours.map(({ hour }) => hour),
    [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
  );
  t.equal(instant(monday.hours[0]?.fromMs), '2026-11-23T05:00:00.000Z');
  t.equal(instant(monday.hours.at(-1)?.untilMs), '2026-11-23T17:00:00.000Z');
  t.match(hoursOf(scheduleA, '2026-11-23T03:00:00+03:00', -1), { date: '2026-11-22', kind: 'weekend', weekday: 7 });
  t.equal(hoursOf(scheduleA, '2026-11-23T03:00:00+03:00', 12).date, '2026-12-05');
  t.equal(hoursOf(always, '2026-11-23T03:00:00+03:00').hours.length, 24);

  const half = scheduleSchema.parse({
    ...writtenB,
    exceptions: [{ start: '2026-11-23', end: '2026-11-24', hours: ['08:30-09:15'], reason: 'test' }],
  });
  t.same(
    hoursOf(half, '2026-11-23T03:00:00+03:00').hours.map(({ hour, fromMs, untilMs }) => [
      hour,
      (untilMs - fromMs) / 60_000,
    ]),
    [
      [8, 30],
      [9, 15],
    ],
  );
  // An hour is skipped in Berlin on 29 March, and another occurs twice on 25 October: the line is open for 23 and for 25 hours.
  const berlin = scheduleSchema.parse({ id: 'berlin', name: 'test', timeZone: 'Europe/Berlin', always: true });
  const lengthOf = (iso: string): number =>
    hoursOf(berlin, iso).hours.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0) / 3_600_000;
  t.equal(lengthOf('2026-03-29T12:00:00+02:00'), 23);
  t.equal(lengthOf('2026-10-25T12:00:00+01:00'), 25);
  t.equal(lengthOf('2026-11-25T12:00:00+01:00'), 24);
});

t.test('an hour on the wall is an instant, also where the clocks skip it or show it twice', async (t) => {
  const at = (zone: string, asked: string, dayOffset: number, minute: number): string =>
    new Date(instantOnWall(zone, { atMs: Date.parse(asked), dayOffset, minute })).toISOString();
  t.equal(at('Europe/Moscow', '2026-11-21T20:30:00Z', 1, 9 * 60), '2026-11-22T06:00:00.000Z');
  t.equal(at('Europe/Moscow', '2026-11-21T21:30:00Z', 1, 9 * 60), '2026-11-23T06:00:00.000Z', 'after midnight there');
  t.equal(at('Europe/Berlin', '2027-03-27T12:00:00Z', 1, 2 * 60 + 30), '2027-03-28T01:00:00.000Z', 'skipped');
  t.equal(at('Europe/Berlin', '2027-03-27T12:00:00Z', 1, 9 * 60), '2027-03-28T07:00:00.000Z');
  t.equal(at('Europe/Berlin', '2026-10-24T12:00:00Z', 1, 2 * 60 + 30), '2026-10-25T00:30:00.000Z', 'the first of two');
});
