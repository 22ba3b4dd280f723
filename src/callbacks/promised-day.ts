import { DateTime } from 'luxon';
import { type DiallingVerdict, type LineHours, mayDial, wholeHourOffsets } from './dialling-window.ts';
import type { NumberPlace } from './number-places.ts';
import type { CallBackRoom, CallBackWish } from './ports.ts';
import type { CallBackSurroundings, PromiseRefusal } from './service.ts';

/** What a wish comes to: the days it may be promised for, first choice first, or why it cannot be. */
export type WishVerdict =
  | { readonly days: readonly CallBackRoom[] }
  | { readonly why: PromiseRefusal; readonly nextAtMs?: number };

export interface WishQuestion {
  readonly wish: CallBackWish;
  readonly place: NumberPlace;
  readonly nowMs: number;
  /** Hours of the line. */
  readonly hours: (atMs: number) => ReturnType<CallBackSurroundings['lineHours']>;
  /** Days with operators' time for it, today (if any) first. */
  readonly room: readonly CallBackRoom[];
  /** Days ahead, today included. */
  readonly withinDays: number;
}

export function daysFor(question: WishQuestion): WishVerdict {
  const { wish } = question;
  if (wish.kind === 'at') return chosenInstant(question, wish.atMs);
  if (wish.kind === 'nextOpening') return daysAfterOpening(question);
  return wish.onlyToday === true ? onlyToday(question) : soonestDays(question);
}

/** At the instant of his choice, if he can be called then and it is not too far. */
function chosenInstant(question: WishQuestion, atMs: number): WishVerdict {
  const { place, hours, nowMs, room } = question;
  const then = hours(atMs);
  if (then === undefined) return { why: 'outsideHours' };
  if (atMs < nowMs) return { why: 'outsideHours', ...nextAt(mayDial(place, hours, nowMs), nowMs) };
  if (!isWithin(question, then.day)) return { why: 'tooFar' };
  const verdict = mayDial(place, hours, atMs);
  if (!verdict.may) {
    const why = then.open && couldFit(place, hours, atMs) ? 'zoneUnknown' : 'outsideHours';
    return { why, ...nextAt(verdict, atMs) };
  }
  return { days: room.filter(({ day }) => day === then.day).map((day) => ({ ...day, dueAtMs: atMs })) };
}

/**
 * Today while he can still be called today, else the first later day. Where only his clock stands against today, he is asked for it
 * rather than put off.
 */
function soonestDays(question: WishQuestion): WishVerdict {
  const { place, hours, nowMs, room } = question;
  const today = hours(nowMs)?.day;
  const days = diallableDays(question, room);
  const [first] = days;
  const hasRoomToday = room.some(({ day, most }) => day === today && most > 0);
  if (hasRoomToday && first?.day !== today && couldFit(place, hours, nowMs)) {
    return { why: 'zoneUnknown', ...(first === undefined ? {} : { nextAtMs: first.dueAtMs }) };
  }
  return first === undefined ? undiallable(question) : { days };
}

/** Nobody is there to be asked for his clock, or whether a later day is right for him. */
function onlyToday(question: WishQuestion): WishVerdict {
  const today = question.hours(question.nowMs)?.day;
  const verdict = soonestDays(question);
  if ('why' in verdict) return verdict;
  const days = verdict.days.filter(({ day }) => day === today);
  const [later] = verdict.days;
  return days.length > 0 ? { days } : { why: 'noRoom', ...(later === undefined ? {} : { nextAtMs: later.dueAtMs }) };
}

/** From the line's next opening on; of a line that is open, the opening after it has closed. */
function daysAfterOpening(question: WishQuestion): WishVerdict {
  const { hours, nowMs, room } = question;
  const now = hours(nowMs);
  const closesAtMs = now?.open === true ? now.untilMs : nowMs;
  const opensAtMs = closesAtMs === undefined ? undefined : hours(closesAtMs)?.nextMs;
  const opening = opensAtMs === undefined ? undefined : hours(opensAtMs);
  if (opensAtMs === undefined || opening === undefined) return { why: 'outsideHours' };
  if (!isWithin(question, opening.day)) return { why: 'tooFar', nextAtMs: opensAtMs };
  const later = room
    .filter(({ day }) => day >= opening.day)
    .map((day) => (day.day === opening.day ? { ...day, dueAtMs: Math.max(day.dueAtMs, opensAtMs) } : day));
  const days = diallableDays(question, later);
  return days.length === 0 ? undiallable({ ...question, room: later }) : { days };
}

/** Days on which he can be called, due at the first instant at which he can. */
function diallableDays(question: WishQuestion, room: readonly CallBackRoom[]): readonly CallBackRoom[] {
  const { place, hours, nowMs } = question;
  return room
    .filter(({ day }) => isWithin(question, day))
    .flatMap((day): readonly CallBackRoom[] => {
      const fromMs = Math.max(day.dueAtMs, nowMs);
      const dueAtMs = firstInstant(mayDial(place, hours, fromMs), fromMs);
      return dueAtMs !== undefined && hours(dueAtMs)?.day === day.day ? [{ ...day, dueAtMs }] : [];
    });
}

/** No day is left: there was none, or the hours do not allow it, or only because nobody knows what o'clock it is where he is. */
function undiallable(question: WishQuestion): WishVerdict {
  const { place, nowMs, hours, room } = question;
  if (room.length === 0) return { why: 'noRoom' };
  const couldBe = narrowerPlaces(place).some((one) => diallableDays({ ...question, place: one }, room).length > 0);
  return { why: couldBe ? 'zoneUnknown' : 'outsideHours', ...nextAt(mayDial(place, hours, nowMs), nowMs) };
}

/** Whether he could be called then if he said what o'clock it is where he is. */
function couldFit(place: NumberPlace, hours: LineHours, atMs: number): boolean {
  return narrowerPlaces(place).some((one) => mayDial(one, hours, atMs).may);
}

/** Where he may say that he is. */
function narrowerPlaces(place: NumberPlace): readonly NumberPlace[] {
  if (place.kind === 'offset') return [];
  if (place.kind === 'zones') return place.zones.map((zone) => ({ kind: 'zones', zones: [zone] }));
  return wholeHourOffsets.map((minutes) => ({ kind: 'offset', minutes }));
}

/** From when on it may be dialled, the instant asked about included. */
export function firstInstant(verdict: DiallingVerdict, askedMs: number): number | undefined {
  return verdict.may ? askedMs : verdict.nextMs;
}

function nextAt(verdict: DiallingVerdict, askedMs: number): { readonly nextAtMs?: number } {
  const nextAtMs = firstInstant(verdict, askedMs);
  return nextAtMs === undefined ? {} : { nextAtMs };
}

function isWithin({ nowMs, hours, withinDays }: WishQuestion, day: string): boolean {
  const today = hours(nowMs)?.day;
  if (today === undefined) return false;
  return (
    DateTime.fromISO(day, { zone: 'utc' }).diff(DateTime.fromISO(today, { zone: 'utc' }), 'days').days < withinDays
  );
}
