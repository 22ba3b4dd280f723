import t, { type Test } from 'tap';
import type { CallBack } from '../../src/callbacks/index.ts';
import type { ContactRecord, ContactState } from '../../src/contact/index.ts';
import { hourMs, type LegId } from '../../src/foundation/index.ts';
import { returningRules } from '../support/contact-rules.ts';
import { ContactWorld, type CrashPoint } from '../support/contact-world.ts';

/** The line whose callers are called back; its ladder concludes from 110 s, at 120 s at the latest. */
const calledLine = '+78001000004';
const number = '+79161234567';
/** One operator is ready, whose phone comes up when it is registered. */
async function started(options: {
  readonly crashAt?: CrashPoint;
  readonly closesAfterMs?: number;
}): Promise<ContactWorld> {
  const { crashAt, closesAfterMs } = options;
  const world = new ContactWorld();
  const closesAtMs = closesAfterMs === undefined ? undefined : world.clock.nowMs() + closesAfterMs;
  world.rules = returningRules(closesAtMs);
  world.callBacks.looks = false;
  if (closesAtMs !== undefined) world.callBacks.away = { fromMs: closesAtMs, toMs: closesAtMs + 12 * hourMs };
  await world.startProcess();
  world.exchange.unregister(await world.operatorReady('answer'));
  await world.pass(100);
  await world.stop();
  await world.startProcess(crashAt);
  await world.pass(100);
  return world;
}

const kindsOf = (record: Pick<ContactRecord, 'timeline'> | undefined): readonly string[] =>
  record?.timeline.map(({ kind }) => kind) ?? [];

const hasHeard = (record: Pick<ContactRecord, 'timeline'> | undefined, prompt: string): boolean =>
  record?.timeline.some(
    ({ facts }) => Array.isArray(facts.prompts) && (facts.prompts as readonly string[]).includes(`ru/${prompt}`),
  ) ?? false;

async function stateOf(world: ContactWorld): Promise<ContactState | undefined> {
  const [stored] = await world.stores.contactStates.loadShard('dozvon-n1');
  return stored && (JSON.parse(stored.sealedState) as { readonly state: ContactState }).state;
}

async function leftIn(world: ContactWorld): Promise<string | undefined> {
  const { legs, bridges } = world.exchange.snapshot('dozvon-n1');
  if (legs.length + bridges.length > 0) return 'legs or bridges left';
  if ((await world.stores.queue.waiting()).length > 0) return 'somebody is still in the queue';
  if (world.callBacks.all().some(({ state }) => state === 'held')) return 'a call-back is held by nobody';
  return (await stateOf(world)) === undefined ? undefined : 'a live contact is left';
}

/** Everything comes to its end: wrap-up, recording, record. */
async function ended(world: ContactWorld): Promise<ContactRecord | undefined> {
  await world.live(30_000);
  return (await world.records.list({ limit: 1 }))[0];
}

/** What is wrong with the one call-back that there has to be. */
function callBackFault(world: ContactWorld, state: CallBack['state']): string | undefined {
  const all = world.callBacks.all();
  if (all.length !== 1) return `${all.length} call-backs`;
  if (all[0]?.state !== state) return `the call-back is ${all[0]?.state}, expected ${state}`;
  return undefined;
}

/** Steps that a process makes every second, whatever its contacts do. */
const heartbeats: ReadonlySet<string> = new Set(['renew', 'list']);

/** Played with the service alive, and with it dying before and after each step; returns what is wrong, if anything. */
interface Scenario {
  readonly name: string;
  readonly closesAfterMs?: number;
  /** What comes before is the same as in others. */
  readonly fromMs?: number;
  readonly play: (world: ContactWorld) => Promise<string | undefined>;
}

async function proven(t: Test, { closesAfterMs, fromMs = 0, play }: Scenario): Promise<void> {
  const options = closesAfterMs === undefined ? {} : { closesAfterMs };
  const whole = await started({ ...options, crashAt: { step: Number.MAX_SAFE_INTEGER, when: 'before' } });
  const steps: number[] = [];
  const sinceMs = whole.clock.nowMs() + fromMs;
  whole.onStep = (name) => {
    if (!heartbeats.has(name) && whole.clock.nowMs() >= sinceMs) steps.push(whole.steps);
  };
  const atFirst = (await play(whole)) ?? (await leftIn(whole));
  await whole.stop();
  t.equal(atFirst, undefined, 'alive all the time');
  if (atFirst !== undefined) return;
  const faults: string[] = [];
  let deaths = 0;
  for (const step of steps) {
    for (const when of ['before', 'after'] as const) {
      const world = await started({ ...options, crashAt: { step, when } });
      const fault = (await play(world)) ?? (await leftIn(world));
      if (fault !== undefined) faults.push(`${when} step ${step}: ${fault}`);
      deaths += world.deaths - 1;
      await world.stop();
    }
  }
  t.comment(`${steps.length} steps, ${deaths} deaths`);
  t.same(faults, []);
}

const outcomeFault = (record: ContactRecord | undefined, outcome: ContactRecord['outcome']): string | undefined =>
  record?.outcome === outcome ? undefined : `outcome ${record?.outcome}: ${kindsOf(record).join()}`;

