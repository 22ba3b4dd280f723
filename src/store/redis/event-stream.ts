import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { EventStream, StreamEvent } from '../../contact/store-ports.ts';
import {
  type ContactId,
  DozvonError,
  hasCode,
  type Logger,
  messageOf,
  minuteMs,
  secondMs,
} from '../../foundation/index.ts';
import { deliverUntilAccepted, pauseUnlessAborted, retryDelayMs } from '../deliver.ts';
import { asked, closeConnection } from './connection.ts';
import type { EventTail } from './event-tail.ts';
import type { Scripts } from './scripts.ts';
import { eventOf, isAfter, isEventId, readStream } from './stream-entries.ts';

/** Most that are delivered, and come again after a crash, at once. */
const batch = 256;
/** After a batch that was not full, so that the next gathers: whoever reads with acknowledgements writes down, nobody waits for it. */
const gatherMs = 100;
/** A reader that died is followed by the next one of its name after this long; delivering may take longer, it is renewed. */
const turnMs = 10 * secondMs;
const renewTurnMs = 3 * secondMs;
/** How often one that waits for its turn asks: nobody tells when a process has died. */
const askForTurnMs = secondMs;
/** Events younger than this stay for live views to resume in, read or not. */
const historyMs = 10 * minuteMs;

type Deliver = (events: readonly StreamEvent[]) => Promise<void>;

interface Reader {
  readonly name: string;
  readonly token: string;
  readonly deliver: Deliver;
}

/** The common event stream in Redis. */
export class RedisEventStream implements EventStream {
  readonly #client: Redis;
  readonly #scripts: Scripts;
  readonly #prefix: string;
  readonly #events: string;
  readonly #logger: Logger;
  readonly #tail: EventTail;
  readonly #openBlocking: (name: string) => Redis;

  constructor(parts: {
    readonly client: Redis;
    readonly scripts: Scripts;
    readonly prefix: string;
    readonly logger: Logger;
    readonly tail: EventTail;
    readonly openBlocking: (name: string) => Redis;
  }) {
    this.#client = parts.client;
    this.#scripts = parts.scripts;
    this.#prefix = parts.prefix;
    this.#events = `${parts.prefix}events`;
    this.#logger = parts.logger;
    this.#tail = parts.tail;
    this.#openBlocking = parts.openBlocking;
  }

  /** Over all processes, one consumer a name at a time; the others wait for their turn. */
  async consume(name: string, deliver: Deliver, signal: AbortSignal): Promise<void> {
    const reader: Reader = { name, token: randomUUID(), deliver };
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (await this.#keepTurn(reader, turnMs)) await this.#consumeInTurn(reader, signal);
        else await pauseUnlessAborted(askForTurnMs, signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        if (hasCode(error, 'REDIS_REFUSED')) throw error;
        failures += 1;
        this.#logger.warn({ reader: name, error: messageOf(error) }, 'events cannot be read, trying again');
        await pauseUnlessAborted(retryDelayMs(failures), signal);
      }
    }
    await this.#keepTurn(reader, 0).catch(() => undefined); // It runs out by itself when this fails.
  }

  follow(afterId: string | undefined, deliver: (event: StreamEvent) => void, signal: AbortSignal): Promise<void> {
    return this.#tail.follow(afterId, deliver, signal);
  }

  async beginning(lastSeenId: string | undefined): Promise<{ readonly afterId: string; readonly complete: boolean }> {
    const newest = await this.#tail.newest();
    if (lastSeenId === undefined) return { afterId: newest, complete: true };
    // A client may send anything that looks like an id, of a time to come as well.
    if (!isEventId(lastSeenId) || isAfter(lastSeenId, newest)) return { afterId: newest, complete: false };
    const found = await asked('looking an event up', () =>
      this.#client.xrange(this.#events, lastSeenId, lastSeenId, 'COUNT', 1),
    );
    return { afterId: lastSeenId, complete: found.length > 0 };
  }

  async pastOf(
    contactId: ContactId,
    { upToId, most }: { readonly upToId: string; readonly most: number },
  ): Promise<readonly StreamEvent[]> {
    const past: StreamEvent[] = [];
    let end = upToId;
    for (let seen = 0; seen < most; ) {
      const count = Math.min(batch, most - seen);
      const entries = await asked('reading past events', () =>
        this.#client.xrevrange(this.#events, end, '-', 'COUNT', count),
      );
      for (const entry of entries) {
        const event = eventOf(entry);
        if (event.contactId === contactId) past.push(event);
      }
      seen += entries.length;
      const oldest = entries.at(-1)?.[0];
      if (entries.length < count || oldest === undefined) break;
      end = `(${oldest}`;
    }
    return past.reverse();
  }

  async #consumeInTurn(reader: Reader, stop: AbortSignal): Promise<void> {
    const lost = new AbortController();
    const signal = AbortSignal.any([stop, lost.signal]);
    const renewal = setInterval(() => {
      this.#keepTurn(reader, turnMs).then(
        (kept) => kept || lost.abort(),
        () => undefined, // Out of reach: what is read and acknowledged fails as well, and says so.
      );
    }, renewTurnMs);
    const connection = this.#openBlocking(`events-${reader.name}`);
    const drop = (): void => closeConnection(connection);
    signal.addEventListener('abort', drop, { once: true });
    try {
      await asked('connecting a reader', () => connection.connect());
      let cursor = (await this.#client.hget(`${this.#prefix}readers`, reader.name)) ?? '0-0';
      while (!signal.aborted) cursor = await this.#deliverSome(reader, { connection, cursor, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(renewal);
      signal.removeEventListener('abort', drop);
      closeConnection(connection);
    }
  }

  /** Delivers the next events and acknowledges them together: after a crash at most one batch comes again. */
  async #deliverSome(
    reader: Reader,
    at: { readonly connection: Redis; readonly cursor: string; readonly signal: AbortSignal },
  ): Promise<string> {
    const entries = await asked('reading events', () =>
      readStream(at.connection, this.#events, { afterId: at.cursor, count: batch }),
    );
    const last = entries.at(-1)?.[0];
    if (last === undefined) return at.cursor;
    const context = { signal: at.signal, logger: this.#logger, reader: reader.name };
    if (!(await deliverUntilAccepted(entries.map(eventOf), reader.deliver, context))) return at.cursor;
    const args = [reader.name, reader.token, last, historyMs];
    if ((await this.#scripts.number('acknowledge-events', { nowMs: 0, args })) !== 1) {
      throw new DozvonError('TURN_LOST', `reader ${reader.name}: expected its turn to last, another has begun`);
    }
    if (entries.length < batch) await pauseUnlessAborted(gatherMs, at.signal);
    return last;
  }

  async #keepTurn(reader: Reader, lastsMs: number): Promise<boolean> {
    return (await this.#scripts.number('keep-turn', { nowMs: 0, args: [reader.name, reader.token, lastsMs] })) === 1;
  }
}
