import { DateTime } from 'luxon';
import t from 'tap';
import {
  type AttemptOutcome,
  type CallBack,
  type CallBackRoom,
  type CallBackService,
  type CallBackSurroundings,
  type CallBackWish,
  callBackSettingsSchema,
  createCallBackService,
  retryDelayMs,
  spreadInstants,
} from '../../src/callbacks/index.ts';
import { bySystem, type CallBackId, type ContactId, newId, silentLogger } from '../../src/foundation/index.ts';
import { createMemoryCallBackRepository } from '../../src/store/memory/call-back-repository.ts';
import { FakeClock } from '../support/fake-clock.ts';

const minute = 60_000;
const hour = 60 * minute;
const moscow = 'Europe/Moscow';
const meta = bySystem('test', 'asked');
const at = (iso: string): number => DateTime.fromISO(iso, { zone: moscow }).toMillis();
const clockText = (ms: number): string => DateTime.fromMillis(ms, { zone: moscow }).toFormat("dd'T'HH:mm:ss");
const contact = (): ContactId => newId<ContactId>('c', 0);

const russia = ['Europe/Kaliningrad', moscow, 'Asia/Yekaterinburg', 'Asia/Vladivostok', 'Asia/Kamchatka'];
const zones = {
  countries: { RU: russia },
  areas: [{ country: 'RU', codes: ['495'], zones: [moscow] }],
};
const mobile = '+79161234567';
const landline = '+74951234567';

/** Open from eight to eight on every day, in Moscow. */
function dailyHours(atMs: number): ReturnType<CallBackSurroundings['lineHours']> {
  const then = DateTime.fromMillis(atMs, { zone: moscow });
  const opens = then.startOf('day').set({ hour: 8 });
  const closes = then.startOf('day').set({ hour: 20 });
  const day = then.toISODate() ?? '';
  if (then >= opens && then < closes) return { open: true, untilMs: closes.toMillis(), day };
  return { open: false, nextMs: (then < opens ? opens : opens.plus({ days: 1 })).toMillis(), day };
}

/** A Tuesday. Room: so many on this and the following days. */
function world(options: { readonly now?: string; readonly room?: readonly number[]; readonly queue?: object } = {}) {
  const clock = new FakeClock(at(options.now ?? '2026-11-24T10:00'));
  const repository = createMemoryCallBackRepository();
  const seen = {
    planned: [] as { readonly callBackId: CallBackId; readonly dueAtMs: number }[],
    begun: [] as CallBackId[],
    withdrawn: [] as ContactId[],
    requests: [] as CallBack[],
    failing: new Set<'plan' | 'withdraw'>(),
  };
  const surroundings: CallBackSurroundings = {
    lineHours: (lineId, atMs) => (lineId === 'unknown' ? undefined : dailyHours(atMs)),
    room: async (_queueId, nowMs) =>
      (options.room ?? [9, 9, 9, 9]).flatMap((most, ahead): readonly CallBackRoom[] => {
        const day = DateTime.fromMillis(nowMs, { zone: moscow }).startOf('day').plus({ days: ahead });
        const opening = day.set({ hour: 8 }).toMillis();
        if (ahead === 0 && dailyHours(nowMs)?.open === false && nowMs > opening) return [];
        return [{ day: day.toISODate() ?? '', most, dueAtMs: ahead === 0 ? Math.max(nowMs, opening) : opening }];
      }),
    async plan(callBackId, dueAtMs) {
      if (seen.failing.has('plan')) throw new Error('away');
      seen.planned.push({ callBackId, dueAtMs });
    },
    async withdraw(contactId) {
      if (seen.failing.has('withdraw')) throw new Error('away');
      seen.withdrawn.push(contactId);
    },
    begin: async (callBackId) => void seen.begun.push(callBackId),
    registerRequest: async (callBack) => void seen.requests.push(callBack),
  };
  const service = createCallBackService({
    repository,
    surroundings,
    settings: { general: callBackSettingsSchema.parse(options.queue ?? {}) },
    zones,
    clock,
    logger: silentLogger,
  });
  const ask = (wish: CallBackWish, fields: Partial<Parameters<CallBackService['promise']>[0]> = {}) =>
    service.promise(
      {
        contactId: contact(),
        lineId: 'general',
        queueId: 'general',
        topic: 'fees',
        language: 'ru',
        number: landline,
        placeMs: clock.nowMs() - minute,
        wish,
        ...fields,
      },
      meta,
    );
  const get = async (callBackId: CallBackId): Promise<CallBack> => {
    const found = await repository.get(callBackId);
    if (found === undefined) throw new Error('no such call-back');
    return found;
  };
  /** Promised and let go: it waits for its time. */
  const waiting = async (wish: CallBackWish = { kind: 'soon' }, fields: Parameters<typeof ask>[1] = {}) => {
    const answer = await ask(wish, fields);
    if (answer.outcome !== 'promised') throw new Error(`refused: ${answer.why}`);
    const { callBackId } = answer;
    await service.letGo(callBackId, (await get(callBackId)).promisedBy, meta);
    return await get(callBackId);
  };
  const dialling = async (callBackId: CallBackId): Promise<ContactId> => {
    const by = contact();
    const claimed = await service.claim(callBackId, by);
    const begun = await service.beginAttempt(callBackId, by);
    if (begun.outcome !== 'begun') throw new Error(`${claimed.outcome}, ${begun.outcome}`);
    return by;
  };
  return { clock, repository, service, seen, ask, get, waiting, dialling };
}

