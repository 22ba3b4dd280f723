import { assertNever } from '../foundation/index.ts';
import type { CollectNode, Flow, RecordNode } from './flow.ts';
import { keptIn, lengthsOf } from './keyed.ts';
import type {
  FlowFacts,
  FlowInput,
  FlowPosition,
  FlowStep,
  IgnoredInput,
  Instruction,
  Question,
  SpokenInstant,
} from './position.ts';
import {
  announce,
  ask,
  broken,
  choose,
  collectAgain,
  enter,
  giveUp,
  goBack,
  insist,
  letGo,
  nodeAt,
  note,
  play,
  refuse,
  storeFailed,
  type Walk,
} from './walk.ts';

/**
 * One step of a flow. Pure, deterministic and total: an input that is not awaited changes nothing and is named in `ignored`.
 * `position` is undefined before `enter`.
 * @throws DozvonError `FLOW_BROKEN` for a flow that `checkFlow` finds fault with (a target that is not there, a loop without input).
 */
export function step(flow: Flow, position: FlowPosition | undefined, input: FlowInput, facts: FlowFacts): FlowStep {
  const walk: Walk = { flow, facts };
  if (position === undefined || position.state.phase === 'notEntered') {
    const outside: FlowPosition = {
      node: flow.entry,
      state: { phase: 'notEntered' },
      history: [],
      secret: { digits: '' },
    };
    if (input.kind !== 'enter') return ignore(outside, 'notEntered');
    const { node = flow.entry, topic } = input;
    return enter(walk, topic === undefined ? outside : { ...outside, topic }, node, []);
  }
  if (position.state.phase === 'over') return ignore(position, 'over');
  switch (input.kind) {
    case 'enter':
      return ignore(position, 'alreadyEntered');
    case 'played':
      return onPlayed(walk, position);
    case 'digit':
      return onDigit(walk, position, input.digit);
    case 'timer':
      return onTimer(walk, position);
    case 'recorded':
      return onRecorded(walk, position, input.seconds);
    case 'requestStored':
      return onRequestStored(walk, position, input.caseNumber);
    case 'requestFailed':
      return onRequestFailed(walk, position);
    case 'callBackPromised':
      return onCallBackPromised(walk, position, input.at);
    case 'callBackRefused':
      return onCallBackRefused(walk, position, input);
    default:
      return assertNever(input, 'flow input');
  }
}

function ignore(position: FlowPosition, ignored: IgnoredInput): FlowStep {
  return { position, instructions: [], ignored };
}

/** A number that comes after the failure was announced still counts while the caller is at the same node. */
function onRequestStored(walk: Walk, position: FlowPosition, caseNumber: string): FlowStep {
  const node = nodeAt(walk, position.node);
  if (node.type !== 'request' || position.requestNumber !== undefined) return ignore(position, 'notStoring');
  const before: Instruction = { type: position.state.phase === 'storing' ? 'cancelTimer' : 'stopPlay' };
  const stored: FlowPosition = {
    ...position,
    requestNumber: caseNumber,
    state: { phase: 'saying', nextNode: node.next },
  };
  return play(walk, stored, node.say, [before]);
}

function onRequestFailed(walk: Walk, position: FlowPosition): FlowStep {
  const isStoring = position.state.phase === 'storing' && nodeAt(walk, position.node).type === 'request';
  return isStoring ? storeFailed(walk, position, [{ type: 'cancelTimer' }]) : ignore(position, 'notStoring');
}

/** A promise that comes after its failure was announced still counts while the caller is at the same node. */
function onCallBackPromised(walk: Walk, position: FlowPosition, at: SpokenInstant): FlowStep {
  const node = nodeAt(walk, position.node);
  const { isAsked, ...known } = position.callBack ?? {};
  if (node.type !== 'callBack' || isAsked === undefined) return ignore(position, 'notStoring');
  const before: Instruction = { type: position.state.phase === 'storing' ? 'cancelTimer' : 'stopPlay' };
  const isLater = known.wanted === 'soon' && at.dayOffset > 0;
  const promised: FlowPosition = {
    ...position,
    callBack: { ...known, promised: at },
    state: { phase: 'saying', nextNode: isLater ? (node.onLater ?? node.next) : node.next },
  };
  return play(walk, promised, node.say, [before]);
}

