import type { BridgeId, LegId, OperatorId } from '../../foundation/index.ts';
import type { ContactEvent } from '../events.ts';
import type { TalkingPhase } from '../state.ts';
import { endAttempt } from './calling-back.ts';
import { beginClosing } from './closing.ts';
import { type Draft, emit, endBridge, endLeg, newName, note, setFacts, setPhase } from './draft.ts';
import { endPromises, keepRequest } from './promising.ts';

/** The two are joined in a mixing bridge; the holding bridge, if there was one, is given back. */
export function enterTalk(
  draft: Draft,
  from: {
    readonly queueId: string;
    readonly enqueuedAtMs: number;
    readonly operatorId: OperatorId;
    readonly operatorLegId: LegId;
    readonly holdingBridgeId?: BridgeId;
  },
): void {
  const { queueId, operatorId, operatorLegId, holdingBridgeId, enqueuedAtMs } = from;
  const talkBridgeId = newName<BridgeId>(draft, 'b');
  const waitMs = draft.nowMs - enqueuedAtMs;
  setPhase(draft, {
    name: 'talking',
    queueId,
    operatorId,
    operatorLegId,
    talkBridgeId,
    joinedAtMs: draft.nowMs,
  });
  setFacts(draft, { operatorId, joinedAtMs: draft.nowMs, waitMs, outcome: 'answeredByOperator' });
  const legIds = [operatorLegId, draft.state.callerLegId];
  emit(draft, { type: 'joinBridge', bridgeId: talkBridgeId, kind: 'mixing', legIds });
  endBridge(draft, holdingBridgeId);
  note(draft, 'joined', { operatorId, waitMs });
  endAttempt(draft, 'reached');
  endPromises(draft);
}

/** The queue could not be told that the two are joined, and has lost them from its sight: it is told again. */
export function onForgotten(
  draft: Draft,
  joined: { readonly queueId: string; readonly operatorId: OperatorId },
  { offerId, operatorId }: Extract<ContactEvent, { type: 'offerMade' }>,
): void {
  if (operatorId === joined.operatorId) emit(draft, { type: 'offerAnswered', offerId });
  else emit(draft, { type: 'offerFailed', offerId, queueId: joined.queueId, failure: 'contactGone' });
}

export function onTalking(draft: Draft, phase: TalkingPhase, event: ContactEvent): void {
  switch (event.type) {
    case 'legEnded':
      if (event.legId !== phase.operatorLegId) return;
      setFacts(draft, { endedBy: 'operator' });
      beginClosing(draft);
      return;
    case 'offerMade':
      onForgotten(draft, phase, event);
      return;
    case 'requestStored':
      keepRequest(draft, event); // asked for while he waited
      return;
    case 'legAnswered': {
      // Of the caller's own it may be told twice, around a restart.
      const isOfTheTwo = event.legId === phase.operatorLegId || event.legId === draft.state.callerLegId;
      if (!isOfTheTwo) endLeg(draft, event.legId);
      return;
    }
    case 'playbackEnded': {
      const { playback, ...rest } = phase;
      if (event.playbackId === playback) setPhase(draft, rest);
      return;
    }
    case 'effectFailed':
      // Not joined and nobody gone: the conversation cannot be had. A leg that is gone reports its end itself.
      if (event.effect === 'joinBridge' && event.why !== 'gone') {
        note(draft, 'joinFailed', { why: event.why });
        setFacts(draft, { endedBy: 'service', outcome: 'failed' });
        beginClosing(draft);
      }
      return;
    default:
      return; // keys during the conversation belong to the two
  }
}
