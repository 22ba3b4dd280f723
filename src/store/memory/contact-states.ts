import type { ContactStateStore, ShardLease, TimelineEntry } from '../../contact/store-ports.ts';
import type { ContactId, SaveAhead } from '../../foundation/index.ts';
import type { EventLog } from './event-log.ts';
import type { MemoryShardLeases } from './shard-leases.ts';

/** Live contacts in memory. */
export class MemoryContactStates implements ContactStateStore {
  readonly #leases: MemoryShardLeases;
  readonly #events: EventLog;
  readonly #shards = new Map<string, Map<ContactId, string>>();

  constructor(leases: MemoryShardLeases, events: EventLog) {
    this.#leases = leases;
    this.#events = events;
  }

  async save(
    lease: ShardLease,
    contactId: ContactId,
    change: { readonly sealedState: string; readonly timeline: readonly TimelineEntry[] },
  ): Promise<'saved' | 'leaseLost'> {
    if (!this.#leases.holds(lease)) return 'leaseLost';
    let contacts = this.#shards.get(lease.shard);
    if (contacts === undefined) {
      contacts = new Map();
      this.#shards.set(lease.shard, contacts);
    }
    contacts.set(contactId, change.sealedState);
    this.#publish(contactId, change.timeline);
    return 'saved';
  }

  /** Nothing comes in between: both are done before anybody else has his turn. */
  saveWith(
    lease: ShardLease,
    contactId: ContactId,
    change: { readonly sealedState: string; readonly timeline: readonly TimelineEntry[] },
    command: (ahead: SaveAhead) => void,
  ): Promise<'saved' | 'leaseLost'> {
    const outcome = this.save(lease, contactId, change);
    if (this.#leases.holds(lease)) command({ contactId });
    return outcome;
  }

  async finish(
    lease: ShardLease,
    contactId: ContactId,
    timeline: readonly TimelineEntry[],
  ): Promise<'finished' | 'leaseLost'> {
    if (!this.#leases.holds(lease)) return 'leaseLost';
    this.#shards.get(lease.shard)?.delete(contactId);
    this.#publish(contactId, timeline);
    return 'finished';
  }

  async loadShard(shard: string): ReturnType<ContactStateStore['loadShard']> {
    return [...(this.#shards.get(shard) ?? [])].map(([contactId, sealedState]) => ({ contactId, sealedState }));
  }

  #publish(contactId: ContactId, timeline: readonly TimelineEntry[]): void {
    for (const entry of timeline) this.#events.append({ source: 'contact', contactId, entry });
  }
}
