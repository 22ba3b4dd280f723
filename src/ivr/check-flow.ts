import {
  type CallBackNode,
  callBackRefusals,
  edgesOf,
  type Flow,
  type FlowEdge,
  type FlowFault,
  type FlowNode,
  type FlowSay,
} from './flow.ts';

/**
 * What is wrong with a linked flow, all at once. `promptIds`: prompts that have a text and a sound. `queueIds`: queues there are.
 * A part (a flow only others include) need not lead to an operator and may name nodes it leaves to its includers.
 */
export function checkFlow(
  flow: Flow,
  known: { readonly promptIds: ReadonlySet<string>; readonly queueIds: ReadonlySet<string> },
): readonly FlowFault[] {
  return [...targetFaults(flow), ...nameFaults(flow, known), ...(flow.part ? [] : pathFaults(flow))];
}

function edges(flow: Flow): readonly FlowEdge[] {
  return Object.entries(flow.nodes).flatMap(([nodeId, node]) => edgesOf(nodeId, node));
}

function targetFaults(flow: Flow): readonly FlowFault[] {
  const expected = `a node of flow ${flow.id}`;
  const entered = flow.fromQueues.map((to, i) => ({ path: `fromQueues.${i}`, to }));
  const visited = flow.whileWaiting.map((to, i) => ({ path: `whileWaiting.${i}`, to }));
  const targets = [{ path: 'entry', to: flow.entry }, ...entered, ...visited, ...edges(flow)];
  return targets
    .filter((target) => flow.nodes[target.to] === undefined)
    .map(({ path, to }) => ({ code: 'danglingTarget', flowId: flow.id, path, expected, got: to }));
}

function nameFaults(
  flow: Flow,
  known: { readonly promptIds: ReadonlySet<string>; readonly queueIds: ReadonlySet<string> },
): readonly FlowFault[] {
  return Object.entries(flow.nodes).flatMap(([nodeId, node]) => {
    const faults: FlowFault[] = promptsOf(node)
      .filter(({ prompt }) => !known.promptIds.has(prompt))
      .map(({ field, prompt }) => ({
        code: 'unknownPrompt',
        flowId: flow.id,
        path: `nodes.${nodeId}.${field}`,
        expected: 'a prompt with a text and a sound',
        got: prompt,
      }));
    if (node.type === 'enqueue' && !known.queueIds.has(node.queue)) {
      const path = `nodes.${nodeId}.queue`;
      faults.push({ code: 'unknownQueue', flowId: flow.id, path, expected: 'the id of a queue', got: node.queue });
    }
    if (node.type === 'callBack') faults.push(...refusalFaults(flow.id, nodeId, node));
    return faults;
  });
}

/** Whatever the reason, a caller who is not called back is told so and led on. */
function refusalFaults(flowId: string, nodeId: string, node: CallBackNode): readonly FlowFault[] {
  return callBackRefusals.flatMap((why) =>
    (['refused', 'onRefused'] as const)
      .filter((field) => (node[field][why] ?? node[field].default) === undefined)
      .map((field): FlowFault => {
        const path = `nodes.${nodeId}.${field}.${why}`;
        return { code: 'refusalUnanswered', flowId, path, expected: 'an entry for it, or `default`', got: 'none' };
      }),
  );
}

function promptsOf(node: FlowNode): readonly { readonly field: string; readonly prompt: string }[] {
  const lists: Record<string, readonly FlowSay[] | undefined> = {};
  for (const field of ['say', 'noInput', 'wrongKey', 'invalid', 'confirm', 'empty', 'review', 'failed'] as const) {
    if (field in node) lists[field] = (node as Partial<Record<typeof field, readonly FlowSay[]>>)[field];
  }
  if (node.type === 'callBack')
    for (const [why, entries] of Object.entries(node.refused)) lists[`refused.${why}`] = entries;
  const said = Object.entries(lists).flatMap(([field, entries = []]) =>
    entries.flatMap((entry) => {
      return promptsIn(entry).flatMap((prompt) => (prompt === undefined ? [] : [{ field, prompt }]));
    }),
  );
  return node.type === 'record' ? [...said, { field: 'beep', prompt: node.beep }] : said;
}

function promptsIn(entry: FlowSay): readonly (string | undefined)[] {
  if (typeof entry === 'string') return [entry];
  return 'hint' in entry ? [entry.hint] : [entry.before, entry.behind, entry.otherwise];
}

