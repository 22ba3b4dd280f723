import type { Redis } from 'ioredis';
import type { StreamEvent } from '../../contact/store-ports.ts';
import { type Logger, messageOf } from '../../foundation/index.ts';
import { pauseUnlessAborted, retryDelayMs } from '../deliver.ts';
import { asked, closeConnection } from './connection.ts';
import { eventOf, isAfter, readStream, type StreamEntry } from './stream-entries.ts';

const batch = 256;
/**
 * After a read, so that a call in full swing does not cost a read an event. People look at live views: must stay below what they
 * see as a delay (100 ms).
 */
const gatherMs = 50;

interface Follower {
  readonly deliver: (event: StreamEvent) => void;
  readonly fail: (error: unknown) => void;
  cursor: string;
  /** Live events that came while older ones were still being read; undefined once it has caught up. */
  behind: StreamEvent[] | undefined;
}

/** One connection reads the end of the event stream for all live views of this process, while there are any. */
export class EventTail {
  readonly #client: Redis;
  readonly #stream: string;
  readonly #logger: Logger;
  readonly #openBlocking: (name: string) => Redis;
  readonly #followers = new Set<Follower>();
  #reading: AbortController | undefined;

  constructor(parts: {
    readonly client: Redis;
    readonly prefix: string;
    readonly logger: Logger;
    readonly openBlocking: (name: string) => Redis;
  }) {
    this.#client = parts.client;
    this.#stream = `${parts.prefix}events`;
    this.#logger = parts.logger;
    this.#openBlocking = parts.openBlocking;
  }

  async follow(afterId: string | undefined, deliver: (event: StreamEvent) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const cursor = afterId ?? (await this.newest());
    // Nobody would hear of it any more.
    if (wasAborted(signal)) return;
    const ended = Promise.withResolvers<void>();
    ended.promise.catch(() => undefined); // It may fail before it is awaited.
    const follower: Follower = { deliver, fail: ended.reject, cursor, behind: [] };
    const end = (): void => ended.resolve();
    signal.addEventListener('abort', end, { once: true });
    this.#followers.add(follower);
    try {
      // Read from the end on before asking for what is older: nothing falls in between.
      if (!this.#isReading()) this.#startReading(afterId === undefined ? cursor : await this.newest());
      await this.#catchUp(follower, signal);
      await ended.promise;
    } finally {
      signal.removeEventListener('abort', end);
      this.#followers.delete(follower);
      if (this.#followers.size === 0) this.#reading?.abort();
    }
  }

  async #catchUp(follower: Follower, signal: AbortSignal): Promise<void> {
    for (let full = true; full && !signal.aborted; ) {
      const entries = await asked('reading older events', () =>
        this.#client.xrange(this.#stream, `(${follower.cursor}`, '+', 'COUNT', batch),
      );
      for (const entry of entries) pass(follower, eventOf(entry));
      full = entries.length === batch;
    }
    const behind = follower.behind ?? [];
    follower.behind = undefined;
    for (const event of behind) pass(follower, event);
  }

  #isReading(): boolean {
    return this.#reading !== undefined && !this.#reading.signal.aborted;
  }

  /** `fromId` matters to the first follower only. */
  #startReading(fromId: string): void {
    // Somebody may have begun while the end was asked for; or the one it was asked for has left.
    if (this.#isReading() || this.#followers.size === 0) return;
    const reading = new AbortController();
    this.#reading = reading;
    void this.#read(fromId, reading.signal);
  }

  async #read(fromId: string, signal: AbortSignal): Promise<void> {
    const connection = this.#openBlocking('tail');
    const drop = (): void => closeConnection(connection);
    signal.addEventListener('abort', drop, { once: true });
    let cursor = fromId;
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (connection.status === 'wait') await connection.connect();
        const entries = await readStream(connection, this.#stream, { afterId: cursor, count: batch });
        for (const entry of entries) this.#deliver(entry);
        cursor = entries.at(-1)?.[0] ?? cursor;
        failures = 0;
        if (entries.length > 0 && entries.length < batch) await pauseUnlessAborted(gatherMs, signal);
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        this.#logger.warn({ error: messageOf(error) }, 'live events cannot be read, trying again');
        await pauseUnlessAborted(retryDelayMs(failures), signal);
      }
    }
    closeConnection(connection);
  }

  #deliver(entry: StreamEntry): void {
    const event = eventOf(entry);
    for (const follower of this.#followers) {
      if (follower.behind === undefined) pass(follower, event);
      else follower.behind.push(event);
    }
  }

  /** Id of the newest event. */
  async newest(): Promise<string> {
    const [last] = await asked('reading the last event', () =>
      this.#client.xrevrange(this.#stream, '+', '-', 'COUNT', 1),
    );
    return last?.[0] ?? '0-0';
  }
}

/** Asked again after an await: the compiler would take the answer for what it was before. */
function wasAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Hands the event on unless the follower has had it; a view that fails ends, and only that one. */
function pass(follower: Follower, event: StreamEvent): void {
  if (!isAfter(event.id, follower.cursor)) return;
  follower.cursor = event.id;
  try {
    follower.deliver(event);
  } catch (error) {
    follower.fail(error);
  }
}
