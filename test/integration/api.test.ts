import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { openApiText } from '../../src/api/index.ts';
import type { ContactRecord, EventStream } from '../../src/contact/store-ports.ts';
import {
  asId,
  bySystem,
  type ContactId,
  DozvonError,
  type Logger,
  newId,
  type OperatorId,
  type RecordingId,
} from '../../src/foundation/index.ts';
import { startTestApi, tokens } from '../support/api.ts';
import { EventSourceClient } from '../support/event-source.ts';
import { startRedis } from '../support/redis.ts';

type TestApi = Awaited<ReturnType<typeof startTestApi>>;

async function started(t: Test, options: Parameters<typeof startTestApi>[0] = {}): Promise<TestApi> {
  const api = await startTestApi(options);
  t.teardown(() => api.stop());
  return api;
}

/** Fields of answers that these tests look into; which of them there are depends on the route. */
interface AnswerBody {
  readonly items: readonly { readonly contactId: string; readonly ani?: string }[];
  readonly faults: readonly { readonly in: string; readonly path: string }[];
  readonly nextCursor?: string;
  readonly detail?: string;
  readonly requestId?: string;
  readonly parts?: unknown;
  readonly signedIn?: boolean;
  readonly wrapUpUntil?: string;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: AnswerBody;
}

