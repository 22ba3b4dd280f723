import { z } from 'zod';

/**
 * Every way in which the API says no (RFC 9457). `code` is stable and is what clients compare; status and title belong to it.
 * HTTP statuses are written here and nowhere else.
 */
const problems = {
  INVALID_INPUT: { status: 400, title: 'The request has faults' },
  MALFORMED_REQUEST: { status: 400, title: 'The request cannot be read' },
  UNAUTHENTICATED: { status: 401, title: 'A bearer token is needed' },
  FORBIDDEN: { status: 403, title: 'The token has no right to do this' },
  NOT_FOUND: { status: 404, title: 'There is nothing at this address' },
  UNKNOWN_OPERATOR: { status: 404, title: 'There is no such operator' },
  UNKNOWN_QUEUE: { status: 404, title: 'There is no such queue' },
  UNKNOWN_CONTACT: { status: 404, title: 'There is no such contact' },
  CONTACT_NOT_WAITING: { status: 404, title: 'There is no such contact in a queue' },
  UNKNOWN_LINE: { status: 404, title: 'There is no such line' },
  UNKNOWN_CALL_BACK: { status: 404, title: 'There is no such call-back' },
  NO_CALL_BACKS: { status: 404, title: 'This hotline calls nobody back' },
  UNKNOWN_CASE: { status: 404, title: 'There is no such case' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request came too slowly' },
  OPERATOR_NOT_SIGNED_IN: { status: 409, title: 'The operator is not signed in' },
  OPERATOR_NOT_IN_WRAP_UP: { status: 409, title: 'The operator is not in wrap-up' },
  CALL_BACK_BEING_DIALLED: { status: 409, title: "The caller's phone is ringing" },
  CALL_BACK_OVER: { status: 409, title: 'The call-back is over' },
  NO_ROOM_FOR_CALL_BACK: { status: 409, title: 'No day has operators’ time left for a call-back' },
  OUTSIDE_CALLING_HOURS: { status: 409, title: 'The number may not be called then' },
  CALLERS_ZONE_UNKNOWN: {
    status: 409,
    title: 'The number may be in a zone where it is night: say where the caller is',
  },
  CALL_BACK_TOO_FAR: { status: 409, title: 'Call-backs are not promised so far ahead' },
  NUMBER_NOT_CALLABLE: { status: 409, title: 'The number cannot be called' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  URI_TOO_LONG: { status: 414, title: 'The address is too long' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body must be JSON' },
  TOO_MANY_REQUESTS: { status: 429, title: 'Too many requests' },
  HEADERS_TOO_LARGE: { status: 431, title: 'The headers are too large' },
  INTERNAL: { status: 500, title: 'Something went wrong here' },
  TOO_MANY_STREAMS: { status: 503, title: 'Too many live streams are open' },
  BUSY: { status: 503, title: 'The service is overloaded' },
  DEPENDENCY_UNAVAILABLE: { status: 503, title: 'A part of the service cannot be reached' },
  STOPPING: { status: 503, title: 'The service is stopping' },
} as const;

export type ProblemCode = keyof typeof problems;

export const problemCodes = Object.keys(problems) as readonly ProblemCode[];

export const problemMediaType = 'application/problem+json';

export const problemSchema = z
  .object({
    type: z.string().describe('urn:dozvon:problem: followed by the code'),
    title: z.string(),
    status: z.int(),
    code: z.enum(problemCodes as [ProblemCode, ...ProblemCode[]]),
    detail: z.string().optional(),
    requestId: z.string().optional(),
    faults: z
      .array(
        z.object({
          in: z.enum(['body', 'querystring', 'params', 'headers']),
          path: z.string().describe('JSON pointer'),
          expected: z.string(),
        }),
      )
      .optional()
      .describe('Every fault of the request'),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;
export type Fault = NonNullable<Problem['faults']>[number];

/** Thrown by a route; the error handler answers with the problem. `detail` is shown to the client: nothing secret, no personal data. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly detail: string | undefined;
  readonly faults: readonly Fault[] | undefined;

  constructor(code: ProblemCode, options: { readonly detail?: string; readonly faults?: readonly Fault[] } = {}) {
    super(options.detail ?? problems[code].title);
    this.name = 'ProblemError';
    this.code = code;
    this.detail = options.detail;
    this.faults = options.faults;
  }
}

export function problemOf(
  code: ProblemCode,
  more: {
    readonly detail?: string | undefined;
    readonly requestId?: string;
    readonly faults?: readonly Fault[] | undefined;
  } = {},
): Problem {
  const { status, title } = problems[code];
  return {
    type: `urn:dozvon:problem:${code}`,
    title,
    status,
    code,
    ...(more.detail === undefined ? {} : { detail: more.detail }),
    ...(more.requestId === undefined ? {} : { requestId: more.requestId }),
    ...(more.faults === undefined ? {} : { faults: [...more.faults] }),
  };
}

export function statusOf(code: ProblemCode): number {
  return problems[code].status;
}
