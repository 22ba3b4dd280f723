import type { BridgeId } from '../../foundation/index.ts';
import type { ContactEvent } from '../events.ts';
import type { JoiningPhase, TalkingPhase } from '../state.ts';
import { beginClosing } from './closing.ts';
import { type Draft, emit, endBridge, endLeg, newName, note, setFacts, setPhase } from './draft.ts';
import { endPromises, keepRequest } from './promising.ts';

/** The two are joined in a mixing bridge; the holding bridge, if there was one, is given back. */
export function enterTalk(draft: Draft, from: JoiningPhase): void {
  const { queueId, operatorLegId, holdingBridgeId, enqueuedAtMs } = from;
  const { operatorId } = from.offer;
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
  endPromises(draft);
}

export function onTalking(draft: Draft, phase: TalkingPhase, event: ContactEvent): void {
  switch (event.type) {
    case 'legEnded':
      if (event.legId !== phase.operatorLegId) return;
      setFacts(draft, { endedBy: 'operator' });
      beginClosing(draft);
      return;
    case 'requestStored':
      keepRequest(draft, event); // asked for while he waited
      return;
    case 'legAnswered':
      if (event.legId !== phase.operatorLegId) endLeg(draft, event.legId);
      return;
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
