import fc from 'fast-check';
import t from 'tap';
import {
  blockingProbability,
  erlangCWaitProbability,
  impatientServedWithin,
  impatientWaits,
  offeredLoad,
  patientServedWithin,
  patientWaits,
  priorityWaits,
  type Traffic,
} from '../../src/acd/index.ts';
import { hasCode, hourMs, secondMs } from '../../src/foundation/index.ts';

const patienceMs = 180 * secondMs;
const traffic = (arrivalsPerHour: number, ahtSeconds: number, operators: number): Traffic => ({
  arrivalsPerHour,
  ahtMs: ahtSeconds * secondMs,
  operators,
});

/** docs/benchmarks.md, "Reference values": rounded there to 6 digits, seconds to 3. */
const rows = [
  { offered: traffic(60, 240, 6), c: [0.284761, 34.171, 0.758955, 0.895242], a: [0.205498, 0.05541, 9.974, 0.932286] },
  {
    offered: traffic(120, 240, 11),
    c: [0.244958, 19.597, 0.809227, 0.945342],
    a: [0.175487, 0.034504, 6.211, 0.96193],
  },
  {
    offered: traffic(240, 300, 23),
    c: [0.415738, 41.574, 0.659623, 0.874782],
    a: [0.250809, 0.042343, 7.622, 0.955802],
  },
  {
    offered: traffic(600, 240, 43),
    c: [0.54093, 43.274, 0.578723, 0.879302],
    a: [0.317046, 0.036577, 6.584, 0.963373],
  },
] as const;

const share = 5e-7;
const second = 5e-4;

function near(t: Tap, got: number, wanted: number, tolerance: number, what: string): void {
  t.ok(Math.abs(got - wanted) <= tolerance, `${what}: expected ${wanted}, got ${got}`);
}
type Tap = Pick<typeof t, 'ok'>;

t.test('the four rows of reference, waiting as long as it takes', async (t) => {
  for (const { offered, c } of rows) {
    const name = `${offered.arrivalsPerHour}/h, ${offered.operators} operators`;
    const { waitProbability, asaMs } = patientWaits(offered);
    near(t, waitProbability, c[0], share, `${name}: share that waits`);
    near(t, asaMs / secondMs, c[1], second, `${name}: ASA`);
    near(t, patientServedWithin(offered, 20 * secondMs), c[2], share, `${name}: within 20 s`);
    near(t, patientServedWithin(offered, 120 * secondMs), c[3], share, `${name}: within 120 s`);
  }
});

t.test('the four rows of reference, with a patience of 180 s', async (t) => {
  for (const { offered, a } of rows) {
    const name = `${offered.arrivalsPerHour}/h, ${offered.operators} operators`;
    const { waitProbability, abandonProbability, meanWaitMs } = impatientWaits(offered, patienceMs);
    near(t, waitProbability, a[0], share, `${name}: share that waits`);
    near(t, abandonProbability, a[1], share, `${name}: share that leaves`);
    near(t, meanWaitMs / secondMs, a[2], second, `${name}: mean wait`);
    near(t, impatientServedWithin(offered, patienceMs, 120 * secondMs), a[3], share, `${name}: served within 120 s`);
  }
});

t.test('the published check and the closed forms', async (t) => {
  const published = traffic(200, 180, 14);
  near(t, offeredLoad(published), 10, 1e-12, 'load');
  near(t, patientWaits(published).waitProbability, 0.1741319335950498, 1e-13, 'share that waits');
  near(t, patientServedWithin(published, 20 * secondMs), 0.8883500191794669, 1e-13, 'within 20 s');
  near(t, patientWaits(published).asaMs / secondMs, 7.83593701, 5e-9, 'ASA');
  near(t, erlangCWaitProbability(2 * 0.5, 2), 1 / 3, 1e-15, 'C(2, 1/2)');
  near(t, erlangCWaitProbability(3 * (2 / 3), 3), 4 / 9, 1e-15, 'C(3, 2/3)');
  near(t, blockingProbability(1, 1), 1 / 2, 1e-15, 'B(1, 1)');
});

t.test('two priorities: the mean waits, and their mean is that without priorities', async (t) => {
  const [high = 0, low = 0] = priorityWaits([60, 180], { ahtMs: 300 * secondMs, operators: 23 });
  near(t, high / secondMs, 6.929, second, 'high');
  near(t, low / secondMs, 53.122, second, 'low');
  near(t, (60 * high + 180 * low) / 240 / secondMs, 41.574, second, 'both');
});

