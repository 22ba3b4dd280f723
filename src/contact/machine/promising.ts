import type { CallBackWish } from '../../callbacks/index.ts';
import type { CallBackId, CaseId } from '../../foundation/index.ts';
import type { Instruction, SpokenInstant } from '../../ivr/index.ts';
import type { ContactEvent } from '../events.ts';
import type { ContactState, KnownCallBack, Promising } from '../state.ts';
import { finishWhenDone } from './closing.ts';
import { type Draft, emit, newName, note, setFacts, setPhase } from './draft.ts';
import { onCallBackHeld, onCallerKnown } from './returning.ts';
import { feed, hoursAhead, scheduleInstant } from './voice.ts';

/** He holds something concluded for his wait in this queue. */
export function holdsPromise({ facts, callBacks = [] }: ContactState, queueId: string): boolean {
  return facts.caseId !== undefined || callBacks.some((one) => one.state === 'held' && one.queueId === queueId);
}

/** He has asked to hold what he was promised on an earlier call, and the answer is on its way. */
export function mayHoldPromise({ callBacks = [] }: ContactState, queueId: string): boolean {
  return callBacks.some((one) => one.state === 'asked' && one.queueId === queueId);
}

/** A request or call-back of his own choice is being written down. */
export function isMakingHisOwn({ requestAsked, facts, promising = {} }: ContactState): boolean {
  return (
    (requestAsked === true && facts.caseId === undefined) ||
    Object.values(promising).some((one) => one === 'ownCallBack')
  );
}

/** He leaves with a call-back, or may: what he leaves with for a request is the request. */
export function hasCallBack({ callBacks = [] }: ContactState): boolean {
  return callBacks.some((one) => isHis(one) && one.ofRequest === undefined);
}

/** Held by this contact, or may be. */
const isHis = ({ state }: KnownCallBack): boolean => state === 'asked' || state === 'held';

/** One of each queue: when a number has two there, the other is another caller's. */
export function holdCallBacks(draft: Draft, which: readonly KnownCallBack['state'][] = ['found']): void {
  const { callBacks = [] } = draft.state;
  const queues = new Set(callBacks.filter(isHis).map(({ queueId }) => queueId));
  for (const { callBackId, queueId, state } of callBacks) {
    if (!which.includes(state) || queues.has(queueId)) continue;
    queues.add(queueId);
    updateCallBack(draft, callBackId, { state: 'asked' });
    emit(draft, { type: 'holdCallBack', callBackId });
  }
}

/** An answer is still to come that something may have to be given back for: the contact is not forgotten before. */
export function awaitsPromise({ promising = {}, concluded, requestAsked, facts }: ContactState): boolean {
  const isReplacing = requestAsked === true && concluded?.told === undefined && concluded?.caseId === facts.caseId;
  return Object.keys(promising).length > 0 || (concluded !== undefined && isReplacing);
}

/** Of the caller's own choice; `noNumber`: he withholds it; `zoneUnknown`: the clock he speaks of is not where his number is. */
export function askForCallBack(
  draft: Draft,
  asked: Extract<Instruction, { type: 'promiseCallBack' }>,
): 'asked' | 'noNumber' | 'noRoom' | 'zoneUnknown' {
  const { facts } = draft.state;
  const { topic, callBackNumber, localHour } = asked;
  const number = callBackNumber === 'ani' ? facts.ani : callBackNumber.keyed;
  if (number === '') return 'noNumber';
  const wanted = draft.rules.callBackWish({
    lineId: facts.lineId ?? '',
    atMs: scheduleInstant(draft.state, draft.nowMs),
    wish: asked.wish,
    number,
    ...(localHour === undefined ? {} : { localHour }),
  });
  if (wanted === 'zoneUnknown') return wanted;
  const { wish: asIf, utcOffsetMinutes } = wanted;
  const wish = asIf.kind === 'at' ? { ...asIf, atMs: asIf.atMs - (hoursAhead(draft.state) ?? 0) } : asIf;
  const where = utcOffsetMinutes === undefined ? {} : { utcOffsetMinutes };
  return promise(draft, 'ownCallBack', { topic, number, wish, ...where }) ? 'asked' : 'noRoom';
}

