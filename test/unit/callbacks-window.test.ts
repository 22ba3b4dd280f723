import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { DateTime } from 'luxon';
import t from 'tap';
import {
  canBeCalled,
  createNumberPlaces,
  type LineHours,
  mayDial,
  type NumberPlace,
  utcOffsetOf,
} from '../../src/callbacks/index.ts';
import { loadHotlineConfig } from '../../src/config/index.ts';
import { evaluateSchedule } from '../../src/schedule/index.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const moscow = 'Europe/Moscow';

const loaded = await loadHotlineConfig(fileURLToPath(new URL('../../config', import.meta.url)), { settings: {} });
if (!loaded.ok) throw new Error('the shipped configuration has faults');
const { config } = loaded;
const places = createNumberPlaces(config.numberZones);

/** Hours of a schedule of the shipped hotline. */
function hoursOf(scheduleId: string): LineHours {
  const schedule = config.schedules[scheduleId];
  if (schedule === undefined) throw new Error(`no schedule ${scheduleId}`);
  return (atMs) => {
    const { open, closesAtMs, opensAtMs } = evaluateSchedule(schedule, config.calendar, atMs);
    return {
      open,
      ...(closesAtMs === undefined ? {} : { untilMs: closesAtMs }),
      ...(opensAtMs === undefined ? {} : { nextMs: opensAtMs }),
    };
  };
}

const workdays = hoursOf('B'); // 08:00–20:00 in Moscow on weekdays
const always: LineHours = () => ({ open: true });
const at = (iso: string, zone = moscow): number => DateTime.fromISO(iso, { zone }).toMillis();
const told = (ms: number | undefined): string | null =>
  ms === undefined ? null : DateTime.fromMillis(ms, { zone: moscow }).toFormat("MM-dd'T'HH:mm");

const mobile = '+79161234567';
const landlines: Readonly<Record<string, string>> = {
  Moscow: '+74951234567',
  Kaliningrad: '+74012123456',
  Samara: '+78462123456',
  Perm: '+73422123456',
  Novosibirsk: '+73832123456',
  Yakutsk: '+74112123456',
  Vladivostok: '+74232123456',
  Petropavlovsk: '+74152123456',
};

t.test('a number says in which zones its phone may be', async (t) => {
  t.same(places.placeOf(landlines.Moscow ?? ''), { kind: 'zones', zones: [moscow] });
  t.same(places.placeOf(landlines.Yakutsk ?? ''), {
    kind: 'zones',
    zones: ['Asia/Yakutsk', 'Asia/Vladivostok', 'Asia/Srednekolymsk'],
  });
  t.match(places.placeOf(mobile), { zones: config.numberZones.countries.RU });
  t.match(places.placeOf('+73362123456'), { zones: config.numberZones.countries.RU }, 'a code that is not listed');
  t.match(places.placeOf('+77011234567'), { zones: ['Asia/Almaty', 'Asia/Aqtobe'] }, 'Kazakhstan shares the code 7');
  t.same(places.placeOf('+881612345678'), { kind: 'anywhere' }, 'a satellite');
  t.same(places.placeOf('hello'), { kind: 'anywhere' });
  t.same(places.placeOf(mobile, 300), { kind: 'offset', minutes: 300 }, 'what he says goes before');
  const bare = createNumberPlaces({ countries: {}, areas: [] });
  t.same(bare.placeOf(mobile), { kind: 'anywhere' });
  const nested = createNumberPlaces({
    countries: {},
    areas: [
      { country: 'RU', codes: ['49'], zones: ['Asia/Omsk'] },
      { country: 'RU', codes: ['495'], zones: [moscow] },
      { country: 'KZ', codes: ['701'], zones: ['Asia/Almaty'] },
    ],
  });
  t.same(nested.placeOf(landlines.Moscow ?? ''), { kind: 'zones', zones: [moscow] }, 'the longest code');
  t.same(nested.placeOf('+74912123456'), { kind: 'zones', zones: ['Asia/Omsk'] });
});

t.test('nobody is called back at a number of a hotline, or one that does not exist', async (t) => {
  for (const number of [mobile, '+493012345678', ...Object.values(landlines)]) t.ok(canBeCalled(number), number);
  for (const number of ['+78001000001', '+78091234567', '+7916', '', '112', 'anonymous']) {
    t.notOk(canBeCalled(number), number);
  }
});

