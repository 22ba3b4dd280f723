import { sql } from 'kysely';
import {
  type AnsweredRequest,
  type CallBack,
  type CallBackDraft,
  type CallBackRepository,
  type CallBackState,
  moves,
} from '../../callbacks/index.ts';
import { asId, type CallBackId, type ContactId, newId } from '../../foundation/index.ts';
import { type HistoryRow, insertHistory, read, toRow, write } from './call-back-rows.ts';
import type { Database, Db } from './database.ts';
import { phoneNumberPurpose, type Sealer } from './sealer.ts';
import { instant, msOrNull, present, storableText } from './values.ts';

/** First half of the name of a queue's advisory lock; the other is the queue's. Nothing else locks by this number. */
const bookingLock = 7_401;

/**
 * Call-backs in PostgreSQL. The moves are those of the room: the row is locked, moved and written in one transaction. Who books a day's
 * room holds the lock of the queue, so that several processes together never promise more than there is.
 */
export function createCallBackRepository(database: Database, sealer: Sealer): CallBackRepository {
  return {
    ...promising(database, sealer),
    ...moving(database, sealer),
    ...reading(database, sealer),
    ...overviews(database),
  };
}

function promising({ db, guard }: Database, sealer: Sealer): Pick<CallBackRepository, 'promise' | 'answered'> {
  return {
    promise: (draft, options) =>
      guard('promising a call-back', () =>
        db.transaction().execute((transaction) => promiseOnce(transaction, sealer, draft, options)),
      ),
    answered: (requestKey) => guard('looking for a request', () => answered(db, requestKey)),
  };
}

type Moves = 'hold' | 'letGo' | 'cancel' | 'claim' | 'postpone' | 'beginAttempt' | 'endAttempt';

function moving({ db, guard }: Database, sealer: Sealer): Pick<CallBackRepository, Moves> {
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
  };
}

function reading({ db, guard }: Database, sealer: Sealer): Pick<CallBackRepository, 'openOf' | 'get' | 'list'> {
  return {
    openOf: (number) =>
      guard('reading the call-backs of a number', () =>
        read(db, sealer, (query) =>
          query
            .where('numberIndex', '=', sealer.blindIndex(storableText(number), phoneNumberPurpose))
            .where('state', 'in', moves.openStates)
            .orderBy('placeAt'),
        ),
      ),
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
    promised: () => guard('counting promised call-backs', () => promisedByDay(db)),
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

/** What is open, by queue and day. */
async function promisedByDay(db: Db): ReturnType<CallBackRepository['promised']> {
  const rows = await db
    .selectFrom('callBacks')
    .select([
      'queueId',
      'promisedDay',
      sql<number>`count(*)::int`.as('open'),
      sql<Date | null>`min(due_at) filter (where state in ('scheduled', 'claimed'))`.as('oldestDueAt'),
      sql<Date | null>`min(due_at) filter (where wish = 'at' and state in ('scheduled', 'claimed'))`.as(
        'oldestChosenAt',
      ),
    ])
    .where('state', 'in', moves.openStates)
    .groupBy(['queueId', 'promisedDay'])
    .orderBy(sql`queue_id collate "C"`)
    .orderBy('promisedDay')
    .execute();
  return rows.map(({ queueId, promisedDay, open, oldestDueAt, oldestChosenAt }) => ({
    queueId,
    day: promisedDay,
    open,
    ...present({ oldestDueAtMs: msOrNull(oldestDueAt), oldestChosenAtMs: msOrNull(oldestChosenAt) }),
  }));
}

type Promised = Awaited<ReturnType<CallBackRepository['promise']>>;

type PromiseOptions = Parameters<CallBackRepository['promise']>[1];

/** A request with a key is answered once: two at a time wait for each other at the lock of the queue. */
async function promiseOnce(db: Db, sealer: Sealer, draft: CallBackDraft, options: PromiseOptions): Promise<Promised> {
  const { requestKey } = options;
  await lockBooking(db, draft.queueId);
  if (requestKey === undefined) return await promise(db, sealer, draft, options);
  const before = await answered(db, requestKey);
  if (before !== undefined) {
    const [callBack] = await read(db, sealer, (query) => query.where('callBackId', '=', before.callBackId));
    if (callBack !== undefined) return { outcome: 'promised', callBack, merged: before.merged };
  }
  const answer = await promise(db, sealer, draft, options);
  if (answer.outcome === 'promised') {
    const { callBackId, dueAtMs } = answer.callBack;
    const kept = { requestKey: storableText(requestKey), callBackId, dueAt: instant(dueAtMs), merged: answer.merged };
    await db.insertInto('callBackRequests').values(kept).execute();
  }
  return answer;
}

async function answered(db: Db, requestKey: string): Promise<AnsweredRequest | undefined> {
  const row = await db
    .selectFrom('callBackRequests')
    .selectAll()
    .where('requestKey', '=', storableText(requestKey))
    .executeTakeFirst();
  return row && { callBackId: asId<CallBackId>(row.callBackId), dueAtMs: row.dueAt.getTime(), merged: row.merged };
}

/** Under the lock of the queue. */
async function promise(
  db: Db,
  sealer: Sealer,
  draft: CallBackDraft,
  { room, meta, requestKey }: PromiseOptions,
): Promise<Promised> {
  const ofNumber = await read(db, sealer, (query) =>
    query
      .where('numberIndex', '=', sealer.blindIndex(storableText(draft.number), phoneNumberPurpose))
      .where('queueId', '=', storableText(draft.queueId))
      .where('state', 'in', moves.openStates)
      .forUpdate(),
  );
  const asked = requestKey === undefined ? 'byCaller' : 'elsewhere';
  const known = moves.askedAgain(ofNumber, draft, asked);
  const stands = known && moves.standsAsItIs(known, draft, asked);
  if (known !== undefined && stands !== undefined) {
    return { outcome: 'promised', callBack: known, merged: stands !== 'repeat' };
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
