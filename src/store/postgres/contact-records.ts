import { type Selectable, sql } from 'kysely';
import {
  type ContactRecord,
  type ContactRecordStore,
  lastOperatorDepth,
  type RecordingSummary,
  type TimelineEntry,
} from '../../contact/store-ports.ts';
import {
  asId,
  type CaseId,
  type ContactId,
  type LegId,
  type OperatorId,
  type RecordingId,
} from '../../foundation/index.ts';
import type { Database, Db } from './database.ts';
import { phoneNumberPurpose, type Sealer, sealedIn } from './sealer.ts';
import type { ContactsTable } from './tables.ts';
import {
  instant,
  instantOrNull,
  msOrNull,
  orNull,
  present,
  storableJson,
  storableText,
  wholeOrNull,
} from './values.ts';

type Legs = ContactRecord['legs'];

/** Records of contacts with their legs and timeline; written whole, in one transaction, as often as the contact changes. */
export function createContactRecordStore(database: Database, sealer: Sealer): ContactRecordStore {
  const { db, guard } = database;
  return {
    put: (record) =>
      guard('storing a contact record', () =>
        db.transaction().execute(async (transaction) => {
          const stored = await putContact(transaction, sealer, record);
          if (!stored) return;
          await putLegs(transaction, record);
          await putTimeline(transaction, record);
        }),
      ),

    get: (contactId) =>
      guard('reading a contact record', async () => {
        const row = await db.selectFrom('contacts').selectAll().where('contactId', '=', contactId).executeTakeFirst();
        if (row === undefined) return undefined;
        const [record] = await withParts(db, sealer, [row]);
        if (record === undefined) return undefined;
        return { ...record, recordings: await recordingSummaries(db, contactId) };
      }),

    list: (filter) =>
      guard('listing contact records', async () => {
        let query = db.selectFrom('contacts').selectAll().orderBy('contactId', 'desc').limit(filter.limit);
        if (filter.ani !== undefined)
          query = query.where('aniIndex', '=', sealer.blindIndex(filter.ani, phoneNumberPurpose));
        if (filter.sipCallId !== undefined) query = query.where('sipCallId', '=', storableText(filter.sipCallId));
        if (filter.lineId !== undefined) query = query.where('lineId', '=', storableText(filter.lineId));
        if (filter.before !== undefined) query = query.where('contactId', '<', filter.before);
        return withParts(db, sealer, await query.execute());
      }),

    lastOperator: ({ ani, sinceMs }) =>
      guard('looking for the last operator of a caller', async () => {
        if (ani === '') return undefined;
        // The index of callers gives the latest contacts in order: so many rows are read and no more.
        const latest = db
          .selectFrom('contacts')
          .select(['contactId', 'operatorId', 'joinedAt'])
          .where('aniIndex', '=', sealer.blindIndex(storableText(ani), phoneNumberPurpose))
          .orderBy('contactId', 'desc')
          .limit(lastOperatorDepth);
        const row = await db
          .selectFrom(latest.as('latest'))
          .select('operatorId')
          .where('operatorId', 'is not', null)
          .where('joinedAt', '>=', instant(sinceMs))
          .orderBy('contactId', 'desc')
          .limit(1)
          .executeTakeFirst();
        return row?.operatorId === undefined || row.operatorId === null ? undefined : asId<OperatorId>(row.operatorId);
      }),
  };
}

/** False when a finished record is stored already and this one is of an earlier moment (a write that came late): it changes nothing. */
async function putContact(db: Db, sealer: Sealer, record: ContactRecord): Promise<boolean> {
  const ani = storableText(record.ani);
  const row = {
    contactId: record.contactId,
    lineId: orNull(record.lineId),
    dnis: storableText(record.dnis),
    aniSealed: ani === '' ? null : sealer.seal(ani, sealedIn.contactAni(record.contactId)),
    aniIndex: ani === '' ? null : sealer.blindIndex(ani, phoneNumberPurpose),
    trunk: storableText(record.trunk),
    sipCallId: storableText(record.sipCallId),
    nodeId: record.nodeId,
    configVersion: record.configVersion,
    arrivedAt: instant(record.arrivedAtMs),
    answeredAt: instantOrNull(record.answeredAtMs),
    queueId: orNull(record.queueId),
    topic: orNull(record.topic),
    enqueuedAt: instantOrNull(record.enqueuedAtMs),
    waitMs: wholeOrNull(record.waitMs),
    joinedAt: instantOrNull(record.joinedAtMs),
    operatorId: orNull(record.operatorId),
    talkMs: wholeOrNull(record.talkMs),
    wrapUpMs: wholeOrNull(record.wrapUpMs),
    endedAt: instantOrNull(record.endedAtMs),
    endedBy: orNull(record.endedBy),
    outcome: orNull(record.outcome),
    caseId: orNull(record.caseId),
  };
  const { contactId: _key, ...changes } = row;
  const result = await db
    .insertInto('contacts')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .column('contactId')
        .doUpdateSet(changes)
        .where((eb) => eb.or([eb('contacts.endedAt', 'is', null), eb('excluded.endedAt', 'is not', null)])),
    )
    .returning('contactId')
    .executeTakeFirst();
  return result !== undefined;
}

