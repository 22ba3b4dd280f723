import {
  isChoiceOffered,
  isChoiceOfferedAtOnce,
  type Ladder,
  ladderAt,
  ladderHeadStartMs,
  stayingHeadStartMs,
} from '../../acd/index.ts';
import { secondMs } from '../../foundation/index.ts';
import { heldNumber, waitToSay } from '../../ivr/index.ts';
import type { JoiningPhase, KnownCallBack, LadderProgress, QueuedPhase } from '../state.ts';
import { announce, askPlace, hearsMusic, quieten } from './announcing.ts';
import { type Draft, emit, note, setPhase } from './draft.ts';
import {
  awaitRequest,
  concludeByCallBack,
  holdsPromise,
  isMakingHisOwn,
  mayHoldPromise,
  setCallBacks,
} from './promising.ts';
import { withEarned } from './returning.ts';
import { storeRequest } from './spoken-message.ts';
import { startVisit } from './visit.ts';
import { keepTimer } from './wait-timers.ts';

/**
 * What a promise takes to be written down, on a busy day too: begun at the latest moment it would always be kept after it, and service level counts what is
 * kept by then. Far less than a flow or a ringing phone is given.
 */
const writingDownMs = secondMs;

/**
 * Does what the queue's ladder has for a caller at this moment of his wait; time decides, so a look that comes late (after a restart,
 * or because an operator answered and was gone) takes what was missed. Rungs that only change who may serve are the store's.
 */
export function followLadder(draft: Draft): void {
  tellCallBack(draft);
  tellNumber(draft);
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.ladder === undefined) return;
  const ladder = draft.rules.queue(phase.queueId)?.ladder;
  if (ladder === undefined) return;
  takeRungs(draft, ladder, phase);
  conclude(draft, ladder);
  offerChoice(draft);
  stay(draft, ladder);
  keepTimer(draft, 'ladder', nextLookMs(draft, ladder));
}

function takeRungs(draft: Draft, ladder: Ladder, phase: QueuedPhase): void {
  const { enqueuedAtMs } = phase;
  const { due, taken } = ladderAt(ladder, { enqueuedAtMs, nowMs: draft.nowMs, taken: phase.ladder?.taken ?? 0 });
  if (due.length === 0) return;
  const isConcluded = due.some((rung) => rung.do === 'conclude');
  change(draft, (progress) => ({ ...progress, taken, ...(isConcluded ? { conclusion: 'due' } : {}) }));
  for (const rung of due) {
    note(draft, 'rungTaken', { rung: rung.do, afterMs: rung.afterMs });
    if (rung.do === 'raise') {
      const headStartMs = withEarned(draft.state, enqueuedAtMs, rung.headStartMs);
      emit(draft, { type: 'setHeadStart', headStartMs });
    }
    if (rung.do === 'offerChoice' && !isConcluded && mayChoose(draft)) askPlace(draft, 'rung');
  }
}

/** Who holds a number has chosen. */
function mayChoose(draft: Draft): boolean {
  const { phase, facts } = draft.state;
  if (phase.name !== 'queued' || holdsPromise(draft.state, phase.queueId) || isMakingHisOwn(draft.state)) return false;
  return draft.rules.waiting(phase.queueId, facts.lineId).choiceNode !== undefined;
}

/** On arrival, or at a rung that offers it: when the wait is estimated to be too long for the promise. */
export function offerChoiceIfLong(draft: Draft, when: 'arrival' | 'rung', estimateMs: number | undefined): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.ladder === undefined || !mayChoose(draft)) return;
  const ladder = draft.rules.queue(phase.queueId)?.ladder;
  if (ladder === undefined) return;
  const rung = ladder.rungs.slice(0, phase.ladder.taken).findLast((one) => one.do === 'offerChoice');
  const isLong =
    when === 'arrival'
      ? phase.offer === undefined && isChoiceOfferedAtOnce(ladder, estimateMs)
      : rung !== undefined && isChoiceOffered(rung, estimateMs);
  if (!isLong) return;
  change(draft, (progress) => ({ ...progress, choice: estimateMs === undefined ? {} : { estimateMs } }));
}

/** When nothing else is being said, nobody is rung for him, and it is known that he holds no number already. */
function offerChoice(draft: Draft): void {
  const { phase, facts } = draft.state;
  if (phase.name !== 'queued' || phase.ladder?.choice === undefined) return;
  const isPast = !mayChoose(draft) || phase.ladder.conclusion !== undefined;
  if (!isPast && (!hearsMusic(phase) || mayHoldPromise(draft.state, phase.queueId))) return;
  const { estimateMs } = phase.ladder.choice;
  change(draft, ({ choice: _offered, ...progress }) => progress);
  const { choiceNode } = draft.rules.waiting(phase.queueId, facts.lineId);
  if (isPast || choiceNode === undefined) return;
  if (estimateMs === undefined) {
    note(draft, 'choiceOffered');
    startVisit(draft, choiceNode);
    return;
  }
  note(draft, 'choiceOffered', { estimateMs });
  const { wait, said } = waitToSay(estimateMs, draft.nowMs, phase.told?.wait);
  const { phase: now } = draft.state;
  if (now.name === 'queued' && now.told !== undefined) setPhase(draft, { ...now, told: { ...now.told, wait: said } });
  startVisit(draft, choiceNode, wait);
}

