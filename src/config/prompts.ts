import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promptSheetSchema, soundSources } from '../ivr/index.ts';
import { readDocument } from './documents.ts';
import { type ConfigFault, matchSchema } from './faults.ts';

/** Prompts that have a text and a sound in each of the languages. */
export async function soundsThere(
  soundsDir: string,
  languages: readonly string[],
): Promise<{ readonly promptIds: ReadonlySet<string>; readonly faults: readonly ConfigFault[] }> {
  const { document, faults } = await readDocument(join(soundsDir, 'prompts.yaml'), {});
  if (document === undefined) return { promptIds: new Set(), faults };
  const { value: sheet, mismatches } = matchSchema(promptSheetSchema, document.value, []);
  if (sheet === undefined)
    return { promptIds: new Set(), faults: mismatches.map((mismatch) => document.fault(mismatch)) };
  const perLanguage = await Promise.all(
    languages.map(async (language) => {
      const names = await readdir(join(soundsDir, language), { recursive: true }).catch(() => []);
      const files = new Set(names);
      return new Set([...soundSources(sheet, language).keys()].filter((id) => files.has(`${id}.wav`)));
    }),
  );
  const [first = new Set<string>(), ...others] = perLanguage;
  return { promptIds: new Set([...first].filter((id) => others.every((ids) => ids.has(id)))), faults };
}
