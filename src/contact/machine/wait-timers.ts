import type { TimerId } from '../state.ts';
import { cancelTimer, type Draft } from './draft.ts';

/** Sets the timer for `dueMs`, or cancels it; one that is set so already is left alone. */
export function keepTimer(draft: Draft, timerId: TimerId, dueMs: number | undefined): void {
  if (draft.state.timers[timerId] === dueMs) return;
  if (dueMs === undefined) cancelTimer(draft, timerId);
  else draft.state = { ...draft.state, timers: { ...draft.state.timers, [timerId]: dueMs } };
}

/** The wait in this queue is over. */
export function cancelWaitTimers(draft: Draft): void {
  for (const timerId of ['queueLimit', 'lineClosed', 'tell', 'ladder', 'playback'] as const)
    cancelTimer(draft, timerId);
}
