import t, { type Test } from 'tap';
import type { Citizen, Phone, PhoneLeg } from '../../src/phones/index.ts';
import {
  callBackConfig,
  callBacks,
  dayNumber,
  isBusy,
  isMachine,
  isOver,
  isSilent,
  now,
  picksUp,
  retryMs,
  type ShownCallBack,
  untilCallBacks,
} from '../support/called-back.ts';
import {
  assertAtRest,
  closedContact,
  limitMs,
  operatorNow,
  placeCall,
  readyOperator,
  type ShownContact,
  type TestCaller,
  untilIdle,
} from '../support/calls.ts';
import { findInTheClear } from '../support/personal-data.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const latestMs = 8_000;
const wrapUpMs = 500;
const talkMs = 3_000;
const patienceMs = 4_500;
const betweenCallersMs = 150;
const operatorHz = 1_300;
const callerHz = 1_000;

const queues = {
  account: {
    requirement: 'account >= 7',
    // The choice would wait for its end, and the promise comes sooner.
    welcome: false,
    wrapUpMs,
    expectedHandlingMs: 4_000,
    ladder: {
      rungs: [
        { do: 'widen', afterMs: 2_000, requirement: 'account >= 1 or general >= 5' },
        { do: 'offerChoice', afterMs: 3_000 },
        { do: 'reserves', afterMs: 4_000, requirement: 'account >= 1 or general >= 5 or reserve >= 1' },
        { do: 'conclude', afterMs: 6_000 },
      ],
      latestMs,
      choiceNode: 'waitingChoice',
      choiceAboveMs: 120_000,
    },
  },
};
/** The first is good enough at once, the second only when what is asked is widened. */
const operators = ['op101', 'op104'] as const;

/** What a caller has in mind. An operator who comes first is talked to by all of them. */
type Intent = 'stays' | 'givesUpAtOnce' | 'givesUpLater' | 'wantsACallBack' | 'goesWhenConcluded' | 'leavesARequest';

/** In the order in which they call. Who leaves a request is last: it takes longer than anything else, and nobody is to be free for him before. */
const intents: readonly Intent[] = [
  ...Array.from({ length: 6 }, () => 'stays' as const),
  ...(['givesUpAtOnce', 'wantsACallBack', 'givesUpLater', 'goesWhenConcluded', 'wantsACallBack'] as const),
  ...(['stays', 'givesUpLater', 'stays', 'wantsACallBack', 'givesUpAtOnce', 'stays'] as const),
  ...(['goesWhenConcluded', 'stays', 'leavesARequest'] as const),
];

/** What the telephones of those who want a call-back do when they are called first. */
const atFirst = [
  { behaviour: isBusy, outcome: 'busy' },
  { behaviour: isMachine, outcome: 'machine' },
  { behaviour: isSilent, outcome: 'silence' },
] as const;

interface Member {
  readonly intent: Intent;
  readonly number: string;
  readonly caller: TestCaller;
}

interface Judged extends Member {
  readonly contact: ShownContact;
}

