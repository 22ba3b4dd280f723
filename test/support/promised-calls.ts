import type { Test } from 'tap';
import { ContactWatch } from '../../src/cli/contact-watch.ts';
import type { CitizenBehaviour } from '../../src/phones/index.ts';
import type { ShownCallBack } from './called-back.ts';
import { eventually, limitMs, placeCall, type ShownContact, type TestCaller } from './calls.ts';
import type { TestStack } from './stack.ts';
import { answerSound } from './telephony-world.ts';

/** A test call's clock stands at its instant when it arrives, and it was sent on its way a moment before. */
export const onTheWayMs = 500;

/** Picks up and says «алло, кто это». */
export const answers = {
  kind: 'answer',
  afterMs: 1_000,
  says: answerSound('human-allo-kto-eto-festival'),
} as const satisfies CitizenBehaviour;

/** And hangs up when he has talked for a moment. */
export const answersShortly = { ...answers, hangsUpAfterMs: 5_000 } as const satisfies CitizenBehaviour;

/** Waits in the queue and is promised a call-back by keys; he is on the line still. No operator may be there. */
export async function promisedCaller(
  t: Test,
  stack: TestStack,
  call: { readonly ani: string; readonly keys: string; readonly at?: string },
): Promise<{ readonly caller: TestCaller; readonly callBackId: string }> {
  const { keys, ...request } = call;
  const caller = await placeCall(t, stack, { number: '88001000001', ...request });
  for (const key of keys) await caller.press(key);
  await caller.next('choiceOffered');
  await caller.next('promptStarted', (entry) => JSON.stringify(entry.facts).includes('press-call-back-place'));
  await caller.leg.press('1');
  await caller.press('1');
  const promised = await caller.next('callBackPromised');
  return { caller, callBackId: String(promised.facts.callBackId) };
}

/** He hangs up, and is to be called. */
export async function leaves(caller: TestCaller): Promise<ShownContact> {
  await caller.leg.hangup();
  return await caller.closed();
}

/** The next contact that is to make the call-back, from before it is made; resolved with when it waits for an operator. */
export async function nextTry(
  t: Test,
  stack: TestStack,
  callBackId: string,
): Promise<(withinMs?: number) => Promise<ContactWatch>> {
  const watch = new ContactWatch(stack.api, () => {});
  await watch.start(limitMs);
  t.teardown(() => watch.stop());
  return async (withinMs = limitMs) => {
    await watch.findCallBack(callBackId, withinMs);
    return watch;
  };
}

/** Resolves when the call-back is as wanted. */
export async function untilCallBack(
  stack: TestStack,
  callBackId: string,
  wanted: { readonly state?: string; readonly tries?: number },
  withinMs: number = limitMs,
): Promise<ShownCallBack> {
  return await eventually(
    async () => await stack.api.get<ShownCallBack>(`/call-backs/${callBackId}`),
    ({ state, attempts }) => (wanted.state ?? state) === state && (wanted.tries ?? attempts.length) === attempts.length,
    `a call-back that is ${JSON.stringify(wanted)}`,
    withinMs,
  );
}

/** The clock that test calls go by. */
export class TestClock {
  readonly #aheadMs: number;

  /** `thenMs` comes in `inMs`. */
  constructor(thenMs: number, inMs: number) {
    this.#aheadMs = thenMs - (Date.now() + inMs);
  }

  get nowMs(): number {
    return Date.now() + this.#aheadMs;
  }

  /** For a call placed now. */
  get at(): string {
    return new Date(this.nowMs).toISOString();
  }

  async until(atMs: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - this.nowMs)));
  }

  /** Of an instant of the machine's clock. */
  of(realMs: number): number {
    return realMs + this.#aheadMs;
  }
}

/** Citizens and the call-backs that were promised to them. */
export interface Called {
  readonly numbers: readonly string[];
  readonly ids: readonly string[];
}

/** When each of their phones was called. */
export function invites(stack: TestStack, { numbers }: Called): readonly number[] {
  return numbers.flatMap((number) => stack.phones.dialled(number)).map(({ atMs }) => atMs);
}

/** Nobody has been dialled, and the next time is `toMs` of the clock. */
export async function putOff(
  t: Test,
  stack: TestStack,
  { ids }: Called,
  clock: TestClock,
  toMs: number,
): Promise<void> {
  for (const id of ids) {
    const { dueAt } = await untilCallBack(stack, id, { state: 'scheduled', tries: 0 });
    const lateMs = clock.of(Date.parse(dueAt)) - toMs;
    t.ok(Math.abs(lateMs) < onTheWayMs, `put off to the next hour at which he may be called, ${lateMs} ms`);
  }
}

/** Each is called once and joined with an operator. */
export async function reached(t: Test, stack: TestStack, { ids, numbers }: Called): Promise<void> {
  for (const id of ids) {
    const { attempts } = await untilCallBack(stack, id, { state: 'done' }, 2 * limitMs);
    t.match(attempts, [{ outcome: 'reached' }]);
  }
  for (const number of numbers) t.equal(stack.phones.dialled(number).length, 1, 'each was called once');
}
