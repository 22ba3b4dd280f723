import { edgesOf, type Flow, type FlowFault, type FlowNode } from './flow.ts';

/**
 * Brings into each flow the nodes of the flows it includes, as far as they can be reached from it or from a queue: its own nodes win, so a flow
 * can put its own in place of an included one. Two included flows must not both bring a node of one name.
 */
export function linkFlows(documents: readonly Flow[]): {
  readonly flows: readonly Flow[];
  readonly faults: readonly FlowFault[];
} {
  const byId = new Map(documents.map((flow) => [flow.id, flow]));
  const faults: FlowFault[] = [];
  const flows = documents.map((flow) => {
    const known = new Map<string, FlowNode>();
    const fromQueues = new Set(flow.fromQueues);
    const whileWaiting = new Set(flow.whileWaiting);
    flow.include.forEach((includedId, index) => {
      const included = byId.get(includedId);
      if (included === undefined || includedId === flow.id) {
        const expected = 'the id of another flow';
        faults.push({ code: 'unknownInclude', flowId: flow.id, path: `include.${index}`, expected, got: includedId });
        return;
      }
      for (const [nodeId, node] of Object.entries(included.nodes)) {
        if (known.has(nodeId) && flow.nodes[nodeId] === undefined) {
          const expected = 'each node from one included flow only';
          faults.push({ code: 'ambiguousNode', flowId: flow.id, path: `include.${index}`, expected, got: nodeId });
        }
        known.set(nodeId, node);
      }
      for (const nodeId of included.fromQueues) fromQueues.add(nodeId);
      for (const nodeId of included.whileWaiting) whileWaiting.add(nodeId);
    });
    const entered = { ...flow, fromQueues: [...fromQueues], whileWaiting: [...whileWaiting] };
    return { ...entered, nodes: { ...reachableFrom(entered, known), ...flow.nodes } };
  });
  return { flows, faults };
}

function reachableFrom(flow: Flow, included: ReadonlyMap<string, FlowNode>): Record<string, FlowNode> {
  const found: Record<string, FlowNode> = {};
  const seen = new Set<string>();
  const open = [flow.entry, ...flow.fromQueues, ...flow.whileWaiting, ...Object.keys(flow.nodes)];
  for (let nodeId = open.pop(); nodeId !== undefined; nodeId = open.pop()) {
    const node = flow.nodes[nodeId] ?? included.get(nodeId);
    if (seen.has(nodeId) || node === undefined) continue;
    seen.add(nodeId);
    if (flow.nodes[nodeId] === undefined) found[nodeId] = node;
    open.push(...edgesOf(nodeId, node).map((edge) => edge.to));
  }
  return found;
}
