import t from 'tap';
import { Calendar } from '../../bench/sim/calendar.ts';
import { ContactSource } from '../../bench/sim/contact-source.ts';
import { Controls, poissonExcess } from '../../bench/sim/controls.ts';
import { KieferWolfowitz } from '../../bench/sim/kiefer-wolfowitz.ts';
import { RandomStream } from '../../bench/sim/random.ts';
import { controlledMean, halfWidthOf, ratioOfMeans, studentQuantile } from '../../bench/sim/statistics.ts';
import { secondMs } from '../../src/foundation/index.ts';

const endless = Number.POSITIVE_INFINITY;

t.test('the recursion: waits of three contacts at one operator, and of four at two', async (t) => {
  const waits = (operators: number, contacts: readonly (readonly [number, number, number?])[]): readonly number[] => {
    const recursion = new KieferWolfowitz(operators);
    return contacts.map(([atMs, handlingMs, patienceMs = endless]) =>
      recursion.waitMs({ atMs, handlingMs, patienceMs }),
    );
  };
  t.same(
    waits(1, [
      [0, 10],
      [4, 10],
      [25, 10],
    ]),
    [0, 6, 0],
  );
  t.same(
    waits(2, [
      [0, 100],
      [1, 10],
      [2, 50],
      [3, 5],
    ]),
    [0, 0, 9, 58],
  );
  t.same(
    waits(1, [
      [0, 10],
      [1, 10, 8],
      [2, 10, 8],
    ]),
    [0, 8, 8],
    'who leaves before it is his turn holds up nobody; whoever comes next finds the operator free at 10',
  );
});

t.test('the calendar gives the earliest first, at one instant by rank and then by order', async (t) => {
  const calendar = new Calendar<string>();
  calendar.add(5, 'late');
  calendar.add(3, 'patience', 1);
  calendar.add(3, 'free');
  calendar.add(3, 'free too');
  calendar.add(1, 'first');
  const taken: (string | undefined)[] = [];
  for (let due = calendar.take(4); due !== undefined; due = calendar.take(4)) taken.push(due.event);
  t.same(taken, ['first', 'free', 'free too', 'patience']);
  t.equal(calendar.nextAtMs(), 5);
  const random = new RandomStream('calendar', 'numbers');
  const many = new Calendar<number>();
  for (let i = 0; i < 2_000; i += 1) {
    const atMs = random.below(500);
    many.add(atMs, atMs);
  }
  const order: number[] = [];
  for (let due = many.take(endless); due !== undefined; due = many.take(endless)) order.push(due.event);
  t.same(
    order,
    order.toSorted((a, b) => a - b),
  );
  t.equal(order.length, 2_000);
});

t.test('a seed determines its contacts; another seed brings others', async (t) => {
  const plan = { arrivalsPerHour: 60, ahtMs: 240 * secondMs, kinds: [{ queueId: 'all', share: 1 }] };
  const first = (seed: string): unknown => {
    const source = new ContactSource(plan, seed);
    return [source.next(), source.next(), source.next()];
  };
  t.same(first('a'), first('a'));
  t.notSame(first('a'), first('b'));
  const random = new RandomStream('mean', 'numbers');
  let sum = 0;
  for (let i = 0; i < 100_000; i += 1) sum += random.exponential(2);
  t.ok(Math.abs(sum / 100_000 - 2) < 0.03, `mean of exponentials ${sum / 100_000}`);
});

t.test('quantiles of Student are those of the tables', async (t) => {
  for (const [probability, degreesOfFreedom, wanted] of [
    [0.975, 1, 12.7062],
    [0.975, 10, 2.22814],
    [0.975, 33, 2.03452],
    [0.995, 5, 4.03214],
    [0.975, 1_000, 1.96234],
  ] as const) {
    const got = studentQuantile(probability, degreesOfFreedom);
    t.ok(Math.abs(got - wanted) < 5e-5 * wanted, `t(${probability}, ${degreesOfFreedom}) = ${got}`);
  }
});

t.test('controls take away what they explain, and only that', async (t) => {
  const random = new RandomStream('controls', 'numbers');
  const noise = (): number => random.uniform() + random.uniform() + random.uniform() - 1.5;
  let covered = 0;
  let widest = 0;
  const trials = 400;
  for (let trial = 0; trial < trials; trial += 1) {
    const controls = Array.from({ length: 30 }, () => [noise(), noise() * 1_000]);
    const values = controls.map(([a = 0, b = 0]) => 7 + 5 * a - 0.02 * b + 0.1 * noise());
    const estimate = controlledMean(values, controls);
    const halfWidth = halfWidthOf(estimate, 0.95);
    widest = Math.max(widest, halfWidth);
    if (Math.abs(estimate.mean - 7) <= halfWidth) covered += 1;
  }
  t.ok(
    covered > 0.91 * trials && covered < 0.985 * trials,
    `95 % intervals held the truth ${covered} times of ${trials}`,
  );
  const plain = controlledMean([1, 2, 3, 4], [[], [], [], []]);
  t.equal(plain.mean, 2.5);
  t.ok(Math.abs(plain.standardError - Math.sqrt(5 / 3 / 4)) < 1e-12);
  t.equal(ratioOfMeans([2, 4, 6], [1, 2, 3]).mean, 2);
});

t.test('what chance did to the contacts has the expectation that is taken off', async (t) => {
  const { probability, mean } = poissonExcess(2, 2);
  t.ok(Math.abs(probability - (1 - 3 * Math.exp(-2))) < 1e-12, 'two or more in a room of mean 2');
  t.ok(Math.abs(mean - (2 - 1 + Math.exp(-2))) < 1e-12);
  const traffic = { arrivalsPerHour: 120, ahtMs: 240 * secondMs, operators: 11 };
  const source = new ContactSource({ ...traffic, kinds: [{ queueId: 'all', share: 1 }] }, 'controls');
  const controls = new Controls(traffic);
  for (let i = 0; i < 200_000; i += 1) {
    const contact = source.next();
    controls.see(contact, i > 1_000);
  }
  const values = controls.values();
  t.equal(values.length, 6);
  for (const [i, bound] of [0.01, 0.01, 0.01, 0.05, 0.2, 0.15].entries()) {
    t.ok(Math.abs(values[i] ?? Number.NaN) < bound, `control ${i}: ${values[i]}`);
  }
});
