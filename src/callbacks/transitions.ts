import type { CallBackId, ContactId } from '../foundation/index.ts';
import type {
  AttemptOutcome,
  CallBack,
  CallBackAttempt,
  CallBackDraft,
  CallBackRepository,
  CallBackRoom,
  CallBackState,
} from './ports.ts';

/**
 * The moves of a call-back, pure: what is answered, and what it is afterwards (`next`; without it nothing changes). Every store makes
 * them in one atomic step: read, move, write.
 */

type Verb = 'hold' | 'letGo' | 'cancel' | 'claim' | 'postpone' | 'beginAttempt' | 'endAttempt';
type AnswerOf<Name extends Verb> = Awaited<ReturnType<CallBackRepository[Name]>>;

export interface Moved<Answer> {
  readonly answer: Answer;
  readonly next?: CallBack;
}

type Move<Name extends Verb> = Moved<AnswerOf<Name>>;

export const openStates: readonly CallBackState[] = ['held', 'scheduled', 'claimed', 'dialling'];

export function isOpen(callBack: CallBack): boolean {
  return openStates.includes(callBack.state);
}

/** In this state, had by this contact. */
function isWith(
  callBack: CallBack | undefined,
  state: CallBackState,
  contactId: ContactId,
): callBack is CallBack & { readonly contactId: ContactId } {
  return callBack?.state === state && callBack.contactId === contactId;
}

/** In a state that nobody has it in. */
function withNobody(callBack: CallBack, state: 'scheduled' | 'done' | 'failed' | 'cancelled'): CallBack {
  const { contactId: _past, ...rest } = callBack;
  return { ...rest, state };
}

/** Who had claimed it, when that is another than who has it now. */
function claimedBefore(callBack: CallBack, now: ContactId | undefined): { readonly was?: ContactId } {
  const { state, contactId } = callBack;
  return state === 'claimed' && contactId !== undefined && contactId !== now ? { was: contactId } : {};
}

export function hold(callBack: CallBack | undefined, contactId: ContactId): Move<'hold'> {
  if (callBack === undefined || !isOpen(callBack)) return { answer: { outcome: 'over' } };
  if (callBack.state === 'dialling') return { answer: { outcome: 'dialling' } };
  if (isWith(callBack, 'held', contactId)) return { answer: { outcome: 'held' } };
  if (callBack.state === 'held') return { answer: { outcome: 'over' } };
  const answer = { outcome: 'held', ...claimedBefore(callBack, contactId) } as const;
  return { answer, next: { ...callBack, state: 'held', contactId } };
}

export function letGo(callBack: CallBack | undefined, contactId: ContactId, dueAtMs: number): Move<'letGo'> {
  if (!isWith(callBack, 'held', contactId)) return { answer: 'notHeld' };
  const next = { ...withNobody(callBack, 'scheduled'), dueAtMs: Math.max(dueAtMs, callBack.dueAtMs) };
  return { answer: 'scheduled', next };
}

export function cancel(
  callBack: CallBack | undefined,
  by: { readonly contactId?: ContactId; readonly reason: string },
): Move<'cancel'> {
  if (callBack === undefined || !isOpen(callBack)) return { answer: { outcome: 'over' } };
  if (callBack.state === 'dialling') return { answer: { outcome: 'dialling' } };
  if (by.contactId !== undefined && callBack.contactId !== by.contactId) return { answer: { outcome: 'over' } };
  const answer = { outcome: 'cancelled', ...claimedBefore(callBack, by.contactId) } as const;
  return { answer, next: { ...withNobody(callBack, 'cancelled'), reason: by.reason } };
}

export function claim(callBack: CallBack | undefined, contactId: ContactId, nowMs: number): Move<'claim'> {
  if (callBack === undefined || !isOpen(callBack)) return { answer: { outcome: 'over' } };
  if (isWith(callBack, 'claimed', contactId)) return { answer: { outcome: 'claimed', callBack } };
  if (callBack.state !== 'scheduled') return { answer: { outcome: 'taken' } };
  if (callBack.dueAtMs > nowMs) return { answer: { outcome: 'notDue' } };
  const next: CallBack = { ...callBack, state: 'claimed', contactId };
  return { answer: { outcome: 'claimed', callBack: next }, next };
}

export function postpone(callBack: CallBack | undefined, contactId: ContactId, dueAtMs: number): Move<'postpone'> {
  if (!isWith(callBack, 'claimed', contactId)) return { answer: 'notClaimed' };
  return { answer: 'scheduled', next: { ...withNobody(callBack, 'scheduled'), dueAtMs } };
}

export function beginAttempt(
  callBack: CallBack | undefined,
  contactId: ContactId,
  nowMs: number,
): Move<'beginAttempt'> {
  if (isWith(callBack, 'dialling', contactId)) {
    return { answer: { outcome: 'begun', attempt: callBack.attempts.length } };
  }
  if (!isWith(callBack, 'claimed', contactId)) return { answer: { outcome: 'notClaimed' } };
  const attempt: CallBackAttempt = { number: callBack.attempts.length + 1, contactId, startedAtMs: nowMs };
  return {
    answer: { outcome: 'begun', attempt: attempt.number },
    next: { ...callBack, state: 'dialling', attempts: [...callBack.attempts, attempt] },
  };
}

