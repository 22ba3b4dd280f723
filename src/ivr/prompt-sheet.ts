import { z } from 'zod';

/** What the sounds are called: prompts flat, numerals in their folder. */
const soundId = z.string().regex(/^(numerals\/)?[a-z0-9][a-z0-9-]*$/, 'an id: small letters, digits and hyphens');
const texts = z.record(z.string().regex(/^[a-z]{2}$/, 'a language code'), z.string().min(1));

/**
 * sounds/prompts.yaml. `prompts` are whole sentences that flows and the service name; `numerals` are the pieces numbers, dates and times
 * are put together from. Texts carry `+` before the stressed vowel where the voice would get it wrong.
 */
export const promptSheetSchema = z.strictObject({
  prompts: z.record(soundId, texts),
  numerals: z.record(soundId, texts),
});

export type PromptSheet = z.infer<typeof promptSheetSchema>;

/** Every sound of a language, as `render` names it without the language, with its text. */
export function soundTexts(sheet: PromptSheet, language: string): ReadonlyMap<string, string> {
  const sounds = new Map<string, string>();
  for (const [id, text] of Object.entries(sheet.prompts))
    if (text[language] !== undefined) sounds.set(id, text[language]);
  for (const [id, text] of Object.entries(sheet.numerals)) {
    if (text[language] !== undefined) sounds.set(`numerals/${id}`, text[language]);
  }
  return sounds;
}
