import { randomInt } from 'node:crypto';
import type { Selectable } from 'kysely';
import {
  type CaseRepository,
  type CaseView,
  drawCaseNumber,
  type OutboxNotice,
  type RequestDraft,
  type StoredRequest,
} from '../../cases/index.ts';
import {
  asId,
  type CaseId,
  type CommandMeta,
  type ContactId,
  DozvonError,
  newId,
  type RecordingId,
} from '../../foundation/index.ts';
import type { Database, Db } from './database.ts';
import { phoneNumberPurpose, type Sealer, sealedIn } from './sealer.ts';
import type { CasesTable } from './tables.ts';
import { instant, storableJson, storableText, wholeOrNull } from './values.ts';

/** Draws before giving up. One in nine million at the start; a range nearly full shows as many collisions and gets more digits. */
const mostDraws = 20;
const drawsPerLength = 5;

export function createCaseRepository(database: Database, sealer: Sealer): CaseRepository {
  const { db, guard } = database;

  const find = (column: 'caseId' | 'caseNumber', value: string): Promise<CaseView | undefined> =>
    guard('reading a case', async () => {
      const row = await db.selectFrom('cases').selectAll().where(column, '=', storableText(value)).executeTakeFirst();
      return row === undefined ? undefined : toCase(row, sealer);
    });

  return {
    storeRequest: (draft, options) =>
      guard('storing a request', () =>
        db.transaction().execute(async (transaction) => {
          const { request, isNew } = await insertCase(transaction, sealer, draft, options.idempotencyKey);
          if (!isNew) return request;
          await insertHistory(transaction, request, draft, options.meta);
          await insertNotices(transaction, sealer, request, draft, options.notices(request.caseNumber));
          return request;
        }),
      ),
    closeUnworked: ({ caseId, atMs }, meta) =>
      guard('closing a request', () =>
        db.transaction().execute(async (transaction) => {
          const row = await transaction
            .selectFrom('cases')
            .select('state')
            .where('caseId', '=', storableText(caseId))
            .forUpdate()
            .executeTakeFirst();
          if (row === undefined) return 'unknownCase';
          if (row.state === 'closed') return 'closed';
          if (row.state !== 'registered') return 'beingWorkedOn';
          await transaction.updateTable('cases').set({ state: 'closed' }).where('caseId', '=', caseId).execute();
          await transaction
            .insertInto('caseHistory')
            .values({ caseId, ...historyOf(meta, atMs), change: 'closed', facts: storableJson({}) })
            .execute();
          return 'closed';
        }),
      ),
    get: (caseId) => find('caseId', caseId),
    findByNumber: (caseNumber) => find('caseNumber', caseNumber),
  };
}

/**
 * Inserts the case under a fresh number. Nothing inserted means that the request is stored already (a repeat waits here until the
 * first has been committed) or that the number is taken; the key tells which.
 */
async function insertCase(
  db: Db,
  sealer: Sealer,
  draft: RequestDraft,
  idempotencyKey: string,
): Promise<{ readonly request: StoredRequest; readonly isNew: boolean }> {
  const caseId = newId<CaseId>('k', draft.createdAtMs);
  const number = storableText(draft.callBackNumber);
  for (let draw = 0; draw < mostDraws; draw += 1) {
    const caseNumber = drawCaseNumber(randomInt, Math.floor(draw / drawsPerLength));
    const inserted = await db
      .insertInto('cases')
      .values({
        caseId,
        caseNumber,
        contactId: draft.contactId,
        lineId: storableText(draft.lineId),
        topic: storableText(draft.topic),
        language: storableText(draft.language),
        callBackNumberSealed: number === '' ? null : sealer.seal(number, sealedIn.caseCallBackNumber(caseId)),
        callBackNumberIndex: number === '' ? null : sealer.blindIndex(number, phoneNumberPurpose),
        messageRecordingId: draft.message?.recordingId ?? null,
        messageFromMs: wholeOrNull(draft.message?.fromMs),
        messageToMs: wholeOrNull(draft.message?.toMs),
        state: 'registered',
        idempotencyKey,
        createdAt: instant(draft.createdAtMs),
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('caseId')
      .executeTakeFirst();
    if (inserted !== undefined) return { request: { caseId, caseNumber }, isNew: true };
    const known = await db
      .selectFrom('cases')
      .select(['caseId', 'caseNumber'])
      .where('idempotencyKey', '=', idempotencyKey)
      .executeTakeFirst();
    if (known !== undefined)
      return { request: { caseId: asId<CaseId>(known.caseId), caseNumber: known.caseNumber }, isNew: false };
  }
  throw new DozvonError(
    'CASE_NUMBERS_EXHAUSTED',
    `expected a free case number within ${mostDraws} draws, every one was taken`,
  );
}

async function insertHistory(db: Db, request: StoredRequest, draft: RequestDraft, meta: CommandMeta): Promise<void> {
  await db
    .insertInto('caseHistory')
    .values({
      caseId: request.caseId,
      ...historyOf(meta, draft.createdAtMs),
      change: 'registered',
      facts: storableJson({ contactId: draft.contactId, topic: draft.topic, message: draft.message !== undefined }),
    })
    .execute();
}

function historyOf(meta: CommandMeta, atMs: number) {
  return {
    at: instant(atMs),
    actorKind: meta.actor.kind,
    actorId: storableText(meta.actor.id),
    reason: storableText(meta.reason),
  };
}

async function insertNotices(
  db: Db,
  sealer: Sealer,
  request: StoredRequest,
  draft: RequestDraft,
  notices: readonly OutboxNotice[],
): Promise<void> {
  if (notices.length === 0) return;
  const rows = notices.map((notice) => {
    const noticeId = newId<string>('n', draft.createdAtMs);
    return {
      noticeId,
      caseId: request.caseId,
      channel: notice.channel,
      recipientSealed: sealer.seal(notice.to, sealedIn.noticeRecipient(noticeId)),
      template: notice.template,
      parametersSealed: sealer.seal(JSON.stringify(notice.parameters), sealedIn.noticeParameters(noticeId)),
      state: 'pending',
      attempts: 0,
      createdAt: instant(draft.createdAtMs),
      dueAt: instant(draft.createdAtMs),
    };
  });
  await db.insertInto('outbox').values(rows).execute();
}

function toCase(row: Selectable<CasesTable>, sealer: Sealer): CaseView {
  const { messageRecordingId, messageFromMs, messageToMs } = row;
  const hasMessage = messageRecordingId !== null && messageFromMs !== null && messageToMs !== null;
  return {
    caseId: asId<CaseId>(row.caseId),
    caseNumber: row.caseNumber,
    contactId: asId<ContactId>(row.contactId),
    lineId: row.lineId,
    topic: row.topic,
    language: row.language,
    callBackNumber:
      row.callBackNumberSealed === null
        ? ''
        : sealer.open(row.callBackNumberSealed, sealedIn.caseCallBackNumber(row.caseId)),
    ...(hasMessage
      ? { message: { recordingId: asId<RecordingId>(messageRecordingId), fromMs: messageFromMs, toMs: messageToMs } }
      : {}),
    createdAtMs: row.createdAt.getTime(),
    state: row.state as CaseView['state'],
  };
}