/** He wants to be called back, hears that he will be, and hangs up. */
async function choosesByKey(world: ContactWorld): Promise<string | undefined> {
  const caller: LegId = world.call(calledLine);
  await world.live(20_000);
  world.exchange.press(caller, '1');
  await world.live(5_000);
  // A key is lost with the process that heard it: he presses again.
  if (world.callBacks.all().length === 0) world.exchange.press(caller, '1');
  await world.live(8_000);
  const held = callBackFault(world, 'held');
  world.exchange.hangup(caller);
  const record = await ended(world);
  const placeMs = world.callBacks.all()[0]?.placeMs;
  if (placeMs !== record?.enqueuedAtMs)
    return `its place is ${placeMs}, the caller’s ${record?.enqueuedAtMs}: ${kindsOf(record).join()}`;
  const heard = ['call-back-promised', 'call-back-promised-soon'].some((prompt) => hasHeard(record, prompt));
  if (!heard) return `he was not told: ${kindsOf(record).join()}`;
  return held ?? callBackFault(world, 'scheduled') ?? outcomeFault(record, 'callBackPromised');
}

/** He waits past the promised time, holds a call-back, and hangs up. */
async function waitsAndLeaves(world: ContactWorld): Promise<string | undefined> {
  const caller: LegId = world.call(calledLine);
  await world.live(122_000);
  const held = callBackFault(world, 'held');
  await world.live(10_000);
  world.exchange.hangup(caller);
  const record = await ended(world);
  if (!hasHeard(record, 'concluded-call-back')) return `he was not told: ${kindsOf(record).join()}`;
  return held ?? callBackFault(world, 'scheduled') ?? outcomeFault(record, 'callBackPromised');
}

/** He waits past the promised time and stays; then an operator's phone comes up and is answered. */
async function waitsAndIsAnswered(world: ContactWorld): Promise<string | undefined> {
  const caller: LegId = world.call(calledLine);
  await world.live(122_000);
  const held = callBackFault(world, 'held');
  world.exchange.register('101', 'answer');
  await world.live(25_000);
  world.exchange.hangup(caller);
  const record = await ended(world);
  return held ?? callBackFault(world, 'cancelled') ?? outcomeFault(record, 'answeredByOperator');
}

/** No call-back has room: a request is his end, which nobody needs to work on when he is answered after all. */
async function holdsRequestAndIsAnswered(world: ContactWorld): Promise<string | undefined> {
  world.callBacks.refuses = 'noRoom';
  const caller: LegId = world.call(calledLine);
  await world.live(122_000);
  world.exchange.register('101', 'answer');
  await world.live(25_000);
  world.exchange.hangup(caller);
  const record = await ended(world);
  const request = record?.caseId === undefined ? undefined : await world.cases.cases.get(record.caseId);
  if (request?.state !== 'closed') return `the request is ${request?.state}: ${kindsOf(record).join()}`;
  const stored = kindsOf(record).filter((kind) => kind === 'requestStored').length;
  return stored === 1 ? outcomeFault(record, 'answeredByOperator') : `${stored} requests`;
}

/** He has a call-back open and calls in: he gets its place, and no other is made. */
async function callsIn(world: ContactWorld): Promise<{ readonly caller: LegId; readonly fault: string | undefined }> {
  const waitedMs = 30 * 60_000;
  await world.callBacks.scheduled(number, world.clock.nowMs() - waitedMs);
  const caller: LegId = world.call(calledLine);
  await world.live(10_000);
  const held = callBackFault(world, 'held');
  const [place] = await world.stores.queue.waiting();
  // A process that dies while it looks him up looks again; one that dies beside it has looked already.
  const early = (place?.headStartMs ?? 0) >= waitedMs ? undefined : `head start ${place?.headStartMs}`;
  return { caller, fault: held ?? early };
}

async function callsInAndIsAnswered(world: ContactWorld): Promise<string | undefined> {
  const { caller, fault } = await callsIn(world);
  world.exchange.register('101', 'answer');
  await world.live(10_000);
  world.exchange.hangup(caller);
  const record = await ended(world);
  if (!hasHeard(record, 'call-back-resumed')) return `he was not told: ${kindsOf(record).join()}`;
  return fault ?? callBackFault(world, 'cancelled') ?? outcomeFault(record, 'answeredByOperator');
}

async function callsInAndLeaves(world: ContactWorld): Promise<string | undefined> {
  const { caller, fault } = await callsIn(world);
  world.exchange.hangup(caller);
  const record = await ended(world);
  return fault ?? callBackFault(world, 'scheduled') ?? outcomeFault(record, 'callBackPromised');
}

