import { withLimit } from '../../src/foundation/index.ts';

export interface ServerEvent {
  readonly id?: string;
  readonly type: string;
  readonly data: { readonly kind?: string; readonly contactId?: string; readonly facts?: Record<string, unknown> };
}

/** A client of server-sent events that collects what comes; every wait is bounded. */
export class EventSourceClient {
  readonly status: number;
  readonly contentType: string | null;
  readonly events: ServerEvent[] = [];
  readonly #abort: AbortController;
  readonly #ended: Promise<void>;
  #waiting: { readonly enough: (events: readonly ServerEvent[]) => boolean; readonly resolve: () => void } | undefined;

  private constructor(response: Response, abort: AbortController) {
    this.status = response.status;
    this.contentType = response.headers.get('content-type');
    this.#abort = abort;
    this.#ended = this.#read(response).catch(() => undefined);
  }

  static async open(url: string, headers: Readonly<Record<string, string>>): Promise<EventSourceClient> {
    const abort = new AbortController();
    return new EventSourceClient(await fetch(url, { headers: { ...headers }, signal: abort.signal }), abort);
  }

  /** Resolves once the events received so far are `enough`. */
  async until(enough: (events: readonly ServerEvent[]) => boolean, limitMs = 5_000): Promise<readonly ServerEvent[]> {
    if (!enough(this.events)) {
      const waited = new Promise<void>((resolve) => {
        this.#waiting = { enough, resolve };
      });
      await withLimit(
        waited,
        limitMs,
        `server-sent events (have ${this.events.map((event) => event.data.kind ?? event.type).join(', ')})`,
      );
    }
    return this.events;
  }

  /** Resolves when the server has ended the stream. */
  ended(limitMs = 5_000): Promise<void> {
    return withLimit(this.#ended, limitMs, 'end of the stream');
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }

  async #read(response: Response): Promise<void> {
    let text = '';
    for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        this.#take(text.slice(0, end));
        text = text.slice(end + 2);
      }
    }
  }

  #take(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    );
    const type = fields.get('event');
    if (type === undefined) return; // a heartbeat
    const id = fields.get('id');
    const data = JSON.parse(fields.get('data') ?? '{}') as ServerEvent['data'];
    this.events.push({ type, data, ...(id === undefined ? {} : { id }) });
    if (this.#waiting?.enough(this.events) === true) this.#waiting.resolve();
  }
}
