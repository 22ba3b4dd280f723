import { DozvonError } from './errors.ts';

export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/**
 * Rejects with `DozvonError('TIMED_OUT')` when `work` has not settled within `limitMs`: every wait has a bound.
 * The work itself is not cancelled; what it started must carry its own bound.
 */
export async function withLimit<T>(work: Promise<T>, limitMs: number, what: string): Promise<T> {
  let handle: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    handle = setTimeout(() => reject(new DozvonError('TIMED_OUT', `${what}: no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(handle);
  }
}
