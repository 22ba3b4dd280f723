import type { CallBackWish } from '../callbacks/index.ts';
import { dayMs, hourMs, minuteMs } from '../foundation/index.ts';
import type { FlowCallBackWish, SpokenInstant } from '../ivr/index.ts';
import { instantOnWall, localMoment, wallTimeAt } from '../schedule/index.ts';

/** An instant in the words of a zone. */
export function spokenIn(timeZone: string, atMs: number, askedAtMs: number): SpokenInstant {
  const { date, time, dayOffset } = localMoment(timeZone, atMs, askedAtMs);
  return { date, time, dayOffset };
}

/** What a caller of a line in `timeZone` wants: its hours are of the line's clock, or of his own if he has said what it shows. */
export function wishFrom(query: {
  readonly timeZone: string;
  readonly atMs: number;
  readonly wish: FlowCallBackWish;
  readonly localHour?: number;
}): { readonly wish: CallBackWish; readonly utcOffsetMinutes?: number } {
  const { timeZone, atMs, wish, localHour } = query;
  const utcOffsetMinutes = localHour === undefined ? undefined : offsetSaid(timeZone, atMs, localHour);
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

/** Minutes east of UTC of who says that it is `hour` o'clock, minutes left off: as near to the line's clock as that can be. */
function offsetSaid(timeZone: string, atMs: number, hour: number): number {
  const { day, minute } = wallTimeAt(timeZone, atMs);
  const lineOffset = (day * dayMs + minute * minuteMs - Math.floor(atMs / minuteMs) * minuteMs) / minuteMs;
  const aheadHours = (((hour - Math.floor(minute / 60) + 11) % 24) + 24) % 24;
  return lineOffset + (aheadHours - 11) * 60;
}
