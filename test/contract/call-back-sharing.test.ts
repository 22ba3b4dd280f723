import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { RandomStream } from '../../bench/sim/random.ts';
import {
  type EnqueueRequest,
  type OperatorRegistration,
  type QueueStore,
  type Reservation,
  requirementClass,
  type Sharing,
} from '../../src/acd/index.ts';
import {
  asId,
  type ContactId,
  minuteMs,
  type OfferId,
  type OperatorId,
  withLimit,
} from '../../src/foundation/index.ts';
import { createMemoryStores } from '../../src/store/memory/index.ts';
import { bothStores, type Stores } from '../support/redis.ts';

const start = 1_800_000_000_000;
const leaseMs = 35_000;
const contact = (name: string): ContactId => asId(name);
const operator = (name: string): OperatorId => asId(name);
const at = (afterMs: number): { readonly nowMs: number; readonly leaseMs: number } => ({
  nowMs: start + afterMs,
  leaseMs,
});
const generous: Sharing = { keepIdle: 0, presses: false, share: 0.1, costMs: minuteMs };

function request(name: string, change: Partial<EnqueueRequest> = {}): EnqueueRequest {
  return {
    contactId: contact(name),
    queueId: 'documents',
    lineId: 'general',
    medium: 'voice',
    requirement: requirementClass('documents', 'longestIdle'),
    score: start,
    enqueuedAtMs: start,
    shard: 's1',
    ...change,
  };
}

const callBack = (name: string, change: Partial<EnqueueRequest> = {}): EnqueueRequest =>
  request(name, { kind: 'callBack', ...change });

async function ready(
  store: QueueStore,
  name: string,
  skills: OperatorRegistration['skills'] = { documents: 5 },
): Promise<void> {
  const operatorId = operator(name);
  await store.registerOperator({ operatorId, extension: name, skills, capacity: { voice: 1 } }, start);
  await store.signIn(operatorId, start);
  await store.setReachable(operatorId, true, start);
  await store.setPresence(operatorId, 'ready', { nowMs: start });
}

/** Answers and ends the conversation that was reserved; the operator is idle again. */
async function serve(store: QueueStore, reservation: Reservation | undefined, afterMs: number): Promise<string> {
  if (reservation === undefined) throw new Error('expected a reservation');
  const { contactId, offerId, operatorId } = reservation;
  await store.offerAnswered(offerId, start + afterMs);
  await store.release(operatorId, contactId, { nowMs: start + afterMs, wrapUp: false });
  return contactId;
}

const stores = await bothStores();
t.teardown(() => stores.stop());