/** The concluded end without asking, where callers of his queue are called back and his number is known. */
export function concludeByCallBack(draft: Draft): boolean {
  const { phase, facts } = draft.state;
  if (phase.name !== 'queued' || facts.ani === '') return false;
  const wish: CallBackWish = { kind: 'soon', onlyToday: true };
  return promise(draft, 'concludedCallBack', { topic: phase.topic, number: facts.ani, wish });
}

/** A request left while nobody is there is spread over the first hour with the call-backs of the night; it stands whatever becomes of its call-back. */
function callBackForRequest(draft: Draft, event: Extract<ContactEvent, { type: 'requestStored' }>): void {
  const { caseId, topic = '', callBackNumber: number = '' } = event;
  const { facts, callBacks = [] } = draft.state;
  const { lineId = '' } = facts;
  if (number === '' || callBacks.some(({ state }) => state !== 'found')) return;
  if (draft.rules.lineHours(lineId, scheduleInstant(draft.state, draft.nowMs))?.open !== false) return;
  const queueId = queueToCallFrom(draft, topic);
  if (queueId === undefined || draft.rules.queue(queueId)?.callBacks?.requestsOfTheNight !== true) return;
  promise(draft, 'requestCallBack', { topic, number, wish: { kind: 'nextOpening' }, caseId });
}

function queueToCallFrom({ state, rules }: Draft, topic: string): string | undefined {
  return state.facts.queueId ?? rules.callBackQueue(state.facts.lineId ?? '', topic);
}

/** False: nobody is called back from his queue. */
function promise(
  draft: Draft,
  as: Promising,
  what: {
    readonly topic: string;
    readonly number: string;
    readonly wish: CallBackWish;
    readonly utcOffsetMinutes?: number;
    readonly caseId?: CaseId;
  },
): boolean {
  const { facts, earned } = draft.state;
  const { lineId = '', language, enqueuedAtMs = draft.nowMs } = facts;
  const queueId = queueToCallFrom(draft, what.topic);
  if (queueId === undefined || draft.rules.queue(queueId)?.callBacks === undefined) return false;
  const placeMs = Math.min(enqueuedAtMs, earned?.placeMs ?? enqueuedAtMs);
  const idempotencyKey = newName<string>(draft, 'r');
  setPromising(draft, { ...draft.state.promising, [idempotencyKey]: as });
  const hoursAheadMs = hoursAhead(draft.state);
  const hours = hoursAheadMs === undefined ? {} : { hoursAheadMs };
  emit(draft, { type: 'promiseCallBack', idempotencyKey, lineId, queueId, language, placeMs, ...what, ...hours });
  return true;
}

/** Of the concluded end: the contact is not forgotten before the answer has come. */
export function awaitRequest(draft: Draft, idempotencyKey: string): void {
  setPromising(draft, { ...draft.state.promising, [idempotencyKey]: 'concludedRequest' });
}

/** What concerns promises, in whatever phase; false: the event is none of these. */
export function takePromise(draft: Draft, event: ContactEvent): boolean {
  switch (event.type) {
    case 'callerKnown':
      onCallerKnown(draft, event);
      return true;
    case 'callBackHeld':
      onCallBackHeld(draft, event);
      return true;
    case 'callBackPromised':
      onPromised(draft, event);
      break;
    case 'callBackRefused':
      onRefused(draft, event);
      break;
    case 'effectFailed':
      if (!isConcludedRequest(draft.state, event.idempotencyKey)) return onEffectFailed(draft, event);
      answered(draft, event.idempotencyKey ?? '');
      note(draft, 'requestFailed', { why: event.why });
      break;
    default:
      return false;
  }
  finishWhenDone(draft);
  return true;
}

function onEffectFailed(draft: Draft, event: Extract<ContactEvent, { type: 'effectFailed' }>): boolean {
  const { effect, why, idempotencyKey = '' } = event;
  switch (effect) {
    case 'promiseCallBack':
      note(draft, 'callBackFailed', { why });
      refuse(draft, answered(draft, idempotencyKey), { kind: 'callBackRefused', why: 'failed' });
      finishWhenDone(draft);
      return true;
    case 'storeRequest':
      // What he asked for himself: the concluded end does not wait for it any more, and a flow is told.
      draft.state = { ...draft.state, requestAsked: false };
      finishWhenDone(draft);
      return false;
    case 'lookUpCaller':
    case 'holdCallBack': // it may have been done all the same: let go of with the contact
    case 'letGoCallBack':
    case 'cancelCallBack':
    case 'closeRequest':
      return true;
    default:
      return false;
  }
}