const soon = { kind: 'soon' } as const;
const today = { kind: 'soon', onlyToday: true } as const;
const nextOpening = { kind: 'nextOpening' } as const;
const chosen = (iso: string): CallBackWish => ({ kind: 'at', atMs: at(iso) });

t.test('what a wish comes to', async (t) => {
  type Case = readonly [
    what: string,
    now: string,
    wish: CallBackWish,
    expected: string,
    more?: { number?: string; utcOffsetMinutes?: number; room?: readonly number[]; lineId?: string; queueId?: string },
  ];
  const cases: readonly Case[] = [
    ['soon is now', '24T10:00', soon, '24T10:00:00'],
    ['before the opening soon is the opening', '24T06:00', soon, '24T08:00:00'],
    ['after closing it is tomorrow', '24T20:00', soon, '25T08:00:00'],
    ['without room today it is tomorrow', '24T10:00', soon, '25T08:00:00', { room: [0, 1] }],
    ['only today, which has room', '24T10:00', today, '24T10:00:00'],
    ['only today, which has none', '24T10:00', today, 'noRoom', { room: [0, 1] }],
    ['only today, which is over', '24T20:00', today, 'noRoom 25T08:00:00'],
    ['a mobile in its window', '24T12:59', soon, '24T12:59:00', { number: mobile }],
    ['a mobile early in the day waits for its window', '24T08:10', soon, '24T09:00:00', { number: mobile }],
    ['a mobile too late today is asked', '24T13:00', soon, 'zoneUnknown 25T09:00:00', { number: mobile }],
    ['and once it has said where', '24T13:00', soon, '24T13:00:00', { number: mobile, utcOffsetMinutes: 180 }],
    ['said, and too late there', '24T16:00', soon, '25T08:00:00', { number: mobile, utcOffsetMinutes: 600 }],
    ['not asked when today has no room', '24T13:00', soon, '25T09:00:00', { number: mobile, room: [0, 1] }],
    ['not asked when the line is closed', '24T20:00', soon, '25T09:00:00', { number: mobile }],
    ['no room on any day', '24T10:00', soon, 'noRoom', { room: [0, 0, 0, 9] }],
    ['no days at all', '24T10:00', soon, 'noRoom', { room: [] }],
    ['a number that may be anywhere', '24T10:00', soon, 'zoneUnknown', { number: '+881612345678' }],
    ['which says where it is', '24T10:00', soon, '24T11:00:00', { number: '+881612345678', utcOffsetMinutes: 0 }],
    ['a number of a hotline', '24T10:00', soon, 'noNumber', { number: '+78001000001' }],
    ['no number', '24T10:00', soon, 'noNumber', { number: '' }],
    ['a line there is not', '24T10:00', soon, 'outsideHours', { lineId: 'unknown' }],
    ['a queue without call-backs', '24T10:00', soon, 'noRoom', { queueId: 'emergency' }],
    ['a chosen hour', '24T10:00', chosen('2026-11-24T15:00'), '24T15:00:00'],
    ['the day after tomorrow', '24T10:00', chosen('2026-11-26T19:59'), '26T19:59:00'],
    ['after closing', '24T10:00', chosen('2026-11-24T20:00'), 'outsideHours 25T08:00:00'],
    ['before the opening', '24T10:00', chosen('2026-11-25T07:00'), 'outsideHours 25T08:00:00'],
    ['too far', '24T10:00', chosen('2026-11-27T10:00'), 'tooFar'],
    ['past', '24T10:00', chosen('2026-11-24T09:00'), 'outsideHours 24T10:00:00'],
    ['a full day', '24T10:00', chosen('2026-11-25T10:00'), 'noRoom', { room: [9, 0, 9] }],
    [
      'a mobile at an hour of night somewhere',
      '24T10:00',
      chosen('2026-11-24T15:00'),
      'zoneUnknown 25T09:00:00',
      { number: mobile },
    ],
    [
      'who said where',
      '24T10:00',
      chosen('2026-11-24T15:00'),
      '24T15:00:00',
      { number: mobile, utcOffsetMinutes: 300 },
    ],
    [
      'who said where it is night',
      '24T10:00',
      chosen('2026-11-24T15:00'),
      'outsideHours 25T08:00:00',
      { number: mobile, utcOffsetMinutes: 720 },
    ],
    ['at night, after the opening', '24T23:00', nextOpening, '25T08:00:00'],
    ['while it is open, the next one', '24T10:00', nextOpening, '25T08:00:00'],
    ['a mobile at night: from its window on', '24T23:00', nextOpening, '25T09:00:00', { number: mobile }],
    ['the next opening’s day is full: the day after', '24T23:00', nextOpening, '26T08:00:00', { room: [0, 0, 1] }],
    ['no room after the opening', '24T23:00', nextOpening, 'noRoom', { room: [] }],
    ['anywhere, at night', '24T23:00', nextOpening, 'zoneUnknown', { number: '+881612345678' }],
  ];
  for (const [what, now, wish, expected, more = {}] of cases) {
    const { room, ...fields } = more;
    const { ask } = world({ now: `2026-11-${now}`, ...(room === undefined ? {} : { room }) });
    const answer = await ask(wish, fields);
    const next = 'nextAtMs' in answer && answer.nextAtMs !== undefined ? ` ${clockText(answer.nextAtMs)}` : '';
    t.equal(answer.outcome === 'promised' ? clockText(answer.dueAtMs) : `${answer.why}${next}`, expected, what);
  }
});

