import t from 'tap';
import {
  arrivalsPerMs,
  chanceWithin,
  contactScore,
  contactsAhead,
  defaultSharing,
  errorView,
  estimateOf,
  forecastDay,
  type HourlyProfile,
  idleToKeep,
  isChoiceOffered,
  isChoiceOfferedAtOnce,
  type Ladder,
  ladderAt,
  ladderHeadStartMs,
  ladderSteps,
  levelOfToday,
  mayPromise,
  meanHandlingMs,
  meanPatienceMs,
  noErrors,
  noRates,
  promiseFor,
  QueueObservations,
  queuePlan,
  queueSchema,
  referenceLadder,
  reservedAfter,
  sharingNow,
  stayingHeadStartMs,
  waitOutlook,
  withArrival,
  withDay,
  withError,
  withHandling,
  withWait,
} from '../../src/acd/index.ts';
import { hourMs, minuteMs, secondMs } from '../../src/foundation/index.ts';

t.test('the outlook of a place is the sum of its stages', async (t) => {
  const first = waitOutlook({ ahead: 0, handlingMs: 300_000, onDuty: 6 });
  t.ok(Math.abs((first?.meanMs ?? 0) - 50_000) < 1e-6);
  t.ok(Math.abs((first?.shape ?? 0) - 1) < 1e-9);
  t.ok(Math.abs((first?.medianMs ?? 0) / 50_000 - Math.LN2) < 0.01, 'one stage is exponential');

  // Five stages of 50 s: Erlang, median 4.6709 stages; chance within 250 s by its series.
  const fifth = waitOutlook({ ahead: 4, handlingMs: 300_000, onDuty: 6 });
  if (fifth === undefined) throw new Error('expected an outlook');
  t.ok(Math.abs(fifth.medianMs / 50_000 - 4.6709) < 0.01);
  const erlang = (stages: number): number =>
    1 - Math.exp(-stages) * [1, 1, 2, 6, 24].reduce((sum, factorial, k) => sum + stages ** k / factorial, 0);
  for (const stages of [1, 2.5, 5, 8]) {
    t.ok(Math.abs(chanceWithin(fifth, stages * 50_000) - erlang(stages)) < 0.01, `within ${stages} stages`);
  }
  t.equal(chanceWithin(fifth, 0), 0);
});

t.test('those ahead may leave', async (t) => {
  const place = { ahead: 2, handlingMs: 300_000, onDuty: 6 };
  const mean = (change: object): number => Math.round(waitOutlook({ ...place, ...change })?.meanMs ?? Number.NaN);
  t.equal(mean({}), 150_000);
  // 1 ÷ (1/50 + j/180) s for j = 2, 1, 0.
  t.equal(
    mean({ meanPatienceMs: 180_000 }),
    Math.round(1_000 * (1 / (1 / 50 + 2 / 180) + 1 / (1 / 50 + 1 / 180) + 50)),
  );
  t.equal(waitOutlook({ ...place, onDuty: 0 }), undefined);
  t.throws(() => waitOutlook({ ...place, handlingMs: 0 }), { code: 'PLACE_INVALID' });
  t.equal(
    contactsAhead([
      { contacts: 1, eligible: 4, shared: 4 },
      { contacts: 3, eligible: 4, shared: 1 },
      { contacts: 1, eligible: 0, shared: 0 },
    ]),
    1.75,
  );
});

t.test('an estimate goes by figures, and by what is expected before there are any', async (t) => {
  const contact = { position: 3, qualified: { loggedIn: 6, onDuty: 6 } };
  const expected = estimateOf(contact, undefined, 300_000) ?? 0;
  t.equal(estimateOf(contact, { handlingMs: 600_000 }, 300_000), 2 * expected);
  t.ok((estimateOf(contact, { handlingMs: 300_000, meanPatienceMs: 180_000 }, 1) ?? 0) < expected);
  // Answered and put down within one millisecond, or configured so: short, and no fault.
  t.ok((estimateOf(contact, { handlingMs: 0, meanPatienceMs: 0 }, 0) ?? -1) >= 0);
});

