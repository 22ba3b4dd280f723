import { silentLogger } from '../foundation/index.ts';
import { tokenAuthenticator } from './access.ts';
import type { ApiPorts } from './ports.ts';
import { createApi } from './server.ts';

/** The OpenAPI document as docs/openapi.json holds it. */
export async function openApiText(): Promise<string> {
  const api = createApi({
    ports: {} as ApiPorts, // described, never served: no port is called
    authenticator: tokenAuthenticator([]),
    logger: silentLogger,
    settings: { host: '127.0.0.1', port: 0 },
  });
  const document = await api.openApi();
  await api.stop();
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