t.test('a promise is committed, held, and planned only when its caller is gone', async (t) => {
  const { clock, service, seen, ask, get } = world();
  const caller = contact();
  const answer = await ask(soon, { contactId: caller });
  if (answer.outcome !== 'promised') return t.fail(answer.why);
  t.match(await get(answer.callBackId), { state: 'held', contactId: caller, createdAtMs: clock.nowMs() });
  t.same(seen.planned, []);
  await clock.moveTo(clock.nowMs() + 5 * minute);
  await service.letGo(answer.callBackId, caller, meta);
  t.same(seen.planned, [{ callBackId: answer.callBackId, dueAtMs: clock.nowMs() }]);
  await service.letGo(answer.callBackId, caller, meta);
  t.equal(seen.planned.length, 1, 'a repeat plans nothing');
  t.equal((await service.openOf(landline)).length, 1);
});

t.test('let go when it may no longer be dialled today, it is due when it may', async (t) => {
  const { clock, service, ask, get } = world({ now: '2026-11-24T12:59' });
  const caller = contact();
  const answer = await ask(soon, { contactId: caller, number: mobile });
  if (answer.outcome !== 'promised') return t.fail(answer.why);
  await clock.moveTo(at('2026-11-24T13:01'));
  await service.letGo(answer.callBackId, caller, meta);
  t.equal(clockText((await get(answer.callBackId)).dueAtMs), '25T09:00:00');
});

