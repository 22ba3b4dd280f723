export * from './activity.ts';
export * from './commands.ts';
export * from './ports.ts';
export * from './ranking.ts';
export * from './requirement.ts';
export * from './service.ts';
export * from './settings.ts';
export * from './views.ts';
