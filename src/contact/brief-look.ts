import { hasCode, withLimit } from '../foundation/index.ts';

const notNow = ['TIMED_OUT', 'DATABASE_UNAVAILABLE', 'DATABASE_REJECTED'];

/** What the records say, for which nobody waits: with the database away, or slower than `limitMs`, nothing is known. */
export async function briefLook<Answer>(
  answer: Promise<Answer>,
  limitMs: number,
  what: string,
): Promise<Answer | undefined> {
  try {
    return await withLimit(answer, limitMs, what);
  } catch (error) {
    if (notNow.some((code) => hasCode(error, code))) return undefined;
    throw error;
  }
}