t.test('a test call’s promise keeps to the hours of that call', async (t) => {
  const { clock, service, seen, ask, get } = world({ now: '2026-11-24T03:00' });
  const caller = contact();
  const hoursAheadMs = 16 * hour + 50 * minute; // ten minutes before the line closes
  const answer = await ask(soon, { contactId: caller, hoursAheadMs });
  if (answer.outcome !== 'promised') return t.fail(answer.why);
  t.equal(answer.dueAtMs, clock.nowMs());
  t.match(await get(answer.callBackId), { promisedDay: '2026-11-24', hoursAheadMs });
  await service.letGo(answer.callBackId, caller, meta);
  await service.due(answer.callBackId);
  t.same(seen.begun, [answer.callBackId]);
  const by = contact();
  t.match(await service.claim(answer.callBackId, by), { untilMs: clock.nowMs() + 10 * minute });
  await clock.moveTo(clock.nowMs() + 10 * minute);
  t.same(await service.beginAttempt(answer.callBackId, by), { outcome: 'mayNotDial' });
  t.equal((await get(answer.callBackId)).dueAtMs, at('2026-11-25T08:00') - hoursAheadMs);
  t.match(
    await ask({ kind: 'at', atMs: at('2026-11-25T21:00') - hoursAheadMs }, { hoursAheadMs }),
    { why: 'outsideHours', nextAtMs: at('2026-11-26T08:00') - hoursAheadMs },
    'an instant of his choice is by the clock too',
  );
  t.match(await ask({ kind: 'at', atMs: at('2026-11-25T19:00') - hoursAheadMs }, { contactId: caller, hoursAheadMs }), {
    outcome: 'promised',
    dueAtMs: at('2026-11-25T19:00') - hoursAheadMs,
  });
  await ask(nextOpening, { contactId: caller });
  t.notOk('hoursAheadMs' in (await get(answer.callBackId)), 'asked for again by a call that is none');
});

t.test('when it is due a contact is begun, which claims it until the window ends', async (t) => {
  const { clock, service, seen, get, waiting } = world();
  const { callBackId } = await waiting();
  await service.due(callBackId);
  t.same(seen.begun, [callBackId]);
  const by = contact();
  t.same(await service.claim(callBackId, by), {
    outcome: 'claimed',
    callBack: await get(callBackId),
    untilMs: at('2026-11-24T20:00'),
  });
  t.same(await service.claim(callBackId, contact()), { outcome: 'taken' });
  await service.due(callBackId);
  t.equal(seen.begun.length, 1, 'a claimed one is nobody else’s business');
  t.equal(await service.cancel(callBackId, { reason: 'staff' }, meta), 'cancelled');
  t.same(seen.withdrawn, [by]);
  t.same(await service.claim(callBackId, by), { outcome: 'over' });
  await clock.moveTo(clock.nowMs() + hour);
  await service.due(callBackId);
  t.equal(seen.begun.length, 1);
});

t.test('too early or at a wrong hour it is planned anew', async (t) => {
  const { clock, service, seen, get, waiting } = world();
  const { callBackId } = await waiting(chosen('2026-11-24T12:00'), { number: mobile });
  seen.planned.length = 0;
  await service.due(callBackId);
  t.same(await service.claim(callBackId, contact()), { outcome: 'notNow' });
  t.same(
    seen.planned,
    [1, 2].map(() => ({ callBackId, dueAtMs: at('2026-11-24T12:00') })),
  );
  seen.planned.length = 0;
  await clock.moveTo(at('2026-11-24T14:00')); // everything stood still for two hours
  await service.due(callBackId);
  t.same(seen.begun, []);
  t.same(await service.claim(callBackId, contact()), { outcome: 'notNow' });
  t.same(
    seen.planned,
    [1, 2].map(() => ({ callBackId, dueAtMs: at('2026-11-25T09:00') })),
  );
  t.match(await get(callBackId), { state: 'scheduled', dueAtMs: at('2026-11-25T09:00') });
});

t.test('one that can never be dialled becomes a request', async (t) => {
  const { repository, service, seen, get } = world();
  const draft = {
    contactId: contact(),
    lineId: 'unknown', // the line has been taken out of the configuration
    queueId: 'general',
    topic: 'fees',
    language: 'ru',
    number: landline,
    placeMs: 0,
    wish: soon,
    createdAtMs: 0,
  };
  const answer = await repository.promise(draft, { room: [{ day: '2026-11-24', most: 1, dueAtMs: 0 }], meta });
  if (answer.outcome !== 'promised') return t.fail(answer.outcome);
  const { callBackId } = answer.callBack;
  await service.letGo(callBackId, draft.contactId, meta);
  await service.due(callBackId);
  t.same(seen.begun, [callBackId]);
  t.same(await service.claim(callBackId, contact()), { outcome: 'over' });
  t.match(await get(callBackId), { state: 'cancelled', reason: 'noHourToDial' });
  t.same(
    seen.requests.map((callBack) => callBack.callBackId),
    [callBackId],
  );
});

t.test('the hours are looked at once more before the attempt', async (t) => {
  const { clock, service, get, waiting } = world({ now: '2026-11-24T19:58' });
  const { callBackId } = await waiting();
  const by = contact();
  await service.claim(callBackId, by);
  await clock.moveTo(at('2026-11-24T20:00'));
  t.same(await service.beginAttempt(callBackId, contact()), { outcome: 'notClaimed' });
  t.same(await service.beginAttempt(callBackId, by), { outcome: 'mayNotDial' });
  t.match(await get(callBackId), { state: 'scheduled', dueAtMs: at('2026-11-25T08:00'), attempts: [] });
  t.same(await service.beginAttempt(callBackId, by), { outcome: 'notClaimed' });
});

