import t from 'tap';
import {
  type EnqueueRequest,
  type OperatorRegistration,
  type OperatorStrategy,
  type QueueStore,
  type RequirementStep,
  requirementClass,
  whyNot,
} from '../../src/acd/index.ts';
import type { StreamEvent } from '../../src/contact/store-ports.ts';
import { asId, type ContactId, type OfferId, type OperatorId, withLimit } from '../../src/foundation/index.ts';
import { bothStores, type Stores } from '../support/redis.ts';

const start = 1_800_000_000_000;
const leaseMs = 35_000;
const contact = (name: string): ContactId => asId(name);
const operator = (name: string): OperatorId => asId(name);
const at = (afterMs: number): { readonly nowMs: number; readonly leaseMs: number } => ({
  nowMs: start + afterMs,
  leaseMs,
});

function request(name: string, requirement: string, change: Partial<EnqueueRequest> = {}): EnqueueRequest {
  return {
    contactId: contact(name),
    queueId: 'documents',
    lineId: 'general',
    medium: 'voice',
    requirement: requirementClass(requirement, 'longestIdle'),
    score: start,
    enqueuedAtMs: start,
    shard: 's1',
    ...change,
  };
}

async function ready(
  store: QueueStore,
  name: string,
  skills: OperatorRegistration['skills'],
  change: Partial<OperatorRegistration> & { readonly atMs?: number } = {},
): Promise<void> {
  const operatorId = operator(name);
  const { atMs = start, ...settings } = change;
  await store.registerOperator({ operatorId, extension: name, skills, capacity: { voice: 1 }, ...settings }, atMs);
  await store.signIn(operatorId, atMs);
  await store.setReachable(operatorId, true, atMs);
  await store.setPresence(operatorId, 'ready', { nowMs: atMs });
}

async function offered(store: QueueStore, name: string, afterMs = 0): Promise<OfferId> {
  const reservation = await store.matchContact(contact(name), at(afterMs));
  if (reservation === undefined) throw new Error(`expected an offer for ${name}`);
  return reservation.offerId;
}

/** A whole contact: offered, answered, released. */
async function served(store: QueueStore, name: string, afterMs: number, talkMs: number): Promise<string> {
  await store.enqueue(request(name, 'a', { requirement: requirementClass('a', 'longestIdle') }), start + afterMs);
  const reservation = await store.matchContact(contact(name), at(afterMs));
  if (reservation === undefined) throw new Error(`expected an offer for ${name}`);
  await store.offerAnswered(reservation.offerId, start + afterMs);
  await store.release(reservation.operatorId, contact(name), { nowMs: start + afterMs + talkMs, wrapUp: false });
  return reservation.operatorId;
}

async function moves(stores: Stores, kind: string, count: number): Promise<StreamEvent[]> {
  const found: StreamEvent[] = [];
  const stop = new AbortController();
  const reading = stores.events.follow(
    '0-0',
    (event) => {
      if (event.entry.kind === kind) found.push(event);
      if (found.length >= count) stop.abort();
    },
    stop.signal,
  );
  await withLimit(reading, 5_000, `${count} moves ${kind}`).finally(() => stop.abort());
  return found;
}

const both = await bothStores();
t.teardown(() => both.stop());