/** Faults of the ways through the flow: what is never reached, never ends, or leaves a caller without an operator in hours. */
function pathFaults(flow: Flow): readonly FlowFault[] {
  const fault = (code: FlowFault['code'], nodeId: string, expected: string): FlowFault => ({
    code,
    flowId: flow.id,
    path: `nodes.${nodeId}`,
    expected,
    got: flow.nodes[nodeId]?.type ?? 'nothing',
  });
  const reached = reach(flow, [flow.entry, ...flow.fromQueues, ...flow.whileWaiting], () => true);
  const ends = Object.keys(flow.nodes).filter((nodeId) => isEnd(flow.nodes[nodeId]));
  const ending = reachBack(flow, ends, () => true);
  const operators = Object.keys(flow.nodes).filter((nodeId) => flow.nodes[nodeId]?.type === 'enqueue');
  const placeless = (edge: FlowEdge): boolean => edge.by !== 'waiting';
  const inHours = (edge: FlowEdge): boolean => edge.by !== 'closed' && placeless(edge);
  const toOperator = reachBack(flow, operators, inHours);
  const silentlyToOperator = reachBack(flow, operators, (edge) => inHours(edge) && edge.by !== 'caller');
  const reachedInHours = reach(flow, [flow.entry], inHours);
  const withoutPlace = reach(flow, [flow.entry, ...flow.fromQueues], placeless);
  const faults: FlowFault[] = [];
  for (const [nodeId, node] of Object.entries(flow.nodes)) {
    if (node.type === 'resume' && withoutPlace.has(nodeId))
      faults.push(fault('resumeWithoutPlace', nodeId, 'ways to it only for callers who have a place in a queue'));
    if (!reached.has(nodeId)) faults.push(fault('unreachableNode', nodeId, 'a way to it from the entry or a queue'));
    else if (!ending.has(nodeId)) faults.push(fault('noEnd', nodeId, 'a way from it to a queue or a hang-up'));
    if (!reachedInHours.has(nodeId)) continue;
    if (!toOperator.has(nodeId) && (node.type === 'menu' || nodeId === flow.entry)) {
      faults.push(fault('noWayToOperator', nodeId, 'a way to an operator in hours'));
    } else if (node.type === 'menu' && !silentlyToOperator.has(nodeId)) {
      faults.push(fault('noWayToOperator', nodeId, 'an operator in hours after the last try'));
    }
  }
  const loop = silentLoop(flow);
  if (loop !== undefined) faults.push(fault('endlessLoop', loop, 'an end for a caller who presses nothing'));
  return faults;
}

function isEnd(node: FlowNode | undefined): boolean {
  return node?.type === 'enqueue' || node?.type === 'hangup' || node?.type === 'resume';
}

type EdgeFilter = (edge: FlowEdge) => boolean;

function reach(flow: Flow, from: readonly string[], along: EdgeFilter): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...from];
  for (let nodeId = open.pop(); nodeId !== undefined; nodeId = open.pop()) {
    const node = flow.nodes[nodeId];
    if (node === undefined || found.has(nodeId)) continue;
    found.add(nodeId);
    open.push(
      ...edgesOf(nodeId, node)
        .filter(along)
        .map((edge) => edge.to),
    );
  }
  return found;
}

function reachBack(flow: Flow, to: readonly string[], along: EdgeFilter): ReadonlySet<string> {
  const found = new Set(to);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const [nodeId, node] of Object.entries(flow.nodes)) {
      if (edgesOf(nodeId, node).some((edge) => along(edge) && found.has(edge.to))) found.add(nodeId);
    }
  }
  return found;
}

/** A node that a caller who does nothing comes back to, with the hours staying as they are; undefined when there is none. */
function silentLoop(flow: Flow): string | undefined {
  const byHours = (closed: boolean) => (edge: FlowEdge) =>
    edge.by === 'silence' || edge.by === 'waiting' || edge.by === (closed ? 'closed' : 'open');
  return Object.keys(flow.nodes).find((nodeId) =>
    [true, false].some((closed) => {
      const node = flow.nodes[nodeId];
      const along = byHours(closed);
      if (node === undefined) return false;
      return reach(
        flow,
        edgesOf(nodeId, node)
          .filter(along)
          .map((edge) => edge.to),
        along,
      ).has(nodeId);
    }),
  );
}
