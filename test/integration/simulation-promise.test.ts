import t from 'tap';
import { type DayPlan, dayPlans } from '../../bench/sim/promise/day-source.ts';
import {
  loadFaults,
  loadRun,
  type PromiseRules,
  promiseFaults,
  promiseRun,
  referenceRules,
} from '../../bench/sim/promise/promise-run.ts';
import { hourMs } from '../../src/foundation/index.ts';

function planOf(id: string): DayPlan {
  const plan = dayPlans().find((each) => each.id === id);
  if (plan === undefined) throw new Error(`expected a plan ${id}`);
  return plan;
}

t.test(
  'the short simulation: everybody is concluded in time, live callers lose little, promises are kept',
  async (t) => {
    const result = await promiseRun({ seed: '1', length: 'short', onProgress: (line) => t.comment(line) });
    t.same(promiseFaults(result), []);
    t.same(
      result.loads.map(({ load }) => load),
      [0.8, 1, 1.3, 2],
    );
    t.ok(result.loads.every((row) => row.contacts >= 7_000 && row.concludedBy120s === 1));
    t.ok(
      result.details.every(({ callBacks }) => callBacks > 0),
      'call-backs are promised at every load',
    );
    t.equal(result.estimates.length, 8);
  },
);

t.test('the same seed gives the same figures, another one others', async (t) => {
  const run = { contacts: 2_000, rules: referenceRules };
  const plan = planOf('constant-1.3');
  const first = await loadRun(plan, { ...run, seed: '1' });
  t.same(await loadRun(plan, { ...run, seed: '1' }), first);
  t.notSame((await loadRun(plan, { ...run, seed: '2' })).figures, first.figures);
});

t.test('rules that promise too much, share too much or conclude too late are found', async (t) => {
  const { rule, ladder } = referenceRules;
  const faults = async (id: string, change: Partial<PromiseRules>): Promise<string> => {
    const rules = { ...referenceRules, ...change };
    return loadFaults(await loadRun(planOf(id), { seed: '1', contacts: 5_000, rules })).join('; ');
  };
  t.match(
    await faults('constant-1.3', { rule: { ...rule, promisedShare: 200, reservedShare: 0.005 } }),
    /of the promises kept/,
  );
  t.match(await faults('constant-1.3', { rule: { ...rule, reservedShare: 0.2 } }), /answered .* is below 0\.97/);
  const eager = { rule: { ...rule, idleRoots: 0, leastIdleRoots: 0 }, ladder: { ...ladder, choiceAboveMs: 0 } };
  t.match(await faults('constant-0.8', eager), /fewer answered than by first come/);
  const late = { ...ladder, rungs: [{ do: 'conclude', afterMs: hourMs }] } as const;
  t.match(await faults('day-2', { ladder: late }), /without a concluded end/);
});
