import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DozvonError, type Logger, messageOf } from '../foundation/index.ts';
import { type Fault, type ProblemCode, ProblemError, problemMediaType, problemOf, statusOf } from './problems.ts';

/** When the client may try again after something was away; most restarts of a part take no longer. */
const retryAfterSeconds = 5;

/** What the rooms and stores throw when a part is away: nothing is wrong with the request, it may be sent again. */
const awayCodes: ReadonlySet<string> = new Set([
  'DATABASE_UNAVAILABLE',
  'REDIS_UNAVAILABLE',
  'TELEPHONY_UNAVAILABLE',
  'TIMED_OUT',
]);

const frameworkCodes: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'MALFORMED_REQUEST',
  FST_ERR_CTP_INVALID_JSON_BODY: 'MALFORMED_REQUEST',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'MALFORMED_REQUEST',
  FST_ERR_BAD_URL: 'MALFORMED_REQUEST',
  FST_ERR_MAX_PARAM_LENGTH: 'URI_TOO_LONG',
  FST_ERR_HANDLER_TIMEOUT: 'BUSY',
};

/** Answers with a problem document; the request's id leads from it to the log. */
export function sendProblem(
  reply: FastifyReply,
  code: ProblemCode,
  more: { readonly detail?: string | undefined; readonly faults?: readonly Fault[] | undefined } = {},
): FastifyReply {
  if (code === 'UNAUTHENTICATED') void reply.header('www-authenticate', 'Bearer');
  if (statusOf(code) === 503) void reply.header('retry-after', retryAfterSeconds);
  // As text: the serialiser of the route knows only what the route answers when all is well.
  return reply
    .code(statusOf(code))
    .type(problemMediaType)
    .send(JSON.stringify(problemOf(code, { ...more, requestId: reply.request.id })));
}

/** Every error of every route becomes a problem; what is nobody's fault but ours is logged and told without detail. */
export function handleErrors(server: FastifyInstance, logger: Logger): void {
  server.setErrorHandler((error: FastifyError | Error, request, reply) => answerError(error, request, reply, logger));
}

export function answerError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const part = (error.validationContext ?? 'body') as Part;
    const faults = error.validation.map(({ instancePath, message }) => ({
      in: part,
      path: instancePath,
      expected: message ?? '',
    }));
    return sendProblem(reply, 'INVALID_INPUT', { faults: [...faults, ...faultsBehind(part, request)] });
  }
  if (error instanceof ProblemError)
    return sendProblem(reply, error.code, { detail: error.detail, faults: error.faults });
  if (error instanceof DozvonError && awayCodes.has(error.code)) {
    logger.warn({ requestId: request.id, code: error.code }, 'a request could not be served');
    return sendProblem(reply, 'DEPENDENCY_UNAVAILABLE', { detail: error.code });
  }
  const known = 'code' in error ? frameworkCodes[error.code] : undefined;
  if (known !== undefined) return sendProblem(reply, known);
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
  if (status === 408) return sendProblem(reply, 'REQUEST_TIMEOUT');
  if (status === 429) return sendProblem(reply, 'TOO_MANY_REQUESTS');
  if (status >= 400 && status < 500) return sendProblem(reply, 'MALFORMED_REQUEST');
  const code = 'code' in error ? error.code : error.name;
  logger.error(
    { requestId: request.id, route: request.routeOptions.url, code, reason: messageOf(error), stack: error.stack },
    'a request failed',
  );
  return sendProblem(reply, 'INTERNAL');
}

type Part = Fault['in'];

/** The parts of a request in the order in which Fastify checks them; it stops at the first that has faults. */
const checkedParts: readonly Part[] = ['params', 'body', 'querystring', 'headers'];

/** Faults in the parts behind the one that was refused, so that a client hears of all at once. */
function faultsBehind(refused: Part, request: FastifyRequest): readonly Fault[] {
  const { schema } = request.routeOptions;
  return checkedParts.slice(checkedParts.indexOf(refused) + 1).flatMap((part) => {
    const partSchema = schema?.[part];
    if (!(partSchema instanceof z.ZodType)) return [];
    const { error } = partSchema.safeParse(part === 'querystring' ? request.query : request[part]);
    return (error?.issues ?? []).map(({ path, message }) => ({
      in: part,
      path: `/${path.join('/')}`,
      expected: message,
    }));
  });
}

/** What never became a request: Node's parser gave up, so the answer is written by hand and the connection closed. */
export function answerBrokenConnection(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const codes: Readonly<Record<string, ProblemCode>> = {
    HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
    ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  };
  const code = codes[error.code ?? ''] ?? 'MALFORMED_REQUEST';
  const body = JSON.stringify(problemOf(code));
  const head = [
    `HTTP/1.1 ${statusOf(code)} ${code}`,
    `Content-Type: ${problemMediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  if (socket.writable) socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  else socket.destroy();
}
