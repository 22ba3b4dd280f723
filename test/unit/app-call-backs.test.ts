import t, { type Test } from 'tap';
import { type AcdService, createAcdService } from '../../src/acd/index.ts';
import { type CallBackHands, callBackOffers, composeCallBacks } from '../../src/app-call-backs.ts';
import { lineHours, queueHours } from '../../src/app-hours.ts';
import {
  type CallBack,
  type CallBackRepository,
  type CallBackService,
  type CallBackSurroundings,
  callBackSettingsSchema,
} from '../../src/callbacks/index.ts';
import { createCaseService } from '../../src/cases/index.ts';
import { loadHotlineConfig } from '../../src/config/index.ts';
import {
  asId,
  bySystem,
  type CallBackId,
  type CaseId,
  type ContactId,
  hourMs,
  madeAtMs,
  minuteMs,
  newId,
  secondMs,
  silentLogger,
} from '../../src/foundation/index.ts';
import { createMemoryCallBackRepository } from '../../src/store/memory/call-back-repository.ts';
import { createMemoryCases } from '../../src/store/memory/cases.ts';
import { createMemoryStores } from '../../src/store/memory/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

const meta = bySystem('test', 'callBacks');
const loaded = await loadHotlineConfig(new URL('../../config', import.meta.url).pathname, { settings: {} });
if (!loaded.ok) throw new Error('expected the reference configuration');
const { config } = loaded;
/** A Monday, 12:00 in Moscow. */
const noonMs = Date.parse('2026-11-23T12:00:00+03:00');
const iso = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());

t.test('the hours of a line, until when and from when on', async (t) => {
  const at = (lineId: string, text: string) => {
    const hours = lineHours(config, lineId, Date.parse(text));
    return hours && [hours.open, hours.day, iso(hours.untilMs), iso(hours.nextMs)];
  };
  t.same(at('support', '2026-11-23T12:00:00+03:00'), [true, '2026-11-23', '2026-11-23T17:00:00.000Z', undefined]);
  t.same(at('support', '2026-11-23T22:30:00+03:00'), [false, '2026-11-23', undefined, '2026-11-24T05:00:00.000Z']);
  t.equal(at('emergency', '2026-11-23T03:00:00+03:00')?.[0], true);
  t.equal(at('nowhere', '2026-11-23T03:00:00+03:00'), undefined);
});

t.test('the hours of a queue are those of the lines whose callers come to it', async (t) => {
  const hours = queueHours(config);
  t.equal(hours.timeZone('documents'), 'Europe/Moscow');
  const [today, tomorrow] = hours.days('documents', noonMs, { firstAhead: 0, count: 2 });
  t.match(today, { day: '2026-11-23', kind: 'workingDay' });
  t.equal(today?.open.length, 12);
  t.match(today?.open[0], { hour: 8, fromMs: noonMs - 4 * hourMs, untilMs: noonMs - 3 * hourMs });
  t.equal(tomorrow?.day, '2026-11-24');

  const [saturday, sunday] = hours.days('general', noonMs, { firstAhead: 5, count: 2 });
  t.same([saturday?.kind, sunday?.kind], ['weekend6', 'weekend7']);
  const first = saturday?.open[0]?.hour;
  const last = saturday?.open.at(-1)?.hour;
  t.same([first, last], [9, 17], 'from 9 to 17 by one line, to 18 by another');
  t.same(hours.days('general', noonMs, { firstAhead: -1, count: 1 })[0]?.kind, 'weekend7');
  t.equal(hours.days('emergency', noonMs, { firstAhead: 0, count: 1 })[0]?.open.length, 24);
  t.same(hours.days('nobodys', noonMs, { firstAhead: 0, count: 9 }), []);
  const pieces = hours.days('general', noonMs, { firstAhead: 0, count: 1 })[0]?.open ?? [];
  t.ok(
    pieces.every(({ fromMs }, i) => i === 0 || fromMs === pieces[i - 1]?.untilMs),
    'each hour once',
  );
});

t.test('offers last longer where the caller is rung first', async (t) => {
  const settings = (mode: string) => callBackSettingsSchema.parse({ mode, ringTimeoutMs: 25_000 });
  t.same(callBackOffers({ general: settings('operatorFirst'), technical: settings('callerFirst') }), {
    general: {},
    technical: { callerRingMs: 25_000 },
  });
});

t.test('when an id was made is told by it', async (t) => {
  t.equal(madeAtMs(newId<ContactId>('c', noonMs)), noonMs);
  t.equal(madeAtMs('c1'), undefined);
  t.equal(madeAtMs('cuuuuuuuuuuuuuuuuuuuu'), undefined);
});

const callBack: CallBack = {
  callBackId: asId<CallBackId>('b1'),
  state: 'dialling',
  promisedBy: asId<ContactId>('c1'),
  ...{ lineId: 'documents', queueId: 'documents', topic: 'documents', language: 'ru', number: '+79035550173' },
  placeMs: noonMs,
  wish: { kind: 'soon' },
  createdAtMs: noonMs,
  dueAtMs: noonMs,
  promisedDay: '2026-11-23',
  attempts: [],
};

