import { DozvonError } from '../foundation/index.ts';
import type { AriOperations } from './ari.gen.ts';

export type AriOperationName = keyof AriOperations;

export type AriQueryValue = string | number | boolean | readonly (string | number | boolean)[];

/** One request as it goes over the wire. `uri` is relative to `/ari/` and holds no query. */
export interface AriRequest {
  readonly method: string;
  readonly uri: string;
  readonly query?: Readonly<Record<string, AriQueryValue | undefined>>;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  /** Instead of the connection's own limit. */
  readonly timeoutMs?: number;
}

/** `body` is the parsed JSON, made anew at each reading; undefined when the answer had none (204). */
export interface AriResponse {
  readonly status: number;
  readonly body: unknown;
}

/** What an operation of the description needs beside its name. */
export type AriArguments<Name extends AriOperationName> = AriOperations[Name]['params'] & {
  readonly body?: AriOperations[Name]['body'];
};

/** The answer of a described operation: `body` holds what the description promises when `ok`. */
export type AriReply<Name extends AriOperationName> =
  | { readonly ok: true; readonly status: number; readonly body: AriOperations[Name]['result'] }
  | { readonly ok: false; readonly status: number; readonly reason: string };

/** The answer of a described operation; like that of any, its body is read when it is asked for. */
export class AcceptedReply<Name extends AriOperationName> {
  readonly ok = true;
  readonly status: number;
  readonly #response: AriResponse;

  constructor(response: AriResponse) {
    this.status = response.status;
    this.#response = response;
  }

  get body(): AriOperations[Name]['result'] {
    return this.#response.body as AriOperations[Name]['result'];
  }
}

/** Puts the path parameters into their places; what is left over is the query. Six of them a call: so without patterns. */
export function requestOf(name: AriOperationName, given: Readonly<Record<string, unknown>>): AriRequest {
  const space = name.indexOf(' ');
  const inPath: string[] = [];
  let uri = '';
  for (const part of name.slice(space + 2).split('/')) {
    if (uri !== '') uri += '/';
    if (!part.startsWith('{')) {
      uri += part;
      continue;
    }
    const key = part.slice(1, -1);
    const value = given[key];
    if (typeof value !== 'string' || value === '') {
      throw new DozvonError('ARI_PARAMETER_MISSING', `${name}: expected a value for ${key}, got ${typeof value}`);
    }
    inPath.push(key);
    uri += encodeURIComponent(value);
  }
  const query: Record<string, AriQueryValue | undefined> = {};
  for (const key of Object.keys(given)) {
    if (key !== 'body' && !inPath.includes(key)) query[key] = given[key] as AriQueryValue | undefined;
  }
  return {
    method: name.slice(0, space),
    uri,
    query,
    body: given.body as Readonly<Record<string, unknown>> | undefined,
  };
}

/** Asterisk puts the reason of a refusal into `{"message": …}` or `{"error": …}`. */
export function refusalReason(body: unknown): string {
  if (typeof body === 'object' && body !== null) {
    for (const key of ['message', 'error']) {
      const value: unknown = Reflect.get(body, key);
      if (typeof value === 'string') return value;
    }
  }
  return 'no reason given';
}
