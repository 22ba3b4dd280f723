import { canServe, type OperatorSettings, type QueueSettings, type SkillSettings } from '../acd/index.ts';
import type { Schedule } from '../schedule/index.ts';
import type { Mismatch, Path } from './faults.ts';
import type { Line, Trunk, WrittenLine } from './hotline.ts';
import { normaliseDialled } from './numbers.ts';

/** Entries of a list of hotline.yaml that fit their schema, with their places, and the ids of all its entries. */
export interface Listed<Value> {
  readonly entries: readonly { readonly value: Value; readonly index: number }[];
  readonly ids: ReadonlySet<string>;
}

export interface ReferenceInput {
  readonly lines: Listed<WrittenLine>;
  readonly schedules: Listed<Schedule>;
  readonly skills: Listed<SkillSettings>;
  readonly queues: Listed<QueueSettings>;
  readonly operators: Listed<OperatorSettings>;
  readonly trunks: Listed<Trunk>;
  readonly flowIds: ReadonlySet<string>;
  readonly country: string;
}

export interface ReferenceResult {
  readonly lines: readonly Line[];
  readonly faults: readonly Mismatch[];
  readonly warnings: readonly Mismatch[];
}

/** What one entry says of another: names that nothing has, and things that may be there once only. */
export function checkReferences(input: ReferenceInput): ReferenceResult {
  const { lines, numbers, faults: numberFaults } = readLines(input);
  const names = lines.map(({ line, index }) => ({ line, path: ['lines', index] }));
  const faults: Mismatch[] = [
    ...numberFaults,
    ...repeated(numbers, 'a number that no other line has'),
    ...names.flatMap(({ line, path }) => [
      ...unknown([...path, 'schedule'], line.scheduleId, { ids: input.schedules.ids, of: 'a schedule' }),
      ...unknown([...path, 'flow'], line.flowId, { ids: input.flowIds, of: 'a flow that is not a part' }),
      ...unknown([...path, 'queue'], line.defaultQueueId, { ids: input.queues.ids, of: 'a queue' }),
    ]),
    ...input.queues.entries.flatMap(({ value, index }) =>
      value.requirement.flatMap((term, at) =>
        unknown(['queues', index, 'requirement', at, 'skill'], term.skill, { ids: input.skills.ids, of: 'a skill' }),
      ),
    ),
    ...input.operators.entries.flatMap(({ value, index }) =>
      Object.keys(value.skills).flatMap((skill) =>
        unknown(['operators', index, 'skills', skill], skill, { ids: input.skills.ids, of: 'a skill' }),
      ),
    ),
    ...repeatedIn(input.lines, 'lines', 'id', (line) => line.id),
    ...repeatedIn(input.schedules, 'schedules', 'id', (schedule) => schedule.scheduleId),
    ...repeatedIn(input.skills, 'skills', 'id', (skill) => skill.id),
    ...repeatedIn(input.queues, 'queues', 'id', (queue) => queue.id),
    ...repeatedIn(input.operators, 'operators', 'id', (operator) => operator.id),
    ...repeatedIn(input.operators, 'operators', 'extension', (operator) => operator.extension),
    ...repeatedIn(input.trunks, 'trunks', 'name', (trunk) => trunk.name),
    ...repeated(
      input.trunks.entries.flatMap(({ value, index }) =>
        value.addresses.map((address) => ({ key: address, path: ['trunks', index, 'addresses'] })),
      ),
      'an address that no other trunk has',
    ),
  ];
  return { lines: lines.map(({ line }) => line), faults, warnings: unserved(input) };
}

interface Keyed {
  readonly key: string;
  readonly path: Path;
}

function readLines({ lines, country }: ReferenceInput): {
  readonly lines: readonly { readonly line: Line; readonly index: number }[];
  readonly numbers: readonly Keyed[];
  readonly faults: readonly Mismatch[];
} {
  const faults: Mismatch[] = [];
  const keyed: Keyed[] = [];
  const read = lines.entries.map(({ value, index }) => {
    const numbers = value.numbers.flatMap((written, at) => {
      const path = ['lines', index, 'numbers', at];
      const number = normaliseDialled(written, { defaultCountry: country });
      if (!number.ok) {
        faults.push({ path, expected: 'a telephone number or a short code', got: `"${written}"` });
        return [];
      }
      const dnis = number.kind === 'e164' ? number.e164 : number.code;
      keyed.push({ key: dnis, path });
      return [dnis];
    });
    const line: Line = {
      id: value.id,
      name: value.name,
      numbers,
      scheduleId: value.schedule,
      flowId: value.flow,
      entryTopic: value.entryTopic,
      languages: value.languages,
      defaultQueueId: value.queue,
      recording: value.recording,
    };
    return { line, index };
  });
  return { lines: read, numbers: keyed, faults };
}

function unknown(
  path: Path,
  name: string,
  known: { readonly ids: ReadonlySet<string>; readonly of: string },
): readonly Mismatch[] {
  if (known.ids.has(name)) return [];
  return [{ path, expected: `the id of ${known.of} (${[...known.ids].sort().join(', ')})`, got: `"${name}"` }];
}

function repeatedIn<Value>(
  list: Listed<Value>,
  name: string,
  field: string,
  keyOf: (value: Value) => string,
): readonly Mismatch[] {
  const keyed = list.entries.map(({ value, index }) => ({ key: keyOf(value), path: [name, index, field] }));
  return repeated(keyed, `one that no other entry of ${name} has`);
}

function repeated(keyed: readonly Keyed[], expected: string): readonly Mismatch[] {
  const seen = new Set<string>();
  return keyed.flatMap(({ key, path }) => {
    if (seen.has(key)) return [{ path, expected, got: `"${key}"` }];
    seen.add(key);
    return [];
  });
}

/** Queues whose callers would wait for nobody. */
function unserved({ queues, operators }: ReferenceInput): readonly Mismatch[] {
  return queues.entries
    .filter(
      ({ value: queue }) =>
        !operators.entries.some(({ value: operator }) => canServe(operator.skills, { terms: queue.requirement })),
    )
    .map(({ value, index }) => ({
      path: ['queues', index, 'requirement'],
      expected: 'at least one operator with these skills',
      got: `none for the queue "${value.id}"`,
    }));
}