function isConcludedRequest({ promising = {} }: ContactState, key: string | undefined): boolean {
  return key !== undefined && promising[key] === 'concludedRequest';
}

function onPromised(draft: Draft, event: Extract<ContactEvent, { type: 'callBackPromised' }>): void {
  const { callBackId, queueId, placeMs, dueAtMs, idempotencyKey } = event;
  const as = answered(draft, idempotencyKey);
  const { callBacks = [] } = draft.state;
  const isKnown = callBacks.some((one) => one.callBackId === callBackId && one.state === 'held');
  if (as === undefined && isKnown) return;
  const ofRequest = as === 'requestCallBack';
  const made: KnownCallBack = { callBackId, queueId, placeMs, state: 'held', ...(ofRequest && { ofRequest }) };
  setCallBacks(draft, [...callBacks.filter((one) => one.callBackId !== callBackId), made]);
  setFacts(draft, { callBackId });
  note(draft, 'callBackPromised', { callBackId, queueId, dueAtMs, by: as ?? 'recovery' });
  const { phase, facts } = draft.state;
  if (isServed(draft.state)) {
    cancelCallBacks(draft, 'answeredLive');
  } else if (phase.name === 'closing') {
    if (!ofRequest) setFacts(draft, { outcome: 'callBackPromised' });
    letGoCallBacks(draft);
  } else if (ofRequest) {
    return; // held until he has gone; with his request he was told that he will be called
  } else if (as === 'concludedCallBack') {
    // He has left a request of his own meanwhile: that is what he wants.
    if (facts.caseId === undefined) updateCallBack(draft, callBackId, { concluded: 'untold' });
    else cancelCallBacks(draft, 'replaced', ({ callBackId: id }) => id === callBackId);
  } else {
    replaceConcluded(draft);
    const at = spoken(draft, dueAtMs);
    // Come too late for the flow that asked for it: told while he waits.
    if (feed(draft, { kind: 'callBackPromised', at }) === 'ignored')
      updateCallBack(draft, callBackId, { untold: { dueAtMs } });
  }
}

function onRefused(draft: Draft, event: Extract<ContactEvent, { type: 'callBackRefused' }>): void {
  const { idempotencyKey, why, nextAtMs } = event;
  note(draft, 'callBackNotPromised', { why });
  const next = nextAtMs === undefined ? {} : { next: spoken(draft, nextAtMs) };
  refuse(draft, answered(draft, idempotencyKey), { kind: 'callBackRefused', why, ...next });
}

/** By the clock on the line's wall, or what it would show at a test call's instant. */
function spoken({ state, nowMs, rules }: Draft, atMs: number): SpokenInstant {
  return rules.spoken(state.facts.lineId ?? '', scheduleInstant(state, atMs), scheduleInstant(state, nowMs));
}

/** The concluded end is a request then. */
function refuse(draft: Draft, as: Promising | undefined, input: Parameters<typeof feed>[1]): void {
  const { phase } = draft.state;
  if (as === 'requestCallBack') return; // the request stands
  if (as === 'ownCallBack') feed(draft, input);
  else if ((phase.name === 'queued' || phase.name === 'joining') && phase.ladder !== undefined)
    setPhase(draft, { ...phase, ladder: { ...phase.ladder, conclusion: 'request' } });
}

/** What the caller is to be told of a request that is stored. */
export type KeptRequest = 'own' | 'concluded' | 'replaced' | 'knownBefore';

/** The contact has a request under this number. After a restart it may be told so again. */
export function keepRequest(draft: Draft, event: Extract<ContactEvent, { type: 'requestStored' }>): KeptRequest {
  const { caseId, caseNumber, idempotencyKey = '' } = event;
  const isConcluded = answered(draft, idempotencyKey) === 'concludedRequest';
  const { facts } = draft.state;
  if (facts.caseId === caseId) return 'knownBefore';
  note(draft, 'requestStored', { caseNumber });
  if (isConcluded && facts.caseId !== undefined) {
    // He has left his own meanwhile.
    emit(draft, { type: 'closeRequest', caseId, why: 'replaced' });
    return 'replaced';
  }
  if (!isConcluded) replaceConcluded(draft);
  setFacts(draft, { caseId });
  if (isConcluded) draft.state = { ...draft.state, concluded: { caseId } };
  if (isConcluded && isServed(draft.state)) closeConcluded(draft, 'answeredLive');
  if (!isConcluded && !isServed(draft.state)) callBackForRequest(draft, event);
  return isConcluded ? 'concluded' : 'own';
}

