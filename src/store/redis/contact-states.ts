import type { Redis } from 'ioredis';
import type { ContactStateStore, ShardLease, TimelineEntry } from '../../contact/store-ports.ts';
import { asId, type ContactId, type SaveAhead } from '../../foundation/index.ts';
import { asked } from './connection.ts';
import { SaveBeforeVerb, type SaveOutcome } from './save-before-verb.ts';
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
  ): Promise<SaveOutcome> {
    return await this.#save(savingWords(lease, contactId, change));
  }

  async saveWith(
    lease: ShardLease,
    contactId: ContactId,
    change: { readonly sealedState: string; readonly timeline: readonly TimelineEntry[] },
    command: (ahead: SaveAhead) => void,
  ): Promise<SaveOutcome> {
    const ahead = new SaveBeforeVerb(contactId, savingWords(lease, contactId, change));
    command(ahead);
    ahead.outcome ??= this.#save(ahead.words);
    return await ahead.outcome;
  }

  async finish(
    lease: ShardLease,
    contactId: ContactId,
    timeline: readonly TimelineEntry[],
  ): Promise<'finished' | 'leaseLost'> {
    const words = [lease.shard, lease.epoch, contactId, 'finish', '', ...entryWords(timeline)];
    return (await this.#isWritten(words)) ? 'finished' : 'leaseLost';
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

  async #save(words: readonly (string | number)[]): Promise<SaveOutcome> {
    return (await this.#isWritten(words)) ? 'saved' : 'leaseLost';
  }

  async #isWritten(words: readonly (string | number)[]): Promise<boolean> {
    return (await this.#scripts.number('save-contact', { nowMs: 0, args: words })) === 1;
  }
}

function savingWords(
  { shard, epoch }: ShardLease,
  contactId: ContactId,
  { sealedState, timeline }: { readonly sealedState: string; readonly timeline: readonly TimelineEntry[] },
): readonly (string | number)[] {
  return [shard, epoch, contactId, 'save', sealedState, ...entryWords(timeline)];
}

function entryWords(timeline: readonly TimelineEntry[]): readonly (string | number)[] {
  return timeline.flatMap((entry) => [entry.atMs, entry.kind, JSON.stringify(entry.facts)]);
}
