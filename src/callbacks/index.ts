export type * from './ports.ts';
export type * from './service.ts';
export * from './settings.ts';
