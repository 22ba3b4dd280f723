import type { QueueSettings } from '../acd/index.ts';
import type { Flow } from '../ivr/index.ts';
import type { Mismatch, Path } from './faults.ts';
import type { WrittenLine } from './hotline.ts';

interface Draft<Value> {
  readonly value: Partial<Value>;
  readonly index: number;
}

export interface DestinationInput {
  readonly lines: { readonly drafts: readonly Draft<WrittenLine>[] };
  readonly queues: { readonly drafts: readonly Draft<QueueSettings>[]; readonly ids: ReadonlySet<string> };
  /** By id, with what they include. */
  readonly flows: Readonly<Record<string, Flow>>;
}

const limitNames = ['length', 'wait', 'nobodyLoggedIn'] as const;

/**
 * Where the limits of queues send contacts: another queue that there is, or a node of the flow a contact came from; of every flow from
 * which contacts come to the queue, through other queues too. (Whom staff moves may come from any flow: he is told that he cannot be served.)
 */
export function destinationFaults(input: DestinationInput): readonly Mismatch[] {
  const { queues, flows } = input;
  const nodeIds = new Set(Object.values(flows).flatMap((flow) => Object.keys(flow.nodes)));
  const flowsOf = flowsByQueue(input);
  const nodeFaults = (queueId: string | undefined, node: string, path: Path): readonly Mismatch[] => {
    // With no flow at all the flows are at fault, and that is told already.
    if (nodeIds.size === 0) return [];
    if (!nodeIds.has(node)) return [unknown(path, node, { ids: nodeIds, of: 'a node of a flow' })];
    return [...(flowsOf.get(queueId ?? '') ?? [])]
      .filter((flowId) => flows[flowId]?.nodes[node] === undefined)
      .map((flowId) => ({
        path,
        expected: `a node of the flow "${flowId}", from which contacts come to the queue "${queueId}"`,
        got: `"${node}"`,
      }));
  };
  return queues.drafts.flatMap(({ value: { id, limits, ladder, closing }, index }) => [
    ...[...limitNames, 'closing' as const].flatMap((limit): readonly Mismatch[] => {
      const to = limit === 'closing' ? closing?.to : limits?.[limit]?.to;
      if (to === undefined) return [];
      const of = limit === 'closing' ? ['closing'] : ['limits', limit];
      const path: Path = ['queues', index, ...of, 'to', 'node' in to ? 'node' : 'queue'];
      if ('node' in to) return nodeFaults(id, to.node, path);
      if (to.queue === id) return [{ path, expected: 'another queue than this', got: `"${to.queue}"` }];
      return queues.ids.has(to.queue) ? [] : [unknown(path, to.queue, { ids: queues.ids, of: 'a queue' })];
    }),
    // Callers whose flow does not have it are offered no choice, which costs them no place.
    ...(ladder?.choiceNode === undefined || nodeIds.size === 0 || nodeIds.has(ladder.choiceNode)
      ? []
      : [
          unknown(['queues', index, 'ladder', 'choiceNode'], ladder.choiceNode, {
            ids: nodeIds,
            of: 'a node of a flow',
          }),
        ]),
  ]);
}

function unknown(
  path: Path,
  name: string,
  known: { readonly ids: ReadonlySet<string>; readonly of: string },
): Mismatch {
  return { path, expected: `the id of ${known.of} (${[...known.ids].sort().join(', ')})`, got: `"${name}"` };
}

/** By queue, the flows of lines from which contacts come to it. */
function flowsByQueue({ lines, queues, flows }: DestinationInput): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const comes = (flowId: string, queueId: string): void => {
    const known = found.get(queueId) ?? new Set();
    if (known.has(flowId)) return;
    found.set(queueId, known.add(flowId));
    const { limits, closing } = queues.drafts.find(({ value }) => value.id === queueId)?.value ?? {};
    for (const to of [...limitNames.map((limit) => limits?.[limit]?.to), closing?.to]) {
      if (to !== undefined && 'queue' in to) comes(flowId, to.queue);
    }
  };
  for (const { value } of lines.drafts) {
    const flow = value.flow === undefined ? undefined : flows[value.flow];
    if (flow === undefined) continue;
    if (value.queue !== undefined) comes(flow.id, value.queue);
    for (const node of Object.values(flow.nodes)) if (node.type === 'enqueue') comes(flow.id, node.queue);
  }
  return found;
}
