import type { ContactRecord } from '../../contact/store-ports.ts';
import { hasCode } from '../../foundation/index.ts';
import { GroupCommit } from '../group-commit.ts';
import type { Database, Statement } from './database.ts';
import { phoneNumberPurpose, type Sealer, sealedIn } from './sealer.ts';
import { instantText, storableJson, storableText } from './values.ts';

/** Nobody waits for a record; must stay far below the time after which somebody looks for a call that has just ended. */
const lingerMs = 50;
/** Some 3 kB each: one statement stays below a megabyte. */
const mostAtOnce = 200;

/** Contacts under way at a time, and more: whose number is not remembered is sealed again. */
const mostRemembered = 2_000;

/** Becomes JSON with the others of its group: of a contact's records that wait together only the last one does. */
interface WaitingRecord {
  readonly record: ContactRecord;
  readonly number: SealedNumber;
}

/**
 * Writes records of contacts in groups, each group in one statement and so in one transaction. What is there already is compared,
 * not written again: of legs and timeline only what is new or different is written; entries beyond the record's own (of a moment
 * that Redis has forgotten) are cut off.
 */
export function createContactRecordWrites(
  { run, guard }: Pick<Database, 'run' | 'guard'>,
  sealer: Sealer,
): { put(record: ContactRecord): Promise<void>; settle(): Promise<void> } {
  const commits = new GroupCommit<WaitingRecord, void>({
    write: (records) =>
      guard('storing contact records', async () => {
        const last = lastOfEach(records);
        await run(putRecords, [
          storableJson(last.map(contactRow)),
          storableJson(last.flatMap(legRows)),
          storableJson(last.flatMap(timelineRows)),
        ]);
        return records.map(() => undefined);
      }),
    lingerMs,
    most: mostAtOnce,
    // Whatever else fails does so for what was to be written, also before it is sent.
    isRefusal: (error) => !hasCode(error, 'DATABASE_UNAVAILABLE'),
  });
  const sealed = sealedOnce(sealer);
  return {
    put: async (record) => commits.add({ record, number: sealed(record.contactId, storableText(record.ani)) }),
    settle: () => commits.settle(),
  };
}

interface SealedNumber {
  readonly ani_sealed: string | null;
  readonly ani_index: string | null;
}

/** Seals a caller's number once for all records of his contact: it costs more than all else of a record. */
function sealedOnce(sealer: Sealer): (contactId: string, ani: string) => SealedNumber {
  const known = new Map<string, { readonly ani: string; readonly sealed: SealedNumber }>();
  return (contactId, ani) => {
    if (ani === '') return { ani_sealed: null, ani_index: null };
    const before = known.get(contactId);
    if (before?.ani === ani) return before.sealed;
    const sealed = {
      ani_sealed: sealer.seal(ani, sealedIn.contactAni(contactId)),
      ani_index: sealer.blindIndex(ani, phoneNumberPurpose),
    };
    known.set(contactId, { ani, sealed });
    const [oldest] = known.keys();
    if (known.size > mostRemembered && oldest !== undefined) known.delete(oldest);
    return sealed;
  };
}

/** The newest of each contact's, in the order of ids, in which every process locks them; one that has ended outlives an earlier moment that comes late. */
function lastOfEach(waiting: readonly WaitingRecord[]): readonly WaitingRecord[] {
  const last = new Map<string, WaitingRecord>();
  for (const one of waiting) {
    const { contactId } = one.record;
    const isLate = last.get(contactId)?.record.endedAtMs !== undefined && one.record.endedAtMs === undefined;
    if (!isLate) last.set(contactId, one);
  }
  return [...last.values()].sort((a, b) => (a.record.contactId < b.record.contactId ? -1 : 1));
}

function legRows({ record }: WaitingRecord): readonly object[] {
  return record.legs.map((leg) => ({
    leg_id: leg.legId,
    contact_id: record.contactId,
    role: leg.role,
    operator_id: leg.operatorId,
    started_at: instantText(leg.startedAtMs),
    ended_at: instantOf(leg.endedAtMs),
  }));
}

function timelineRows({ record }: WaitingRecord): readonly object[] {
  return record.timeline.map((entry, position) => ({
    contact_id: record.contactId,
    position,
    at: instantText(entry.atMs),
    kind: entry.kind,
    facts: entry.facts,
  }));
}

