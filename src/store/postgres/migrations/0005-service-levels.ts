import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Who entered a queue in a stretch of time. It holds nothing but the instant, which is written once: an index that held waits and outcomes as well
 * would have to be changed with each of the writes of a contact's record.
 */
export const serviceLevels: Migration = {
  async up(db: Kysely<unknown>) {
    // The operators of a day long past are found from its end as well.
    await sql`create index operator_activity_ended on operator_activity (ended_at)`.execute(db);
    await sql`create index contacts_enqueued_at on contacts (enqueued_at) where enqueued_at is not null`.execute(db);
  },
  async down(db: Kysely<unknown>) {
    await sql`drop index contacts_enqueued_at, operator_activity_ended`.execute(db);
  },
};
