export { retryDelayMs, spreadInstants } from './attempts.ts';
export { type CallBackParts, createCallBackService } from './create-service.ts';
export { type DiallingVerdict, type LineHours, mayDial, utcOffsetOf } from './dialling-window.ts';
export {
  canBeCalled,
  createNumberPlaces,
  type NumberPlace,
  type NumberPlaces,
  type NumberZones,
  numberZonesSchema,
} from './number-places.ts';
export type * from './ports.ts';
export type * from './service.ts';
export * from './settings.ts';
export * as moves from './transitions.ts';
