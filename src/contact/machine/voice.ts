import { hasCode } from '../../foundation/index.ts';
import type { FlowFacts, FlowInput, FlowPosition, FlowStep, Instruction } from '../../ivr/index.ts';
import type { ContactEvent } from '../events.ts';
import type { ContactState, VoicePhase } from '../state.ts';
import type { ContactOutcome } from '../store-ports.ts';
import { beginClosing } from './closing.ts';
import { cancelTimer, type Draft, endLeg, note, setFacts, setPhase, startTimer } from './draft.ts';
import { play, sayLast, stopPlay } from './prompts.ts';
import { enterQueue } from './queued.ts';
import { markStretch } from './recording.ts';
import { storeRequest, takeMessage } from './spoken-message.ts';

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
  switch (event.type) {
    case 'digit':
      onDigit(draft, phase, event.digit);
      return;
    case 'playbackEnded':
      if (event.playbackId === phase.playback) onPlayed(draft, phase, event.outcome);
      return;
    case 'timerFired':
      onTimer(draft, phase, event.timerId);
      return;
    case 'requestStored':
      setFacts(draft, { caseId: event.caseId });
      note(draft, 'requestStored', { caseNumber: event.caseNumber });
      feed(draft, { kind: 'requestStored', caseNumber: event.caseNumber });
      return;
    case 'effectFailed':
      if (event.effect === 'storeRequest') {
        note(draft, 'requestFailed', { why: event.why });
        feed(draft, { kind: 'requestFailed' });
      } else if (event.effect === 'playToLeg' && event.playbackId === phase.playback) {
        onPlayed(draft, phase, 'failed');
      }
      return;
    default:
      return; // an event of another phase, come late: nothing to give back
  }
}

function onDigit(draft: Draft, phase: VoicePhase, digit: string): void {
  if (phase.messageSinceMs === undefined) {
    feed(draft, { kind: 'digit', digit });
    return;
  }
  if (digit === '#') endMessage(draft, 'key');
}

function onPlayed(draft: Draft, phase: VoicePhase, outcome: 'played' | 'failed'): void {
  cancelTimer(draft, 'playback');
  const { playback: _ended, ...rest } = phase;
  setPhase(draft, rest);
  if (outcome === 'failed') note(draft, 'promptFailed');
  if (phase.endAfterPlayback !== undefined) {
    endByService(draft, phase.endAfterPlayback);
    return;
  }
  feed(draft, { kind: 'played' });
}

function onTimer(draft: Draft, phase: VoicePhase, timerId: string): void {
  if (timerId === 'input') feed(draft, { kind: 'timer' });
  else if (timerId === 'message') endMessage(draft, 'limit');
  else if (timerId === 'playback' && phase.playback !== undefined) onPlayed(draft, phase, 'failed');
}

/** Gives the flow an input and carries out what it says. */
function feed(draft: Draft, input: FlowInput): void {
  const phase = draft.state.phase;
  if (phase.name !== 'voice' || !phase.flow) return;
  runFlow(draft, phase.flow.flowId, phase.flow.position, input);
}

function runFlow(draft: Draft, flowId: string, position: FlowPosition | undefined, input: FlowInput): void {
  const { lineId, ani, language } = draft.state.facts;
  const facts = draft.rules.flowFacts({
    lineId: lineId ?? '',
    atMs: scheduleInstant(draft.state, draft.nowMs),
    ani,
    language,
  });
  const next = flowStep(draft, flowId, position, input, facts);
  const phase = draft.state.phase;
  if (phase.name !== 'voice') return;
  if (next === 'broken') {
    note(draft, 'flowBroken', { flowId });
    sayLast(draft, 'technical-difficulty', 'failed');
    return;
  }
  setPhase(draft, { ...phase, flow: { flowId, position: next.position } });
  for (const instruction of next.instructions) {
    follow(draft, instruction);
    if (draft.state.phase.name !== 'voice') return; // queued or closing: what follows belongs to nobody
  }
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
  const { evaluateAtMs } = state.facts;
  return evaluateAtMs === undefined ? nowMs : evaluateAtMs + (nowMs - state.arrivedAtMs);
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
      storeRequest(draft, instruction);
      return;
    case 'enqueue':
      leaveVoice(draft);
      enterQueue(draft, { queueId: instruction.queueId, topic: instruction.topic });
      return;
    case 'hangup':
      endByService(draft, instruction.outcome);
      return;
    case 'note':
      note(draft, instruction.kind, instruction.facts);
      return;
  }
}

function startMessage(draft: Draft, maxMs: number): void {
  const phase = draft.state.phase;
  if (phase.name !== 'voice') return;
  setPhase(draft, { ...phase, messageSinceMs: draft.nowMs });
  startTimer(draft, 'message', maxMs);
  note(draft, 'messageStarted');
}

function endMessage(draft: Draft, by: 'key' | 'limit'): void {
  const phase = draft.state.phase;
  if (phase.name !== 'voice' || phase.messageSinceMs === undefined) return;
  cancelTimer(draft, 'message');
  const { messageSinceMs, ...rest } = phase;
  setPhase(draft, rest);
  const seconds = takeMessage(draft, messageSinceMs);
  note(draft, 'messageRecorded', { seconds, by });
  feed(draft, { kind: 'recorded', seconds, by });
}

/** Stops what the voice phase had going, before another phase begins. */
function leaveVoice(draft: Draft): void {
  stopPlay(draft);
  cancelTimer(draft, 'input');
  cancelTimer(draft, 'message');
  markMenu(draft);
}

function markMenu(draft: Draft): void {
  const { answeredAtMs } = draft.state.facts;
  if (answeredAtMs !== undefined) markStretch(draft, 'menu', answeredAtMs, draft.nowMs);
}

function endByService(draft: Draft, outcome: ContactOutcome): void {
  leaveVoice(draft);
  setFacts(draft, { outcome, endedBy: 'service' });
  endLeg(draft, draft.state.callerLegId, outcome === 'unknownNumber' ? 'unallocated' : 'normal');
  beginClosing(draft);
}
