import t, { type Test } from 'tap';
import type { CallBackOutlook } from '../../src/acd/index.ts';
import type { CallBackApi } from '../../src/api/index.ts';
import type { AnsweredRequest, CallBack, PromiseAnswer } from '../../src/callbacks/index.ts';
import { asId, type CallBackId, type ContactId } from '../../src/foundation/index.ts';
import { startTestApi, tokens } from '../support/api.ts';

type TestApi = Awaited<ReturnType<typeof startTestApi>>;

const number = '+79035550173';
const atMs = Date.UTC(2026, 10, 23, 9);
const key = { 'idempotency-key': 'first-request' };

const callBack = (id: string, more: Partial<CallBack> = {}): CallBack => ({
  callBackId: asId<CallBackId>(id),
  state: 'scheduled',
  promisedBy: asId<ContactId>(`c-${id}`),
  ...{ lineId: 'support', queueId: 'documents', topic: 'documents', language: 'ru', number },
  placeMs: atMs,
  wish: { kind: 'at', atMs: atMs + 60_000 },
  createdAtMs: atMs,
  dueAtMs: atMs + 60_000,
  promisedDay: '2026-11-23',
  attempts: [],
  ...more,
});

/** Call-backs as far as the API sees them; `answer` is what the next promise gets. */
function house(kept: CallBack[]) {
  const asked: string[] = [];
  const state: { answer: PromiseAnswer | undefined; outlooks: ReadonlyMap<string, CallBackOutlook> } = {
    answer: undefined,
    outlooks: new Map(),
  };
  const answered = new Map<string, AnsweredRequest>();
  const find = (id: CallBackId): CallBack | undefined => kept.find(({ callBackId }) => callBackId === id);
  const change = (found: CallBack, more: Partial<CallBack>): void => {
    kept.splice(kept.indexOf(found), 1, { ...found, ...more });
  };
  const api: CallBackApi = {
    promise: async (draft, _meta, requestKey = '') => {
      asked.push('promise');
      if (state.answer?.outcome === 'promised') answered.set(requestKey, state.answer);
      if (state.answer !== undefined) return state.answer;
      const { contactId, ...rest } = draft;
      const made = callBack(`b${kept.length + 1}`, { ...rest, promisedBy: contactId, contactId, state: 'held' });
      kept.unshift(made);
      const answer = { callBackId: made.callBackId, dueAtMs: made.dueAtMs, merged: false };
      answered.set(requestKey, answer);
      return { outcome: 'promised', ...answer };
    },
    letGo: async (callBackId, contactId) => {
      asked.push('letGo');
      const found = find(callBackId);
      if (found?.contactId !== contactId) return;
      const { contactId: _gone, ...rest } = found;
      kept.splice(kept.indexOf(found), 1, { ...rest, state: 'scheduled' });
    },
    answered: async (requestKey) => answered.get(requestKey),
    cancel: async (callBackId, by) => {
      const found = find(callBackId);
      if (found === undefined || found.state === 'cancelled') return 'over';
      if (found.state === 'dialling') return 'dialling';
      change(found, { state: 'cancelled', reason: by.reason });
      return 'cancelled';
    },
    get: async (callBackId) => find(callBackId),
    list: async (filter) =>
      kept
        .filter((each) => filter.state === undefined || each.state === filter.state)
        .filter((each) => filter.queueId === undefined || each.queueId === filter.queueId)
        .filter((each) => filter.before === undefined || each.callBackId < filter.before)
        .slice(0, filter.limit),
    line: (lineId) => (lineId === 'support' ? { queueId: 'documents', topic: 'operator', language: 'ru' } : undefined),
    outlooks: () => state.outlooks,
  };
  return { api, asked, state };
}

async function started(t: Test, callBacks?: CallBackApi): Promise<TestApi> {
  const api = await startTestApi(callBacks === undefined ? {} : { ports: { callBacks } });
  t.teardown(() => api.stop());
  return api;
}

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>> & { readonly items?: readonly Readonly<Record<string, unknown>>[] };
}

