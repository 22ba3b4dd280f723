import { type Selectable, sql } from 'kysely';
import {
  type CallBack,
  type CallBackAttempt,
  type CallBackDraft,
  type CallBackRepository,
  type CallBackRoom,
  type CallBackState,
  moves,
} from '../../callbacks/index.ts';
import { asId, type CallBackId, type CaseId, type CommandMeta, type ContactId, newId } from '../../foundation/index.ts';
import type { Database, Db } from './database.ts';
import { phoneNumberPurpose, type Sealer, sealedIn } from './sealer.ts';
import type { CallBackAttemptsTable, CallBacksTable } from './tables.ts';
import { instant, msOrNull, present, storableText, wholeOrNull } from './values.ts';

/** First half of the name of a queue's advisory lock; the other is the queue's. Nothing else locks by this number. */
const bookingLock = 7_401;

/**
 * Call-backs in PostgreSQL. The moves are those of the room: the row is locked, moved and written in one transaction. Who books a day's
 * room holds the lock of the queue, so that several processes together never promise more than there is.
 */
export function createCallBackRepository(database: Database, sealer: Sealer): CallBackRepository {
  const { db, guard } = database;

  const move = <Answer>(
    what: string,
    callBackId: CallBackId,
    make: (callBack: CallBack | undefined) => moves.Moved<Answer>,
    history?: Omit<HistoryRow, 'callBackId'>,
  ): Promise<Answer> =>
    guard(what, () =>
      db.transaction().execute(async (transaction) => {
        const [before] = await read(transaction, sealer, (query) =>
          query.where('callBackId', '=', storableText(callBackId)).forUpdate(),
        );
        const { answer, next } = make(before);
        if (before !== undefined && next !== undefined) {
          await write(transaction, sealer, before, next);
          if (history !== undefined) await insertHistory(transaction, { callBackId, ...history });
        }
        return answer;
      }),
    );

  return {
    promise: (draft, { room, meta }) =>
      guard('promising a call-back', () =>
        db.transaction().execute((transaction) => promise(transaction, sealer, draft, { room, meta })),
      ),
    openOf: (number) =>
      guard('reading the call-backs of a number', () =>
        read(db, sealer, (query) =>
          query
            .where('numberIndex', '=', sealer.blindIndex(storableText(number), phoneNumberPurpose))
            .where('state', 'in', moves.openStates)
            .orderBy('placeAt'),
        ),
      ),
    hold: (callBackId, contactId) =>
      move('holding a call-back', callBackId, (callBack) => moves.hold(callBack, contactId)),
    letGo: (callBackId, contactId, dueAtMs) =>
      move('letting a call-back go', callBackId, (callBack) => moves.letGo(callBack, contactId, dueAtMs)),
    cancel: (callBackId, by) =>
      move('cancelling a call-back', callBackId, (callBack) => moves.cancel(callBack, by), {
        atMs: by.nowMs,
        meta: by.meta,
        change: 'cancelled',
      }),
    claim: (callBackId, contactId, nowMs) =>
      move('claiming a call-back', callBackId, (callBack) => moves.claim(callBack, contactId, nowMs)),
    postpone: (callBackId, contactId, dueAtMs) =>
      move('postponing a call-back', callBackId, (callBack) => moves.postpone(callBack, contactId, dueAtMs)),
    beginAttempt: (callBackId, contactId, nowMs) =>
      move('writing down an attempt', callBackId, (callBack) => moves.beginAttempt(callBack, contactId, nowMs)),
    endAttempt: (callBackId, contactId, end) =>
      move('ending an attempt', callBackId, (callBack) => moves.endAttempt(callBack, contactId, end)),
    get: (callBackId) =>
      guard('reading a call-back', async () => {
        const found = await read(db, sealer, (query) => query.where('callBackId', '=', storableText(callBackId)));
        return found[0];
      }),
    list: ({ state, queueId, before, limit }) =>
      guard('listing call-backs', () =>
        read(db, sealer, (query) =>
          query
            .$if(state !== undefined, (some) => some.where('state', '=', state ?? ''))
            .$if(queueId !== undefined, (some) => some.where('queueId', '=', storableText(queueId ?? '')))
            .$if(before !== undefined, (some) => some.where('callBackId', '<', storableText(before ?? '')))
            .orderBy('callBackId', 'desc')
            .limit(limit),
        ),
      ),
    ...overviews(database),
  };
}

