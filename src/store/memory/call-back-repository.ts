import {
  type AnsweredRequest,
  type CallBack,
  type CallBackDraft,
  type CallBackRepository,
  type CallBackRoom,
  moves,
  spreadInstants,
} from '../../callbacks/index.ts';
import { type CallBackId, newId } from '../../foundation/index.ts';

/** The twin of the call-backs' tables: same contract, nothing durable. */
export function createMemoryCallBackRepository(): CallBackRepository {
  const byId = new Map<CallBackId, CallBack>();
  const requests = new Map<string, AnsweredRequest>();
  const all = (): readonly CallBack[] => [...byId.values()];
  const put = (callBack: CallBack): CallBack => {
    byId.set(callBack.callBackId, structuredClone(callBack));
    return structuredClone(callBack);
  };
  const move = <Answer>(
    callBackId: CallBackId,
    make: (callBack: CallBack | undefined) => moves.Moved<Answer>,
  ): Answer => {
    const { answer, next } = make(byId.get(callBackId));
    if (next !== undefined) put(next);
    return structuredClone(answer);
  };

  return {
    promise: async (draft, options) => promiseOnce({ byId, requests, all, put }, draft, options),
    answered: async (requestKey) => structuredClone(requests.get(requestKey)),
    openOf: async (number) =>
      structuredClone(
        all()
          .filter((callBack) => callBack.number === number && moves.isOpen(callBack))
          .sort((a, b) => a.placeMs - b.placeMs),
      ),
    hold: async (callBackId, contactId) => move(callBackId, (callBack) => moves.hold(callBack, contactId)),
    letGo: async (callBackId, contactId, dueAtMs) =>
      move(callBackId, (callBack) => moves.letGo(callBack, contactId, dueAtMs)),
    cancel: async (callBackId, by) => move(callBackId, (callBack) => moves.cancel(callBack, by)),
    claim: async (callBackId, contactId, nowMs) =>
      move(callBackId, (callBack) => moves.claim(callBack, contactId, nowMs)),
    postpone: async (callBackId, contactId, dueAtMs) =>
      move(callBackId, (callBack) => moves.postpone(callBack, contactId, dueAtMs)),
    beginAttempt: async (callBackId, contactId, nowMs) =>
      move(callBackId, (callBack) => moves.beginAttempt(callBack, contactId, nowMs)),
    endAttempt: async (callBackId, contactId, end) =>
      move(callBackId, (callBack) => moves.endAttempt(callBack, contactId, end)),
    get: async (callBackId) => structuredClone(byId.get(callBackId)),
    list: async ({ state, queueId, before, limit }) =>
      structuredClone(
        all()
          .filter((callBack) => state === undefined || callBack.state === state)
          .filter((callBack) => queueId === undefined || callBack.queueId === queueId)
          .filter((callBack) => before === undefined || callBack.callBackId < before)
          .sort((a, b) => (a.callBackId < b.callBackId ? 1 : -1))
          .slice(0, limit),
      ),
    ...overviews({ all, put }),
  };
}

interface Rows {
  readonly all: () => readonly CallBack[];
  readonly put: (callBack: CallBack) => CallBack;
}

/** Verbs over many rows. */
function overviews({ all, put }: Rows): Pick<CallBackRepository, 'scheduled' | 'owned' | 'promised' | 'spread'> {
  return {
    scheduled: async (limit) =>
      all()
        .filter(({ state }) => state === 'scheduled')
        .sort((a, b) => a.dueAtMs - b.dueAtMs)
        .slice(0, limit)
        .map(({ callBackId, dueAtMs }) => ({ callBackId, dueAtMs })),
    owned: async () =>
      all().flatMap(({ callBackId, contactId, state }) =>
        contactId === undefined ? [] : [{ callBackId, contactId, state }],
      ),
    promised: async () => promisedByDay(all().filter(moves.isOpen)),
    spread: async (queueId, openingMs, overMs) => {
      const due = all()
        .filter((callBack) => callBack.queueId === queueId && callBack.state === 'scheduled')
        .filter((callBack) => callBack.dueAtMs === openingMs && callBack.wish.kind !== 'at')
        .sort((a, b) => a.placeMs - b.placeMs || (a.callBackId < b.callBackId ? -1 : 1));
      const later = spreadInstants(due.length, openingMs, overMs).flatMap((dueAtMs, at) => {
        const callBack = due[at];
        return callBack === undefined || dueAtMs === openingMs ? [] : [put({ ...callBack, dueAtMs })];
      });
      return later.length;
    },
  };
}

