import { DozvonError } from '../foundation/index.ts';
import type { SayItem } from './say.ts';

/** Everything said that is no prompt. */
export type SpokenValue = Exclude<SayItem, { prompt: string }>;

/**
 * How one language puts values into words. A sound is named by its id in sounds/prompts.yaml, without the folder of the numerals; the
 * texts there are the language's own. What has no words is refused.
 */
export interface SpokenLanguage {
  /** @throws DozvonError `NUMBER_NOT_SPOKEN`, `TIME_NOT_SPOKEN`, `DATE_NOT_SPOKEN`, `KEY_NOT_SPOKEN`. */
  pieces(value: SpokenValue): readonly string[];
}

/** Lengths of the groups in which numbers of telephones are said; other numbers go by threes. */
const phoneGroups: Readonly<Record<number, readonly number[]>> = { 11: [1, 3, 3, 2, 2], 10: [3, 3, 2, 2] };

/** Digit by digit with a pause between groups; the same in every language. */
export function digitPieces(text: string): readonly string[] {
  const digits = text.replace(/\D/g, '');
  const groups = phoneGroups[digits.length] ?? Array.from({ length: Math.ceil(digits.length / 3) }, () => 3);
  const pieces: string[] = [];
  let at = 0;
  for (const length of groups) {
    if (at > 0) pieces.push('pause');
    pieces.push(...digits.slice(at, at + length).split(''));
    at += length;
  }
  return pieces;
}

/** @throws DozvonError `TIME_NOT_SPOKEN`. 24:00 is the end of a day. */
export function clockOf(time: string): { readonly hour: number; readonly minute: number } {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$|^(24):(00)$/.exec(time);
  if (match === null) throw new DozvonError('TIME_NOT_SPOKEN', `expected HH:mm, got ${time}`);
  return { hour: Number(match[1] ?? match[3]), minute: Number(match[2] ?? match[4]) };
}

const nearDays = ['today', 'tomorrow'];
/** Weekday names are clear within a week; the same weekday of next week is not. */
const daysNamedByWeekday = 6;

/**
 * A day by its name or its weekday where that is clear, else as `dateOf` says a date.
 * @throws DozvonError `DATE_NOT_SPOKEN`.
 */
export function dayPieces(
  said: { readonly date: string; readonly dayOffset?: number; readonly form?: 'full' },
  dateOf: (day: number, month: number) => readonly string[],
): readonly string[] {
  const at = new Date(`${said.date}T00:00:00Z`);
  if (Number.isNaN(at.getTime())) throw new DozvonError('DATE_NOT_SPOKEN', `expected an ISO date, got ${said.date}`);
  const date = dateOf(at.getUTCDate(), at.getUTCMonth() + 1);
  const near = nearDays[said.dayOffset ?? -1];
  const weekday = weekdayPiece(at.getUTCDay() === 0 ? 7 : at.getUTCDay());
  // Around midnight people are not sure which day tomorrow is.
  if (near !== undefined) return said.form === 'full' && near === 'tomorrow' ? [near, weekday] : [near];
  if (said.form === 'full') return [weekday, ...date];
  const { dayOffset = -1 } = said;
  return dayOffset >= 0 && dayOffset <= daysNamedByWeekday ? [weekday] : date;
}

export function weekdayPiece(weekday: number): string {
  if (!Number.isInteger(weekday) || weekday < 1 || weekday > 7) {
    throw new DozvonError('DATE_NOT_SPOKEN', `expected a weekday 1–7, got ${weekday}`);
  }
  return `weekday-${weekday}`;
}

/** @throws DozvonError `KEY_NOT_SPOKEN`. */
export function keyPiece(key: string): string {
  if (/^[0-9]$/.test(key)) return key;
  const piece = key === '*' ? 'key-star' : key === '#' ? 'key-hash' : undefined;
  if (piece === undefined) throw new DozvonError('KEY_NOT_SPOKEN', `expected a key 0–9, * or #, got ${key}`);
  return piece;
}

/** @throws DozvonError `NUMBER_NOT_SPOKEN` for what is no place in a queue. */
export function checkedPlace(place: number): number {
  if (Number.isInteger(place) && place >= 1) return place;
  throw new DozvonError('NUMBER_NOT_SPOKEN', `expected a place from 1, got ${place}`);
}

/** Full hours are said as hours. */
export function waitUnit(minutes: number): { readonly noun: 'minute' | 'hour'; readonly count: number } {
  return minutes > 0 && minutes % 60 === 0 ? { noun: 'hour', count: minutes / 60 } : { noun: 'minute', count: minutes };
}