for (const kind of stores.kinds) {
  t.test(`call-backs and live callers in ${kind.name}`, async (t) => {
    t.test('a call-back is given to nobody who is wanted by live callers, and comes when nobody is', async (t) => {
      const { queue: store } = await kind.open();
      await ready(store, '101');
      await store.setSharing('documents', generous, start);
      await store.enqueue(request('c1'), start);
      await store.enqueue(callBack('b1', { score: start - 60_000 }), start);
      t.equal(await store.matchContact(contact('b1'), at(0)), undefined, 'somebody live waits whom he could serve');
      t.equal(
        await serve(store, await store.matchOperator(operator('101'), at(0)), 0),
        'c1',
        'the younger, who is on the line',
      );
      t.equal(await serve(store, await store.matchOperator(operator('101'), at(1)), 1), 'b1');
      t.equal(await store.matchOperator(operator('101'), at(2)), undefined);
    });

    t.test('some operators are kept idle for the next live callers', async (t) => {
      const { queue: store } = await kind.open();
      for (const name of ['101', '102', '103']) await ready(store, name);
      await ready(store, '104', { other: 1 });
      await store.enqueue(callBack('b1'), start);
      await store.enqueue(callBack('b2'), start);
      await store.setSharing('documents', { ...generous, keepIdle: 2 }, start);
      t.equal((await store.matchCallBack('documents', at(0)))?.contactId, 'b1', 'two more are idle');
      t.equal(await store.matchCallBack('documents', at(0)), undefined, 'the fourth does not have the skill');
      t.equal(await store.matchOperator(operator('102'), at(0)), undefined);
      await store.setSharing('documents', { ...generous, keepIdle: 1 }, start);
      t.equal((await store.matchCallBack('documents', at(0)))?.contactId, 'b2');
    });

    t.test('one that presses spends the reserved share, and no more than that', async (t) => {
      const { queue: store } = await kind.open();
      await ready(store, '101');
      await store.setSharing('documents', { ...generous, presses: true }, start);
      for (const name of ['b1', 'b2']) await store.enqueue(callBack(name), start);
      for (const name of ['c1', 'c2', 'c3', 'c4']) await store.enqueue(request(name), start);
      const taken: string[] = [];
      // A tenth of one operator's time: a call-back of a minute every ten minutes.
      for (const minute of [1, 9, 10, 11, 19, 20]) {
        const afterMs = minute * minuteMs;
        taken.push(await serve(store, await store.matchOperator(operator('101'), at(afterMs)), afterMs));
      }
      t.same(taken, ['c1', 'c2', 'b1', 'c3', 'c4', 'b2']);
    });

    t.test('what does not press saves up to two, and spends nothing while spare time is there', async (t) => {
      const { queue: store } = await kind.open();
      await ready(store, '101');
      await store.setSharing('documents', generous, start);
      await store.enqueue(callBack('b1'), start);
      const hour = 60 * minuteMs;
      t.equal(await serve(store, await store.matchCallBack('documents', at(hour)), hour), 'b1');
      t.same((await store.sharing()).get('documents'), { ...generous, reservedMs: 2 * minuteMs, callBacks: 0 });
      await store.setSharing('documents', { ...generous, presses: true }, start + hour);
      for (const name of ['b2', 'b3', 'b4']) await store.enqueue(callBack(name), start + hour);
      await store.enqueue(request('c1'), start + hour);
      t.equal((await store.sharing()).get('documents')?.callBacks, 3);
      for (const expected of ['b2', 'b3', 'c1', 'b4']) {
        t.equal(await serve(store, await store.matchOperator(operator('101'), at(hour)), hour), expected);
      }
    });

    t.test('call-backs keep their order, also after an attempt that failed', async (t) => {
      const { queue: store } = await kind.open();
      await ready(store, '101');
      await store.enqueue(callBack('younger', { score: start + 2 }), start);
      await store.enqueue(callBack('older', { score: start + 1 }), start);
      t.same([await store.position(contact('older')), await store.position(contact('younger'))], [1, 2]);
      const first = await store.matchCallBack('documents', at(0));
      t.equal(first?.contactId, 'older');
      const options = { nowMs: start, setAsideMs: 0 };
      await store.offerFailed(first?.offerId ?? asId<OfferId>(''), 'operatorBusy', options);
      t.equal((await store.matchCallBack('documents', at(0)))?.contactId, 'older');
    });

    t.test('a call-back takes no place among those on the line and counts in no service level', async (t) => {
      const { queue: store } = await kind.open();
      await ready(store, '101');
      await store.enqueue(callBack('b1', { score: 0 }), start);
      await store.enqueue(request('c1', { limits: { length: 1 } }), start);
      t.equal(await store.position(contact('c1')), 1);
      t.same(
        (await store.waiting()).map(({ contactId }) => contactId),
        ['c1'],
      );
      t.equal((await store.contact(contact('b1')))?.position, 1);
      await store.withdraw(contact('c1'), start + 1_000);
      await serve(store, await store.matchCallBack('documents', at(3_600_000)), 3_600_000);
      t.equal((await store.figures()).get('documents')?.serviceLevel, undefined);
      await store.enqueue(callBack('b2'), start);
      t.same((await store.withdraw(contact('b2'), start + 3_600_000)).outcome, 'withdrawn');
      t.equal((await store.figures()).get('documents')?.serviceLevel, undefined);
      t.equal((await store.sharing()).size, 0, 'nobody has set a rule');
    });

    t.test('who missed a call-back is not offered it again while others can serve', async (t) => {
      const { queue: store } = await kind.open();
      for (const name of ['101', '102']) await ready(store, name);
      await store.enqueue(callBack('b1'), start);
      const first = await store.matchCallBack('documents', at(0));
      const options = { nowMs: start, setAsideMs: 0, exclude: true };
      await store.offerFailed(first?.offerId ?? asId<OfferId>(''), 'offerUnanswered', options);
      t.equal(await store.matchOperator(first?.operatorId ?? operator(''), at(0)), undefined);
      t.not((await store.matchCallBack('documents', at(0)))?.operatorId, first?.operatorId);
    });
  });
}

/** So small that call-backs are short of it. */
const chanceShare = 0.003;
const chanceCostMs = 20_000;

/** How many call-backs of each queue were given an operator from the reserved share. */
async function takenFromShare(from: Stores): Promise<ReadonlyMap<string, number>> {
  const last = operator('last');
  await from.queue.registerOperator({ operatorId: last, extension: '0', skills: {}, capacity: {} }, start);
  const taken = new Map([
    ['a', 0],
    ['b', 0],
  ]);
  const stop = new AbortController();
  const reading = from.events.follow(
    '0-0',
    ({ operatorId, entry: { facts } }) => {
      const queueId = String(facts.queueId);
      if (facts.trigger === 'reservedShare') taken.set(queueId, (taken.get(queueId) ?? 0) + 1);
      if (operatorId === last) stop.abort();
    },
    stop.signal,
  );
  await withLimit(reading, minuteMs, 'reading the event stream').finally(() => stop.abort());
  return taken;
}

