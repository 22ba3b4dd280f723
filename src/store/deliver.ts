import { setTimeout as pause } from 'node:timers/promises';
import { type Logger, messageOf } from '../foundation/index.ts';

/** First wait before a refused delivery is tried again; doubled each time up to the longest. */
const firstRetryMs = 100;
/** Must stay well below the lease of a shard, or a reader that has recovered is noticed too late. */
const longestRetryMs = 5_000;

/** Waits unless aborted; tells whether to go on. */
export async function pauseUnlessAborted(delayMs: number, signal: AbortSignal): Promise<boolean> {
  await pause(delayMs, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

/** Delay before attempt `attempt` (from 1): doubling, with up to a fifth of jitter so that readers do not come in step. */
export function retryDelayMs(attempt: number): number {
  const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(attempt - 1, 10));
  return delayMs * (0.8 + 0.2 * Math.random());
}

/**
 * Hands the event to `deliver` until it accepts (resolves) or `signal` aborts; a rejection is logged and tried again.
 * Returns whether it was accepted.
 */
export async function deliverUntilAccepted<Event>(
  event: Event,
  deliver: (event: Event) => Promise<void>,
  context: { readonly signal: AbortSignal; readonly logger: Logger; readonly reader: string },
): Promise<boolean> {
  for (let attempt = 1; !context.signal.aborted; attempt += 1) {
    try {
      await deliver(event);
      return true;
    } catch (error) {
      if (context.signal.aborted) return false;
      const retryInMs = retryDelayMs(attempt);
      context.logger.warn(
        { reader: context.reader, attempt, retryInMs, error: messageOf(error) },
        'event not accepted',
      );
      if (!(await pauseUnlessAborted(retryInMs, context.signal))) return false;
    }
  }
  return false;
}
