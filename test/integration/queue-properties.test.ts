import fc from 'fast-check';
import t from 'tap';
import {
  type AcdService,
  createAcdService,
  enqueueRequest,
  type OfferFailure,
  operatorSchema,
  type QueueStore,
  queuePlan,
  queueSchema,
  type Sharing,
  type Skills,
  type WaitingContact,
  whyNot,
} from '../../src/acd/index.ts';
import type { StreamEvent } from '../../src/contact/store-ports.ts';
import {
  asId,
  bySystem,
  type ContactId,
  DozvonError,
  type OfferId,
  type OperatorId,
  silentLogger,
  withLimit,
} from '../../src/foundation/index.ts';
import { createMemoryStores } from '../../src/store/memory/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { QueueReplay } from '../support/queue-replay.ts';
import { type Stores, startRedis, type TestRedis } from '../support/redis.ts';

const start = 1_800_000_000_000;
const by = bySystem('test', 'property');

const queues = [
  { id: 'a', requirement: 'a >= 1' },
  // The same requirement as before with another strategy, and limits.
  {
    id: 'short',
    requirement: [{ skill: 'a', minLevel: 1 }],
    strategy: 'roundRobin',
    limits: { length: { most: 2, to: { queue: 'a' } }, nobodyLoggedIn: { to: { queue: 'a' } } },
  },
  { id: 'b', requirement: 'b >= 1', headStartMs: 7_000, preferredMs: 8_000, strategy: 'leastSkilled' },
  {
    id: 'a5',
    requirement: 'a >= 5',
    considerIf: 'anyQualified',
    answerTargetMs: 60_000,
    strategy: 'fewestContacts',
    steps: [
      { afterMs: 5_000, requirement: 'a >= 3 and not b >= 1', considerIf: 'anyQualified' },
      { afterMs: 20_000, requirement: 'a >= 1 or b >= 1' },
    ],
  },
  {
    id: 'asked',
    requirement: 'b >= 2 and a >= 1',
    strategy: 'mostSkilled',
    steps: [
      { afterMs: 1, requirement: 'b >= 1', considerIf: { estimateAboveMs: 1_000 } },
      { afterMs: 9_000, requirement: 'a >= 3 or b >= 1', considerIf: { serviceLevelBelow: 0.9 } },
    ],
  },
  { id: 'drawn', requirement: 'anyone', strategy: 'randomWeighted' },
  { id: 'even', requirement: 'a or b', strategy: 'leastOccupied' },
].map((queue) => queueSchema.parse({ name: queue.id, setAside: { notReadyAfterMissed: 2 }, ...queue }));
const rules: readonly Sharing[] = [
  { keepIdle: 0, presses: true, share: 0.5, costMs: 2_000 },
  { keepIdle: 1, presses: false, share: 0.1, costMs: 1_000 },
  { keepIdle: 2, presses: true, share: 0.05, costMs: 9_000 },
];
const leaseMs = 35_000;
const operators = [
  { id: '101', skills: { a: 3 } },
  { id: '102', skills: { b: 3 } },
  { id: '103', skills: { a: 7, b: 1 }, weight: 5 },
  { id: '104', skills: { a: 7, b: 1 }, capacity: { voice: 1, chat: 2 } },
].map((operator) => operatorSchema.parse({ ...operator, extension: operator.id, name: operator.id }));
const skillSets: readonly Skills[] = [{ a: 1 }, { a: 3 }, { b: 2 }, { a: 2, b: 3 }, { z: 1 }];
const failures: readonly OfferFailure[] = [
  'offerUnanswered',
  'offerDeclined',
  'operatorBusy',
  'operatorUnreachable',
  'contactGone',
];
const processes = 3;

const operatorSteps = [
  ...(['ready', 'notReady', 'loggedOff', 'notReadyNext', 'signOut', 'reachable', 'unreachable'] as const),
  ...(['outsideCall', 'outsideCallOver'] as const),
] as const;
const heldSteps = ['release', 'wrapUp', 'endWrapUp', 'extendWrapUp'] as const;

