import {
  canServeWritten,
  type OperatorSettings,
  parseExpression,
  type QueueSettings,
  type SkillSettings,
  type WrittenRequirement,
} from '../acd/index.ts';
import type { Schedule } from '../schedule/index.ts';
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
  /** Of all flows that a line can name. */
  readonly nodeIds: ReadonlySet<string>;
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
    ...queues.drafts.flatMap(({ value, index }) => [
      ...(value.steps ?? []).flatMap((step, at) =>
        unknownSkills(['queues', index, 'steps', at, 'requirement'], step.requirement, skills.ids),
      ),
      ...(value.ladder?.rungs ?? []).flatMap((rung, at) =>
        'requirement' in rung
          ? unknownSkills(['queues', index, 'ladder', 'rungs', at, 'requirement'], rung.requirement, skills.ids)
          : [],
      ),
      ...(value.ladder !== undefined && (value.steps ?? []).length > 0
        ? [
            {
              path: ['queues', index, 'steps'],
              expected: 'no steps beside a ladder, whose rungs take their place',
              got: 'both',
            },
          ]
        : []),
      ...destinationFaults(['queues', index, 'limits'], value, input),
    ]),
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

/** Where a queue's limits send contacts: another queue, or a node of a flow. */
function destinationFaults(
  path: Path,
  { id, limits }: Partial<QueueSettings>,
  { queues, nodeIds }: ReferenceInput,
): readonly Mismatch[] {
  return (['length', 'wait', 'nobodyLoggedIn'] as const).flatMap((limit) => {
    const to = limits?.[limit]?.to;
    if (to === undefined) return [];
    if ('node' in to) return unknown([...path, limit, 'to', 'node'], to.node, { ids: nodeIds, of: 'a node of a flow' });
    if (to.queue === id) {
      return [{ path: [...path, limit, 'to', 'queue'], expected: 'another queue than this', got: `"${to.queue}"` }];
    }
    return unknown([...path, limit, 'to', 'queue'], to.queue, { ids: queues.ids, of: 'a queue' });
  });
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
