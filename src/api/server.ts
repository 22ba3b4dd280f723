import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import { fastify } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { DozvonError, type Logger, minuteMs, newId, secondMs } from '../foundation/index.ts';
import { type Authenticator, guardAccess } from './access.ts';
import { answerBrokenConnection, answerError, handleErrors, sendProblem } from './error-handling.ts';
import { EventStreams } from './event-streams.ts';
import { LiveEvents } from './live-events.ts';
import { describeApi } from './openapi.ts';
import type { ApiPorts } from './ports.ts';
import { callBackRoutes } from './routes/call-backs.ts';
import { caseRoutes } from './routes/cases.ts';
import { contactRoutes } from './routes/contacts.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { lineRoutes } from './routes/lines.ts';
import { operatorRoutes } from './routes/operators.ts';
import { queueRoutes } from './routes/queues.ts';
import { serviceLevelRoutes } from './routes/service-levels.ts';
import { waitingRoutes } from './routes/waiting.ts';
import type { ApiServer } from './server-types.ts';

export interface ApiSettings {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Requests a minute for one token; default 6,000. */
  readonly requestsPerMinute?: number;
}

export interface Api {
  /** Resolves once requests are served; rejects with `API_NOT_LISTENING` when the address cannot be had. */
  start(): Promise<{ readonly url: string }>;
  /** Ends live streams, lets running requests finish, closes. */
  stop(): Promise<void>;
  /** The OpenAPI document; nothing needs to have been started. */
  openApi(): Promise<object>;
}

/** No request of ours carries more than a few lines. */
const bodyLimitBytes = 65_536;
/** Running requests may take this long to finish when the API stops; well below the process's own limit. */
const closeLimitMs = 2 * secondMs;
/** A whole request, headers and body, must have come by then. */
const requestLimitMs = 15 * secondMs;
/** Above every bound of the stores, so that their own codes are told rather than this. */
const handlerLimitMs = 30 * secondMs;
/** Without a token only health and documentation are served: enough for their pages, too little to guess tokens. */
const anonymousPerMinute = 120;
const defaultPerMinute = 6_000;
/** Calls come first: a process this late refuses requests rather than fall behind further. */
const longestLoopDelayMs = secondMs;
/** Longest part of a path; ids are 64 at most. */
const longestParam = 128;

export function createApi(parts: {
  readonly ports: ApiPorts;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  readonly settings: ApiSettings;
}): Api {
  const { ports, settings } = parts;
  const logger = parts.logger.child({ room: 'api' });
  const live = new LiveEvents(ports.events, logger);
  const streams = new EventStreams();
  const server = newServer(logger, ports);
  server.addHook('preClose', async () => streams.stop());
  const built = build(server, { ...parts, logger, live, streams });
  // Awaited by start() and openApi(); unhandled before that it must not end the process.
  built.catch(() => undefined);

  return {
    async start() {
      await built;
      try {
        return { url: await server.listen({ host: settings.host, port: settings.port }) };
      } catch (error) {
        throw new DozvonError('API_NOT_LISTENING', `the API cannot listen on ${settings.host}:${settings.port}`, {
          cause: error,
        });
      }
    },
    async stop() {
      await built.catch(() => undefined);
      // A connection that a client opened ahead and has sent nothing on is not idle to Node: it would hold the close for a minute.
      const cut = setTimeout(() => server.server.closeAllConnections(), closeLimitMs);
      try {
        await server.close();
      } finally {
        clearTimeout(cut);
      }
      await live.stop();
    },
    async openApi() {
      await built;
      await server.ready();
      return server.swagger();
    },
  };
}

function newServer(logger: Logger, ports: ApiPorts): ApiServer {
  const server = fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestLimitMs,
    handlerTimeout: handlerLimitMs,
    // Streams last; the heartbeat keeps them alive.
    connectionTimeout: 0,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: longestParam, ignoreTrailingSlash: true },
    genReqId: () => newId<string>('q', ports.clock.nowMs()),
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply, logger),
    clientErrorHandler: answerBrokenConnection,
  });
  server.server.headersTimeout = requestLimitMs;
  return server.withTypeProvider<ZodTypeProvider>();
}

async function build(
  server: ApiServer,
  parts: {
    readonly ports: ApiPorts;
    readonly authenticator: Authenticator;
    readonly logger: Logger;
    readonly settings: ApiSettings;
    readonly live: LiveEvents;
    readonly streams: EventStreams;
  },
): Promise<void> {
  const { ports, settings, live, streams, logger } = parts;
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  handleErrors(server, logger);
  logRequests(server, logger);
  guardAccess(server, parts.authenticator);
  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    // Belongs to whoever serves HTTPS: said over plain HTTP it means nothing, said behind a proxy it binds the proxy.
    strictTransportSecurity: false,
  });
  await server.register(underPressure, {
    maxEventLoopDelay: longestLoopDelayMs,
    pressureHandler: (request, reply) => {
      // Health still answers: a busy process is alive.
      if (request.routeOptions.config.access !== 'public') sendProblem(reply, 'BUSY');
    },
  });
  await server.register(rateLimit, {
    timeWindow: minuteMs,
    max: (request) =>
      request.principal === undefined ? anonymousPerMinute : (settings.requestsPerMinute ?? defaultPerMinute),
    keyGenerator: (request) =>
      request.principal === undefined ? `address:${request.ip}` : `token:${request.principal.actor.id}`,
  });
  await describeApi(server);
  server.setNotFoundHandler({ preHandler: server.rateLimit() }, (_request, reply) => sendProblem(reply, 'NOT_FOUND'));
  healthRoutes(server, ports);
  operatorRoutes(server, ports);
  queueRoutes(server, ports);
  waitingRoutes(server, ports);
  callBackRoutes(server, ports);
  lineRoutes(server, ports);
  serviceLevelRoutes(server, ports);
  contactRoutes(server, ports);
  caseRoutes(server, ports);
  eventRoutes(server, ports, { live, streams });
}

/** The route's pattern, never the address: a filter may hold a caller's number. */
function logRequests(server: ApiServer, logger: Logger): void {
  server.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    void reply.header('cache-control', 'no-store');
  });
  server.addHook('onResponse', async (request, reply) => {
    const fields = {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime),
      actor: request.principal?.actor.id ?? 'anonymous',
    };
    logger.debug(fields, 'request served');
  });
}
