import { abandonedAmong, gaveUpOutcomes, type PastContact } from '../../contact/index.ts';
import { type EarlierPlaces, lastOperatorDepth, type ReturningCallers } from '../../contact/store-ports.ts';
import { asId, type CallBackId, type ContactId, hasCode } from '../../foundation/index.ts';
import { GroupCommit } from '../group-commit.ts';
import type { Database, Statement } from './database.ts';
import { phoneNumberPurpose, type Sealer } from './sealer.ts';
import { instantText, storableJson, storableText } from './values.ts';

/** Nobody waits for the answer, and one that comes 500 ms late is no longer wanted: far below that. */
const lingerMs = 100;
/** Twenty rows each at most. */
const mostAtOnce = 100;

/** Of nobody, as almost always. */
const nothing: EarlierPlaces = { callBacks: [], abandoned: [] };

/**
 * $1: callers with their numbers in the list. First their open call-backs, then, of those of whom some contact gave up lately, the latest contacts with
 * the places these were given back. Each is looked up by its index (lateral, which no plan turns into reading the whole table).
 */
const findEarlierPlaces: Statement = {
  name: 'find-earlier-places',
  text: `with asked as materialized (
    select * from jsonb_to_recordset($1::jsonb) as a (n integer, number_index text, since timestamptz)
  )
  select a.n, b.call_back_id, null as contact_id, b.queue_id, b.place_at, null::timestamptz as ended_at, null as outcome, null::jsonb as returned
  from asked a cross join lateral (
    select call_back_id, queue_id, place_at from call_backs
    where number_index = a.number_index and state in ('held', 'scheduled', 'claimed', 'dialling') order by place_at
  ) b
  union all
  select n, null, contact_id, queue_id, enqueued_at, ended_at, outcome, (
    select jsonb_agg(t.facts) from contact_timeline t where t.contact_id = latest.contact_id and t.kind = 'placeReturned'
  )
  from (
    select a.n, c.*, bool_or(c.outcome in (${gaveUpOutcomes.map((outcome) => `'${outcome}'`).join(', ')}) and c.ended_at >= a.since) over (partition by a.n) as gave_up
    from asked a cross join lateral (
      select contact_id, queue_id, enqueued_at, ended_at, outcome from contacts
      where ani_index = a.number_index order by contact_id desc limit ${lastOperatorDepth}
    ) c
  ) latest
  where gave_up`,
};

interface PlaceRow {
  readonly n: number;
  readonly call_back_id: string | null;
  readonly contact_id: string | null;
  readonly queue_id: string | null;
  readonly place_at: Date | null;
  readonly ended_at: Date | null;
  readonly outcome: string | null;
  readonly returned: readonly PastContact['timeline'][number]['facts'][] | null;
}

interface Asked {
  readonly ani: string;
  readonly sinceMs: number;
}

/** Callers who come within a moment are looked up together. */
export function createReturningCallers(
  { run, guard }: Pick<Database, 'run' | 'guard'>,
  sealer: Sealer,
): ReturningCallers {
  const lookUps = new GroupCommit<Asked, EarlierPlaces>({
    write: (callers) =>
      guard('looking for earlier places of callers', async () => {
        const asked = callers.map(({ ani, sinceMs }, n) => ({
          n,
          number_index: sealer.blindIndex(storableText(ani), phoneNumberPurpose),
          since: instantText(sinceMs),
        }));
        const rows = await run<PlaceRow>(findEarlierPlaces, [storableJson(asked)]);
        if (rows.length === 0) return callers.map(() => nothing);
        const byCaller = Map.groupBy(rows, ({ n }) => n);
        return callers.map(({ sinceMs }, n) => placesIn(byCaller.get(n) ?? [], sinceMs));
      }),
    lingerMs,
    most: mostAtOnce,
    isRefusal: (error) => !hasCode(error, 'DATABASE_UNAVAILABLE'),
  });
  return { earlierPlaces: async (caller) => (caller.ani === '' ? nothing : await lookUps.add(caller)) };
}

function placesIn(rows: readonly PlaceRow[], sinceMs: number): EarlierPlaces {
  const callBacks = rows.flatMap(({ call_back_id: id, queue_id: queueId, place_at: placeAt }) =>
    id === null || queueId === null || placeAt === null
      ? []
      : [{ callBackId: asId<CallBackId>(id), queueId, placeMs: placeAt.getTime() }],
  );
  const contacts = rows.flatMap((row) => (row.contact_id === null ? [] : [pastContact(row, row.contact_id)]));
  return {
    callBacks: callBacks.sort((one, other) => one.placeMs - other.placeMs),
    abandoned: abandonedAmong(
      contacts.sort((one, other) => (one.contactId < other.contactId ? 1 : -1)),
      sinceMs,
    ),
  };
}

function pastContact(row: PlaceRow, contactId: string): PastContact {
  return {
    contactId: asId<ContactId>(contactId),
    queueId: row.queue_id ?? undefined,
    enqueuedAtMs: row.place_at?.getTime(),
    endedAtMs: row.ended_at?.getTime(),
    outcome: row.outcome ?? undefined,
    timeline: (row.returned ?? []).map((facts) => ({ kind: 'placeReturned', facts })),
  };
}
