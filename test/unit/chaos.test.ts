import t from 'tap';
import { type FaultKind, faultsOf, type Kept, type ShownAttempt, type ShownCallBack } from '../../bench/chaos/judge.ts';

const startMs = Date.parse('2026-11-18T12:00:00.000Z');
const rule = { retryMs: 10_000, heardForMs: 600, nowMs: startMs + 600_000 };

/** Begun and ended so many milliseconds after the start. */
function attempt(number: number, [beganMs, endedMs]: readonly [number, number], outcome: string): ShownAttempt {
  const at = (ms: number): string => new Date(startMs + ms).toISOString();
  return { number, contactId: `c${number}`, startedAt: at(beganMs), endedAt: at(endedMs), outcome };
}

function callBack(attempts: readonly ShownAttempt[], state = 'done'): ShownCallBack {
  const at = new Date(startMs).toISOString();
  return { callBackId: 'b1', state, queueId: 'general', dueAt: at, createdAt: at, attempts };
}

const reachedAtOnce: Kept = {
  number: '+79261000000',
  promised: true,
  callBacks: [callBack([attempt(1, [1_000, 4_000], 'reached')])],
  invitesMs: [startMs + 1_200],
  heardMs: 900,
  outcomes: ['answeredByOperator'],
};

const retried: Kept = {
  ...reachedAtOnce,
  callBacks: [
    callBack([
      attempt(1, [1_000, 3_000], 'busy'),
      attempt(2, [13_000, 14_000], 'unknown'),
      attempt(3, [24_100, 26_000], 'reached'),
    ]),
  ],
  invitesMs: [startMs + 1_100, startMs + 24_300],
};

function kinds(kept: Kept): readonly FaultKind[] {
  return faultsOf(kept, rule).map(({ kind }) => kind);
}

void t.test('what was kept as it was promised has no fault', async (t) => {
  t.same(kinds(reachedAtOnce), []);
  t.same(kinds(retried), [], 'an attempt of unknown outcome without a call');
  t.same(kinds({ ...retried, invitesMs: [1_100, 13_400, 24_300].map((ms) => startMs + ms) }), [], 'and with one');
  const later = { ...callBack([attempt(1, [1_000, 3_000], 'busy')], 'scheduled'), dueAt: '2026-11-18T13:00:00.000Z' };
  t.same(kinds({ ...reachedAtOnce, callBacks: [later], heardMs: 0, outcomes: ['callBackNotReached'] }), []);
  t.same(kinds({ ...reachedAtOnce, promised: false, callBacks: [], invitesMs: [] }), [], 'never promised');
});

void t.test('a promise that was lost is found', async (t) => {
  t.same(kinds({ ...reachedAtOnce, callBacks: [], invitesMs: [] }), ['lost']);
  for (const state of ['held', 'scheduled', 'claimed', 'dialling', 'failed', 'cancelled']) {
    const left = [callBack([attempt(1, [1_000, 4_000], 'busy')], state)];
    t.same(kinds({ ...reachedAtOnce, callBacks: left }), ['lost'], state);
  }
  t.same(kinds({ ...reachedAtOnce, heardMs: 0 }), ['notReached'], 'no operator came');
  t.same(kinds({ ...reachedAtOnce, outcomes: ['none'] }), ['recordMissing']);
});

void t.test('a call too many, too early or too few is found', async (t) => {
  const twice = { ...reachedAtOnce, invitesMs: [startMs + 1_200, startMs + 12_000] };
  t.same(kinds(twice), ['dialledTwice']);
  t.same(kinds({ ...twice, invitesMs: [startMs + 1_200, startMs + 1_900] }), ['dialledTwice', 'tooSoon']);
  t.same(kinds({ ...reachedAtOnce, invitesMs: [] }), ['notDialled']);
  t.same(kinds({ ...reachedAtOnce, invitesMs: [startMs, startMs + 11_000] }), ['dialledUnwritten']);
  t.same(kinds({ ...reachedAtOnce, callBacks: [] }), ['lost', 'dialledUnwritten']);
  t.same(kinds({ ...retried, invitesMs: [1_100, 13_200, 13_900, 24_300].map((ms) => startMs + ms) }), [
    'dialledTwice',
    'tooSoon',
  ]);
  const hasty = [callBack([attempt(1, [1_000, 3_000], 'busy'), attempt(2, [12_000, 14_000], 'reached')])];
  t.same(kinds({ ...reachedAtOnce, callBacks: hasty, invitesMs: [startMs + 1_000, startMs + 12_000] }), ['tooSoon']);
  const [done = callBack([])] = reachedAtOnce.callBacks;
  const again = { ...done, callBackId: 'b2', attempts: [] };
  t.same(kinds({ ...reachedAtOnce, callBacks: [again, done] }), ['promisedTwice']);
});