async function ask(
  api: TestApi,
  path: string,
  options: { readonly token?: string; readonly body?: object; readonly headers?: Record<string, string> } = {},
): Promise<Answered> {
  const { body, headers = {}, token = tokens.first } = options;
  const response = await fetch(`${api.url}/api/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, json: (text === '' ? {} : JSON.parse(text)) as Answered['json'] };
}

t.test('call-backs are listed newest first, page by page; numbers with the right only, and journalled', async (t) => {
  const attempt = {
    number: 1,
    contactId: asId<ContactId>('c9'),
    startedAtMs: atMs,
    endedAtMs: atMs + 1,
    outcome: 'busy' as const,
  };
  const { api: callBacks } = house([
    callBack('b3'),
    callBack('b2', { state: 'done', wish: { kind: 'soon' }, attempts: [attempt] }),
    callBack('b1', { queueId: 'general' }),
  ]);
  const api = await started(t, callBacks);
  const first = await ask(api, '/call-backs?limit=2');
  t.same(
    first.json.items?.map((item) => [item.callBackId, item.number, item.state]),
    [
      ['b3', number, 'scheduled'],
      ['b2', number, 'done'],
    ],
  );
  t.match(api.entries.at(-1), { action: 'callBack.readNumber', facts: { callBackIds: ['b3', 'b2'] } });
  const second = await ask(api, `/call-backs?limit=2&cursor=${String(first.json.nextCursor)}`);
  t.same(
    second.json.items?.map((item) => item.callBackId),
    ['b1'],
  );
  t.equal(second.json.nextCursor, undefined);
  t.same((await ask(api, '/call-backs?state=done')).json.items?.length, 1);
  t.same((await ask(api, '/call-backs?queueId=general')).json.items?.length, 1);

  const entries = api.entries.length;
  const reader = await ask(api, '/call-backs/b2', { token: tokens.reader });
  t.notOk(reader.text.includes(number.slice(2)));
  t.match(reader.json, {
    wish: { kind: 'soon' },
    placeAt: '2026-11-23T09:00:00.000Z',
    attempts: [{ number: 1, outcome: 'busy', startedAt: '2026-11-23T09:00:00.000Z' }],
  });
  t.equal(api.entries.length, entries, 'nothing personal was shown');
  t.match((await ask(api, '/call-backs/nowhere')).json, { code: 'UNKNOWN_CALL_BACK', status: 404 });
});

t.test('a call-back is promised, let go, and promised once to the same request', async (t) => {
  const { api: callBacks, asked } = house([]);
  const api = await started(t, callBacks);
  const body = { lineId: 'support', number: '79035550173', wish: { kind: 'soon' }, reason: 'mobile application' };
  const made = await ask(api, '/call-backs', { body, headers: key });
  t.equal(made.status, 201);
  t.match(made.json, { callBackId: 'b1', merged: false, dueAt: '2026-11-23T09:01:00.000Z' });
  t.same(asked.splice(0), ['promise', 'letGo']);
  t.match(api.entries.at(-1), { action: 'callBack.promise', meta: { reason: 'mobile application' } });
  t.notOk(JSON.stringify(api.entries).includes(number.slice(2)), 'no number in the journal');
  t.match((await ask(api, '/call-backs/b1')).json, {
    ...{ state: 'scheduled', topic: 'operator', language: 'ru', queueId: 'documents', number },
  });

  const again = await ask(api, '/call-backs', { body, headers: key });
  t.equal(again.status, 200);
  t.match(again.json, { callBackId: 'b1', merged: false });
  t.same(asked.splice(0), ['letGo'], 'nothing is promised a second time');
  const other = await ask(api, '/call-backs', { body, headers: { 'idempotency-key': 'another-request' } });
  t.equal(other.status, 201);
});

t.test('what was promised and not let go before the process died is let go by the repeated request', async (t) => {
  const kept: CallBack[] = [];
  const { api: callBacks, asked } = house(kept);
  const api = await started(t, callBacks);
  const body = { lineId: 'support', number, wish: { kind: 'soon' }, reason: 'application' };
  await ask(api, '/call-backs', { body, headers: key });
  const [made] = kept;
  if (made === undefined) throw new Error('expected a call-back');
  kept.splice(0, 1, { ...made, state: 'held', contactId: made.promisedBy });
  asked.splice(0);
  t.match((await ask(api, '/call-backs', { body, headers: key })).json, { callBackId: 'b1', merged: false });
  t.same(asked, ['letGo']);
  t.equal(kept[0]?.state, 'scheduled');
});

t.test('what was merged into an open one is answered so again, also when that is over', async (t) => {
  const kept = [callBack('b7')];
  const { api: callBacks, asked, state } = house(kept);
  const api = await started(t, callBacks);
  const body = { lineId: 'support', number, wish: { kind: 'nextOpening' }, reason: 'application' };
  state.answer = { outcome: 'promised', callBackId: asId<CallBackId>('b7'), dueAtMs: atMs, merged: true };
  const first = await ask(api, '/call-backs', { body, headers: key });
  kept.splice(0, 1, callBack('b7', { state: 'done' }));
  state.answer = undefined;
  asked.splice(0);
  const again = await ask(api, '/call-backs', { body, headers: key });
  t.same([first.status, again.status], [200, 200]);
  t.same(again.json, first.json);
  t.same(asked, ['letGo']);
});

t.test('refusals are told by name, with the instant from which it is possible', async (t) => {
  const { api: callBacks, state } = house([]);
  const api = await started(t, callBacks);
  const body = { lineId: 'support', number, wish: { kind: 'soon' }, reason: 'application' };
  const cases = [
    ['noRoom', 'NO_ROOM_FOR_CALL_BACK'],
    ['outsideHours', 'OUTSIDE_CALLING_HOURS'],
    ['zoneUnknown', 'CALLERS_ZONE_UNKNOWN'],
    ['tooFar', 'CALL_BACK_TOO_FAR'],
    ['noNumber', 'NUMBER_NOT_CALLABLE'],
  ] as const;
  for (const [why, code] of cases) {
    state.answer = { outcome: 'refused', why, nextAtMs: atMs };
    const answer = await ask(api, '/call-backs', { body, headers: key });
    t.match(answer.json, { code, status: 409, detail: 'possible from 2026-11-23T09:00:00.000Z' });
  }
  t.match((await ask(api, '/call-backs', { body: { ...body, lineId: 'nowhere' }, headers: key })).json, {
    code: 'UNKNOWN_LINE',
  });
  t.match((await ask(api, '/call-backs', { body: { ...body, queueId: 'nowhere' }, headers: key })).json, {
    code: 'UNKNOWN_QUEUE',
  });
  t.match((await ask(api, '/call-backs', { body: { ...body, number: 'x' }, headers: key })).json, {
    code: 'INVALID_INPUT',
    faults: [{ in: 'body', path: '/number' }],
  });
  t.match((await ask(api, '/call-backs', { body })).json, { code: 'INVALID_INPUT', faults: [{ in: 'headers' }] });
  const { status } = await ask(api, '/call-backs', { body, headers: key, token: tokens.reader });
  t.equal(status, 403);
});

t.test('a call-back is cancelled, but not while the phone rings; journalled', async (t) => {
  const { api: callBacks } = house([callBack('b2', { state: 'dialling', contactId: asId('c1') }), callBack('b1')]);
  const api = await started(t, callBacks);
  const body = { reason: 'solved by letter' };
  t.equal((await ask(api, '/call-backs/b1/cancel', { body })).status, 204);
  t.match(api.entries.at(-1), { action: 'callBack.cancel', facts: { callBackId: 'b1' }, meta: body });
  t.match((await ask(api, '/call-backs/b1')).json, { state: 'cancelled', reason: 'solved by letter' });
  t.match((await ask(api, '/call-backs/b1/cancel', { body })).json, { code: 'CALL_BACK_OVER' });
  t.match((await ask(api, '/call-backs/b2/cancel', { body })).json, { code: 'CALL_BACK_BEING_DIALLED' });
  t.match((await ask(api, '/call-backs/b9/cancel', { body })).json, { code: 'UNKNOWN_CALL_BACK' });
});

t.test('a hotline that calls nobody back says so', async (t) => {
  const api = await started(t);
  t.match((await ask(api, '/call-backs')).json, { code: 'NO_CALL_BACKS', status: 404 });
});

t.test('queues are shown with what their days can take', async (t) => {
  const { api: callBacks, state } = house([]);
  const api = await started(t, callBacks);
  const day = { day: '2026-11-23', spareMs: 3_600_000, reservedMs: 60_000, most: 9, promised: 2, dueAtMs: atMs };
  state.outlooks = new Map([['documents', { asOfMs: atMs, open: 2, pressure: 0.25, daysSeen: 4, days: [day] }]]);
  await api.acd.setSharing('documents', { keepIdle: 2, presses: true, share: 0.015, costMs: 180_000 });
  t.match((await ask(api, '/queues')).json.items?.[0], {
    waiting: 0,
    sharing: { keepIdle: 2, presses: true, callBacks: 0 },
    callBacks: {
      ...{ waiting: 0, open: 2, pressure: 0.25, daysSeen: 4, asOf: '2026-11-23T09:00:00.000Z' },
      days: [{ day: '2026-11-23', most: 9, promised: 2, left: 7, dueAt: '2026-11-23T09:00:00.000Z' }],
    },
  });
});
