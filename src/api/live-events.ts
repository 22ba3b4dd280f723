import type { EventStream, StreamEvent } from '../contact/store-ports.ts';

/** Events kept for those who resume or look at a contact that is under way: an hour of a busy hotline, some megabytes. */
const historyEvents = 20_000;
/** Where the stream begins; the ids of both its implementations count up from here. */
const streamStart = '0-0';

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
  readonly #stopping = new AbortController();
  readonly #listeners = new Set<(event: StreamEvent) => void>();
  #events: StreamEvent[] = [];
  #following: Promise<void> | undefined;

  constructor(stream: Pick<EventStream, 'follow'>) {
    this.#stream = stream;
  }

  start(): void {
    this.#following ??= this.#stream.follow(streamStart, (event) => this.#take(event), this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#listeners.clear();
    await this.#following?.catch(() => undefined);
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
