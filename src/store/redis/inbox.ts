import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { QueueEvent, QueueInbox } from '../../acd/ports.ts';
import { DozvonError, hasCode, type Logger, messageOf } from '../../foundation/index.ts';
import { deliverUntilAccepted, pauseUnlessAborted, retryDelayMs } from '../deliver.ts';
import { asked, closeConnection } from './connection.ts';
import type { LocalReader, LocalReaders } from './local-readers.ts';
import type { Scripts } from './scripts.ts';
import { fieldsOf, readStream } from './stream-entries.ts';

const batch = 64;

interface Reader extends LocalReader {
  readonly deliver: (event: QueueEvent) => Promise<boolean>;
  /** Undefined: it has not begun to read. */
  lostAnswersSeen: number | undefined;
}

/**
 * Inboxes of the shards: what is in the stream has not been acknowledged. A newer consumer takes over from an older. Offers
 * that this process makes itself come by the results of its verbs instead (`LocalReaders`).
 */
export class RedisInbox implements QueueInbox {
  readonly #scripts: Scripts;
  readonly #prefix: string;
  readonly #logger: Logger;
  readonly #readers: LocalReaders;
  readonly #openBlocking: (name: string) => Redis;

  constructor(parts: {
    readonly scripts: Scripts;
    readonly prefix: string;
    readonly logger: Logger;
    readonly readers: LocalReaders;
    readonly openBlocking: (name: string) => Redis;
  }) {
    this.#scripts = parts.scripts;
    this.#prefix = parts.prefix;
    this.#logger = parts.logger;
    this.#readers = parts.readers;
    this.#openBlocking = parts.openBlocking;
  }

  /** Rejects with `DozvonError('INBOX_TAKEN')` when another consumer of the same shard has begun. */
  async consume(shard: string, deliver: (event: QueueEvent) => Promise<void>, signal: AbortSignal): Promise<void> {
    const context = { signal, logger: this.#logger, reader: `inbox ${shard}` };
    const reader: Reader = {
      shard,
      token: randomUUID(),
      deliver: (event) => deliverUntilAccepted(event, deliver, context),
      hear: (event) => void reader.deliver(event),
      lostAnswersSeen: undefined,
    };
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
      this.#readers.end(reader);
      signal.removeEventListener('abort', drop);
      closeConnection(connection);
    }
  }

  async #readOnce(reader: Reader, connection: Redis): Promise<void> {
    const { shard, token } = reader;
    if (reader.lostAnswersSeen !== this.#readers.lostAnswers) await this.#readTold(reader);
    // From the beginning each time: what was acknowledged is no longer there.
    const entries = await asked('reading an inbox', async () => {
      if (connection.status === 'wait') await connection.connect();
      return await readStream(connection, `${this.#prefix}inbox:${shard}`, { afterId: '0-0', count: batch });
    });
    if (entries.length === 0) return;
    // Each contact's mailbox keeps the order; one contact does not wait for another.
    const accepted = await Promise.all(
      entries.map((entry) => {
        const event = JSON.parse(fieldsOf(entry).event ?? '') as QueueEvent;
        this.#readers.noteStreamed(event);
        return reader.deliver(event);
      }),
    );
    if (accepted.includes(false)) return;
    const args = [shard, token, ...entries.map(([id]) => id)];
    if ((await this.#scripts.number('acknowledge-inbox', { nowMs: 0, args })) !== 1) throw taken(shard);
  }

  /** Takes the inbox; and what rings already, or was made by a verb whose answer was lost, is told (again). */
  async #readTold(reader: Reader): Promise<void> {
    const { shard, token } = reader;
    const { lostAnswers } = this.#readers;
    const begins = reader.lostAnswersSeen === undefined ? 1 : 0;
    const result = await this.#scripts.list('read-told', { nowMs: 0, args: [shard, token, begins] });
    const [outcome, ...texts] = result ?? [];
    if (outcome !== 'told') throw taken(shard);
    reader.lostAnswersSeen = lostAnswers;
    this.#readers.begin(reader);
    for (const text of texts) this.#readers.tell(shard, text);
  }
}

function taken(shard: string): DozvonError {
  return new DozvonError('INBOX_TAKEN', `inbox of ${shard}: expected to be its only reader, another has begun`);
}