/** What is absent is null in the table. */
function contactRow({ record, number }: WaitingRecord): object {
  return {
    contact_id: record.contactId,
    line_id: record.lineId,
    dnis: record.dnis,
    ...number,
    trunk: record.trunk,
    sip_call_id: record.sipCallId,
    node_id: record.nodeId,
    config_version: record.configVersion,
    arrived_at: instantText(record.arrivedAtMs),
    answered_at: instantOf(record.answeredAtMs),
    queue_id: record.queueId,
    topic: record.topic,
    enqueued_at: instantOf(record.enqueuedAtMs),
    wait_ms: wholeOf(record.waitMs),
    joined_at: instantOf(record.joinedAtMs),
    operator_id: record.operatorId,
    talk_ms: wholeOf(record.talkMs),
    wrap_up_ms: wholeOf(record.wrapUpMs),
    ended_at: instantOf(record.endedAtMs),
    ended_by: record.endedBy,
    outcome: record.outcome,
    case_id: record.caseId,
    kind: record.kind,
    call_back_id: record.callBackId,
    entries: record.timeline.length,
  };
}

function instantOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : instantText(ms);
}

function wholeOf(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value);
}

const columns = [
  ['line_id', 'text'],
  ['dnis', 'text'],
  ['ani_sealed', 'text'],
  ['ani_index', 'text'],
  ['trunk', 'text'],
  ['sip_call_id', 'text'],
  ['node_id', 'text'],
  ['config_version', 'text'],
  ['arrived_at', 'timestamptz'],
  ['answered_at', 'timestamptz'],
  ['queue_id', 'text'],
  ['topic', 'text'],
  ['enqueued_at', 'timestamptz'],
  ['wait_ms', 'bigint'],
  ['joined_at', 'timestamptz'],
  ['operator_id', 'text'],
  ['talk_ms', 'bigint'],
  ['wrap_up_ms', 'bigint'],
  ['ended_at', 'timestamptz'],
  ['ended_by', 'text'],
  ['outcome', 'text'],
  ['case_id', 'text'],
  ['kind', 'text'],
  ['call_back_id', 'text'],
] as const;
const names = columns.map(([name]) => name).join(', ');

/**
 * $1: contacts with the length of their timelines, $2: their legs, $3: their timelines. A finished record is not undone by one of
 * an earlier moment: it is not in `stored`, and nothing of its parts is touched. What is there already is looked up row by row by
 * its key (subqueries, which no plan turns into reading the whole table).
 */
const putRecords: Statement = {
  name: 'put-contact-records',
  text: `with given as materialized (
    select * from jsonb_to_recordset($1::jsonb)
      as r (contact_id text, ${columns.map(([name, type]) => `${name} ${type}`).join(', ')}, entries integer)
  ), stored as (
    insert into contacts (contact_id, ${names}) select contact_id, ${names} from given
    on conflict (contact_id) do update set ${columns.map(([name]) => `${name} = excluded.${name}`).join(', ')}
      where contacts.ended_at is null or excluded.ended_at is not null
    returning contact_id
  ), stored_legs as (
    insert into legs (leg_id, contact_id, role, operator_id, started_at, ended_at)
    select l.leg_id, l.contact_id, l.role, l.operator_id, l.started_at, l.ended_at
    from jsonb_to_recordset($2::jsonb)
      as l (leg_id text, contact_id text, role text, operator_id text, started_at timestamptz, ended_at timestamptz)
    where l.contact_id in (select contact_id from stored)
      and (select (t.role, t.operator_id, t.started_at, t.ended_at) is not distinct from
                  (l.role, l.operator_id, l.started_at, l.ended_at)
           from legs t where t.leg_id = l.leg_id) is not true
    on conflict (leg_id) do update set
      role = excluded.role, operator_id = excluded.operator_id, started_at = excluded.started_at, ended_at = excluded.ended_at
  ), cut_off as (
    delete from contact_timeline t
    where t.contact_id = any (array(
        select g.contact_id from given g join stored using (contact_id)
        where (select max(e.position) from contact_timeline e where e.contact_id = g.contact_id) >= g.entries
      ))
      and t.position >= (select g.entries from given g where g.contact_id = t.contact_id)
  )
  insert into contact_timeline (contact_id, position, at, kind, facts)
  select e.contact_id, e.position, e.at, e.kind, e.facts
  from jsonb_to_recordset($3::jsonb) as e (contact_id text, position integer, at timestamptz, kind text, facts jsonb)
  where e.contact_id in (select contact_id from stored)
    and (select (t.at, t.kind, t.facts) = (e.at, e.kind, e.facts)
         from contact_timeline t where t.contact_id = e.contact_id and t.position = e.position) is not true
  on conflict (contact_id, position) do update set at = excluded.at, kind = excluded.kind, facts = excluded.facts`,
};