t.setTimeout(400_000);
void t.test('twenty callers, two operators', { timeout: 400_000 }, async (t) => {
  const stack: TestStack = await startTestStack({ queues, edit: callBackConfig });
  t.teardown(async () => await stack.stop());
  const phones: Phone[] = [];
  for (const id of operators) phones.push(await readyOperator(t, stack, id));
  for (const phone of phones) phone.audio = { toneHz: operatorHz };
  const wanting = intents.flatMap((intent, n) => (intent === 'wantsACallBack' ? [dayNumber(n)] : []));
  const citizens = intents.map((_, n) =>
    stack.phones.citizen({
      number: dayNumber(n),
      behaviour: atFirst[wanting.indexOf(dayNumber(n))]?.behaviour ?? picksUp,
    }),
  );
  let judged: readonly Judged[] = [];

  await t.test('everybody holds something in time, and his record says what', { timeout: 120_000 }, async (t) => {
    const members: Member[] = [];
    const places = watchPlaces(stack, members);
    await Promise.all(intents.map(async (intent, n) => await visit(t, stack, { intent, n, members })));
    judged = await Promise.all(members.map(async (member) => ({ ...member, contact: await member.caller.closed() })));
    const { looks, faults } = await places.stop();
    t.same(faults, [], 'nobody waits in two places');
    t.ok(looks > 10, `${looks} looks`);
    judgeRecords(t, judged);
    const { items } = await stack.api.get<{ items: readonly { readonly kind?: string }[] }>('/contacts?limit=200');
    t.equal(items.filter(({ kind }) => kind === undefined).length, intents.length, 'one record each, and no other');
  });

  await t.test('call-backs connect in the order of the places earned', { timeout: 180_000 }, async (t) => {
    const due = judged.filter(({ contact }) => contact.outcome === 'callBackPromised').map(({ number }) => number);
    t.ok(due.length >= wanting.length, `${due.length} are to be called back`);
    const called = citizens.filter(({ number }) => due.includes(number));
    await Promise.all(called.map(async (citizen) => await talkWith(t, citizen, phones)));
    const all = await untilCallBacks(stack, (found) => found.every(isOver), { what: 'all to be made' });
    judgeOrder(t, all, called);
    for (const callBack of all) {
      const citizen = citizens.find(({ number }) => number === callBack.number);
      if (citizen !== undefined && callBack.state === 'done') await judgeMade(t, stack, { callBack, citizen, judged });
    }
    const others = citizens.filter(({ number }) => !due.includes(number));
    t.same(
      others.flatMap(({ number }) => stack.phones.dialled(number)),
      [],
      'nobody else is called',
    );
    await untilIdle(stack, operators);
    for (const id of operators) t.match(await operatorNow(stack, id), { presence: 'ready', reachable: true });
    await assertAtRest(t, stack);
  });

  await t.test('no number stands in the clear in logs and databases', async (t) => {
    const { found, looked } = await findInTheClear([dayNumber(0).slice(2, -2)], {
      dirs: [stack.stack.home.logDir],
      databaseUrl: stack.stack.databaseUrl,
      redisUrl: stack.stack.redisUrl,
    });
    t.ok(looked > 10, `${looked} places looked at`);
    t.same(found, []);
  });
});

/** One caller from his call to his hanging up. */
async function visit(
  t: Test,
  stack: TestStack,
  { intent, n, members }: { readonly intent: Intent; readonly n: number; readonly members: Member[] },
): Promise<void> {
  await pause(n * betweenCallersMs);
  const number = dayNumber(n);
  const caller = await placeCall(t, stack, { number: '88001000001', ani: number, at: now() });
  members.push({ intent, number, caller });
  await caller.press('1');
  const has = async (kind: string, fits?: (entry: { facts: Facts }) => boolean): Promise<unknown> =>
    await caller.watch.entry([kind], { limitMs: 60_000, what: kind, ...(fits && { fits }) });
  await has('queued');
  const joined = has('joined').then(async () => await pause(talkMs));
  const meant = carryOut(intent, caller, has);
  // Whoever is second is over with the call.
  for (const one of [joined, meant]) one.catch(() => undefined);
  await Promise.race([joined, meant]);
  await caller.leg.hangup();
}

type Facts = Readonly<Record<string, unknown>>;

/** Resolves when he has what he wanted and hangs up. */
async function carryOut(
  intent: Intent,
  caller: TestCaller,
  has: (kind: string, fits?: (entry: { facts: Facts }) => boolean) => Promise<unknown>,
): Promise<void> {
  const hears = async (prompt: string): Promise<unknown> =>
    await Promise.race(
      ['announced', 'promptStarted'].map(async (kind) => await has(kind, ({ facts }) => saysPrompt(facts, prompt))),
    );
  switch (intent) {
    case 'stays':
      return await new Promise(() => undefined);
    case 'givesUpAtOnce':
      return;
    case 'givesUpLater':
      return await pause(patienceMs);
    case 'wantsACallBack':
      await caller.leg.press('1');
      await hears('menu-request-number');
      await caller.leg.press('1');
      await has('callBackPromised');
      return void (await hears('call-back-promised-soon'));
    case 'goesWhenConcluded':
      await has('choiceOffered');
      await caller.leg.press('8');
      await has('callBackPromised');
      return void (await hears('concluded-call-back'));
    case 'leavesARequest':
      await caller.leg.press('2');
      await hears('menu-request-number');
      await caller.leg.press('1');
      await has('messageStarted');
      await caller.leg.playTone(callerHz, 1_500);
      await caller.leg.press('#');
      await hears('confirm-message');
      await caller.leg.press('1');
      return void (await has('requestStored'));
  }
}

