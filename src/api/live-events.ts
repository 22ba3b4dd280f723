import { setTimeout as pause } from 'node:timers/promises';
import type { EventStream, StreamEvent } from '../contact/store-ports.ts';
import { type Logger, messageOf, secondMs } from '../foundation/index.ts';

/** Events kept for those who resume or look at a contact that is under way: an hour of a busy hotline, some megabytes. */
const historyEvents = 20_000;
/** Where the stream begins; the ids of both its implementations count up from here. */
const streamStart = '0-0';
const firstRetryMs = 250;
const longestRetryMs = 5 * secondMs;

export interface Subscription {
  /** Events already past, oldest first. */
  readonly past: readonly StreamEvent[];
  /** False: some events after `afterId` are not kept any more. */
  readonly complete: boolean;
  end(): void;
}

/**
 * One reader of the event stream for every live view of this process, with the recent past: a hundred open pages cost Redis one
 * connection. Lives from `start()` to `stop()`.
 */
export class LiveEvents {
  readonly #stream: Pick<EventStream, 'follow'>;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #listeners = new Set<(event: StreamEvent) => void>();
  #events: StreamEvent[] = [];
  #following: Promise<void> | undefined;

  constructor(stream: Pick<EventStream, 'follow'>, logger: Logger) {
    this.#stream = stream;
    this.#logger = logger;
  }

  start(): void {
    this.#following ??= this.#follow();
  }

  /** Goes on after the last event whenever the stream could not be read, until `stop()`. */
  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      try {
        await this.#stream.follow(
          this.#events.at(-1)?.id ?? streamStart,
          (event) => {
            retryMs = firstRetryMs;
            this.#take(event);
          },
          signal,
        );
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
    this.#listeners.clear();
    await this.#following;
  }

  /**
   * Past events after `afterId` (undefined: `from` says whether all that is kept or none) and, from this moment on, every event to
   * `listener`: nothing falls between the two.
   */
  subscribe(
    position: { readonly afterId: string } | { readonly from: 'history' | 'now' },
    listener: (event: StreamEvent) => void,
  ): Subscription {
    this.#listeners.add(listener);
    const end = (): void => void this.#listeners.delete(listener);
    if ('from' in position) return { past: position.from === 'history' ? [...this.#events] : [], complete: true, end };
    const index = this.#events.findLastIndex((event) => event.id === position.afterId);
    return { past: this.#events.slice(index + 1), complete: index >= 0, end };
  }

  #take(event: StreamEvent): void {
    this.#events.push(event);
    // In big steps: each cut copies what stays.
    if (this.#events.length > historyEvents * 1.2) this.#events = this.#events.slice(-historyEvents);
    for (const listener of this.#listeners) listener(event);
  }
}
