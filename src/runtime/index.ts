export { readHostSources } from './apt-sources.ts';
export type { ChildEvent } from './child.ts';
export { examine } from './doctor.ts';
export { chooseHome, homePlaces } from './home.ts';
export {
  findOwnAsterisk,
  locateOwnStack,
  type OwnStack,
  prepareTools,
  rootsDirOf,
  startOwnStack,
} from './own-stack.ts';
export { checkPlatform } from './platform.ts';
export { ensureCluster, ensureDatabase, preparePostgres } from './postgres.ts';
export { findAsterisk, findRedis } from './programs.ts';
export { readRunningStack, stopRunningStack } from './running.ts';
export { readSecrets } from './secrets.ts';
export { chooseServiceUser } from './service-user.ts';
export { readRuntimeSettings } from './settings.ts';
export { type Stack, startStack } from './stack.ts';
export type { RenderAsterisk, ServiceRequest, StackRequest } from './stack-request.ts';