type Step =
  | { readonly do: 'callBack'; readonly queue: number; readonly chat: boolean; readonly earlier: number }
  | { readonly do: 'sharing'; readonly queue: number; readonly rule: number }
  | { readonly do: 'arrive'; readonly queue: number; readonly chat: boolean; readonly preferred: number | undefined }
  | { readonly do: (typeof operatorSteps)[number]; readonly operator: number }
  | { readonly do: 'skills'; readonly operator: number; readonly skills: number }
  | { readonly do: 'answer' | 'answerLate' | 'withdraw' | (typeof heldSteps)[number]; readonly which: number }
  | { readonly do: 'move'; readonly which: number; readonly queue: number }
  | { readonly do: 'headStart'; readonly which: number; readonly seconds: number }
  | { readonly do: 'fail'; readonly which: number; readonly failure: number }
  | { readonly do: 'again'; readonly which: number };

const index = fc.nat({ max: 20 });
function doing<Name extends string>(...names: readonly [Name, ...Name[]]): fc.Arbitrary<Name> {
  return fc.constantFrom(...names);
}
const chat = fc.integer({ min: 0, max: 4 }).map((n) => n === 0);
const preferred = fc.option(index, { nil: undefined, freq: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 7, arbitrary: fc.record({ do: doing('arrive'), queue: index, chat, preferred }) },
  { weight: 3, arbitrary: fc.record({ do: doing('callBack'), queue: index, chat, earlier: index }) },
  { weight: 1, arbitrary: fc.record({ do: doing('sharing'), queue: index, rule: index }) },
  { weight: 3, arbitrary: fc.record({ do: doing('ready'), operator: index }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: doing(...operatorSteps), operator: index }),
  },
  { weight: 1, arbitrary: fc.record({ do: doing('skills'), operator: index, skills: index }) },
  { weight: 1, arbitrary: fc.record({ do: doing('move'), which: index, queue: index }) },
  { weight: 1, arbitrary: fc.record({ do: doing('headStart'), which: index, seconds: index }) },
  { weight: 3, arbitrary: fc.record({ do: doing('answer'), which: index }) },
  { weight: 3, arbitrary: fc.record({ do: doing('withdraw'), which: index }) },
  { weight: 4, arbitrary: fc.record({ do: doing(...heldSteps), which: index }) },
  { weight: 4, arbitrary: fc.record({ do: doing('fail'), which: index, failure: index }) },
  { weight: 1, arbitrary: fc.record({ do: doing('again', 'answerLate'), which: index }) },
);
/** Steps of one round run at once, each through a process of its own choice; then one process may die, and time goes on. */
const roundList = fc.array(
  fc.record({
    steps: fc.array(fc.record({ step, process: fc.nat({ max: processes - 1 }) }), { minLength: 1, maxLength: 4 }),
    dies: fc.option(fc.nat({ max: processes - 1 }), { nil: undefined, freq: 10 }),
    afterMs: fc.constantFrom(0, 0, 0, 1, 3_000, 9_000, 20_000, 40_000),
  }),
  { minLength: 1, maxLength: 25 },
);
/** How many operators are ready before the first round. */
const plans = fc.record({ readyFirst: fc.nat({ max: operators.length }), rounds: roundList });
type Plan = typeof plans extends fc.Arbitrary<infer T> ? T : never;

/** One process: the service over a store of its own, whose matches fail from the moment it is dying. */
interface Process {
  readonly acd: AcdService;
  dying: boolean;
  /** The last mark it has heard on the channel of what becomes due; 0: it hears. */
  heard: number;
}

interface Seen {
  readonly live: readonly { readonly offerId: OfferId; readonly queueId: string }[];
  readonly waiting: readonly ContactId[];
  readonly held: readonly { readonly operatorId: OperatorId; readonly contactId: ContactId }[];
}

type Publish = (atMs: number) => Promise<unknown>;
/** Later than anything that is ever due. */
const firstMarkMs = 2 ** 50;

class Run {
  readonly #clock = new FakeClock(start);
  readonly #opened: readonly Stores[];
  readonly #processes: Process[] = [];
  readonly #offersSeen: OfferId[] = [];
  readonly #callBacks: ContactId[] = [];
  /** Queues for which a rule of sharing was set. */
  readonly #shared = new Set<string>();
  readonly #publish: Publish | undefined;
  #marks = 0;
  #inFlight = 0;
  #arrived = 0;
  #left = 0;

  /** `publish` says something on the channel of what becomes due, if that is another connection's to tell. */
  constructor(opened: readonly Stores[], publish?: Publish) {
    this.#opened = opened;
    this.#publish = publish;
  }

