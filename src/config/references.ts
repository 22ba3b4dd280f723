import {
  canServeWritten,
  type OperatorSettings,
  parseExpression,
  type QueueSettings,
  type SkillSettings,
  type WrittenRequirement,
} from '../acd/index.ts';
import type { Flow } from '../ivr/index.ts';
import type { Schedule } from '../schedule/index.ts';
import { destinationFaults } from './destinations.ts';
import type { Mismatch, Path } from './faults.ts';
import type { Line, Trunk, WrittenLine } from './hotline.ts';
import { normaliseDialled } from './numbers.ts';

/** A list of hotline.yaml. */
export interface Listed<Value> {
  /** Those that fit their schema. */
  readonly entries: readonly Value[];
  /** Of each entry what of it fits, and its place. */
  readonly drafts: readonly Draft<Value>[];
  readonly ids: ReadonlySet<string>;
}

interface Draft<Value> {
  readonly value: Partial<Value>;
  readonly index: number;
}

export interface ReferenceInput {
  readonly lines: Listed<WrittenLine>;
  readonly schedules: Listed<Schedule>;
  readonly skills: Listed<SkillSettings>;
  readonly queues: Listed<QueueSettings>;
  readonly operators: Listed<OperatorSettings>;
  readonly trunks: Listed<Trunk>;
  readonly flowIds: ReadonlySet<string>;
  /** Those that a line can name, by id. */
  readonly flows: Readonly<Record<string, Flow>>;
  readonly country: string;
}

/** What one entry says of another: names that nothing has, and things that may be there once only. */
export function checkReferences(input: ReferenceInput): readonly Mismatch[] {
  const { lines, schedules, skills, queues, operators, trunks } = input;
  const nameOf = { schedule: 'a schedule', flow: 'a flow that is not a part', queue: 'a queue' } as const;
  const namedIds = { schedule: schedules.ids, flow: input.flowIds, queue: queues.ids };
  return [
    ...numberFaults(input),
    ...lines.drafts.flatMap(({ value, index }) =>
      (['schedule', 'flow', 'queue'] as const).flatMap((field) =>
        unknown(['lines', index, field], value[field], { ids: namedIds[field], of: nameOf[field] }),
      ),
    ),
    ...queues.drafts.flatMap(({ value, index }) =>
      unknownSkills(['queues', index, 'requirement'], value.requirement ?? [], skills.ids),
    ),
    ...queues.drafts.flatMap(({ value, index }) =>
      (value.steps ?? []).flatMap((step, at) =>
        unknownSkills(['queues', index, 'steps', at, 'requirement'], step.requirement, skills.ids),
      ),
    ),
    ...queues.drafts.flatMap(({ value, index }) => ladderFaults(['queues', index], value, skills)),
    ...destinationFaults(input),
    ...operators.drafts.flatMap(({ value, index }) =>
      Object.keys(value.skills ?? {}).flatMap((skill) =>
        unknown(['operators', index, 'skills', skill], skill, { ids: skills.ids, of: 'a skill' }),
      ),
    ),
    ...repeatedIn(lines, ['lines', 'id'], (line) => line.id),
    ...repeatedIn(schedules, ['schedules', 'id'], (schedule) => schedule.scheduleId),
    ...repeatedIn(skills, ['skills', 'id'], (skill) => skill.id),
    ...repeatedIn(queues, ['queues', 'id'], (queue) => queue.id),
    ...repeatedIn(operators, ['operators', 'id'], (operator) => operator.id),
    ...repeatedIn(operators, ['operators', 'extension'], (operator) => operator.extension),
    ...repeatedIn(trunks, ['trunks', 'name'], (trunk) => trunk.name),
    ...repeated(
      trunks.drafts.flatMap(({ value, index }) =>
        (value.addresses ?? []).map((address) => ({ key: address, path: ['trunks', index, 'addresses'] })),
      ),
      'an address that no other trunk has',
    ),
  ];
}

/** Queues whose callers would wait for nobody. */
export function unservedQueues({ queues, operators }: ReferenceInput): readonly Mismatch[] {
  return queues.entries.flatMap((queue, index) =>
    operators.entries.some((operator) => canServeWritten(operator.skills, queue.requirement))
      ? []
      : [
          {
            path: ['queues', index, 'requirement'],
            expected: 'at least one operator with these skills',
            got: `none for the queue "${queue.id}"`,
          },
        ],
  );
}

