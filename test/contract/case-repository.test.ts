import t, { type Test } from 'tap';
import {
  type CaseRepository,
  type Outbox,
  type OutboxNotice,
  parseCaseNumber,
  type RequestDraft,
} from '../../src/cases/index.ts';
import {
  asId,
  bySystem,
  type CaseId,
  type ContactId,
  newId,
  type RecordingId,
  silentLogger,
  withLimit,
} from '../../src/foundation/index.ts';
import { createMemoryCases } from '../../src/store/memory/cases.ts';
import { createPostgresStores } from '../../src/store/postgres/index.ts';
import { startPostgres } from '../support/postgres.ts';
import { temporaryVault } from '../support/sealer.ts';

interface Subject {
  readonly cases: CaseRepository;
  readonly outbox: Outbox;
}

const now = Date.UTC(2026, 10, 21, 20, 30);
const meta = bySystem('test', 'requestLeft');

function draft(fields: Partial<RequestDraft> = {}): RequestDraft {
  return {
    contactId: newId<ContactId>('c', now),
    lineId: 'documents',
    topic: 'passport',
    callBackNumber: '+79031234567',
    language: 'ru',
    message: { recordingId: asId<RecordingId>('r1'), fromMs: 12_000, toMs: 31_500 },
    createdAtMs: now,
    ...fields,
  };
}

const sms = (caseNumber: string): OutboxNotice => ({
  channel: 'sms',
  to: '+79031234567',
  template: 'requestRegistered',
  parameters: { caseNumber },
});

