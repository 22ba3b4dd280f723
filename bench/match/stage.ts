import { randomUUID } from 'node:crypto';
import type { QueueStore, Reservation } from '../../src/acd/index.ts';
import type { TestRedis } from '../../test/support/redis.ts';
import { type Population, populate, shard } from './population.ts';

/** An operator is offered a contact for this long: longer than any run, so that no lease ends within one. */
export const leaseMs = 600_000;

/** One population in a Redis, under keys of its own. */
export interface Stage {
  readonly waiting: number;
  readonly prefix: string;
  readonly store: QueueStore;
  readonly population: Population;
  readonly redis: TestRedis;
}

export async function openStage(
  redis: TestRedis,
  options: { readonly waiting: number; readonly seed: string; readonly inFlight: number },
): Promise<Stage> {
  const prefix = `bench-${randomUUID().slice(0, 8)}:`;
  const stores = await redis.stores(prefix);
  const population = await populate(stores.queue, options);
  return { waiting: options.waiting, prefix, store: stores.queue, population, redis };
}

/** Puts everything back as it was before a round: operators ready, as many waiting; the inbox is emptied, as its reader would. */
export async function settle(stage: Stage, made: readonly Reservation[]): Promise<void> {
  for (const { offerId, operatorId, contactId } of made) {
    const nowMs = stage.population.nowMs();
    await stage.store.offerAnswered(offerId, nowMs);
    await stage.store.release(operatorId, contactId, { nowMs, wrapUp: false });
  }
  await stage.redis.client.del(`${stage.prefix}inbox:${shard}`);
}

/** What a reservation leaves behind in Redis besides the pair itself. */
export interface Traces {
  readonly leases: number;
  readonly events: number;
  readonly inbox: number;
}

export async function tracesOf(stage: Stage): Promise<Traces> {
  const { client } = stage.redis;
  const [leases, events, inbox] = await Promise.all([
    client.zcard(`${stage.prefix}due:offers`),
    addedTo(stage, 'events'),
    client.xlen(`${stage.prefix}inbox:${shard}`),
  ]);
  return { leases, events, inbox };
}

/** Entries ever added: the stream's length is bounded. */
async function addedTo(stage: Stage, stream: string): Promise<number> {
  const reply = (await stage.redis.client.call('XINFO', 'STREAM', `${stage.prefix}${stream}`)) as unknown[];
  return Number(reply[reply.indexOf('entries-added') + 1]);
}

/** Waiting contacts over all queues, by what Redis holds. */
export async function countWaiting(stage: Stage): Promise<number> {
  const { client } = stage.redis;
  const queues = await client.smembers(`${stage.prefix}queues`);
  const sizes = await Promise.all(queues.map((queue) => client.zcard(`${stage.prefix}queue:${queue}`)));
  return sizes.reduce((total, size) => total + size, 0);
}
