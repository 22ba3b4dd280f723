import { DozvonError } from '../foundation/index.ts';
import { english } from './english.ts';
import { russian } from './russian.ts';
import type { SayItem } from './say.ts';
import type { SpokenLanguage } from './spoken-language.ts';

/** Folder of the numerals within a language's sounds: a timeline leaves out what comes from it. */
const numerals = 'numerals';

/** One more language is one more entry here, and its texts in sounds/prompts.yaml. */
const spokenLanguages: Readonly<Record<string, SpokenLanguage>> = { ru: russian, en: english };

/**
 * The sounds of what is to be said, as `<language>/<id>`, in order.
 * @throws DozvonError `LANGUAGE_NOT_SPOKEN`, `NUMBER_NOT_SPOKEN`, `TIME_NOT_SPOKEN`, `DATE_NOT_SPOKEN`, `KEY_NOT_SPOKEN` for what it has
 *   no words for.
 */
export function render(items: readonly SayItem[], language: string): readonly string[] {
  const spoken = Object.hasOwn(spokenLanguages, language) ? spokenLanguages[language] : undefined;
  if (spoken === undefined) {
    const known = Object.keys(spokenLanguages).join(', ');
    throw new DozvonError('LANGUAGE_NOT_SPOKEN', `expected one of the languages ${known}, got ${language}`);
  }
  return items.flatMap((item) => {
    if ('prompt' in item) return [`${language}/${item.prompt}`];
    return spoken.pieces(item).map((piece) => `${language}/${numerals}/${piece}`);
  });
}