function onCallBackRefused(
  walk: Walk,
  position: FlowPosition,
  { why, next }: Extract<FlowInput, { kind: 'callBackRefused' }>,
): FlowStep {
  const node = nodeAt(walk, position.node);
  if (node.type !== 'callBack' || position.state.phase !== 'storing') return ignore(position, 'notStoring');
  const { isAsked: _answered, ...callBack } = position.callBack ?? {};
  return refuse(walk, { ...position, callBack }, { node, why, next, before: [{ type: 'cancelTimer' }] });
}

/** Nothing came in time. */
function notStored(walk: Walk, position: FlowPosition): FlowStep {
  const node = nodeAt(walk, position.node);
  if (node.type === 'callBack') return refuse(walk, position, { node, why: 'failed', before: [] });
  return storeFailed(walk, position, []);
}

function onPlayed(walk: Walk, position: FlowPosition): FlowStep {
  const { state } = position;
  switch (state.phase) {
    case 'saying':
      return state.nextNode === undefined ? letGo(walk, position, []) : enter(walk, position, state.nextNode, []);
    case 'asking':
    case 'collecting': {
      if (state.hearing === 'silence') return ignore(position, 'nothingPlaying');
      const node = nodeAt(walk, position.node);
      if (!('waitMs' in node)) throw broken(walk, position.node, 'a node that waits for keys');
      return {
        position: { ...position, state: { ...state, hearing: 'silence' } },
        instructions: [{ type: 'startTimer', ms: node.waitMs }],
      };
    }
    case 'announcing': {
      const node = nodeAt(walk, position.node);
      if (node.type !== 'record') throw broken(walk, position.node, 'a record node');
      return {
        position: { ...position, state: { phase: 'recording', tries: state.tries } },
        instructions: [{ type: 'record', maxMs: node.limitSeconds * 1_000, finishKey: '#' }],
      };
    }
    case 'recording':
    case 'storing':
    case 'notEntered':
    case 'over':
      return ignore(position, 'nothingPlaying');
    default:
      return assertNever(state, 'flow position');
  }
}

function onDigit(walk: Walk, position: FlowPosition, digit: string): FlowStep {
  const { state } = position;
  const node = nodeAt(walk, position.node);
  switch (state.phase) {
    case 'saying':
      if (node.type !== 'say' || !node.bargeIn) return ignore(position, 'keyNotAwaited');
      return enter(walk, position, node.next, [{ type: 'stopPlay' }], digit);
    case 'asking':
      return onAnswer(walk, position, {
        question: state.question,
        digit,
        tries: state.tries,
        hush: hush(state.hearing),
      });
    case 'collecting':
      if (node.type !== 'collect') throw broken(walk, position.node, 'a collect node');
      return onCollected(walk, position, node, { digit, tries: state.tries, hush: hush(state.hearing) });
    case 'announcing':
      if (node.type !== 'record' || state.toneOnly) return ignore(position, 'keyNotAwaited');
      return announce(walk, position, {
        tries: state.tries,
        say: [node.beep],
        before: [{ type: 'stopPlay' }],
        toneOnly: true,
      });
    case 'recording':
      return digit === '#' ? { position, instructions: [{ type: 'stopRecord' }] } : ignore(position, 'keyNotAwaited');
    case 'storing':
    case 'notEntered':
    case 'over':
      return ignore(position, 'keyNotAwaited');
    default:
      return assertNever(state, 'flow position');
  }
}

/** What ends the waiting for a key: the prompt stops, or the timer. */
function hush(hearing: 'prompt' | 'silence'): Instruction {
  return { type: hearing === 'prompt' ? 'stopPlay' : 'cancelTimer' };
}

