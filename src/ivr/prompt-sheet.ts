import { z } from 'zod';

const soundId = z.string().regex(/^(numerals\/)?[a-z0-9][a-z0-9-]*$/, 'an id: small letters, digits and hyphens');
const texts = z.record(z.string().regex(/^[a-z]{2}$/, 'a language code'), z.string().min(1));

/**
 * sounds/prompts.yaml. `prompts` are whole sentences that flows and the service name; `numerals` are the pieces that numbers, dates and
 * times are put together from. Texts carry `+` before the stressed vowel where the voice would get it wrong. `tones` are no speech;
 * a tone of no frequency is silence.
 */
export const promptSheetSchema = z.strictObject({
  prompts: z.record(soundId, texts),
  numerals: z.record(soundId, texts),
  tones: z.record(
    soundId,
    z.strictObject({ frequencyHz: z.number().min(0).max(3_400), durationMs: z.int().min(20).max(5_000) }),
  ),
});

export type PromptSheet = z.infer<typeof promptSheetSchema>;

/** What one sound is made of. */
export type SoundSource =
  | { readonly kind: 'sentence' | 'piece'; readonly text: string }
  | { readonly kind: 'tone'; readonly frequencyHz: number; readonly durationMs: number };

/** Every sound there has to be in `language`, by its id as `render` names it (without the language). */
export function soundSources(sheet: PromptSheet, language: string): ReadonlyMap<string, SoundSource> {
  const sounds = new Map<string, SoundSource>();
  for (const [id, byLanguage] of Object.entries(sheet.prompts)) {
    const text = byLanguage[language];
    if (text !== undefined) sounds.set(id, { kind: 'sentence', text });
  }
  for (const [id, byLanguage] of Object.entries(sheet.numerals)) {
    const text = byLanguage[language];
    if (text !== undefined) sounds.set(`numerals/${id}`, { kind: 'piece', text });
  }
  for (const [id, tone] of Object.entries(sheet.tones)) sounds.set(id, { kind: 'tone', ...tone });
  return sounds;
}
