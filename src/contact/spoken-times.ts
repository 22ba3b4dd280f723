import { type CallBackWish, type NumberPlace, utcOffsetOf } from '../callbacks/index.ts';
import { dayMs, hourMs, minuteMs } from '../foundation/index.ts';
import { type FlowCallBackWish, instantToSay, type SayItem, type SpokenInstant } from '../ivr/index.ts';
import { instantOnWall, localMoment } from '../schedule/index.ts';

/** An instant in the words of a zone. */
export function spokenIn(timeZone: string, atMs: number, askedAtMs: number): SpokenInstant {
  const { date, time, dayOffset } = localMoment(timeZone, atMs, askedAtMs);
  return { date, time, dayOffset };
}

/** «Мы перезвоним вам, как только подойдёт ваша очередь», or after what hour of which day, by the clock of the line. */
export function promisedSpeech(timeZone: string, dueAtMs: number, nowMs: number): readonly SayItem[] {
  if (dueAtMs <= nowMs) return [{ prompt: 'call-back-promised-soon' }];
  const instant = instantToSay(spokenIn(timeZone, dueAtMs, nowMs));
  return [
    { prompt: 'call-back-promised' },
    ...instant,
    ...(timeZone === 'Europe/Moscow' ? [{ prompt: 'moscow-time' }] : []),
  ];
}

/** Of a flow's wish. `zoneUnknown`: what he says of his clock cannot be where his number is. */
export type WishAnswer = { readonly wish: CallBackWish; readonly utcOffsetMinutes?: number } | 'zoneUnknown';

/** What a caller of a line in `timeZone` wants: its hours are of the line's clock, or of his own if he has said what it shows. */
export function wishFrom(query: {
  readonly timeZone: string;
  readonly atMs: number;
  readonly wish: FlowCallBackWish;
  /** Where his number may be. */
  readonly place: NumberPlace;
  readonly localHour?: number;
}): WishAnswer {
  const { timeZone, atMs, wish, place, localHour } = query;
  const utcOffsetMinutes =
    localHour === undefined ? undefined : utcOffsetOf({ hour: localHour, atMs, place, lineZone: timeZone });
  if (localHour !== undefined && utcOffsetMinutes === undefined) return 'zoneUnknown';
  const where = utcOffsetMinutes === undefined ? {} : { utcOffsetMinutes };
  if (wish.kind !== 'at') return { wish, ...where };
  const { dayOffset, hour } = wish;
  if (utcOffsetMinutes === undefined) {
    return { wish: { kind: 'at', atMs: instantOnWall(timeZone, { atMs, dayOffset, minute: hour * 60 }) } };
  }
  const today = Math.floor((atMs + utcOffsetMinutes * minuteMs) / dayMs);
  const wanted = (today + dayOffset) * dayMs + hour * hourMs - utcOffsetMinutes * minuteMs;
  return { wish: { kind: 'at', atMs: wanted }, ...where };
}
