import type { SpokenWait } from '../../ivr/index.ts';
import { announcementOver, quieten } from './announcing.ts';
import { graceOf } from './closing-time.ts';
import { type Draft, emit, endBridge, note, setPhase } from './draft.ts';
import { enterQueue } from './entering.ts';
import { markStretch } from './recording.ts';
import { hush, runFlow } from './voice.ts';
import { cancelWaitTimers } from './wait-timers.ts';

/**
 * The waiting caller goes to a node of his line's flow; his place is kept, and an operator who answers takes him out of it. He is taken
 * out of the holding bridge, whose music would play between the prompts and into his message.
 */
export function startVisit(draft: Draft, node: string, wait?: SpokenWait): void {
  const { facts, callerLegId, recording } = draft.state;
  const line = facts.lineId === undefined ? undefined : draft.rules.line(facts.lineId);
  quieten(draft);
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.visit !== undefined || line === undefined) return;
  note(draft, 'visitStarted', { node });
  if (phase.holdingBridgeId !== undefined)
    emit(draft, { type: 'leaveBridge', bridgeId: phase.holdingBridgeId, legId: callerLegId });
  setPhase(draft, { ...phase, visit: { flow: undefined, ...(wait === undefined ? {} : { wait }) } });
  runFlow(draft, line.flowId, undefined, { kind: 'enter', node, topic: phase.topic });
  const isOut = phase.holdingBridgeId !== undefined && draft.state.phase.name === 'queued';
  // The bridge kept the recording's time; from here on the leg does.
  if (isOut && recording?.state === 'running') emit(draft, { type: 'keepTime', legId: callerLegId });
}

/** Back to music, and quiet for a while. */
export function endVisit(draft: Draft): void {
  const isVisiting = draft.state.phase.name === 'queued' && draft.state.phase.visit !== undefined;
  if (!isVisiting) return;
  hush(draft);
  const { phase } = draft.state;
  if (phase.name !== 'queued') return;
  const { visit: _over, ...waiting } = phase;
  setPhase(draft, waiting);
  note(draft, 'visitEnded');
  if (waiting.holdingBridgeId !== undefined) {
    const { holdingBridgeId: bridgeId } = waiting;
    emit(draft, { type: 'joinBridge', bridgeId, kind: 'holding', legIds: [draft.state.callerLegId] });
  }
  announcementOver(draft);
}

/** He chose another queue on his visit: he has waited there since he first came. Choosing his own is going back. */
export function leaveForQueue(draft: Draft, to: { readonly queueId: string; readonly topic: string }): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued') return;
  if (to.queueId === phase.queueId || phase.offer !== undefined) {
    endVisit(draft); // while a phone rings for him he stays where it was found
    return;
  }
  hush(draft);
  const { queueId, enqueuedAtMs, holdingBridgeId, overflows, numberToTell } = phase;
  cancelWaitTimers(draft);
  note(draft, 'leftForQueue', { from: queueId, queueId: to.queueId });
  markStretch(draft, 'queue', enqueuedAtMs, draft.nowMs);
  emit(draft, { type: 'withdraw' });
  enterQueue(draft, {
    ...to,
    enqueuedAtMs,
    ...(overflows === undefined ? {} : { overflows }),
    ...(numberToTell === undefined ? {} : { numberToTell }),
    ...graceOf(phase),
  });
  endBridge(draft, holdingBridgeId);
}
