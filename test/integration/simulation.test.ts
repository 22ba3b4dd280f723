import t from 'tap';
import { ContactSource } from '../../bench/sim/contact-source.ts';
import { HardDay } from '../../bench/sim/hard-day.ts';
import { Hotline, operatorsWith, type Router } from '../../bench/sim/hotline.ts';
import { PairedStore } from '../../bench/sim/paired-store.ts';
import { replicate } from '../../bench/sim/replication.ts';
import { queueOf, theoryScenarios } from '../../bench/sim/scenarios.ts';
import { faultsOf, simulate } from '../../bench/sim/simulate.ts';
import type { QueueMoveKind, QueueStore } from '../../src/acd/index.ts';
import { secondMs } from '../../src/foundation/index.ts';
import { createMemoryStores } from '../../src/store/memory/index.ts';
import { startRedis } from '../support/redis.ts';

/** Complete, or it does not compile. */
const everyMove: Readonly<Record<QueueMoveKind, true>> = {
  operatorRegistered: true,
  operatorRemoved: true,
  operatorSignedIn: true,
  operatorSignedOut: true,
  presenceChanged: true,
  reachabilityChanged: true,
  setAsideEnded: true,
  contactEnqueued: true,
  contactWithdrawn: true,
  offerReserved: true,
  offerConnected: true,
  offerGivenBack: true,
  operatorReleased: true,
  wrapUpOver: true,
  wrapUpExtended: true,
  notReadyAsked: true,
  skillsChanged: true,
  outsideCallChanged: true,
  stepTaken: true,
  preferenceOver: true,
  contactMoved: true,
  priorityChanged: true,
};

const redis = await startRedis();
t.teardown(() => redis.stop());

t.test('the short simulation: every wait as the recursion has it, twin and scripts alike, theory inside', async (t) => {
  const result = await simulate({
    seed: '1',
    length: 'short',
    redisUrl: redis.url,
    rowsBy: 'twin',
    workers: 0,
    onProgress: (line) => t.comment(line),
  });
  t.same(faultsOf(result), []);
  t.equal(result.pathMismatches, 0);
  t.ok(result.pathContacts > 50_000, `${result.pathContacts} waits compared`);
  t.ok(
    result.paired.every((run) => run.compared > 3 * run.contacts && run.differences === 0),
    'every answer compared',
  );
  for (const { hardDay } of result.paired) {
    if (hardDay !== undefined) t.same(hardDay.kinds, Object.keys(everyMove).sort(), 'every move there is was made');
  }
  t.ok(result.rows.length >= 12 && result.rows.every((row) => row.inside));
  t.ok(result.rows.filter((row) => row.precise).length >= 3, 'some rows are measured to 2 % even here');
});

t.test('a contact taken out of turn is a path mismatch', async (t) => {
  const [scenario] = theoryScenarios();
  if (scenario === undefined) throw new Error('expected a scenario');
  const { queue } = createMemoryStores();
  let matches = 0;
  const unfair: Router = {
    ...verbsOf(queue),
    async matchOperator(operatorId, options) {
      matches += 1;
      // Every hundredth free operator looks away until somebody else becomes free.
      return matches % 100 === 0 ? undefined : await queue.matchOperator(operatorId, options);
    },
  };
  const run = await replicate(scenario, { router: unfair, seed: 'planted', contacts: 2_000, warmUp: 0 });
  t.ok(run.pathMismatches > 0, `${run.pathMismatches} of ${run.pathContacts}`);
});

t.test('a twin that differs from the scripts is found', async (t) => {
  const scripts = await redis.stores('planted:');
  const twin = createMemoryStores();
  const forgetful: QueueStore = Object.assign(Object.create(twin.queue) as QueueStore, {
    ...verbsOf(twin.queue),
    // Half of the time it takes the operator as if nothing had been missed.
    offerFailed: (...[offerId, failure, options]: Parameters<QueueStore['offerFailed']>) =>
      twin.queue.offerFailed(offerId, failure, { ...options, setAsideMs: options.setAsideMs / 2 }),
  });
  const store = new PairedStore({ twin: { ...twin, queue: forgetful }, scripts });
  await new HardDay(store, 'planted').run(150, 'planted');
  t.ok(store.differenceCount > 0, `${store.differenceCount} differences`);
  t.ok(store.differences.length <= 20 && (store.differences[0] ?? '').includes('scripts'));
});

t.test('patience ends the wait, not before and not after', async (t) => {
  const { queue } = createMemoryStores();
  const settled: { readonly waitMs: number; readonly answered: boolean; readonly patienceMs: number }[] = [];
  const hotline = new Hotline({
    router: queue,
    queues: [queueOf('all', 'all')],
    settled: ({ waitMs, answered, contact }) => settled.push({ waitMs, answered, patienceMs: contact.patienceMs }),
  });
  await hotline.begin(operatorsWith({ all: 1 }, 2));
  const plan = {
    arrivalsPerHour: 60,
    ahtMs: 240 * secondMs,
    meanPatienceMs: 60 * secondMs,
    kinds: [{ queueId: 'all', share: 1 }],
  };
  const source = new ContactSource(plan, 'patience');
  for (let i = 0; i < 500; i += 1) await hotline.arrive(source.next());
  const gone = settled.filter(({ answered }) => !answered);
  t.ok(gone.length > 100, `${gone.length} left`);
  t.ok(gone.every(({ waitMs, patienceMs }) => waitMs === patienceMs));
  t.ok(settled.every(({ waitMs, patienceMs }) => waitMs <= patienceMs));
});

/** The store's verbs as own properties, so that a test can replace one. */
function verbsOf(queue: QueueStore): QueueStore {
  const names: string[] = [];
  for (let from: object = Object.getPrototypeOf(queue); from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    names.push(...Object.getOwnPropertyNames(from));
  }
  const entries = (names as (keyof QueueStore)[])
    .filter((name) => typeof queue[name] === 'function' && (name as string) !== 'constructor')
    .map((name) => [name, (queue[name] as (...args: unknown[]) => unknown).bind(queue)]);
  return Object.fromEntries(entries) as QueueStore;
}