/** Verbs over many rows. */
function overviews({ db, guard }: Database): Pick<CallBackRepository, 'scheduled' | 'owned' | 'promised' | 'spread'> {
  return {
    scheduled: (limit) =>
      guard('reading the scheduled call-backs', async () => {
        const rows = await db
          .selectFrom('callBacks')
          .select(['callBackId', 'dueAt'])
          .where('state', '=', 'scheduled')
          .orderBy('dueAt')
          .limit(limit)
          .execute();
        return rows.map((row) => ({ callBackId: asId<CallBackId>(row.callBackId), dueAtMs: row.dueAt.getTime() }));
      }),
    owned: () =>
      guard('reading whose the call-backs are', async () => {
        const rows = await db
          .selectFrom('callBacks')
          .select(['callBackId', 'contactId', 'state'])
          .where('contactId', 'is not', null)
          .execute();
        return rows.map((row) => ({
          callBackId: asId<CallBackId>(row.callBackId),
          contactId: asId<ContactId>(row.contactId ?? ''),
          state: row.state as CallBackState,
        }));
      }),
    promised: () =>
      guard('counting promised call-backs', async () => {
        const rows = await db
          .selectFrom('callBacks')
          .select([
            'queueId',
            'promisedDay',
            sql<number>`count(*)::int`.as('open'),
            sql<Date | null>`min(due_at) filter (where state in ('scheduled', 'claimed'))`.as('oldestDueAt'),
          ])
          .where('state', 'in', moves.openStates)
          .groupBy(['queueId', 'promisedDay'])
          .orderBy(sql`queue_id collate "C"`)
          .orderBy('promisedDay')
          .execute();
        return rows.map(({ queueId, promisedDay, open, oldestDueAt }) => ({
          queueId,
          day: promisedDay,
          open,
          ...present({ oldestDueAtMs: msOrNull(oldestDueAt) }),
        }));
      }),
    spread: (queueId, openingMs, overMs) =>
      guard('spreading call-backs', () =>
        db.transaction().execute(async (transaction) => {
          await lockBooking(transaction, queueId);
          const { numAffectedRows } = await sql`
            with due as (
              select call_back_id,
                row_number() over (order by place_at, call_back_id collate "C") - 1 as at,
                count(*) over () as most
              from call_backs
              where queue_id = ${queueId} and state = 'scheduled' and due_at = ${instant(openingMs)} and wish <> 'at'
            )
            update call_backs
            set due_at = call_backs.due_at + floor(due.at * ${overMs}::bigint / due.most) * interval '1 millisecond'
            from due
            where call_backs.call_back_id = due.call_back_id and call_backs.state = 'scheduled'
              and due.at * ${overMs}::bigint >= due.most`.execute(transaction);
          return Number(numAffectedRows ?? 0n);
        }),
      ),
  };
}

type Promised = Awaited<ReturnType<CallBackRepository['promise']>>;

async function promise(
  db: Db,
  sealer: Sealer,
  draft: CallBackDraft,
  { room, meta }: { readonly room: readonly CallBackRoom[]; readonly meta: CommandMeta },
): Promise<Promised> {
  await lockBooking(db, draft.queueId);
  const [known] = await read(db, sealer, (query) =>
    query
      .where('numberIndex', '=', sealer.blindIndex(storableText(draft.number), phoneNumberPurpose))
      .where('queueId', '=', storableText(draft.queueId))
      .where('state', 'in', moves.openStates)
      .forUpdate(),
  );
  const stands = known && moves.standsAsItIs(known, draft);
  if (known !== undefined && stands !== undefined) {
    return { outcome: 'promised', callBack: known, merged: stands === 'dialling' };
  }
  const booked = await bookedByDay(db, draft.queueId, known?.callBackId);
  const day = moves.roomFor(room, (name) => booked.get(name) ?? 0);
  if (day === undefined) return { outcome: 'noRoom' };
  const history = { atMs: draft.createdAtMs, meta };
  if (known === undefined) {
    const fresh = moves.promised(draft, newId<CallBackId>('b', draft.createdAtMs), day);
    await db.insertInto('callBacks').values(toRow(fresh, sealer)).execute();
    await insertHistory(db, { callBackId: fresh.callBackId, change: 'promised', ...history });
    return { outcome: 'promised', callBack: fresh, merged: false };
  }
  const { next, ...rest } = moves.merged(known, draft, day);
  await write(db, sealer, known, next);
  await insertHistory(db, { callBackId: next.callBackId, change: 'merged', ...history });
  return { outcome: 'promised', callBack: next, merged: true, ...rest };
}

