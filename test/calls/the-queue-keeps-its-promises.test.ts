import t, { type Test } from 'tap';
import type { Phone, PhoneLeg } from '../../src/phones/index.ts';
import { assertAtRest, EventLog, limitMs, placeCall, readyOperator, type TestCaller } from '../support/calls.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const ani = '+79261234567';
const wrapUpMs = 1_000;
const stepAfterMs = 3_000;
/** Who has refused or missed an offer is there again for the next caller; the one refused does not come back to him. */
const setAside = { unansweredMs: 200, busyMs: 200, declinedMs: 200 };

/**
 * Nobody can serve an emergency, so that an operator who calls that line himself waits in it for ever; nobody is good enough for social
 * questions until the step. Only questions of status go to whom the caller knows.
 */
const queues = {
  account: { setAside, wrapUpMs },
  emergency: { requirement: 'emergency >= 10' },
  status: { preferredMs: 10_000, wrapUpMs },
  social: {
    requirement: 'social >= 9',
    ladder: {
      rungs: [
        { do: 'widen', afterMs: stepAfterMs, requirement: 'social >= 5' },
        { do: 'conclude', afterMs: 110_000 },
      ],
      latestMs: 120_000,
      choiceAboveMs: 120_000,
    },
  },
};

// Two processes match at once, and each hears of every operator's phone.
t.setTimeout(400_000);
void t.test('what the queue promises', { timeout: 400_000 }, async (t) => {
  const stack: TestStack = await startTestStack({ processes: 2, queues });
  t.teardown(async () => await stack.stop());
  await refusals(t, stack);
  await oneRingsAtATime(t, stack);
  await wrapUps(t, stack);
  await unregistered(t, stack);
  await step(t, stack);
  await callsOutside(t, stack);
  await comesBack(t, stack);
});

async function queued(t: Test, stack: TestStack, key = '1'): Promise<TestCaller> {
  const caller = await placeCall(t, stack, { number: '88001000001', ani });
  await caller.press(key);
  await caller.next('queued');
  return caller;
}

async function hangUp(caller: TestCaller): Promise<void> {
  await caller.leg.hangup();
  await caller.next('wrapUpEnded');
}