t.test('rates: believed at first, then seen, older ones fading', async (t) => {
  const belief = { handlingMs: 180_000, meanPatienceMs: 120_000 };
  let rates = noRates(0);
  t.equal(meanHandlingMs(rates, belief), 180_000);
  t.equal(meanPatienceMs(rates, belief), 120_000);
  t.equal(arrivalsPerMs(rates, 0), undefined);
  for (let i = 0; i < 2_000; i += 1) rates = withHandling(rates, 300_000);
  t.ok(Math.abs(meanHandlingMs(rates, belief) - 300_000) < 3_000);
  for (let i = 0; i < 2_000; i += 1) rates = withHandling(rates, 100_000);
  t.ok(meanHandlingMs(rates, belief) < 105_000, 'the morning is forgotten');

  // Nine wait 20 s and are answered, the tenth leaves after 20 s: one gives up in 200 s of waiting.
  for (let i = 0; i < 5_000; i += 1)
    rates = withWait(rates, { waitMs: 20_000, end: i % 10 === 0 ? 'left' : 'otherwise' });
  t.ok(Math.abs(meanPatienceMs(rates, belief) - 200_000) < 5_000);

  let arriving = noRates(0);
  for (let atMs = 0; atMs < 2 * hourMs; atMs += 10 * secondMs) arriving = withArrival(arriving, atMs);
  t.ok(Math.abs((arrivalsPerMs(arriving, 2 * hourMs) ?? 0) * 10_000 - 1) < 0.02);
  t.ok((arrivalsPerMs(arriving, 3 * hourMs) ?? 0) * 10_000 < 0.05, 'nobody comes any more');
});

t.test('errors of estimates: quantiles in classes of a tenth, older ones fading', async (t) => {
  t.equal(errorView(noErrors), undefined);
  let errors = noErrors;
  for (let i = 1; i <= 100; i += 1) errors = withError(errors, { estimateMs: 60_000, waitMs: 60_000 - i * 500 });
  const view = errorView(errors);
  t.ok(Math.abs((view?.p50Ms ?? 0) / 25_000 - 1) < 0.15, `${view?.p50Ms}`);
  t.ok(Math.abs((view?.p90Ms ?? 0) / 45_000 - 1) < 0.15, `${view?.p90Ms}`);
  for (let i = 0; i < 5_000; i += 1) errors = withError(errors, { estimateMs: 0, waitMs: 0 });
  t.ok((errorView(errors)?.p90Ms ?? 0) <= 1_000);
  t.equal(errors.weights.length, noErrors.weights.length);
  t.ok(
    (errorView(withError(noErrors, { estimateMs: 0, waitMs: 1e12 }))?.p90Ms ?? 0) > 2 * hourMs,
    'beyond the last class',
  );
});

t.test('the reference ladder, rung by rung', async (t) => {
  const ladder = referenceLadder({ wider: 'documents or general', reserves: 'anyone' });
  const at = (afterMs: number, taken: number): string[] =>
    ladderAt(ladder, { enqueuedAtMs: 1_000, nowMs: 1_000 + afterMs, taken }).due.map((rung) => rung.do);
  t.same(at(0, 0), []);
  t.same(at(44_999, 0), []);
  t.same(at(45_000, 0), ['widen']);
  t.same(at(75_000, 1), ['offerChoice']);
  t.same(at(110_000, 3), ['conclude']);
  t.same(
    at(110_000, 0),
    ['widen', 'offerChoice', 'reserves', 'conclude'],
    'after an outage: all that was missed, in order',
  );
  t.same(at(500_000, 4), []);
  const place = ladderAt(ladder, { enqueuedAtMs: 1_000, nowMs: 60_000, taken: 0 });
  t.equal(place.taken, 1);
  t.equal(place.nextAtMs, 76_000);
  t.equal(ladderAt(ladder, { enqueuedAtMs: 0, nowMs: 0, taken: 4 }).nextAtMs, undefined, 'never taken back');
  t.ok(ladder.latestMs <= 120_000 && (ladder.rungs.at(-1)?.afterMs ?? 0) < ladder.latestMs);
  t.same(
    ladderSteps(ladder).map(({ afterMs }) => afterMs),
    [45_000, 90_000],
  );
});