t.test('by chance: twin and scripts share alike, and the share is never overspent', async (t) => {
  const scripts = await stores.redis.stores('chance:');
  const twin = createMemoryStores();
  const random = new RandomStream('call-back-sharing', 'moves');
  const pair = [twin.queue, scripts.queue];
  const offers = new Map<OfferId, OfferId>();
  const held: Reservation[] = [];
  let nowMs = start;
  let compared = 0;

  const both = async <Answer>(
    ask: (store: QueueStore, own: (id: OfferId) => OfferId) => Promise<Answer>,
  ): Promise<Answer> => {
    const [twins, others] = [await ask(twin.queue, (id) => id), await ask(scripts.queue, (id) => offers.get(id) ?? id)];
    const plain = (answer: unknown): unknown =>
      answer instanceof Map
        ? [...answer]
        : answer !== null && typeof answer === 'object'
          ? { ...answer, offerId: '' }
          : answer;
    if (!isDeepStrictEqual(plain(twins), plain(others))) {
      throw new Error(`twin ${JSON.stringify(plain(twins))}, scripts ${JSON.stringify(plain(others))}`);
    }
    compared += 1;
    return twins;
  };
  const match = async (ask: (store: QueueStore) => Promise<Reservation | undefined>): Promise<void> => {
    const ids: OfferId[] = [];
    const reservation = await both(async (store) => {
      const made = await ask(store);
      if (made !== undefined) ids.push(made.offerId);
      return made;
    });
    const [twins, others] = ids;
    if (reservation === undefined || twins === undefined || others === undefined) return;
    offers.set(twins, others);
    held.push(reservation);
  };

  const skillSets = [{ a: 1 }, { b: 1 }, { a: 1, b: 1 }];
  for (let i = 0; i < 6; i += 1) for (const store of pair) await ready(store, `10${i}`, skillSets[i % 3] ?? {});
  for (let move = 0; move < 4_000; move += 1) {
    nowMs += random.below(8_000);
    const now = { nowMs, leaseMs };
    const skill = random.chance(0.5) ? 'a' : 'b';
    const name = `c${random.below(400)}`;
    const reserved = (): Reservation | undefined => held.splice(random.below(held.length), 1)[0];
    switch (random.below(9)) {
      case 0:
      case 1: {
        const kind = random.chance(0.4) ? ('callBack' as const) : undefined;
        const requirement = requirementClass(random.chance(0.2) ? 'a or b' : skill, 'longestIdle');
        const change = { queueId: skill, requirement, score: nowMs - random.below(60_000), enqueuedAtMs: nowMs, kind };
        await both((store) => store.enqueue(request(name, change), nowMs));
        await match((store) => store.matchContact(contact(name), now));
        break;
      }
      case 2:
        await both((store) => store.withdraw(contact(name), nowMs));
        break;
      case 3: {
        const rule = {
          keepIdle: random.below(3),
          presses: random.chance(0.5),
          share: chanceShare,
          costMs: chanceCostMs,
        };
        await both((store) => store.setSharing(skill, rule, nowMs));
        break;
      }
      case 4:
        await match((store) => store.matchCallBack(skill, now));
        break;
      case 5: {
        const who = operator(`10${random.below(6)}`);
        await match((store) => store.matchOperator(who, now));
        break;
      }
      case 6: {
        const one = reserved();
        if (one === undefined) break;
        const options = { nowMs, setAsideMs: 0, exclude: random.chance(0.5) };
        await both(
          async (store, own) => (await store.offerFailed(own(one.offerId), 'offerUnanswered', options)).outcome,
        );
        break;
      }
      case 7: {
        const one = reserved();
        if (one === undefined) break;
        const { operatorId, contactId, offerId } = one;
        await both((store, own) => store.offerAnswered(own(offerId), nowMs));
        await both((store) => store.release(operatorId, contactId, { nowMs, wrapUp: false }));
        break;
      }
      default: {
        await both((store) => store.position(contact(name)));
        for (const { reservedMs, costMs } of (await both((store) => store.sharing())).values()) {
          if (reservedMs < 0 || reservedMs > 2 * costMs) throw new Error(`${reservedMs} ms reserved`);
        }
      }
    }
  }
  t.ok(compared > 4_000, `${compared} answers compared`);
  for (const [queueId, taken] of await takenFromShare(scripts)) {
    const spentMs = taken * chanceCostMs;
    t.comment(`${queueId}: ${taken} from the reserved share`);
    t.ok(spentMs > 0 && spentMs <= chanceShare * 6 * (nowMs - start), `${spentMs} ms of what ${queueId} has saved up`);
  }
  await twin.close();
});
