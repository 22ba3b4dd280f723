import { checkFlow, type Flow, type FlowFault, flowSchema, linkFlows } from '../ivr/index.ts';
import type { ConfigDocument } from './documents.ts';
import { type ConfigFault, describeFault, matchSchema } from './faults.ts';

export interface FlowsResult {
  /** Flows that a line can name, linked; parts are left out. */
  readonly flows: Readonly<Record<string, Flow>>;
  /** Also of flows with faults: a line that names one names no unknown flow. */
  readonly ids: ReadonlySet<string>;
  readonly faults: readonly ConfigFault[];
}

/** One flow a file. Without `promptIds` the prompts that flows name are not checked. */
export function linkFlowDocuments(
  documents: readonly ConfigDocument[],
  known: { readonly queueIds: ReadonlySet<string>; readonly promptIds: ReadonlySet<string> | undefined },
): FlowsResult {
  const faults: ConfigFault[] = [];
  const files = new Map<string, ConfigDocument>();
  const written: Flow[] = [];
  const broken: unknown[] = [];
  for (const document of documents) {
    const { value: flow, mismatches } = matchSchema(flowSchema, document.value, []);
    faults.push(...mismatches.map((mismatch) => document.fault(mismatch)));
    if (flow === undefined) {
      broken.push(document.value);
      continue;
    }
    if (files.has(flow.id)) {
      const expected = 'an id that no other flow has';
      faults.push(document.fault({ path: ['id'], expected, got: `"${flow.id}"` }));
      continue;
    }
    files.set(flow.id, document);
    written.push(flow);
  }
  const linked = linkFlows(written);
  const place = (fault: FlowFault): readonly ConfigFault[] => {
    const document = files.get(ownerOf(fault, written));
    return document === undefined
      ? []
      : [document.fault({ path: fault.path.split('.'), expected: fault.expected, got: `"${fault.got}"` })];
  };
  // While a file cannot be read, what the others include from it would only look as if it were missing.
  const flowFaults =
    faults.length > 0 ? [] : [...linked.faults, ...linked.flows.flatMap((flow) => checkLinked(flow, known))];
  const callable = linked.flows.filter((flow) => !flow.part);
  return {
    flows: Object.fromEntries(callable.map((flow) => [flow.id, flow])),
    ids: new Set([...callable.map((flow) => flow.id), ...broken.flatMap(writtenId)]),
    faults: [...faults, ...distinct(flowFaults.flatMap(place))],
  };
}

function writtenId(value: unknown): readonly string[] {
  const hasId = typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string';
  return hasId ? [value.id as string] : [];
}

function checkLinked(
  flow: Flow,
  known: { readonly queueIds: ReadonlySet<string>; readonly promptIds: ReadonlySet<string> | undefined },
): readonly FlowFault[] {
  const faults = checkFlow(flow, { queueIds: known.queueIds, promptIds: known.promptIds ?? new Set() });
  return known.promptIds === undefined ? faults.filter((fault) => fault.code !== 'unknownPrompt') : faults;
}

/** The flow whose file the fault stands in: what is wrong with a node that was included is a fault of the file it was written in. */
function ownerOf(fault: FlowFault, written: readonly Flow[]): string {
  const own = written.find((flow) => flow.id === fault.flowId);
  const nodeId = fault.path.split('.')[1] ?? '';
  const ofNode = ['unknownPrompt', 'unknownQueue', 'refusalUnanswered'].includes(fault.code);
  if (!ofNode || own === undefined || own.nodes[nodeId] !== undefined) return fault.flowId;
  return written.find((flow) => own.include.includes(flow.id) && flow.nodes[nodeId] !== undefined)?.id ?? fault.flowId;
}

function distinct(faults: readonly ConfigFault[]): readonly ConfigFault[] {
  return [...new Map(faults.map((fault) => [describeFault(fault), fault])).values()];
}
