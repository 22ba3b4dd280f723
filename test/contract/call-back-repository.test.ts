import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { CallBack, CallBackDraft, CallBackRepository, CallBackRoom } from '../../src/callbacks/index.ts';
import {
  asId,
  assertNever,
  bySystem,
  type CallBackId,
  type CaseId,
  type ContactId,
  newId,
  silentLogger,
} from '../../src/foundation/index.ts';
import { createMemoryCallBackRepository } from '../../src/store/memory/call-back-repository.ts';
import { createPostgresStores } from '../../src/store/postgres/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { temporaryVault } from '../support/sealer.ts';

const now = Date.UTC(2026, 10, 23, 9, 0);
const minute = 60_000;
const hour = 60 * minute;
const meta = bySystem('test', 'asked');
const day = '2026-11-23';
const nextDay = '2026-11-24';

let numbers = 0;
const contact = (): ContactId => newId<ContactId>('c', now);
/** A queue of its own for each test: room and overviews are counted by queue. */
const queue = (): string => newId<string>('q', now);

function draft(fields: Partial<CallBackDraft> = {}): CallBackDraft {
  numbers += 1;
  return {
    contactId: contact(),
    lineId: 'documents',
    queueId: queue(),
    topic: 'passport',
    language: 'ru',
    number: `+7903${String(numbers).padStart(7, '0')}`,
    placeMs: now - 90_000,
    wish: { kind: 'soon' },
    createdAtMs: now,
    ...fields,
  };
}

const plenty: readonly CallBackRoom[] = [{ day, most: 1_000, dueAtMs: now }];

