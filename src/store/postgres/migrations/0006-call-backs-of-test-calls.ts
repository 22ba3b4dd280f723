import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What a test call was promised is asked at the hours of that call, not of the clock. */
export const callBacksOfTestCalls: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`alter table call_backs add column hours_ahead_ms bigint`.execute(db);
  },
  async down(db: Kysely<unknown>) {
    await sql`alter table call_backs drop column hours_ahead_ms`.execute(db);
  },
};
