export * from './check-flow.ts';
export { type Flow, type FlowFault, flowSchema } from './flow.ts';
export * from './link-flows.ts';
export type * from './position.ts';
export * from './prompt-sheet.ts';
export * from './render.ts';
export type * from './say.ts';
export * from './step.ts';