t.test('one pool waits less than its parts', async (t) => {
  near(t, patientWaits(traffic(60, 240, 6)).asaMs / secondMs, 34.171, second, 'each of two groups');
  near(t, patientWaits(traffic(120, 240, 12)).asaMs / secondMs, 8.39, second, 'the pool');
});

const anyTraffic = fc
  .record({
    occupancy: fc.double({ min: 0.01, max: 0.999, noNaN: true }),
    operators: fc.integer({ min: 1, max: 1_000 }),
    ahtMs: fc.integer({ min: 1_000, max: hourMs }),
  })
  .map(({ occupancy, operators, ahtMs }) => ({
    operators,
    ahtMs,
    arrivalsPerHour: (occupancy * operators * hourMs) / ahtMs,
  }));

t.test('up to 1,000 operators: shares are shares, and patience without end is Erlang C', async () => {
  fc.assert(
    fc.property(anyTraffic, fc.integer({ min: 0, max: hourMs }), (offered, withinMs) => {
      const patient = patientWaits(offered);
      const impatient = impatientWaits(offered, patienceMs);
      const servedWithin = impatientServedWithin(offered, patienceMs, withinMs);
      const isShare = (value: number): boolean => value >= 0 && value <= 1 + 1e-12;
      return (
        isShare(patient.waitProbability) &&
        isShare(patientServedWithin(offered, withinMs)) &&
        isShare(impatient.waitProbability) &&
        isShare(impatient.abandonProbability) &&
        isShare(servedWithin) &&
        impatient.waitProbability <= patient.waitProbability + 1e-12 &&
        servedWithin <= 1 - impatient.abandonProbability + 1e-9
      );
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(anyTraffic, (offered) => {
      fc.pre(offeredLoad(offered) / offered.operators < 0.98);
      const patient = patientWaits(offered);
      const almost = impatientWaits(offered, 1e6 * offered.ahtMs);
      return Math.abs(almost.waitProbability - patient.waitProbability) <= 0.01 * patient.waitProbability + 1e-12;
    }),
    { numRuns: 100 },
  );
});

t.test('whoever does not leave is served at last; beyond capacity too', async (t) => {
  for (const offered of [traffic(60, 240, 6), traffic(600, 240, 43), traffic(60_000, 120, 1_000)]) {
    const { abandonProbability } = impatientWaits(offered, patienceMs);
    near(t, impatientServedWithin(offered, patienceMs, 100 * hourMs), 1 - abandonProbability, 1e-9, 'served at last');
    near(
      t,
      impatientServedWithin(offered, patienceMs, 0),
      1 - impatientWaits(offered, patienceMs).waitProbability,
      1e-9,
      'at once',
    );
  }
  const flooded = impatientWaits(traffic(60_000, 120, 1_000), hourMs);
  near(t, flooded.abandonProbability, 0.5, 1e-9, 'twice the capacity: half must leave');
  t.same(patientWaits(traffic(60, 240, 4)), { waitProbability: 1, asaMs: Number.POSITIVE_INFINITY });
  t.equal(patientServedWithin(traffic(60, 240, 4), hourMs), 0);
});

t.test('priorities keep the mean wait, however many there are', async () => {
  fc.assert(
    fc.property(
      anyTraffic,
      fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 }),
      (offered, shares) => {
        const total = shares.reduce((sum, part) => sum + part, 0);
        const rates = shares.map((part) => (offered.arrivalsPerHour * part) / total);
        const waits = priorityWaits(rates, offered);
        const mean = waits.reduce((sum, wait, i) => sum + wait * (shares[i] ?? 0), 0) / total;
        const { asaMs } = patientWaits(offered);
        const inOrder = waits.every((wait, i) => i === 0 || wait >= (waits[i - 1] ?? 0));
        return inOrder && Math.abs(mean - asaMs) <= 1e-9 * asaMs + 1e-12;
      },
    ),
    { numRuns: 300 },
  );
});

t.test('traffic that makes no sense is refused', async (t) => {
  for (const offered of [traffic(-1, 240, 6), traffic(60, 0, 6), traffic(60, 240, 1.5), traffic(Number.NaN, 240, 6)]) {
    t.ok(
      hasCode(
        thrownBy(() => patientWaits(offered)),
        'TRAFFIC_INVALID',
      ),
    );
  }
  t.ok(
    hasCode(
      thrownBy(() => impatientWaits(traffic(60, 240, 6), 0)),
      'TRAFFIC_INVALID',
    ),
  );
  t.same(impatientWaits(traffic(0, 240, 6), patienceMs), { waitProbability: 0, abandonProbability: 0, meanWaitMs: 0 });
});

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
