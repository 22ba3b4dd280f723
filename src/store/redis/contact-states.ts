import type { Redis } from 'ioredis';
import type { ContactStateStore, ShardLease, TimelineEntry } from '../../contact/store-ports.ts';
import { asId, type ContactId } from '../../foundation/index.ts';
import { asked } from './connection.ts';
import type { Scripts } from './scripts.ts';

/** Live contacts in Redis, one hash a shard. */
export class RedisContactStates implements ContactStateStore {
  readonly #client: Redis;
  readonly #scripts: Scripts;
  readonly #prefix: string;

  constructor(parts: { readonly client: Redis; readonly scripts: Scripts; readonly prefix: string }) {
    this.#client = parts.client;
    this.#scripts = parts.scripts;
    this.#prefix = parts.prefix;
  }

  async save(
    lease: ShardLease,
    contactId: ContactId,
    change: { readonly sealedState: string; readonly timeline: readonly TimelineEntry[] },
  ): Promise<'saved' | 'leaseLost'> {
    const head = [lease.shard, lease.epoch, contactId, 'save', change.sealedState];
    return (await this.#write(head, change.timeline)) ? 'saved' : 'leaseLost';
  }

  async finish(
    lease: ShardLease,
    contactId: ContactId,
    timeline: readonly TimelineEntry[],
  ): Promise<'finished' | 'leaseLost'> {
    const head = [lease.shard, lease.epoch, contactId, 'finish', ''];
    return (await this.#write(head, timeline)) ? 'finished' : 'leaseLost';
  }

  loadShard(shard: string): ReturnType<ContactStateStore['loadShard']> {
    return asked('reading the contacts of a shard', async () => {
      const contacts = await this.#client.hgetall(`${this.#prefix}contacts:${shard}`);
      return Object.entries(contacts).map(([contactId, sealedState]) => ({
        contactId: asId<ContactId>(contactId),
        sealedState,
      }));
    });
  }

  async #write(head: readonly (string | number)[], timeline: readonly TimelineEntry[]): Promise<boolean> {
    const entries = timeline.flatMap((entry) => [entry.atMs, entry.kind, JSON.stringify(entry.facts)]);
    return (await this.#scripts.number('save-contact', { nowMs: 0, args: [...head, ...entries] })) === 1;
  }
}
