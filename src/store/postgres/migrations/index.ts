import type { Migration } from 'kysely/migration';
import { firstTables } from './0001-first-tables.ts';
import { outboxNotification } from './0002-outbox-notification.ts';
import { callBacks } from './0003-call-backs.ts';
import { callBackContacts } from './0004-call-back-contacts.ts';
import { serviceLevels } from './0005-service-levels.ts';
import { callBacksOfTestCalls } from './0006-call-backs-of-test-calls.ts';

/**
 * Every migration by name, carried out in the order of the names, each once. A migration that has been released is never
 * edited: a change is a new one.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-first-tables': firstTables,
  '0002-outbox-notification': outboxNotification,
  '0003-call-backs': callBacks,
  '0004-call-back-contacts': callBackContacts,
  '0005-service-levels': serviceLevels,
  '0006-call-backs-of-test-calls': callBacksOfTestCalls,
};
