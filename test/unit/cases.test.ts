import fc from 'fast-check';
import t from 'tap';
import {
  createCaseService,
  drawCaseNumber,
  mayFollow,
  parseCaseNumber,
  type RequestDraft,
} from '../../src/cases/index.ts';
import { asId, bySystem, type ContactId } from '../../src/foundation/index.ts';
import { createMemoryCases } from '../../src/store/memory/cases.ts';

const numbers = fc.integer({ min: 1_000_000, max: 9_999_999 }).map((body) => drawCaseNumber(() => body));

t.test('a drawn number is a case number, with or without spaces and dashes', async (t) => {
  fc.assert(
    fc.property(numbers, (number) => {
      t.equal(parseCaseNumber(number), number);
      t.equal(parseCaseNumber(` ${number.slice(0, 4)} - ${number.slice(4)}`), number);
    }),
    { numRuns: 50 },
  );
});

t.test('every single wrong digit and every swap of neighbours is found', async (t) => {
  let missed = 0;
  fc.assert(
    fc.property(numbers, (number) => {
      for (let at = 0; at < number.length; at += 1) {
        const before = number.slice(0, at);
        for (const digit of '0123456789') {
          const wrong = before + digit + number.slice(at + 1);
          if (wrong !== number && parseCaseNumber(wrong) !== undefined) missed += 1;
        }
        const swapped = before + number.slice(at + 1, at + 2) + number.charAt(at) + number.slice(at + 2);
        if (swapped !== number && parseCaseNumber(swapped) !== undefined) missed += 1;
      }
    }),
    { numRuns: 200 },
  );
  t.equal(missed, 0);
});

t.test('what is no case number is told at once', async (t) => {
  for (const text of ['', '0', '12', 'abc', '01234567', '1'.repeat(13), '１２３４５６７８'])
    t.equal(parseCaseNumber(text), undefined, text);
});

t.test('a number grows by digits when asked, up to a bound', async (t) => {
  t.equal(drawCaseNumber((from) => from, 1).length, 9);
  t.equal(drawCaseNumber((from) => from, 99).length, 12);
});

t.test('a closed case can be opened again; nothing returns to registered', async (t) => {
  t.ok(mayFollow('registered', 'inProgress'));
  t.ok(mayFollow('closed', 'inProgress'));
  t.notOk(mayFollow('inProgress', 'registered'));
  t.notOk(mayFollow('closed', 'escalated'));
});

const draft: RequestDraft & { readonly idempotencyKey: string } = {
  idempotencyKey: 'c1/request',
  contactId: asId<ContactId>('c1'),
  lineId: 'support',
  topic: 'documents',
  callBackNumber: '+79031234567',
  language: 'ru',
  createdAtMs: 1_000,
};
const meta = bySystem('test', 'requestLeft');

t.test('a stored request has its confirmation in the outbox; the same place again changes nothing', async (t) => {
  const { cases, outbox } = createMemoryCases();
  const service = createCaseService({ repository: cases });
  const stored = await service.storeRequest(draft, meta);
  t.same(await service.storeRequest({ ...draft, topic: 'other' }, meta), stored);
  const [notice, ...more] = await outbox.list({ limit: 10 });
  t.same(more, []);
  t.match(notice, { template: 'requestRegistered', state: 'pending', caseId: stored.caseId });
  t.match(await outbox.claim(notice?.noticeId ?? '', { nowMs: 1_000, claimUntilMs: 2_000 }), {
    outcome: 'claimed',
    notice: { to: '+79031234567', parameters: { caseNumber: stored.caseNumber, topic: 'documents', language: 'ru' } },
  });
});

t.test('a request without a number to reach is stored and tells nobody', async (t) => {
  const { cases, outbox } = createMemoryCases();
  const stored = await createCaseService({ repository: cases }).storeRequest({ ...draft, callBackNumber: '' }, meta);
  t.ok(await cases.findByNumber(stored.caseNumber));
  t.same(await outbox.list({ limit: 10 }), []);
});
