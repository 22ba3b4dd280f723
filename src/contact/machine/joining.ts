import type { ContactEvent } from '../events.ts';
import type { JoiningPhase } from '../state.ts';
import { isAlone } from './calling-back.ts';
import { dialForOperator } from './dialling.ts';
import { type Draft, emit, endLeg, note, setPhase } from './draft.ts';
import { onMoved, onRequestStored, onWithdrawn } from './queued.ts';
import { markStretch } from './recording.ts';
import { enterTalk } from './talking.ts';
import { cancelWaitTimers } from './wait-timers.ts';

/** What was due for the caller meanwhile is done when he is back in the queue. */
export function onJoining(draft: Draft, phase: JoiningPhase, event: ContactEvent): void {
  const { offer } = phase;
  switch (event.type) {
    case 'timerFired':
      if (event.timerId === 'queueLimit') setPhase(draft, { ...phase, limitReached: 'wait' });
      return;
    case 'contactMoved':
      onMoved(draft, phase, event.queueId);
      return;
    case 'requestStored':
      onRequestStored(draft, event);
      return;
    case 'placeKnown': {
      const { asking: _answered, ...rest } = phase;
      setPhase(draft, rest);
      return;
    }
    case 'contactWithdrawn': {
      endLeg(draft, phase.operatorLegId);
      backToQueue(draft, phase);
      const { phase: waiting } = draft.state;
      if (waiting.name === 'queued') onWithdrawn(draft, waiting);
      return;
    }
    case 'offerConfirmed':
      if (event.offerId === offer.offerId) join(draft, phase);
      return;
    case 'effectFailed':
      // The queue cannot be asked, but two people are on the line: they are joined, and the lease clears the queue's side.
      if (event.effect === 'offerAnswered' && event.offerId === offer.offerId) join(draft, phase);
      else if (event.effect === 'askPlace') onJoining(draft, phase, { type: 'placeKnown' });
      return;
    case 'offerStale':
    case 'offerWithdrawn':
      if (event.offerId !== offer.offerId) return;
      endLeg(draft, phase.operatorLegId);
      backToQueue(draft, phase);
      note(draft, 'offerWithdrawn', { operatorId: offer.operatorId, offerId: offer.offerId, reason: event.type });
      return;
    case 'legAnswered':
      if (event.legId !== phase.operatorLegId && event.legId !== draft.state.callerLegId) endLeg(draft, event.legId);
      return;
    case 'legEnded':
      if (event.legId !== phase.operatorLegId) return;
      // Picked up and put down within the moment of joining: same as a refusal.
      backToQueue(draft, phase);
      note(draft, 'offerDeclined', { operatorId: offer.operatorId, offerId: offer.offerId });
      emit(draft, { type: 'offerFailed', offerId: offer.offerId, queueId: phase.queueId, failure: 'offerDeclined' });
      return;
    default:
      return; // prompts and keys of the wait, come late
  }
}

function backToQueue(draft: Draft, phase: JoiningPhase): void {
  const { offer: _offer, operatorLegId: _leg, answeredAtMs: _at, ...waiting } = phase;
  setPhase(draft, { ...waiting, name: 'queued' });
}

function join(draft: Draft, phase: JoiningPhase): void {
  const { queueId, enqueuedAtMs, operatorLegId, holdingBridgeId, offer } = phase;
  if (isAlone(draft.state)) {
    dialForOperator(draft, phase);
    return;
  }
  markStretch(draft, 'queue', enqueuedAtMs, draft.nowMs);
  cancelWaitTimers(draft);
  const held = holdingBridgeId === undefined ? {} : { holdingBridgeId };
  enterTalk(draft, { queueId, enqueuedAtMs, operatorId: offer.operatorId, operatorLegId, ...held });
}