function saysPrompt(facts: Facts, prompt: string): boolean {
  return JSON.stringify(facts.prompts ?? []).includes(`/${prompt}"`);
}

/** Looks again and again whether anybody stands in two places: two queues, two contacts in one, or on the line and being called. */
function watchPlaces(
  stack: TestStack,
  members: readonly Member[],
): { stop(): Promise<{ readonly looks: number; readonly faults: readonly string[] }> } {
  const faults: string[] = [];
  let looks = 0;
  let over = false;
  const look = async (): Promise<void> => {
    const waiting: string[] = [];
    for (const { id } of stack.config.queues) {
      const { items } = await stack.api.get<{ items: { contactId: string }[] }>(`/queues/${id}/waiting`);
      waiting.push(...items.map(({ contactId }) => contactId));
    }
    if (new Set(waiting).size < waiting.length) faults.push(`waiting twice: ${waiting.join(' ')}`);
    const open = (await callBacks(stack)).filter((one) => !isOver(one));
    if (new Set(open.map(({ number }) => number)).size < open.length) faults.push('two call-backs of one number');
    for (const { number, state, contactId } of open) {
      const member = members.find((one) => one.number === number);
      const isOnLine = member?.caller.leg.state === 'up' && !member.caller.watch.has('ended');
      if (isOnLine && state !== 'held') faults.push(`${state} while its caller is on the line`);
      if (contactId !== undefined && state !== 'held' && members.some(({ caller }) => caller.contactId === contactId))
        faults.push(`${state} by the caller’s own contact`);
    }
    looks += 1;
  };
  const looking = (async () => {
    while (!over) {
      await look();
      await pause(250);
    }
  })();
  return {
    async stop() {
      over = true;
      await looking;
      return { looks, faults };
    },
  };
}

const holds = ['joined', 'callBackPromised', 'requestStored'];
/** What each outcome rests on. */
const outcomes: Readonly<Record<string, string>> = {
  answeredByOperator: 'joined',
  callBackPromised: 'callBackPromised',
  requestLeft: 'requestStored',
  abandonedInQueue: 'ended',
  abandonedWhileRinging: 'ended',
};

function judgeRecords(t: Test, judged: readonly Judged[]): void {
  const tally: Record<string, number> = {};
  for (const { intent, contact } of judged) {
    const { outcome = '', enqueuedAt = '', timeline } = contact;
    tally[outcome] = (tally[outcome] ?? 0) + 1;
    const first = (kinds: readonly string[]): number =>
      Date.parse(timeline.find(({ kind }) => kinds.includes(kind))?.at ?? '') - Date.parse(enqueuedAt);
    const heldAfterMs = first(holds);
    const leftAfterMs = contact.endedBy === 'caller' ? first(['ended']) : Number.NaN;
    const why = `${intent}: ${outcome}, holds something after ${heldAfterMs} ms, over after ${first(['ended'])} ms`;
    t.ok(heldAfterMs <= latestMs || leftAfterMs <= latestMs, why);
    t.ok(
      timeline.some(({ kind }) => kind === outcomes[outcome]),
      `${outcome} is what the timeline tells`,
    );
    if (outcome === 'requestLeft') t.ok(contact.caseId);
  }
  t.comment(JSON.stringify(tally));
  t.equal(
    Object.values(tally).reduce((sum, count) => sum + count, 0),
    intents.length,
  );
  for (const outcome of ['answeredByOperator', 'callBackPromised', 'requestLeft', 'abandonedInQueue'])
    t.ok(tally[outcome], `somebody ended as ${outcome}`);
  const stayed = judged.filter(({ intent }) => intent === 'stays');
  t.ok(stayed.every(({ contact }) => contact.outcome === 'answeredByOperator'));
  t.ok(
    stayed.some(({ contact }) => contact.timeline.some(({ kind }) => kind === 'staysOnLine')),
    'some of them after the concluded end',
  );
}

