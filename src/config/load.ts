import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import type { z } from 'zod';
import { operatorSchema, queueSchema, skillSchema } from '../acd/index.ts';
import { calendarSchema, createCalendar, scheduleSchema } from '../schedule/index.ts';
import { type ConfigDocument, type ExternalSettings, readDocument, readFolder } from './documents.ts';
import { type ConfigFault, matchSchema, type Path } from './faults.ts';
import { linkFlowDocuments } from './flows.ts';
import { type HotlineConfig, lineSchema, rootSchema, trunkSchema } from './hotline.ts';
import { soundsThere } from './prompts.ts';
import { checkReferences, type Listed } from './references.ts';

export interface LoadOptions {
  /** Where `${DOZVON_…}` in the files comes from; by default the environment. */
  readonly settings?: ExternalSettings;
  /** Holds prompts.yaml and `<language>/<id>.wav`. Without it the prompts that flows name are not checked. */
  readonly soundsDir?: string;
}

export type LoadResult =
  | {
      readonly ok: true;
      readonly config: HotlineConfig;
      /** Of the resolved content: same content, same version, whatever the comments. */
      readonly version: string;
      /** The resolved content as YAML, to be kept with the version. */
      readonly source: string;
      /** It works, but hardly as meant. */
      readonly warnings: readonly ConfigFault[];
    }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/**
 * Reads the configuration from a folder that holds hotline.yaml, or from such a file by name. Every fault of every file is told at once;
 * nothing is thrown for a fault of the files.
 */
export async function loadHotlineConfig(path: string, options: LoadOptions = {}): Promise<LoadResult> {
  const settings = options.settings ?? process.env;
  const file = (await isFolder(path)) ? join(path, 'hotline.yaml') : path;
  const { document, faults: readFaults } = await readDocument(file, settings);
  if (document === undefined) return { ok: false, faults: readFaults };
  const faults = [...readFaults];

  const root = matchDocument(document, rootSchema, faults);
  const named = (field: 'calendar' | 'flows'): string | undefined => {
    const value = entryOf(document.value, field);
    return typeof value === 'string' && value !== '' ? join(dirname(file), value) : undefined;
  };
  const lists = {
    lines: matchList(document, 'lines', lineSchema, faults),
    schedules: matchList(document, 'schedules', scheduleSchema, faults),
    skills: matchList(document, 'skills', skillSchema, faults),
    queues: matchList(document, 'queues', queueSchema, faults),
    operators: matchList(document, 'operators', operatorSchema, faults),
    trunks: matchList(document, 'trunks', trunkSchema, faults),
  };

  const calendarFile = await readNamed(named('calendar'), settings, faults);
  const calendar = calendarFile === undefined ? undefined : matchDocument(calendarFile, calendarSchema, faults);
  const flowsFolder = named('flows');
  const flowFiles = flowsFolder === undefined ? { documents: [], faults: [] } : await readFolder(flowsFolder, settings);
  const languages = [...new Set(lists.lines.entries.flatMap(({ value }) => value.languages))];
  const sounds = options.soundsDir === undefined ? undefined : await soundsThere(options.soundsDir, languages);
  const flows = linkFlowDocuments(flowFiles.documents, { queueIds: lists.queues.ids, promptIds: sounds?.promptIds });
  faults.push(...flowFiles.faults, ...(sounds?.faults ?? []), ...flows.faults);

  const references = checkReferences({ ...lists, flowIds: flows.ids, country: root?.country ?? 'RU' });
  faults.push(...references.faults.map((mismatch) => document.fault(mismatch)));
  if (faults.length > 0 || root === undefined || calendar === undefined) return { ok: false, faults };

  const source = stringify({
    hotline: document.value,
    calendar: calendarFile?.value,
    flows: flowFiles.documents.map((flowFile) => flowFile.value),
  });
  const values = <Value>(list: Listed<Value>): readonly Value[] => list.entries.map(({ value }) => value);
  return {
    ok: true,
    config: freeze<HotlineConfig>({
      settings: { name: root.name, country: root.country, language: root.language },
      lines: references.lines,
      schedules: Object.fromEntries(values(lists.schedules).map((schedule) => [schedule.scheduleId, schedule])),
      calendar: createCalendar(calendar),
      skills: values(lists.skills),
      queues: values(lists.queues),
      operators: values(lists.operators),
      trunks: values(lists.trunks),
      flows: flows.flows,
    }),
    // 64 bits: enough to tell versions apart, short enough to be read out
    version: createHash('sha256').update(source).digest('hex').slice(0, 16),
    source,
    warnings: references.warnings.map((mismatch) => document.fault(mismatch)),
  };
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

async function readNamed(
  file: string | undefined,
  settings: ExternalSettings,
  faults: ConfigFault[],
): Promise<ConfigDocument | undefined> {
  if (file === undefined) return undefined;
  const { document, faults: readFaults } = await readDocument(file, settings);
  faults.push(...readFaults);
  return document;
}

function matchDocument<Output>(
  document: ConfigDocument,
  schema: z.ZodType<Output>,
  faults: ConfigFault[],
): Output | undefined {
  return matchAt(document, schema, { value: document.value, path: [] }, faults);
}

function matchAt<Output>(
  document: ConfigDocument,
  schema: z.ZodType<Output>,
  at: { readonly value: unknown; readonly path: Path },
  faults: ConfigFault[],
): Output | undefined {
  const { value, mismatches } = matchSchema(schema, at.value, at.path);
  faults.push(...mismatches.map((mismatch) => document.fault(mismatch)));
  return value;
}

/** The entries of a list that fit, each with its place, and the ids of all: a fault in a queue makes its name no unknown one. */
function matchList<Output>(
  document: ConfigDocument,
  field: string,
  schema: z.ZodType<Output>,
  faults: ConfigFault[],
): Listed<Output> {
  const written = entryOf(document.value, field);
  const items: readonly unknown[] = Array.isArray(written) ? written : []; // what is no list is a fault of the root
  const ids = items.map((item) => entryOf(item, 'id')).filter((id) => typeof id === 'string');
  const entries = items.flatMap((item, index) => {
    const value = matchAt(document, schema, { value: item, path: [field, index] }, faults);
    return value === undefined ? [] : [{ value, index }];
  });
  return { entries, ids: new Set(ids) };
}

function entryOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[field] : undefined;
}

function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze<unknown>(inner);
  return value;
}
