import { assertNever } from '../foundation/index.ts';
import {
  countedPieces,
  countingPieces,
  largestOrdinal,
  numeralPieces,
  oneInGenitive,
  ordinalPieces,
} from './russian-numerals.ts';
import type { PlaceForm, SpokenWait } from './say.ts';
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

/** Words agree in gender, number and case; a word of one letter («с») has no sound of its own and is recorded with what follows it. */
export const russian: SpokenLanguage = { pieces };

function pieces(value: SpokenValue): readonly string[] {
  if ('number' in value) {
    const numeralCase = value.case ?? 'nominative';
    if (value.noun !== undefined) return countedPieces(value.number, value.noun, numeralCase);
    return numeralPieces(value.number, value.gender ?? 'masculine', numeralCase);
  }
  if ('digits' in value) return digitPieces(value.digits);
  if ('time' in value) return timePieces(value.time, value.form);
  if ('interval' in value) return intervalPieces(value.interval);
  if ('date' in value) return dayPieces(value, (day, month) => [`day-${day}`, `month-${month}`]);
  if ('weekday' in value) return [weekdayPiece(value.weekday)];
  if ('place' in value) return placePieces(value.place, value.as);
  if ('wait' in value) return waitPieces(value.wait);
  if ('key' in value) return [keyPiece(value.key)];
  return assertNever(value, 'say item');
}

const prepositions = { с: 'from', до: 'until', в: 'at', после: 'after' } as const;

/** «с восьми часов тридцати минут», «в восемь часов одну минуту»; full hours without minutes. */
function timePieces(time: string, form: keyof typeof prepositions): readonly string[] {
  const { hour, minute } = clockOf(time);
  const hours = `${prepositions[form]}-hour-${hour}`;
  if (minute === 0) return [hours];
  return [hours, ...countedPieces(minute, 'minute', form === 'в' ? 'accusative' : 'genitive')];
}

/** «с четырнадцати до пятнадцати часов»; a part of an hour is said with its minutes, and then the hours too. */
function intervalPieces({ from, to }: { readonly from: string; readonly to: string }): readonly string[] {
  const start = clockOf(from);
  const begin = start.minute === 0 ? [`hours-from-${start.hour}`] : timePieces(from, 'с');
  return [...begin, ...timePieces(to, 'до')];
}

function placePieces(said: number, form: PlaceForm): readonly string[] {
  const place = checkedPlace(said);
  if (form === 'place' && place <= largestOrdinal) return ['you-are', ...ordinalPieces(place), 'in-queue'];
  return place === 1 ? ['next-in-queue'] : ['ahead-of-you', ...countedPieces(place - 1, 'call', 'nominative')];
}

const waitWords = { lessThan: 'less-than', about: 'about', moreThan: 'more-than' } as const;

function waitPieces(wait: SpokenWait): readonly string[] {
  if (wait.kind === 'between') return betweenPieces(wait.minutes, wait.toMinutes);
  return [waitWords[wait.kind], ...measured(wait.minutes)];
}

/** «минуты», «двух минут», «часа». */
function measured(minutes: number): readonly string[] {
  const { noun, count } = waitUnit(minutes);
  return count === 1 ? [oneInGenitive(noun)] : countedPieces(count, noun, 'genitive');
}

/** «от трёх до пяти минут», «от тридцати минут до часа»: «от» and «до» are recorded with the word behind them. */
function betweenPieces(minutes: number, toMinutes: number): readonly string[] {
  const from = waitUnit(minutes);
  const to = waitUnit(toMinutes);
  const nounBehindOnly = from.noun === to.noun && !(from.noun === 'hour' && from.count === 1);
  const begin = nounBehindOnly ? countingPieces(from.count, from.noun, 'genitive') : measured(minutes);
  return [...joined('between', begin), ...joined('up-to', measured(toMinutes))];
}

function joined(preposition: 'between' | 'up-to', [first = '', ...others]: readonly string[]): readonly string[] {
  return [`${preposition}-${first}`, ...others];
}
