import { assertNever, DozvonError } from '../foundation/index.ts';
import type { Flow, FlowNode, FlowSay, KeyAction, MenuNode, RequestNode } from './flow.ts';
import type {
  CallBackNumber,
  FlowFacts,
  FlowPosition,
  FlowStep,
  Instruction,
  NoteKind,
  PositionState,
  Question,
} from './position.ts';
import { speechOf } from './speech.ts';

/** Bound on moves without an input within one step. A checked flow stays below: it has no loop without an input. */
const longestWalk = 100;
/**
 * Silence while a request is stored: longer than a database takes that is well. The request is still tried after it; its number then comes by the
 * confirmation.
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
        next = node.to;
        continue;
      case 'branch':
        next = isSo(walk.facts, node.when) ? node.yes : node.no;
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

function isSo(facts: FlowFacts, question: 'open' | 'aniKnown' | 'waiting'): boolean {
  if (question === 'open') return facts.line.open;
  return question === 'aniKnown' ? facts.aniKnown : facts.waiting === true;
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
  if (question === 'number' && node.type === 'collect') return { ...node, ask: node.confirm };
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
  const chosen = action.topic === undefined ? before : [...before, note('topicChosen', { topic: action.topic })];
  return enter(walk, withTopic({ ...position, history, secret }, action.topic), action.to, chosen);
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
  return play(walk, { ...position, state, secret: { digits: '' } }, options.say, options.before);
}

export function announce(
  walk: Walk,
  position: FlowPosition,
  options: { tries: number; say: readonly FlowSay[]; before: readonly Instruction[]; toneOnly?: boolean },
): FlowStep {
  const state: PositionState = { phase: 'announcing', toneOnly: options.toneOnly ?? false, tries: options.tries };
  return play(walk, { ...position, state }, options.say, options.before);
}

function store(walk: Walk, position: FlowPosition, node: RequestNode, before: readonly Instruction[]): FlowStep {
  const callBackNumber: CallBackNumber | undefined =
    position.secret.callBack ?? (walk.facts.aniKnown ? 'ani' : undefined);
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

export function storeFailed(
  walk: Walk,
  position: FlowPosition,
  before: readonly Instruction[] = [{ type: 'cancelTimer' }],
): FlowStep {
  const node = nodeAt(walk, position.node);
  if (node.type !== 'request') throw broken(walk, position.node, 'a request node');
  return play(walk, { ...position, state: { phase: 'saying', nextNode: node.onFailed } }, node.failed, before);
}

export function letGo(walk: Walk, position: FlowPosition, before: readonly Instruction[]): FlowStep {
  const node = nodeAt(walk, position.node);
  const over: FlowPosition = { ...position, state: { phase: 'over' } };
  if (node.type === 'resume') return { position: over, instructions: [...before, { type: 'resume' }] };
  if (node.type !== 'hangup') throw broken(walk, position.node, 'a hangup or resume node');
  const outcome = position.requestNumber === undefined ? node.outcome : 'requestLeft';
  return {
    position: over,
    instructions: [...before, { type: 'hangup', outcome }],
  };
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