t.test('an attempt begun before the hour is begun still when it is asked again after it', async (t) => {
  const { clock, service, waiting, dialling } = world({ now: '2026-11-24T19:59' });
  const { callBackId } = await waiting();
  const by = await dialling(callBackId);
  await clock.moveTo(at('2026-11-24T20:01'));
  t.same(await service.beginAttempt(callBackId, by), { outcome: 'begun', attempt: 1 });
});

t.test('given back by the queue it waits a moment', async (t) => {
  const { clock, service, seen, get, waiting } = world();
  const { callBackId } = await waiting();
  const by = contact();
  await service.claim(callBackId, by);
  await service.postpone(callBackId, by);
  t.match(await get(callBackId), { state: 'scheduled', dueAtMs: clock.nowMs() + 30_000 });
  t.same(seen.planned.at(-1), { callBackId, dueAtMs: clock.nowMs() + 30_000 });
});

t.test('after every outcome its delay, within the hours, until the tries are used up', async (t) => {
  const expected: Readonly<Record<Exclude<AttemptOutcome, 'reached'>, number>> = {
    busy: 5 * minute,
    noAnswer: 20 * minute,
    declined: hour,
    unreachable: 20 * minute,
    machine: 30 * minute,
    silence: 20 * minute,
    operatorGone: minute / 2,
    unknown: 10 * minute,
  };
  for (const [outcome, delayMs] of Object.entries(expected) as [keyof typeof expected, number][]) {
    const { clock, service, seen, get, waiting, dialling } = world();
    const { callBackId } = await waiting();
    const by = await dialling(callBackId);
    t.equal(await service.endAttempt(callBackId, by, outcome, meta), 'scheduled', outcome);
    t.equal((await get(callBackId)).dueAtMs - clock.nowMs(), delayMs, outcome);
    t.same(seen.planned.at(-1), { callBackId, dueAtMs: clock.nowMs() + delayMs });
  }
  const settings = callBackSettingsSchema.parse({ mostAttempts: 2 });
  t.same(
    [1, 2, 3].map((made) => retryDelayMs('busy', made, settings)),
    [5 * minute, undefined, undefined],
  );

  const late = world({ now: '2026-11-24T19:50' });
  const { callBackId } = await late.waiting();
  await late.service.endAttempt(callBackId, await late.dialling(callBackId), 'noAnswer', meta);
  t.equal(clockText((await late.get(callBackId)).dueAtMs), '25T08:00:00', 'not after closing');
});

t.test('tries used up: a request, once, and before it is over', async (t) => {
  const { clock, service, seen, get, waiting, dialling } = world({ queue: { mostAttempts: 2 } });
  const { callBackId } = await waiting();
  await service.endAttempt(callBackId, await dialling(callBackId), 'busy', meta);
  await clock.moveTo((await get(callBackId)).dueAtMs);
  const by = await dialling(callBackId);
  t.equal(await service.endAttempt(callBackId, contact(), 'busy', meta), 'notDialling');
  t.same(seen.requests, []);
  t.equal(await service.endAttempt(callBackId, by, 'machine', meta), 'failed');
  t.equal(await service.endAttempt(callBackId, by, 'machine', meta), 'failed', 'again');
  t.match(seen.requests, [{ callBackId, state: 'dialling' }]);
  t.match(await get(callBackId), {
    state: 'failed',
    reason: 'machine',
    attempts: [{ outcome: 'busy' }, { outcome: 'machine' }],
  });
});

t.test('reached, it is done', async (t) => {
  const { service, seen, get, waiting, dialling } = world();
  const { callBackId } = await waiting();
  const by = await dialling(callBackId);
  t.equal(await service.endAttempt(callBackId, by, 'reached', meta), 'done');
  t.equal((await get(callBackId)).state, 'done');
  t.same(seen.requests, []);
});

