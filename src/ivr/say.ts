/** Grammatical gender of a numeral. */
export type Gender = 'masculine' | 'feminine' | 'neuter';
export type NumeralCase = 'nominative' | 'genitive' | 'accusative';
/** What is counted; the noun is said after the number in its right plural. */
export type CountedNoun = 'second' | 'minute' | 'hour' | 'day' | 'call';

/** «вы двадцать первый в очереди», or «перед вами двадцать звонков». */
export type PlaceForm = 'place' | 'ahead';

/** A wait as people speak of it: «меньше минуты», «около двух минут», «от трёх до пяти минут», «больше часа». Full hours are said as hours. */
export type SpokenWait =
  | { readonly kind: 'lessThan' | 'about' | 'moreThan'; readonly minutes: number }
  | { readonly kind: 'between'; readonly minutes: number; readonly toMinutes: number };

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
  /** `HH:mm`; «с восьми часов», «до восьми часов», «в восемь часов», «после восьми часов». */
  | { readonly time: string; readonly form: 'с' | 'до' | 'в' | 'после' }
  /** From one full or part hour to another, `HH:mm`; «с четырнадцати до пятнадцати часов». */
  | { readonly interval: { readonly from: string; readonly to: string } }
  /**
   * ISO local date. With `dayOffset` (days from today) near days are said as people do: «завтра», «в понедельник». `full`:
   * tomorrow with its weekday, beyond it weekday and date, «в понедельник, двенадцатого января».
   */
  | { readonly date: string; readonly dayOffset?: number; readonly form?: 'full' }
  /** 1 Monday … 7 Sunday, «в понедельник». */
  | { readonly weekday: number }
  /** Place in the queue, the next one to be answered is 1. */
  | { readonly place: number; readonly as: PlaceForm }
  | { readonly wait: SpokenWait }
  /** A key to press, named after «нажмите»: 0–9, `*`, `#`. */
  | { readonly key: string };
