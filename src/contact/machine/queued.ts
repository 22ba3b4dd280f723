import type { OfferFailure } from '../../acd/index.ts';
import { assertNever, type LegId } from '../../foundation/index.ts';
import type { ContactEvent } from '../events.ts';
import type { JoiningPhase, Offer, QueuedPhase } from '../state.ts';
import type { LegEndCause } from '../telephony-events.ts';
import { announcementOver, askPlace, onKeyWhileWaiting, onPlaceKnown } from './announcing.ts';
import { endUndialled, isAlone, isDialledFirst, standAsLive } from './calling-back.ts';
import { closingOf } from './closing-time.ts';
import { beginDialling } from './dialling.ts';
import {
  addLeg,
  cancelTimer,
  type Draft,
  emit,
  endBridge,
  endLeg,
  legOf,
  newName,
  note,
  setFacts,
  setPhase,
  startTimer,
  updateLeg,
} from './draft.ts';
import { startWaitLimit } from './entering.ts';
import { keepRequest } from './promising.ts';
import { sayLast } from './prompts.ts';
import { endVisit } from './visit.ts';
import { hush, onDialogue } from './voice.ts';
import { cancelWaitTimers } from './wait-timers.ts';
import { beginWait } from './waiting.ts';

/** Staff took the contact to another queue: its rules count from here on. */
export function onMoved(draft: Draft, phase: QueuedPhase | JoiningPhase, queueId: string): void {
  const { limitReached: _limit, told: _told, ladder: _ladder, closing: _closing, ...waiting } = phase;
  // Nothing is announced or promised to who is called back.
  const isOwn = draft.state.callBack === undefined;
  const own = isOwn ? { ...closingOf(draft, queueId), ...beginWait(draft, queueId) } : {};
  setPhase(draft, { ...waiting, queueId, ...own });
  for (const timerId of ['tell', 'ladder'] as const) cancelTimer(draft, timerId);
  setFacts(draft, { queueId });
  if (isOwn) startWaitLimit(draft, draft.rules.queue(queueId), phase.enqueuedAtMs);
  note(draft, 'movedToQueue', { queueId });
}

export function onQueued(draft: Draft, phase: QueuedPhase, event: ContactEvent): void {
  switch (event.type) {
    case 'offerMade':
      onOfferMade(draft, phase, event);
      return;
    case 'legRinging':
      onRinging(draft, phase, event.legId);
      return;
    case 'legAnswered':
      onAnswered(draft, phase, event.legId);
      return;
    case 'legEnded':
      onDeviceEnded(draft, phase, event.legId, event.cause);
      return;
    case 'timerFired':
      onTimer(draft, phase, event);
      return;
    case 'digit':
      if (phase.visit === undefined) onKeyWhileWaiting(draft, phase, event.digit);
      else onDialogue(draft, phase.visit, event);
      return;
    case 'requestStored':
      onRequestStored(draft, event);
      return;
    case 'contactWithdrawn':
      onWithdrawn(draft, phase);
      return;
    case 'queueRefused':
      if (event.queueId === phase.queueId && draft.state.callBack === undefined)
        setPhase(draft, { ...phase, limitReached: event.limit });
      return;
    case 'contactMoved':
      onMoved(draft, phase, event.queueId);
      return;
    case 'offerWithdrawn':
      if (phase.offer?.offerId === event.offerId) dropOffer(draft, phase, phase.offer, event.reason);
      return;
    case 'playbackEnded':
      if (event.playbackId === phase.playback) announcementOver(draft);
      else if (phase.visit !== undefined) onDialogue(draft, phase.visit, event);
      return;
    case 'placeKnown':
      onPlaceKnown(draft, phase, event);
      return;
    case 'effectFailed':
      onEffectFailed(draft, phase, event);
      return;
    default:
      return; // of phases gone by
  }
}

/** That of the ladder only wakes: what is due is done after every event. */
function onTimer(draft: Draft, phase: QueuedPhase, event: Extract<ContactEvent, { type: 'timerFired' }>): void {
  if (event.timerId === 'ring' && phase.offer) failOffer(draft, phase, phase.offer, 'offerUnanswered');
  else if (event.timerId === 'queueLimit') setPhase(draft, { ...phase, limitReached: 'wait' });
  else if (event.timerId === 'live') standAsLive(draft);
  else if (event.timerId === 'tell') askPlace(draft, 'announcement');
  else if (phase.visit !== undefined) onDialogue(draft, phase.visit, event);
  else if (event.timerId === 'playback') announcementOver(draft);
}

