import type { ShardLease, ShardLeases } from '../../contact/store-ports.ts';

interface Holder {
  nodeId: string;
  epoch: number;
  expiresAtMs: number;
}

/** Who owns which shard, in memory. */
export class MemoryShardLeases implements ShardLeases {
  readonly #holders = new Map<string, Holder>();

  async acquire(
    shard: string,
    options: { readonly nodeId: string; readonly nowMs: number; readonly leaseMs: number },
  ): Promise<ShardLease | undefined> {
    const holder = this.#holders.get(shard);
    if (holder !== undefined && holder.nodeId !== options.nodeId && holder.expiresAtMs > options.nowMs)
      return undefined;
    const epoch = (holder?.epoch ?? 0) + 1;
    this.#holders.set(shard, { nodeId: options.nodeId, epoch, expiresAtMs: options.nowMs + options.leaseMs });
    return { shard, nodeId: options.nodeId, epoch };
  }

  async renew(lease: ShardLease, options: { readonly nowMs: number; readonly leaseMs: number }): Promise<boolean> {
    const holder = this.#holders.get(lease.shard);
    if (holder === undefined || holder.epoch !== lease.epoch) return false;
    holder.expiresAtMs = options.nowMs + options.leaseMs;
    return true;
  }

  async release(lease: ShardLease): Promise<void> {
    const holder = this.#holders.get(lease.shard);
    if (holder?.epoch === lease.epoch) holder.expiresAtMs = 0;
  }

  async list(): ReturnType<ShardLeases['list']> {
    return [...this.#holders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([shard, holder]) => ({ shard, ...holder }));
  }

  /** Whether the lease is still the newest of its shard: what every save checks. */
  holds(lease: ShardLease): boolean {
    return this.#holders.get(lease.shard)?.epoch === lease.epoch;
  }
}
