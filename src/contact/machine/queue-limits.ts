import { graceOf } from './closing-time.ts';
import { type Draft, emit, endBridge, note, setFacts, setPhase } from './draft.ts';
import { enterQueue } from './entering.ts';
import { sayLast } from './prompts.ts';
import { markStretch } from './recording.ts';
import { enterFlowAt } from './voice.ts';
import { cancelWaitTimers } from './wait-timers.ts';

/** A contact that has reached a limit of its queue goes where the limit says, unless somebody is being rung for it or its caller is in a flow. */
export function followLimit(draft: Draft): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.limitReached === undefined) return;
  if (phase.offer !== undefined || phase.visit !== undefined) return;
  const { queueId, topic, enqueuedAtMs, holdingBridgeId, limitReached, overflows = 0, numberToTell } = phase;
  const queue = draft.rules.queue(queueId);
  const to = limitReached === 'closed' ? queue?.closing?.to : queue?.limits?.[limitReached]?.to;
  cancelWaitTimers(draft);
  note(draft, 'queueLimitReached', { queueId, limit: limitReached });
  markStretch(draft, 'queue', enqueuedAtMs, draft.nowMs);
  emit(draft, { type: 'withdraw' });
  if (phase.playback !== undefined) emit(draft, { type: 'stopPlayback', playbackId: phase.playback });
  if (to !== undefined && 'queue' in to) {
    // From music to music without a gap; in a bridge a leg of its own would hear no announcement.
    const first = draft.rules.queue(to.queue)?.waiting === 'silence';
    if (first) endBridge(draft, holdingBridgeId);
    // He has waited since he first came, wherever that was.
    const held = numberToTell === undefined ? {} : { numberToTell };
    const closing = limitReached === 'closed' ? {} : graceOf(phase);
    enterQueue(draft, { queueId: to.queue, topic, enqueuedAtMs, overflows: overflows + 1, ...held, ...closing });
    if (!first) endBridge(draft, holdingBridgeId);
    return;
  }
  setFacts(draft, { waitMs: draft.nowMs - enqueuedAtMs });
  setPhase(draft, { name: 'voice', flow: undefined });
  endBridge(draft, holdingBridgeId);
  if (to === undefined) sayLast(draft, 'technical-difficulty', 'failed');
  else enterFlowAt(draft, to.node, topic);
}
