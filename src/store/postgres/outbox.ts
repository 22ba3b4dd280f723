import { type Selectable, sql } from 'kysely';
import type { NoticeState, NoticeView, Outbox, OutboxNotice } from '../../cases/index.ts';
import type { CaseId } from '../../foundation/index.ts';
import type { Database } from './database.ts';
import { type Sealer, sealedIn } from './sealer.ts';
import type { OutboxTable } from './tables.ts';
import { instant, msOrNull, present, storableText } from './values.ts';

const unsentStates: readonly NoticeState[] = ['pending', 'sending'];

/** Notices waiting to be sent. A claim is an update that only one process can win. */
export function createOutbox({ db, guard, listen }: Database, sealer: Sealer): Outbox {
  return {
    watch: (listener, signal) => listen('outbox', listener, signal),

    list: (filter) =>
      guard('listing the outbox', async () => {
        let query = db.selectFrom('outbox').selectAll().orderBy('noticeId', 'desc').limit(filter.limit);
        if (filter.state !== undefined) query = query.where('state', '=', filter.state);
        if (filter.caseId !== undefined) query = query.where('caseId', '=', filter.caseId);
        return (await query.execute()).map(toView);
      }),

    claim: (noticeId, { nowMs, claimUntilMs }) =>
      guard('claiming a notice', async () => {
        const claimed = await db
          .updateTable('outbox')
          .set((eb) => ({ state: 'sending', claimedUntil: instant(claimUntilMs), attempts: eb('attempts', '+', 1) }))
          .where('noticeId', '=', noticeId)
          .where((eb) =>
            eb.or([
              eb.and([eb('state', '=', 'pending'), eb('dueAt', '<=', instant(nowMs))]),
              eb.and([eb('state', '=', 'sending'), eb('claimedUntil', '<=', instant(nowMs))]),
            ]),
          )
          .returningAll()
          .executeTakeFirst();
        if (claimed !== undefined)
          return { outcome: 'claimed', notice: toNotice(claimed, sealer), attempts: claimed.attempts };
        const row = await db.selectFrom('outbox').selectAll().where('noticeId', '=', noticeId).executeTakeFirst();
        if (row === undefined) return { outcome: 'unknownNotice' };
        if (row.state === 'pending') return { outcome: 'notDue', dueAtMs: row.dueAt.getTime() };
        return { outcome: row.state === 'sending' ? 'taken' : 'over' };
      }),

    sent: (noticeId, nowMs) =>
      guard('marking a notice as sent', async () => {
        await db
          .updateTable('outbox')
          .set({ state: 'sent', sentAt: instant(nowMs), claimedUntil: null, failure: null })
          .where('noticeId', '=', noticeId)
          .where('state', 'in', unsentStates)
          .execute();
      }),

    attemptFailed: (noticeId, { failure, retryAtMs }) =>
      guard('marking a notice as failed', async () => {
        await db
          .updateTable('outbox')
          .set((eb) => ({
            state: retryAtMs === undefined ? 'failed' : 'pending',
            failure: storableText(failure),
            claimedUntil: null,
            dueAt: retryAtMs === undefined ? eb.ref('dueAt') : eb.val(instant(retryAtMs)),
          }))
          .where('noticeId', '=', noticeId)
          .where('state', 'in', unsentStates)
          .execute();
      }),

    unsent: (limit) =>
      guard('reading unsent notices', async () => {
        const rows = await db
          .selectFrom('outbox')
          .select(['noticeId', sql<Date>`greatest(due_at, coalesce(claimed_until, due_at))`.as('nextAt')])
          .where('state', 'in', unsentStates)
          .orderBy('dueAt')
          .limit(limit)
          .execute();
        return rows.map((row) => ({ noticeId: row.noticeId, dueAtMs: row.nextAt.getTime() }));
      }),
  };
}

function toNotice(row: Selectable<OutboxTable>, sealer: Sealer): OutboxNotice {
  return {
    channel: row.channel as OutboxNotice['channel'],
    to: sealer.open(row.recipientSealed, sealedIn.noticeRecipient(row.noticeId)),
    template: row.template,
    parameters: JSON.parse(sealer.open(row.parametersSealed, sealedIn.noticeParameters(row.noticeId))) as Record<
      string,
      string
    >,
  };
}

function toView(row: Selectable<OutboxTable>): NoticeView {
  return {
    noticeId: row.noticeId,
    channel: row.channel as NoticeView['channel'],
    template: row.template,
    state: row.state as NoticeState,
    attempts: row.attempts,
    createdAtMs: row.createdAt.getTime(),
    dueAtMs: row.dueAt.getTime(),
    ...present({ caseId: row.caseId as CaseId | null, sentAtMs: msOrNull(row.sentAt), failure: row.failure }),
  };
}