async function lockBooking(db: Db, queueId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(${bookingLock}::int, hashtext(${queueId}))`.execute(db);
}

async function bookedByDay(
  db: Db,
  queueId: string,
  without: CallBackId | undefined,
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('callBacks')
    .select(['promisedDay', sql<number>`count(*)::int`.as('open')])
    .where('queueId', '=', queueId)
    .where('state', 'in', moves.openStates)
    .where('callBackId', '<>', without ?? '')
    .groupBy('promisedDay')
    .execute();
  return new Map(rows.map(({ promisedDay, open }) => [promisedDay, open]));
}

interface HistoryRow {
  readonly callBackId: CallBackId;
  readonly atMs: number;
  readonly meta: CommandMeta;
  readonly change: 'promised' | 'merged' | 'cancelled';
}

async function insertHistory(db: Db, { callBackId, atMs, meta, change }: HistoryRow): Promise<void> {
  await db
    .insertInto('callBackHistory')
    .values({
      callBackId,
      at: instant(atMs),
      actorKind: meta.actor.kind,
      actorId: storableText(meta.actor.id),
      reason: storableText(meta.reason),
      change,
    })
    .execute();
}

type CallBackQuery = ReturnType<typeof selectCallBacks>;

function selectCallBacks(db: Db) {
  return db.selectFrom('callBacks').selectAll();
}

/** The rows a query chooses, each with its attempts. */
async function read(
  db: Db,
  sealer: Sealer,
  choose: (query: CallBackQuery) => CallBackQuery,
): Promise<readonly CallBack[]> {
  const rows = await choose(selectCallBacks(db)).execute();
  if (rows.length === 0) return [];
  const attempts = await db
    .selectFrom('callBackAttempts')
    .selectAll()
    .where(
      'callBackId',
      'in',
      rows.map((row) => row.callBackId),
    )
    .orderBy('number')
    .execute();
  const byCallBack = Map.groupBy(attempts, ({ callBackId }) => callBackId);
  return rows.map((row) => toCallBack(row, byCallBack.get(row.callBackId) ?? [], sealer));
}

/** Writes what a move has changed: the row, and the last attempt when it has begun or ended. */
async function write(db: Db, sealer: Sealer, before: CallBack, next: CallBack): Promise<void> {
  const { callBackId } = next;
  // The number is what it was found by: it stays sealed as it is.
  const { callBackId: _id, numberSealed: _sealed, numberIndex: _index, ...row } = toRow(next, sealer);
  await db.updateTable('callBacks').set(row).where('callBackId', '=', callBackId).execute();
  const last = next.attempts.at(-1);
  if (last === undefined || next.attempts === before.attempts) return;
  const ended = {
    endedAt: last.endedAtMs === undefined ? null : instant(last.endedAtMs),
    outcome: last.outcome ?? null,
  };
  if (next.attempts.length > before.attempts.length) {
    const { number, contactId, startedAtMs } = last;
    const begun = { callBackId, number, contactId, startedAt: instant(startedAtMs), ...ended };
    await db.insertInto('callBackAttempts').values(begun).execute();
  } else {
    await db
      .updateTable('callBackAttempts')
      .set(ended)
      .where('callBackId', '=', callBackId)
      .where('number', '=', last.number)
      .execute();
  }
}

function toRow(callBack: CallBack, sealer: Sealer): Selectable<CallBacksTable> {
  const { callBackId, wish } = callBack;
  const number = storableText(callBack.number);
  return {
    callBackId,
    state: callBack.state,
    queueId: storableText(callBack.queueId),
    lineId: storableText(callBack.lineId),
    topic: storableText(callBack.topic),
    language: storableText(callBack.language),
    numberSealed: sealer.seal(number, sealedIn.callBackNumber(callBackId)),
    numberIndex: sealer.blindIndex(number, phoneNumberPurpose),
    placeAt: instant(callBack.placeMs),
    wish: wish.kind,
    wishAt: wish.kind === 'at' ? instant(wish.atMs) : null,
    utcOffsetMinutes: callBack.utcOffsetMinutes ?? null,
    caseId: callBack.caseId ?? null,
    createdAt: instant(callBack.createdAtMs),
    promisedBy: callBack.promisedBy,
    contactId: callBack.contactId ?? null,
    dueAt: instant(callBack.dueAtMs),
    promisedDay: callBack.promisedDay,
    reason: callBack.reason === undefined ? null : storableText(callBack.reason),
    hoursAheadMs: wholeOrNull(callBack.hoursAheadMs),
  };
}

function toCallBack(
  row: Selectable<CallBacksTable>,
  attempts: readonly Selectable<CallBackAttemptsTable>[],
  sealer: Sealer,
): CallBack {
  return {
    callBackId: asId<CallBackId>(row.callBackId),
    state: row.state as CallBackState,
    queueId: row.queueId,
    lineId: row.lineId,
    topic: row.topic,
    language: row.language,
    number: sealer.open(row.numberSealed, sealedIn.callBackNumber(row.callBackId)),
    placeMs: row.placeAt.getTime(),
    wish:
      row.wish === 'at'
        ? { kind: 'at', atMs: row.wishAt?.getTime() ?? row.dueAt.getTime() }
        : { kind: row.wish as 'soon' | 'nextOpening' },
    createdAtMs: row.createdAt.getTime(),
    promisedBy: asId<ContactId>(row.promisedBy),
    dueAtMs: row.dueAt.getTime(),
    promisedDay: row.promisedDay,
    attempts: attempts.map(toAttempt),
    ...present({
      utcOffsetMinutes: row.utcOffsetMinutes,
      caseId: row.caseId as CaseId | null,
      contactId: row.contactId as ContactId | null,
      reason: row.reason,
      hoursAheadMs: row.hoursAheadMs,
    }),
  };
}

function toAttempt(row: Selectable<CallBackAttemptsTable>): CallBackAttempt {
  return {
    number: row.number,
    contactId: asId<ContactId>(row.contactId),
    startedAtMs: row.startedAt.getTime(),
    ...present({ endedAtMs: msOrNull(row.endedAt), outcome: row.outcome as CallBackAttempt['outcome'] | null }),
  };
}
