import t from 'tap';
import {
  type EnqueueRequest,
  type OperatorRegistration,
  type QueueEvent,
  type QueueStore,
  requirementClass,
  type SkillTerm,
} from '../../src/acd/index.ts';
import { asId, bySystem, type ContactId, type OperatorId, withLimit } from '../../src/foundation/index.ts';
import { bothStores, type Stores } from '../support/redis.ts';

const start = 1_800_000_000_000;
const leaseMs = 35_000;
const contact = (name: string): ContactId => asId(name);
const operator = (name: string): OperatorId => asId(name);

function request(name: string, terms: readonly SkillTerm[], change: Partial<EnqueueRequest> = {}): EnqueueRequest {
  return {
    contactId: contact(name),
    queueId: 'documents',
    lineId: 'general',
    medium: 'voice',
    requirement: requirementClass(terms, 'longestIdle'),
    score: start,
    enqueuedAtMs: start,
    shard: 's1',
    ...change,
  };
}

const documents: readonly SkillTerm[] = [{ skill: 'documents', minLevel: 3 }];

async function ready(
  store: QueueStore,
  name: string,
  atMs: number,
  change: Partial<OperatorRegistration> = {},
): Promise<void> {
  const operatorId = operator(name);
  await store.registerOperator(
    { operatorId, extension: name, skills: { documents: 5 }, capacity: { voice: 1 }, ...change },
    atMs,
  );
  await store.signIn(operatorId, atMs);
  await store.setReachable(operatorId, true, atMs);
  await store.setPresence(operatorId, 'ready', { nowMs: atMs });
}

/** The shard's inbox as far as it is filled: reads until `count` events have come. */
async function inboxEvents(stores: Stores, shard: string, count: number): Promise<QueueEvent[]> {
  const events: QueueEvent[] = [];
  const stop = new AbortController();
  const reading = stores.inbox.consume(
    shard,
    async (event) => {
      events.push(event);
      if (events.length === count) queueMicrotask(() => setImmediate(() => stop.abort()));
    },
    stop.signal,
  );
  await withLimit(reading, 5_000, `${count} events in the inbox`).finally(() => stop.abort());
  return events;
}

const both = await bothStores();
t.teardown(() => both.stop());

