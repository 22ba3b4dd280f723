export * from './abandoned-places.ts';
export * from './contact-service.ts';
export type { ContactEffect, EffectClass, PendingEffect } from './effects.ts';
export type { ContactEvent } from './events.ts';
export {
  type Arrival,
  begin,
  beginCallBack,
  type CallBackBeginning,
  type StepContext,
  type StepResult,
  step,
} from './machine/index.ts';
export type * from './ports.ts';
export { QueueWatch } from './queue-watch.ts';
export type * from './room-ports.ts';
export type * from './rules.ts';
export { rulesFromConfig } from './rules-from-config.ts';
export type * from './state.ts';
export type * from './store-ports.ts';
export { talkingWaits } from './talking-waits.ts';
export type * from './telephony-events.ts';
