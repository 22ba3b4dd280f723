import type { Selectable } from 'kysely';
import {
  type ContactRecord,
  type ContactRecordStore,
  lastOperatorDepth,
  type RecordingSummary,
  type TimelineEntry,
} from '../../contact/store-ports.ts';
import {
  asId,
  type CallBackId,
  type CaseId,
  type ContactId,
  type LegId,
  type OperatorId,
  type RecordingId,
} from '../../foundation/index.ts';
import { createContactRecordWrites } from './contact-record-writes.ts';
import type { Database, Db } from './database.ts';
import { phoneNumberPurpose, type Sealer, sealedIn } from './sealer.ts';
import type { ContactsTable } from './tables.ts';
import { instant, msOrNull, present, storableText } from './values.ts';

type Legs = ContactRecord['legs'];

/** Records of contacts with their legs and timeline, written whole as often as the contact changes. */
export function createContactRecordStore(
  database: Database,
  sealer: Sealer,
): ContactRecordStore & { settle(): Promise<void> } {
  const { db, guard } = database;
  return {
    ...createContactRecordWrites(database, sealer),

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
      kind: row.kind as ContactRecord['kind'] | null,
      callBackId: row.callBackId as CallBackId | null,
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
