import { randomInt } from 'node:crypto';
import {
  type CaseRepository,
  type CaseView,
  drawCaseNumber,
  type NoticeView,
  type Outbox,
  type OutboxNotice,
} from '../../cases/index.ts';
import { type CaseId, newId } from '../../foundation/index.ts';

interface StoredNotice {
  view: NoticeView;
  readonly notice: OutboxNotice;
  claimedUntilMs?: number;
}

/** The twins of cases and outbox in PostgreSQL; together, as a request is stored with its notices in one step. */
export function createMemoryCases(): { readonly cases: CaseRepository; readonly outbox: Outbox } {
  const byId = new Map<CaseId, CaseView>();
  const byNumber = new Map<string, CaseView>();
  const byKey = new Map<string, CaseView>();
  const notices = new Map<string, StoredNotice>();
  const listeners = new Set<(noticeId: string | undefined) => void>();

  const cases: CaseRepository = {
    storeRequest: async (draft, { idempotencyKey, notices: noticesOf }) => {
      const known = byKey.get(idempotencyKey);
      if (known !== undefined) return { caseId: known.caseId, caseNumber: known.caseNumber };
      let caseNumber = drawCaseNumber(randomInt);
      while (byNumber.has(caseNumber)) caseNumber = drawCaseNumber(randomInt);
      // Asked for first: when it throws, nothing is stored, as in a transaction.
      const toSend = noticesOf(caseNumber);
      const stored: CaseView = {
        ...structuredClone(draft),
        caseId: newId<CaseId>('k', draft.createdAtMs),
        caseNumber,
        state: 'registered',
      };
      byId.set(stored.caseId, stored);
      byNumber.set(caseNumber, stored);
      byKey.set(idempotencyKey, stored);
      for (const notice of toSend) {
        const noticeId = storeNotice(notices, notice, stored);
        for (const listener of listeners) listener(noticeId);
      }
      return { caseId: stored.caseId, caseNumber };
    },
    closeUnworked: async ({ caseId }) => {
      const known = byId.get(caseId);
      if (known === undefined) return 'unknownCase';
      if (known.state !== 'registered' && known.state !== 'closed') return 'beingWorkedOn';
      const closed: CaseView = { ...known, state: 'closed' };
      byId.set(caseId, closed);
      byNumber.set(known.caseNumber, closed);
      return 'closed';
    },
    get: async (caseId) => structuredClone(byId.get(caseId)),
    findByNumber: async (caseNumber) => structuredClone(byNumber.get(caseNumber)),
  };
  return { cases, outbox: outboxOver(notices, listeners) };
}

function storeNotice(notices: Map<string, StoredNotice>, notice: OutboxNotice, stored: CaseView): string {
  const noticeId = newId<string>('n', stored.createdAtMs);
  notices.set(noticeId, {
    notice: structuredClone(notice),
    view: {
      noticeId,
      caseId: stored.caseId,
      channel: notice.channel,
      template: notice.template,
      state: 'pending',
      attempts: 0,
      createdAtMs: stored.createdAtMs,
      dueAtMs: stored.createdAtMs,
    },
  });
  return noticeId;
}

function outboxOver(
  notices: Map<string, StoredNotice>,
  listeners: Set<(noticeId: string | undefined) => void>,
): Outbox {
  const isUnsent = ({ view }: StoredNotice): boolean => view.state === 'pending' || view.state === 'sending';
  return {
    list: async (filter) =>
      [...notices.values()]
        .map(({ view }) => view)
        .filter((view) => filter.state === undefined || view.state === filter.state)
        .filter((view) => filter.caseId === undefined || view.caseId === filter.caseId)
        .sort((a, b) => (a.noticeId < b.noticeId ? 1 : -1))
        .slice(0, filter.limit),

    claim: async (noticeId, { nowMs, claimUntilMs }) => {
      const stored = notices.get(noticeId);
      if (stored === undefined) return { outcome: 'unknownNotice' };
      const { view } = stored;
      if (!isUnsent(stored)) return { outcome: 'over' };
      if (view.state === 'pending' && view.dueAtMs > nowMs) return { outcome: 'notDue', dueAtMs: view.dueAtMs };
      if (view.state === 'sending' && (stored.claimedUntilMs ?? 0) > nowMs) return { outcome: 'taken' };
      stored.view = { ...view, state: 'sending', attempts: view.attempts + 1 };
      stored.claimedUntilMs = claimUntilMs;
      return { outcome: 'claimed', notice: structuredClone(stored.notice), attempts: stored.view.attempts };
    },

    sent: async (noticeId, nowMs) => {
      const stored = notices.get(noticeId);
      if (stored === undefined || !isUnsent(stored)) return;
      const { failure: _past, ...view } = stored.view;
      stored.view = { ...view, state: 'sent', sentAtMs: nowMs };
    },

    attemptFailed: async (noticeId, { failure, retryAtMs }) => {
      const stored = notices.get(noticeId);
      if (stored === undefined || !isUnsent(stored)) return;
      stored.view =
        retryAtMs === undefined
          ? { ...stored.view, state: 'failed', failure }
          : { ...stored.view, state: 'pending', failure, dueAtMs: retryAtMs };
    },

    unsent: async (limit) =>
      [...notices.values()]
        .filter(isUnsent)
        .sort((a, b) => a.view.dueAtMs - b.view.dueAtMs)
        .slice(0, limit)
        .map(({ view, claimedUntilMs }) => ({
          noticeId: view.noticeId,
          dueAtMs: view.state === 'sending' ? Math.max(view.dueAtMs, claimedUntilMs ?? 0) : view.dueAtMs,
        })),

    watch: async (listener, signal) => {
      if (signal.aborted) return;
      listeners.add(listener);
      listener(undefined);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      listeners.delete(listener);
    },
  };
}
