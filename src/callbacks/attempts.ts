import type { AttemptOutcome } from './ports.ts';
import type { CallBackSettings } from './settings.ts';

/**
 * How long after an attempt that came to nothing the next is made; `undefined`: the tries are used up. An attempt whose end nobody
 * saw and one that the operator left count too: the phone may have rung.
 */
export function retryDelayMs(
  outcome: Exclude<AttemptOutcome, 'reached'>,
  attemptsMade: number,
  settings: CallBackSettings,
): number | undefined {
  return attemptsMade >= settings.mostAttempts ? undefined : settings.retry[`${outcome}Ms`];
}

/** Instants for `count` call-backs, the first at `fromMs`, evenly over `overMs`. */
export function spreadInstants(count: number, fromMs: number, overMs: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => fromMs + Math.floor((at * overMs) / count));
}