async function putLegs(db: Db, record: ContactRecord): Promise<void> {
  if (record.legs.length === 0) return;
  const rows = record.legs.map((leg) => ({
    legId: leg.legId,
    contactId: record.contactId,
    role: leg.role,
    operatorId: orNull(leg.operatorId),
    startedAt: instant(leg.startedAtMs),
    endedAt: instantOrNull(leg.endedAtMs),
  }));
  await db
    .insertInto('legs')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('legId').doUpdateSet((eb) => ({
        role: eb.ref('excluded.role'),
        operatorId: eb.ref('excluded.operatorId'),
        startedAt: eb.ref('excluded.startedAt'),
        endedAt: eb.ref('excluded.endedAt'),
      })),
    )
    .execute();
}

/** The entries go as one JSON parameter: a timeline of any length is one statement, always with the same text. */
async function putTimeline(db: Db, record: ContactRecord): Promise<void> {
  const entries = record.timeline.map((entry, position) => ({
    position,
    at: instant(entry.atMs).toISOString(),
    kind: entry.kind,
    facts: entry.facts,
  }));
  await sql`insert into contact_timeline (contact_id, position, at, kind, facts)
    select ${record.contactId}, entry.position, entry.at, entry.kind, entry.facts
    from jsonb_to_recordset(${storableJson(entries)}::jsonb) as entry (position integer, at timestamptz, kind text, facts jsonb)
    on conflict (contact_id, position) do update set at = excluded.at, kind = excluded.kind, facts = excluded.facts`.execute(
    db,
  );
  await db
    .deleteFrom('contactTimeline')
    .where('contactId', '=', record.contactId)
    .where('position', '>=', entries.length)
    .execute();
}

async function withParts(
  db: Db,
  sealer: Sealer,
  rows: readonly Selectable<ContactsTable>[],
): Promise<readonly ContactRecord[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.contactId);
  const [legRows, timelineRows] = await Promise.all([
    db.selectFrom('legs').selectAll().where('contactId', 'in', ids).orderBy('startedAt').orderBy('legId').execute(),
    db
      .selectFrom('contactTimeline')
      .selectAll()
      .where('contactId', 'in', ids)
      .orderBy('contactId')
      .orderBy('position')
      .execute(),
  ]);
  const legs = Map.groupBy(legRows, (leg) => leg.contactId);
  const timelines = Map.groupBy(timelineRows, (entry) => entry.contactId);
  return rows.map((row) =>
    toRecord(
      row,
      row.aniSealed === null ? '' : sealer.open(row.aniSealed, sealedIn.contactAni(row.contactId)),
      (legs.get(row.contactId) ?? []).map((leg) => ({
        legId: asId<LegId>(leg.legId),
        role: leg.role,
        startedAtMs: leg.startedAt.getTime(),
        ...present({ operatorId: leg.operatorId as OperatorId | null, endedAtMs: msOrNull(leg.endedAt) }),
      })),
      (timelines.get(row.contactId) ?? []).map((entry) => ({
        atMs: entry.at.getTime(),
        kind: entry.kind,
        facts: entry.facts as TimelineEntry['facts'],
      })),
    ),
  );
}

function toRecord(
  row: Selectable<ContactsTable>,
  ani: string,
  legs: Legs,
  timeline: readonly TimelineEntry[],
): ContactRecord {
  return {
    contactId: asId<ContactId>(row.contactId),
    lineId: row.lineId ?? undefined,
    dnis: row.dnis,
    ani,
    trunk: row.trunk,
    sipCallId: row.sipCallId,
    nodeId: row.nodeId,
    configVersion: row.configVersion,
    arrivedAtMs: row.arrivedAt.getTime(),
    ...present({
      answeredAtMs: msOrNull(row.answeredAt),
      queueId: row.queueId,
      topic: row.topic,
      enqueuedAtMs: msOrNull(row.enqueuedAt),
      waitMs: row.waitMs,
      joinedAtMs: msOrNull(row.joinedAt),
      operatorId: row.operatorId as OperatorId | null,
      talkMs: row.talkMs,
      wrapUpMs: row.wrapUpMs,
      endedAtMs: msOrNull(row.endedAt),
      endedBy: row.endedBy as ContactRecord['endedBy'] | null,
      outcome: row.outcome as ContactRecord['outcome'] | null,
      caseId: row.caseId as CaseId | null,
    }),
    legs,
    timeline,
  };
}

async function recordingSummaries(db: Db, contactId: ContactId): Promise<readonly RecordingSummary[]> {
  const recordings = await db
    .selectFrom('recordings')
    .selectAll()
    .where('contactId', '=', contactId)
    .orderBy('startedAt')
    .execute();
  if (recordings.length === 0) return [];
  const ids = recordings.map((row) => row.recordingId);
  const markRows = await db
    .selectFrom('recordingMarks')
    .selectAll()
    .where('recordingId', 'in', ids)
    .orderBy('fromMs')
    .execute();
  const marks = Map.groupBy(markRows, (mark) => mark.recordingId);
  return recordings.map((row) => ({
    recordingId: asId<RecordingId>(row.recordingId),
    state: row.state as RecordingSummary['state'],
    ...present({ durationMs: row.durationMs }),
    marks: (marks.get(row.recordingId) ?? []).map((mark) => ({
      purpose: mark.purpose,
      fromMs: mark.fromMs,
      ...present({ toMs: mark.toMs }),
    })),
  }));
}
