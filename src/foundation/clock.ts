/** Cancels a timer; does nothing when it has fired already. */
export type CancelTimer = () => void;

/**
 * Where time comes from. Everything that waits or stamps takes a clock, so that tests and the simulation can drive it.
 */
export interface Clock {
  /** Wall time, milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number;
  /** Runs `fire` once, at `atMs` or as soon after as the event loop allows (at once when `atMs` has passed). */
  setTimer(atMs: number, fire: () => void): CancelTimer;
}

/** Node's `setTimeout` turns a longer delay into 1 ms, so longer waits go in hops of this length. */
const longestTimeoutMs = 2_147_483_647;

export function systemClock(): Clock {
  const nowMs = (): number => Date.now();
  return {
    nowMs,
    setTimer(atMs, fire) {
      let handle: NodeJS.Timeout | undefined;
      const arm = (): void => {
        const leftMs = Math.max(0, atMs - nowMs());
        // A timeout may fire up to 1 ms early against Date.now(): arm again rather than fire before its time.
        handle = setTimeout(() => (nowMs() < atMs ? arm() : fire()), Math.min(leftMs, longestTimeoutMs));
      };
      arm();
      return () => clearTimeout(handle);
    },
  };
}