/** What every repository of call-backs does. */
async function contract(t: Test, repository: CallBackRepository): Promise<void> {
  const promised = async (fields: Partial<CallBackDraft> = {}, room = plenty): Promise<CallBack> => {
    const answer = await repository.promise(draft(fields), { room, meta });
    if (answer.outcome !== 'promised') throw new Error(`expected a promise, got ${answer.outcome}`);
    return answer.callBack;
  };
  const scheduled = async (fields: Partial<CallBackDraft> = {}): Promise<CallBack> => {
    const { callBackId, promisedBy } = await promised(fields);
    await repository.letGo(callBackId, promisedBy, now);
    return await known(callBackId);
  };
  const claimed = async (by: ContactId): Promise<CallBack> => {
    const { callBackId } = await scheduled();
    await repository.claim(callBackId, by, now);
    return await known(callBackId);
  };
  const dialling = async (by: ContactId): Promise<CallBack> => {
    const { callBackId } = await claimed(by);
    await repository.beginAttempt(callBackId, by, now);
    return await known(callBackId);
  };
  const known = async (callBackId: CallBackId): Promise<CallBack> => {
    const found = await repository.get(callBackId);
    if (found === undefined) throw new Error(`expected the call-back ${callBackId}`);
    return found;
  };

  await t.test('a promise is held by its caller and keeps all that was said', async (t) => {
    const wishes = [
      { wish: { kind: 'soon' } },
      { wish: { kind: 'at', atMs: now + hour }, utcOffsetMinutes: 300 },
      { wish: { kind: 'nextOpening' }, caseId: asId<CaseId>('k1') },
      { wish: { kind: 'soon' }, hoursAheadMs: -400 * 24 * hour },
    ] as const;
    for (const fields of wishes) {
      const asked = draft(fields);
      const answer = await repository.promise(asked, { room: plenty, meta });
      if (answer.outcome !== 'promised') return t.fail(answer.outcome);
      t.equal(answer.merged, false);
      const { callBackId, promisedBy, ...rest } = answer.callBack;
      t.equal(promisedBy, asked.contactId);
      t.same(rest, { ...asked, state: 'held', dueAtMs: now, promisedDay: day, attempts: [] });
      t.same(await known(callBackId), answer.callBack);
    }
    t.equal(await repository.get(asId<CallBackId>('bnobody')), undefined);
  });

  await t.test('the first day that has room is promised, and none when none has', async (t) => {
    const queueId = queue();
    const room = [
      { day, most: 1, dueAtMs: now },
      { day: nextDay, most: 2, dueAtMs: now + 24 * hour },
    ];
    const ask = () => repository.promise(draft({ queueId }), { room, meta });
    const answers = [await ask(), await ask(), await ask(), await ask()];
    t.same(
      answers.map((answer) => (answer.outcome === 'promised' ? answer.callBack.promisedDay : answer.outcome)),
      [day, nextDay, nextDay, 'noRoom'],
    );
    t.match(answers[1], { callBack: { dueAtMs: now + 24 * hour } });
    t.match(await promised({}, room), { promisedDay: day }, 'another queue has room of its own');
    t.equal((await repository.promise(draft(), { room: [], meta })).outcome, 'noRoom');
    const first = answers[0];
    if (first?.outcome !== 'promised') return t.fail('expected a promise');
    await repository.cancel(first.callBack.callBackId, { reason: 'asked', meta, nowMs: now });
    t.match(
      await ask(),
      { outcome: 'promised', callBack: { promisedDay: day } },
      'a cancelled one gives its room back',
    );
  });

  await t.test('of many who ask at once for the last room, one gets it', async (t) => {
    const queueId = queue();
    const room = [{ day, most: 3, dueAtMs: now }];
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => repository.promise(draft({ queueId }), { room, meta })),
    );
    t.equal(answers.filter(({ outcome }) => outcome === 'promised').length, 3);
    t.same(
      (await repository.promised()).filter((promises) => promises.queueId === queueId),
      [{ queueId, day, open: 3 }],
    );
  });

  await t.test('who asks twice has one open call-back in a queue, also when he asks at once', async (t) => {
    const asked = draft();
    const again = { ...asked, wish: { kind: 'at', atMs: now + hour } } as const;
    const both = await Promise.all([asked, again].map((each) => repository.promise(each, { room: plenty, meta })));
    t.same(new Set(both.map((answer) => answer.outcome === 'promised' && answer.merged)), new Set([false, true]));
    t.equal((await repository.openOf(asked.number)).length, 1);
    await promised({ number: asked.number });
    t.equal((await repository.openOf(asked.number)).length, 2, 'another queue has another');
    t.same(await repository.openOf('+79990000000'), []);
  });

  await t.test('two callers behind one number, both on the line: what each was promised is his alone', async (t) => {
    const first = await promised();
    const { number, queueId } = first;
    const second = await promised({ number, queueId });
    t.not(second.callBackId, first.callBackId);
    t.same(await repository.hold(first.callBackId, second.promisedBy, now), { outcome: 'over' });
    const answered = { contactId: first.promisedBy, reason: 'answered', meta, nowMs: now };
    t.same(await repository.cancel(second.callBackId, answered), { outcome: 'over' }, 'not his to cancel');
    t.same(await repository.cancel(first.callBackId, answered), { outcome: 'cancelled' });
    t.equal(await repository.letGo(second.callBackId, second.promisedBy, now), 'scheduled', 'nobody is forgotten');

    const third = await promised({ number, queueId });
    t.equal(third.callBackId, second.callBackId, 'nobody holds it: it is his who asks now');
    t.equal(third.promisedBy, (await known(second.callBackId)).contactId);
    const fourth = draft({ number, queueId });
    const answers = await Promise.all([fourth, fourth].map((each) => repository.promise(each, { room: plenty, meta })));
    t.same(answers[0], answers[1], 'a repeat');
    t.equal((await repository.openOf(number)).length, 2);
  });

  await t.test(
    'asked again by another and repeated after a crash it is a repeat, also when the day is full',
    async (t) => {
      const { number, queueId } = await scheduled();
      const again = draft({ number, queueId });
      const answer = await repository.promise(again, { room: plenty, meta });
      t.match(answer, { outcome: 'promised', merged: true, callBack: { promisedBy: again.contactId } });
      t.match(await repository.promise(again, { room: [], meta }), { outcome: 'promised' });
    },
  );

  await t.test('asked again it keeps the earlier place and takes the newer wish', async (t) => {
    const first = await scheduled({ placeMs: now - 10 * minute, utcOffsetMinutes: 180 });
    const { number, queueId, callBackId } = first;
    const claimer = contact();
    await repository.claim(callBackId, claimer, now);
    const again = draft({
      number,
      queueId,
      placeMs: now - minute,
      wish: { kind: 'at', atMs: now + hour },
      topic: 'other',
    });
    const room = [{ day: nextDay, most: 1, dueAtMs: now + hour }];
    const answer = await repository.promise(again, { room, meta });
    t.same(answer, {
      outcome: 'promised',
      merged: true,
      was: claimer,
      callBack: {
        ...first,
        state: 'held',
        contactId: again.contactId,
        promisedBy: again.contactId,
        wish: again.wish,
        topic: 'other',
        placeMs: now - 10 * minute,
        dueAtMs: now + hour,
        promisedDay: nextDay,
      },
    });
    t.same(await known(callBackId), answer.outcome === 'promised' && answer.callBack);
    await repository.letGo(callBackId, again.contactId, now);
    const earlier = await promised({ number, queueId, placeMs: now - hour });
    t.equal(earlier.placeMs, now - hour);
  });

  await t.test('the same wish again by who holds it is a repeat, also when the day is full meanwhile', async (t) => {
    const asked = draft();
    const first = await repository.promise(asked, { room: plenty, meta });
    t.same(await repository.promise(asked, { room: [], meta }), first);
  });

  await t.test('without room an open one stays as it was', async (t) => {
    const before = await scheduled();
    const { number, queueId, callBackId } = before;
    t.same(await repository.promise(draft({ number, queueId }), { room: [], meta }), { outcome: 'noRoom' });
    t.same(await known(callBackId), before);
  });

  await t.test('one that is being dialled is left as it is', async (t) => {
    const before = await dialling(contact());
    const { number, queueId } = before;
    t.same(await repository.promise(draft({ number, queueId }), { room: plenty, meta }), {
      outcome: 'promised',
      merged: true,
      callBack: before,
    });
  });

  await t.test('let go it is due when it was, or later, and only its holder can', async (t) => {
    const { callBackId, promisedBy } = await promised();
    t.equal(await repository.letGo(callBackId, contact(), now), 'notHeld');
    t.equal(await repository.letGo(callBackId, promisedBy, now - hour), 'scheduled');
    const after = await known(callBackId);
    t.match(after, { state: 'scheduled', dueAtMs: now });
    t.notOk('contactId' in after);
    t.equal(await repository.letGo(callBackId, promisedBy, now), 'notHeld');
    t.equal(await repository.letGo(asId<CallBackId>('bnobody'), promisedBy, now), 'notHeld');
    const late = await promised();
    await repository.letGo(late.callBackId, late.promisedBy, now + hour);
    t.equal((await known(late.callBackId)).dueAtMs, now + hour);
  });

  await t.test('of several who claim it at once one has it, and has it when he asks again', async (t) => {
    const { callBackId } = await scheduled();
    t.same(await repository.claim(callBackId, contact(), now - 1), { outcome: 'notDue' });
    const claimers = Array.from({ length: 5 }, contact);
    const answers = await Promise.all(claimers.map((claimer) => repository.claim(callBackId, claimer, now)));
    t.same(answers.map(({ outcome }) => outcome).sort(), ['claimed', 'taken', 'taken', 'taken', 'taken']);
    const winner = claimers[answers.findIndex(({ outcome }) => outcome === 'claimed')];
    if (winner === undefined) return t.fail('nobody claimed it');
    const callBack = await known(callBackId);
    t.match(callBack, { state: 'claimed', contactId: winner });
    t.same(await repository.claim(callBackId, winner, now), { outcome: 'claimed', callBack });
    t.same(await repository.claim(asId<CallBackId>('bnobody'), winner, now), { outcome: 'over' });
  });

  await t.test('its caller takes it back, from whoever has claimed it', async (t) => {
    const claimer = contact();
    const caller = contact();
    const { callBackId } = await claimed(claimer);
    t.same(await repository.hold(callBackId, caller, now), { outcome: 'held', was: claimer });
    t.match(await known(callBackId), { state: 'held', contactId: caller });
    t.same(await repository.hold(callBackId, caller, now), { outcome: 'held' }, 'again');
    t.same(await repository.claim(callBackId, claimer, now), { outcome: 'taken' });
    t.equal(await repository.postpone(callBackId, claimer, now), 'notClaimed');
    t.same(await repository.beginAttempt(callBackId, claimer, now), { outcome: 'notClaimed' });
    const other = contact();
    t.same(await repository.hold(callBackId, other, now), { outcome: 'over' }, 'who calls beside him leaves it alone');
    t.equal(await repository.letGo(callBackId, other, now), 'notHeld');
    t.equal(await repository.letGo(callBackId, caller, now), 'scheduled');
    t.same(await repository.hold(callBackId, other, now), { outcome: 'held' });
    t.equal(await repository.letGo(callBackId, other, now), 'scheduled');
    t.same(await repository.hold(callBackId, caller, now), { outcome: 'held' }, 'a scheduled one was nobody’s');
    t.same(await repository.hold((await dialling(claimer)).callBackId, caller, now), { outcome: 'dialling' });
    t.same(await repository.hold(asId<CallBackId>('bnobody'), caller, now), { outcome: 'over' });
  });

  await t.test('who has it cancels it, and staff, unless it is being dialled', async (t) => {
    const cancel = (callBackId: CallBackId, contactId?: ContactId) =>
      repository.cancel(callBackId, {
        reason: 'answered',
        meta,
        nowMs: now,
        ...(contactId === undefined ? {} : { contactId }),
      });
    const held = await promised();
    t.same(await cancel(held.callBackId, contact()), { outcome: 'over' }, 'not who does not have it');
    t.same(await cancel(held.callBackId, held.promisedBy), { outcome: 'cancelled' });
    const after = await known(held.callBackId);
    t.match(after, { state: 'cancelled', reason: 'answered' });
    t.notOk('contactId' in after);
    t.same(await cancel(held.callBackId, held.promisedBy), { outcome: 'over' });
    t.same(await repository.openOf(held.number), []);
    const claimer = contact();
    t.same(await cancel((await claimed(claimer)).callBackId), { outcome: 'cancelled', was: claimer }, 'staff');
    t.same(await cancel((await promised()).callBackId), { outcome: 'cancelled' }, 'staff: its caller keeps his place');
    t.same(await cancel((await scheduled()).callBackId), { outcome: 'cancelled' });
    t.same(await cancel((await claimed(claimer)).callBackId, claimer), { outcome: 'cancelled' });
    const dialled = await dialling(claimer);
    t.same(await cancel(dialled.callBackId), { outcome: 'dialling' });
    t.same(await cancel(dialled.callBackId, claimer), { outcome: 'dialling' });
    t.same(await cancel(asId<CallBackId>('bnobody')), { outcome: 'over' });
    t.same(await repository.hold(held.callBackId, claimer, now), { outcome: 'over' });
    t.same(await repository.claim(held.callBackId, claimer, now), { outcome: 'over' });
  });

  await t.test('who has claimed it gives it back for later', async (t) => {
    const claimer = contact();
    const { callBackId } = await claimed(claimer);
    t.equal(await repository.postpone(callBackId, contact(), now + hour), 'notClaimed');
    t.equal(await repository.postpone(callBackId, claimer, now + hour), 'scheduled');
    t.match(await known(callBackId), { state: 'scheduled', dueAtMs: now + hour, attempts: [] });
    t.equal(await repository.postpone(callBackId, claimer, now), 'notClaimed');
    t.same(await repository.claim(callBackId, claimer, now), { outcome: 'notDue' });
  });

  await t.test('an attempt is begun once by who has claimed it, and ended once', async (t) => {
    const claimer = contact();
    const { callBackId } = await claimed(claimer);
    t.equal(await repository.endAttempt(callBackId, claimer, { outcome: 'busy', nowMs: now }), 'notDialling');
    t.same(await repository.beginAttempt(callBackId, contact(), now), { outcome: 'notClaimed' });
    t.same(await repository.beginAttempt(callBackId, claimer, now), { outcome: 'begun', attempt: 1 });
    t.same(await repository.beginAttempt(callBackId, claimer, now + 1), { outcome: 'begun', attempt: 1 }, 'again');
    t.match(await known(callBackId), {
      state: 'dialling',
      contactId: claimer,
      attempts: [{ number: 1, contactId: claimer, startedAtMs: now }],
    });
    const end = { outcome: 'busy', nowMs: now + 30_000, retryAtMs: now + hour } as const;
    t.equal(await repository.endAttempt(callBackId, contact(), end), 'notDialling');
    t.equal(await repository.endAttempt(callBackId, claimer, end), 'scheduled');
    t.equal(await repository.endAttempt(callBackId, claimer, end), 'scheduled', 'again');
    const first = { number: 1, contactId: claimer, startedAtMs: now, endedAtMs: now + 30_000, outcome: 'busy' };
    const after = await known(callBackId);
    t.match(after, { state: 'scheduled', dueAtMs: now + hour });
    t.same(after.attempts, [first]);
    t.notOk('contactId' in after);

    const second = contact();
    await repository.claim(callBackId, second, now + hour);
    t.same(await repository.beginAttempt(callBackId, second, now + hour), { outcome: 'begun', attempt: 2 });
    const reached = { outcome: 'reached', nowMs: now + hour + 9_000 } as const;
    t.equal(await repository.endAttempt(callBackId, second, reached), 'done');
    t.equal(await repository.endAttempt(callBackId, second, reached), 'done', 'again');
    const done = await known(callBackId);
    t.equal(done.state, 'done');
    t.same(done.attempts, [
      first,
      { number: 2, contactId: second, startedAtMs: now + hour, endedAtMs: now + hour + 9_000, outcome: 'reached' },
    ]);
    t.same(await repository.claim(callBackId, claimer, now + 2 * hour), { outcome: 'over' });
  });

  await t.test('without a further try it has failed', async (t) => {
    const claimer = contact();
    const { callBackId, number } = await dialling(claimer);
    const end = { outcome: 'noAnswer', nowMs: now } as const;
    t.equal(await repository.endAttempt(callBackId, claimer, end), 'failed');
    t.equal(await repository.endAttempt(callBackId, claimer, end), 'failed', 'again');
    t.match(await known(callBackId), { state: 'failed', reason: 'noAnswer' });
    t.same(await repository.openOf(number), []);
    t.equal(await repository.endAttempt(asId<CallBackId>('bnobody'), claimer, end), 'notDialling');
  });

  await t.test('lists, newest first, by state and queue, from a place on', async (t) => {
    const queueId = queue();
    const made: CallBack[] = [];
    for (let at = 0; at < 4; at += 1) made.push(await scheduled({ queueId, createdAtMs: now + at }));
    const newest = made.toReversed().map(({ callBackId }) => callBackId);
    const listed = async (filter: Omit<Parameters<CallBackRepository['list']>[0], 'limit'>, limit = 10) =>
      (await repository.list({ queueId, ...filter, limit })).map(({ callBackId }) => callBackId);
    t.same(await listed({}), newest);
    t.same(await listed({}, 2), newest.slice(0, 2));
    const [, second] = newest;
    if (second === undefined) return t.fail('expected four');
    t.same(await listed({ before: second }), newest.slice(2));
    await repository.hold(second, contact(), now);
    t.same(await listed({ state: 'held' }), [second]);
    t.same((await listed({ state: 'scheduled' })).length, 3);
  });

  await t.test('what is scheduled, soonest first; what contacts have; what is promised for each day', async (t) => {
    const queueId = queue();
    const room = (dueAtMs: number, name = day) => [{ day: name, most: 9, dueAtMs }];
    const later = await promised({ queueId }, room(now + hour));
    const sooner = await promised({ queueId }, room(now + minute));
    const held = await promised({ queueId }, room(now - hour, nextDay));
    for (const { callBackId, promisedBy } of [later, sooner]) await repository.letGo(callBackId, promisedBy, now);
    const mine = new Set([later, sooner, held].map(({ callBackId }) => callBackId));
    t.same(
      (await repository.scheduled(1_000)).filter(({ callBackId }) => mine.has(callBackId)),
      [
        { callBackId: sooner.callBackId, dueAtMs: now + minute },
        { callBackId: later.callBackId, dueAtMs: now + hour },
      ],
    );
    t.equal((await repository.scheduled(1)).length, 1);
    const claimer = contact();
    await repository.claim(sooner.callBackId, claimer, now + minute);
    const owned = (await repository.owned()).filter(({ callBackId }) => mine.has(callBackId));
    t.same(
      new Map(owned.map(({ callBackId, contactId, state }) => [callBackId, `${state} ${contactId}`])),
      new Map([
        [held.callBackId, `held ${held.promisedBy}`],
        [sooner.callBackId, `claimed ${claimer}`],
      ]),
    );
    t.same(
      (await repository.promised()).filter((promises) => promises.queueId === queueId),
      [
        { queueId, day, open: 2, oldestDueAtMs: now + minute },
        { queueId, day: nextDay, open: 1 },
      ],
    );
  });

  await t.test('of the times that callers chose, the first of those that wait to be dialled', async (t) => {
    const queueId = queue();
    const at = async (dueAtMs: number, wish: CallBackDraft['wish']): Promise<CallBack> => {
      const callBack = await promised({ queueId, wish }, [{ day, most: 9, dueAtMs }]);
      await repository.letGo(callBack.callBackId, callBack.promisedBy, now);
      return callBack;
    };
    const overview = async () => (await repository.promised()).filter((promises) => promises.queueId === queueId);
    await at(now + minute, { kind: 'soon' });
    await at(now + minute, { kind: 'nextOpening' });
    t.same(await overview(), [{ queueId, day, open: 2, oldestDueAtMs: now + minute }]);
    await at(now + hour, { kind: 'at', atMs: now + hour });
    const sooner = await at(now + 30 * minute, { kind: 'at', atMs: now + 30 * minute });
    await promised({ queueId, wish: { kind: 'at', atMs: now } }, [{ day, most: 9, dueAtMs: now }]);
    const both = { queueId, day, open: 5, oldestDueAtMs: now + minute };
    t.same(await overview(), [{ ...both, oldestChosenAtMs: now + 30 * minute }]);
    const claimer = contact();
    await repository.claim(sooner.callBackId, claimer, now + hour);
    t.same(await overview(), [{ ...both, oldestChosenAtMs: now + 30 * minute }], 'claimed it still waits');
    await repository.beginAttempt(sooner.callBackId, claimer, now + hour);
    t.same(await overview(), [{ ...both, oldestChosenAtMs: now + hour }]);
  });

  await t.test(
    'a request with a key is answered once, whatever has become of it, and each key has its answer',
    async (t) => {
      const queueId = queue();
      const asked = draft({ queueId });
      const [one, two, other] = ['one', 'two', 'other'].map((name) => `${queueId}-${name}`) as [string, string, string];
      t.equal(await repository.answered(one), undefined);
      const ask = (requestKey: string, from = asked, room = plenty) =>
        repository.promise(from, { room, meta, requestKey });
      t.match(await ask(one, asked, []), { outcome: 'noRoom' });
      t.equal(await repository.answered(one), undefined, 'what is refused may be asked for again');
      const first = await ask(one);
      if (first.outcome !== 'promised') return t.fail(first.outcome);
      const { callBackId } = first.callBack;
      t.same(await repository.answered(one), { callBackId, dueAtMs: now, merged: false });
      await repository.letGo(callBackId, asked.contactId, now);
      const second = draft({ queueId, number: asked.number });
      const later = [{ day: nextDay, most: 9, dueAtMs: now + 24 * hour }];
      t.match(await ask(two, second, later), { merged: true, callBack: { callBackId } });
      t.same(await repository.answered(two), { callBackId, dueAtMs: now + 24 * hour, merged: true });
      t.same(await repository.answered(one), { callBackId, dueAtMs: now, merged: false });
      await repository.cancel(callBackId, { reason: 'test', meta, nowMs: now });
      const again = await ask(two, second);
      t.match(again, { outcome: 'promised', merged: true, callBack: { callBackId, state: 'cancelled' } });

      const callers = draft({ queueId });
      const held = await promised(callers);
      const elsewhere = draft({ queueId, number: callers.number });
      const found = await ask(other, elsewhere, []);
      t.match(found, { merged: true, callBack: { callBackId: held.callBackId, contactId: callers.contactId } });
      t.equal((await known(held.callBackId)).contactId, callers.contactId, 'who is on the line keeps it');
      const keys = Array.from({ length: 4 }, () => ask(`${queueId}-twice`, draft({ queueId, number: '+79990001122' })));
      const ids = (await Promise.all(keys)).map(
        (answer) => answer.outcome === 'promised' && answer.callBack.callBackId,
      );
      t.equal(new Set(ids).size, 1, 'asked at the same time');
    },
  );

  await t.test('those of an opening are spread in the order of their places, once', async (t) => {
    const queueId = queue();
    const opening = now + 10 * hour;
    const due = async (place: number, fields: Partial<CallBackDraft> = {}): Promise<CallBackId> => {
      const asked = { queueId, placeMs: now - place * minute, ...fields };
      const { callBackId, promisedBy } = await promised(asked, [{ day, most: 99, dueAtMs: opening }]);
      await repository.letGo(callBackId, promisedBy, now);
      return callBackId;
    };
    const dueOf = async (callBackId: CallBackId): Promise<number> => (await known(callBackId)).dueAtMs;
    const third = await due(1);
    const first = await due(3);
    const second = await due(2);
    const chosen = await due(5, { wish: { kind: 'at', atMs: opening } });
    const held = await promised({ queueId }, [{ day, most: 99, dueAtMs: opening }]);
    const elsewhere = await due(1, { queueId: queue() });
    const results = await Promise.all([
      repository.spread(queueId, opening, hour),
      repository.spread(queueId, opening, hour),
    ]);
    t.same(new Set(results), new Set([0, 2]));
    t.equal(await repository.spread(queueId, opening, hour), 0, 'again');
    t.same(await Promise.all([first, second, third].map(dueOf)), [
      opening,
      opening + hour / 3,
      opening + (2 * hour) / 3,
    ]);
    t.same(await Promise.all([chosen, held.callBackId, elsewhere].map(dueOf)), [opening, opening, opening]);
    t.equal(await repository.spread(queueId, opening, 0), 0);
  });
}