  async play(plan: Plan): Promise<void> {
    for (let i = 0; i < processes; i += 1) this.#processes.push(await this.#begin(i));
    for (const operator of operators) await this.#any.setReachable(asId(operator.id), true, by);
    for (let i = 0; i < plan.readyFirst; i += 1) {
      await this.#take({ do: 'ready', operator: i }, this.#any, { live: [], waiting: [], held: [] });
    }
    for (const round of plan.rounds) {
      const dying = round.dies === undefined ? undefined : this.#processes[round.dies];
      if (dying !== undefined) dying.dying = true;
      await this.#clock.moveTo(this.#clock.nowMs());
      const seen = await this.#look();
      await Promise.all(round.steps.map(({ step, process }) => this.#take(step, this.#acd(process), seen)));
      if (dying !== undefined && round.dies !== undefined) {
        await dying.acd.stop();
        this.#processes[round.dies] = await this.#begin(round.dies);
      }
      await this.#clock.moveTo(this.#clock.nowMs() + round.afterMs);
      await this.#quiet();
      await this.#nobodyWaitsInVain();
    }
    await this.#check();
    await this.#end();
  }

  get #stores(): Stores {
    return this.#opened[0] as Stores;
  }

  get #any(): AcdService {
    return this.#acd(0);
  }

  #acd(process: number): AcdService {
    return (this.#processes[process] as Process).acd;
  }

