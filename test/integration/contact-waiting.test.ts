import t from 'tap';
import { stayingHeadStartMs } from '../../src/acd/index.ts';
import type { ContactRecord, ContactState } from '../../src/contact/index.ts';
import type { LegId } from '../../src/foundation/index.ts';
import { ContactWorld, type CrashPoint } from '../support/contact-world.ts';

/** The line whose queue announces and has a ladder: concluded end from 110 s, at 120 s at the latest. */
const toldLine = '+78001000003';
async function started(crashAt?: CrashPoint): Promise<ContactWorld> {
  const world = new ContactWorld();
  await world.startProcess();
  await world.operatorReady('answer');
  await world.operatorAway();
  await world.stop();
  await world.startProcess(crashAt);
  await world.pass(100);
  return world;
}

async function stateOf(world: ContactWorld): Promise<ContactState | undefined> {
  const [stored] = await world.stores.contactStates.loadShard('dozvon-n1');
  return stored && (JSON.parse(stored.sealedState) as { readonly state: ContactState }).state;
}

const kindsOf = (state: Pick<ContactState, 'timeline'> | undefined): readonly string[] =>
  state?.timeline.map(({ kind }) => kind) ?? [];

const hasHeardNumber = (state: Pick<ContactState, 'timeline'> | undefined): boolean =>
  state?.timeline.some(
    ({ kind, facts }) =>
      kind === 'announced' && Array.isArray(facts.prompts) && facts.prompts.includes('ru/request-number'),
  ) ?? false;

/** He waits past the promised time, presses a key for an answer on the way, and hangs up. */
async function waitsAndLeaves(world: ContactWorld): Promise<{
  readonly atLatest: ContactState | undefined;
  readonly headStartMs: number | undefined;
  readonly record: ContactRecord | undefined;
}> {
  const caller: LegId = world.call(toldLine);
  await world.live(40_000);
  world.exchange.press(caller, '3');
  await world.live(82_000);
  const atLatest = await stateOf(world);
  await world.live(20_000);
  const [place] = await world.stores.queue.waiting();
  world.exchange.hangup(caller);
  await world.live(10_000);
  const [record] = await world.records.list({ limit: 1 });
  return { atLatest, headStartMs: place?.headStartMs, record };
}

function faultIn({ atLatest, headStartMs, record }: Awaited<ReturnType<typeof waitsAndLeaves>>): string | undefined {
  if (atLatest?.phase.name !== 'queued') return `at 121 s he was ${atLatest?.phase.name ?? 'nowhere'}`;
  if (atLatest.facts.caseId === undefined) return `no request at 121 s: ${kindsOf(atLatest).join()}`;
  if (headStartMs !== stayingHeadStartMs) return `head start ${headStartMs}`;
  if (!hasHeardNumber(record)) return `he did not hear his number: ${kindsOf(record).join()}`;
  if (record?.outcome !== 'requestLeft') return `outcome ${record?.outcome}`;
  return kindsOf(record).filter((kind) => kind === 'requestStored').length > 1 ? 'two requests' : undefined;
}

async function leftIn(world: ContactWorld): Promise<string | undefined> {
  const { legs, bridges } = world.exchange.snapshot('dozvon-n1');
  if (legs.length + bridges.length > 0) return 'legs or bridges left';
  if ((await world.stores.queue.waiting()).length > 0) return 'somebody is still in the queue';
  return (await stateOf(world)) === undefined ? undefined : 'a live contact is left';
}

t.test('who waits hears his place, may choose, and holds a number by 120 s', async (t) => {
  const world = await started();
  const end = await waitsAndLeaves(world);
  t.equal(faultIn(end), undefined);
  t.equal(await leftIn(world), undefined);
  const kinds = kindsOf(end.record);
  for (const kind of ['announced', 'choiceOffered', 'visitStarted', 'concluded', 'requestStored', 'staysOnLine'])
    t.ok(kinds.includes(kind), kind);
  t.equal(kinds.filter((kind) => kind === 'queued').length, 1);
  await world.stop();
});

t.test(
  'the service dies in any step of a wait: the caller keeps his place and holds one number by 120 s',
  { timeout: 300_000 },
  async (t) => {
    const whole = await started({ step: Number.MAX_SAFE_INTEGER, when: 'before' });
    await waitsAndLeaves(whole);
    const lastStep = whole.steps;
    await whole.stop();
    const faults: string[] = [];
    let deaths = 0;
    for (let step = 1; step <= lastStep; step += 1) {
      for (const when of ['before', 'after'] as const) {
        const world = await started({ step, when });
        const end = await waitsAndLeaves(world);
        const fault = faultIn(end) ?? (await leftIn(world));
        if (fault !== undefined) faults.push(`${when} step ${step}: ${fault}`);
        deaths += world.deaths - 1;
        await world.stop();
      }
    }
    t.comment(`${lastStep} steps, ${deaths} deaths`);
    t.same(faults, []);
  },
);

/** On a visit to his flow an operator's phone comes up, rings and is answered; they talk, and he hangs up. */
async function isTakenFromVisit(world: ContactWorld): Promise<ContactRecord | undefined> {
  const caller: LegId = world.call(toldLine);
  await world.live(8_000);
  world.exchange.press(caller, '3');
  await world.live(500);
  world.exchange.register('101', 'answer');
  await world.live(30_000);
  world.exchange.hangup(caller);
  await world.live(30_000);
  const [record] = await world.records.list({ limit: 1 });
  return record;
}

async function startedUnreachable(crashAt?: CrashPoint): Promise<ContactWorld> {
  const world = new ContactWorld();
  await world.startProcess();
  world.exchange.unregister(await world.operatorReady('answer'));
  await world.pass(100);
  await world.stop();
  await world.startProcess(crashAt);
  await world.pass(100);
  return world;
}

t.test(
  'the service dies in any step of a visit to the flow: the operator who answers gets the caller',
  { timeout: 120_000 },
  async (t) => {
    const whole = await startedUnreachable({ step: Number.MAX_SAFE_INTEGER, when: 'before' });
    const record = await isTakenFromVisit(whole);
    for (const kind of ['visitStarted', 'visitEnded', 'joined']) t.ok(kindsOf(record).includes(kind), kind);
    const lastStep = whole.steps;
    await whole.stop();
    const faults: string[] = [];
    for (let step = 1; step <= lastStep; step += 1) {
      for (const when of ['before', 'after'] as const) {
        const world = await startedUnreachable({ step, when });
        const end = await isTakenFromVisit(world);
        const left = await leftIn(world);
        if (end?.outcome !== 'answeredByOperator' || left !== undefined)
          faults.push(`${when} step ${step}: ${end?.outcome} ${left ?? ''} ${kindsOf(end).join()}`);
        await world.stop();
      }
    }
    t.comment(`${2 * lastStep} deaths`);
    t.same(faults, []);
  },
);
