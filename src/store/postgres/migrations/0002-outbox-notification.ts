import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A new notice is announced when its transaction is committed, so that whoever relays the outbox need not look for it. */
const statements = [
  sql`create function announce_notice() returns trigger language plpgsql as $$
    begin
      perform pg_notify('outbox', new.notice_id);
      return null;
    end
  $$`,
  sql`create trigger outbox_announce after insert on outbox for each row execute function announce_notice()`,
];

export const outboxNotification: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await statement.execute(db);
  },
  async down(db: Kysely<unknown>) {
    await sql`drop trigger outbox_announce on outbox`.execute(db);
    await sql`drop function announce_notice()`.execute(db);
  },
};
