import type { AriConnection } from '../ari/index.ts';
import { DozvonError, type Logger } from '../foundation/index.ts';

/** Awaits both, so that neither rejection goes unheard; rejects with the first. */
export async function settled<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([one, other]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}

/** A sound's name below its folder, and nothing that leaves it. Throws `DozvonError('SOUND_ID_INVALID')`. */
export function soundId(id: string): string {
  if (!/^[a-z]{2}\/[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(id) || id.includes('..')) {
    throw new DozvonError('SOUND_ID_INVALID', 'sound id: expected <language>/<id> of letters, digits and . _ - /');
  }
  return id;
}

/** Has Asterisk tell the application what happens at the source: `channel:<id>` or `endpoint:PJSIP/<name>`. */
export async function watch(
  connection: AriConnection,
  what: { readonly applicationName: string; readonly eventSource: string; readonly logger: Logger },
): Promise<void> {
  const { applicationName, eventSource, logger } = what;
  const reply = await connection.perform('POST /applications/{applicationName}/subscription', {
    applicationName,
    eventSource,
  });
  if (reply.ok) return;
  // A leg may have ended; an endpoint ought to be there.
  const level = eventSource.startsWith('endpoint:') ? 'warn' : 'debug';
  logger[level]({ eventSource, status: reply.status }, 'nothing there to watch');
}