t.test('choices are offered where the estimate takes the caller beyond the target', async (t) => {
  const ladder = referenceLadder({});
  t.equal(isChoiceOfferedAtOnce(ladder, 120_000), false);
  t.equal(isChoiceOfferedAtOnce(ladder, 120_001), true);
  t.equal(isChoiceOfferedAtOnce(ladder, undefined), true, 'nobody is there');
  t.equal(isChoiceOffered({ do: 'offerChoice', afterMs: 1, estimateAboveMs: 45_000 }, 45_000), false);
  t.equal(isChoiceOffered({ do: 'offerChoice', afterMs: 1, estimateAboveMs: 45_000 }, undefined), true);
  t.equal(isChoiceOffered({ do: 'offerChoice', afterMs: 1 }, 0), true);
  const score = (enqueuedAtMs: number, headStartMs: number): number =>
    contactScore({ enqueuedAtMs, answerTargetMs: 120_000, headStartMs });
  t.ok(
    score(0, stayingHeadStartMs) > score(12 * hourMs, 0),
    'who stays past the end comes after all who can be in time',
  );
  t.ok(score(0, stayingHeadStartMs) < score(1, stayingHeadStartMs), 'in order among those who stay');
  const raising: Ladder = {
    rungs: [
      { do: 'raise', afterMs: 10, headStartMs: 100 },
      { do: 'raise', afterMs: 20, headStartMs: 300 },
      { do: 'conclude', afterMs: 30 },
    ],
    latestMs: 40,
    choiceAboveMs: 40,
  };
  t.same(
    [9, 10, 20, 99].map((waitedMs) => ladderHeadStartMs(raising, waitedMs)),
    [0, 100, 300, 300],
  );
});

const piece = (change: object): Parameters<typeof forecastDay>[0]['pieces'][number] => ({
  fromMs: 0,
  untilMs: hourMs,
  arrivalsPerHour: 0,
  operators: 10,
  ...change,
});
const day = (pieces: readonly object[], nowMs = 0): ReturnType<typeof forecastDay> =>
  forecastDay(
    { nowMs, pieces: pieces.map(piece), handlingMs: 300_000, meanPatienceMs: 180_000 },
    { reservedShare: 0.02, usableShare: 0.5, promisedShare: 0.8 },
  );

t.test('the forecast: what live callers leave, less chance, and never less than the reserved share', async (t) => {
  const quiet = day([{}]);
  t.equal(quiet.spareMs, 5 * hourMs, 'nobody comes: half of ten operators for an hour');
  t.equal(quiet.reservedMs, 0.2 * hourMs);
  t.equal(quiet.coverMs, quiet.spareMs);
  t.equal(day([{}], hourMs / 2).spareMs, 2.5 * hourMs, 'half of it is gone');
  t.equal(day([{}], hourMs).coverMs, 0, 'closed');
  t.equal(day([{ operators: 0, arrivalsPerHour: 50 }]).coverMs, 0);

  const half = day([{ arrivalsPerHour: 60 }]);
  t.ok(half.spareMs > hourMs && half.spareMs < 2.5 * hourMs, 'five of ten are wanted, and some more by chance');
  const rush = day([{ arrivalsPerHour: 300 }]);
  t.ok(rush.spareMs < 0.01 * hourMs);
  t.equal(rush.coverMs, rush.reservedMs, 'at 2.5 times the capacity only the reserved share is left');
  const both = day([{ arrivalsPerHour: 300 }, { fromMs: hourMs, untilMs: 2 * hourMs, arrivalsPerHour: 12 }]);
  t.ok(both.coverMs > 3 * hourMs, 'a quiet hour after the rush');
  t.ok(day([{ arrivalsPerHour: 60 }]).spareMs < day([{ arrivalsPerHour: 50 }]).spareMs);
});

