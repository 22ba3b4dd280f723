import { type Clock, DozvonError, type Logger, messageOf } from '../foundation/index.ts';

const firstPauseMs = 250;
/** Long enough not to press a store that is down, short enough that the spool (minutes of sound) outlasts the last pause. */
const longestPauseMs = 10_000;

/**
 * Repeats `work` with growing pauses until it succeeds, `signal` is aborted (rejects with `STOPPED`), or it fails in a way that
 * repeating cannot mend (`hopeless`; rejects with that error).
 */
export async function retrying<T>(
  work: () => Promise<T>,
  options: {
    readonly what: string;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly signal: AbortSignal;
    readonly hopeless?: (error: unknown) => boolean;
  },
): Promise<T> {
  const { what, clock, logger, signal } = options;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    if (signal.aborted) throw new DozvonError('STOPPED', `${what}: stopped before it was done`);
    try {
      return await work();
    } catch (error) {
      if (options.hopeless?.(error) === true) throw error;
      logger.warn({ why: messageOf(error), pauseMs }, `${what} failed and will be tried again`);
    }
    await pause(clock, pauseMs, signal);
  }
}

/** Resolves after `pauseMs`, or at once when `signal` is aborted. */
function pause(clock: Clock, pauseMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.setTimer(clock.nowMs() + pauseMs, done);
    signal.addEventListener('abort', done);
  });
}
