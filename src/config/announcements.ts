import { type Announcements, announcedPrompts, announcementSheetSchema, announcementsOf } from '../ivr/index.ts';
import type { ConfigDocument } from './documents.ts';
import { type ConfigFault, type Mismatch, matchSchema, type Path } from './faults.ts';

export interface AnnouncementsResult {
  /** By queue; of every queue there is, or of none without a document. */
  readonly announcements: Readonly<Record<string, Announcements>>;
  readonly faults: readonly ConfigFault[];
}

/** Without a document nothing is announced. Without `promptIds` the prompts named are not checked. */
export function readAnnouncements(
  document: ConfigDocument | undefined,
  known: {
    readonly queueIds: ReadonlySet<string>;
    /** Of all flows that a line can name. */
    readonly nodeIds: ReadonlySet<string>;
    readonly promptIds: ReadonlySet<string> | undefined;
  },
): AnnouncementsResult {
  if (document === undefined) return { announcements: {}, faults: [] };
  const { value: sheet, mismatches } = matchSchema(announcementSheetSchema, document.value ?? {}, []);
  if (sheet === undefined) return { announcements: {}, faults: placed(document, mismatches) };
  const entries: readonly (readonly [Path, Announcements])[] = [
    [['standard'], sheet.standard],
    ...Object.entries(sheet.queues).map(([queueId, entry]): readonly [Path, Announcements] => [
      ['queues', queueId],
      entry,
    ]),
  ];
  const faults = [
    ...Object.keys(sheet.queues)
      .filter((queueId) => !known.queueIds.has(queueId))
      .map((queueId) => ({ path: ['queues', queueId], expected: 'the id of a queue', got: `"${queueId}"` })),
    ...entries.flatMap(([path, entry]) => [
      ...nodeFaults(path, entry, known.nodeIds),
      ...promptFaults(path, entry, known.promptIds),
    ]),
  ];
  return {
    announcements: Object.fromEntries([...known.queueIds].map((queueId) => [queueId, announcementsOf(sheet, queueId)])),
    faults: placed(document, faults),
  };
}

function placed(document: ConfigDocument, mismatches: readonly Mismatch[]): readonly ConfigFault[] {
  return mismatches.map((mismatch) => document.fault(mismatch));
}

function nodeFaults(path: Path, entry: Announcements, nodeIds: ReadonlySet<string>): readonly Mismatch[] {
  return Object.entries(entry.keys).flatMap(([key, does]) =>
    'node' in does && !nodeIds.has(does.node)
      ? [{ path: [...path, 'keys', key, 'node'], expected: 'a node of a flow', got: `"${does.node}"` }]
      : [],
  );
}

function promptFaults(
  path: Path,
  entry: Announcements,
  promptIds: ReadonlySet<string> | undefined,
): readonly Mismatch[] {
  if (promptIds === undefined) return [];
  return announcedPrompts(entry)
    .filter((prompt) => !promptIds.has(prompt))
    .map((prompt) => ({ path, expected: 'a prompt with a text and a sound', got: `"${prompt}"` }));
}
