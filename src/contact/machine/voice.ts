import { hasCode } from '../../foundation/index.ts';
import type { FlowFacts, FlowInput, FlowPosition, FlowStep, Instruction } from '../../ivr/index.ts';
import type { ContactEvent } from '../events.ts';
import type { ContactState, Dialogue, VoicePhase } from '../state.ts';
import type { ContactOutcome } from '../store-ports.ts';
import { beginClosing } from './closing.ts';
import { dialogueOf, setFlow, setMessageSince, setPlayback } from './dialogue.ts';
import { cancelTimer, type Draft, endLeg, note, setFacts, setPhase, startTimer } from './draft.ts';
import { enterQueue } from './entering.ts';
import { askForCallBack, hasCallBack, type KeptRequest, keepRequest } from './promising.ts';
import { play, sayLast, stopPlay } from './prompts.ts';
import { markStretch } from './recording.ts';
import { askForRequest, takeMessage } from './spoken-message.ts';
import { endVisit, leaveForQueue } from './visit.ts';

/** The recording runs (or cannot): the caller hears the line's flow. */
export function enterVoice(draft: Draft): void {
  const lineId = draft.state.facts.lineId;
  const line = lineId === undefined ? undefined : draft.rules.line(lineId);
  if (!line) {
    sayLast(draft, 'unknown-number', 'unknownNumber');
    return;
  }
  setPhase(draft, { name: 'voice', flow: undefined });
  runFlow(draft, line.flowId, undefined, { kind: 'enter' });
}

/** Back from a queue that did not take the caller: to a node of the line's flow. */
export function enterFlowAt(draft: Draft, node: string, topic: string): void {
  const { lineId } = draft.state.facts;
  const line = lineId === undefined ? undefined : draft.rules.line(lineId);
  if (line) runFlow(draft, line.flowId, undefined, { kind: 'enter', node, topic });
  else sayLast(draft, 'technical-difficulty', 'failed');
}

export function onVoice(draft: Draft, phase: VoicePhase, event: ContactEvent): void {
  if (event.type === 'requestStored' && isConcluding(keepRequest(draft, event))) return;
  onDialogue(draft, phase, event);
}

/** It was stored without being asked for: no flow waits for it. */
const isConcluding = (kept: KeptRequest): boolean => kept === 'concluded' || kept === 'replaced';

/** What happens to a caller in a flow, whether he has a place in a queue or not. */
export function onDialogue(draft: Draft, dialogue: Dialogue, event: ContactEvent): void {
  switch (event.type) {
    case 'digit':
      onDigit(draft, dialogue, event.digit);
      return;
    case 'playbackEnded':
      if (event.playbackId === dialogue.playback) onPlayed(draft, event.outcome);
      return;
    case 'timerFired':
      onTimer(draft, dialogue, event.timerId);
      return;
    case 'requestStored':
      feed(draft, { kind: 'requestStored', caseNumber: event.caseNumber });
      return;
    case 'effectFailed':
      if (event.effect === 'storeRequest') {
        note(draft, 'requestFailed', { why: event.why });
        feed(draft, { kind: 'requestFailed' });
      } else if (event.effect === 'playToLeg' && event.playbackId === dialogue.playback) {
        onPlayed(draft, 'failed');
      }
      return;
    default:
      return; // an event of another phase, come late: nothing to give back
  }
}

function onDigit(draft: Draft, dialogue: Dialogue, digit: string): void {
  if (dialogue.messageSinceMs === undefined) {
    feed(draft, { kind: 'digit', digit });
    return;
  }
  if (digit === '#') endMessage(draft, 'key');
}

function onPlayed(draft: Draft, outcome: 'played' | 'failed'): void {
  cancelTimer(draft, 'playback');
  setPlayback(draft, undefined);
  if (outcome === 'failed') note(draft, 'promptFailed');
  const { phase } = draft.state;
  if (phase.name === 'voice' && phase.endAfterPlayback !== undefined) {
    endByService(draft, phase.endAfterPlayback);
    return;
  }
  feed(draft, { kind: 'played' });
}

function onTimer(draft: Draft, dialogue: Dialogue, timerId: string): void {
  if (timerId === 'input') feed(draft, { kind: 'timer' });
  else if (timerId === 'message') endMessage(draft, 'limit');
  else if (timerId === 'playback' && dialogue.playback !== undefined) onPlayed(draft, 'failed');
}

/** Gives the flow an input and carries out what it says. */
export function feed(draft: Draft, input: FlowInput): 'taken' | 'ignored' {
  const flow = dialogueOf(draft.state.phase)?.flow;
  return flow === undefined ? 'ignored' : runFlow(draft, flow.flowId, flow.position, input);
}

export function runFlow(
  draft: Draft,
  flowId: string,
  position: FlowPosition | undefined,
  input: FlowInput,
): 'taken' | 'ignored' {
  const next = flowStep(draft, flowId, position, input, factsFor(draft));
  const { phase } = draft.state;
  if (dialogueOf(phase) === undefined) return 'ignored';
  if (next === 'broken') {
    note(draft, 'flowBroken', { flowId });
    if (phase.name === 'queued') endVisit(draft);
    else sayLast(draft, 'technical-difficulty', 'failed');
    return 'ignored';
  }
  setFlow(draft, { flowId, position: next.position });
  for (const instruction of next.instructions) {
    follow(draft, instruction);
    if (dialogueOf(draft.state.phase) === undefined) break; // queued or closing: what follows belongs to nobody
  }
  return next.ignored === undefined ? 'taken' : 'ignored';
}

