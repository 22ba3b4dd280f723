import { setTimeout as pause } from 'node:timers/promises';
import type { EventStream, StreamEvent } from '../contact/store-ports.ts';
import { type ContactId, type Logger, messageOf, secondMs } from '../foundation/index.ts';

/** How far back a contact's events are looked for: some minutes of a busy hotline. What is older is in the contact's record. */
const lookBackEvents = 20_000;
const firstRetryMs = 250;
const longestRetryMs = 5 * secondMs;

/** What live views need of the stream. */
export type LiveStream = Pick<EventStream, 'follow' | 'beginning' | 'pastOf'>;

/** Live views of this process. Nothing is read while nobody watches; a view that resumes does so from the stream's own history. */
export class LiveEvents {
  readonly #stream: LiveStream;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #views = new Set<Promise<void>>();

  constructor(stream: LiveStream, logger: Logger) {
    this.#stream = stream;
    this.#logger = logger;
  }

  /** After which event a view begins (`EventStream.beginning`). */
  async beginning(lastSeenId: string | undefined): Promise<{ readonly afterId: string; readonly complete: boolean }> {
    return await this.#stream.beginning(lastSeenId);
  }

  /** What the stream still holds of a contact, up to the event `upToId`, oldest first. */
  async pastOf(contactId: ContactId, upToId: string): Promise<readonly StreamEvent[]> {
    return await this.#stream.pastOf(contactId, { upToId, most: lookBackEvents });
  }

  /** Every event after `afterId` to `listener`, each once and in order, until the function returned is called or `stop()`. */
  follow(afterId: string, listener: (event: StreamEvent) => void): () => void {
    const ended = new AbortController();
    const view = this.#follow(afterId, listener, AbortSignal.any([ended.signal, this.#stopping.signal]));
    this.#views.add(view);
    void view.finally(() => this.#views.delete(view));
    return () => ended.abort();
  }

  /** Goes on after the last event whenever the stream could not be read. */
  async #follow(afterId: string, listener: (event: StreamEvent) => void, signal: AbortSignal): Promise<void> {
    let cursor = afterId;
    let retryMs = firstRetryMs;
    const take = (event: StreamEvent): void => {
      cursor = event.id;
      retryMs = firstRetryMs;
      listener(event);
    };
    while (!signal.aborted) {
      try {
        await this.#stream.follow(cursor, take, signal);
      } catch (error) {
        this.#logger.warn({ reason: messageOf(error) }, 'live events are interrupted, trying again');
      }
      if (signal.aborted) return;
      await pause(retryMs, undefined, { signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, longestRetryMs);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#views);
  }
}
