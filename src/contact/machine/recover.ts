import type { LegId, PlaybackId } from '../../foundation/index.ts';
import type { RecoveredEvent } from '../events.ts';
import type { Heard } from '../ports.ts';
import { recoverArriving } from './arriving.ts';
import { isAlone, queuedKind } from './calling-back.ts';
import { askForEndOfWrapUp } from './closing.ts';
import { recoverDialling } from './dialling.ts';
import { playbackUnderWay } from './dialogue.ts';
import { type Draft, emit, note } from './draft.ts';
import { headStartNow } from './ladder.ts';

/** Events that a recovered contact has missed, in the order in which they are to be taken. */
export type MissedEvent =
  | { readonly type: 'legEnded'; readonly legId: LegId; readonly cause: 'failure' }
  | { readonly type: 'legAnswered'; readonly legId: LegId; readonly heard?: Heard }
  | { readonly type: 'playbackEnded'; readonly playbackId: PlaybackId; readonly outcome: 'played' };

/**
 * Compares what is stored with what Asterisk holds: every difference is an event that was missed, and is taken like any
 * other. Legs first (a contact whose caller has gone has nothing else to miss), then what the machine waited for.
 */
export function missedEvents(draft: Draft, event: RecoveredEvent): readonly MissedEvent[] {
  const { state } = draft;
  const missed: MissedEvent[] = [];
  for (const leg of state.legs) {
    if (leg.state === 'ended') continue;
    const seen = event.legs.find((one) => one.legId === leg.legId);
    if (!seen) missed.push({ type: 'legEnded', legId: leg.legId, cause: 'failure' });
    else if (leg.state !== 'up' && seen.up && seen.controlled) {
      const heard = seen.heard === undefined ? {} : { heard: seen.heard };
      if (leg.role !== 'caller' || leg.state !== 'ending')
        missed.push({ type: 'legAnswered', legId: leg.legId, ...heard });
    }
  }
  const { phase } = state;
  const playbackId = playbackUnderWay(phase);
  if (playbackId !== undefined && !event.playbacks.includes(playbackId))
    missed.push({ type: 'playbackEnded', playbackId, outcome: 'played' });
  return missed;
}

/** Puts back what Asterisk or the queue may have lost of the phase, all by commands that repeat safely. */
export function restorePhase(draft: Draft, event: RecoveredEvent): void {
  if (draft.state.phase.name === 'claiming') return; // nothing has happened yet that could be told
  note(draft, 'recovered', { nodeId: event.nodeId });
  if (draft.state.configVersion !== draft.rules.version) {
    // The old version's rules are not kept in this process: the contact goes on under the new ones, and its record says so.
    note(draft, 'configurationChanged', { from: draft.state.configVersion, to: draft.rules.version });
    draft.state = { ...draft.state, configVersion: draft.rules.version };
  }
  // The queue may have been asked already and its answer lost with the old process.
  askForEndOfWrapUp(draft);
  const { phase, callerLegId, facts } = draft.state;
  const caller = event.legs.find((leg) => leg.legId === callerLegId);
  if (phase.name === 'dialling') recoverDialling(draft, phase, caller);
  if (!caller && !isAlone(draft.state)) return;
  switch (phase.name) {
    case 'arriving':
      if (caller) recoverArriving(draft, caller);
      return;
    case 'queued': {
      const headStartMs = headStartNow(draft, phase);
      // A caller in a flow is out of it.
      if (phase.holdingBridgeId !== undefined && phase.visit === undefined) {
        const bridgeId = phase.holdingBridgeId;
        emit(draft, { type: 'joinBridge', bridgeId, kind: 'holding', legIds: [callerLegId] });
      }
      emit(draft, {
        type: 'enqueue',
        queueId: phase.queueId,
        lineId: facts.lineId ?? '',
        enqueuedAtMs: phase.enqueuedAtMs,
        keepsPlace: true,
        ...queuedKind(draft.state),
        ...(headStartMs === 0 ? {} : { headStartMs }),
      });
      return;
    }
    case 'joining':
      emit(draft, { type: 'offerAnswered', offerId: phase.offer.offerId });
      return;
    case 'talking':
      emit(draft, {
        type: 'joinBridge',
        bridgeId: phase.talkBridgeId,
        kind: 'mixing',
        legIds: [phase.operatorLegId, callerLegId],
      });
      return;
    case 'claiming':
    case 'dialling':
    case 'voice':
    case 'closing':
      return; // nothing of these lives in Asterisk but the legs and the prompt
  }
}
