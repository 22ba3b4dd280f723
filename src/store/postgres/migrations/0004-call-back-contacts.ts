import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Contacts by which we called somebody back are told from those of callers: no service level counts them. */
const statements = [
  sql`alter table contacts add column kind text check (kind in ('callBack'))`,
  sql`alter table contacts add column call_back_id text`,
];

export const callBackContacts: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await statement.execute(db);
  },
  async down(db: Kysely<unknown>) {
    await sql`alter table contacts drop column call_back_id, drop column kind`.execute(db);
  },
};