/** The composition with a room that does nothing, and all that it was given. */
function composed(t: Test, live: readonly ContactId[]) {
  const clock = new FakeClock(noonMs);
  const stores = createMemoryStores();
  const { cases } = createMemoryCases();
  const acd: AcdService = createAcdService({
    store: stores.queue,
    clock,
    logger: silentLogger,
    queues: config.queues,
    operators: config.operators,
  });
  let surroundings: CallBackSurroundings | undefined;
  const asked: (readonly [ContactId, boolean])[] = [];
  const owned: ContactId[] = [];
  const callBacks = composeCallBacks({
    config,
    repository: { promised: async () => [] } as unknown as CallBackRepository,
    createService: (parts) => {
      surroundings = parts.surroundings;
      const reconcile: CallBackService['reconcile'] = async (isLive) => {
        for (const contactId of owned) asked.push([contactId, await isLive(contactId)]);
      };
      return { reconcile } as CallBackService;
    },
    acd,
    requests: createCaseService({ repository: cases }),
    history: { read: async () => [] },
    liveContacts: async () => new Set<string>(live),
    clock,
    logger: silentLogger,
  });
  t.teardown(async () => {
    await callBacks.plan.stop();
    await acd.stop();
    await stores.close();
  });
  if (surroundings === undefined) throw new Error('expected the room to be made');
  return { ...callBacks, surroundings, cases, clock, owned, asked };
}

t.test('who is asked whether a contact lives: the stored states, and its age', async (t) => {
  const old = noonMs - minuteMs;
  const [living, dead, young] = [
    newId<ContactId>('c', old),
    newId<ContactId>('c', old),
    newId<ContactId>('c', noonMs - 29 * secondMs),
  ];
  const { times, owned, asked } = composed(t, [living]);
  owned.push(living, dead, young, asId<ContactId>('of-another-make'));
  await times.reconcile('all');
  t.same(
    asked.splice(0).map(([, isLive]) => isLive),
    [true, false, true, false],
  );
  await times.reconcile('planOnly');
  t.ok(asked.every(([, isLive]) => isLive));
  t.equal(asked.length, 4);
});

t.test('a call-back given up becomes one request, however often it is said', async (t) => {
  const { surroundings, cases } = composed(t, []);
  const stored: string[] = [];
  const storeRequest = cases.storeRequest.bind(cases);
  cases.storeRequest = async (draft, options) => {
    const request = await storeRequest(draft, options);
    stored.push(request.caseNumber);
    return request;
  };
  await surroundings.registerRequest(callBack, meta);
  await surroundings.registerRequest(callBack, meta);
  t.equal(stored.length, 2);
  t.equal(new Set(stored).size, 1);
  t.match(await cases.findByNumber(stored[0] ?? ''), { callBackNumber: '+79035550173', contactId: 'c1' });
  await surroundings.registerRequest({ ...callBack, caseId: asId<CaseId>('case1') }, meta);
  t.equal(stored.length, 2, 'one that was made of a request leaves that to people');
});

t.test('the room is handed contacts and jobs when there are any', async (t) => {
  const callBacks = composed(t, []);
  const { surroundings, plan } = callBacks;
  await surroundings.plan(callBack.callBackId, noonMs);
  await t.rejects(surroundings.begin(callBack.callBackId), { code: 'NO_SHARD' });
  const done: string[] = [];
  const hands: CallBackHands = {
    contacts: { beginCallBack: async (callBackId) => void done.push(`begin ${callBackId}`) },
    jobs: { planCallBack: async (callBackId, dueAtMs) => void done.push(`plan ${callBackId} ${dueAtMs - noonMs}`) },
  };
  callBacks.hand(hands);
  await surroundings.plan(callBack.callBackId, noonMs + 5);
  await surroundings.begin(callBack.callBackId);
  t.same(done, ['plan b1 5', 'begin b1']);

  await plan.start();
  const room = await surroundings.room('documents', noonMs);
  t.same(
    room.map(({ day }) => day),
    ['2026-11-23', '2026-11-24', '2026-11-25'],
  );
  t.ok(room.every(({ most }) => most > 0));
});

t.test('a chosen time that is past presses on the operators', async (t) => {
  const clock = new FakeClock(noonMs);
  const stores = createMemoryStores();
  const { cases } = createMemoryCases();
  const { queues, operators } = config;
  const queueId = 'documents';
  const shared = { clock, logger: silentLogger };
  const acd = createAcdService({ store: stores.queue, ...shared, queues, operators });
  const { service, plan } = composeCallBacks({
    ...{ acd, ...shared },
    config: { ...config, callBacks: { [queueId]: callBackSettingsSchema.parse({}) } },
    repository: createMemoryCallBackRepository(),
    requests: createCaseService({ repository: cases }),
    history: { read: async () => [] },
    liveContacts: async () => new Set(),
  });
  t.teardown(async () => {
    await plan.stop();
    await acd.stop();
    await stores.close();
  });
  await plan.start();
  const atMs = noonMs + 5 * minuteMs;
  const contactId = newId<ContactId>('c', noonMs);
  const answer = await service.promise(
    {
      ...{ contactId, lineId: queueId, queueId, topic: 'passport', language: 'ru', placeMs: noonMs },
      ...{ number: '+74955550173', wish: { kind: 'at', atMs } },
    },
    meta,
  );
  if (answer.outcome !== 'promised') return t.fail(answer.why);
  await service.letGo(answer.callBackId, contactId, meta);
  const presses = async () => (await acd.queuesNow()).find((queue) => queue.queueId === queueId)?.sharing?.presses;
  await clock.moveTo(atMs + 10 * minuteMs);
  t.equal(await presses(), false, 'for a while it may be late');
  await clock.moveTo(atMs + 16 * minuteMs);
  t.equal(await presses(), true);
});