/** What every repository of cases, with its outbox, does. */
async function contract(t: Test, { cases, outbox }: Subject): Promise<void> {
  const store = (request: RequestDraft, key = newId<string>('key-', now)) =>
    cases.storeRequest(request, { idempotencyKey: key, notices: (caseNumber) => [sms(caseNumber)], meta });

  await t.test('a request is stored under a number with a check digit, and found by it', async (t) => {
    const request = draft();
    const stored = await store(request);
    t.equal(parseCaseNumber(stored.caseNumber), stored.caseNumber);
    const expected = { ...request, ...stored, state: 'registered' };
    t.same(await cases.get(stored.caseId), expected);
    t.same(await cases.findByNumber(stored.caseNumber), expected);
  });

  await t.test('a request without a message or a number is stored as well', async (t) => {
    const { message: _none, ...request } = draft({ callBackNumber: '' });
    const stored = await store(request);
    t.same(await cases.get(stored.caseId), { ...request, ...stored, state: 'registered' });
  });

  await t.test('the same request again is the one stored first, with one notice', async (t) => {
    const request = draft();
    const key = newId<string>('key-', now);
    const both = await Promise.all([store(request, key), store(request, key)]);
    const again = await store({ ...request, topic: 'other' }, key);
    t.same(both[1], both[0]);
    t.same(again, both[0]);
    t.equal((await outbox.list({ caseId: again.caseId, limit: 10 })).length, 1);
  });

  await t.test('a notice that cannot be made leaves no request behind', async (t) => {
    const key = newId<string>('key-', now);
    const notices = (): never => {
      throw new Error('no template');
    };
    await t.rejects(cases.storeRequest(draft(), { idempotencyKey: key, notices, meta }));
    const stored = await store(draft(), key);
    t.equal((await outbox.list({ caseId: stored.caseId, limit: 10 })).length, 1);
  });

  await t.test('an unknown number and an unknown id are undefined', async (t) => {
    t.equal(await cases.findByNumber('99'), undefined);
    t.equal(await cases.get(asId<CaseId>('knobody')), undefined);
  });

  await t.test('a request that nobody has taken up is closed, and stays so', async (t) => {
    const stored = await store(draft());
    const closing = { caseId: stored.caseId, atMs: now + 60_000 };
    t.equal(await cases.closeUnworked(closing, bySystem('test', 'answeredLive')), 'closed');
    t.equal(await cases.closeUnworked(closing, bySystem('test', 'answeredLive')), 'closed');
    t.equal((await cases.get(stored.caseId))?.state, 'closed');
    t.equal((await cases.findByNumber(stored.caseNumber))?.state, 'closed');
    t.equal(await cases.closeUnworked({ ...closing, caseId: asId<CaseId>('knobody') }, meta), 'unknownCase');
  });

  await t.test('a notice is claimed once, sent once', async (t) => {
    const { caseId, caseNumber } = await store(draft());
    const [pending] = await outbox.list({ caseId, state: 'pending', limit: 10 });
    t.match(pending, { template: 'requestRegistered', state: 'pending', attempts: 0, dueAtMs: now });
    const noticeId = pending?.noticeId ?? '';
    t.ok((await outbox.unsent(1_000)).some((unsent) => unsent.noticeId === noticeId));
    t.same(await outbox.claim(noticeId, { nowMs: now - 1, claimUntilMs: now + 60_000 }), {
      outcome: 'notDue',
      dueAtMs: now,
    });
    const claims = await Promise.all(
      [1, 2].map(() => outbox.claim(noticeId, { nowMs: now, claimUntilMs: now + 60_000 })),
    );
    t.same(claims.map((claim) => claim.outcome).sort(), ['claimed', 'taken']);
    t.same(
      claims.find((claim) => claim.outcome === 'claimed'),
      { outcome: 'claimed', notice: sms(caseNumber), attempts: 1 },
    );
    await outbox.sent(noticeId, now + 5);
    t.match(await outbox.list({ caseId, limit: 10 }), [{ state: 'sent', sentAtMs: now + 5 }]);
    t.same(await outbox.claim(noticeId, { nowMs: now + 90_000, claimUntilMs: now + 99_000 }), { outcome: 'over' });
  });

  await t.test('a failed attempt is due again later; a claim left behind can be taken', async (t) => {
    const { caseId } = await store(draft());
    const noticeId = (await outbox.list({ caseId, limit: 1 }))[0]?.noticeId ?? '';
    await outbox.claim(noticeId, { nowMs: now, claimUntilMs: now + 1_000 });
    t.equal((await outbox.claim(noticeId, { nowMs: now + 1_000, claimUntilMs: now + 2_000 })).outcome, 'claimed');
    await outbox.attemptFailed(noticeId, { failure: 'unavailable', nowMs: now + 1_500, retryAtMs: now + 9_000 });
    t.match(await outbox.list({ caseId, limit: 1 }), [
      { state: 'pending', attempts: 2, failure: 'unavailable', dueAtMs: now + 9_000 },
    ]);
    await outbox.attemptFailed(noticeId, { failure: 'refused', nowMs: now + 9_000 });
    t.match(await outbox.list({ caseId, limit: 1 }), [{ state: 'failed', failure: 'refused' }]);
    t.same(await outbox.claim('nobody', { nowMs: now, claimUntilMs: now + 1 }), { outcome: 'unknownNotice' });
  });

  await t.test('a watcher hears that it begins, then of every notice that is stored', async (t) => {
    const abort = new AbortController();
    const heard: (string | undefined)[] = [];
    let told = (): void => undefined;
    const watching = outbox.watch((noticeId) => {
      heard.push(noticeId);
      told();
    }, abort.signal);
    const until = (count: number): Promise<void> =>
      withLimit(
        new Promise((resolve) => {
          told = () => {
            if (heard.length >= count) resolve();
          };
          told();
        }),
        5_000,
        `${count} announcements`,
      );
    await until(1);
    const { caseId } = await store(draft());
    await until(2);
    const [notice] = await outbox.list({ caseId, limit: 1 });
    t.same(heard, [undefined, notice?.noticeId]);
    abort.abort();
    await watching;
  });
}

t.test('memory', (t) => contract(t, createMemoryCases()));

t.test('PostgreSQL', async (t) => {
  const [postgres, { vault, remove }] = await Promise.all([startPostgres(), temporaryVault()]);
  const stores = createPostgresStores({ databaseUrl: postgres.databaseUrl, sealer: vault, logger: silentLogger });
  t.teardown(async () => {
    await stores.close();
    await postgres.stop();
    await remove();
  });
  await stores.migrate();
  await contract(t, stores);
});