/**
 * The concluded end without asking: a call-back of today or else a request is written down. Not while a phone rings for him or he is in a
 * flow, where he may be making his own; but by the latest moment in any case.
 */
function conclude(draft: Draft, ladder: Ladder): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.ladder?.conclusion === undefined) return;
  const { conclusion } = phase.ladder;
  const isHeld = holdsPromise(draft.state, phase.queueId);
  if (!isHeld && isMakingHisOwn(draft.state)) return; // his own is on its way; should it fail, this one is stored
  const mayWait = phase.offer !== undefined || phase.visit !== undefined;
  if (!isHeld && mayWait && draft.nowMs < concludesAtMs(phase, ladder)) return;
  change(draft, ({ conclusion: _due, ...progress }) => progress);
  if (isHeld) return;
  if (conclusion === 'due' && concludeByCallBack(draft)) {
    note(draft, 'concluded', { by: 'callBack' });
    return;
  }
  awaitRequest(draft, storeRequest(draft, { topic: phase.topic, callBackNumber: 'ani' }));
  note(draft, 'concluded', { by: 'request' });
}

/** Told only after it is promised, as below. */
function tellCallBack(draft: Draft): void {
  const { phase, facts, callBacks = [] } = draft.state;
  const made = callBacks.find(({ concluded, untold }) => concluded === 'untold' || untold !== undefined);
  if (phase.name !== 'queued' || made === undefined || phase.visit !== undefined) return;
  quieten(draft);
  const { untold, ...told } = made;
  const isOwn = untold !== undefined;
  const say = isOwn
    ? draft.rules.promisedSpeech(facts.lineId ?? '', untold.dueAtMs, draft.nowMs)
    : [{ prompt: 'concluded-call-back' }];
  const heard: KnownCallBack = isOwn ? told : { ...told, concluded: 'told' };
  setCallBacks(
    draft,
    callBacks.map((one) => (one === made ? heard : one)),
  );
  announce(draft, [...say, { prompt: 'call-back-or-stay' }]);
}

/** Told only after it is stored; also while a phone rings, as the promise is one of time. Not over a flow he is in. */
function tellNumber(draft: Draft): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.numberToTell === undefined || phase.visit !== undefined) return;
  quieten(draft);
  const { phase: now } = draft.state;
  if (now.name !== 'queued' || now.numberToTell === undefined) return;
  const { numberToTell, ...waiting } = now;
  setPhase(draft, waiting);
  const { concluded } = draft.state;
  if (concluded !== undefined) draft.state = { ...draft.state, concluded: { ...concluded, told: true } };
  announce(draft, [
    { prompt: 'concluded-request' },
    ...heldNumber('request-number', numberToTell),
    { prompt: 'request-or-stay' },
  ]);
}

/** Past the latest moment, who holds a number comes after all who can still be answered in time. */
function stay(draft: Draft, ladder: Ladder): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.ladder?.staying === true || !holdsPromise(draft.state, phase.queueId)) return;
  if (draft.nowMs < latestAtMs(phase, ladder)) return;
  change(draft, (progress) => ({ ...progress, staying: true }));
  note(draft, 'staysOnLine');
  const headStartMs = withEarned(draft.state, phase.enqueuedAtMs, stayingHeadStartMs);
  emit(draft, { type: 'setHeadStart', headStartMs });
}

function nextLookMs(draft: Draft, ladder: Ladder): number | undefined {
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.ladder === undefined) return undefined;
  const { enqueuedAtMs } = phase;
  const { nextAtMs } = ladderAt(ladder, { enqueuedAtMs, nowMs: draft.nowMs, taken: phase.ladder.taken });
  const putOff = phase.ladder.conclusion === undefined ? [] : [concludesAtMs(phase, ladder)];
  return nextAtMs ?? [...putOff, latestAtMs(phase, ladder)].find((atMs) => draft.nowMs < atMs);
}

const latestAtMs = ({ enqueuedAtMs }: QueuedPhase, ladder: Ladder): number => enqueuedAtMs + ladder.latestMs;

/** When the concluded end is put off no longer. */
function concludesAtMs({ enqueuedAtMs }: QueuedPhase, { rungs, latestMs }: Ladder): number {
  return enqueuedAtMs + Math.max(rungs.at(-1)?.afterMs ?? 0, latestMs - writingDownMs);
}

/** The head start that the contact has earned on its ladder and by a place it had before. */
export function headStartNow(draft: Draft, phase: QueuedPhase | JoiningPhase): number {
  const { queueId, enqueuedAtMs, ladder: progress } = phase;
  const ladder = draft.rules.queue(queueId)?.ladder;
  const waitedMs = draft.nowMs - enqueuedAtMs;
  const ofLadder = ladder === undefined || progress === undefined ? 0 : ladderHeadStartMs(ladder, waitedMs);
  return withEarned(draft.state, enqueuedAtMs, progress?.staying === true ? stayingHeadStartMs : ofLadder);
}

function change(draft: Draft, to: (progress: LadderProgress) => LadderProgress): void {
  const { phase } = draft.state;
  if (phase.name === 'queued' && phase.ladder !== undefined) setPhase(draft, { ...phase, ladder: to(phase.ladder) });
}