/** The rungs of a ladder ask for skills too, and take the place of steps. */
function ladderFaults(
  path: Path,
  { ladder, steps = [] }: Partial<QueueSettings>,
  skills: ReferenceInput['skills'],
): readonly Mismatch[] {
  if (ladder === undefined) return [];
  return [
    ...ladder.rungs.flatMap((rung, at) =>
      'requirement' in rung
        ? unknownSkills([...path, 'ladder', 'rungs', at, 'requirement'], rung.requirement, skills.ids)
        : [],
    ),
    ...(steps.length > 0
      ? [{ path: [...path, 'steps'], expected: 'no steps beside a ladder, whose rungs take their place', got: 'both' }]
      : []),
  ];
}

/** Lines whose flow asks for a spoken message that nothing would keep. */
export function unheardMessages(
  lines: Listed<WrittenLine>,
  flows: Readonly<Record<string, Flow>>,
): readonly Mismatch[] {
  return lines.entries.flatMap(({ id, flow, recording }, index) =>
    recording === 'none' && Object.values(flows[flow]?.nodes ?? {}).some(({ type }) => type === 'record')
      ? [
          {
            path: ['lines', index, 'recording'],
            expected: 'all, as the flow of the line asks for spoken messages',
            got: `none for the line "${id}"`,
          },
        ]
      : [],
  );
}

/** A line whose references have been found without fault. */
export function resolveLine(written: WrittenLine, country: string): Line {
  return {
    id: written.id,
    name: written.name,
    numbers: written.numbers.flatMap((number) => dnisOf(number, country) ?? []),
    scheduleId: written.schedule,
    flowId: written.flow,
    entryTopic: written.entryTopic,
    languages: written.languages,
    defaultQueueId: written.queue,
    recording: written.recording,
  };
}

function dnisOf(written: string, country: string): string | undefined {
  const number = normaliseDialled(written, { defaultCountry: country });
  if (!number.ok) return undefined;
  return number.kind === 'e164' ? number.e164 : number.code;
}

function numberFaults({ lines, country }: ReferenceInput): readonly Mismatch[] {
  const numbers = lines.drafts.flatMap(({ value, index }) =>
    (value.numbers ?? []).map((written, at) => ({
      written,
      key: dnisOf(written, country),
      path: ['lines', index, 'numbers', at],
    })),
  );
  const unread = numbers.filter(({ key }) => key === undefined);
  const read = numbers.flatMap(({ key, path }) => (key === undefined ? [] : [{ key, path }]));
  return [
    ...unread.map(({ path, written }) => ({
      path,
      expected: 'a telephone number or a short code',
      got: `"${written}"`,
    })),
    ...repeated(read, 'a number that no other line has'),
  ];
}

function unknownSkills(path: Path, written: WrittenRequirement, ids: ReadonlySet<string>): readonly Mismatch[] {
  const of = 'a skill';
  if (typeof written !== 'string') {
    return written.flatMap(({ skill }, at) => unknown([...path, at, 'skill'], skill, { ids, of }));
  }
  const parsed = parseExpression(written);
  if (!parsed.ok) return [];
  return parsed.mentions.flatMap(({ skill, at }) =>
    unknown(path, skill, { ids, of }).map((fault) => ({ ...fault, got: `${fault.got} at character ${at}` })),
  );
}

function unknown(
  path: Path,
  name: string | undefined,
  known: { readonly ids: ReadonlySet<string>; readonly of: string },
): readonly Mismatch[] {
  // With no entry at all the list itself is at fault, and that is told already.
  if (name === undefined || known.ids.has(name) || known.ids.size === 0) return [];
  return [{ path, expected: `the id of ${known.of} (${[...known.ids].sort().join(', ')})`, got: `"${name}"` }];
}

function repeatedIn<Value>(
  { drafts }: Listed<Value>,
  [list, field]: readonly [string, string],
  keyOf: (value: Partial<Value>) => string | undefined,
): readonly Mismatch[] {
  const keyed = drafts.flatMap(({ value, index }) => {
    const key = keyOf(value);
    return key === undefined ? [] : [{ key, path: [list, index, field] }];
  });
  return repeated(keyed, `one that no other entry of ${list} has`);
}

function repeated(
  keyed: readonly { readonly key: string; readonly path: Path }[],
  expected: string,
): readonly Mismatch[] {
  const seen = new Set<string>();
  return keyed.flatMap(({ key, path }) => {
    if (seen.has(key)) return [{ path, expected, got: `"${key}"` }];
    seen.add(key);
    return [];
  });
}
