export * from './actor.ts';
export * from './clock.ts';
export * from './durations.ts';
export * from './errors.ts';
export * from './ids.ts';
export * from './journal.ts';
export * from './logger.ts';
export * from './programs.ts';
