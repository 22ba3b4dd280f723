import { assertNever, DozvonError } from '../foundation/index.ts';
import type {
  BranchNode,
  CallBackNode,
  CallBackWanted,
  Flow,
  FlowNode,
  FlowSay,
  HangupOutcome,
  KeyAction,
  MenuNode,
  RequestNode,
} from './flow.ts';
import type {
  CallBackNumber,
  CallBackRefusal,
  FlowCallBackWish,
  FlowFacts,
  FlowPosition,
  FlowStep,
  Instruction,
  NoteKind,
  PositionState,
  Question,
  SpokenInstant,
} from './position.ts';
import { speechOf } from './speech.ts';

/** Bound on moves without an input within one step. A checked flow stays below: it has no loop without an input. */
const longestWalk = 100;
/**
 * Silence while a request or a call-back is stored: longer than a database takes that is well. It is still tried after it; the number of a
 * request then comes by the confirmation.
 */
const storeLimitMs = 10_000;

export interface Walk {
  readonly flow: Flow;
  readonly facts: FlowFacts;
}

export function nodeAt(walk: Walk, nodeId: string): FlowNode {
  const node = walk.flow.nodes[nodeId];
  if (node === undefined) throw broken(walk, nodeId, 'a node of this name');
  return node;
}

export function broken(walk: Walk, nodeId: string, expected: string): DozvonError {
  return new DozvonError('FLOW_BROKEN', `flow ${walk.flow.id}, node ${nodeId}: expected ${expected}`);
}

export function note(kind: NoteKind, facts: Readonly<Record<string, string | number>>): Instruction {
  return { type: 'note', kind, facts };
}

/** Goes to `nodeId` and on through nodes that need no input. `typedAhead`: a key pressed into a prompt that may be cut short. */
export function enter(
  walk: Walk,
  from: FlowPosition,
  nodeId: string,
  before: readonly Instruction[],
  typedAhead?: string,
): FlowStep {
  let position = from;
  let next = nodeId;
  for (let moves = 0; moves < longestWalk; moves++) {
    const node = nodeAt(walk, next);
    position = { ...position, node: next };
    switch (node.type) {
      case 'goto':
        position = withTopic(position, node.topic);
        if (node.wish !== undefined) position = { ...position, callBack: { ...position.callBack, wanted: node.wish } };
        next = node.to;
        continue;
      case 'branch':
        next = isSo(walk, position, node.when) ? node.yes : node.no;
        continue;
      case 'say':
        return play(walk, { ...position, state: { phase: 'saying', nextNode: node.next } }, node.say, before);
      case 'menu':
        return enterMenu(walk, position, node, before, typedAhead);
      case 'collect':
        return collectAgain(walk, position, { tries: 0, say: node.say, before });
      case 'record':
        return announce(walk, position, { tries: 0, say: [...node.say, node.beep], before });
      case 'request':
        return store(walk, position, node, before);
      case 'callBack':
        return promise(walk, position, node, before);
      case 'enqueue': {
        const topic = position.topic ?? node.topic ?? walk.facts.line.id;
        const queued: Instruction = { type: 'enqueue', queueId: node.queue, topic };
        return { position: { ...position, state: { phase: 'over' } }, instructions: [...before, queued] };
      }
      case 'hangup':
      case 'resume':
        if (node.say === undefined) return letGo(walk, position, before);
        return play(walk, { ...position, state: { phase: 'saying' } }, node.say, before);
      default:
        return assertNever(node, 'flow node');
    }
  }
  throw broken(walk, next, 'an input within the walk');
}

function isSo({ facts }: Walk, { secret, callBack }: FlowPosition, question: BranchNode['when']): boolean {
  switch (question) {
    case 'open':
      return facts.line.open;
    case 'aniKnown':
      return facts.aniKnown;
    case 'waiting':
      return facts.waiting === true;
    case 'numberChosen':
      return secret.callBack !== undefined;
    case 'timeWanted':
      return callBack?.wanted === 'chosen';
    case 'localHourKnown':
      return callBack?.localHour !== undefined;
    case 'callBackPromised':
      return callBack?.promised !== undefined;
    default:
      return assertNever(question, 'question of a branch');
  }
}

function withTopic(position: FlowPosition, topic: string | undefined): FlowPosition {
  return topic === undefined ? position : { ...position, topic };
}