/** He has made his own promise before he heard of the one that was made for him: only his own stands. */
function replaceConcluded(draft: Draft): void {
  cancelCallBacks(draft, 'replaced', ({ concluded }) => concluded === 'untold');
  const { phase, concluded } = draft.state;
  if (concluded === undefined || concluded.told === true) return;
  if (phase.name === 'queued' || phase.name === 'joining') {
    const { numberToTell: _never, ...waiting } = phase;
    setPhase(draft, waiting);
  }
  const { caseId: _replaced, ...facts } = draft.state.facts;
  draft.state = { ...draft.state, facts };
  closeConcluded(draft, 'replaced');
}

/** Joined with an operator: nobody needs to call him, nor to work on what was written down only because he waited. */
export function endPromises(draft: Draft): void {
  cancelCallBacks(draft, 'answeredLive');
  holdCallBacks(draft, ['found', 'dialling']);
  closeConcluded(draft, 'answeredLive');
}

function closeConcluded(draft: Draft, why: 'answeredLive' | 'replaced'): void {
  const { concluded, ...state } = draft.state;
  if (concluded === undefined) return;
  draft.state = state;
  note(draft, 'requestClosed', { why });
  emit(draft, { type: 'closeRequest', caseId: concluded.caseId, why });
}

/** The contact is over: who was not served is called back. */
export function letGoCallBacks(draft: Draft): void {
  const isOver = isServed(draft.state);
  if (isOver) holdCallBacks(draft, ['found', 'dialling']);
  for (const { callBackId } of (draft.state.callBacks ?? []).filter(isHis)) {
    if (isOver) {
      // Behind the asking: held by then, unless it is dialled still.
      emit(draft, { type: 'cancelCallBack', callBackId, why: 'answeredLive' });
      continue;
    }
    note(draft, 'callBackLetGo', { callBackId });
    emit(draft, { type: 'letGoCallBack', callBackId });
  }
  setCallBacks(draft, []);
}

function cancelCallBacks(
  draft: Draft,
  why: 'answeredLive' | 'replaced',
  which: (one: KnownCallBack) => boolean = () => true,
): void {
  const { callBacks = [] } = draft.state;
  const over = callBacks.filter((one) => isHis(one) && which(one));
  for (const { callBackId } of over) {
    note(draft, 'callBackCancelled', { callBackId, why });
    emit(draft, { type: 'cancelCallBack', callBackId, why });
  }
  const queues = new Set(why === 'answeredLive' ? over.map(({ queueId }) => queueId) : []);
  if (over.length > 0)
    setCallBacks(
      draft,
      callBacks.filter((one) => !over.includes(one) && !queues.has(one.queueId)),
    );
}

/** An operator has him, or had. */
export function isServed({ phase, facts }: ContactState): boolean {
  return phase.name === 'talking' || facts.outcome === 'answeredByOperator';
}

/** The answer to this key has come: what it was asked for. */
function answered(draft: Draft, key: string): Promising | undefined {
  const { promising = {} } = draft.state;
  const { [key]: as, ...others } = promising;
  if (as !== undefined) setPromising(draft, others);
  return as;
}

function setPromising(draft: Draft, promising: Readonly<Record<string, Promising>>): void {
  const { promising: _before, ...state } = draft.state;
  draft.state = Object.keys(promising).length === 0 ? state : { ...state, promising };
}

export function setCallBacks(draft: Draft, callBacks: readonly KnownCallBack[]): void {
  if (callBacks.length === 0 && draft.state.callBacks === undefined) return;
  const { callBacks: _before, ...state } = draft.state;
  draft.state = callBacks.length === 0 ? state : { ...state, callBacks };
}

export function updateCallBack(draft: Draft, callBackId: CallBackId, change: Partial<KnownCallBack>): void {
  const { callBacks = [] } = draft.state;
  setCallBacks(
    draft,
    callBacks.map((one) => (one.callBackId === callBackId ? { ...one, ...change } : one)),
  );
}

/** He is on the line by himself and served: one that was found too late is held only to be cancelled. */
export function cancelHeldLate(draft: Draft): void {
  if (isServed(draft.state)) cancelCallBacks(draft, 'answeredLive', ({ state }) => state === 'held');
}