/** His phone rings for his call-back while he is calling himself; his operator is given to him, and nobody calls him again. */
async function callsInWhileDialled(world: ContactWorld): Promise<string | undefined> {
  world.callBacks.looks = true;
  world.exchange.citizen(number, 'ring');
  const callBackId = await world.callBacks.scheduled(number, world.clock.nowMs(), 'caller-first', 'general');
  world.exchange.register('101', 'answer');
  await world.live(1_000);
  const caller: LegId = world.call(calledLine);
  await world.live(18_000);
  const rung = world.exchange.dialled.length;
  await world.live(40_000);
  world.exchange.hangup(caller);
  await ended(world);
  const record = (await world.records.list({ limit: 10 })).find(({ kind }) => kind === undefined);
  if (world.exchange.dialled.length > rung) return 'he was called while he talked, or after it';
  if (rung > 1) return `he was called ${rung} times`;
  const { state } = world.callBacks.get(callBackId);
  return state === 'cancelled' ? outcomeFault(record, 'answeredByOperator') : `the call-back is ${state}`;
}

/** He gives up, calls again and gets his place back; gives up again, and has the older place still. */
async function callsAgain(world: ContactWorld): Promise<string | undefined> {
  const first: LegId = world.call(calledLine);
  await world.live(20_000);
  world.exchange.hangup(first);
  await world.live(5_000);
  const second: LegId = world.call(calledLine);
  await world.live(10_000);
  const [place] = await world.stores.queue.waiting();
  const { abandoned: nowFree } = await world.callers.earlierPlaces({ ani: number, sinceMs: 0 });
  world.exchange.hangup(second);
  await ended(world);
  const [later, earlier] = await world.records.list({ limit: 2 });
  const { abandoned: again } = await world.callers.earlierPlaces({ ani: number, sinceMs: 0 });
  const returned = later?.timeline.filter(({ kind }) => kind === 'placeReturned') ?? [];
  if (returned.length !== 1 || returned[0]?.facts.from !== earlier?.contactId) return 'not given back once';
  if (place?.enqueuedAtMs === earlier?.enqueuedAtMs) return 'his wait is measured from before he called';
  if ((place?.headStartMs ?? 0) < 20_000) return `head start ${place?.headStartMs}`;
  if (nowFree.length > 0) return 'his place is free for another';
  if (again[0]?.placeMs !== earlier?.enqueuedAtMs) return 'the older place is lost';
  return hasHeard(later, 'place-returned') ? outcomeFault(later, 'abandonedInQueue') : 'he was not told';
}

/** The line closes while he waits: he is told, and when the grace is over leaves a message. */
async function waitsAtClosingTime(world: ContactWorld): Promise<string | undefined> {
  world.callBacks.refuses = 'noRoom';
  const caller: LegId = world.call(calledLine);
  await world.live(340_000);
  const atTheEnd = (await stateOf(world))?.phase.name;
  world.exchange.press(caller, '#1');
  await world.live(30_000);
  world.exchange.hangup(caller);
  const record = await ended(world);
  if (atTheEnd !== 'voice') return `he was ${atTheEnd} when the grace was over`;
  if (!hasHeard(record, 'closing-grace')) return `he was not told: ${kindsOf(record).join()}`;
  const told = record?.timeline.filter(({ kind }) => kind === 'lineClosed').length;
  return told === 1 ? outcomeFault(record, 'requestLeft') : `the line closed ${told} times`;
}

/** He leaves a request when the line has closed: he is called back for it when it opens, and it stands. */
async function leavesRequestAtNight(world: ContactWorld): Promise<string | undefined> {
  world.callBacks.refuses = 'noRoom';
  const caller: LegId = world.call(calledLine);
  await world.live(340_000);
  world.callBacks.refuses = undefined;
  world.exchange.press(caller, '#1');
  await world.live(30_000);
  world.exchange.hangup(caller);
  const record = await ended(world);
  const [made] = world.callBacks.all();
  if (made?.wish.kind !== 'nextOpening') return `he wishes ${made?.wish.kind}: ${kindsOf(record).join()}`;
  if (made.caseId === undefined || made.caseId !== record?.caseId) return 'it is not for his request';
  const request = await world.cases.cases.get(made.caseId);
  if (request?.state === 'closed') return 'the request is closed';
  return callBackFault(world, 'scheduled') ?? outcomeFault(record, 'requestLeft');
}

const scenarios: readonly Scenario[] = [
  { name: 'a call-back chosen by key', fromMs: 18_000, play: choosesByKey },
  { name: 'a call-back as the concluded end', fromMs: 100_000, play: waitsAndLeaves },
  { name: 'a caller who stays and is answered', fromMs: 100_000, play: waitsAndIsAnswered },
  { name: 'a caller who holds a request and is answered', fromMs: 100_000, play: holdsRequestAndIsAnswered },
  { name: 'a caller with an open call-back, answered', play: callsInAndIsAnswered },
  { name: 'a caller with an open call-back, who leaves again', play: callsInAndLeaves },
  { name: 'a caller who is being dialled and calls in', play: callsInWhileDialled },
  { name: 'a caller who gave up and calls again', fromMs: 18_000, play: callsAgain },
  { name: 'closing time', closesAfterMs: 30_000, fromMs: 28_000, play: waitsAtClosingTime },
  { name: 'a request of the night', closesAfterMs: 30_000, fromMs: 338_000, play: leavesRequestAtNight },
];

for (const scenario of scenarios)
  t.test(`${scenario.name}: the service dies in any step of it`, { timeout: 300_000 }, (t) => proven(t, scenario));