export function play(
  walk: Walk,
  position: FlowPosition,
  entries: readonly FlowSay[],
  before: readonly Instruction[],
): FlowStep {
  return { position, instructions: [...before, { type: 'play', say: speechOf(entries, position, walk.facts) }] };
}

function enterMenu(
  walk: Walk,
  from: FlowPosition,
  node: MenuNode,
  before: readonly Instruction[],
  typedAhead?: string,
): FlowStep {
  const known = from.history.indexOf(from.node);
  const position = known < 0 ? from : { ...from, history: from.history.slice(0, known) };
  const action = typedAhead === undefined ? undefined : node.keys[typedAhead];
  if (typeof action === 'object') return choose(walk, position, action, before);
  return ask(walk, position, { question: 'menu', tries: 0, before });
}

/** The wording and the insistence of the question that `position` is at. */
function questionAt(walk: Walk, position: FlowPosition, question: Question) {
  const node = nodeAt(walk, position.node);
  if (question === 'menu' && node.type === 'menu') return { ...node, ask: node.say };
  if (question === 'number' && node.type === 'collect' && node.confirm) return { ...node, ask: node.confirm };
  if (question === 'message' && node.type === 'record') return { ...node, ask: node.review };
  throw broken(walk, position.node, `a node that asks for a ${question}`);
}

export function ask(
  walk: Walk,
  position: FlowPosition,
  options: { question: Question; tries: number; before: readonly Instruction[]; first?: readonly FlowSay[] },
): FlowStep {
  const { question, tries, before, first = [] } = options;
  const say = [...first, ...questionAt(walk, position, question).ask];
  return play(walk, { ...position, state: { phase: 'asking', question, hearing: 'prompt', tries } }, say, before);
}

export function choose(
  walk: Walk,
  position: FlowPosition,
  action: Exclude<KeyAction, string>,
  before: readonly Instruction[],
): FlowStep {
  const history = [...position.history, position.node];
  const secret = action.callBack === undefined ? position.secret : { ...position.secret, callBack: action.callBack };
  const callBack = action.day === undefined ? position.callBack : { ...position.callBack, dayOffset: action.day };
  const chosen = action.topic === undefined ? before : [...before, note('topicChosen', { topic: action.topic })];
  const on: FlowPosition = { ...position, history, secret, ...(callBack === undefined ? {} : { callBack }) };
  return enter(walk, withTopic(on, action.topic), action.to, chosen);
}

export function goBack(walk: Walk, position: FlowPosition, before: readonly Instruction[]): FlowStep {
  return enter(walk, position, position.history.at(-1) ?? position.node, before);
}

export function collectAgain(
  walk: Walk,
  position: FlowPosition,
  options: { tries: number; say: readonly FlowSay[]; before: readonly Instruction[] },
): FlowStep {
  const state: PositionState = { phase: 'collecting', hearing: 'prompt', tries: options.tries };
  const { callBack } = position.secret;
  const node = nodeAt(walk, position.node);
  // Who keys a number wants another than the one he had chosen; who keys an hour keeps it.
  const isKept = callBack !== undefined && !(node.type === 'collect' && node.valid === 'phoneNumber');
  const secret = { digits: '', ...(isKept ? { callBack } : {}) };
  return play(walk, { ...position, state, secret }, options.say, options.before);
}

export function announce(
  walk: Walk,
  position: FlowPosition,
  options: { tries: number; say: readonly FlowSay[]; before: readonly Instruction[]; toneOnly?: boolean },
): FlowStep {
  const state: PositionState = { phase: 'announcing', toneOnly: options.toneOnly ?? false, tries: options.tries };
  return play(walk, { ...position, state }, options.say, options.before);
}

function numberToCall(walk: Walk, position: FlowPosition): CallBackNumber | undefined {
  return position.secret.callBack ?? (walk.facts.aniKnown ? 'ani' : undefined);
}

function store(walk: Walk, position: FlowPosition, node: RequestNode, before: readonly Instruction[]): FlowStep {
  const callBackNumber = numberToCall(walk, position);
  if (callBackNumber === undefined) {
    return play(walk, { ...position, state: { phase: 'saying', nextNode: node.onFailed } }, node.failed, before);
  }
  const topic = position.topic ?? node.topic ?? walk.facts.line.id;
  return {
    position: { ...position, state: { phase: 'storing' } },
    instructions: [
      ...before,
      { type: 'storeRequest', topic, callBackNumber },
      { type: 'startTimer', ms: storeLimitMs },
    ],
  };
}

