import { DozvonError, secondMs } from '../../src/foundation/index.ts';
import type { TestStack } from '../../test/support/stack.ts';
import type { RandomStream } from '../sim/random.ts';
import { pause } from './promises.ts';

export const victims = ['service', 'redis', 'both'] as const;
export type Victim = (typeof victims)[number];

const children: Readonly<Record<Victim, readonly string[]>> = {
  service: ['service-n1'],
  redis: ['redis'],
  both: ['service-n1', 'redis'],
};

/** A second process that is killed with the first is killed within so long of it. */
const apartMs = 400;
/** Longer than the lease of a shard, so that it runs out now and then. */
const longestDownMs = 5 * secondMs;
const noticeLimitMs = 10 * secondMs;
const readyLimitMs = 30 * secondMs;
const lookEveryMs = 20;

/** Kills by SIGKILL, leaves it dead for a while, has the supervisor start it again; resolves with how long it took until all was ready. */
export async function strike(stack: TestStack, victim: Victim, random: RandomStream): Promise<number> {
  const names = random.chance(0.5) ? children[victim] : children[victim].toReversed();
  const sinceMs = Date.now();
  for (const [i, name] of names.entries()) {
    if (i > 0) await pause(random.below(apartMs));
    stack.stack.kill(name, 'SIGKILL', { stayDown: true });
  }
  await until('the killed processes to be gone', noticeLimitMs, async () =>
    stack.stack.children().every(({ name, state }) => !names.includes(name) || state === 'stopped'),
  );
  // Mostly short: what is under way meanwhile is what matters.
  await pause(longestDownMs * random.uniform() ** 2);
  await Promise.all(names.map(async (name) => await stack.stack.start(name)));
  await until('the hotline to be ready', readyLimitMs, async () => await isReady(stack));
  return Date.now() - sinceMs;
}

async function isReady(stack: TestStack): Promise<boolean> {
  const url = `${stack.stack.services[0]?.apiUrl ?? ''}/api/v1/health/ready`;
  const response = await fetch(url, { signal: AbortSignal.timeout(2 * secondMs) }).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.ok ?? false;
}

async function until(what: string, limitMs: number, holds: () => Promise<boolean>): Promise<void> {
  for (const sinceMs = Date.now(); !(await holds()); await pause(lookEveryMs)) {
    if (Date.now() - sinceMs > limitMs) throw new DozvonError('TIMED_OUT', `expected ${what} within ${limitMs} ms`);
  }
}
