import t from 'tap';
import {
  createAcdService,
  type EnqueueRequest,
  estimateOf,
  type OperatorRegistration,
  operatorSchema,
  type QueueStore,
  queueSchema,
  type RequirementClass,
  requirementClass,
} from '../../src/acd/index.ts';
import {
  asId,
  bySystem,
  type ContactId,
  minuteMs,
  type OfferId,
  type OperatorId,
  silentLogger,
} from '../../src/foundation/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { bothStores } from '../support/redis.ts';

const start = 1_800_000_000_000;
const leaseMs = 35_000;
const by = bySystem('test', 'call-backs');
const contact = (name: string): ContactId => asId(name);
const operator = (name: string): OperatorId => asId(name);
const at = (afterMs: number): { readonly nowMs: number; readonly leaseMs: number } => ({
  nowMs: start + afterMs,
  leaseMs,
});
const documents = requirementClass('documents', 'longestIdle');

function callBack(name: string, change: Partial<EnqueueRequest> = {}): EnqueueRequest {
  return {
    contactId: contact(name),
    queueId: 'documents',
    lineId: 'general',
    medium: 'voice',
    requirement: documents,
    score: start,
    enqueuedAtMs: start,
    shard: 's1',
    kind: 'callBack',
    ...change,
  };
}

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

const stores = await bothStores();
t.teardown(() => stores.stop());

