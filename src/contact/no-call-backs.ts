import type { CallBackPort } from './room-ports.ts';

/** Of a house that calls nobody back: nothing is promised, and nothing is known. */
export function noCallBacks(): CallBackPort {
  return {
    promise: async () => ({ outcome: 'refused', why: 'noRoom' }),
    openOf: async () => [],
    hold: async () => 'over',
    letGo: async () => undefined,
    cancel: async () => 'over',
    claim: async () => ({ outcome: 'over' }),
    postpone: async () => undefined,
    beginAttempt: async () => ({ outcome: 'notClaimed' }),
    endAttempt: async () => 'notDialling',
  };
}
