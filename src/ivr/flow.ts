import { z } from 'zod';

const id = z.string().regex(/^[a-z][A-Za-z0-9-]*$/, 'an id: letters, digits and hyphens, a small letter first');
const key = z.string().regex(/^[0-9*#]$/, 'a telephone key: 0–9, * or #');

/** What a flow can have said besides its prompts: values known only while the caller is there. */
const sayValues = [
  'opens',
  'closes',
  'callerNumber',
  'keyedNumber',
  'requestNumber',
  'messageSeconds',
  'expectedWait',
  'keyedHour',
  'callBackAt',
  'callBackNext',
] as const;

/** Why a call-back is not promised. */
export const callBackRefusals = ['noRoom', 'outsideHours', 'zoneUnknown', 'tooFar', 'noNumber', 'failed'] as const;

/**
 * A prompt by id, a key named behind what it does («Чтобы …, нажмите один»), or a value. `before` and `behind` are said around the value
 * when it is known, `otherwise` in its place when it is not.
 */
const sayEntry = z.union([
  id,
  z.strictObject({ hint: id, key }),
  z.strictObject({
    value: z.enum(sayValues),
    before: id.optional(),
    behind: id.optional(),
    otherwise: id.optional(),
  }),
]);
/** Never empty when it comes to be said: something in it does not hang on a value. */
const sayList = z
  .array(sayEntry)
  .refine(
    (entries) => entries.some((entry) => typeof entry === 'string' || 'hint' in entry || entry.otherwise !== undefined),
    'a prompt, or a value with `otherwise`: something that can always be said',
  );

/** How a question waits and insists. `tries` counts silence and wrong keys together. */
const insistence = {
  noInput: sayList,
  wrongKey: sayList,
  /** From the end of the prompt to "no input". */
  waitMs: z.int().min(1_000).max(30_000).default(5_000),
  tries: z.int().min(1).max(5).default(3),
  onExhausted: id,
};

const sayNode = z.strictObject({
  type: z.literal('say'),
  say: sayList,
  /** A key ends the prompt and counts for the menu that follows. Off for what every caller has to hear. */
  bargeIn: z.boolean().default(false),
  next: id,
});

const keyAction = z.union([
  z.literal('repeat'),
  /** To the menu the caller came from; repeats where there is none. */
  z.literal('back'),
  z.strictObject({
    to: id,
    topic: id.optional(),
    /** The caller wants to be called back on the number he calls from. */
    callBack: z.literal('ani').optional(),
    /** The day he wants to be called back on, from today. */
    day: z.int().min(0).max(13).optional(),
  }),
]);

const menuNode = z.strictObject({
  type: z.literal('menu'),
  say: sayList,
  keys: z.record(key, keyAction),
  ...insistence,
});

const branchNode = z.strictObject({
  type: z.literal('branch'),
  /**
   * `waiting`: the caller has a place in a queue, to which `resume` takes him back. `numberChosen`: he has said on which number to call
   * him. `timeWanted`: he wants to be called back at a time of his choice. `localHourKnown`: he has said what o'clock it is where he is.
   * `callBackPromised`: while he was in this flow.
   */
  when: z.enum(['open', 'aniKnown', 'waiting', 'numberChosen', 'timeWanted', 'localHourKnown', 'callBackPromised']),
  yes: id,
  no: id,
});

/**
 * Keys until `#`, silence or the longest length; checked, and with `confirm` read back and confirmed by 1 (2: again). `*` starts over.
 * `hour`: 0–23, the hour of the day at which the caller wants to be called back; `localHour`: what o'clock it is where he is.
 */
const collectNode = z
  .strictObject({
    type: z.literal('collect'),
    say: sayList,
    valid: z.enum(['phoneNumber', 'hour', 'localHour']),
    /** Digits; by default 10–11 of a telephone number, 1–2 of an hour. */
    minLength: z.int().min(1).max(20).optional(),
    maxLength: z.int().min(1).max(20).optional(),
    /** Said when what was keyed is not valid. */
    invalid: sayList,
    /** Reads back and asks for 1 or 2; has the value `keyedNumber` or `keyedHour`. A telephone number is always confirmed. */
    confirm: sayList.optional(),
    next: id,
    ...insistence,
  })
  .refine(
    ({ valid, confirm }) => valid !== 'phoneNumber' || confirm !== undefined,
    'a telephone number with `confirm`: who keyed it wrong could not be called',
  );

/** A spoken message: prompt, tone, speech until `#`, silence or the limit; kept by 1, spoken again by 2. */
const recordNode = z.strictObject({
  type: z.literal('record'),
  say: sayList,
  beep: id,
  limitSeconds: z.int().min(5).max(600).default(120),
  /** Shorter is taken for nothing said. */
  minSeconds: z.number().min(0).max(10).default(1),
  empty: sayList,
  review: sayList,
  next: id,
  ...insistence,
});

const requestNode = z.strictObject({
  type: z.literal('request'),
  /** Said once the request is stored; has the value `requestNumber`. */
  say: sayList,
  failed: sayList,
  /** When none was chosen on the way. */
  topic: id.optional(),
  next: id,
  onFailed: id,
});

const callBackWanted = z.enum(['soon', 'chosen', 'nextOpening']);
const refusal = z.enum([...callBackRefusals, 'default']);

/** Asks for a call-back; what is promised is said only after it is kept. */
const callBackNode = z.strictObject({
  type: z.literal('callBack'),
  /**
   * When: `soon`, with the place kept; `chosen`, at the day and hour chosen on the way (`soon` while none is); after the `nextOpening`.
   * Left out: what the last `goto` said, or `soon`.
   */
  wish: callBackWanted.optional(),
  /** When none was chosen on the way. */
  topic: id.optional(),
  /** Said once it is promised; has the value `callBackAt`, not known while it is for as soon as possible. */
  say: sayList,
  next: id,
  /** In place of `next` when it was wanted as soon as possible and is promised for another day. */
  onLater: id.optional(),
  /** Said by why it is not promised; has the value `callBackNext`. */
  refused: z.partialRecord(refusal, sayList),
  /** Where to by why it is not promised; each has a way, its own or `default`. */
  onRefused: z.partialRecord(refusal, id),
  /** Refusals in all after which the caller is not asked again. */
  tries: z.int().min(1).max(5).default(3),
  onExhausted: id,
});

const enqueueNode = z.strictObject({ type: z.literal('enqueue'), queue: id, topic: id.optional() });

const hangupNode = z.strictObject({
  type: z.literal('hangup'),
  say: sayList.optional(),
  /** A caller who has left a request ends as `requestLeft` wherever he hangs up from, one who is to be called back as `callBackPromised`. */
  outcome: z.enum(['informed', 'requestLeft', 'callBackPromised', 'menuExhausted']),
});

/** Back to the queue whose caller is here while his place is kept. */
const resumeNode = z.strictObject({ type: z.literal('resume'), say: sayList.optional() });

const gotoNode = z.strictObject({
  type: z.literal('goto'),
  to: id,
  topic: id.optional(),
  /** When the caller wants to be called back. */
  wish: callBackWanted.optional(),
});

const nodeSchema = z.discriminatedUnion('type', [
  sayNode,
  menuNode,
  branchNode,
  collectNode,
  recordNode,
  requestNode,
  callBackNode,
  enqueueNode,
  hangupNode,
  resumeNode,
  gotoNode,
]);

/** One file of config/flows. `linkFlows` turns what the files say into flows that can be walked. */
export const flowSchema = z.strictObject({
  id,
  /** A part is not for a line: other flows include it. */
  part: z.boolean().default(false),
  /** Flows whose nodes may be named here. A node of the same name here wins over the included one. */
  include: z.array(id).default([]),
  entry: id,
  /** Nodes at which contacts come in whom a queue does not keep (its limits name them). */
  fromQueues: z.array(id).default([]),
  /** Nodes at which waiting callers come in whose place is kept (keys of announcements, the choice of a ladder). */
  whileWaiting: z.array(id).default([]),
  nodes: z.record(id, nodeSchema),
});

export type Flow = z.infer<typeof flowSchema>;
export type FlowNode = z.infer<typeof nodeSchema>;
export type BranchNode = z.infer<typeof branchNode>;
export type MenuNode = z.infer<typeof menuNode>;
export type CollectNode = z.infer<typeof collectNode>;
export type RecordNode = z.infer<typeof recordNode>;
export type RequestNode = z.infer<typeof requestNode>;
export type CallBackNode = z.infer<typeof callBackNode>;
export type CallBackWanted = z.infer<typeof callBackWanted>;
export type KeyAction = z.infer<typeof keyAction>;
export type FlowSay = z.infer<typeof sayEntry>;
export type HangupOutcome = z.infer<typeof hangupNode>['outcome'];

/** What is wrong with a flow, in the shape in which configuration faults are shown. */
export interface FlowFault {
  readonly code:
    | 'danglingTarget'
    | 'unreachableNode'
    | 'unknownPrompt'
    | 'unknownQueue'
    | 'unknownInclude'
    | 'ambiguousNode'
    | 'endlessLoop'
    | 'noWayToOperator'
    | 'resumeWithoutPlace'
    | 'refusalUnanswered'
    | 'noEnd';
  readonly flowId: string;
  /** Place within the flow, for example `nodes.topics.keys.1`. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
}

/** A way out of a node: where to, from which place in the file, and whether the caller had to do something for it. */
export interface FlowEdge {
  readonly to: string;
  readonly path: string;
  /**
   * `silence`: taken by a caller who does nothing. `open`/`closed`: a branch on the hours, also taken in silence; `waiting`: by who has a
   * place; `refused`: also in silence, but not more than a few times in all.
   */
  readonly by: 'caller' | 'silence' | 'open' | 'closed' | 'waiting' | 'refused';
}

/** Every way out of `node`; for walking a flow as a graph. */
export function edgesOf(nodeId: string, node: FlowNode): readonly FlowEdge[] {
  const at = (field: string, to: string, by: FlowEdge['by']): FlowEdge => ({
    to,
    path: `nodes.${nodeId}.${field}`,
    by,
  });
  switch (node.type) {
    case 'say':
      return [at('next', node.next, 'silence')];
    case 'goto':
      return [at('to', node.to, 'silence')];
    case 'branch': {
      if (node.when === 'waiting') return [at('yes', node.yes, 'waiting'), at('no', node.no, 'silence')];
      const hours = node.when === 'open';
      return [at('yes', node.yes, hours ? 'open' : 'silence'), at('no', node.no, hours ? 'closed' : 'silence')];
    }
    case 'menu': {
      const chosen = Object.entries(node.keys).flatMap(([key, action]) =>
        typeof action === 'string' ? [] : [at(`keys.${key}.to`, action.to, 'caller')],
      );
      return [...chosen, at('onExhausted', node.onExhausted, 'silence')];
    }
    case 'collect':
    case 'record':
      return [at('next', node.next, 'caller'), at('onExhausted', node.onExhausted, 'silence')];
    case 'request':
      return [at('next', node.next, 'silence'), at('onFailed', node.onFailed, 'silence')];
    case 'callBack':
      return [
        at('next', node.next, 'silence'),
        ...(node.onLater === undefined ? [] : [at('onLater', node.onLater, 'silence')]),
        ...Object.entries(node.onRefused).map(([why, to]) => at(`onRefused.${why}`, to, 'refused')),
        at('onExhausted', node.onExhausted, 'silence'),
      ];
    case 'enqueue':
    case 'hangup':
    case 'resume':
      return [];
  }
}