async function ask(
  api: Pick<TestApi, 'url'>,
  path: string,
  options: {
    readonly token?: string;
    readonly method?: string;
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
  } = {},
): Promise<Answer> {
  const token = options.token ?? tokens.first;
  const response = await fetch(api.url + path, {
    method: options.method ?? 'GET',
    headers: {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined
      ? {}
      : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  const json = (isJson ? JSON.parse(text) : {}) as AnswerBody;
  return { status: response.status, headers: response.headers, text, json };
}

function isProblem(t: Test, answer: Answer, status: number, code: string): void {
  t.equal(answer.status, status, `${code}: status`);
  t.match(answer.headers.get('content-type') ?? '', 'application/problem+json');
  t.match(answer.json, { type: `urn:dozvon:problem:${code}`, status, code });
  t.notMatch(answer.text, /node_modules|file:\/\/|\bat \S+ \(/, 'no stack');
}

const now = Date.now();

function record(fields: Partial<ContactRecord> = {}): ContactRecord {
  return {
    contactId: newId<ContactId>('c', now),
    lineId: 'support',
    dnis: '+78005553535',
    ani: '+79031234567',
    trunk: 'carrier',
    sipCallId: 'call@1',
    nodeId: 'n1',
    configVersion: 'v1',
    arrivedAtMs: now,
    legs: [],
    timeline: [{ atMs: now, kind: 'arrived', facts: { line: 'support' } }],
    ...fields,
  };
}

t.test('health is told without a token, each part with its state', async (t) => {
  const parts = { postgres: 'up' as 'up' | 'away' | 'silent' };
  const check = async (): Promise<void> => {
    if (parts.postgres === 'away') throw new DozvonError('DATABASE_UNAVAILABLE', 'away');
    if (parts.postgres === 'silent') await new Promise(() => undefined);
  };
  const api = await started(t, {
    ports: {
      health: [
        { part: 'redis', check: async () => undefined },
        { part: 'postgres', check },
      ],
    },
  });
  t.same((await ask(api, '/api/v1/health/live', { token: '' })).json, { state: 'live' });
  const ready = await ask(api, '/api/v1/health/ready', { token: '' });
  t.equal(ready.status, 200);
  parts.postgres = 'away';
  await new Promise((resolve) => setTimeout(resolve, 1_050)); // an answer is good for a second
  const away = await ask(api, '/api/v1/health/ready', { token: '' });
  t.equal(away.status, 503);
  t.same(away.json, {
    state: 'notReady',
    parts: [
      { part: 'redis', state: 'up' },
      { part: 'postgres', state: 'down', code: 'DATABASE_UNAVAILABLE' },
    ],
  });
});

t.test('a part that says nothing is down within its bound', async (t) => {
  const check = (): Promise<void> => new Promise(() => undefined);
  const api = await started(t, { ports: { health: [{ part: 'asterisk', check }] } });
  t.same((await ask(api, '/api/v1/health/ready')).json.parts, [{ part: 'asterisk', state: 'down', code: 'TIMED_OUT' }]);
});

t.test('without a token, with a wrong one and without the right nothing is told or done', async (t) => {
  const api = await started(t);
  for (const token of ['', 'wrong', `${tokens.first}x`]) {
    const answer = await ask(api, '/api/v1/operators', { token });
    isProblem(t, answer, 401, 'UNAUTHENTICATED');
    t.equal(answer.headers.get('www-authenticate'), 'Bearer');
  }
  const write = await ask(api, '/api/v1/operators/101/sign-in', { method: 'POST', token: tokens.reader });
  isProblem(t, write, 403, 'FORBIDDEN');
  t.equal((await ask(api, '/api/v1/operators/101')).json.signedIn, false);
  t.same(api.entries, []);
});

t.test(
  'an operator is signed in, made ready and not ready, signed out; each with actor and reason in the journal',
  async (t) => {
    const api = await started(t);
    const early = await ask(api, '/api/v1/operators/101/presence', { method: 'PUT', body: { presence: 'ready' } });
    isProblem(t, early, 409, 'OPERATOR_NOT_SIGNED_IN');
    const signedIn = await ask(api, '/api/v1/operators/101/sign-in', { method: 'POST' });
    t.match(signedIn.json, { operatorId: '101', signedIn: true, presence: 'notReady' });
    const ready = await ask(api, '/api/v1/operators/101/presence', { method: 'PUT', body: { presence: 'ready' } });
    t.match(ready.json, { presence: 'ready', readySince: /^\d{4}-/ });
    const lunch = await ask(api, '/api/v1/operators/101/presence', {
      method: 'PUT',
      body: { presence: 'notReady', reason: 'lunch' },
    });
    t.match(lunch.json, { presence: 'notReady', notReadyReason: 'lunch' });
    const out = await ask(api, '/api/v1/operators/101/sign-out', { method: 'POST', body: { reason: 'end of shift' } });
    t.match(out.json, { signedIn: false, presence: 'loggedOff' });
    t.match(
      api.entries.map(({ action, meta, facts }) => [action, meta.actor, meta.reason, facts.operatorId, facts.presence]),
      [
        ['operator.setPresence', { kind: 'token', id: 'first' }, 'apiRequest', '101', 'ready'],
        ['operator.signIn', { kind: 'token', id: 'first' }, 'apiRequest', '101', undefined],
        ['operator.setPresence', { kind: 'token', id: 'first' }, 'apiRequest', '101', 'ready'],
        ['operator.setPresence', { kind: 'token', id: 'first' }, 'lunch', '101', 'notReady'],
        ['operator.signOut', { kind: 'token', id: 'first' }, 'end of shift', '101', undefined],
      ],
    );
    isProblem(t, await ask(api, '/api/v1/operators/999/sign-in', { method: 'POST' }), 404, 'UNKNOWN_OPERATOR');
  },
);

t.test('what cannot be journalled is not done', async (t) => {
  const append = async (): Promise<void> => {
    throw new DozvonError('DATABASE_UNAVAILABLE', 'away');
  };
  const api = await started(t, { ports: { journal: { append } } });
  await api.records.put(record());
  const answer = await ask(api, '/api/v1/operators/101/sign-in', { method: 'POST' });
  isProblem(t, answer, 503, 'DEPENDENCY_UNAVAILABLE');
  t.equal(answer.json.detail, 'DATABASE_UNAVAILABLE');
  t.ok(answer.headers.get('retry-after'));
  t.equal((await api.acd.operators())[0]?.signedIn, false);
  const list = await ask(api, '/api/v1/contacts');
  isProblem(t, list, 503, 'DEPENDENCY_UNAVAILABLE');
  t.notMatch(list.text, '79031234567');
});

t.test('bad input is a problem that lists every fault', async (t) => {
  const api = await started(t);
  const body = await ask(api, '/api/v1/operators/101/presence', {
    method: 'PUT',
    body: { presence: 'asleep', reason: '\u0000', extra: 1 },
  });
  isProblem(t, body, 400, 'INVALID_INPUT');
  t.same(
    body.json.faults.map((fault) => fault.path),
    ['/presence', '/reason', '/'],
  );
  const everywhere = await ask(api, '/api/v1/operators/%21/presence', { method: 'PUT', body: { presence: 'asleep' } });
  t.same(
    everywhere.json.faults.map((fault) => [fault.in, fault.path]),
    [
      ['params', '/operatorId'],
      ['body', '/presence'],
    ],
  );
  const query = await ask(api, '/api/v1/contacts?limit=9999&cursor=%21&nonsense=1&lineId=%00');
  isProblem(t, query, 400, 'INVALID_INPUT');
  t.equal(query.json.faults.length, 4);
  const twice = await ask(api, '/api/v1/contacts?limit=1&limit=2');
  isProblem(t, twice, 400, 'INVALID_INPUT');
  const path = await ask(api, `/api/v1/contacts/${encodeURIComponent("c'; drop table contacts; --")}`);
  isProblem(t, path, 400, 'INVALID_INPUT');
  const slip = await ask(api, '/api/v1/cases/12345678');
  isProblem(t, slip, 400, 'INVALID_INPUT');
  t.same(api.entries, []);
});

t.test('whatever comes in, the answer is a problem', async (t) => {
  const api = await started(t);
  const put = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(api, '/api/v1/operators/101/presence', { method: 'PUT', body, headers });
  isProblem(t, await put('{"presence":'), 400, 'MALFORMED_REQUEST');
  isProblem(t, await put(''), 400, 'MALFORMED_REQUEST');
  isProblem(t, await put('null'), 400, 'INVALID_INPUT');
  isProblem(t, await put('[]'), 400, 'INVALID_INPUT');
  isProblem(t, await put('{"__proto__":{"presence":"ready"}}'), 400, 'MALFORMED_REQUEST');
  isProblem(t, await put('<a/>', { 'content-type': 'text/xml' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  isProblem(t, await put({ presence: 'x'.repeat(70_000) }), 413, 'BODY_TOO_LARGE');
  isProblem(t, await ask(api, '/api/v1/nothing'), 404, 'NOT_FOUND');
  isProblem(t, await ask(api, '/api/v1/operators', { method: 'DELETE' }), 404, 'NOT_FOUND');
  isProblem(t, await ask(api, '/api/v1/%zz'), 400, 'MALFORMED_REQUEST');
  isProblem(t, await ask(api, `/api/v1/operators/${'x'.repeat(200)}`), 414, 'URI_TOO_LONG');
  for (const [raw, status] of [
    ['nonsense\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(raw);
    const answer = await textOf(socket);
    t.match(answer, `HTTP/1.1 ${status}`);
    t.match(answer, 'application/problem+json');
  }
});

t.test('a defect is told without detail and logged', async (t) => {
  const errors: unknown[] = [];
  const logger: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (fields) => void errors.push(fields),
    child: () => logger,
  };
  const lines = (): never => {
    throw new TypeError('secret detail');
  };
  const api = await started(t, { logger, ports: { lines } });
  const answer = await ask(api, '/api/v1/lines');
  isProblem(t, answer, 500, 'INTERNAL');
  t.notMatch(answer.text, 'secret detail');
  t.match(errors, [{ requestId: answer.json.requestId, route: '/api/v1/lines', reason: 'secret detail' }]);
});

t.test('contacts: newest first, page by page; numbers only with the right, and journalled', async (t) => {
  const api = await started(t);
  const ids = [1, 2, 3].map((n) => newId<ContactId>('c', now + n * 1_000));
  for (const contactId of ids) await api.records.put(record({ contactId }));
  const first = await ask(api, '/api/v1/contacts?limit=2');
  t.same(
    first.json.items.map((item) => item.contactId),
    [ids[2], ids[1]],
  );
  t.equal(first.json.items[0]?.ani, '+79031234567');
  t.match(api.entries, [{ action: 'contact.readNumber', facts: { contactIds: [ids[2], ids[1]] } }]);
  const second = await ask(api, `/api/v1/contacts?limit=2&cursor=${first.json.nextCursor}`);
  t.same(
    second.json.items.map((item) => item.contactId),
    [ids[0]],
  );
  t.notOk(second.json.nextCursor);
  const before = api.entries.length;
  const withoutRight = await ask(api, '/api/v1/contacts', { token: tokens.reader });
  t.notMatch(withoutRight.text, '79031234567');
  t.equal(withoutRight.json.items.length, 3);
  t.equal(api.entries.length, before);
});

t.test(
  'a caller is found by a number in any notation, by the right alone; the journal does not hold the number',
  async (t) => {
    const logged: string[] = [];
    const keep = (fields: unknown): void => void logged.push(JSON.stringify(fields));
    const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => logger };
    const api = await started(t, { logger });
    const wanted = record({ ani: '+79997776655' });
    await api.records.put(wanted);
    await api.records.put(record());
    const found = await ask(api, '/api/v1/contacts?ani=79997776655');
    t.same(
      found.json.items.map((item) => item.contactId),
      [wanted.contactId],
    );
    isProblem(t, await ask(api, '/api/v1/contacts?ani=79997776655', { token: tokens.reader }), 403, 'FORBIDDEN');
    isProblem(t, await ask(api, '/api/v1/contacts?ani=nonsense'), 400, 'INVALID_INPUT');
    t.equal((await ask(api, '/api/v1/contacts?sipCallId=call%401')).json.items.length, 2);
    t.notMatch(JSON.stringify(api.entries), '9997776655');
    t.notMatch(logged.join('\n'), '9997776655');
    t.ok(logged.length > 3, 'requests are logged');
  },
);

t.test('a contact is shown with its timeline and recordings, and nothing its schema does not know', async (t) => {
  const api = await started(t);
  const shown = record({ waitMs: 7_345, outcome: 'answeredByOperator', endedAtMs: now + 60_000 });
  const recordingId = newId<RecordingId>('r', now);
  const withMore: ContactRecord & { readonly secretField: string } = { ...shown, secretField: 'not for clients' };
  await api.records.put(withMore);
  await api.recordings.put(
    {
      recordingId,
      contactId: shown.contactId,
      lineId: 'support',
      startedAtMs: now,
      state: 'verified',
      durationMs: 60_000,
    },
    [],
  );
  await api.recordings.putMark({ recordingId, purpose: 'menu', fromMs: 0, toMs: 5_000 });
  const answer = await ask(api, `/api/v1/contacts/${shown.contactId}`);
  t.match(answer.json, {
    contactId: shown.contactId,
    waitMs: 7_345,
    outcome: 'answeredByOperator',
    arrivedAt: new Date(now).toISOString(),
    timeline: [{ at: new Date(now).toISOString(), kind: 'arrived', facts: { line: 'support' } }],
    recordings: [
      { recordingId, state: 'verified', durationMs: 60_000, marks: [{ purpose: 'menu', fromMs: 0, toMs: 5_000 }] },
    ],
  });
  t.notMatch(answer.text, 'not for clients');
  isProblem(t, await ask(api, '/api/v1/contacts/cnobody'), 404, 'UNKNOWN_CONTACT');
});

t.test('queues, who waits in one, and lines', async (t) => {
  const api = await started(t);
  const contactId = newId<ContactId>('c', now);
  await api.acd.enqueue(
    { contactId, queueId: 'documents', lineId: 'support', shard: 's1', enqueuedAtMs: now },
    bySystem('test', 'queued'),
  );
  t.match((await ask(api, '/api/v1/queues')).json.items, [
    {
      queueId: 'documents',
      waiting: 1,
      readyOperators: 0,
      observed: { handlingMs: 180_000, meanPatienceMs: 120_000 },
    },
  ]);
  t.match((await ask(api, '/api/v1/queues/documents/waiting')).json.items, [
    { contactId, position: 1, offered: false, enqueuedAt: new Date(now).toISOString() },
  ]);
  isProblem(t, await ask(api, '/api/v1/queues/other/waiting'), 404, 'UNKNOWN_QUEUE');
  t.match((await ask(api, '/api/v1/lines')).json.items, [
    { lineId: 'support', open: true, closesAt: '2026-11-23T20:00:00.000+03:00' },
  ]);
});

t.test('a waiting contact: seen, why not, moved, given priority, taken out; each journalled', async (t) => {
  const api = await started(t);
  const contactId = newId<ContactId>('c', now);
  const path = `/api/v1/waiting/${contactId}`;
  isProblem(t, await ask(api, path), 404, 'CONTACT_NOT_WAITING');
  const place = { queueId: 'documents', lineId: 'support', shard: 's1', enqueuedAtMs: now };
  await api.acd.enqueue({ contactId, ...place }, bySystem('test', 'queued'));
  t.match((await ask(api, path)).json, {
    contactId,
    position: 1,
    requirement: 'documents >= 1',
    strategy: 'leastSkilled',
    steps: [],
    qualified: { loggedIn: 0, onDuty: 0 },
  });
  t.same((await ask(api, `${path}/why-not/101`)).json, { reasons: ['notSignedIn', 'unreachable'] });
  isProblem(t, await ask(api, `${path}/why-not/999`), 404, 'UNKNOWN_OPERATOR');
  const priority = { method: 'PUT', body: { headStartMs: 60_000, reason: 'ambulance' } } as const;
  t.match((await ask(api, `${path}/head-start`, priority)).json, { headStartMs: 60_000 });
  isProblem(t, await ask(api, `${path}/head-start`, { ...priority, token: tokens.reader }), 403, 'FORBIDDEN');
  const move = (queueId: string) => ({ method: 'POST', body: { queueId, reason: 'wrong queue' } }) as const;
  isProblem(t, await ask(api, `${path}/move`, move('none')), 404, 'UNKNOWN_QUEUE');
  t.match((await ask(api, `${path}/move`, move('documents'))).json, { queueId: 'documents', headStartMs: 60_000 });
  const withdraw = { method: 'POST', body: { reason: 'abuse' } } as const;
  t.equal((await ask(api, `${path}/withdraw`, withdraw)).status, 204);
  isProblem(t, await ask(api, `${path}/withdraw`, withdraw), 404, 'CONTACT_NOT_WAITING');
  t.same(
    api.entries.map((entry) => [entry.action, entry.meta.reason]),
    [
      ['contact.setHeadStart', 'ambulance'],
      ['contact.move', 'wrong queue'],
      ['contact.withdraw', 'abuse'],
    ],
  );
});

t.test('skills, a break after this contact, and wrap-up', async (t) => {
  const api = await started(t);
  const post = (reason: string, more: object = {}) => ({ method: 'POST', body: { reason, ...more } }) as const;
  const path = '/api/v1/operators/101';
  const skills = { method: 'PUT', body: { skills: { documents: 9, payments: 2 } } } as const;
  t.match((await ask(api, `${path}/skills`, skills)).json, { skills: { documents: 9, payments: 2 } });
  const tooHigh = { method: 'PUT', body: { skills: { documents: 11 } } } as const;
  isProblem(t, await ask(api, `${path}/skills`, tooHigh), 400, 'INVALID_INPUT');
  isProblem(t, await ask(api, `${path}/not-ready-next`, post('lunch')), 409, 'OPERATOR_NOT_SIGNED_IN');
  await ask(api, `${path}/sign-in`, { method: 'POST' });
  await ask(api, `${path}/presence`, { method: 'PUT', body: { presence: 'ready' } });
  await api.acd.setReachable(asId<OperatorId>('101'), true, bySystem('test', 'registered'));
  isProblem(t, await ask(api, `${path}/wrap-up`, post('done')), 409, 'OPERATOR_NOT_IN_WRAP_UP');

  const contactId = newId<ContactId>('c', now);
  const place = { queueId: 'documents', lineId: 'support', shard: 's1', enqueuedAtMs: now };
  await api.acd.enqueue({ contactId, ...place }, bySystem('test', 'queued'));
  const [waiting] = await api.acd.waitingContacts();
  await api.acd.offerAnswered(asId(waiting?.offerId ?? ''), bySystem('test', 'answered'));
  const held = { operatorId: asId<OperatorId>('101'), contactId, wrapUp: true, queueId: 'documents' };
  await api.acd.release(held, bySystem('test', 'over'));
  t.match((await ask(api, `${path}/not-ready-next`, post('lunch'))).json, { notReadyNext: 'lunch', presence: 'ready' });
  const before = (await ask(api, path)).json.wrapUpUntil ?? '';
  const extended = (await ask(api, `${path}/wrap-up`, post('letter', { addMs: 60_000 }))).json.wrapUpUntil ?? '';
  t.equal(Date.parse(extended) - Date.parse(before), 60_000);
  t.match((await ask(api, `${path}/wrap-up`, post('done'))).json, {
    work: { voice: 'idle' },
    presence: 'notReady',
    notReadyReason: 'lunch',
  });
});

t.test('a case by its number, its notice in the outbox', async (t) => {
  const api = await started(t);
  const draft = {
    contactId: asId<ContactId>('c1'),
    lineId: 'support',
    topic: 'documents',
    callBackNumber: '+79265550199',
    language: 'ru',
    createdAtMs: now,
  };
  const { caseId, caseNumber } = await api.cases.storeRequest(draft, {
    idempotencyKey: 'c1/request',
    notices: (number) => [
      { channel: 'sms', to: '+79265550199', template: 'requestRegistered', parameters: { caseNumber: number } },
    ],
    meta: bySystem('test', 'requestLeft'),
  });
  t.match((await ask(api, `/api/v1/cases/${caseNumber}`)).json, {
    caseId,
    state: 'registered',
    callBackNumber: '+79265550199',
  });
  t.match(api.entries, [{ action: 'case.readNumber', facts: { caseId } }]);
  t.notMatch((await ask(api, `/api/v1/cases/${caseNumber}`, { token: tokens.reader })).text, '9265550199');
  const outbox = await ask(api, '/api/v1/outbox?state=pending');
  t.match(outbox.json.items, [
    { caseId, template: 'requestRegistered', state: 'pending', dueAt: new Date(now).toISOString() },
  ]);
  t.notMatch(outbox.text, '9265550199');
});

const lease = { shard: 's1', nodeId: 'n1', epoch: 1 };

async function happens(
  t: Test,
  api: { readonly stores: Pick<TestApi['stores'], 'leases' | 'contactStates'> },
  contactId: ContactId,
  ...kinds: string[]
): Promise<void> {
  const held = (await api.stores.leases.acquire('s1', { nodeId: 'n1', nowMs: Date.now(), leaseMs: 60_000 })) ?? lease;
  const timeline = kinds.map((kind, index) => ({ atMs: now + 1_000 + index, kind, facts: { n: index } }));
  t.equal(await api.stores.contactStates.save(held, contactId, { sealedState: 'sealed', timeline }), 'saved');
}

/** Tries until it works: a connection that is being opened again says no for a moment. */
async function until(what: string, work: () => Promise<unknown>): Promise<void> {
  const endsAtMs = Date.now() + 5_000;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (Date.now() > endsAtMs) throw new Error(`${what}: not within 5 s`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const kindsOf = (client: EventSourceClient): readonly (string | undefined)[] =>
  client.events.map((event) => event.data.kind);

t.test('a timeline is told from its beginning and on as it happens, each entry once', async (t) => {
  const api = await started(t);
  const contactId = newId<ContactId>('c', now);
  await api.records.put(record({ contactId }));
  await happens(t, api, contactId, 'answered', 'queued');
  await happens(t, api, newId<ContactId>('c', now), 'somebodyElse');
  const headers = { authorization: `Bearer ${tokens.first}` };
  const url = `${api.url}/api/v1/contacts/${contactId}/timeline`;
  const client = await EventSourceClient.open(url, headers);
  t.match(client.contentType, 'text/event-stream');
  await client.until((events) => events.length === 3);
  await happens(t, api, contactId, 'joined');
  await client.until((events) => events.length === 4);
  t.same(kindsOf(client), ['arrived', 'answered', 'queued', 'joined']);
  t.match(client.events[3], { id: /.+/, type: 'contact', data: { contactId, kind: 'joined', facts: { n: 0 } } });
  const resumed = await EventSourceClient.open(url, { ...headers, 'last-event-id': client.events[1]?.id ?? '' });
  await resumed.until((events) => events.length === 2);
  t.same(kindsOf(resumed), ['queued', 'joined']);
  await Promise.all([client.close(), resumed.close()]);
  const nobody = await ask(api, '/api/v1/contacts/cnobody/timeline');
  isProblem(t, nobody, 404, 'UNKNOWN_CONTACT');
});

t.test('everything that happens is told, and a client that comes back misses nothing', async (t) => {
  const api = await started(t);
  const contactId = newId<ContactId>('c', now);
  const headers = { authorization: `Bearer ${tokens.first}` };
  await happens(t, api, contactId, 'beforeAnybodyLooked');
  const client = await EventSourceClient.open(`${api.url}/api/v1/events`, headers);
  await happens(t, api, contactId, 'answered');
  await ask(api, '/api/v1/operators/101/sign-in', { method: 'POST' });
  await client.until((events) => events.length === 2);
  t.same(
    client.events.map((event) => [event.type, event.data.kind]),
    [
      ['contact', 'answered'],
      ['queue', 'operatorSignedIn'],
    ],
  );
  await client.close();
  await happens(t, api, contactId, 'whileAway');
  const again = await EventSourceClient.open(`${api.url}/api/v1/events?source=contact`, {
    ...headers,
    'last-event-id': client.events[0]?.id ?? '',
  });
  await happens(t, api, contactId, 'afterwards');
  await again.until((events) => events.length === 2);
  t.same(kindsOf(again), ['whileAway', 'afterwards']);
  const lost = await EventSourceClient.open(`${api.url}/api/v1/events`, { ...headers, 'last-event-id': '999999-7' });
  await lost.until((events) => events.length >= 1);
  t.equal(lost.events[0]?.type, 'gap');
  isProblem(t, await ask(api, '/api/v1/events', { headers: { 'last-event-id': 'x; drop' } }), 400, 'INVALID_INPUT');
  isProblem(t, await ask(api, '/api/v1/events', { token: '' }), 401, 'UNAUTHENTICATED');
  await Promise.all([again.close(), lost.close()]);
});

t.test('over Redis: told from the beginning, and on after Redis was lost', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const stores = await redis.stores('api:');
  const api = await started(t, { ports: { events: stores.events } });
  const contactId = newId<ContactId>('c', now);
  await api.records.put(record({ contactId }));
  const over = { url: api.url, stores };
  await happens(t, over, contactId, 'answered');
  const headers = { authorization: `Bearer ${tokens.first}` };
  const client = await EventSourceClient.open(`${api.url}/api/v1/contacts/${contactId}/timeline`, headers);
  await client.until((events) => events.length === 2);
  await redis.kill();
  await redis.restart();
  await until('Redis is back', () => stores.ping());
  await happens(t, over, contactId, 'joined');
  await client.until((events) => events.length === 3);
  t.same(kindsOf(client), ['arrived', 'answered', 'joined']);
  const last = client.events[1]?.id ?? '';
  const resumed = await EventSourceClient.open(`${api.url}/api/v1/events`, { ...headers, 'last-event-id': last });
  await resumed.until((events) => events.length === 2);
  t.equal(resumed.events[0]?.type, 'gap', 'that Redis had nothing of before: it cannot say what is missing');
  t.equal(resumed.events[1]?.data.kind, 'joined');
  await Promise.all([client.close(), resumed.close()]);
});

t.test('over Redis: nothing is read while nobody watches, and nothing missed by who comes back', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const stores = await redis.stores('api:');
  let reading = 0;
  const events: Pick<EventStream, 'beginning' | 'follow' | 'pastOf'> = {
    beginning: (lastSeenId) => stores.events.beginning(lastSeenId),
    pastOf: (contactId, range) => stores.events.pastOf(contactId, range),
    async follow(afterId, deliver, signal) {
      reading += 1;
      await stores.events.follow(afterId, deliver, signal);
      reading -= 1;
    },
  };
  const api = await started(t, { ports: { events } });
  const contactId = newId<ContactId>('c', now);
  const headers = { authorization: `Bearer ${tokens.first}` };
  await happens(t, { stores }, contactId, 'before');
  t.equal(reading, 0);
  const client = await EventSourceClient.open(`${api.url}/api/v1/events`, headers);
  await happens(t, { stores }, contactId, 'seen');
  await client.until((seen) => seen.length === 1);
  t.same([reading, kindsOf(client)], [1, ['seen']]);
  await client.close();
  await until('nothing is read', async () => {
    if (reading > 0) throw new Error(`${reading} views are read for`);
  });
  const kinds = Array.from({ length: 600 }, (_, n) => `away${n}`);
  await happens(t, { stores }, contactId, ...kinds);
  const last = client.events[0]?.id ?? '';
  const resumed = await EventSourceClient.open(`${api.url}/api/v1/events`, { ...headers, 'last-event-id': last });
  await happens(t, { stores }, contactId, 'afterwards');
  await resumed.until((seen) => seen.length === 601);
  t.same(kindsOf(resumed), [...kinds, 'afterwards']);
  await resumed.close();
});

t.test('stopping ends the streams', async (t) => {
  const api = await startTestApi();
  const client = await EventSourceClient.open(`${api.url}/api/v1/events`, { authorization: `Bearer ${tokens.first}` });
  await Promise.all([api.stop(), client.ended()]);
  await t.rejects(fetch(`${api.url}/api/v1/health/live`));
});

t.test('too many requests are refused with a problem, health is not', async (t) => {
  const api = await started(t, { requestsPerMinute: 3 });
  for (let n = 0; n < 3; n += 1) t.equal((await ask(api, '/api/v1/queues')).status, 200);
  const refused = await ask(api, '/api/v1/queues');
  isProblem(t, refused, 429, 'TOO_MANY_REQUESTS');
  t.ok(refused.headers.get('retry-after'));
  t.equal((await ask(api, '/api/v1/health/live')).status, 200);
  t.equal((await ask(api, '/api/v1/queues', { token: tokens.reader })).status, 200, 'another token has its own limit');
});

t.test('an address that is taken is a clear error', async (t) => {
  const api = await started(t);
  await t.rejects(startTestApi({ port: Number(new URL(api.url).port) }), { code: 'API_NOT_LISTENING' });
});

t.test(
  'the page of the API comes from here alone, and the committed OpenAPI document is the current one',
  async (t) => {
    const api = await started(t);
    const page = await ask(api, '/docs/', { token: '' });
    t.equal(page.status, 200);
    t.notMatch(page.text, /(src|href)="https?:/);
    const committed = await readFile(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
    t.equal(committed, await openApiText(), 'npm run openapi writes it anew');
    const { components, paths } = JSON.parse(committed) as { components: { schemas: object }; paths: object };
    t.ok(Object.keys(paths).every((path) => path.startsWith('/api/v1/')));
    for (const [, name = ''] of committed.matchAll(/"#\/components\/schemas\/(\w+)"/g))
      t.ok(name in components.schemas, name);
  },
);

t.test('service levels: by period, the last hour live, and targets beside them', async (t) => {
  const api = await started(t);
  const enqueuedAtMs = Date.now() - 10 * 60_000;
  const wait = (waitMs: number, outcome: ContactRecord['outcome']): ContactRecord =>
    record({
      contactId: newId<ContactId>('c', enqueuedAtMs),
      queueId: 'documents',
      enqueuedAtMs,
      waitMs,
      ...(outcome === undefined ? {} : { outcome }),
    });
  for (let i = 0; i < 9; i += 1) await api.records.put(wait(15_000, 'answeredByOperator'));
  await api.records.put(wait(150_000, 'abandonedInQueue'));
  const figures = {
    entered: 10,
    answered: 9,
    serviceLevels: [
      { withinMs: 20_000, answered: 9, ofEntered: 0.9, ofAnsweredAndAbandoned: 0.9, ofAnswered: 1 },
      { withinMs: 120_000, answered: 9, ofEntered: 0.9 },
    ],
    concludedShare: 0.9,
    averageSpeedOfAnswerMs: 15_000,
    wait: { p90Ms: 15_000, p95Ms: 150_000 },
  };
  const from = encodeURIComponent(new Date(enqueuedAtMs).toISOString());
  const hours = await ask(api, `/api/v1/service-levels?from=${from}&by=lineAndQueue`);
  t.equal(hours.status, 200, hours.text);
  t.match(hours.json.items, [{ lineId: 'support', queueId: 'documents', timeZone: 'Europe/Moscow', figures }]);
  t.match(JSON.stringify(hours.json.items), /"from":"[^"]+:00:00\.000\+03:00"/, 'the hour on the wall of the line');

  const live = await ask(api, '/api/v1/service-levels/now', { token: tokens.reader });
  t.match(live.json, {
    windows: [
      { minutes: 15, items: [{ figures }, { lineId: 'support', figures }, { queueId: 'documents', figures }] },
      { minutes: 30 },
      { minutes: 60 },
    ],
    queues: [{ queueId: 'documents', waiting: 0 }],
    alarms: [],
  });
  const state = { state: 'raised', about: 'documents', sinceMs: 1_800_000_000_000 } as const;
  const event = { kind: 'serviceLevelForecast', facts: { queueId: 'documents' } } as const;
  await api.stores.alarms.change('forecast documents', { from: undefined, to: state }, event);
  const { alarms } = (await ask(api, '/api/v1/service-levels/now')).json as unknown as { readonly alarms: unknown };
  t.same(alarms, [{ alarmId: 'forecast documents', about: 'documents', since: '2027-01-15T08:00:00.000Z' }]);

  const targets = await ask(api, `/api/v1/targets?unit=day&from=${from}&to=${from.replace('Z', '')}1Z`);
  t.equal(targets.status, 400, 'an instant that is none');
  const today = await ask(api, `/api/v1/targets?unit=hour&from=${from}`);
  t.match(JSON.stringify(today.json.items[0]), /"target":"concludedInTime",[^}]*"figure":0\.9,[^}]*"state":"missed"/);
  t.match(JSON.stringify(today.json.items[0]), /"target":"satisfaction"[^}]*"state":"noData"[^}]*"reason":"noSurvey"/);

  isProblem(t, await ask(api, '/api/v1/service-levels?queueId=unknown'), 404, 'UNKNOWN_QUEUE');
  isProblem(t, await ask(api, '/api/v1/service-levels?from=2020-01-01T00:00:00Z'), 400, 'INVALID_INPUT');
  isProblem(t, await ask(api, '/api/v1/service-levels/now', { token: '' }), 401, 'UNAUTHENTICATED');
});

t.test('alarms are live events of the source system', async (t) => {
  const api = await started(t);
  const headers = { authorization: `Bearer ${tokens.first}` };
  const client = await EventSourceClient.open(`${api.url}/api/v1/events?source=system`, headers);
  t.teardown(() => client.close());
  const state = { state: 'raised', about: '2026-11-23T06:00:00.000Z', sinceMs: 1_800_000_000_000 } as const;
  const facts = { target: 'averageSpeedOfAnswer', figure: 31_000 };
  await api.stores.alarms.change('asa', { from: undefined, to: state }, { kind: 'targetMissed', facts });
  const [event] = await client.until((events) => events.length > 0);
  t.match(event, { type: 'system', data: { kind: 'targetMissed', facts } });
});