t.test('promised is what is covered: today, a later day, or a request', async (t) => {
  const rule = { ...defaultSharing, promisedShare: 0.8 };
  const forecast = day([{}]); // covers 5 h
  t.equal(mayPromise({ forecast, promisedMs: 3.8 * hourMs }, 0.2 * hourMs, rule), true);
  t.equal(mayPromise({ forecast, promisedMs: 3.9 * hourMs }, 0.2 * hourMs, rule), false);
  const full = { forecast, promisedMs: 5 * hourMs };
  const empty = { forecast, promisedMs: 0 };
  t.same(promiseFor([empty, empty], minuteMs, rule), { kind: 'callBack', day: 0 });
  t.same(promiseFor([full, empty], minuteMs, rule), { kind: 'callBack', day: 1 });
  t.same(promiseFor([full, full], minuteMs, rule), { kind: 'request' });
});

t.test('the profile of a day is learned, and today is measured against it', async (t) => {
  let profile: HourlyProfile = { perHour: [100, 100], days: 0 };
  profile = withDay(profile, [50, 150]);
  t.same(profile.perHour, [75, 125], 'the first day counts as much as the belief');
  for (let i = 0; i < 60; i += 1) profile = withDay(profile, [50, 150]);
  t.same(profile.perHour.map(Math.round), [50, 150]);
  t.equal(levelOfToday(0, 0), 1);
  t.ok(levelOfToday(20, 10) < 1.2, 'ten contacts say little');
  t.ok(levelOfToday(2_000, 1_000) > 1.9);
});

t.test('sharing: fewer are kept idle the more is promised and the longer it is due', async (t) => {
  const rule = { idleRoots: 2, leastIdleRoots: 0.5, patientForMs: hourMs };
  const keep = (pressure: number, overdueMs: number): number => idleToKeep(rule, { onDuty: 16, pressure, overdueMs });
  t.equal(keep(0, 0), 8);
  t.equal(keep(0.5, 0), 4);
  t.equal(keep(0.5, hourMs / 2), 2);
  t.equal(keep(0, 2 * hourMs), 2);
  t.equal(keep(Number.POSITIVE_INFINITY, 0), 2, 'some always');

  const now = { nowMs: hourMs, onDuty: 20, forecast: { spareMs: 100 * minuteMs }, promisedMs: 10 * minuteMs };
  t.equal(
    idleToKeep(rule, { onDuty: 64, pressure: 0, overdueMs: 0 }),
    16,
    'twice as many for four times the operators',
  );
  const fewOnDuty = [0, 1, 2, 3, 4].map((onDuty) => idleToKeep(defaultSharing, { onDuty, pressure: 0, overdueMs: 0 }));
  t.same(fewOnDuty, [0, 0, 1, 2, 3], 'one of those on duty is always left to call back');
  t.equal(sharingNow(now, defaultSharing).presses, false);
  t.equal(sharingNow({ ...now, promisedMs: 91 * minuteMs }, defaultSharing).presses, true);
  t.equal(sharingNow({ ...now, forecast: { spareMs: 0 } }, defaultSharing).presses, true, 'no spare time is to come');
  t.equal(sharingNow({ ...now, forecast: { spareMs: 0 }, promisedMs: 0 }, defaultSharing).presses, false);
  t.equal(
    sharingNow({ ...now, oldestChosenAtMs: 45 * minuteMs }, defaultSharing).presses,
    true,
    'a chosen time is past',
  );
  t.equal(
    sharingNow({ ...now, oldestDueAtMs: 0 }, defaultSharing).presses,
    false,
    'as soon as possible is not overdue',
  );
});

