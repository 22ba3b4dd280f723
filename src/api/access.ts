import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Actor } from '../foundation/index.ts';
import { ProblemError } from './problems.ts';

/** What a token may do. `pii:read` shows callers' numbers; each showing is journalled. */
export const scopes = ['read', 'operators:write', 'queues:write', 'callBacks:write', 'pii:read'] as const;
export type Scope = (typeof scopes)[number];

/** Who asks. */
export interface Principal {
  readonly actor: Actor;
  readonly scopes: ReadonlySet<Scope>;
}

/** Knows bearer tokens; others (sessions of staff, OIDC) come as further implementations. */
export interface Authenticator {
  /** Undefined: nobody we know. */
  authenticate(bearer: string): Promise<Principal | undefined>;
}

export interface ApiToken {
  readonly tokenId: string;
  /** `hashToken(token)`; the token itself is not kept. */
  readonly tokenHash: string;
  readonly scopes: readonly Scope[];
}

/** SHA-256, hexadecimal. Tokens are long and random, so a fast hash is enough (a password would need a slow one). */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Tokens known at start. Every token is compared, in the same time, whichever fits. */
export function tokenAuthenticator(tokens: readonly ApiToken[]): Authenticator {
  const known = tokens.map((token) => ({
    hash: Buffer.from(token.tokenHash, 'hex'),
    principal: { actor: { kind: 'token', id: token.tokenId }, scopes: new Set(token.scopes) } satisfies Principal,
  }));
  return {
    authenticate: async (bearer) => {
      const hash = Buffer.from(hashToken(bearer), 'hex');
      let found: Principal | undefined;
      for (const token of known) {
        if (token.hash.length === hash.length && timingSafeEqual(token.hash, hash)) found = token.principal;
      }
      return found;
    },
  };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined without a valid token (only `public` routes are then served). */
    principal: Principal | undefined;
  }
  interface FastifyContextConfig {
    /** The scope a route needs; a route under /api without one does not start. */
    access?: 'public' | Scope;
  }
}

const apiPrefix = '/api/';

/** Says who asks (before limits, which are per token) and refuses who may not (before the body is read). */
export function guardAccess(server: FastifyInstance, authenticator: Authenticator): void {
  server.decorateRequest('principal', undefined);
  server.addHook('onRoute', (route) => {
    if (route.url.startsWith(apiPrefix) && route.config?.access === undefined) {
      throw new Error(`route ${String(route.method)} ${route.url}: expected config.access, found none`);
    }
  });
  server.addHook('onRequest', async (request) => {
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    request.principal = bearer === undefined ? undefined : await authenticator.authenticate(bearer);
  });
  server.addHook('preParsing', async (request) => {
    const { access } = request.routeOptions.config;
    if (access === undefined || access === 'public' || request.is404) return;
    requireScope(request, access);
  });
}

/** The principal, who has the scope; throws `UNAUTHENTICATED` or `FORBIDDEN`. */
export function requireScope(request: FastifyRequest, scope: Scope): Principal {
  const { principal } = request;
  if (principal === undefined) throw new ProblemError('UNAUTHENTICATED');
  if (!principal.scopes.has(scope)) throw new ProblemError('FORBIDDEN', { detail: `the scope ${scope} is needed` });
  return principal;
}

/** True when callers' numbers may be shown to who asks. */
export function mayReadNumbers(request: FastifyRequest): boolean {
  return request.principal?.scopes.has('pii:read') ?? false;
}

/** The actor of a request that has passed `preParsing`. */
export function actorOf(request: FastifyRequest): Actor {
  if (request.principal === undefined) throw new ProblemError('UNAUTHENTICATED');
  return request.principal.actor;
}
