import type { Redis } from 'ioredis';
import type { ShardLease, ShardLeases } from '../../contact/store-ports.ts';
import { asked } from './connection.ts';
import type { Scripts } from './scripts.ts';

/** Who owns which shard, in Redis. */
export class RedisShardLeases implements ShardLeases {
  readonly #client: Redis;
  readonly #scripts: Scripts;
  readonly #prefix: string;

  constructor(parts: { readonly client: Redis; readonly scripts: Scripts; readonly prefix: string }) {
    this.#client = parts.client;
    this.#scripts = parts.scripts;
    this.#prefix = parts.prefix;
  }

  async acquire(
    shard: string,
    options: { readonly nodeId: string; readonly nowMs: number; readonly leaseMs: number },
  ): Promise<ShardLease | undefined> {
    const { nodeId, nowMs, leaseMs } = options;
    const epoch = await this.#scripts.number('acquire-shard', { nowMs, args: [shard, nodeId, nowMs + leaseMs] });
    return epoch === undefined ? undefined : { shard, nodeId, epoch };
  }

  async renew(lease: ShardLease, options: { readonly nowMs: number; readonly leaseMs: number }): Promise<boolean> {
    const args = [lease.shard, lease.epoch, options.nowMs + options.leaseMs];
    return (await this.#scripts.number('renew-shard', { nowMs: options.nowMs, args })) === 1;
  }

  async release(lease: ShardLease): Promise<void> {
    await this.#scripts.run('release-shard', { nowMs: 0, args: [lease.shard, lease.epoch] });
  }

  list(): ReturnType<ShardLeases['list']> {
    return asked('reading the shards', async () => {
      const shards = (await this.#client.smembers(`${this.#prefix}shards`)).sort();
      const holders = await Promise.all(shards.map((shard) => this.#client.hgetall(`${this.#prefix}shard:${shard}`)));
      return shards.map((shard, i) => ({
        shard,
        nodeId: holders[i]?.nodeId ?? '',
        epoch: Number(holders[i]?.epoch ?? 0),
        expiresAtMs: Number(holders[i]?.expiresAtMs ?? 0),
      }));
    });
  }
}
