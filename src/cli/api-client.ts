import { DozvonError, messageOf, secondMs } from '../foundation/index.ts';

const requestLimitMs = 10 * secondMs;

/** An event of `GET /api/v1/events`. */
export interface ApiEvent {
  readonly id: string;
  readonly type: string;
  readonly contactId?: string;
  readonly operatorId?: string;
  /** ISO 8601. */
  readonly at: string;
  readonly kind: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A client of the hotline's own API. Rejects with `API_UNREACHABLE`, or `API_REFUSED` with `{status, code}` in its details. */
export interface ApiClient {
  get<T>(path: string): Promise<T>;
  send<T>(method: 'POST' | 'PUT', path: string, body: Readonly<Record<string, unknown>>): Promise<T>;
  /** Delivers events from now on, over reconnections without a gap; resolves when `signal` aborts. `onOpen`: from now on is now. */
  follow(options: {
    readonly onOpen: () => void;
    readonly onEvent: (event: ApiEvent) => void;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

const reconnectMs = 250;

export function createApiClient(access: { readonly url: string; readonly token: string }): ApiClient {
  const headers = { authorization: `Bearer ${access.token}` };
  const request = async <T>(path: string, init: RequestInit): Promise<T> => {
    let response: Response;
    try {
      response = await fetch(`${access.url}/api/v1${path}`, { ...init, signal: AbortSignal.timeout(requestLimitMs) });
    } catch (cause) {
      throw new DozvonError('API_UNREACHABLE', `the API at ${access.url} does not answer: ${messageOf(cause)}`, {
        cause,
      });
    }
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw refused(path, response.status, body);
    return body as T;
  };
  return {
    get: async <T>(path: string) => await request<T>(path, { headers }),
    send: async <T>(method: string, path: string, body: Readonly<Record<string, unknown>>) =>
      await request<T>(path, {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    async follow({ onOpen, onEvent, signal }) {
      let lastId: string | undefined;
      while (!signal.aborted) {
        try {
          const resume: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
          const response = await fetch(`${access.url}/api/v1/events`, { headers: { ...headers, ...resume }, signal });
          if (!response.ok || response.body === null) throw refused('/events', response.status, undefined);
          onOpen();
          for await (const event of eventsOf(response.body)) {
            if (event.id !== '') lastId = event.id;
            onEvent(event);
          }
        } catch {
          // The service may be restarting: it is asked again until the caller of this has had enough.
        }
        if (!signal.aborted) await pause(reconnectMs, signal);
      }
    },
  };
}

function refused(path: string, status: number, body: unknown): DozvonError {
  const field = (name: string): string | undefined => {
    const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const code = field('code') ?? 'unknown';
  const detail = field('detail') ?? field('title');
  const message = `the API refused ${path}: ${status} ${code}${detail === undefined ? '' : ` (${detail})`}`;
  return new DozvonError('API_REFUSED', message, { details: { status, code } });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Server-sent events (WHATWG HTML, 9.2): blocks of `field: value` lines, ended by an empty line. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ApiEvent> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = parseBlock(text.slice(0, end));
      text = text.slice(end + 2);
      if (event !== undefined) yield event;
    }
  }
}

function parseBlock(block: string): ApiEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const match = /^(\w+): ?(.*)$/.exec(line);
    if (match?.[1] !== undefined) fields.set(match[1], match[2] ?? '');
  }
  const data = fields.get('data');
  if (data === undefined) return undefined;
  return {
    id: fields.get('id') ?? '',
    type: fields.get('event') ?? '',
    ...(JSON.parse(data) as Omit<ApiEvent, 'id' | 'type'>),
  };
}
