import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { operatorSchema, queueSchema, skillSchema } from '../acd/index.ts';
import { calendarSchema, createCalendar, scheduleSchema } from '../schedule/index.ts';
import { readAnnouncements } from './announcements.ts';
import { readCallingBack } from './call-backs.ts';
import { type ConfigDocument, type ExternalSettings, readDocument, readFolder } from './documents.ts';
import { type ConfigFault, inReadingOrder, type Mismatch, matchSchema } from './faults.ts';
import { linkFlowDocuments } from './flows.ts';
import { type HotlineConfig, lineSchema, rootSchema, trunkSchema } from './hotline.ts';
import { soundsThere } from './prompts.ts';
import { checkReferences, type Listed, resolveLine, unheardMessages, unservedQueues } from './references.ts';

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

/** Entries of hotline.yaml that name another file, or a folder. */
type NamedFile = 'calendar' | 'flows' | 'announcements' | 'callBacks' | 'numberZones';

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
  const named = (field: NamedFile): string | undefined => {
    const value = entryOf(document.value, field);
    return typeof value === 'string' && value !== '' ? join(dirname(file), value) : undefined;
  };
  const read = (field: NamedFile) => readNamed(named(field), settings, faults);
  const lists = {
    lines: matchList(document, 'lines', lineSchema, faults),
    schedules: matchList(document, 'schedules', scheduleSchema, faults),
    skills: matchList(document, 'skills', skillSchema, faults),
    queues: matchList(document, 'queues', queueSchema, faults),
    operators: matchList(document, 'operators', operatorSchema, faults),
    trunks: matchList(document, 'trunks', trunkSchema, faults),
  };

  const calendarFile = await read('calendar');
  const calendar = calendarFile === undefined ? undefined : matchDocument(calendarFile, calendarSchema, faults);
  const flowsFolder = named('flows');
  const flowFiles = flowsFolder === undefined ? { documents: [], faults: [] } : await readFolder(flowsFolder, settings);
  const languages = [...new Set(lists.lines.entries.flatMap((line) => line.languages))];
  const sounds = options.soundsDir === undefined ? undefined : await soundsThere(options.soundsDir, languages);
  const flows = linkFlowDocuments(flowFiles.documents, { queueIds: lists.queues.ids, promptIds: sounds?.promptIds });
  faults.push(...flowFiles.faults, ...(sounds?.faults ?? []), ...flows.faults);

  const references = { ...lists, flowIds: flows.ids, flows: flows.flows, country: root?.country ?? 'RU' };
  faults.push(...checkReferences(references).map((mismatch) => document.fault(mismatch)));
  const announcementsFile = await read('announcements');
  const nodeIds = new Set(Object.values(flows.flows).flatMap((flow) => Object.keys(flow.nodes)));
  const told = readAnnouncements(announcementsFile, {
    queueIds: lists.queues.ids,
    nodeIds,
    promptIds: sounds?.promptIds,
  });
  const callingBack = readCallingBack(
    { callBacks: await read('callBacks'), numberZones: await read('numberZones') },
    lists.queues.ids,
  );
  faults.push(...told.faults, ...callingBack.faults);
  if (faults.length > 0 || root === undefined || calendar === undefined) {
    return { ok: false, faults: inReadingOrder(faults) };
  }

  const source = stringify({
    hotline: document.value,
    calendar: calendarFile?.value,
    flows: flowFiles.documents.map((flowFile) => flowFile.value),
    announcements: announcementsFile?.value,
    ...callingBack.source,
  });
  return {
    ok: true,
    config: freeze<HotlineConfig>({
      settings: { name: root.name, country: root.country, language: root.language },
      lines: lists.lines.entries.map((line) => resolveLine(line, root.country)),
      schedules: Object.fromEntries(lists.schedules.entries.map((schedule) => [schedule.scheduleId, schedule])),
      calendar: createCalendar(calendar),
      skills: lists.skills.entries,
      queues: lists.queues.entries,
      operators: lists.operators.entries,
      trunks: lists.trunks.entries,
      flows: flows.flows,
      announcements: told.announcements,
      ...callingBack.config,
      targets: root.targets,
    }),
    // 64 bits: enough to tell versions apart, short enough to be read out
    version: createHash('sha256').update(source).digest('hex').slice(0, 16),
    source,
    warnings: [...unservedQueues(references), ...unheardMessages(lists.lines, flows.flows)].map((mismatch) =>
      document.fault(mismatch),
    ),
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
  const { value, mismatches } = matchSchema(schema, document.value, []);
  faults.push(...mismatches.map((mismatch) => document.fault(mismatch)));
  return value;
}

/**
 * The entries of a list: those that fit, and of each what of it fits, so that a misspelt entry still takes part in the checks of
 * names and numbers. The ids are those of all: a fault in a queue makes its name no unknown one.
 */
function matchList<Output>(
  document: ConfigDocument,
  field: string,
  schema: z.ZodType<Output>,
  faults: ConfigFault[],
): Listed<Output> {
  const written = entryOf(document.value, field);
  const items: readonly unknown[] = Array.isArray(written) ? written : []; // what is no list is a fault of the root
  const ids = items.map((item) => entryOf(item, 'id')).filter((id) => typeof id === 'string');
  const matched = items.map((item, index) => {
    const { value, mismatches } = matchSchema(schema, item, [field, index]);
    faults.push(...mismatches.map((mismatch) => document.fault(mismatch)));
    return { value, draft: value ?? fittingPart(schema, item, mismatches), index };
  });
  return {
    entries: matched.flatMap(({ value }) => (value === undefined ? [] : [value])),
    drafts: matched.map(({ draft, index }) => ({ value: draft, index })),
    ids: new Set(ids),
  };
}

/** What is left of an entry without the fields that have a fault; nothing when its schema does more than check fields. */
function fittingPart<Output>(
  schema: z.ZodType<Output>,
  item: unknown,
  mismatches: readonly Mismatch[],
): Partial<Output> {
  if (!(schema instanceof z.ZodObject) || typeof item !== 'object' || item === null) return {};
  const faulty = new Set(mismatches.map(({ path }) => path[2])); // after the list's name and the entry's place in it
  const rest = Object.fromEntries(Object.entries(item).filter(([field]) => !faulty.has(field)));
  const result = schema.partial().safeParse(rest);
  return result.success ? (result.data as Partial<Output>) : {};
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
