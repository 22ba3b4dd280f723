export { examine } from './doctor.ts';
export { homePlaces } from './home.ts';
export {
  findOwnAsterisk,
  locateOwnStack,
  type OwnStack,
  prepareTools,
  rootsDirOf,
  startOwnStack,
} from './own-stack.ts';
export { checkPlatform } from './platform.ts';
export { readRunningStack, stopRunningStack } from './running.ts';
export { readSecrets } from './secrets.ts';
export { type Stack, startStack } from './stack.ts';
export type { ServiceRequest, StackRequest } from './stack-request.ts';