for (const kind of both.kinds) {
  t.test(`the queue at full strength in ${kind.name}`, async (t) => {
    t.test(
      'ahead is whoever takes an operator from it, by the share that are its own, and who is not being rung for',
      async (t) => {
        const { queue: store } = await kind.open();
        await ready(store, '101', { a: 1 });
        for (const name of ['102', '103', '104']) await ready(store, name, { a: 1, b: 1 });
        await ready(store, '105', { b: 1 });
        const place = (queueId: string, score: number): Partial<EnqueueRequest> => ({ queueId, score: start + score });
        await store.enqueue(request('rung', 'a', place('first', 0)), start);
        await offered(store, 'rung');
        await store.enqueue(request('a1', 'a', place('first', 1)), start);
        for (const name of ['b1', 'b2']) await store.enqueue(request(name, 'b', place('other', 2)), start);
        await store.enqueue(request('nobody', 'c', place('other', 3)), start);
        await store.enqueue(request('a2', 'a', place('first', 4)), start);
        await store.enqueue(request('later', 'a', place('first', 9)), start);
        await store.enqueue(request('written', 'a', { ...place('first', 0), medium: 'chat' }), start);
        t.equal((await store.contact(contact('a1')))?.ahead, 0);
        t.match(
          await store.contact(contact('a2')),
          { position: 4, ahead: 1 + (2 * 3) / 4 },
          'three of their four are ours',
        );
        await store.enqueue(request('back', 'a', { ...place('first', -9), kind: 'callBack' }), start);
        t.match(await store.contact(contact('back')), { position: 1, ahead: 0 });
        t.equal((await store.contact(contact('a2')))?.ahead, 2.5);
      },
    );

    t.test('or, not and parentheses decide who may serve', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', { a: 3, b: 1 });
      await ready(queue, '102', { c: 2 });
      await queue.enqueue(request('c1', '(a >= 3 and not b) or c >= 2'), start);
      t.match(await queue.matchContact(contact('c1'), at(0)), { operatorId: '102' });
      await queue.enqueue(request('c2', 'anyone'), start);
      t.match(await queue.matchContact(contact('c2'), at(0)), { operatorId: '101' });
    });

    t.test('each strategy picks its own first, also from operators who were ready before it was in use', async (t) => {
      const expected: Readonly<Partial<Record<OperatorStrategy, string>>> = {
        longestIdle: '101',
        fewestContacts: '103',
        leastSkilled: '102',
        mostSkilled: '103',
        roundRobin: '103',
        leastOccupied: '103',
      };
      for (const [strategy, first] of Object.entries(expected)) {
        const { queue } = await kind.open();
        await ready(queue, '101', { a: 5 });
        await ready(queue, '102', { a: 1 }, { atMs: start + 1 });
        t.equal(await served(queue, 'c1', 2, 60_000), '101');
        t.equal(await served(queue, 'c2', 3, 120_000), '102');
        await ready(queue, '103', { a: 5, b: 5 }, { atMs: start + 200_000 });
        await queue.enqueue(
          request('c9', 'a', { requirement: requirementClass('a', strategy as OperatorStrategy) }),
          start + 200_001,
        );
        t.match(await queue.matchContact(contact('c9'), at(200_001)), { operatorId: first }, strategy);
      }
    });

    t.test('who has taken a chat counts as having taken it when somebody rings', async (t) => {
      const { queue } = await kind.open();
      const requirement = requirementClass('a', 'fewestContacts');
      await ready(queue, '101', { a: 5 }, { capacity: { voice: 1, chat: 1 } });
      await ready(queue, '102', { a: 5 }, { atMs: start + 1 });
      await queue.enqueue(request('c1', 'a', { requirement, medium: 'chat' }), start + 2);
      const chat = await queue.matchContact(contact('c1'), at(2));
      t.match(chat, { operatorId: '101' });
      if (chat !== undefined) await queue.offerAnswered(chat.offerId, start + 3);
      await queue.enqueue(request('c2', 'a', { requirement }), start + 4);
      t.match(await queue.matchContact(contact('c2'), at(4)), { operatorId: '102' });
    });

    t.test('two queues with one requirement and different strategies pick differently', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', { a: 9 });
      await ready(queue, '102', { a: 1 }, { atMs: start + 5 });
      const skilled = { requirement: requirementClass('a', 'leastSkilled'), queueId: 'other' };
      await queue.enqueue(request('c1', 'a', skilled), start + 6);
      t.match(await queue.matchContact(contact('c1'), at(6)), { operatorId: '102' });
      await queue.enqueue(request('c2', 'a'), start + 6);
      t.match(await queue.matchContact(contact('c2'), at(6)), { operatorId: '101' });
    });

    t.test('weighted random picks by weight in the long run, and the same way each time it is run', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', { a: 1 }, { weight: 3 });
      await ready(queue, '102', { a: 1 }, { weight: 1 });
      const requirement = requirementClass('a', 'randomWeighted');
      const picked: string[] = [];
      for (let i = 0; i < 200; i += 1) {
        await queue.enqueue(request(`c${i}`, 'a', { requirement }), start + i);
        const offerId = await offered(queue, `c${i}`, i);
        const result = await queue.offerFailed(offerId, 'contactGone', { nowMs: start + i, setAsideMs: 0 });
        if (result.outcome === 'givenBack') picked.push(result.operatorId);
      }
      const share = picked.filter((name) => name === '101').length / picked.length;
      t.ok(share > 0.65 && share < 0.85, `three in four: ${share}`);
    });

    t.test('steps widen and narrow what is needed, to the millisecond, and the score stays', async (t) => {
      const stores = await kind.open();
      const { queue } = stores;
      const laterSteps: readonly RequirementStep[] = [
        { afterMs: 3_000, requirement: requirementClass('a >= 2', 'longestIdle') },
        { afterMs: 9_000, requirement: requirementClass('a >= 2 and b', 'longestIdle') },
      ];
      await ready(queue, '101', { a: 2 });
      await queue.enqueue(request('c1', 'a >= 5', { laterSteps }), start);
      t.equal(await queue.nextDueMs(), start + 3_000);
      t.same(await queue.takeDueContacts(start + 2_999), { contacts: [], questions: [] });
      t.equal(await queue.matchContact(contact('c1'), at(2_999)), undefined);
      t.same(await queue.takeDueContacts(start + 3_000), { contacts: ['c1'], questions: [] });
      t.equal(await queue.nextDueMs(), start + 9_000);
      const offer = await offered(queue, 'c1', 3_000);
      t.match(await queue.contact(contact('c1')), { score: start, steps: [{ state: 'expired' }, { state: 'active' }] });
      // While an offer is live the step goes on; the contact comes back into what it needs by then.
      t.same(await queue.takeDueContacts(start + 9_000), { contacts: ['c1'], questions: [] });
      await queue.offerFailed(offer, 'operatorBusy', { nowMs: start + 9_001, setAsideMs: 0 });
      t.equal(await queue.matchContact(contact('c1'), at(9_001)), undefined, '101 has no b');
      await ready(queue, '102', { a: 2, b: 1 }, { atMs: start + 9_002 });
      const last = await offered(queue, 'c1', 9_002);
      await queue.offerAnswered(last, start + 9_003);
      const [connected] = await moves(stores, 'offerConnected', 1);
      t.same(connected?.entry.facts.steps, ['expired', 'expired', 'served']);
    });

    t.test('a step nobody logged in can serve is skipped at once, also when the last one leaves', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', { a: 9 });
      await ready(queue, '102', { b: 1 });
      await queue.setPresence(operator('101'), 'notReady', { nowMs: start });
      const laterSteps: readonly RequirementStep[] = [
        { afterMs: 5_000, requirement: requirementClass('z', 'longestIdle'), considerIf: 'anyQualified' },
        { afterMs: 50_000, requirement: requirementClass('b', 'longestIdle') },
      ];
      const change = { laterSteps, considerIf: 'anyQualified' } as const;
      await queue.enqueue(request('c1', 'a', change), start);
      t.equal(await queue.matchContact(contact('c1'), at(0)), undefined, 'somebody logged in has a');
      t.same((await queue.signOut(operator('101'), start + 1)).outcome, 'done');
      t.equal(await queue.nextDueMs(), start + 1);
      t.same(await queue.takeDueContacts(start + 1), { contacts: ['c1'], questions: [] });
      t.match(await queue.matchContact(contact('c1'), at(1)), { operatorId: '102' });
      t.same(
        (await queue.contact(contact('c1')))?.steps.map((step) => step.state),
        ['skipped', 'skipped', 'active'],
      );
      await queue.enqueue(request('c2', 'a', { ...change, score: start + 1 }), start + 2);
      t.match(await queue.contact(contact('c2')), { steps: [{ state: 'skipped' }, {}, { state: 'active' }] });
    });

    t.test('a condition that only the caller can judge is asked, and stays due until it is answered', async (t) => {
      const { queue } = await kind.open();
      const laterSteps: readonly RequirementStep[] = [
        { afterMs: 1_000, requirement: requirementClass('b', 'longestIdle'), considerIf: { estimateAboveMs: 60_000 } },
        { afterMs: 2_000, requirement: requirementClass('c', 'longestIdle'), considerIf: { serviceLevelBelow: 0.8 } },
      ];
      await queue.enqueue(request('c1', 'a', { laterSteps }), start);
      const asked = await queue.takeDueContacts(start + 1_000);
      t.match(asked.questions, [
        { contactId: 'c1', queueId: 'documents', step: 2, condition: { estimateAboveMs: 60_000 } },
      ]);
      t.equal((await queue.takeDueContacts(start + 1_000)).questions.length, 1, 'still due');
      t.equal(await queue.answerStep({ contactId: contact('c1'), step: 2 }, false, start + 1_000), 'taken');
      t.equal(await queue.answerStep({ contactId: contact('c1'), step: 2 }, true, start + 1_000), 'stale');
      t.equal(await queue.nextDueMs(), start + 2_000);
      t.equal((await queue.takeDueContacts(start + 2_000)).questions[0]?.step, 3);
      t.equal(await queue.answerStep({ contactId: contact('c1'), step: 3 }, true, start + 2_000), 'taken');
      t.same(
        (await queue.contact(contact('c1')))?.steps.map((step) => step.state),
        ['expired', 'skipped', 'active'],
      );
      t.equal(await queue.nextDueMs(), undefined);
    });

    t.test('a contact waits for its preferred operator first, and no longer than he may be expected', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', { a: 1 });
      await ready(queue, '102', { a: 1 }, { atMs: start + 1 });
      const preferred = { operatorId: operator('102'), forMs: 8_000 };
      await queue.enqueue(request('c1', 'a', { preferred }), start + 2);
      t.equal(await queue.matchOperator(operator('101'), at(2)), undefined, 'kept for 102');
      t.match(await queue.matchContact(contact('c1'), at(2)), { operatorId: '102' });

      await queue.enqueue(request('c2', 'a', { preferred, score: start + 9 }), start + 3);
      t.equal(await queue.matchContact(contact('c2'), at(3)), undefined, '102 is busy, and comes first');
      t.equal(await queue.nextDueMs(), start + 8_002, 'c1, whose offer may yet fail');
      await queue.takeDueContacts(start + 8_003);
      t.match(await queue.matchContact(contact('c2'), at(8_003)), { operatorId: '101' }, 'his time is over');

      await queue.enqueue(request('c3', 'a', { preferred }), start + 9_000);
      await queue.setPresence(operator('102'), 'notReady', { nowMs: start + 9_001 });
      t.equal(await queue.nextDueMs(), start + 9_001, 'he will not come');
      await queue.takeDueContacts(start + 9_001);
      t.equal((await queue.contact(contact('c3')))?.preferred, undefined);
    });

    t.test('a class that no queue asks for is forgotten once nobody waits under it, and comes back', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', { a: 1 });
      const wider = requirementClass('anyone', 'roundRobin');
      const first = request('c1', 'a', { laterSteps: [{ requirement: wider, afterMs: 60_000 }] });
      await queue.enqueue(first, start);
      t.equal(await queue.forgetClasses([], start), 0, 'he waits under one and may come to the other');
      await queue.withdraw(contact('c1'), start);
      t.equal(await queue.forgetClasses([wider.classId], start), 1);
      t.equal(await queue.forgetClasses([], start), 1);
      t.equal(await queue.forgetClasses([], start), 0);
      await queue.enqueue(request('c2', 'a'), start + 1);
      t.match(await queue.matchContact(contact('c2'), at(1)), { operatorId: '101' });
    });

    t.test('who missed a contact is not offered it again while others on duty can serve', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', { a: 1 });
      await ready(queue, '102', { a: 1 }, { atMs: start + 1 });
      await queue.enqueue(request('c0', 'a'), start);
      await queue.enqueue(request('c1', 'a'), start);
      t.match(await queue.matchContact(contact('c0'), at(1)), { operatorId: '101' });
      const talking = await offered(queue, 'c1', 1);
      await queue.offerAnswered(talking, start + 1);
      const [first] = await queue.operators();
      await queue.offerFailed(asId(first?.offerId ?? ''), 'offerUnanswered', {
        nowMs: start + 2,
        setAsideMs: 0,
        exclude: true,
      });
      t.equal(await queue.matchContact(contact('c0'), at(3)), undefined, '102 is busy, but can serve');
      t.equal(await queue.matchOperator(operator('101'), at(3)), undefined);
      const [view, c0] = [await queue.operator(operator('101')), await queue.contact(contact('c0'))];
      t.same(view && c0 && whyNot(view, c0), ['excluded']);
      await queue.enqueue(request('c2', 'a', { score: start + 50 }), start + 4);
      t.match(await queue.matchOperator(operator('101'), at(4)), { contactId: 'c2' }, 'a later one, past the excluded');
      await queue.withdraw(contact('c2'), start + 5);
      await queue.setPresence(operator('102'), 'notReady', { nowMs: start + 6 });
      t.equal(await queue.nextDueMs(), start + 6, 'nobody else is left');
      t.same((await queue.takeDueContacts(start + 6)).contacts, ['c0']);
      t.match(await queue.matchContact(contact('c0'), at(6)), { operatorId: '101' });
    });

    t.test('after so many missed offers an operator is not ready, reason rna; ready lifts a set-aside', async (t) => {
      const stores = await kind.open();
      const { queue } = stores;
      await ready(queue, '101', { a: 1 });
      const miss = async (name: string, afterMs: number): Promise<void> => {
        await queue.enqueue(request(name, 'a'), start + afterMs);
        await queue.offerFailed(await offered(queue, name, afterMs), 'offerUnanswered', {
          nowMs: start + afterMs,
          setAsideMs: 30_000,
          notReadyAfterMissed: 2,
        });
      };
      await miss('c1', 1);
      t.match(await queue.operator(operator('101')), { setAsideUntilMs: start + 30_001, missedOffers: 1 });
      await queue.setPresence(operator('101'), 'ready', { nowMs: start + 2 });
      t.equal((await queue.operator(operator('101')))?.setAsideUntilMs, undefined);
      t.equal(await queue.nextDueMs(), undefined);
      await miss('c2', 3);
      t.match(
        await queue.operator(operator('101')),
        { missedOffers: 1 },
        'counted anew since he said that he is there',
      );
      await queue.releaseDue(start + 40_000);
      await miss('c3', 40_001);
      t.match(await queue.operator(operator('101')), { presence: 'notReady', notReadyReason: 'rna', missedOffers: 0 });
      const changes = await moves(stores, 'presenceChanged', 3);
      t.match(changes.at(-1)?.entry.facts, { presence: 'notReady', why: 'rna' });
    });

    t.test('new skills count at once, and stay until the configuration says something else', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', { a: 1 });
      await queue.enqueue(request('c1', 'b'), start);
      t.equal(await queue.setSkills(operator('101'), { b: 2 }, start + 1), 'done');
      t.equal(await queue.setSkills(operator('999'), { b: 2 }, start + 1), 'unknownOperator');
      t.match(await queue.matchOperator(operator('101'), at(1)), { contactId: 'c1' });
      const configured = { operatorId: operator('101'), extension: '101', capacity: { voice: 1 } };
      await queue.registerOperator({ ...configured, skills: { a: 1 } }, start + 2);
      t.same((await queue.operator(operator('101')))?.skills, { b: 2 });
      await queue.registerOperator({ ...configured, skills: { a: 3 } }, start + 3);
      t.same((await queue.operator(operator('101')))?.skills, { a: 3 });
    });

    t.test('a call outside the queue makes busy for voice only; afterwards he is last in line', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', { a: 1 }, { capacity: { voice: 1, chat: 1 } });
      await ready(queue, '102', { a: 1 }, { atMs: start + 1 });
      await queue.enqueue(request('c1', 'a'), start + 2);
      await queue.enqueue(request('c2', 'a', { medium: 'chat' }), start + 2);
      t.equal(await queue.setOutsideCall(operator('101'), true, start + 2), 'done');
      t.match(await queue.matchContact(contact('c2'), at(2)), { operatorId: '101' });
      t.equal(await queue.matchOperator(operator('101'), at(2)), undefined);
      await queue.setOutsideCall(operator('101'), false, start + 3);
      t.match(await queue.operator(operator('101')), { outsideCall: false, readySinceMs: start + 3 });
      t.match(await queue.matchContact(contact('c1'), at(3)), { operatorId: '102' });
    });

    t.test('not ready after this contact: nothing new until then, not ready then', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', { a: 1 }, { capacity: { voice: 1, chat: 2 } });
      await queue.enqueue(request('c1', 'a'), start);
      const offer = await offered(queue, 'c1');
      await queue.offerAnswered(offer, start + 1);
      t.equal(await queue.notReadyNext(operator('101'), 'lunch', start + 2), 'done');
      await queue.enqueue(request('c2', 'a', { medium: 'chat' }), start + 3);
      t.equal(await queue.matchContact(contact('c2'), at(3)), undefined);
      await queue.release(operator('101'), contact('c1'), { nowMs: start + 9, wrapUp: true, wrapUpMs: 5 });
      t.match(await queue.operator(operator('101')), { presence: 'ready', notReadyNext: 'lunch' });
      t.same(await queue.endDueWrapUps(start + 14), ['101']);
      t.match(await queue.operator(operator('101')), { presence: 'notReady', notReadyReason: 'lunch' });
    });

    t.test('wrap-up ends by itself when it is due, and may be extended or ended before', async (t) => {
      const stores = await kind.open();
      const { queue } = stores;
      await ready(queue, '101', { a: 1 });
      const talk = async (name: string, afterMs: number): Promise<void> => {
        await queue.enqueue(request(name, 'a'), start + afterMs);
        await queue.offerAnswered(await offered(queue, name, afterMs), start + afterMs);
        const over = { nowMs: start + afterMs + 100, wrapUp: true, wrapUpMs: 1_000 };
        await queue.release(operator('101'), contact(name), over);
      };
      await talk('c1', 0);
      t.equal(await queue.nextDueMs(), start + 1_100);
      t.equal(await queue.extendWrapUp(operator('101'), contact('c1'), 500, start + 200), start + 1_600);
      t.same(await queue.endDueWrapUps(start + 1_599), []);
      t.equal(await queue.endWrapUp(operator('101'), contact('c1'), start + 1_100, undefined, 'onlyWhenDue'), 'notDue');
      t.same(await queue.endDueWrapUps(start + 1_600), ['101']);
      t.match(await queue.operator(operator('101')), { work: { voice: 'idle' }, readySinceMs: start + 1_600 });
      t.match((await queue.figures()).get('documents'), { handlingMs: 1_600, serviceLevel: 1 });
      await talk('c2', 2_000);
      t.equal(await queue.endWrapUp(operator('101'), contact('c2'), start + 2_200), 'idle');
      t.equal(await queue.nextDueMs(), undefined);
      t.equal(await queue.extendWrapUp(operator('101'), contact('c2'), 500, start + 2_300), undefined);
      const told: string[] = [];
      const stop = new AbortController();
      const reading = stores.inbox.consume(
        's1',
        async (event) => {
          told.push(event.type);
          if (told.length === 4) setImmediate(() => stop.abort());
        },
        stop.signal,
      );
      await withLimit(reading, 5_000, 'four events').finally(() => stop.abort());
      t.same(told, ['offerMade', 'wrapUpExtended', 'offerMade', 'wrapUpOver']);
    });

    t.test('limits refuse who would be one too many, or whom nobody logged in can serve', async (t) => {
      const { queue } = await kind.open();
      const limits = { length: 1, loggedIn: true };
      t.equal(await queue.enqueue(request('c1', 'a', { limits }), start), 'nobodyLoggedIn');
      await ready(queue, '101', { a: 1 });
      await queue.setPresence(operator('101'), 'notReady', { nowMs: start });
      t.equal(await queue.enqueue(request('c1', 'a', { limits }), start), 'enqueued', 'not ready is logged in');
      t.equal(await queue.enqueue(request('c2', 'a', { limits }), start), 'queueFull');
      t.equal(await queue.enqueue(request('c1', 'a', { limits }), start), 'alreadyQueued');
      await queue.setPresence(operator('101'), 'loggedOff', { nowMs: start + 1 });
      await queue.withdraw(contact('c1'), start + 2);
      t.equal(await queue.enqueue(request('c3', 'a', { limits }), start + 3), 'nobodyLoggedIn');
      const laterSteps = [{ afterMs: 1_000, requirement: requirementClass('b', 'longestIdle') }];
      await ready(queue, '102', { b: 1 });
      t.equal(
        await queue.enqueue(request('c3', 'a', { limits, laterSteps }), start + 3),
        'enqueued',
        'a later step can',
      );
      t.same(
        (await queue.waiting()).map((each) => each.contactId),
        ['c3'],
      );
    });

    t.test('staff moves a contact, changes its priority; who rings is called off', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', { a: 1 });
      await queue.enqueue(request('c1', 'a', { score: start + 5 }), start);
      await queue.enqueue(request('c2', 'a', { score: start + 9 }), start);
      t.equal(await queue.setHeadStart(contact('c2'), { score: start + 1, headStartMs: 8 }, start + 1), 'done');
      t.equal(await queue.position(contact('c2')), 1);
      t.match(await queue.matchOperator(operator('101'), at(1)), { contactId: 'c2' });
      const to = { queueId: 'other', requirement: requirementClass('b', 'longestIdle'), score: start + 3 };
      t.same(await queue.moveContact(contact('c2'), to, start + 2), { outcome: 'moved', operatorId: '101' });
      t.match(await queue.waiting(), [
        { contactId: 'c1', queueId: 'documents', position: 1 },
        { contactId: 'c2', queueId: 'other', position: 1, enqueuedAtMs: start, score: start + 3, offerId: undefined },
      ]);
      t.match(await queue.matchOperator(operator('101'), at(3)), { contactId: 'c1' }, 'c2 needs b now');
      t.same(await queue.moveContact(contact('c9'), to, start + 2), { outcome: 'notQueued' });
      t.equal(await queue.setHeadStart(contact('c9'), { score: 1, headStartMs: 0 }, start), 'notQueued');
      t.same(await queue.withdrawOffers(operator('101'), 'staffAction', start + 4), ['c1']);
      t.same(await queue.withdrawOffers(operator('101'), 'staffAction', start + 4), []);
    });

    t.test('a trace names the next best in order and why others were passed over', async (t) => {
      const stores = await kind.open();
      const { queue } = stores;
      for (let i = 0; i < 9; i += 1) {
        const skills = i === 0 ? { z: 1 } : { a: 1, [`own${i % 3}`]: 1 };
        await ready(queue, `10${i}`, skills, { atMs: start + i });
      }
      await queue.enqueue(request('c1', 'a'), start + 20);
      const offer = await offered(queue, 'c1', 20);
      const [reserved] = await moves(stores, 'offerReserved', 1);
      t.match(reserved?.entry.facts, {
        strategy: 'longestIdle',
        trigger: 'contact',
        passedOver: 1,
        passedOverFor: ['unfit 1'],
        nextBest: ['102', '103', '104', '105', '106'],
        idleMs: 19,
      });
      await queue.offerFailed(offer, 'offerDeclined', { nowMs: start + 21, setAsideMs: 0, exclude: true });
      await offered(queue, 'c1', 22);
      const [, again] = await moves(stores, 'offerReserved', 2);
      t.match(again?.entry.facts, { passedOverFor: ['unfit 1', 'excluded 1'] });
    });
  });
}