function factsFor(draft: Draft): FlowFacts {
  const { facts, phase } = draft.state;
  const { lineId = '', ani, language } = facts;
  const known = draft.rules.flowFacts({ lineId, atMs: scheduleInstant(draft.state, draft.nowMs), ani, language });
  if (phase.name !== 'queued') return known;
  const wait = phase.visit?.wait;
  return { ...known, waiting: true, ...(wait === undefined ? {} : { expectedWait: wait }) };
}

/** A flow that an administrator broke must not cost the caller more than the menu. */
function flowStep(
  draft: Draft,
  flowId: string,
  position: FlowPosition | undefined,
  input: FlowInput,
  facts: FlowFacts,
): FlowStep | 'broken' {
  try {
    return draft.rules.flowStep(flowId, position, input, facts);
  } catch (error) {
    if (hasCode(error, 'FLOW_BROKEN')) return 'broken';
    throw error;
  }
}

/** The instant at which the schedule is asked: now, or the test's instant moved on by the time since arrival. */
export function scheduleInstant(state: ContactState, nowMs: number): number {
  return nowMs + (hoursAhead(state) ?? 0);
}

/** By how much a test call's hours are later than the clock. */
export function hoursAhead({ facts, arrivedAtMs }: ContactState): number | undefined {
  return facts.evaluateAtMs === undefined ? undefined : facts.evaluateAtMs - arrivedAtMs;
}

function follow(draft: Draft, instruction: Instruction): void {
  switch (instruction.type) {
    case 'play':
      play(draft, draft.rules.render(instruction.say, draft.state.facts.language));
      return;
    case 'stopPlay':
      stopPlay(draft);
      return;
    case 'startTimer':
      startTimer(draft, 'input', instruction.ms);
      return;
    case 'cancelTimer':
      cancelTimer(draft, 'input');
      return;
    case 'record':
      startMessage(draft, instruction.maxMs);
      return;
    case 'stopRecord':
      endMessage(draft, 'key');
      return;
    case 'storeRequest':
      askForRequest(draft, instruction);
      return;
    case 'promiseCallBack':
      followCallBack(draft, instruction);
      return;
    case 'enqueue':
      if (draft.state.phase.name === 'queued') {
        leaveForQueue(draft, instruction);
        return;
      }
      leaveVoice(draft);
      enterQueue(draft, { queueId: instruction.queueId, topic: instruction.topic });
      return;
    case 'resume':
      if (draft.state.phase.name === 'queued') endVisit(draft);
      else sayLast(draft, 'technical-difficulty', 'failed'); // no checked flow comes here without a place
      return;
    case 'hangup':
      endByService(draft, instruction.outcome);
      return;
    case 'note':
      note(draft, instruction.kind, instruction.facts);
      return;
  }
}

/** Without a number, or a queue to be called back from, it need not be asked for. */
function followCallBack(draft: Draft, instruction: Extract<Instruction, { type: 'promiseCallBack' }>): void {
  const outcome = askForCallBack(draft, instruction);
  if (outcome !== 'asked') feed(draft, { kind: 'callBackRefused', why: outcome });
}

function startMessage(draft: Draft, maxMs: number): void {
  setMessageSince(draft, draft.nowMs);
  startTimer(draft, 'message', maxMs);
  note(draft, 'messageStarted');
}

function endMessage(draft: Draft, by: 'key' | 'limit'): void {
  const messageSinceMs = dialogueOf(draft.state.phase)?.messageSinceMs;
  if (messageSinceMs === undefined) return;
  cancelTimer(draft, 'message');
  setMessageSince(draft, undefined);
  const seconds = takeMessage(draft, messageSinceMs);
  note(draft, 'messageRecorded', { seconds, by });
  feed(draft, { kind: 'recorded', seconds, by });
}

/** Stops what a flow had going. */
export function hush(draft: Draft): void {
  stopPlay(draft);
  cancelTimer(draft, 'input');
  cancelTimer(draft, 'message');
}

/** Stops what the voice phase had going, before another phase begins. */
function leaveVoice(draft: Draft): void {
  hush(draft);
  markMenu(draft);
}

function markMenu(draft: Draft): void {
  const { answeredAtMs } = draft.state.facts;
  if (answeredAtMs !== undefined && draft.state.phase.name === 'voice')
    markStretch(draft, 'menu', answeredAtMs, draft.nowMs);
}

function endByService(draft: Draft, outcome: ContactOutcome): void {
  leaveVoice(draft);
  const isCalledBack = hasCallBack(draft.state) && outcome !== 'requestLeft';
  setFacts(draft, { outcome: isCalledBack ? 'callBackPromised' : outcome, endedBy: 'service' });
  endLeg(draft, draft.state.callerLegId, outcome === 'unknownNumber' ? 'unallocated' : 'normal');
  beginClosing(draft);
}
