import t from 'tap';
import { type EnqueueRequest, type QueueStore, requirementClass } from '../../src/acd/index.ts';
import { asId, type ContactId, type OfferId, type OperatorId } from '../../src/foundation/index.ts';
import { bothStores } from '../support/redis.ts';

const start = 1_800_000_000_000;
const match = { nowMs: start, leaseMs: 35_000 };
const contact = (name: string): ContactId => asId(name);
const operator = (name: string): OperatorId => asId(name);

function request(name: string, change: Partial<EnqueueRequest> = {}): EnqueueRequest {
  return {
    contactId: contact(name),
    queueId: 'documents',
    lineId: 'general',
    medium: 'voice',
    requirement: requirementClass([{ skill: 'documents', minLevel: 3 }], 'longestIdle'),
    score: start,
    enqueuedAtMs: start,
    shard: 's1',
    ...change,
  };
}

async function ready(store: QueueStore, name: string): Promise<void> {
  const registration = { extension: name, skills: { documents: 5 }, capacity: { voice: 1 } };
  await store.registerOperator({ operatorId: operator(name), ...registration }, start);
  await store.signIn(operator(name), start);
  await store.setReachable(operator(name), true, start);
  await store.setPresence(operator(name), 'ready', { nowMs: start });
}

/** 101 in conversation with c1, c2 waits. */
async function talking(queue: QueueStore): Promise<void> {
  await ready(queue, '101');
  const { reservation } = await queue.enqueueAndMatch(request('c1'), match);
  await queue.offerAnswered(reservation?.offerId ?? asId<OfferId>('none'), start);
  await queue.enqueue(request('c2', { score: start + 1 }), start);
}

const both = await bothStores();
t.teardown(() => both.stop());

for (const kind of both.kinds) {
  t.test(`verbs that match, in ${kind.name}`, async (t) => {
    t.test('a contact is queued, placed and offered in one step; repeated, it is matched again', async (t) => {
      const { queue } = await kind.open();
      t.same(await queue.enqueueAndMatch(request('c1'), match), { outcome: 'enqueued', position: 1 });
      t.same(await queue.enqueueAndMatch(request('c2', { score: start + 1 }), match), {
        outcome: 'enqueued',
        position: 2,
      });
      await ready(queue, '101');
      const again = await queue.enqueueAndMatch(request('c2', { queueId: 'other' }), match);
      t.match(again, { outcome: 'alreadyQueued', position: 2, reservation: { contactId: 'c2', operatorId: '101' } });
      t.match(await queue.operator(operator('101')), { contactId: 'c2', work: { voice: 'offered' } });
    });

    t.test('who is refused by a limit is not matched', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101');
      t.same(await queue.enqueueAndMatch(request('c1', { limits: { length: 0 } }), match), { outcome: 'queueFull' });
      t.match(await queue.operator(operator('101')), { work: { voice: 'idle' } });
    });

    t.test('a release without wrap-up gives the next contact, one with wrap-up its end', async (t) => {
      const { queue } = await kind.open();
      await talking(queue);
      t.same(await queue.releaseAndMatch(operator('101'), contact('c9'), { ...match, wrapUp: false }), {
        outcome: 'notHolding',
      });
      t.same(await queue.releaseAndMatch(operator('101'), contact('c1'), { ...match, wrapUp: true, wrapUpMs: 1_000 }), {
        outcome: 'released',
      });
      t.same(await queue.endWrapUpAndMatch(operator('101'), contact('c1'), match, undefined, 'onlyWhenDue'), {
        outcome: 'notDue',
      });
      const ended = await queue.endWrapUpAndMatch(operator('101'), contact('c1'), { ...match, nowMs: start + 1_000 });
      t.match(ended, { outcome: 'idle', reservation: { contactId: 'c2', operatorId: '101' } });
      t.same(await queue.endWrapUpAndMatch(operator('101'), contact('c1'), match), { outcome: 'notInWrapUp' });

      const { queue: other } = await kind.open();
      await talking(other);
      const released = await other.releaseAndMatch(operator('101'), contact('c1'), { ...match, wrapUp: false });
      t.match(released, { outcome: 'released', reservation: { contactId: 'c2', operatorId: '101' } });
    });

    t.test('a failed offer finds the contact another operator and the operator another contact', async (t) => {
      const { queue } = await kind.open();
      await ready(queue, '101');
      const { reservation } = await queue.enqueueAndMatch(request('c1'), match);
      const offerId = reservation?.offerId ?? asId<OfferId>('none');
      await ready(queue, '102');
      const aside = { ...match, setAsideMs: 30_000 };
      const failed = await queue.offerFailedAndMatch(offerId, 'offerUnanswered', aside);
      t.match(failed, { outcome: 'givenBack', contactId: 'c1', operatorId: '101' });
      t.match(failed.outcome === 'givenBack' && failed.reservations, [{ contactId: 'c1', operatorId: '102' }]);
      t.same(await queue.offerFailedAndMatch(offerId, 'offerUnanswered', aside), { outcome: 'staleOffer' });

      await queue.enqueue(request('c2'), start);
      const [second] = failed.outcome === 'givenBack' ? failed.reservations : [];
      const secondId = second?.offerId ?? asId<OfferId>('none');
      const gone = await queue.offerFailedAndMatch(secondId, 'contactGone', { ...match, setAsideMs: 0 });
      t.match(gone.outcome === 'givenBack' && gone.reservations, [{ contactId: 'c2', operatorId: '102' }]);
    });
  });
}