export function endAttempt(
  callBack: CallBack | undefined,
  contactId: ContactId,
  end: { readonly outcome: AttemptOutcome; readonly nowMs: number; readonly retryAtMs?: number },
): Move<'endAttempt'> {
  if (!isWith(callBack, 'dialling', contactId)) return { answer: endedAs(callBack, contactId) };
  const attempts = callBack.attempts.map((attempt) =>
    attempt.endedAtMs === undefined ? { ...attempt, endedAtMs: end.nowMs, outcome: end.outcome } : attempt,
  );
  if (end.outcome === 'reached') return { answer: 'done', next: { ...withNobody(callBack, 'done'), attempts } };
  if (end.retryAtMs === undefined) {
    return { answer: 'failed', next: { ...withNobody(callBack, 'failed'), attempts, reason: end.outcome } };
  }
  return {
    answer: 'scheduled',
    next: { ...withNobody(callBack, 'scheduled'), attempts, dueAtMs: end.retryAtMs },
  };
}

/** What became of the attempt that this contact has ended before: the answer to a repeat. */
function endedAs(callBack: CallBack | undefined, contactId: ContactId): AnswerOf<'endAttempt'> {
  const attempt = callBack?.attempts.findLast((one) => one.contactId === contactId);
  if (callBack === undefined || attempt?.endedAtMs === undefined) return 'notDialling';
  if (attempt.outcome === 'reached') return 'done';
  return callBack.state === 'failed' ? 'failed' : 'scheduled';
}

/** The first day that has room; `booked` counts what is promised for a day by others. */
export function roomFor(room: readonly CallBackRoom[], booked: (day: string) => number): CallBackRoom | undefined {
  return room.find(({ day, most }) => booked(day) < most);
}

/** A promise as it is first stored. */
export function promised(draft: CallBackDraft, callBackId: CallBackId, day: CallBackRoom): CallBack {
  return {
    ...draft,
    callBackId,
    state: 'held',
    promisedBy: draft.contactId,
    dueAtMs: day.dueAtMs,
    promisedDay: day.day,
    attempts: [],
  };
}

/**
/** Who asks: a caller on the line for himself, or somebody for him. */
export type AskedBy = 'byCaller' | 'elsewhere';

/**
 * Of the open ones of the draft's number in its queue, the one that a new promise is made of: what its contact has already, else what nobody
 * on the line has, the earliest place first, else one that is being dialled. One that another contact holds is another caller's behind the same
 * number; to who asks from elsewhere they are one.
 */
export function askedAgain(open: readonly CallBack[], draft: CallBackDraft, asked: AskedBy): CallBack | undefined {
  const byPlace = open.toSorted((a, b) => a.placeMs - b.placeMs || (a.callBackId < b.callBackId ? -1 : 1));
  return (
    byPlace.find((callBack) => isWith(callBack, 'held', draft.contactId)) ??
    byPlace.find(({ state }) => state === 'scheduled' || state === 'claimed') ??
    byPlace.find(({ state }) => state === 'dialling' || asked === 'elsewhere')
  );
}

/**
 * The same promise asked for again by who holds it (a repeat after a crash), one that is being dialled, or one that a caller on the line holds
 * while somebody else asks (`elsewhere`): nothing changes.
 */
export function standsAsItIs(
  callBack: CallBack,
  draft: CallBackDraft,
  asked: AskedBy,
): 'repeat' | 'dialling' | 'onLine' | undefined {
  if (callBack.state === 'dialling') return 'dialling';
  if (asked === 'elsewhere' && callBack.state === 'held' && callBack.contactId !== draft.contactId) return 'onLine';
  const isRepeat =
    isWith(callBack, 'held', draft.contactId) &&
    callBack.promisedBy === draft.contactId &&
    sameWish(callBack.wish, draft.wish) &&
    callBack.utcOffsetMinutes === draft.utcOffsetMinutes;
  return isRepeat ? 'repeat' : undefined;
}

function sameWish(a: CallBack['wish'], b: CallBack['wish']): boolean {
  return a.kind === b.kind && (a.kind !== 'at' || b.kind !== 'at' || a.atMs === b.atMs);
}

/** A new promise over an open one: the earlier place, the newer wish, held by who asked now. */
export function merged(
  callBack: CallBack,
  draft: CallBackDraft,
  day: CallBackRoom,
): { readonly next: CallBack; readonly was?: ContactId } {
  const { hoursAheadMs: _earlierCalls, ...before } = callBack;
  const next: CallBack = {
    ...before,
    ...draft,
    placeMs: Math.min(callBack.placeMs, draft.placeMs),
    createdAtMs: callBack.createdAtMs,
    promisedBy: draft.contactId,
    state: 'held',
    dueAtMs: day.dueAtMs,
    promisedDay: day.day,
  };
  return { next, ...claimedBefore(callBack, draft.contactId) };
}