/** A request with a key is answered once. */
function promiseOnce(
  rows: Rows & { readonly byId: ReadonlyMap<CallBackId, CallBack>; readonly requests: Map<string, AnsweredRequest> },
  draft: CallBackDraft,
  { room, requestKey }: Parameters<CallBackRepository['promise']>[1],
): Awaited<ReturnType<CallBackRepository['promise']>> {
  const { byId, requests } = rows;
  if (requestKey === undefined) return promise(rows, draft, { room, asked: 'byCaller' });
  const before = requests.get(requestKey);
  const known = before && byId.get(before.callBackId);
  if (before !== undefined && known !== undefined) {
    return { outcome: 'promised', callBack: structuredClone(known), merged: before.merged };
  }
  const answer = promise(rows, draft, { room, asked: 'elsewhere' });
  if (answer.outcome === 'promised') {
    const { callBackId, dueAtMs } = answer.callBack;
    requests.set(requestKey, { callBackId, dueAtMs, merged: answer.merged });
  }
  return answer;
}

function promise(
  rows: Rows,
  draft: CallBackDraft,
  { room, asked }: { readonly room: readonly CallBackRoom[]; readonly asked: 'byCaller' | 'elsewhere' },
): Awaited<ReturnType<CallBackRepository['promise']>> {
  const open = rows.all().filter((callBack) => callBack.queueId === draft.queueId && moves.isOpen(callBack));
  const ofNumber = open.filter(({ number }) => number === draft.number);
  const known = moves.askedAgain(ofNumber, draft, asked);
  const stands = known && moves.standsAsItIs(known, draft, asked);
  if (known !== undefined && stands !== undefined) {
    return { outcome: 'promised', callBack: structuredClone(known), merged: stands !== 'repeat' };
  }
  const day = moves.roomFor(
    room,
    (name) => open.filter((other) => other !== known && other.promisedDay === name).length,
  );
  if (day === undefined) return { outcome: 'noRoom' };
  if (known === undefined) {
    const fresh = moves.promised(draft, newId<CallBackId>('b', draft.createdAtMs), day);
    return { outcome: 'promised', callBack: rows.put(fresh), merged: false };
  }
  const { next, ...rest } = moves.merged(known, draft, day);
  return { outcome: 'promised', callBack: rows.put(next), merged: true, ...rest };
}

type Promised = Awaited<ReturnType<CallBackRepository['promised']>>[number];

function promisedByDay(open: readonly CallBack[]): readonly Promised[] {
  const days = Map.groupBy(open, ({ queueId, promisedDay }) => `${queueId} ${promisedDay}`);
  return [...days.values()]
    .flatMap((group): readonly Promised[] => {
      const [first] = group;
      if (first === undefined) return [];
      const waiting = group.filter(({ state }) => state === 'scheduled' || state === 'claimed');
      return [
        {
          queueId: first.queueId,
          day: first.promisedDay,
          open: group.length,
          ...soonest('oldestDueAtMs', waiting),
          ...soonest(
            'oldestChosenAtMs',
            waiting.filter(({ wish }) => wish.kind === 'at'),
          ),
        },
      ];
    })
    .sort((a, b) => (a.queueId === b.queueId ? compare(a.day, b.day) : compare(a.queueId, b.queueId)));
}

function soonest<Name extends 'oldestDueAtMs' | 'oldestChosenAtMs'>(
  name: Name,
  waiting: readonly CallBack[],
): { readonly [Key in Name]?: number } {
  const instants = waiting.map(({ dueAtMs }) => dueAtMs);
  return (instants.length === 0 ? {} : { [name]: Math.min(...instants) }) as { readonly [Key in Name]?: number };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