/** He hears its number from the flow that asked for it, if he is still there. */
export function onRequestStored(draft: Draft, event: Extract<ContactEvent, { type: 'requestStored' }>): void {
  const kept = keepRequest(draft, event);
  const { phase } = draft.state;
  if (kept === 'replaced' || (phase.name !== 'queued' && phase.name !== 'joining')) return;
  if (phase.name === 'queued' && phase.visit !== undefined && kept !== 'concluded')
    onDialogue(draft, phase.visit, event);
  else if (kept !== 'knownBefore') setPhase(draft, { ...phase, numberToTell: event.caseNumber });
}

function onOfferMade(draft: Draft, phase: QueuedPhase, event: Extract<ContactEvent, { type: 'offerMade' }>): void {
  if (phase.offer?.offerId === event.offerId) return; // delivered twice
  if (phase.offer) {
    // The queue holds one live offer a contact, so the earlier one is over there; end it here too.
    dropOffer(draft, phase, phase.offer, 'superseded');
  }
  const { offerId, operatorId, extension } = event;
  note(draft, 'offerMade', { operatorId, offerId, devices: event.devices.length });
  const offer: Offer = { offerId, operatorId, extension, failure: 'operatorUnreachable' };
  const current = draft.state.phase;
  if (current.name !== 'queued') return;
  if (event.devices.length === 0) {
    giveBack(draft, current, offer, 'operatorUnreachable');
    return;
  }
  const found = { offer, devices: event.devices };
  if (isDialledFirst(draft)) beginDialling(draft, current, { reserved: found });
  else ringOperator(draft, current, found);
}

/** Every device of the operator rings. */
export function ringOperator(
  draft: Draft,
  phase: QueuedPhase,
  { offer, devices }: { readonly offer: Offer; readonly devices: readonly string[] },
): void {
  const { offerId, operatorId } = offer;
  const queue = draft.rules.queue(phase.queueId);
  const ringTimeoutMs = queue?.ringTimeoutMs ?? 0;
  const { facts } = draft.state;
  setPhase(draft, { ...phase, offer });
  startTimer(draft, 'ring', ringTimeoutMs);
  for (const device of devices) {
    const legId = newName<LegId>(draft, 'o');
    addLeg(draft, {
      legId,
      role: 'operator',
      state: 'starting',
      operatorId,
      offerId,
      device,
      startedAtMs: draft.nowMs,
    });
    const callerIdName = draft.rules.offerTitle(facts.lineId, phase.topic);
    emit(draft, { type: 'originate', legId, device, callerIdNumber: facts.ani, callerIdName, ringTimeoutMs });
  }
}

function onRinging(draft: Draft, phase: QueuedPhase, legId: LegId): void {
  const leg = legOf(draft.state, legId);
  if (leg?.state !== 'starting' || leg.offerId !== phase.offer?.offerId) return;
  const first = !draft.state.legs.some((other) => other.offerId === leg.offerId && other.state === 'ringing');
  updateLeg(draft, legId, { state: 'ringing' });
  if (first && leg.operatorId) note(draft, 'operatorRinging', { operatorId: leg.operatorId });
}

function onAnswered(draft: Draft, before: QueuedPhase, legId: LegId): void {
  if (legId === draft.state.callerLegId) return; // told twice, around a restart
  const leg = legOf(draft.state, legId);
  const { offer } = before;
  if (!leg || !offer || leg.offerId !== offer.offerId || leg.state === 'ending') {
    endLeg(draft, legId); // a phone picked up in the very moment its offer ended
    return;
  }
  updateLeg(draft, legId, { state: 'up' });
  cancelTimer(draft, 'ring');
  endDevices(draft, offer, legId);
  endVisit(draft);
  const { phase } = draft.state;
  if (phase.name !== 'queued') return;
  const { offer: _answered, playback, visit: _over, ...rest } = phase;
  // Said into a bridge it ends with it; said to the leg it would go on between the two.
  if (playback !== undefined && phase.holdingBridgeId === undefined)
    emit(draft, { type: 'stopPlayback', playbackId: playback });
  cancelTimer(draft, 'playback');
  setPhase(draft, { ...rest, name: 'joining', offer, operatorLegId: legId, answeredAtMs: draft.nowMs });
  emit(draft, { type: 'offerAnswered', offerId: offer.offerId });
}

function onDeviceEnded(draft: Draft, phase: QueuedPhase, legId: LegId, cause: LegEndCause): void {
  const leg = legOf(draft.state, legId);
  const { offer } = phase;
  if (!leg || !offer || leg.offerId !== offer.offerId) return;
  const failure = strongest(offer.failure, failureOf(cause));
  const stillRinging = draft.state.legs.some((other) => other.offerId === offer.offerId && other.state !== 'ended');
  // One device refused by a person speaks for all of them: the others stop ringing.
  if (stillRinging && failure !== 'offerDeclined') {
    setPhase(draft, { ...phase, offer: { ...offer, failure } });
    return;
  }
  failOffer(draft, phase, offer, failure);
}

