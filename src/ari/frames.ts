import type { RawData } from 'ws';
import type { AriEvent } from './ari.gen.ts';
import type { AriRequest, AriResponse } from './operations.ts';

/** A request as Asterisk reads it; `id` comes back with the answer. */
export function frameOf(request: AriRequest, id: string): string {
  const { method, uri, query = {}, body } = request;
  const pairs: { readonly name: string; readonly value: string }[] = [];
  for (const name of Object.keys(query)) {
    const value = query[name];
    if (value !== undefined) pairs.push({ name, value: Array.isArray(value) ? value.join(',') : String(value) });
  }
  return JSON.stringify({
    type: 'RESTRequest',
    transaction_id: id,
    request_id: id,
    method,
    uri,
    // What is undefined is left out.
    query_strings: pairs.length > 0 ? pairs : undefined,
    content_type: body === undefined ? undefined : 'application/json',
    message_body: body === undefined ? undefined : JSON.stringify(body),
  });
}

/** Undefined for what is no JSON object with a type. */
export function parseMessage(data: RawData): AriEvent | undefined {
  try {
    const value: unknown = JSON.parse(textOf(data));
    if (typeof value === 'object' && value !== null && typeof Reflect.get(value, 'type') === 'string')
      return value as AriEvent;
  } catch {
    // Falls through: the caller reports what is no JSON together with what has no type.
  }
  return undefined;
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString();
}

/** The body is read when it is asked for: most answers matter by their status alone. */
export class Answer implements AriResponse {
  readonly status: number;
  readonly #text: string | undefined;

  constructor(status: number, text: string | undefined) {
    this.status = status;
    this.#text = text;
  }

  get body(): unknown {
    return parseBody(this.#text);
  }
}

/** The JSON of an answer's body, its text when it is no JSON, undefined when there is none. */
function parseBody(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
