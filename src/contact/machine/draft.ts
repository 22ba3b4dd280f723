import type { BridgeId, LegId } from '../../foundation/index.ts';
import type { ContactEffect } from '../effects.ts';
import type { ContactRules } from '../rules.ts';
import type { ContactFacts, ContactPhase, ContactState, Leg, TimerId } from '../state.ts';
import type { TimelineEntry } from '../store-ports.ts';

/** A step under way: the state so far and what it asks for. Lives for one call of `step`. */
export interface Draft {
  state: ContactState;
  readonly effects: ContactEffect[];
  readonly nowMs: number;
  readonly rules: ContactRules;
}

export function emit(draft: Draft, ...effects: readonly ContactEffect[]): void {
  draft.effects.push(...effects);
}

export function setPhase(draft: Draft, phase: ContactPhase): void {
  draft.state = { ...draft.state, phase };
}

export function setFacts(draft: Draft, facts: Partial<ContactFacts>): void {
  draft.state = { ...draft.state, facts: { ...draft.state.facts, ...facts } };
}

/** Adds to the timeline. `facts` must not hold personal data: the timeline is published and stored in the clear. */
export function note(draft: Draft, kind: string, facts: TimelineEntry['facts'] = {}): void {
  draft.state = { ...draft.state, timeline: [...draft.state.timeline, { atMs: draft.nowMs, kind, facts }] };
}

export function startTimer(draft: Draft, timerId: TimerId, afterMs: number): void {
  draft.state = { ...draft.state, timers: { ...draft.state.timers, [timerId]: draft.nowMs + afterMs } };
}

export function cancelTimer(draft: Draft, timerId: TimerId): void {
  if (draft.state.timers[timerId] === undefined) return;
  const { [timerId]: _cancelled, ...timers } = draft.state.timers;
  draft.state = { ...draft.state, timers };
}

/** A new name of this contact (o: operator's leg, b: bridge, p: playback, r: request): `<contactId>.<kind><n>`; the contact is found again from the name alone. */
export function newName<Id extends string>(draft: Draft, kind: 'o' | 'b' | 'p' | 'r'): Id {
  const sequence = draft.state.sequence + 1;
  draft.state = { ...draft.state, sequence };
  return `${draft.state.contactId}.${kind}${sequence}` as Id;
}

export function legOf(state: ContactState, legId: LegId): Leg | undefined {
  return state.legs.find((leg) => leg.legId === legId);
}

export function callerLeg(state: ContactState): Leg | undefined {
  return legOf(state, state.callerLegId);
}

export function updateLeg(draft: Draft, legId: LegId, change: Partial<Leg>): void {
  const legs = draft.state.legs.map((leg) => (leg.legId === legId ? { ...leg, ...change } : leg));
  draft.state = { ...draft.state, legs };
}

export function addLeg(draft: Draft, leg: Leg): void {
  draft.state = { ...draft.state, legs: [...draft.state.legs, leg] };
}

/** Gives a bridge back, if there is one. */
export function endBridge(draft: Draft, bridgeId: BridgeId | undefined): void {
  if (bridgeId !== undefined) emit(draft, { type: 'destroyBridge', bridgeId });
}

/** Asks for the end of a leg, once. */
export function endLeg(
  draft: Draft,
  legId: LegId,
  cause: 'normal' | 'busy' | 'unallocated' | 'failure' = 'normal',
): void {
  const leg = legOf(draft.state, legId);
  if (!leg || leg.state === 'ending' || leg.state === 'ended') return;
  updateLeg(draft, legId, { state: 'ending' });
  emit(draft, { type: 'hangup', legId, cause });
}