for (const kind of both.kinds) {
  t.test(`queue in ${kind.name}`, async (t) => {
    t.test('a contact and a ready operator with the skill are brought together, whoever comes first', async (t) => {
      const { queue } = await kind.open();
      t.equal(await queue.enqueue(request('c1', documents), start), 'enqueued');
      t.equal(await queue.matchContact(contact('c1'), { nowMs: start, leaseMs }), undefined, 'nobody is ready');
      await ready(queue, '101', start);
      const first = await queue.matchOperator(operator('101'), { nowMs: start + 5, leaseMs });
      t.match(first, { contactId: 'c1', operatorId: '101' });

      await ready(queue, '102', start);
      await queue.enqueue(request('c2', documents), start);
      const second = await queue.matchContact(contact('c2'), { nowMs: start + 6, leaseMs });
      t.match(second, { contactId: 'c2', operatorId: '102' });
      t.not(first?.offerId, second?.offerId);
    });

    t.test('an operator without the skill, or below the level, is never offered the contact', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', start, { skills: { general: 9 } });
      await ready(queue, '102', start, { skills: { documents: 2 } });
      await queue.enqueue(request('c1', documents), start);
      t.equal(await queue.matchContact(contact('c1'), { nowMs: start, leaseMs }), undefined);
      t.equal(await queue.matchOperator(operator('102'), { nowMs: start, leaseMs }), undefined);
      await queue.registerOperator(
        { operatorId: operator('102'), extension: '102', skills: { documents: 3 }, capacity: { voice: 1 } },
        start,
      );
      t.match(await queue.matchOperator(operator('102'), { nowMs: start, leaseMs }), { contactId: 'c1' });
    });

    t.test('who is not signed in, not ready or not reachable is not offered anything', async (t) => {
      const { queue } = await kind.open();
      const id = operator('101');
      const match = (): Promise<unknown> => queue.matchOperator(id, { nowMs: start, leaseMs });
      await queue.enqueue(request('c1', documents), start);
      await queue.registerOperator(
        { operatorId: id, extension: '101', skills: { documents: 5 }, capacity: { voice: 1 } },
        start,
      );
      t.equal(await match(), undefined, 'not signed in');
      t.equal(await queue.setPresence(id, 'ready', { nowMs: start }), 'notSignedIn');
      t.equal(await queue.signIn(id, start), 'done');
      t.equal((await queue.operator(id))?.presence, 'notReady', 'signing in makes nobody ready');
      await queue.setReachable(id, true, start);
      t.equal(await match(), undefined, 'not ready');
      await queue.setPresence(id, 'ready', { nowMs: start });
      await queue.setReachable(id, false, start);
      t.equal(await match(), undefined, 'not reachable');
      await queue.setReachable(id, true, start);
      await queue.setPresence(id, 'notReady', { reason: 'lunch', nowMs: start });
      t.match(await queue.operator(id), { presence: 'notReady', notReadyReason: 'lunch', reachable: true });
      t.equal(await match(), undefined, 'lunch');
      await queue.setPresence(id, 'ready', { nowMs: start });
      t.match(await match(), { contactId: 'c1' });
    });

    t.test('contacts go in order of score, across classes; operators by how long they are idle', async (t) => {
      const { queue } = await kind.open();
      await queue.enqueue(request('c1', documents, { score: start + 30 }), start);
      await queue.enqueue(
        request('c2', [{ skill: 'social', minLevel: 1 }], { score: start + 10, queueId: 'social' }),
        start,
      );
      await queue.enqueue(request('c3', documents, { score: start + 20 }), start);
      await queue.enqueue(request('c4', [{ skill: 'business', minLevel: 1 }], { score: start }), start);
      const order: string[] = [];
      for (const name of ['101', '102', '103']) {
        await ready(queue, name, start, { skills: { documents: 5, social: 5 } });
        order.push((await queue.matchOperator(operator(name), { nowMs: start, leaseMs }))?.contactId ?? '');
      }
      t.same(order, ['c2', 'c3', 'c1']);

      await ready(queue, '205', start + 5);
      await ready(queue, '204', start + 4, { skills: { documents: 9 } });
      await ready(queue, '206', start + 6);
      const operators: string[] = [];
      for (const name of ['c5', 'c6', 'c7']) {
        await queue.enqueue(request(name, documents), start + 10);
        operators.push((await queue.matchContact(contact(name), { nowMs: start + 10, leaseMs }))?.operatorId ?? '');
      }
      t.same(operators, ['204', '205', '206']);
    });

    t.test('an operator and a contact have one live offer at most', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', start);
      await ready(queue, '102', start);
      await queue.enqueue(request('c1', documents), start);
      t.ok(await queue.matchContact(contact('c1'), { nowMs: start, leaseMs }));
      t.equal(await queue.matchContact(contact('c1'), { nowMs: start, leaseMs }), undefined);
      t.equal(await queue.matchOperator(operator('102'), { nowMs: start, leaseMs }), undefined, 'nobody else waits');
      await queue.enqueue(request('c2', documents), start);
      t.equal(
        await queue.matchOperator(operator('101'), { nowMs: start, leaseMs }),
        undefined,
        'he is offered already',
      );
      t.match(await queue.operator(operator('101')), { work: { voice: 'offered' }, contactId: 'c1' });
    });

    t.test('capacity is per medium', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', start, { capacity: { voice: 1, chat: 2 } });
      for (const name of ['c1', 'c2', 'c3']) await queue.enqueue(request(name, documents, { medium: 'chat' }), start);
      await queue.enqueue(request('v1', documents), start);
      await queue.enqueue(request('v2', documents), start);
      const given: (string | undefined)[] = [];
      for (let i = 0; i < 4; i += 1) {
        given.push((await queue.matchOperator(operator('101'), { nowMs: start, leaseMs }))?.contactId);
      }
      t.same(given, ['v1', 'c1', 'c2', undefined]);
    });

    t.test('who holds a contact is not offered it again, others are', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', start, { capacity: { voice: 1, chat: 2 } });
      await queue.enqueue(request('c1', documents, { medium: 'chat' }), start);
      const offer = await queue.matchOperator(operator('101'), { nowMs: start, leaseMs });
      if (offer === undefined) throw new Error('expected an offer');
      await queue.offerAnswered(offer.offerId, start);
      await queue.enqueue(request('c1', documents, { medium: 'chat' }), start + 1);
      await queue.enqueue(request('c2', documents, { medium: 'chat', score: start + 9 }), start + 1);
      t.equal(await queue.matchContact(contact('c1'), { nowMs: start + 1, leaseMs }), undefined);
      t.match(await queue.matchOperator(operator('101'), { nowMs: start + 1, leaseMs }), { contactId: 'c2' });
      await ready(queue, '102', start + 2, { capacity: { chat: 1 } });
      t.match(await queue.matchContact(contact('c1'), { nowMs: start + 2, leaseMs }), { operatorId: '102' });
    });

    t.test('an answer connects: the contact leaves the queue, a repeat is told from a late one', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', start);
      await queue.enqueue(request('c1', documents), start);
      const offer = await queue.matchContact(contact('c1'), { nowMs: start, leaseMs });
      if (offer === undefined) throw new Error('expected an offer');
      t.equal(await queue.offerAnswered(offer.offerId, start + 3_000), 'connected');
      t.equal(await queue.offerAnswered(offer.offerId, start + 3_001), 'connected', 'repeated');
      t.same(await queue.offerFailed(offer.offerId, 'offerUnanswered', { nowMs: start + 3_002, setAsideMs: 1 }), {
        outcome: 'staleOffer',
      });
      t.same(await queue.waiting(), []);
      t.equal((await queue.operator(operator('101')))?.work.voice, 'connected');
      t.equal(await queue.nextDueMs(), undefined, 'no lease is left');

      t.equal(await queue.endWrapUp(operator('101'), contact('c1'), start), 'notInWrapUp');
      const over = { nowMs: start + 60_000, wrapUp: true };
      t.equal(await queue.release(operator('101'), contact('c1'), over), 'released');
      t.equal(await queue.release(operator('101'), contact('c1'), over), 'notHolding');
      t.equal(await queue.offerAnswered(offer.offerId, start + 60_001), 'staleOffer');
      t.equal((await queue.operator(operator('101')))?.work.voice, 'wrapUp');
      await queue.enqueue(request('c2', documents), start);
      t.equal(await queue.matchContact(contact('c2'), { nowMs: start, leaseMs }), undefined, 'he is in wrap-up');
      t.equal(await queue.endWrapUp(operator('101'), contact('c1'), start + 90_000), 'idle');
      t.match(await queue.operator(operator('101')), { work: { voice: 'idle' }, readySinceMs: start + 90_000 });
      t.match(await queue.matchContact(contact('c2'), { nowMs: start, leaseMs }), { operatorId: '101' });
    });

    t.test('a missed offer gives the contact its old place and sets the operator aside', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', start);
      await queue.enqueue(request('c1', documents, { score: start + 1 }), start);
      await queue.enqueue(request('c2', documents, { score: start + 2 }), start);
      const offer = await queue.matchOperator(operator('101'), { nowMs: start, leaseMs });
      if (offer === undefined) throw new Error('expected an offer');
      t.equal(await queue.position(contact('c1')), 1, 'a contact with an offer keeps its place');
      t.equal(await queue.position(contact('c2')), 2);
      const failed = await queue.offerFailed(offer.offerId, 'offerUnanswered', {
        nowMs: start + 15_000,
        setAsideMs: 30_000,
      });
      t.same(failed, { outcome: 'givenBack', operatorId: '101', contactId: 'c1' });
      t.equal(await queue.position(contact('c1')), 1);
      t.equal(await queue.matchOperator(operator('101'), { nowMs: start + 15_001, leaseMs }), undefined, 'set aside');
      t.equal((await queue.operator(operator('101')))?.setAsideUntilMs, start + 45_000);
      await ready(queue, '102', start + 16_000);
      t.match(await queue.matchOperator(operator('102'), { nowMs: start + 16_000, leaseMs }), { contactId: 'c1' });

      t.equal(await queue.nextDueMs(), start + 45_000);
      t.same(await queue.releaseDue(start + 44_999), []);
      t.same(await queue.releaseDue(start + 45_000), ['101']);
      t.same(await queue.releaseDue(start + 45_000), [], 'once');
      t.match(await queue.matchOperator(operator('101'), { nowMs: start + 45_000, leaseMs }), { contactId: 'c2' });
    });

    t.test('a contact that has gone frees the operator at once, who keeps his turn', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101', start);
      await ready(queue, '102', start + 1);
      await queue.enqueue(request('c1', documents), start + 2);
      const offer = await queue.matchContact(contact('c1'), { nowMs: start + 2, leaseMs });
      if (offer === undefined) throw new Error('expected an offer');
      t.match(await queue.offerFailed(offer.offerId, 'contactGone', { nowMs: start + 9, setAsideMs: 0 }), {
        outcome: 'givenBack',
      });
      t.same(await queue.waiting(), []);
      await queue.enqueue(request('c2', documents), start + 10);
      t.match(await queue.matchContact(contact('c2'), { nowMs: start + 10, leaseMs }), { operatorId: '101' });

      t.same(await queue.withdraw(contact('c2'), start + 11), { outcome: 'withdrawn', operatorId: '101' });
      t.same(await queue.withdraw(contact('c2'), start + 11), { outcome: 'notQueued' });
      await queue.enqueue(request('c3', documents), start + 12);
      t.match(await queue.matchContact(contact('c3'), { nowMs: start + 12, leaseMs }), { operatorId: '101' });
    });

    t.test('what was written when a contact was queued stays when it is queued again', async (t) => {
      const { queue } = await kind.open();
      await queue.enqueue(request('c1', documents, { score: start + 5, enqueuedAtMs: start }), start);
      const again = request('c1', documents, { score: start + 99, enqueuedAtMs: start + 60_000, queueId: 'other' });
      t.equal(await queue.enqueue(again, start + 60_000), 'alreadyQueued');
      t.match(await queue.waiting(), [
        { contactId: 'c1', score: start + 5, enqueuedAtMs: start, queueId: 'documents' },
      ]);
    });

    t.test('an offer whose lease has run out is given back and its owner told', async (t) => {
      const stores = await kind.open();
      const { queue } = stores;
      await ready(queue, '101', start);
      await queue.enqueue(request('c1', documents), start);
      const offer = await queue.matchContact(contact('c1'), { nowMs: start, leaseMs });
      if (offer === undefined) throw new Error('expected an offer');
      t.equal(await queue.nextDueMs(), start + leaseMs);
      t.same(await queue.expireOffers(start + leaseMs - 1), []);
      t.same(await queue.expireOffers(start + leaseMs), [offer]);
      t.same(await queue.expireOffers(start + leaseMs), []);
      t.equal(await queue.offerAnswered(offer.offerId, start + leaseMs), 'staleOffer');
      t.match(await queue.matchOperator(operator('101'), { nowMs: start + leaseMs, leaseMs }), { contactId: 'c1' });
      const events = await inboxEvents(stores, 's1', 3);
      t.same(
        events.map((event) => [event.type, event.contactId]),
        [
          ['offerMade', 'c1'],
          ['offerWithdrawn', 'c1'],
          ['offerMade', 'c1'],
        ],
      );
      t.match(events[0], { offerId: offer.offerId, operatorId: '101', extension: '101', expiresAtMs: start + leaseMs });
      t.match(events[1], { offerId: offer.offerId, reason: 'leaseExpired', atMs: start + leaseMs });
    });

    t.test('signing out withdraws a live offer and leaves a conversation alone', async (t) => {
      const stores = await kind.open();
      const { queue } = stores;
      await ready(queue, '101', start, { capacity: { voice: 1, chat: 1 } });
      await queue.enqueue(request('c1', documents), start);
      await queue.enqueue(request('c2', documents, { medium: 'chat', shard: 's2' }), start);
      const talk = await queue.matchContact(contact('c1'), { nowMs: start, leaseMs });
      await queue.matchContact(contact('c2'), { nowMs: start, leaseMs });
      if (talk === undefined) throw new Error('expected an offer');
      await queue.offerAnswered(talk.offerId, start + 1);
      t.same(await queue.signOut(operator('101'), start + 2), { outcome: 'done', givenBack: ['c2'] });
      t.same(await queue.signOut(operator('101'), start + 2), { outcome: 'done', givenBack: [] });
      t.match(await queue.operator(operator('101')), {
        signedIn: false,
        presence: 'loggedOff',
        work: { voice: 'connected', chat: 'idle' },
      });
      t.equal(await queue.removeOperator(operator('101'), start + 3), 'busy');
      await queue.release(operator('101'), contact('c1'), { nowMs: start + 4, wrapUp: false });
      t.equal(await queue.removeOperator(operator('101'), start + 5), 'removed');
      t.same(await queue.operators(), []);
      t.match(await inboxEvents(stores, 's2', 2), [
        { type: 'offerMade' },
        { type: 'offerWithdrawn', reason: 'operatorGone' },
      ]);
    });

    t.test('unknown operators and offers are named as such', async (t) => {
      const { queue } = await kind.open();
      const nobody = operator('999');
      t.equal(await queue.signIn(nobody, start), 'unknownOperator');
      t.same(await queue.signOut(nobody, start), { outcome: 'unknownOperator' });
      t.equal(await queue.setPresence(nobody, 'ready', { nowMs: start }), 'unknownOperator');
      t.equal(await queue.setReachable(nobody, true, start), 'unknownOperator');
      t.equal(await queue.removeOperator(nobody, start), 'unknownOperator');
      t.equal(await queue.operator(nobody), undefined);
      t.equal(await queue.matchOperator(nobody, { nowMs: start, leaseMs }), undefined);
      t.equal(await queue.matchContact(contact('nobody'), { nowMs: start, leaseMs }), undefined);
      t.equal(await queue.offerAnswered(asId('o1'), start), 'staleOffer');
      t.equal(await queue.release(nobody, contact('c1'), { nowMs: start, wrapUp: true }), 'notHolding');
      t.equal(await queue.position(contact('nobody')), undefined);
    });

    t.test('waiting contacts are listed by queue and place', async (t) => {
      const { queue } = await kind.open();
      await queue.enqueue(request('c2', documents, { score: start + 2 }), start);
      await queue.enqueue(request('c1', documents, { score: start + 1 }), start);
      await queue.enqueue(request('c3', documents, { score: start + 9, queueId: 'account' }), start);
      t.match(await queue.waiting(), [
        { contactId: 'c3', queueId: 'account', position: 1 },
        { contactId: 'c1', queueId: 'documents', position: 1, lineId: 'general' },
        { contactId: 'c2', queueId: 'documents', position: 2 },
      ]);
    });

    t.test('moves are on the event stream, in order, with who caused them', async (t) => {
      const { queue, events } = await kind.open();
      const staff = { actor: { kind: 'staff', id: 'st1' }, reason: 'shift began' } as const;
      await queue.registerOperator(
        { operatorId: operator('101'), extension: '101', skills: { documents: 5 }, capacity: { voice: 1 } },
        start,
        bySystem('acd', 'configuration'),
      );
      await queue.signIn(operator('101'), start + 1, staff);
      await queue.enqueue(request('c1', documents), start + 2);
      const kinds: string[] = [];
      let signedIn: unknown;
      const stop = new AbortController();
      const reading = events.consume(
        'test',
        async (batch) => {
          for (const { entry, operatorId } of batch) {
            kinds.push(entry.kind);
            if (entry.kind === 'operatorSignedIn') signedIn = { ...entry, operatorId };
          }
          if (kinds.length === 3) setImmediate(() => stop.abort());
        },
        stop.signal,
      );
      await withLimit(reading, 5_000, 'three events').finally(() => stop.abort());
      t.same(kinds, ['operatorRegistered', 'operatorSignedIn', 'contactEnqueued']);
      t.same(signedIn, {
        atMs: start + 1,
        kind: 'operatorSignedIn',
        facts: { actor: 'staff:st1', reason: 'shift began' },
        operatorId: '101',
      });
    });

    t.test('whoever watches hears what becomes due earlier', async (t) => {
      const { queue } = await kind.open();
      const stop = new AbortController();
      const heard: (number | undefined)[] = [];
      const woken = Promise.withResolvers<void>();
      const subscribed = Promise.withResolvers<void>();
      const watching = queue.watchDue((atMs) => {
        heard.push(atMs);
        if (atMs === undefined) subscribed.resolve();
        else woken.resolve();
      }, stop.signal);
      if (kind.name === 'redis') await withLimit(subscribed.promise, 5_000, 'the subscription');
      await ready(queue, '101', start);
      await queue.enqueue(request('c1', documents), start);
      await queue.matchContact(contact('c1'), { nowMs: start, leaseMs });
      await withLimit(woken.promise, 5_000, 'hearing of the lease');
      t.equal(heard.at(-1), start + leaseMs);
      stop.abort();
      await withLimit(watching, 5_000, 'the end of watching');
    });
  });
}