/** A citizen who is called until he is reached: both hear each other, then he hangs up. */
async function talkWith(t: Test, citizen: Citizen, phones: readonly Phone[]): Promise<void> {
  let leg = await citizen.nextCall(120_000);
  if (citizen.behaviour !== picksUp) {
    citizen.behaviour = picksUp;
    leg = await citizen.nextCall(120_000);
  }
  t.ok(await leg.hears(operatorHz, { forMs: 600, limitMs: 2 * limitMs }), 'he hears the operator');
  const hearing = phones.flatMap(({ calls }) => calls).filter(({ state }) => state === 'up');
  await leg.playTone(callerHz, 1_000);
  const heard = await Promise.any(hearing.map(async (one) => await heardBy(one)));
  t.ok(heard >= 600, 'the operator hears him');
  await leg.hangup();
}

async function heardBy(operator: PhoneLeg): Promise<number> {
  return await operator.hears(callerHz, { forMs: 600, limitMs });
}

/** By the INVITEs at the citizens’ side, against the places. */
function judgeOrder(t: Test, all: readonly ShownCallBack[], called: readonly Citizen[]): void {
  const firstCalls = called.map(({ number, calls }) => ({
    placeAt: all.find((one) => one.number === number && one.state === 'done')?.placeAt ?? '',
    atMs: calls[0]?.startedAtMs ?? Number.NaN,
  }));
  const byPlace = firstCalls.toSorted((one, other) => one.placeAt.localeCompare(other.placeAt));
  const lateMs = byPlace.slice(1).map(({ atMs }, i) => atMs - (byPlace[i]?.atMs ?? Number.NaN));
  t.comment(`between the INVITEs: ${lateMs.join(', ')} ms`);
  // Two operators may come free in the same moment; their telephones are picked up one after the other or the other way round.
  t.ok(Math.min(...lateMs) > -100, 'in the order of the places');
}

async function judgeMade(
  t: Test,
  stack: TestStack,
  given: { readonly callBack: ShownCallBack; readonly citizen: Citizen; readonly judged: readonly Judged[] },
): Promise<void> {
  const { callBack, citizen, judged } = given;
  const own = judged.find(({ number }) => number === callBack.number);
  t.equal(callBack.placeAt, own?.contact.enqueuedAt, 'the place is when he began to wait');
  const { attempts } = callBack;
  const odd = atFirst.find(({ behaviour }) => behaviour === citizenAtFirst(citizen, judged));
  t.same(
    attempts.map(({ outcome }) => outcome),
    odd === undefined ? ['reached'] : [odd.outcome, 'reached'],
  );
  const invited = stack.phones.dialled(citizen.number).map(({ atMs }) => atMs);
  t.equal(invited.length, attempts.length, 'an INVITE for each attempt');
  for (const [i, { endedAt = '' }] of attempts.slice(0, -1).entries())
    t.ok((invited[i + 1] ?? 0) - Date.parse(endedAt) >= retryMs, 'not again before the delay');
  for (const { contactId, outcome } of attempts) {
    const contact = await closedContact(stack, contactId);
    const ended = outcome === 'reached' ? 'answeredByOperator' : 'callBackNotReached';
    t.match(contact, { kind: 'callBack', outcome: ended, enqueuedAt: callBack.placeAt });
    if (outcome !== 'reached') continue;
    t.match(contact, { endedBy: 'caller', operatorId: /^op10[14]$/ });
    t.ok((contact.talkMs ?? 0) >= 1_000);
    t.equal(contact.recordings.length, 1);
  }
}

/** How his telephone behaved when it was called first. */
function citizenAtFirst({ number }: Citizen, judged: readonly Judged[]): unknown {
  const wanting = judged.filter(({ intent }) => intent === 'wantsACallBack').map((member) => member.number);
  return atFirst[wanting.toSorted().indexOf(number)]?.behaviour;
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
