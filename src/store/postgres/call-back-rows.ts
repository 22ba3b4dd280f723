import type { Selectable } from 'kysely';
import type { CallBack, CallBackAttempt, CallBackState } from '../../callbacks/index.ts';
import { asId, type CallBackId, type CaseId, type CommandMeta, type ContactId } from '../../foundation/index.ts';
import type { Db } from './database.ts';
import { phoneNumberPurpose, type Sealer, sealedIn } from './sealer.ts';
import type { CallBackAttemptsTable, CallBacksTable } from './tables.ts';
import { instant, msOrNull, present, storableText, wholeOrNull } from './values.ts';

export interface HistoryRow {
  readonly callBackId: CallBackId;
  readonly atMs: number;
  readonly meta: CommandMeta;
  readonly change: 'promised' | 'merged' | 'cancelled';
}

export async function insertHistory(db: Db, { callBackId, atMs, meta, change }: HistoryRow): Promise<void> {
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
export async function read(
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
export async function write(db: Db, sealer: Sealer, before: CallBack, next: CallBack): Promise<void> {
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

export function toRow(callBack: CallBack, sealer: Sealer): Selectable<CallBacksTable> {
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