/** The n-th call, from 1, that came to any of the phones. */
async function nthCall(phones: readonly Phone[], n: number): Promise<PhoneLeg> {
  // The legs carry the time of their INVITE: looking later than it came does no harm.
  for (const sinceMs = Date.now(); ; ) {
    const leg = callsOf(phones)[n - 1];
    if (leg !== undefined) return leg;
    if (Date.now() - sinceMs > limitMs) throw new Error(`expected call ${n} within ${limitMs} ms, and it did not come`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function callsOf(phones: readonly Phone[]): readonly PhoneLeg[] {
  return phones.flatMap((phone) => phone.calls).toSorted((one, other) => one.startedAtMs - other.startedAtMs);
}

/** The most of the legs that rang at one instant. */
function mostAtOnce(legs: readonly PhoneLeg[]): number {
  // The phones' Asterisk ends one leg and begins another in threads of their own: by so much the order may be blurred.
  const blurMs = 50;
  const besides = (leg: PhoneLeg): number =>
    legs.filter((one) => {
      const untilMs = (one.answeredAtMs ?? one.end?.atMs ?? Number.POSITIVE_INFINITY) - blurMs;
      return one !== leg && one.startedAtMs <= leg.startedAtMs && leg.startedAtMs < untilMs;
    }).length;
  return Math.max(0, ...legs.map((leg) => 1 + besides(leg)));
}

/** Several measurements, because other work on the machine delays a single one; a timer that ticks would show in the median. */
function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function refusals(t: Test, stack: TestStack): Promise<void> {
  await t.test('a refusal goes on to the next operator within 100 ms', { timeout: 90_000 }, async (t) => {
    const phones: Phone[] = [];
    for (const id of ['op101', 'op102', 'op104']) phones.push(await readyOperator(t, stack, id, { kind: 'ring' }));
    const gapsMs: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const caller = await queued(t, stack);
      for (const n of [1, 2]) {
        const refused = await nthCall(phones, 3 * round + n);
        await refused.ringing(limitMs);
        const atMs = Date.now();
        await refused.refuse('declined');
        const next = await nthCall(phones, 3 * round + n + 1);
        gapsMs.push(next.startedAtMs - atMs);
      }
      await (await nthCall(phones, 3 * round + 3)).answer();
      await caller.next('joined');
      await hangUp(caller);
      const asked = caller.watch.entries
        .filter(({ kind }) => kind === 'offerMade')
        .map(({ facts }) => facts.operatorId);
      t.same([asked.length, new Set(asked).size], [3, 3], 'each was asked once');
    }
    t.comment(`refusal to INVITE: ${gapsMs.join(', ')} ms`);
    t.ok(median(gapsMs) <= 100, `${median(gapsMs)} ms in the median`);
    t.equal(callsOf(phones).length, 9, 'no phone rang besides');
    t.equal(mostAtOnce(callsOf(phones)), 1, 'one after another');
    await assertAtRest(t, stack);
  });
}

async function oneRingsAtATime(t: Test, stack: TestStack): Promise<void> {
  await t.test('two operators never ring for one caller', { timeout: 90_000 }, async (t) => {
    const callers = await Promise.all([queued(t, stack), queued(t, stack)]);
    // All at once: each one's readiness is matched by a process of its own while the others' are.
    const phones = await Promise.all(
      ['op101', 'op102', 'op104'].map((id) => readyOperator(t, stack, id, { kind: 'ring' })),
    );
    await nthCall(phones, 2);
    for (const phone of phones) phone.behaviour = { kind: 'answer', afterMs: 300 };
    await Promise.all(callers.map(async (caller) => await caller.next('joined')));
    for (const { watch } of callers) {
      const moves = watch.entries
        .map(({ kind }) => kind)
        .filter((kind) => /^(offer(Made|Unanswered)|joined)$/.test(kind));
      t.same(moves, ['offerMade', 'offerUnanswered', 'offerMade', 'joined'], 'one offer after another');
    }
    t.equal(callsOf(phones).length, 4, 'two rang in vain, two were answered');
    t.equal(mostAtOnce(callsOf(phones)), 2, 'as many as there were callers');
    for (const caller of callers) await hangUp(caller);
    await assertAtRest(t, stack);
  });
}

async function wrapUps(t: Test, stack: TestStack): Promise<void> {
  await t.test(
    'an operator is offered the next caller in the moment his wrap-up ends',
    { timeout: 120_000 },
    async (t) => {
      const log = await EventLog.open(t, stack);
      const callers = await Promise.all(Array.from({ length: 6 }, async () => await queued(t, stack)));
      const phone = await readyOperator(t, stack, 'op101', { kind: 'answer', afterMs: 100 });
      const served = callers.map(async (caller) => {
        await caller.next('joined', undefined, 4 * limitMs);
        await hangUp(caller);
      });
      await Promise.all(served);
      const times = (kind: string): readonly number[] =>
        log.all(kind, (event) => event.operatorId === 'op101').map(({ at }) => Date.parse(at));
      const [released, offered] = [times('operatorReleased'), times('offerReserved')];
      t.same([released.length, offered.length], [6, 6]);
      const lateMs = offered.slice(1).map((atMs, i) => atMs - ((released[i] ?? 0) + wrapUpMs));
      const rangMs = phone.calls.slice(1).map((leg, i) => leg.startedAtMs - ((released[i] ?? 0) + wrapUpMs));
      t.comment(`end of wrap-up to offer: ${lateMs.join(', ')} ms; to INVITE: ${rangMs.join(', ')} ms`);
      t.ok(Math.min(...lateMs) >= 0, 'never before it ends');
      t.ok(median(lateMs) <= 20, `${median(lateMs)} ms in the median`);
      await assertAtRest(t, stack);
    },
  );
}

async function unregistered(t: Test, stack: TestStack): Promise<void> {
  await t.test('an operator whose phone is not registered is passed over', { timeout: 90_000 }, async (t) => {
    const log = await EventLog.open(t, stack);
    const gone = await readyOperator(t, stack, 'op101');
    await readyOperator(t, stack, 'op104');
    await gone.unregister();
    await log.until(
      'reachabilityChanged',
      1,
      ({ operatorId, facts }) => operatorId === 'op101' && facts.reachable === false,
    );
    const caller = await queued(t, stack);
    t.equal((await caller.next('joined')).facts.operatorId, 'op104', 'though the other has been idle for longer');
    t.same(gone.calls, []);
    t.same(
      log.all('offerReserved', ({ operatorId }) => operatorId === 'op101'),
      [],
    );
    await hangUp(caller);
    await assertAtRest(t, stack);
  });
}

async function step(t: Test, stack: TestStack): Promise<void> {
  await t.test(
    'a step widens what a caller needs when its time has come, and connects',
    { timeout: 90_000 },
    async (t) => {
      const log = await EventLog.open(t, stack);
      const phone = await readyOperator(t, stack, 'op105');
      const caller = await queued(t, stack, '8');
      t.equal((await caller.next('joined')).facts.operatorId, 'op105');
      const entered = caller.watch.entries.find(({ kind }) => kind === 'queued');
      const offered = await log.until('offerReserved', 1, ({ contactId }) => contactId === caller.contactId);
      const waitedMs = Date.parse(offered.at) - Date.parse(entered?.at ?? '');
      t.comment(
        `offered after ${waitedMs} ms, INVITE ${(phone.calls[0]?.startedAtMs ?? 0) - Date.parse(offered.at)} ms later`,
      );
      t.ok(waitedMs >= stepAfterMs, 'not before');
      // The timer is exact; the rest is for the machine. A look once a second would miss it two times in three.
      t.ok(waitedMs <= stepAfterMs + 300, `${waitedMs} ms`);
      await hangUp(caller);
      await assertAtRest(t, stack);
    },
  );
}

async function callsOutside(t: Test, stack: TestStack): Promise<void> {
  await t.test(
    'an operator is offered nothing during a call of his own, and the next caller right after',
    { timeout: 120_000 },
    async (t) => {
      const log = await EventLog.open(t, stack);
      const phone = await readyOperator(t, stack, 'op101', { kind: 'answer', afterMs: 100 });
      await readyOperator(t, stack, 'op104', { kind: 'answer', afterMs: 100 });
      const call = async (round: number): Promise<PhoneLeg> => {
        const own = await phone.dial('88005550000');
        await own.answered(limitMs);
        await log.until(
          'outsideCallChanged',
          round + 1,
          ({ operatorId, facts }) => operatorId === 'op101' && facts.busy === true,
        );
        return own;
      };
      const gapsMs: number[] = [];
      let held: TestCaller | undefined;
      for (let round = 0; round < 3; round += 1) {
        const own = await call(round);
        if (held === undefined) {
          held = await queued(t, stack);
          t.equal((await held.next('joined')).facts.operatorId, 'op104', 'though the other has been idle for longer');
        }
        const caller = await queued(t, stack);
        t.equal(phone.calls.length, round, 'nothing rings meanwhile');
        const atMs = Date.now();
        await own.hangup();
        t.equal((await caller.next('joined')).facts.operatorId, 'op101');
        gapsMs.push((phone.calls[round]?.startedAtMs ?? 0) - atMs);
        await hangUp(caller);
      }
      t.comment(`end of the call to INVITE: ${gapsMs.join(', ')} ms`);
      t.ok(Math.min(...gapsMs) >= 0, 'never before its end');
      t.ok(median(gapsMs) <= 150, `${median(gapsMs)} ms in the median`);
      t.equal(log.all('outsideCallChanged').length, 6, 'begun and ended three times, whoever told it first');
      if (held !== undefined) await hangUp(held);
      await assertAtRest(t, stack);
    },
  );
}

async function comesBack(t: Test, stack: TestStack): Promise<void> {
  await t.test('a caller comes back to the operator he talked with', { timeout: 90_000 }, async (t) => {
    await readyOperator(t, stack, 'op104', { kind: 'answer', afterMs: 100 });
    await readyOperator(t, stack, 'op105', { kind: 'answer', afterMs: 100 });
    const served: unknown[] = [];
    for (let round = 0; round < 3; round += 1) {
      const caller = await queued(t, stack, '4');
      served.push((await caller.next('joined')).facts.operatorId);
      await hangUp(caller);
      await caller.closed();
    }
    t.same(served, ['op104', 'op104', 'op104'], 'though the other has been idle for longer');
    await assertAtRest(t, stack);
  });
}
