import { DozvonError } from '../foundation/index.ts';
import type { CountedNoun, Gender, NumeralCase } from './say.ts';

/** Beyond it nothing is counted aloud; a longer number is for `digits`. */
const largestNumber = 999_999;

/** Names of sounds are by value, so that a list of them can be read: `20`, `2-f`, `5-gen`, `thousand-few`. */
type Piece = string;

/** One and two agree in gender; in the accusative (of things) only the feminine one differs. The genitive of one agrees, of two does not. */
function unitPiece(unit: number, gender: Gender, numeralCase: NumeralCase): Piece {
  const mark = gender === 'feminine' ? '-f' : gender === 'neuter' ? '-n' : '';
  if (numeralCase === 'genitive') return unit === 1 && gender === 'feminine' ? '1-f-gen' : `${unit}-gen`;
  if (unit === 1) return numeralCase === 'accusative' && gender === 'feminine' ? '1-f-acc' : `1${mark}`;
  return unit === 2 && gender === 'feminine' ? '2-f' : `${unit}`;
}

/** 1–999. */
function belowThousand(value: number, gender: Gender, numeralCase: NumeralCase): readonly Piece[] {
  const ending = numeralCase === 'genitive' ? '-gen' : '';
  const pieces: Piece[] = [];
  const hundreds = Math.floor(value / 100) * 100;
  const rest = value % 100;
  if (hundreds > 0) pieces.push(`${hundreds}${ending}`);
  if (rest >= 20) pieces.push(`${rest - (rest % 10)}${ending}`);
  const last = rest >= 20 ? rest % 10 : rest;
  if (last >= 10) pieces.push(`${last}${ending}`);
  else if (last > 0) pieces.push(unitPiece(last, gender, numeralCase));
  return pieces;
}

/**
 * The pieces of a whole number 0–999 999, cardinal, in the case asked for (accusative: of things, not of living beings).
 * @throws DozvonError `NUMBER_NOT_SPOKEN` for any other number.
 */
export function numeralPieces(value: number, gender: Gender, numeralCase: NumeralCase): readonly Piece[] {
  if (!Number.isInteger(value) || value < 0 || value > largestNumber) {
    throw new DozvonError('NUMBER_NOT_SPOKEN', `expected a whole number 0–${largestNumber}, got ${value}`);
  }
  if (value === 0) return [numeralCase === 'genitive' ? '0-gen' : '0'];
  const thousands = Math.floor(value / 1_000);
  const pieces: Piece[] = [];
  if (thousands > 0) {
    // A bare thousand is said without «одна».
    if (thousands > 1) pieces.push(...belowThousand(thousands, 'feminine', numeralCase));
    pieces.push(`thousand-${nounForm(thousands, numeralCase)}`);
  }
  return [...pieces, ...belowThousand(value % 1_000, gender, numeralCase)];
}

/** Above it nobody is told a place by an ordinal. */
export const largestOrdinal = 999;

/**
 * The pieces of an ordinal 1–999, masculine: «сто двадцать первый»; only its last word is one.
 * @throws DozvonError `NUMBER_NOT_SPOKEN` for any other number.
 */
export function ordinalPieces(value: number): readonly Piece[] {
  if (value < 1 || value > largestOrdinal) {
    throw new DozvonError('NUMBER_NOT_SPOKEN', `expected an ordinal 1–${largestOrdinal}, got ${value}`);
  }
  return numeralPieces(value, 'masculine', 'nominative').map((piece, index, all) =>
    index === all.length - 1 ? `ordinal-${piece}` : piece,
  );
}

const russianPlurals = new Intl.PluralRules('ru');

type NounForm = 'one' | 'one-gen' | 'one-acc' | 'few' | 'many';

/**
 * The form of a noun after a number: «минута», «минуты», «минут»; in the genitive «минуты» after one, «минут» after all others; in the
 * accusative «минуту» after one.
 */
function nounForm(value: number, numeralCase: NumeralCase): NounForm {
  const plural = russianPlurals.select(value);
  if (numeralCase === 'genitive') return plural === 'one' ? 'one-gen' : 'many';
  if (plural === 'one') return numeralCase === 'accusative' ? 'one-acc' : 'one';
  return plural === 'few' ? 'few' : 'many';
}

const genderOf: Readonly<Record<CountedNoun, Gender>> = {
  second: 'feminine',
  minute: 'feminine',
  hour: 'masculine',
  day: 'masculine',
  call: 'masculine',
};

/** What is counted, without a number: «минуты» of «около минуты». */
export function oneInGenitive(noun: CountedNoun): Piece {
  return `${noun}-one-gen`;
}

/** The numeral that a counted noun asks for, without the noun: «двух» of «двух минут». */
export function countingPieces(value: number, noun: CountedNoun, numeralCase: NumeralCase): readonly Piece[] {
  return numeralPieces(value, genderOf[noun], numeralCase);
}

/** A number with what it counts: «двадцать один звонок», «две минуты». */
export function countedPieces(value: number, noun: CountedNoun, numeralCase: NumeralCase): readonly Piece[] {
  const form = nounForm(value, numeralCase);
  // Masculine nouns for things have one form for nominative and accusative.
  const said = form === 'one-acc' && genderOf[noun] === 'masculine' ? 'one' : form;
  return [...numeralPieces(value, genderOf[noun], numeralCase), `${noun}-${said}`];
}