const verbs = [
  'hold',
  'letGo',
  'cancel',
  'staff',
  'claim',
  'postpone',
  'begin',
  'retry',
  'fail',
  'reach',
  'promise',
] as const;
/** What comes next for a call-back that is going well; at the end it is asked for again. */
const onwards: Readonly<Record<CallBack['state'], (typeof verbs)[number]>> = {
  held: 'letGo',
  scheduled: 'claim',
  claimed: 'begin',
  dialling: 'retry',
  done: 'promise',
  failed: 'promise',
  cancelled: 'promise',
};

/** `onwards`: by whoever has it. */
interface Act {
  readonly verb: (typeof verbs)[number] | 'onwards';
  readonly who: number;
}

/** What is answered to each act on one call-back, and what it is after each; the same for every repository. */
async function walk(repository: CallBackRepository, acts: readonly Act[]): Promise<readonly unknown[]> {
  const people = [contact(), contact()];
  const asked = draft({ number: '+79035550001', contactId: people[0] ?? contact() });
  const first = await repository.promise(asked, { room: plenty, meta });
  if (first.outcome !== 'promised') throw new Error('expected a promise');
  let id = first.callBack.callBackId;
  const act = async ({ verb, who }: Act): Promise<unknown> => {
    const before = await repository.get(id);
    const does = verb === 'onwards' ? onwards[before?.state ?? 'done'] : verb;
    const by = (verb === 'onwards' ? before?.contactId : undefined) ?? people[who] ?? contact();
    const ending = { nowMs: now + 1, outcome: 'busy' } as const;
    switch (does) {
      case 'hold':
        return await repository.hold(id, by, now);
      case 'letGo':
        return await repository.letGo(id, by, now);
      case 'cancel':
        return await repository.cancel(id, { contactId: by, reason: 'answered', meta, nowMs: now });
      case 'staff':
        return await repository.cancel(id, { reason: 'staff', meta, nowMs: now });
      case 'claim':
        return await repository.claim(id, by, now);
      case 'postpone':
        return await repository.postpone(id, by, now);
      case 'begin':
        return await repository.beginAttempt(id, by, now);
      case 'retry':
        return await repository.endAttempt(id, by, { ...ending, retryAtMs: now });
      case 'fail':
        return await repository.endAttempt(id, by, ending);
      case 'reach':
        return await repository.endAttempt(id, by, { ...ending, outcome: 'reached' });
      case 'promise': {
        const answer = await repository.promise({ ...asked, contactId: by }, { room: plenty, meta });
        if (answer.outcome === 'promised') id = answer.callBack.callBackId;
        return answer;
      }
      default:
        return assertNever(does);
    }
  };
  const told: unknown[] = [];
  for (const one of acts) {
    told.push(await act(one));
    const found = await repository.get(id);
    told.push(found);
    const unfinished = found?.attempts.filter(({ endedAtMs }) => endedAtMs === undefined).length;
    told.push(found?.state === 'dialling' ? unfinished === 1 : unfinished === 0);
  }
  const names = new Map<string, string>([
    [asked.queueId, 'queue'],
    ...people.map((each, at): [string, string] => [each, `contact ${at}`]),
  ]);
  // Ids are of one store; all else must be the same.
  return JSON.parse(JSON.stringify(told), (key, value: unknown) =>
    key === 'callBackId' ? 'id' : typeof value === 'string' ? (names.get(value) ?? value) : value,
  ) as unknown[];
}

