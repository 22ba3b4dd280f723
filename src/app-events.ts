import { activityOf, type QueueMoveKind } from './acd/index.ts';
import type { Closers } from './app-closers.ts';
import type { ServiceSettings } from './config/index.ts';
import type { StreamEvent } from './contact/index.ts';
import { type Clock, type Logger, messageOf } from './foundation/index.ts';
import type { ActivityChange, PostgresStores } from './store/postgres/index.ts';
import type { RedisStores } from './store/redis/index.ts';
import { AmiConnection, type AmiEvent } from './telephony/index.ts';

/** Refused sign-ins and strangers at Asterisk's doors, as its manager interface tells of them. Calls do not wait for it. */
export function watchSecurity(
  settings: ServiceSettings,
  parts: { readonly clock: Clock; readonly logger: Logger; readonly closers: Closers },
): void {
  const { clock, closers } = parts;
  const logger = parts.logger.child({ part: 'security' });
  const onEvent = ({ name, fields }: AmiEvent): void => {
    const { service, remoteaddress, accountid } = fields;
    logger.warn({ event: name, service, remoteaddress, pii: { accountid } }, 'Asterisk refused somebody');
  };
  const ami = new AmiConnection({ access: settings.ami, clock, logger, onEvent });
  ami.start().catch((error: unknown) => {
    logger.error({ error: messageOf(error) }, 'security events of Asterisk are not seen');
  });
  closers.add('the manager interface', () => ami.stop());
}

/** The acknowledged reader of the event stream: operators' days, for reports. */
export function recordActivity(
  redis: RedisStores,
  postgres: PostgresStores,
  parts: { readonly closers: Closers; readonly logger: Logger },
): void {
  const abort = new AbortController();
  const record = (events: readonly StreamEvent[]): Promise<void> =>
    postgres.activity.record(events.flatMap(activityIn));
  const reading = redis.events.consume('operator-activity', record, abort.signal);
  reading.catch((error: unknown) =>
    parts.logger.error({ error: messageOf(error) }, 'operators’ activity is no longer recorded'),
  );
  parts.closers.add('the event reader', async () => {
    abort.abort();
    await reading;
  });
}

function activityIn({ id, source, operatorId, entry }: StreamEvent): readonly ActivityChange[] {
  if (source !== 'queue' || operatorId === undefined) return [];
  const meaning = activityOf(entry.kind as QueueMoveKind, entry.facts);
  return meaning === undefined ? [] : [{ ...meaning, operatorId, atMs: entry.atMs, sourceId: id }];
}
