/** Grammatical gender of a numeral. */
export type Gender = 'masculine' | 'feminine' | 'neuter';
export type NumeralCase = 'nominative' | 'genitive' | 'accusative';
/** What is counted; the noun is said after the number in its right plural. */
export type CountedNoun = 'second' | 'minute' | 'hour' | 'day' | 'call';

/**
 * One piece of what is said to a caller. The flow decides what, `render` decides by which sounds.
 * `digits` can be personal data: never log a list of these.
 */
export type SayItem =
  | { readonly prompt: string }
  /** A whole number 0–999 999. With `noun` the noun sets the gender. */
  | { readonly number: number; readonly gender?: Gender; readonly case?: NumeralCase; readonly noun?: CountedNoun }
  /** Said one by one, in groups as people write them. Anything but a digit is left out. */
  | { readonly digits: string }
  /** `HH:mm`; «с восьми часов», «до восьми часов», «в восемь часов». */
  | { readonly time: string; readonly form: 'с' | 'до' | 'в' }
  /** ISO local date. With `dayOffset` (days from today) near days are said as people do: «завтра», «в понедельник». */
  | { readonly date: string; readonly dayOffset?: number }
  /** 1 Monday … 7 Sunday, «в понедельник». */
  | { readonly weekday: number };
