import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Call-backs, what was tried, and who asked for or cancelled them. They name contacts and cases without a foreign key: a promise is
 * committed before the record of its contact is.
 */
const statements = [
  sql`create table call_backs (
    call_back_id text primary key,
    state text not null,
    queue_id text not null,
    line_id text not null,
    topic text not null,
    language text not null,
    number_sealed text not null,
    number_index text not null,
    place_at timestamptz not null,
    wish text not null,
    wish_at timestamptz,
    utc_offset_minutes integer,
    case_id text,
    created_at timestamptz not null,
    promised_by text not null,
    contact_id text,
    due_at timestamptz not null,
    promised_day text not null,
    reason text,
    constraint call_backs_state check (state in ('held', 'scheduled', 'claimed', 'dialling', 'done', 'failed', 'cancelled')),
    constraint call_backs_had_by_a_contact check ((contact_id is not null) = (state in ('held', 'claimed', 'dialling'))),
    constraint call_backs_end_with_reason check (state not in ('failed', 'cancelled') or reason is not null),
    constraint call_backs_wish check (wish in ('soon', 'at', 'nextOpening')),
    constraint call_backs_wished_instant check ((wish_at is not null) = (wish = 'at')),
    constraint call_backs_utc_offset check (utc_offset_minutes between -720 and 840),
    constraint call_backs_promised_day check (promised_day ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
  )`,
  // Not unique: two callers behind one number are called back both. Who books holds the lock of the queue.
  sql`create index call_backs_open on call_backs (number_index, queue_id)
    where state in ('held', 'scheduled', 'claimed', 'dialling')`,
  sql`create index call_backs_due on call_backs (due_at) where state = 'scheduled'`,
  sql`create index call_backs_promised on call_backs (queue_id, promised_day)
    where state in ('held', 'scheduled', 'claimed', 'dialling')`,
  sql`create index call_backs_had on call_backs (contact_id) where contact_id is not null`,

  sql`create table call_back_attempts (
    call_back_id text not null references call_backs on delete cascade,
    number integer not null,
    contact_id text not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    outcome text,
    primary key (call_back_id, number),
    constraint call_back_attempts_ended check ((ended_at is null) = (outcome is null)),
    constraint call_back_attempts_outcome check (outcome in
      ('reached', 'busy', 'noAnswer', 'declined', 'unreachable', 'machine', 'silence', 'operatorGone', 'unknown'))
  )`,
  sql`create unique index call_back_attempts_open on call_back_attempts (call_back_id) where ended_at is null`,

  // What was answered to a request with a key of its own: the same again is answered like the first.
  sql`create table call_back_requests (
    request_key text primary key,
    call_back_id text not null references call_backs on delete cascade,
    due_at timestamptz not null,
    merged boolean not null
  )`,
  sql`create index call_back_requests_of on call_back_requests (call_back_id)`,

  sql`create table call_back_history (
    history_id bigint generated always as identity primary key,
    call_back_id text not null references call_backs on delete cascade,
    at timestamptz not null,
    actor_kind text not null,
    actor_id text not null,
    reason text not null,
    change text not null
  )`,
  sql`create index call_back_history_of on call_back_history (call_back_id, history_id)`,
];

const tables = ['call_back_history', 'call_back_requests', 'call_back_attempts', 'call_backs'];

export const callBacks: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await statement.execute(db);
  },
  async down(db: Kysely<unknown>) {
    for (const table of tables) await sql`drop table ${sql.table(table)}`.execute(db);
  },
};
