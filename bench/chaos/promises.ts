import { DozvonError, messageOf, secondMs } from '../../src/foundation/index.ts';
import type { PhoneLeg } from '../../src/phones/index.ts';
import type { TestStack } from '../../test/support/stack.ts';
import { type ChaosQueue, line, promisingAt } from './hotline.ts';

/** How a promise comes about: the caller presses a key, or staff make one, for now or for an instant. */
export type Way = 'byPhone' | 'soon' | 'at';

export interface Wanted {
  readonly number: string;
  readonly queueId: ChaosQueue;
  readonly way: Way;
  /** `at`: until the instant; `byPhone`: how long he stays on the line. */
  readonly inMs: number;
}

/** Longer than both servers take to come back. */
const insistForMs = 60 * secondMs;
const askAgainMs = 500;
const requestLimitMs = 5 * secondMs;
const pressEveryMs = 1_000;
const callLimitMs = 40 * secondMs;

/** Has it promised; resolves whether it certainly was. Whoever asks by the API insists until he has an answer. */
export async function promise(stack: TestStack, wanted: Wanted): Promise<boolean> {
  return wanted.way === 'byPhone' ? await promiseByPhone(stack, wanted) : await promiseByApi(stack, wanted);
}

async function promiseByApi(stack: TestStack, { number, queueId, way, inMs }: Wanted): Promise<boolean> {
  const url = `${stack.stack.services[0]?.apiUrl ?? ''}/api/v1/call-backs`;
  const wish = way === 'at' ? { kind: 'at', at: new Date(Date.now() + inMs).toISOString() } : { kind: 'soon' };
  const body = JSON.stringify({ lineId: line.id, queueId, number, wish, reason: 'test' });
  const headers = {
    authorization: `Bearer ${stack.stack.secrets.apiToken}`,
    'content-type': 'application/json',
    // The same for every time that he asks: promised, and the answer lost, he gets it again.
    'idempotency-key': `chaos-${number.replace('+', '')}`,
  };
  let last = 'it was never asked';
  for (const sinceMs = Date.now(); Date.now() - sinceMs < insistForMs; ) {
    try {
      const signal = AbortSignal.timeout(requestLimitMs);
      const response = await fetch(url, { method: 'POST', headers, body, signal });
      const text = await response.text();
      if (response.ok) return true;
      // The instant of his choice has passed while nobody was there to hear it.
      if (text.includes('OUTSIDE_CALLING_HOURS') && way === 'at') return false;
      if (response.status < 500) throw new DozvonError('PROMISE_REFUSED', text);
      last = text;
    } catch (error) {
      if (error instanceof DozvonError) throw error;
      last = messageOf(error);
    }
    await pause(askAgainMs);
  }
  throw new DozvonError('NOT_PROMISED', `expected a promise within ${insistForMs} ms: ${last}`);
}

/** He presses the key now and then, and hangs up when he likes: also before he is told, so whether he was promised anything the rows say. */
async function promiseByPhone(stack: TestStack, { number, inMs }: Wanted): Promise<boolean> {
  const leg = await stack.phones.call({
    number: line.number,
    ani: number,
    headers: { 'X-Dozvon-At': promisingAt(stack.config) },
  });
  try {
    await leg.answered(callLimitMs);
    for (const sinceMs = Date.now(); leg.state === 'up' && Date.now() - sinceMs < inMs; ) {
      await leg.press('1');
      await endsWithin(leg, pressEveryMs);
    }
  } catch (error) {
    if (!(error instanceof DozvonError)) throw error;
    // Not answered, or ended before.
  } finally {
    await leg.hangup().catch(() => undefined);
  }
  return false;
}

async function endsWithin(leg: PhoneLeg, ms: number): Promise<void> {
  await leg.ended(ms).catch(() => undefined);
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
