export {
  type ApiToken,
  type Authenticator,
  hashToken,
  type Principal,
  type Scope,
  tokenAuthenticator,
} from './access.ts';
export { openApiText } from './openapi-text.ts';
export type { ApiPorts, CallBackApi, HealthProbe, LineNow } from './ports.ts';
export { type Api, type ApiSettings, createApi } from './server.ts';
