import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { problemMediaType } from './problems.ts';
import type { ApiServer } from './server-types.ts';

/** Of the API, not of the program: the first number is the one in the paths. */
const apiVersion = '1.0.0';

const description = `What the hotline is doing and what may be done with it. Every answer that says no is a problem document (RFC 9457)
with a stable \`code\`. Instants are ISO 8601 with an offset, stretches of time are milliseconds. Callers' numbers are shown only to a
token with the scope \`pii:read\`, and each showing is journalled.`;

/** OpenAPI 3.1 made from the routes' schemas, and its page at /docs with nothing loaded from elsewhere. Before the routes. */
export async function describeApi(server: ApiServer): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Dozvon', version: apiVersion, description },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => withoutUnused(withProblems(jsonSchemaTransformObject(document))),
  });
  await server.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    uiConfig: { docExpansion: 'list', persistAuthorization: false },
  });
}

interface Operation {
  responses?: Record<string, unknown>;
  security?: unknown;
}

/** Any operation may answer with a problem; said once here rather than at each route. Health needs no token. */
function withProblems<Document>(document: Document): Document {
  const paths = (document as { paths?: Record<string, Record<string, Operation>> }).paths ?? {};
  const problem = {
    description: 'A problem (RFC 9457)',
    content: { [problemMediaType]: { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  for (const [path, operations] of Object.entries(paths)) {
    for (const operation of Object.values(operations)) {
      operation.responses = { ...operation.responses, default: problem };
      if (path.startsWith('/api/v1/health/')) operation.security = [];
    }
  }
  return document;
}

/** Each named schema is offered in two forms, as it comes in and as it goes out; those that no route refers to are left out. */
function withoutUnused<Document>(document: Document): Document {
  const { schemas } = (document as { components?: { schemas?: Record<string, unknown> } }).components ?? {};
  if (schemas === undefined) return document;
  const text = JSON.stringify(document);
  for (const name of Object.keys(schemas)) if (!text.includes(`"#/components/schemas/${name}"`)) delete schemas[name];
  return document;
}