function failureOf(cause: LegEndCause): OfferFailure {
  switch (cause) {
    case 'declined':
      return 'offerDeclined';
    case 'busy':
      return 'operatorBusy';
    case 'normal':
    case 'noAnswer':
    case 'cancelled':
      return 'offerUnanswered';
    case 'unreachable':
    case 'failure':
      return 'operatorUnreachable';
    default:
      return assertNever(cause, 'cause');
  }
}

const strength: Readonly<Record<OfferFailure, number>> = {
  operatorUnreachable: 0,
  offerUnanswered: 1,
  operatorBusy: 2,
  offerDeclined: 3,
  contactGone: 4,
};

function strongest(one: OfferFailure, other: OfferFailure): OfferFailure {
  return strength[one] >= strength[other] ? one : other;
}

function failOffer(draft: Draft, phase: QueuedPhase, offer: Offer, failure: OfferFailure): void {
  endDevices(draft, offer, undefined);
  giveBack(draft, phase, offer, failure);
}

/** The operator is put aside for the delay of this failure, the caller goes back to the same place. */
function giveBack(draft: Draft, phase: QueuedPhase, offer: Offer, failure: OfferFailure): void {
  cancelTimer(draft, 'ring');
  const { offer: _failed, ...waiting } = phase;
  setPhase(draft, waiting);
  note(draft, failure, { operatorId: offer.operatorId, offerId: offer.offerId });
  emit(draft, { type: 'offerFailed', offerId: offer.offerId, queueId: phase.queueId, failure });
}

/** The queue has taken the offer back by itself: only the ringing is to be ended. */
function dropOffer(draft: Draft, phase: QueuedPhase, offer: Offer, reason: string): void {
  cancelTimer(draft, 'ring');
  endDevices(draft, offer, undefined);
  const { offer: _dropped, ...waiting } = phase;
  setPhase(draft, waiting);
  note(draft, 'offerWithdrawn', { operatorId: offer.operatorId, offerId: offer.offerId, reason });
}

/** Ends every device of the offer but the one that answered. */
export function endDevices(draft: Draft, offer: Offer, answeredLegId: LegId | undefined): void {
  for (const leg of draft.state.legs) {
    if (leg.offerId === offer.offerId && leg.legId !== answeredLegId) endLeg(draft, leg.legId);
  }
}

function onEffectFailed(
  draft: Draft,
  phase: QueuedPhase,
  event: Extract<ContactEvent, { type: 'effectFailed' }>,
): void {
  if (event.effect === 'originate' && event.legId !== undefined) {
    updateLeg(draft, event.legId, { state: 'ended', endedAtMs: draft.nowMs });
    onDeviceEnded(draft, phase, event.legId, 'failure');
  } else if (event.effect === 'enqueue' || isWithoutMusic(event)) {
    // Nobody will ever be found for him here, or he would wait in silence: better told.
    note(draft, 'queueFailed', { why: event.why });
    endWait(draft, phase, 'technical-difficulty');
  } else if (event.effect === 'askPlace') {
    onPlaceKnown(draft, phase, {});
  } else if (event.playbackId !== undefined && event.playbackId === phase.playback) {
    announcementOver(draft);
  } else if (phase.visit !== undefined) {
    onDialogue(draft, phase.visit, event);
  }
}

/** A leg that is gone reports its end itself. */
function isWithoutMusic(event: Extract<ContactEvent, { type: 'effectFailed' }>): boolean {
  return event.effect === 'joinBridge' && event.why !== 'gone';
}

/** Staff took it out of its queue; of a call-back, its caller may have called in. */
export function onWithdrawn(draft: Draft, phase: QueuedPhase): void {
  const { queueId } = phase;
  note(draft, isAlone(draft.state) ? 'callBackWithdrawn' : 'withdrawnByStaff', { queueId });
  endWait(draft, phase, 'removed-from-queue');
}

/** He is told why he cannot be served, and the call ends. */
function endWait(draft: Draft, phase: QueuedPhase, prompt: 'technical-difficulty' | 'removed-from-queue'): void {
  if (isAlone(draft.state)) {
    endUndialled(draft, prompt === 'removed-from-queue' ? 'callBackNotNeeded' : 'callBackPostponed');
    return;
  }
  cancelTimer(draft, 'ring');
  hush(draft);
  cancelWaitTimers(draft);
  if (phase.offer) endDevices(draft, phase.offer, undefined);
  emit(draft, { type: 'withdraw' });
  endBridge(draft, phase.holdingBridgeId);
  sayLast(draft, prompt, 'failed');
}