t.test('the window of a day, both edges, in Moscow time', async (t) => {
  const table: readonly (readonly [string, NumberPlace, LineHours, string, string])[] = [
    ['a mobile that may be anywhere in Russia', places.placeOf(mobile), workdays, '09:00', '13:00'],
    ['a Moscow landline', places.placeOf(landlines.Moscow ?? ''), workdays, '08:00', '20:00'],
    ['Kaliningrad', places.placeOf(landlines.Kaliningrad ?? ''), workdays, '09:00', '20:00'],
    ['Samara', places.placeOf(landlines.Samara ?? ''), workdays, '08:00', '20:00'],
    ['Perm', places.placeOf(landlines.Perm ?? ''), workdays, '08:00', '20:00'],
    ['Novosibirsk', places.placeOf(landlines.Novosibirsk ?? ''), workdays, '08:00', '18:00'],
    ['Yakutia', places.placeOf(landlines.Yakutsk ?? ''), workdays, '08:00', '14:00'],
    ['Vladivostok', places.placeOf(landlines.Vladivostok ?? ''), workdays, '08:00', '15:00'],
    ['Kamchatka', places.placeOf(landlines.Petropavlovsk ?? ''), workdays, '08:00', '13:00'],
    ['a mobile whose caller said UTC+5', places.placeOf(mobile, 300), workdays, '08:00', '20:00'],
    ['one who said UTC+10', places.placeOf(mobile, 600), workdays, '08:00', '15:00'],
    ['one who said UTC+2', places.placeOf(mobile, 120), workdays, '09:00', '20:00'],
    ['Moscow, operators round the clock', places.placeOf(landlines.Moscow ?? ''), always, '08:00', '22:00'],
    ['a mobile, operators round the clock', places.placeOf(mobile), always, '09:00', '13:00'],
  ];
  for (const [what, place, hours, from, to] of table) {
    const first = at(`2026-11-24T${from}`); // a Tuesday
    const end = at(`2026-11-24T${to}`);
    t.same(mayDial(place, hours, first), { may: true, untilMs: end }, `${what}: from ${from}`);
    t.same(mayDial(place, hours, end - 1), { may: true, untilMs: end }, `${what}: the last millisecond`);
    t.same(mayDial(place, hours, first - 1), { may: false, nextMs: first }, `${what}: before it`);
    t.same(mayDial(place, hours, end), { may: false, nextMs: first + day }, `${what}: from ${to} on`);
  }
});

t.test('weekends, holidays and lines that do not open', async (t) => {
  const friday = places.placeOf(landlines.Moscow ?? '');
  const next = (iso: string, place = friday, hours = workdays): string | null => {
    const verdict = mayDial(place, hours, at(iso));
    return verdict.may ? 'may' : told(verdict.nextMs);
  };
  t.equal(next('2026-11-27T20:00'), '11-28T09:00', 'Saturday opens at nine');
  t.equal(next('2026-11-28T18:00'), '11-29T10:00');
  t.equal(next('2026-12-31T20:00'), '01-01T10:00', 'holiday hours');
  t.equal(next('2027-01-01T14:00', places.placeOf(mobile)), '01-02T10:00');
  t.equal(
    next('2026-11-24T12:00', friday, () => undefined),
    null,
    'no such line',
  );
  t.equal(
    next('2026-11-24T12:00', friday, () => ({ open: false })),
    null,
    'not within a fortnight',
  );
  t.equal(next('2026-11-24T12:00', { kind: 'anywhere' }), null);
  t.equal(next('2026-11-24T12:00', places.placeOf('+12125551234')), null, 'some zone of the country always sleeps');
  t.throws(() => mayDial(friday, (atMs) => ({ open: false, nextMs: atMs }), at('2026-11-24T12:00')), {
    code: 'HOURS_STAND_STILL',
  });
});

t.test('summer time moves the edges with the zone', async (t) => {
  const berlin: NumberPlace = { kind: 'zones', zones: ['Europe/Berlin'] };
  const edges = (place: NumberPlace, zone: string, date: string): readonly string[] => {
    const midnight = at(date, zone);
    const verdict = mayDial(place, always, midnight);
    if (verdict.may || verdict.nextMs === undefined) return ['open at midnight'];
    const then = mayDial(place, always, verdict.nextMs);
    const clock = (ms: number): string => DateTime.fromMillis(ms, { zone }).toFormat('yyyy-MM-dd HH:mm');
    return [clock(verdict.nextMs), then.may ? clock(then.untilMs) : 'closed'];
  };
  for (const date of ['2027-03-27', '2027-03-28', '2027-03-29', '2027-10-30', '2027-10-31', '2027-11-01']) {
    t.same(edges(berlin, 'Europe/Berlin', date), [`${date} 08:00`, `${date} 22:00`], date);
  }
  t.equal(told(at('2027-03-27T08:00', 'Europe/Berlin')), '03-27T10:00');
  t.equal(told(at('2027-03-29T08:00', 'Europe/Berlin')), '03-29T09:00');
  const greenland: NumberPlace = { kind: 'zones', zones: ['America/Nuuk'] };
  for (const date of ['2027-03-27', '2027-03-28', '2027-10-30', '2027-10-31']) {
    t.same(
      edges(greenland, 'America/Nuuk', date),
      [`${date} 08:00`, `${date} 22:00`],
      `changed on the evening, ${date}`,
    );
  }
});

/** Decided minute by minute, by what clocks show: the rule in its plainest form. */
function plainly(zones: readonly string[], hours: LineHours, atMs: number): boolean {
  return (
    hours(atMs)?.open === true &&
    zones.every((zone) => {
      const { hour: shown } = DateTime.fromMillis(atMs, { zone });
      return shown >= 8 && shown < 22;
    })
  );
}