export function storeFailed(walk: Walk, position: FlowPosition, before: readonly Instruction[]): FlowStep {
  const node = nodeAt(walk, position.node);
  if (node.type !== 'request') throw broken(walk, position.node, 'a request node');
  return play(walk, { ...position, state: { phase: 'saying', nextNode: node.onFailed } }, node.failed, before);
}

function promise(walk: Walk, from: FlowPosition, node: CallBackNode, before: readonly Instruction[]): FlowStep {
  const callBackNumber = numberToCall(walk, from);
  const { dayOffset = 0, hour, localHour, ...known } = from.callBack ?? {};
  const wanted = node.wish ?? known.wanted ?? 'soon';
  const position: FlowPosition = { ...from, callBack: { ...from.callBack, wanted } };
  if (callBackNumber === undefined) return refuse(walk, position, { node, why: 'noNumber', before });
  const instruction: Instruction = {
    type: 'promiseCallBack',
    topic: position.topic ?? node.topic ?? walk.facts.line.id,
    callBackNumber,
    wish: wishFor(wanted, dayOffset, hour),
    ...(localHour === undefined ? {} : { localHour }),
  };
  return {
    position: { ...position, state: { phase: 'storing' }, callBack: { ...position.callBack, isAsked: true } },
    instructions: [...before, { type: 'startTimer', ms: storeLimitMs }, instruction],
  };
}

/** A time that was never keyed cannot be chosen. */
function wishFor(wanted: CallBackWanted, dayOffset: number, hour: number | undefined): FlowCallBackWish {
  if (wanted !== 'chosen') return { kind: wanted };
  return hour === undefined ? { kind: 'soon' } : { kind: 'at', dayOffset, hour };
}

/** Says why there will be no call-back, and leads on: not back to where he asks for one more often than the node's tries. */
export function refuse(
  walk: Walk,
  position: FlowPosition,
  refusal: {
    readonly node: CallBackNode;
    readonly why: CallBackRefusal;
    readonly next?: SpokenInstant | undefined;
    readonly before: readonly Instruction[];
  },
): FlowStep {
  const { node, why, next, before } = refusal;
  const { next: _before, ...known } = position.callBack ?? {};
  const refusals = (known.refusals ?? 0) + 1;
  const onward = refusals >= node.tries ? node.onExhausted : (node.onRefused[why] ?? node.onRefused.default);
  const say = node.refused[why] ?? node.refused.default;
  if (onward === undefined || say === undefined) throw broken(walk, position.node, `an answer to the refusal ${why}`);
  const refused: FlowPosition = {
    ...position,
    callBack: { ...known, refusals, ...(next === undefined ? {} : { next }) },
    state: { phase: 'saying', nextNode: onward },
  };
  return play(walk, refused, say, [...before, note('callBackRefused', { why, refusals })]);
}

export function letGo(walk: Walk, position: FlowPosition, before: readonly Instruction[]): FlowStep {
  const node = nodeAt(walk, position.node);
  const over: FlowPosition = { ...position, state: { phase: 'over' } };
  if (node.type === 'resume') return { position: over, instructions: [...before, { type: 'resume' }] };
  if (node.type !== 'hangup') throw broken(walk, position.node, 'a hangup or resume node');
  return { position: over, instructions: [...before, { type: 'hangup', outcome: outcomeOf(position, node.outcome) }] };
}

function outcomeOf({ requestNumber, callBack }: FlowPosition, otherwise: HangupOutcome): HangupOutcome {
  if (requestNumber !== undefined) return 'requestLeft';
  return callBack?.promised === undefined ? otherwise : 'callBackPromised';
}

/** Silence or a wrong key: asks again, or gives up after the node's number of tries. */
export function insist(
  walk: Walk,
  position: FlowPosition,
  options: { question: Question; tries: number; why: 'wrongKey' | 'noInput'; before: readonly Instruction[] },
): FlowStep {
  const { question, why } = options;
  const tries = options.tries + 1;
  const asked = questionAt(walk, position, question);
  const before = [...options.before, note(why, { node: position.node, tries })];
  if (tries >= asked.tries) return giveUp(walk, position, asked.onExhausted, before);
  return ask(walk, position, { question, tries, before, first: asked[why] });
}

export function giveUp(walk: Walk, position: FlowPosition, target: string, before: readonly Instruction[]): FlowStep {
  return enter(walk, position, target, [...before, note('triesExhausted', { node: position.node })]);
}
