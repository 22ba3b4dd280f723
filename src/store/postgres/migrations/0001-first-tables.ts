import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * The tables of the first version. A recording and a case are stored before their contact's record is (a promise is committed
 * before it is spoken, a key before it is used), so they name the contact without a foreign key.
 */
const statements = [
  sql`create table contacts (
    contact_id text primary key,
    line_id text,
    dnis text not null,
    ani_sealed text,
    ani_index text,
    trunk text not null,
    sip_call_id text not null,
    node_id text not null,
    config_version text not null,
    arrived_at timestamptz not null,
    answered_at timestamptz,
    queue_id text,
    topic text,
    enqueued_at timestamptz,
    wait_ms bigint,
    joined_at timestamptz,
    operator_id text,
    talk_ms bigint,
    wrap_up_ms bigint,
    ended_at timestamptz,
    ended_by text,
    outcome text,
    case_id text,
    constraint contacts_ani_sealed_with_index check ((ani_sealed is null) = (ani_index is null))
  )`,
  // Contact ids sort by time, so "newest first" and the cursor of a list are the id itself.
  sql`create index contacts_ani on contacts (ani_index, contact_id desc) where ani_index is not null`,
  sql`create index contacts_sip_call_id on contacts (sip_call_id)`,
  sql`create index contacts_line on contacts (line_id, contact_id desc)`,
  sql`create index contacts_arrived_at on contacts (arrived_at)`,

  sql`create table legs (
    leg_id text primary key,
    contact_id text not null references contacts on delete cascade,
    role text not null,
    operator_id text,
    started_at timestamptz not null,
    ended_at timestamptz
  )`,
  sql`create index legs_contact on legs (contact_id)`,

  sql`create table contact_timeline (
    contact_id text not null references contacts on delete cascade,
    position integer not null,
    at timestamptz not null,
    kind text not null,
    facts jsonb not null,
    primary key (contact_id, position)
  )`,

  sql`create table recordings (
    recording_id text primary key,
    contact_id text not null,
    line_id text not null,
    started_at timestamptz not null,
    state text not null,
    duration_ms bigint,
    failure text
  )`,
  sql`create index recordings_contact on recordings (contact_id)`,

  sql`create table recording_segments (
    recording_id text not null references recordings on delete cascade,
    segment integer not null,
    spool_file text not null,
    blob_name text not null unique,
    wrapped_key text not null,
    key_id text not null,
    started_at timestamptz not null,
    state text not null,
    sealed_bytes bigint,
    primary key (recording_id, segment)
  )`,
  sql`create index recording_segments_open on recording_segments (recording_id) where state = 'recording'`,

  sql`create table recording_marks (
    recording_id text not null references recordings on delete cascade,
    purpose text not null,
    from_ms bigint not null,
    to_ms bigint,
    primary key (recording_id, purpose, from_ms)
  )`,

  sql`create table cases (
    case_id text primary key,
    case_number text not null unique check (case_number ~ '^[1-9][0-9]+$'),
    contact_id text not null,
    line_id text not null,
    topic text not null,
    language text not null,
    call_back_number_sealed text,
    call_back_number_index text,
    message_recording_id text,
    message_from_ms bigint,
    message_to_ms bigint,
    state text not null,
    idempotency_key text not null unique,
    created_at timestamptz not null,
    constraint cases_call_back_number_sealed_with_index
      check ((call_back_number_sealed is null) = (call_back_number_index is null))
  )`,
  sql`create index cases_contact on cases (contact_id)`,
  sql`create index cases_call_back_number on cases (call_back_number_index) where call_back_number_index is not null`,

  sql`create table case_history (
    history_id bigint generated always as identity primary key,
    case_id text not null references cases on delete cascade,
    at timestamptz not null,
    actor_kind text not null,
    actor_id text not null,
    reason text not null,
    change text not null,
    facts jsonb not null
  )`,
  sql`create index case_history_case on case_history (case_id, history_id)`,

  sql`create table outbox (
    notice_id text primary key,
    case_id text references cases on delete cascade,
    channel text not null,
    recipient_sealed text not null,
    template text not null,
    parameters_sealed text not null,
    state text not null,
    attempts integer not null default 0,
    created_at timestamptz not null,
    due_at timestamptz not null,
    claimed_until timestamptz,
    sent_at timestamptz,
    failure text
  )`,
  sql`create index outbox_unsent on outbox (due_at) where state in ('pending', 'sending')`,
  sql`create index outbox_case on outbox (case_id)`,

  sql`create table config_versions (
    version text primary key,
    yaml text not null,
    recorded_at timestamptz not null,
    actor_kind text not null,
    actor_id text not null,
    reason text not null
  )`,

  sql`create table operator_activity (
    operator_id text not null,
    aspect text not null,
    value text not null,
    reason text,
    started_at timestamptz not null,
    ended_at timestamptz,
    source_id text not null,
    primary key (operator_id, aspect, source_id)
  )`,
  sql`create unique index operator_activity_open on operator_activity (operator_id, aspect) where ended_at is null`,
  sql`create index operator_activity_started on operator_activity (started_at)`,

  sql`create table audit_journal (
    seq bigint primary key,
    at timestamptz not null,
    actor_kind text not null,
    actor_id text not null,
    action text not null,
    reason text not null,
    facts jsonb not null,
    previous_hash text not null,
    hash text not null
  )`,
  sql`create function refuse_journal_change() returns trigger language plpgsql as $$
    begin
      raise exception 'the audit journal is only ever added to' using errcode = 'restrict_violation';
    end
  $$`,
  sql`create trigger audit_journal_append_only before update or delete or truncate on audit_journal
    for each statement execute function refuse_journal_change()`,
];

const tablesInOrderOfRemoval = [
  'audit_journal',
  'operator_activity',
  'config_versions',
  'outbox',
  'case_history',
  'cases',
  'recording_marks',
  'recording_segments',
  'recordings',
  'contact_timeline',
  'legs',
  'contacts',
];

export const firstTables: Migration = {
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await statement.execute(db);
  },
  async down(db: Kysely<unknown>) {
    for (const table of tablesInOrderOfRemoval) await db.schema.dropTable(table).execute();
    await sql`drop function refuse_journal_change()`.execute(db);
  },
};
