import { assertNever, DozvonError } from '../foundation/index.ts';
import { countedPieces, numeralPieces } from './russian-numerals.ts';
import type { SayItem } from './say.ts';

/** Folder of the numerals within a language's sounds: a timeline leaves out what comes from it. */
const numerals = 'numerals';

/**
 * The sounds of what is to be said, as `<language>/<id>`, in order.
 * @throws DozvonError `LANGUAGE_NOT_SPOKEN`, `NUMBER_NOT_SPOKEN`, `TIME_NOT_SPOKEN`, `DATE_NOT_SPOKEN` for what it has no words for.
 */
export function render(items: readonly SayItem[], language: string): readonly string[] {
  if (language !== 'ru') throw new DozvonError('LANGUAGE_NOT_SPOKEN', `expected the language ru, got ${language}`);
  return items.flatMap((item) => {
    if ('prompt' in item) return [`${language}/${item.prompt}`];
    return russianPieces(item).map((piece) => `${language}/${numerals}/${piece}`);
  });
}

function russianPieces(item: Exclude<SayItem, { prompt: string }>): readonly string[] {
  if ('number' in item) {
    const numeralCase = item.case ?? 'nominative';
    if (item.noun !== undefined) return countedPieces(item.number, item.noun, numeralCase);
    return numeralPieces(item.number, item.gender ?? 'masculine', numeralCase);
  }
  if ('digits' in item) return digitPieces(item.digits);
  if ('time' in item) return timePieces(item.time, item.form);
  if ('date' in item) return datePieces(item.date, item.dayOffset);
  if ('weekday' in item) return [weekdayPiece(item.weekday)];
  return assertNever(item, 'say item');
}

/** Lengths of the groups in which numbers of telephones are said; other numbers go by threes. */
const phoneGroups: Readonly<Record<number, readonly number[]>> = { 11: [1, 3, 3, 2, 2], 10: [3, 3, 2, 2] };

function digitPieces(text: string): readonly string[] {
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

const prepositions = { с: 'from', до: 'until', в: 'at' } as const;

/** «с восьми часов тридцати минут», «в восемь часов одну минуту»; full hours without minutes. */
function timePieces(time: string, form: 'с' | 'до' | 'в'): readonly string[] {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$|^(24):(00)$/.exec(time);
  if (match === null) throw new DozvonError('TIME_NOT_SPOKEN', `expected HH:mm, got ${time}`);
  const hour = Number(match[1] ?? match[3]);
  const minute = Number(match[2] ?? match[4]);
  const hours = `${prepositions[form]}-hour-${hour}`;
  if (minute === 0) return [hours];
  return [hours, ...countedPieces(minute, 'minute', form === 'в' ? 'accusative' : 'genitive')];
}

const nearDays = ['today', 'tomorrow'];
/** Weekday names are clear within a week; the same weekday of next week is not. */
const daysNamedByWeekday = 6;

function datePieces(date: string, dayOffset: number | undefined): readonly string[] {
  const at = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(at.getTime())) throw new DozvonError('DATE_NOT_SPOKEN', `expected an ISO date, got ${date}`);
  if (dayOffset !== undefined && dayOffset >= 0 && dayOffset <= daysNamedByWeekday) {
    return [nearDays[dayOffset] ?? weekdayPiece(at.getUTCDay() === 0 ? 7 : at.getUTCDay())];
  }
  return [`day-${at.getUTCDate()}`, `month-${at.getUTCMonth() + 1}`];
}

function weekdayPiece(weekday: number): string {
  if (!Number.isInteger(weekday) || weekday < 1 || weekday > 7) {
    throw new DozvonError('DATE_NOT_SPOKEN', `expected a weekday 1–7, got ${weekday}`);
  }
  return `weekday-${weekday}`;
}