t.test('calling in takes it back from who was to dial, and not while it is being dialled', async (t) => {
  const { service, seen, get, waiting, dialling } = world();
  const { callBackId } = await waiting();
  const by = contact();
  await service.claim(callBackId, by);
  const caller = contact();
  t.equal(await service.hold(callBackId, caller, meta), 'held');
  t.same(seen.withdrawn, [by]);
  t.equal(await service.hold(callBackId, caller, meta), 'held');
  t.equal(seen.withdrawn.length, 1);
  t.equal(await service.cancel(callBackId, { reason: 'staff' }, meta), 'cancelled');
  t.equal(seen.withdrawn.length, 1, 'the caller himself stays where he is');
  t.equal(await service.hold(callBackId, caller, meta), 'over');
  const other = await waiting();
  await dialling(other.callBackId);
  t.equal(await service.hold(other.callBackId, caller, meta), 'dialling');
  t.equal((await get(other.callBackId)).state, 'dialling');
});

t.test('asked for again, who was to dial is withdrawn too', async (t) => {
  const { service, seen, ask, get, waiting } = world();
  const { callBackId } = await waiting();
  const by = contact();
  await service.claim(callBackId, by);
  t.match(await ask(chosen('2026-11-25T10:00')), { outcome: 'promised', callBackId, merged: true });
  t.same(seen.withdrawn, [by]);
  t.match(await get(callBackId), { state: 'held', promisedDay: '2026-11-25' });
});

t.test('a plan or a withdrawal that fails loses nothing that is committed', async (t) => {
  const { service, seen, get, waiting } = world();
  seen.failing.add('plan').add('withdraw');
  const { callBackId } = await waiting();
  t.equal((await get(callBackId)).state, 'scheduled');
  await service.claim(callBackId, contact());
  t.equal(await service.hold(callBackId, contact(), meta), 'held');
});

t.test('reconciling plans what waits and takes back what dead contacts had', async (t) => {
  const { clock, service, seen, ask, get, waiting, dialling } = world();
  const number = (at: number): string => `+7495123450${at}`;
  const live = new Set<ContactId>();
  const scheduled = await waiting(soon, { number: number(1) });
  const held = await ask(soon, { number: number(2) });
  const claimed = await waiting(soon, { number: number(3) });
  await service.claim(claimed.callBackId, contact());
  const dialled = await waiting(soon, { number: number(4) });
  await dialling(dialled.callBackId);
  const alive = await waiting(soon, { number: number(5) });
  live.add(await dialling(alive.callBackId));
  if (held.outcome !== 'promised') return t.fail(held.why);
  seen.planned.length = 0;
  await clock.moveTo(clock.nowMs() + hour);
  await service.reconcile(async (contactId) => live.has(contactId));
  t.match(await get(held.callBackId), { state: 'scheduled', dueAtMs: clock.nowMs() });
  t.match(await get(claimed.callBackId), { state: 'scheduled', attempts: [] });
  t.match(await get(dialled.callBackId), {
    state: 'scheduled',
    dueAtMs: clock.nowMs() + 10 * minute,
    attempts: [{ outcome: 'unknown' }],
  });
  t.equal((await get(alive.callBackId)).state, 'dialling');
  const planned = new Set(seen.planned.map(({ callBackId }) => callBackId));
  t.same(planned, new Set([scheduled, claimed, dialled].map(({ callBackId }) => callBackId)).add(held.callBackId));
});

t.test('those of the night are spread over the first hour, by place', async (t) => {
  const { clock, service, seen, get, waiting } = world({ now: '2026-11-24T23:00' });
  const made = [];
  for (const [place, number] of [
    [2, 1],
    [0, 2],
    [1, 3],
  ] as const) {
    made.push(await waiting(nextOpening, { number: `+7495123450${number}`, placeMs: place }));
  }
  const atEight = await waiting(chosen('2026-11-25T08:00'), { number: '+74951234509' });
  await clock.moveTo(at('2026-11-25T08:00'));
  seen.planned.length = 0;
  for (const { callBackId } of [...made, atEight]) await service.due(callBackId);
  const [third, first, second] = made.map(({ callBackId }) => callBackId);
  if (first === undefined || second === undefined || third === undefined) return t.fail('three were made');
  t.same(new Set(seen.begun), new Set([first, atEight.callBackId]));
  t.same(await Promise.all([first, second, third].map(async (id) => clockText((await get(id)).dueAtMs))), [
    '25T08:00:00',
    '25T08:20:00',
    '25T08:40:00',
  ]);
  t.same(new Set(seen.planned.map(({ callBackId }) => callBackId)), new Set([second, third]));
  t.same(spreadInstants(0, 0, hour), []);
  t.same(spreadInstants(3, 100, 10), [100, 103, 106]);
});