t.test(
  'whatever the zones and hours: allowed is allowed everywhere, and nothing is allowed before the next',
  async (t) => {
    const zone = fc.constantFrom(
      ...(config.numberZones.countries.RU ?? []),
      'Europe/Berlin',
      'America/Nuuk',
      'Asia/Kolkata',
      'Australia/Lord_Howe',
      'America/New_York',
      'Europe/Chisinau',
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(zone, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: at('2026-11-01T00:00') / minute, max: at('2028-11-01T00:00') / minute }),
        fc.boolean(),
        (zones, minutes, roundTheClock) => {
          const hours = roundTheClock ? always : workdays;
          const nowMs = minutes * minute;
          const verdict = mayDial({ kind: 'zones', zones }, hours, nowMs);
          if (verdict.may !== plainly(zones, hours, nowMs)) return false;
          const untilMs = verdict.may ? verdict.untilMs : (verdict.nextMs ?? nowMs + 2 * day);
          for (let ms = nowMs; ms < Math.min(untilMs, nowMs + 2 * day); ms += 15 * minute) {
            if (plainly(zones, hours, ms) !== verdict.may) return false;
          }
          if (verdict.may) return plainly(zones, hours, untilMs - minute) && !plainly(zones, hours, untilMs);
          if (verdict.nextMs === undefined) return true;
          return plainly(zones, hours, verdict.nextMs) && !plainly(zones, hours, verdict.nextMs - minute);
        },
      ),
      { numRuns: 150 },
    );
    t.pass('held');
  },
);

t.test('who says what o’clock it is tells his zone', async (t) => {
  const offset = (iso: string, hourSaid: number, place: NumberPlace): number | undefined => {
    const found = utcOffsetOf({ hour: hourSaid, atMs: at(iso), place, lineZone: moscow });
    return found === undefined ? undefined : found / 60;
  };
  const anywhereInRussia = places.placeOf(mobile);
  const inMoscow: NumberPlace = { kind: 'zones', zones: [moscow] };
  t.equal(offset('2026-11-24T14:40', 14, anywhereInRussia), 3);
  t.equal(offset('2026-11-24T14:40', 16, anywhereInRussia), 5);
  t.equal(offset('2026-11-24T14:40', 23, anywhereInRussia), 12);
  t.equal(offset('2026-11-24T14:40', 13, anywhereInRussia), 2);
  t.equal(offset('2026-11-24T21:30', 6, anywhereInRussia), 12, 'over midnight');
  t.equal(offset('2026-11-24T14:55', 17, anywhereInRussia), 6, 'five to six in Omsk');
  t.equal(offset('2026-11-24T14:55', 15, inMoscow), 3, 'his watch is fast, or he rounds');
  t.equal(offset('2026-11-24T14:58', 0, anywhereInRussia), 12, 'nearly midnight in Kamchatka');
  t.equal(offset('2026-11-24T14:40', 2, anywhereInRussia), 3, 'two in the afternoon');
  t.equal(offset('2026-11-24T14:55', 3, inMoscow), 3, 'and that by a watch that is fast');
  t.equal(offset('2026-11-24T23:40', 11, inMoscow), 3);
  t.equal(offset('2026-11-25T00:10', 12, inMoscow), 3, 'midnight');
  t.equal(offset('2026-11-24T14:40', 17, { kind: 'zones', zones: ['Asia/Kolkata'] }), 5.5);
  t.equal(offset('2026-11-24T14:40', 3, { kind: 'anywhere' }), -8, 'nearest to the line of −8 and +16');
});

t.test(
  'who says an hour that it is nowhere where his number is has mistaken it: nobody’s night is overruled',
  async (t) => {
    const said = (iso: string, hourSaid: number, place: NumberPlace): number | undefined =>
      utcOffsetOf({ hour: hourSaid, atMs: at(iso), place, lineZone: moscow });
    const inVladivostok = places.placeOf(landlines.Vladivostok ?? '');
    // 22:30 there; «13» would make it London, and noon.
    t.equal(said('2026-11-24T15:30', 13, inVladivostok), undefined);
    t.equal(said('2026-11-24T15:30', 22, inVladivostok), 600);
    t.equal(said('2026-11-24T15:30', 10, inVladivostok), 600);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 1_439 }), (hourSaid, minutes) => {
        const atMs = at('2026-11-24T00:00') + minutes * minute;
        const found = utcOffsetOf({ hour: hourSaid, atMs, place: places.placeOf(mobile), lineZone: moscow });
        if (found === undefined) return true;
        const shown = ((atMs + found * minute) / hour) % 12;
        const distance = Math.abs(shown - (hourSaid % 12));
        return (
          found >= 120 &&
          found <= 720 &&
          (Math.floor(shown) === hourSaid % 12 || Math.min(distance, 12 - distance) < 1.2)
        );
      }),
    );
  },
);