t.test(
  'the reserved share grows with the operators on duty, and two call-backs are the most that is saved',
  async (t) => {
    const rate = { share: 0.02, costMs: 300_000, onDuty: 20 };
    const start = { availableMs: 0, atMs: 0 };
    t.same(reservedAfter(start, { ...rate, nowMs: minuteMs }), { availableMs: 24_000, atMs: minuteMs });
    t.same(reservedAfter(start, { ...rate, nowMs: 1 }), start, 'too little to count is kept for later');
    t.equal(reservedAfter(start, { ...rate, nowMs: 24 * hourMs }).availableMs, 600_000);
    const night = reservedAfter(start, { ...rate, onDuty: 0, nowMs: 8 * hourMs });
    t.same(night, { availableMs: 0, atMs: 8 * hourMs }, 'nothing grows while nobody is there, nor afterwards');
    t.same(
      reservedAfter({ availableMs: 5, atMs: 10 }, { ...rate, nowMs: 3 }),
      { availableMs: 5, atMs: 10 },
      'clocks differ',
    );
  },
);

t.test('what is seen of each queue, and how far off its estimates were', async (t) => {
  const seen = new QueueObservations(0);
  const now = { nowMs: 0, expected: { handlingMs: 180_000, meanPatienceMs: 120_000 } };
  t.same(seen.of('documents', now), { handlingMs: 180_000, meanPatienceMs: 120_000 });
  seen.arrived('documents', 1_000);
  seen.waited('documents', { waitMs: 30_000, end: 'answered', estimateMs: 50_000 });
  seen.waited('documents', { waitMs: 90_000, end: 'left', estimateMs: 10_000 });
  seen.waited('documents', { waitMs: 110_000, end: 'otherwise' });
  seen.handled('documents', 400_000);
  const view = seen.of('documents', { ...now, nowMs: minuteMs });
  t.equal(view.handlingMs, (10 * 180_000 + 400_000) / 11);
  t.ok(view.meanPatienceMs > 120_000, 'more was waited than one who gives up would have stood');
  t.ok((view.arrivalsPerHour ?? 0) > 50);
  t.equal(view.estimateError?.contacts, 1, 'what the one who left would have waited nobody knows');
  t.ok(Math.abs((view.estimateError?.p50Ms ?? 0) - 20_000) < 2_000);
  t.equal(seen.of('general', now).estimateError, undefined);
});

t.test('a ladder as it is written: its rungs become the steps of the queue', async (t) => {
  const written = {
    id: 'documents',
    name: 'Documents',
    requirement: 'documents >= 3',
    ladder: {
      rungs: [
        { do: 'widen', afterMs: 45_000, requirement: 'documents' },
        { do: 'raise', afterMs: 60_000, headStartMs: 30_000 },
        { do: 'offerChoice', afterMs: 75_000 },
        { do: 'reserves', afterMs: 90_000, requirement: 'documents or reserve', considerIf: 'anyQualified' },
        { do: 'conclude', afterMs: 110_000 },
      ],
      latestMs: 120_000,
      choiceAboveMs: 120_000,
    },
  };
  const plan = queuePlan(queueSchema.parse(written));
  t.same(
    plan.laterSteps.map(({ afterMs, considerIf }) => [afterMs, considerIf]),
    [
      [45_000, undefined],
      [90_000, 'anyQualified'],
    ],
  );
  const faults = (ladder: object): readonly string[] => {
    const parsed = queueSchema.safeParse({ ...written, ladder: { ...written.ladder, ...ladder } });
    return parsed.error?.issues.map(({ message }) => message) ?? [];
  };
  t.same(faults({}), []);
  const [widen, raise, , , conclude] = written.ladder.rungs;
  t.match(faults({ rungs: [raise, widen, conclude] }), [/in order/]);
  t.match(faults({ rungs: [widen] }), [/concludes/]);
  t.match(faults({ rungs: [widen, conclude, { ...conclude, afterMs: 115_000 }] }), [/concludes/]);
  t.match(faults({ latestMs: 110_000 }), [/latestMs/]);
});