  async #begin(index: number): Promise<Process> {
    const queue = (this.#opened[index % this.#opened.length] as Stores).queue;
    const process: { acd?: AcdService; dying: boolean; heard: number } = { dying: false, heard: -1 };
    const store = new Proxy(queue, {
      get: (target, name: keyof QueueStore) => {
        const verb = target[name].bind(target) as (...args: unknown[]) => Promise<unknown>;
        if (name === 'watchDue') return watchWithMarks(queue, process);
        return async (...args: unknown[]) => {
          if (process.dying && name.startsWith('match')) {
            throw new DozvonError('REDIS_UNAVAILABLE', 'this process is dead');
          }
          this.#inFlight += 1;
          return await verb(...args).finally(() => {
            this.#inFlight -= 1;
          });
        };
      },
    });
    const acd = createAcdService({ store, clock: this.#clock, logger: silentLogger, queues, operators });
    await acd.start();
    if (this.#publish !== undefined) await eventually(() => process.heard === 0, 'a process to hear what becomes due');
    return Object.assign(process, { acd });
  }

  /** On the line, and call-backs. */
  async #waiting(): Promise<readonly WaitingContact[]> {
    const { queue } = this.#stores;
    const waiting = await queue.waiting();
    const ids = new Set(waiting.map(({ contactId }) => contactId));
    // One that has left may have been queued again, on the line.
    const callBacks = await Promise.all(
      this.#callBacks.filter((contactId) => !ids.has(contactId)).map((contactId) => queue.contact(contactId)),
    );
    return [...waiting, ...callBacks.filter((contact) => contact !== undefined)];
  }

  /** What the steps of a round choose from. */
  async #look(): Promise<Seen> {
    const waiting = await this.#waiting();
    const live = waiting.flatMap(({ offerId, queueId }) => (offerId === undefined ? [] : [{ offerId, queueId }]));
    this.#offersSeen.push(...live.map((offer) => offer.offerId));
    const views = await this.#stores.queue.operators();
    const held = views.flatMap(({ operatorId, contactId }) =>
      contactId === undefined ? [] : [{ operatorId, contactId }],
    );
    return { live, waiting: waiting.map((contact) => contact.contactId), held };
  }

  async #take(step: Step, acd: AcdService, seen: Seen): Promise<void> {
    switch (step.do) {
      case 'arrive': {
        const queueId = pick(queues, step.queue)?.id ?? '';
        const medium = step.chat ? 'chat' : 'voice';
        this.#arrived += 1;
        const contactId = asId<ContactId>(`c${this.#arrived}`);
        const place = { lineId: 'general', shard: 's1', enqueuedAtMs: this.#clock.nowMs() };
        const preferred = step.preferred === undefined ? undefined : pick(operators, step.preferred)?.id;
        const wish = preferred === undefined ? {} : { preferredOperatorId: asId<OperatorId>(preferred) };
        const { outcome } = await acd.enqueue({ contactId, queueId, medium, ...place, ...wish }, by);
        if (outcome !== 'enqueued') this.#left += 1;
        return;
      }
      case 'callBack': {
        const settings = pick(queues, step.queue);
        if (settings === undefined) return;
        const plan = queuePlan(settings);
        const nowMs = this.#clock.nowMs();
        this.#arrived += 1;
        const contactId = asId<ContactId>(`c${this.#arrived}`);
        this.#callBacks.push(contactId);
        const place = { lineId: 'general', shard: 's1', enqueuedAtMs: nowMs - step.earlier * 1_000, keepsPlace: true };
        const medium = step.chat ? 'chat' : 'voice';
        const request = enqueueRequest(plan, { contactId, queueId: plan.settings.id, medium, ...place });
        await this.#stores.queue.enqueueAndMatch({ ...request, kind: 'callBack' }, { nowMs, leaseMs }, by);
        return;
      }
      case 'sharing': {
        const queueId = pick(queues, step.queue)?.id ?? '';
        const nowMs = this.#clock.nowMs();
        this.#shared.add(queueId);
        await this.#stores.queue.setSharing(queueId, pick(rules, step.rule) as Sharing, nowMs);
        await this.#stores.queue.matchCallBack(queueId, { nowMs, leaseMs });
        return;
      }
      case 'ready': {
        const operatorId = asId<OperatorId>(pick(operators, step.operator)?.id ?? '');
        await acd.signIn(operatorId, by);
        await acd.setPresence(operatorId, { presence: 'ready' }, by);
        return;
      }
      case 'notReady':
        await acd.setPresence(
          asId(pick(operators, step.operator)?.id ?? ''),
          { presence: 'notReady', reason: 'tea' },
          by,
        );
        return;
      case 'loggedOff':
        await acd.setPresence(asId(pick(operators, step.operator)?.id ?? ''), { presence: 'loggedOff' }, by);
        return;
      case 'notReadyNext':
        await acd.notReadyNext(asId(pick(operators, step.operator)?.id ?? ''), 'soon', by);
        return;
      case 'outsideCall':
      case 'outsideCallOver':
        await acd.setOutsideCall(asId(pick(operators, step.operator)?.id ?? ''), step.do === 'outsideCall', by);
        return;
      case 'skills':
        await acd.setSkills(asId(pick(operators, step.operator)?.id ?? ''), pick(skillSets, step.skills) ?? {}, by);
        return;
      case 'move': {
        const contactId = pick(seen.waiting, step.which);
        if (contactId !== undefined) {
          await acd.moveContact(contactId, { queueId: pick(queues, step.queue)?.id ?? '' }, by);
        }
        return;
      }
      case 'headStart': {
        const contactId = pick(seen.waiting, step.which);
        if (contactId !== undefined) await acd.setHeadStart(contactId, step.seconds * 1_000, by);
        return;
      }
      case 'signOut':
        await acd.signOut(asId(pick(operators, step.operator)?.id ?? ''), by);
        return;
      case 'reachable':
      case 'unreachable':
        await acd.setReachable(asId(pick(operators, step.operator)?.id ?? ''), step.do === 'reachable', by);
        return;
      case 'answer': {
        const offer = pick(seen.live, step.which);
        if (offer !== undefined) await acd.offerAnswered(offer.offerId, by);
        return;
      }
      case 'answerLate': {
        const offerId = pick(this.#offersSeen, step.which);
        if (offerId !== undefined) await acd.offerAnswered(offerId, by);
        return;
      }
      case 'fail': {
        const offer = pick(seen.live, step.which);
        const failure = pick(failures, step.failure) ?? 'contactGone';
        if (offer === undefined) return;
        const outcome = await acd.offerFailed({ ...offer, failure }, by);
        if (outcome === 'givenBack' && failure === 'contactGone') this.#left += 1;
        return;
      }
      case 'withdraw': {
        const contactId = pick(seen.waiting, step.which);
        if (contactId !== undefined && (await acd.withdraw(contactId, by)) === 'withdrawn') this.#left += 1;
        return;
      }
      case 'again': {
        const contactId = pick(seen.waiting, step.which);
        // Queued again with other facts, as after a restart: what was first stays. One who left meanwhile counts anew.
        const place = { lineId: 'general', shard: 's1', enqueuedAtMs: this.#clock.nowMs() };
        if (contactId === undefined) return;
        const { outcome } = await acd.enqueue({ contactId, queueId: 'a', ...place }, by);
        if (outcome === 'enqueued') this.#arrived += 1;
        return;
      }
      case 'release':
      case 'wrapUp': {
        const held = pick(seen.held, step.which);
        if (held !== undefined) await acd.release({ ...held, wrapUp: step.do === 'wrapUp', queueId: 'a' }, by);
        return;
      }
      case 'extendWrapUp': {
        const held = pick(seen.held, step.which);
        if (held !== undefined) await acd.extendWrapUp(held, 7_000, by);
        return;
      }
      case 'endWrapUp': {
        const held = pick(seen.held, step.which);
        if (held !== undefined) await acd.endWrapUp(held, by);
      }
    }
  }

  /** Waits until no store call is under way, none follows, and nothing is due that somebody has not taken. */
  async #quiet(): Promise<void> {
    const settle = async (): Promise<void> => {
      for (let calm = 0; calm < 5; ) {
        await new Promise((resolve) => setImmediate(resolve));
        calm = this.#inFlight === 0 ? calm + 1 : 0;
      }
    };
    const quiet = async (): Promise<void> => {
      do {
        await settle();
        await this.#everybodyHasHeard();
        await this.#clock.moveTo(this.#clock.nowMs());
        await settle();
        await this.#everybodyHasHeard();
      } while ((this.#clock.due()[0] ?? Number.POSITIVE_INFINITY) <= this.#clock.nowMs());
    };
    await withLimit(quiet(), 10_000, 'the services to come to rest');
  }

  /** What was told before a mark has been heard when the mark is. */
  async #everybodyHasHeard(): Promise<void> {
    if (this.#publish === undefined) return;
    this.#marks += 1;
    const mark = this.#marks;
    await this.#publish(firstMarkMs + mark);
    await eventually(() => this.#processes.every((each) => each.heard >= mark), 'a mark to be heard');
  }

  /** After every round, from outside: nobody waits while an operator is there of whom nothing says why not. */
  async #nobodyWaitsInVain(): Promise<void> {
    const views = await this.#stores.queue.operators();
    for (const { contactId, offerId } of await this.#stores.queue.waiting()) {
      const contact = offerId === undefined ? await this.#stores.queue.contact(contactId) : undefined;
      if (contact === undefined) continue;
      const who = views.filter((operator) => whyNot(operator, contact).length === 0).map((each) => each.operatorId);
      same(who, [], `operators free while ${contactId} waits`);
    }
  }

  async #check(): Promise<void> {
    // Matches that failed with a dying process are made up for by its successor; retries of others have their timers.
    await this.#clock.moveTo(this.#clock.nowMs() + 1);
    await this.#quiet();
    // As is done every minute: whoever was on the line before call-backs may have left without an operator becoming free.
    for (const { id } of queues) {
      const options = { nowMs: this.#clock.nowMs(), leaseMs };
      while ((await this.#stores.queue.matchCallBack(id, options)) !== undefined);
    }
    const replay = new QueueReplay(queues, operators, skillSets);
    const events = await this.#events();
    for (const event of events) replay.play(event);
    const waiting = await this.#waiting();
    same(
      waiting.map((each) => standing(each.contactId, each)).sort(),
      [...replay.contacts].map(([contactId, each]) => standing(contactId, each)).sort(),
      'who waits is who the stream says waits',
    );
    const connected = new Set(
      events.filter(({ entry }) => entry.kind === 'offerConnected').map(({ entry }) => entry.facts.offerId),
    );
    same(this.#arrived - this.#left - connected.size, waiting.length, 'whoever came waits, has left, or was answered');
    for (const view of await this.#stores.queue.operators()) {
      const operator = replay.operators.get(view.operatorId);
      const voice = [...(operator?.holds.values() ?? [])].find((hold) => hold.medium === 'voice')?.state ?? 'idle';
      same(view.work.voice, voice, `work of ${view.operatorId}`);
      same(
        [view.signedIn, view.presence, view.reachable],
        [operator?.signedIn, operator?.presence, operator?.reachable],
        'presence',
      );
    }
    same(replay.missedMatches(this.#shared), [], 'at rest nobody waits while somebody who could serve is free');
  }

  /** Everybody leaves; then nothing may be left behind. */
  async #end(): Promise<void> {
    for (const { contactId } of await this.#waiting()) await this.#any.withdraw(contactId, by);
    for (let held = (await this.#look()).held; held.length > 0; held = (await this.#look()).held) {
      for (const each of held) {
        await this.#any.release({ ...each, wrapUp: false }, by);
        await this.#any.endWrapUp(each, by);
      }
    }
    same((await this.#any.configure({ queues, operators: [] }, by)).leaving, [], 'operators who could not be removed');
    await this.#quiet();
    await Promise.all(this.#processes.map(({ acd }) => acd.stop()));
    same(this.#clock.due(), [], 'timers left');
    same(
      [await this.#stores.queue.nextDueMs(), await this.#stores.queue.operators(), await this.#stores.queue.waiting()],
      [undefined, [], []],
      'things left',
    );
  }

  /** The whole stream, up to a mark set now. */
  async #events(): Promise<StreamEvent[]> {
    const lease = await this.#stores.leases.acquire('mark', { nodeId: 'n', nowMs: 0, leaseMs: 1 });
    if (lease === undefined) throw new Error('expected a lease');
    const mark = { atMs: 0, kind: 'mark', facts: {} };
    await this.#stores.contactStates.finish(lease, asId('mark'), [mark]);
    const events: StreamEvent[] = [];
    const stop = new AbortController();
    const following = this.#stores.events.follow(
      '0-0',
      (event) => {
        if (event.entry.kind === 'mark') stop.abort();
        else if (!stop.signal.aborted) events.push(event);
      },
      stop.signal,
    );
    await withLimit(following, 10_000, 'reading the stream').finally(() => stop.abort());
    return events;
  }
}

/** What must be the same of a waiting contact, however it is seen. */
function standing(
  contactId: string,
  contact: {
    readonly queueId: string;
    readonly score: number;
    readonly enqueuedAtMs: number;
    readonly offerId?: string | undefined;
  },
): string {
  return JSON.stringify([contactId, contact.queueId, contact.score, contact.enqueuedAtMs, contact.offerId]);
}

function watchWithMarks(queue: QueueStore, process: { heard: number }): QueueStore['watchDue'] {
  return (listener, signal) =>
    queue.watchDue((atMs) => {
      if (atMs !== undefined && atMs >= firstMarkMs) process.heard = Math.max(process.heard, atMs - firstMarkMs);
      else {
        if (atMs === undefined) process.heard = Math.max(process.heard, 0);
        listener(atMs);
      }
    }, signal);
}

/** Looks again at every turn of the event loop; the wait is bounded. */
async function eventually(isSo: () => boolean, what: string): Promise<void> {
  const look = async (): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
  };
  await withLimit(look(), 10_000, what);
}

function pick<T>(from: readonly T[], index: number): T | undefined {
  return from.length === 0 ? undefined : from[index % from.length];
}

function same(found: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, found ${a}`);
}

const seed = Number(process.env.DOZVON_SEED ?? Date.now() % 2 ** 31);
const share = Number(process.env.DOZVON_RUNS ?? 1);

// A failing run is made smaller before it is shown, which takes its time.
t.setTimeout(180_000);

t.test('any interleaving keeps the rules of the queue, in memory', async (t) => {
  t.comment(`seed ${seed}`);
  const property = fc.asyncProperty(plans, (plan) => new Run([createMemoryStores()]).play(plan));
  await fc.assert(property, { seed, numRuns: Math.ceil(600 * share) });
  t.pass('kept');
});

t.test(
  'any interleaving keeps the rules of the queue, in Redis, from three processes, and leaves no key behind',
  async (t) => {
    t.comment(`seed ${seed}`);
    const redis: TestRedis = await startRedis();
    t.teardown(() => redis.stop());
    let run = 0;
    const property = fc.asyncProperty(plans, async (plan) => {
      run += 1;
      const prefix = `run${run}:`;
      const opened = await Promise.all(Array.from({ length: processes }, () => redis.stores(prefix)));
      try {
        await new Run(opened, (atMs) => redis.client.publish(`${prefix}due`, String(atMs))).play(plan);
        const left = (await redis.client.keys(`${prefix}*`)).map((key) => key.slice(prefix.length));
        const expected = [
          ...['schema', 'events', 'map-version', 'classes', 'strategies', 'figures', 'draw-floor'],
          ...['inbox:s1', 'shards', 'shard:mark'],
        ];
        same(
          left.filter((key) => !expected.includes(key) && !key.startsWith('sharing')),
          [],
          'keys left',
        );
      } finally {
        await Promise.all(opened.map((stores) => stores.close()));
      }
    });
    await fc.assert(property, { seed, numRuns: Math.ceil(80 * share) });
    t.pass('kept');
  },
);