t.test('memory', (t) => contract(t, createMemoryCallBackRepository()));

t.test('PostgreSQL', async (t) => {
  const [postgres, { vault, remove }] = await Promise.all([startPostgres(), temporaryVault()]);
  const stores = createPostgresStores({ databaseUrl: postgres.databaseUrl, sealer: vault, logger: silentLogger });
  t.teardown(async () => {
    await stores.close();
    await postgres.stop();
    await remove();
  });
  await stores.migrate();
  await contract(t, stores.callBacks);

  await t.test('any order of verbs is answered like by the twin', async (t) => {
    const seen = new Set<string>();
    const act = fc.record({
      verb: fc.oneof(
        { weight: 3, arbitrary: fc.constant('onwards' as const) },
        { weight: 2, arbitrary: fc.constantFrom(...verbs) },
      ),
      who: fc.integer({ min: 0, max: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 15, maxLength: 30 }), async (acts) => {
        const [real, twin] = [await walk(stores.callBacks, acts), await walk(createMemoryCallBackRepository(), acts)];
        if (real.includes(false)) throw new Error('expected one open attempt while it is dialled, none otherwise');
        deepEqual(real, twin);
        for (const state of JSON.stringify(real).matchAll(/"state":"(\w+)"/g)) seen.add(state[1] ?? '');
      }),
      // Each walk ends in tries used up by one in some ten.
      { numRuns: 100 },
    );
    t.same(
      [...seen].sort(),
      ['cancelled', 'claimed', 'dialling', 'done', 'failed', 'held', 'scheduled'],
      'walked through',
    );
  });
});
