import { assertNever, DozvonError } from '../foundation/index.ts';
import type { CountedNoun, PlaceForm, SpokenWait } from './say.ts';
import {
  checkedPlace,
  clockOf,
  dayPieces,
  digitPieces,
  keyPiece,
  type SpokenLanguage,
  type SpokenValue,
  waitUnit,
  weekdayPiece,
} from './spoken-language.ts';

/** British usage: «one hundred and twenty-one», «the fourth of January», the clock with a.m. and p.m. Words do not change by case or gender. */
export const english: SpokenLanguage = { pieces };

function pieces(value: SpokenValue): readonly string[] {
  if ('number' in value) {
    return value.noun === undefined ? numeralPieces(value.number) : countedPieces(value.number, value.noun);
  }
  if ('digits' in value) return digitPieces(value.digits);
  if ('time' in value) return [prepositions[value.form], ...timePieces(value.time)];
  if ('interval' in value) {
    return ['from', ...timePieces(value.interval.from), 'to', ...timePieces(value.interval.to)];
  }
  if ('date' in value) return dayPieces(value, (day, month) => [`day-${day}`, `month-${month}`]);
  if ('weekday' in value) return [weekdayPiece(value.weekday)];
  if ('place' in value) return placePieces(value.place, value.as);
  if ('wait' in value) return waitPieces(value.wait);
  if ('key' in value) return [keyPiece(value.key)];
  return assertNever(value, 'say item');
}

/** Beyond it nothing is counted aloud; a longer number is for `digits`. */
const largestNumber = 999_999;

function numeralPieces(value: number): readonly string[] {
  if (!Number.isInteger(value) || value < 0 || value > largestNumber) {
    throw new DozvonError('NUMBER_NOT_SPOKEN', `expected a whole number 0–${largestNumber}, got ${value}`);
  }
  if (value === 0) return ['0'];
  const thousands = Math.floor(value / 1_000);
  const rest = value % 1_000;
  const above = thousands === 0 ? [] : [...belowThousand(thousands), 'thousand-one'];
  return [...above, ...(above.length > 0 && rest > 0 && rest < 100 ? ['and'] : []), ...belowThousand(rest)];
}

/** 0–999; nothing for zero. */
function belowThousand(value: number): readonly string[] {
  const rest = value % 100;
  const hundreds = value - rest;
  const below = rest > 20 ? [rest - (rest % 10), rest % 10].filter((part) => part > 0) : rest > 0 ? [rest] : [];
  return [
    ...(hundreds > 0 ? [`${hundreds}`] : []),
    ...(hundreds > 0 && rest > 0 ? ['and'] : []),
    ...below.map((part) => `${part}`),
  ];
}

function nounPiece(value: number, noun: CountedNoun): string {
  return `${noun}-${value === 1 ? 'one' : 'many'}`;
}

function countedPieces(value: number, noun: CountedNoun): readonly string[] {
  return [...numeralPieces(value), nounPiece(value, noun)];
}

const prepositions = { с: 'from', до: 'until', в: 'at', после: 'after' } as const;

/** «two p.m.», «two oh five p.m.», «noon», «midnight». */
function timePieces(time: string): readonly string[] {
  const { hour, minute } = clockOf(time);
  if (minute === 0 && hour % 12 === 0) return [hour === 12 ? 'noon' : 'midnight'];
  const minutes = minute === 0 ? [] : [...(minute < 10 ? ['clock-oh'] : []), ...numeralPieces(minute)];
  return [...numeralPieces(hour % 12 === 0 ? 12 : hour % 12), ...minutes, hour < 12 ? 'clock-am' : 'clock-pm'];
}

function placePieces(said: number, form: PlaceForm): readonly string[] {
  const place = checkedPlace(said);
  if (form === 'place') return ['you-are', ...numeralPieces(place), 'in-queue'];
  if (place === 1) return ['next-in-queue'];
  return [place === 2 ? 'there-is' : 'there-are', ...countedPieces(place - 1, 'call'), 'ahead-of-you'];
}

const waitWords = { lessThan: 'less-than', about: 'about', moreThan: 'more-than' } as const;

function waitPieces(wait: SpokenWait): readonly string[] {
  if (wait.kind !== 'between') return [waitWords[wait.kind], ...measured(wait.minutes)];
  const from = waitUnit(wait.minutes);
  const begin = from.noun === waitUnit(wait.toMinutes).noun ? numeralPieces(from.count) : measured(wait.minutes);
  return [...begin, 'to', ...measured(wait.toMinutes)];
}

/** «a minute», «two minutes», «an hour». */
function measured(minutes: number): readonly string[] {
  const { noun, count } = waitUnit(minutes);
  return count === 1 ? [`a-${noun}`] : countedPieces(count, noun);
}
