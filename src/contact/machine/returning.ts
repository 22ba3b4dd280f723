import { minuteMs } from '../../foundation/index.ts';
import type { ContactEvent } from '../events.ts';
import type { ContactState, EarnedPlace } from '../state.ts';
import { announce, hearsMusic } from './announcing.ts';
import { type Draft, emit, note } from './draft.ts';
import { headStartNow } from './ladder.ts';
import { cancelHeldLate, holdCallBacks, setCallBacks, updateCallBack } from './promising.ts';
import { putRecord } from './record.ts';

/** Whether he has called before, and has a call-back open or gave up a place: asked beside everything else. */
export function lookUpCaller(draft: Draft): void {
  const { ani, lineId } = draft.state.facts;
  const { returning } = draft.rules;
  if (returning === undefined || ani === '' || lineId === undefined) return;
  emit(draft, { type: 'lookUpCaller', ani, sinceMs: draft.nowMs - returning.abandonedWithinMs });
}

export function onCallerKnown(draft: Draft, event: Extract<ContactEvent, { type: 'callerKnown' }>): void {
  const { phase, callBacks = [] } = draft.state;
  if (phase.name === 'closing') return;
  const known = new Set(callBacks.map(({ callBackId }) => callBackId));
  const found = event.callBacks
    .filter(({ callBackId }) => !known.has(callBackId))
    .map((one) => ({ ...one, state: 'found' as const }));
  setCallBacks(draft, [...callBacks, ...found]);
  if (event.abandoned.length > 0) draft.state = { ...draft.state, abandonedPlaces: event.abandoned };
  if (phase.name === 'talking') holdCallBacks(draft);
  // He waits already: what he has earned is told to the queue now.
  if ((phase.name === 'queued' || phase.name === 'joining') && takePlace(draft)) raise(draft);
}

/**
 * On entering a queue: nobody dials his call-backs while he is on the line, whatever queues they are of, and he gets back the place he has
 * in this one. Waits and the ladder are measured from now all the same. True: his place is another now.
 */
export function takePlace(draft: Draft): boolean {
  holdCallBacks(draft);
  return givePlace(draft);
}

export function onCallBackHeld(draft: Draft, event: Extract<ContactEvent, { type: 'callBackHeld' }>): void {
  const { callBackId, outcome } = event;
  const known = draft.state.callBacks?.find((one) => one.callBackId === callBackId);
  if (known?.state !== 'asked') return;
  if (outcome !== 'held') {
    if (outcome === 'dialling') updateCallBack(draft, callBackId, { state: 'dialling' });
    else setCallBacks(draft, draft.state.callBacks?.filter((one) => one !== known) ?? []);
    holdCallBacks(draft);
    return;
  }
  updateCallBack(draft, callBackId, { state: 'held' });
  note(draft, 'callBackHeld', { callBackId, queueId: known.queueId });
  cancelHeldLate(draft);
  if (givePlace(draft)) raise(draft);
}

/** The earliest of what is his in this queue. An abandoned place is given back once: the timeline names the contact it was of. */
function givePlace(draft: Draft): boolean {
  const { phase, callBacks = [], abandonedPlaces = [], earned } = draft.state;
  if (phase.name !== 'queued' && phase.name !== 'joining') return false;
  const { queueId, enqueuedAtMs } = phase;
  const withinMs = draft.rules.queue(queueId)?.abandonedPlaceMs ?? 0;
  const places = [
    ...callBacks
      .filter((one) => one.queueId === queueId && one.state === 'held')
      .map((one) => ({ placeMs: one.placeMs, by: 'callBack' as const, from: one.callBackId })),
    ...abandonedPlaces
      .filter((one) => one.queueId === queueId && draft.state.arrivedAtMs - one.endedAtMs <= withinMs)
      .map((one) => ({ placeMs: one.placeMs, by: 'abandoned' as const, from: one.contactId })),
  ].sort((one, other) => one.placeMs - other.placeMs);
  const [first] = places;
  if (first === undefined || first.placeMs >= Math.min(enqueuedAtMs, earned?.placeMs ?? enqueuedAtMs)) return false;
  const { placeMs, by, from } = first;
  const isTold = earned !== undefined && earned.untold === undefined;
  const place: EarnedPlace = { placeMs, by, ...(isTold ? {} : { untold: true }) };
  draft.state = { ...draft.state, earned: place };
  note(draft, 'placeReturned', { by, from, placeMs });
  if (by === 'abandoned') putRecord(draft);
  return true;
}

/** To what he has earned, in a queue that has him already. */
function raise(draft: Draft): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued' && phase.name !== 'joining') return;
  emit(draft, { type: 'setHeadStart', headStartMs: headStartNow(draft, phase) });
}

/** Said once, when nothing else is. */
export function followReturning(draft: Draft): void {
  const { phase, earned } = draft.state;
  if (phase.name !== 'queued' || earned?.untold === undefined || !hearsMusic(phase)) return;
  const { untold: _now, ...told } = earned;
  draft.state = { ...draft.state, earned: told };
  announce(draft, [{ prompt: earned.by === 'callBack' ? 'call-back-resumed' : 'place-returned' }]);
}

/** Below the head start of the queue of emergencies (an hour in config/hotline.yaml, the most that a queue can have): a place of yesterday does not come before one. */
const mostEarnedMs = 55 * minuteMs;

/** The head start that his earlier place gives him beside that of the ladder, the two together bounded: never less than what was earned. */
export function withEarned({ earned }: ContactState, enqueuedAtMs: number, byLadderMs: number): number {
  const earnedMs = earned === undefined ? 0 : Math.max(0, enqueuedAtMs - earned.placeMs);
  if (earnedMs === 0) return byLadderMs;
  return Math.max(byLadderMs, Math.min(mostEarnedMs, earnedMs + Math.max(0, byLadderMs)));
}