for (const kind of stores.kinds) {
  t.test(`places of call-backs in ${kind.name}`, async (t) => {
    t.test('a class under which a call-back waits or is rung is not forgotten', async (t) => {
      const { queue: store } = await kind.open();
      const other = requirementClass('documents >= 2', 'longestIdle');
      const later: RequirementClass = requirementClass('anyone', 'longestIdle');
      await ready(store, '101');
      await store.enqueue(callBack('rung'), start);
      t.equal((await store.matchCallBack('documents', at(0)))?.contactId, 'rung');
      await store.enqueue(
        callBack('waits', { requirement: other, laterSteps: [{ requirement: later, afterMs: minuteMs }] }),
        start,
      );
      t.equal(await store.forgetClasses([], start), 0);
      t.same((await store.contact(contact('rung')))?.requirement, documents);
      t.same((await store.contact(contact('waits')))?.requirement, other);
      await ready(store, '102');
      t.equal((await store.matchOperator(operator('102'), at(0)))?.contactId, 'waits');
      await store.withdraw(contact('rung'), start);
      await store.withdraw(contact('waits'), start);
      t.equal(await store.forgetClasses([], start), 3);
    });

    t.test('a call-back that is rung keeps its place, and can be looked at, moved and put ahead', async (t) => {
      const { queue: store } = await kind.open();
      await ready(store, '101');
      await store.enqueue(callBack('older', { score: start - 2 }), start);
      await store.enqueue(callBack('younger', { score: start - 1 }), start);
      t.equal((await store.matchCallBack('documents', at(0)))?.contactId, 'older');
      t.equal(await store.position(contact('older')), 1);
      t.equal(await store.position(contact('younger')), 2);
      const rung = await store.contact(contact('older'));
      t.equal(rung?.position, 1);
      t.ok(rung !== undefined && estimateOf(rung, undefined, minuteMs) !== undefined);
      await store.setSharing('documents', { keepIdle: 0, presses: false, share: 0, costMs: 0 }, start);
      t.equal((await store.sharing()).get('documents')?.callBacks, 1, 'one of them waits for an operator');
      await store.setHeadStart(contact('younger'), { score: start - 3, headStartMs: 2 }, start);
      t.equal(await store.position(contact('older')), 2);
      const to = { queueId: 'other', requirement: documents, score: start };
      t.same(await store.moveContact(contact('older'), to, start), { outcome: 'moved', operatorId: '101' });
      t.same([await store.position(contact('older')), await store.position(contact('younger'))], [1, 1]);
      t.equal((await store.matchCallBack('other', at(0)))?.contactId, 'older');
      t.same((await store.withdraw(contact('older'), start)).outcome, 'withdrawn');
      t.equal(await store.contact(contact('older')), undefined);
    });

    t.test('a call-back given back is offered to whoever else may have it', async (t) => {
      const { queue: store } = await kind.open();
      for (const name of ['101', '102', '103']) await ready(store, name);
      await store.enqueue(callBack('b1'), start);
      const first = await store.matchCallBack('documents', at(0));
      t.equal(first?.operatorId, '101');
      const failed = await store.offerFailedAndMatch(first?.offerId ?? asId<OfferId>(''), 'offerUnanswered', {
        ...at(1),
        setAsideMs: 10_000,
        exclude: true,
      });
      const [second, ...others] = failed.outcome === 'givenBack' ? failed.reservations : [];
      t.same([second?.contactId, second?.operatorId, others], ['b1', '102', []]);
      const left = await store.signOut(operator('102'), start + 2);
      t.same(left, { outcome: 'done', givenBack: ['b1'] });
      t.equal((await store.matchContact(contact('b1'), at(2)))?.operatorId, '103', 'whose turn it is');
    });

    t.test('one that keeps nobody idle is given nobody, also when it is given back', async (t) => {
      const { queue: store } = await kind.open();
      for (const name of ['101', '102', '103']) await ready(store, name);
      await store.setSharing('documents', { keepIdle: 2, presses: false, share: 0, costMs: 0 }, start);
      await store.enqueue(callBack('b1'), start);
      const first = await store.matchContact(contact('b1'), at(0));
      t.equal(first?.contactId, 'b1');
      const failed = await store.offerFailedAndMatch(first?.offerId ?? asId<OfferId>(''), 'offerUnanswered', {
        ...at(1),
        setAsideMs: 10_000,
      });
      t.same(failed.outcome === 'givenBack' ? failed.reservations : undefined, [], 'two are there, two are kept');
    });

    t.test('a call-back is found behind however many that the operator cannot serve', async (t) => {
      const { queue: store } = await kind.open();
      for (let i = 0; i < 100; i += 1) {
        const change = { requirement: requirementClass('tatar', 'longestIdle'), score: start - 1_000 + i };
        await store.enqueue(callBack(`t${i}`, change), start);
      }
      await store.enqueue(callBack('b1'), start);
      await ready(store, '101');
      const found = await store.matchOperator(operator('101'), at(0));
      t.equal(found?.contactId, 'b1');
      await store.offerFailed(found?.offerId ?? asId<OfferId>(''), 'operatorBusy', { nowMs: start, setAsideMs: 0 });
      t.equal((await store.matchCallBack('documents', at(0)))?.contactId, 'b1');
    });

    t.test('the share does not grow while nobody is on duty', async (t) => {
      const { queue: store } = await kind.open();
      await store.setSharing('documents', { keepIdle: 0, presses: true, share: 0.1, costMs: minuteMs }, start);
      await store.enqueue(callBack('b1', { requirement: requirementClass('tatar', 'longestIdle') }), start);
      // Somebody who could serve by his skills is asked for, but is on the telephone without a phone.
      await ready(store, '101', { tatar: 5, chat: 1 });
      await store.setReachable(operator('101'), false, start);
      const chat = { operatorId: operator('102'), extension: '102', skills: { tatar: 5 }, capacity: { chat: 1 } };
      await store.registerOperator(chat, start);
      await store.signIn(operator('102'), start);
      await store.setPresence(operator('102'), 'ready', { nowMs: start });
      const written = { medium: 'chat', requirement: requirementClass('tatar', 'longestIdle') } as const;
      const { kind: _live, ...live } = callBack('c1', written);
      await store.enqueue(live, start);
      await store.enqueue(callBack('b2', written), start);
      const night = 10 * 60 * minuteMs;
      const taken = await store.matchOperator(operator('102'), at(night));
      t.equal(taken?.contactId, 'c1', 'nothing was saved up');
      t.equal((await store.sharing()).get('documents')?.reservedMs, 0);
      await store.setReachable(operator('101'), true, start + night);
      await store.setReachable(operator('102'), true, start + night);
      await store.offerFailed(taken?.offerId ?? asId<OfferId>(''), 'operatorBusy', {
        nowMs: start + night,
        setAsideMs: 0,
      });
      t.equal((await store.matchOperator(operator('102'), at(night + 1_000)))?.contactId, 'c1');
      t.equal((await store.sharing()).get('documents')?.reservedMs, 200, 'a second of two operators');
    });

    t.test('the service offers it on when its operator signs out or lets the lease run out', async (t) => {
      const { queue: store } = await kind.open();
      const clock = new FakeClock(start);
      const queues = [queueSchema.parse({ id: 'documents', name: 'documents', requirement: 'documents' })];
      const operators = ['101', '102', '103'].map((id) =>
        operatorSchema.parse({ id, extension: id, name: id, skills: { documents: 5 } }),
      );
      const acd = createAcdService({ store, clock, logger: silentLogger, queues, operators });
      await acd.start();
      t.teardown(() => acd.stop());
      for (const { id } of operators) {
        await acd.signIn(operator(id), by);
        await acd.setReachable(operator(id), true, by);
        await acd.setPresence(operator(id), { presence: 'ready' }, by);
      }
      const requirement = requirementClass('documents', 'longestIdle');
      await store.enqueueAndMatch(callBack('b1', { requirement }), { nowMs: start, leaseMs });
      const rings = async (): Promise<string | undefined> => {
        const views = await store.operators();
        return views.find((view) => view.contactId === 'b1')?.operatorId;
      };
      const first = await rings();
      t.ok(first, 'an operator was found at once');
      await acd.signOut(operator(first ?? ''), by);
      const second = await rings();
      t.ok(second !== undefined && second !== first, 'and another when he went home');
      await clock.moveTo(start + 2 * leaseMs + 20_000);
      await acd.matchAll();
      t.ok(await rings(), 'and again when nobody took it');
      t.ok(((await acd.waitingContact(contact('b1')))?.estimateMs ?? 0) > 0);
    });
  });
}
