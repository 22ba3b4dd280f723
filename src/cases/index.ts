export { drawCaseNumber, parseCaseNumber } from './case-number.ts';
export type * from './ports.ts';
export { type CaseService, createCaseService } from './service.ts';
export { mayFollow } from './states.ts';