function onAnswer(
  walk: Walk,
  position: FlowPosition,
  answer: { question: Question; digit: string; tries: number; hush: Instruction },
): FlowStep {
  const { question, digit, tries } = answer;
  const node = nodeAt(walk, position.node);
  const before = [answer.hush];
  if (node.type === 'menu') {
    const action = node.keys[digit];
    if (action === undefined) return insist(walk, position, { question, tries, why: 'wrongKey', before });
    if (action === 'repeat') return ask(walk, position, { question, tries, before });
    return action === 'back' ? goBack(walk, position, before) : choose(walk, position, action, before);
  }
  // The number was complete, or the message ended, before the caller came to press the key that ends it.
  if (digit === '#') return ignore(position, 'lateTerminator');
  if (node.type === 'collect' && digit === '1') {
    const kept = keptIn(position, node);
    if (kept !== undefined) return enter(walk, kept, node.next, before);
  }
  if (node.type === 'record' && digit === '1') return enter(walk, position, node.next, before);
  if (digit === '2') return enter(walk, position, position.node, before);
  return insist(walk, position, { question, tries, why: 'wrongKey', before });
}

function onCollected(
  walk: Walk,
  position: FlowPosition,
  node: CollectNode,
  pressed: { digit: string; tries: number; hush: Instruction },
): FlowStep {
  const { digits } = position.secret;
  const { tries } = pressed;
  if (pressed.digit === '*') {
    if (digits === '') return goBack(walk, position, [pressed.hush]);
    return collectAgain(walk, position, { tries, say: node.say, before: [pressed.hush] });
  }
  if (pressed.digit === '#') return numberComplete(walk, position, node, tries, [pressed.hush]);
  const longer: FlowPosition = { ...position, secret: { ...position.secret, digits: digits + pressed.digit } };
  if (longer.secret.digits.length >= lengthsOf(node).most)
    return numberComplete(walk, longer, node, tries, [pressed.hush]);
  return {
    position: { ...longer, state: { phase: 'collecting', hearing: 'silence', tries } },
    instructions: [pressed.hush, { type: 'startTimer', ms: node.waitMs }],
  };
}

function numberComplete(
  walk: Walk,
  position: FlowPosition,
  node: CollectNode,
  triesBefore: number,
  before: readonly Instruction[],
): FlowStep {
  const { digits } = position.secret;
  const kept = keptIn(position, node);
  if (kept !== undefined) {
    if (node.confirm !== undefined) return ask(walk, position, { question: 'number', tries: 0, before });
    return enter(walk, kept, node.next, before);
  }
  const tries = triesBefore + 1;
  const why: 'noInput' | 'invalid' = digits === '' ? 'noInput' : 'invalid';
  const noted = [...before, note(why === 'noInput' ? 'noInput' : 'numberRefused', { node: position.node, tries })];
  if (tries >= node.tries) return giveUp(walk, position, node.onExhausted, noted);
  return collectAgain(walk, position, { tries, say: [...node[why], ...node.say], before: noted });
}

function onTimer(walk: Walk, position: FlowPosition): FlowStep {
  const { state } = position;
  if (state.phase === 'storing') return notStored(walk, position);
  if (state.phase === 'asking' && state.hearing === 'silence') {
    return insist(walk, position, { question: state.question, tries: state.tries, why: 'noInput', before: [] });
  }
  const node = nodeAt(walk, position.node);
  if (state.phase === 'collecting' && state.hearing === 'silence' && node.type === 'collect') {
    return numberComplete(walk, position, node, state.tries, []);
  }
  return ignore(position, 'noTimerRunning');
}

function onRecorded(walk: Walk, position: FlowPosition, seconds: number): FlowStep {
  const { state } = position;
  const node = nodeAt(walk, position.node);
  if (state.phase !== 'recording' || node.type !== 'record') return ignore(position, 'notRecording');
  if (seconds >= node.minSeconds) return review(walk, position, seconds);
  return messageEmpty(walk, position, node, state.tries + 1);
}

function review(walk: Walk, position: FlowPosition, seconds: number): FlowStep {
  const recorded: FlowPosition = { ...position, messageSeconds: seconds };
  return ask(walk, recorded, { question: 'message', tries: 0, before: [] });
}

function messageEmpty(walk: Walk, position: FlowPosition, node: RecordNode, tries: number): FlowStep {
  const before = [note('messageEmpty', { node: position.node, tries })];
  if (tries >= node.tries) return giveUp(walk, position, node.onExhausted, before);
  return announce(walk, position, { tries, say: [...node.empty, ...node.say, node.beep], before });
}
