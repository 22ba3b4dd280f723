import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { QueueEvent, QueueInbox } from '../../acd/ports.ts';
import { DozvonError, hasCode, type Logger, messageOf } from '../../foundation/index.ts';
import { deliverUntilAccepted, pauseUnlessAborted, retryDelayMs } from '../deliver.ts';
import { asked, closeConnection } from './connection.ts';
import type { Scripts } from './scripts.ts';
import { fieldsOf, readStream } from './stream-entries.ts';

const batch = 64;

/** Inboxes of the shards: what is in the stream has not been acknowledged. A newer consumer takes over from an older. */
export class RedisInbox implements QueueInbox {
  readonly #client: Redis;
  readonly #scripts: Scripts;
  readonly #prefix: string;
  readonly #logger: Logger;
  readonly #openBlocking: (name: string) => Redis;

  constructor(parts: {
    readonly client: Redis;
    readonly scripts: Scripts;
    readonly prefix: string;
    readonly logger: Logger;
    readonly openBlocking: (name: string) => Redis;
  }) {
    this.#client = parts.client;
    this.#scripts = parts.scripts;
    this.#prefix = parts.prefix;
    this.#logger = parts.logger;
    this.#openBlocking = parts.openBlocking;
  }

  /** Rejects with `DozvonError('INBOX_TAKEN')` when another consumer of the same shard has begun. */
  async consume(shard: string, deliver: (event: QueueEvent) => Promise<void>, signal: AbortSignal): Promise<void> {
    const reader = { shard, token: randomUUID(), deliver, signal, announced: false };
    const connection = this.#openBlocking(`inbox-${shard}`);
    const drop = (): void => closeConnection(connection);
    signal.addEventListener('abort', drop, { once: true });
    try {
      for (let failures = 0; !signal.aborted; ) {
        try {
          await this.#readOnce(reader, connection);
          failures = 0;
        } catch (error) {
          if (signal.aborted) return;
          if (hasCode(error, 'INBOX_TAKEN') || hasCode(error, 'REDIS_REFUSED')) throw error;
          failures += 1;
          this.#logger.warn({ shard, error: messageOf(error) }, 'inbox cannot be read, trying again');
          await pauseUnlessAborted(retryDelayMs(failures), signal);
        }
      }
    } finally {
      signal.removeEventListener('abort', drop);
      closeConnection(connection);
    }
  }

  async #readOnce(
    reader: {
      readonly shard: string;
      readonly token: string;
      readonly deliver: (event: QueueEvent) => Promise<void>;
      readonly signal: AbortSignal;
      announced: boolean;
    },
    connection: Redis,
  ): Promise<void> {
    const { shard, token, deliver, signal } = reader;
    if (!reader.announced) {
      await asked('taking an inbox', () => this.#client.set(`${this.#prefix}inbox-reader:${shard}`, token));
      reader.announced = true;
    }
    // From the beginning each time: what was acknowledged is no longer there.
    const entries = await asked('reading an inbox', async () => {
      if (connection.status === 'wait') await connection.connect();
      return await readStream(connection, `${this.#prefix}inbox:${shard}`, { afterId: '0-0', count: batch });
    });
    for (const entry of entries) {
      const event = JSON.parse(fieldsOf(entry).event ?? '') as QueueEvent;
      const context = { signal, logger: this.#logger, reader: `inbox ${shard}` };
      if (!(await deliverUntilAccepted(event, deliver, context))) return;
      const acknowledged = await this.#scripts.number('acknowledge-inbox', {
        nowMs: 0,
        args: [shard, token, entry[0]],
      });
      if (acknowledged !== 1) {
        throw new DozvonError('INBOX_TAKEN', `inbox of ${shard}: expected to be its only reader, another has begun`);
      }
    }
  }
}
