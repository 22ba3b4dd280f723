import { assertNever } from '../../foundation/index.ts';
import type { ContactEffect } from '../effects.ts';
import type { ContactEvent } from '../events.ts';
import type { ContactRules } from '../rules.ts';
import type { ContactPhase, ContactState } from '../state.ts';
import { type Arrival, beginContact, newContact, onArriving } from './arriving.ts';
import {
  beginClaiming,
  type CallBackBeginning,
  endAttempt,
  followCallBack,
  newCallBackContact,
  onClaiming,
} from './calling-back.ts';
import { beginClosing, onClosing } from './closing.ts';
import { onDialling } from './dialling.ts';
import { cancelTimer, type Draft, legOf, updateLeg } from './draft.ts';
import { onJoining } from './joining.ts';
import { takePromise } from './promising.ts';
import { onQueued } from './queued.ts';
import { missedEvents, restorePhase } from './recover.ts';
import { onTalking } from './talking.ts';
import { onVoice } from './voice.ts';
import { followWait } from './waiting.ts';

export type { Arrival } from './arriving.ts';
export { type CallBackBeginning, isCalledLeg } from './calling-back.ts';
export { playbackUnderWay } from './dialogue.ts';
export { recordOf } from './record.ts';

export interface StepResult {
  readonly state: ContactState;
  /** In the order in which they are to run. */
  readonly effects: readonly ContactEffect[];
}

export interface StepContext {
  readonly nowMs: number;
  readonly rules: ContactRules;
}

/** A contact arrives. Pure; the time and the configuration are arguments. */
export function begin(arrival: Arrival, context: StepContext): StepResult {
  const draft: Draft = { state: newContact(arrival, context.nowMs, context.rules), effects: [], ...context };
  beginContact(draft);
  followWait(draft);
  return { state: draft.state, effects: draft.effects };
}

/** A contact that is to call somebody back; its first effect is the claim. */
export function beginCallBack(beginning: CallBackBeginning, context: StepContext): StepResult {
  const draft: Draft = { state: newCallBackContact(beginning, context.nowMs, context.rules), effects: [], ...context };
  beginClaiming(draft);
  return { state: draft.state, effects: draft.effects };
}

/** One event. Pure and total: any event in any phase has a defined result, if only "nothing". */
export function step(state: ContactState, event: ContactEvent, context: StepContext): StepResult {
  const draft: Draft = { state, effects: [], ...context };
  take(draft, event);
  return { state: draft.state, effects: draft.effects };
}

function take(draft: Draft, event: ContactEvent): void {
  if (event.type === 'recovered') {
    const missed = missedEvents(draft, event);
    restorePhase(draft, event);
    for (const one of missed) take(draft, one);
    follow(draft);
    return;
  }
  if (event.type === 'timerFired') {
    // A timer that was cancelled or set anew after this firing was under way is of the past.
    if (draft.state.timers[event.timerId] !== event.dueMs) return;
    cancelTimer(draft, event.timerId);
  }
  if (event.type === 'legEnded') {
    const leg = legOf(draft.state, event.legId);
    if (!leg || leg.state === 'ended') return;
    updateLeg(draft, event.legId, { state: 'ended', endedAtMs: draft.nowMs });
    if (event.legId === draft.state.callerLegId && hasCaller(draft.state.phase)) {
      // A leg that Asterisk has lost: nobody saw how the call ended.
      if (event.cause === 'failure') endAttempt(draft, 'unknown');
      beginClosing(draft);
      return;
    }
  }
  dispatch(draft, event);
  follow(draft);
}

function follow(draft: Draft): void {
  followWait(draft);
  followCallBack(draft);
}

/** Whose contact is over when he leaves; one who is being called back has not come yet. */
function hasCaller({ name }: ContactPhase): boolean {
  return name !== 'closing' && name !== 'dialling';
}

function dispatch(draft: Draft, event: ContactEvent): void {
  if (takePromise(draft, event)) return;
  const phase = draft.state.phase;
  switch (phase.name) {
    case 'arriving':
      onArriving(draft, event);
      return;
    case 'voice':
      onVoice(draft, phase, event);
      return;
    case 'claiming':
      onClaiming(draft, event);
      return;
    case 'queued':
      onQueued(draft, phase, event);
      return;
    case 'joining':
      onJoining(draft, phase, event);
      return;
    case 'dialling':
      onDialling(draft, phase, event);
      return;
    case 'talking':
      onTalking(draft, phase, event);
      return;
    case 'closing':
      onClosing(draft, phase, event);
      return;
    default:
      assertNever(phase, 'phase');
  }
}
