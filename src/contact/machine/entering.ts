import type { BridgeId, PlaybackId } from '../../foundation/index.ts';
import type { QueueRules } from '../rules.ts';
import type { LineClosing, QueuedPhase } from '../state.ts';
import { closingOf } from './closing-time.ts';
import { cancelTimer, type Draft, emit, newName, note, setFacts, setPhase, startTimer } from './draft.ts';
import { headStartNow } from './ladder.ts';
import { sayLast } from './prompts.ts';
import { takePlace } from './returning.ts';
import { beginWait } from './waiting.ts';

/** More than the queues of a chain that anybody means. */
const mostOverflows = 5;

/** The caller takes his place and goes, where there is music, into a bridge of his own with it; `enqueuedAtMs` is written here and never again. */
export function enterQueue(
  draft: Draft,
  to: {
    readonly queueId: string;
    readonly topic: string;
    /** Of who comes from another queue. */
    readonly enqueuedAtMs?: number;
    readonly overflows?: number;
    readonly numberToTell?: string;
    readonly closing?: LineClosing;
  },
): void {
  const queue = draft.rules.queue(to.queueId);
  if (!queue) {
    note(draft, 'queueUnknown', { queueId: to.queueId });
    sayLast(draft, 'technical-difficulty', 'failed');
    return;
  }
  const { enqueuedAtMs = draft.nowMs, overflows = 0 } = to;
  const holdingBridgeId = queue.waiting === 'silence' ? undefined : newName<BridgeId>(draft, 'b');
  const playbackId = queue.welcome === false ? undefined : newName<PlaybackId>(draft, 'p');
  setFacts(draft, { queueId: to.queueId, topic: to.topic, enqueuedAtMs });
  const told = beginWait(draft, to.queueId);
  setPhase(draft, {
    name: 'queued',
    ...closingOf(draft, to.queueId),
    ...to,
    enqueuedAtMs,
    ...told,
    ...(told === undefined ? {} : { asking: ['arrival'] }),
    ...(holdingBridgeId === undefined ? {} : { holdingBridgeId }),
    ...(playbackId === undefined ? {} : { playback: playbackId }),
  });
  note(draft, 'queued', { queueId: to.queueId, topic: to.topic });
  if (holdingBridgeId !== undefined) {
    const { callerLegId } = draft.state;
    emit(draft, { type: 'joinBridge', bridgeId: holdingBridgeId, kind: 'holding', legIds: [callerLegId] });
  }
  takePlace(draft);
  const { phase } = draft.state;
  if (phase.name === 'queued') askForPlace(draft, phase, queue);
  if (playbackId !== undefined) welcome(draft, playbackId, holdingBridgeId);
  if (overflows < mostOverflows) startWaitLimit(draft, queue, enqueuedAtMs);
}

/** The queue is asked to take him. */
function askForPlace(draft: Draft, phase: QueuedPhase, { lastOperatorWithinMs }: QueueRules): void {
  const { lineId = '', ani } = draft.state.facts;
  const { queueId, enqueuedAtMs, overflows = 0, asking } = phase;
  const headStartMs = headStartNow(draft, phase);
  const knowsOperator = lastOperatorWithinMs !== undefined && ani !== '';
  emit(draft, {
    type: 'enqueue',
    queueId,
    lineId,
    enqueuedAtMs,
    ...(knowsOperator ? { lastOperator: { ani, sinceMs: draft.nowMs - lastOperatorWithinMs } } : {}),
    // Limits that send a caller in circles count no more: somewhere he may wait.
    ...(overflows >= mostOverflows ? { keepsPlace: true } : {}),
    ...(headStartMs === 0 ? {} : { headStartMs }),
    ...(asking === undefined ? {} : { estimate: true }),
  });
}

function welcome(draft: Draft, playbackId: PlaybackId, bridgeId: BridgeId | undefined): void {
  const { callerLegId, facts } = draft.state;
  const media = draft.rules.render([{ prompt: 'queue-welcome' }], facts.language);
  emit(
    draft,
    bridgeId === undefined
      ? { type: 'playToLeg', playbackId, legId: callerLegId, media }
      : { type: 'playToBridge', playbackId, bridgeId, media },
  );
}

export function startWaitLimit(draft: Draft, queue: QueueRules | undefined, enqueuedAtMs: number): void {
  const wait = queue?.limits?.wait;
  if (wait === undefined) cancelTimer(draft, 'queueLimit');
  else startTimer(draft, 'queueLimit', Math.max(0, enqueuedAtMs + wait.afterMs - draft.nowMs));
}
