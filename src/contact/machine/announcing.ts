import type { PlaybackId } from '../../foundation/index.ts';
import {
  type Announcements,
  announcementEnded,
  keyWhileWaiting,
  type SayItem,
  tell,
  tellAtOnce,
} from '../../ivr/index.ts';
import type { ContactEvent } from '../events.ts';
import type { PlaceQuestion, QueuedPhase } from '../state.ts';
import type { TimelineEntry } from '../store-ports.ts';
import { cancelTimer, type Draft, emit, newName, note, setPhase, startTimer } from './draft.ts';
import { offerChoiceIfLong } from './ladder.ts';
import { longestPlaybackMs, publicMedia } from './prompts.ts';
import { startVisit } from './visit.ts';
import { keepTimer } from './wait-timers.ts';

/** Music only: nobody is rung for him, nothing is said to him, no flow has him. */
export function hearsMusic({ playback, offer, visit }: QueuedPhase): boolean {
  return playback === undefined && offer === undefined && visit === undefined;
}

/** Wakes when the next announcement is due; asking for one is `askPlace`, saying it comes with the answer. */
export function followAnnouncements(draft: Draft): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.told === undefined) return;
  // Lost while an operator had answered and was gone again.
  if (phase.told.nextAtMs === undefined && phase.playback === undefined) announcementOver(draft);
  const { phase: now } = draft.state;
  if (now.name !== 'queued') return;
  const due = hearsMusic(now) && !now.asking?.includes('announcement') ? now.told?.nextAtMs : undefined;
  keepTimer(draft, 'tell', due);
}

/** Several questions at once are one round trip: what is under way answers them all. */
export function askPlace(draft: Draft, question: PlaceQuestion): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued') return;
  const { asking = [] } = phase;
  if (asking.includes(question)) return;
  setPhase(draft, { ...phase, asking: [...asking, question] });
  if (asking.length === 0) emit(draft, { type: 'askPlace' });
}

export function onPlaceKnown(
  draft: Draft,
  phase: QueuedPhase,
  known: Omit<Extract<ContactEvent, { type: 'placeKnown' }>, 'type'>,
): void {
  const { asking = [], ...rest } = phase;
  if (phase.asking !== undefined) setPhase(draft, rest);
  const { position, estimateMs } = known;
  if (known.atArrival && position !== undefined) note(draft, 'placeTold', { position });
  for (const question of asking) {
    switch (question) {
      case 'arrival':
      case 'rung':
        if (position !== undefined) offerChoiceIfLong(draft, question, estimateMs);
        break;
      case 'announcement':
      case 'caller':
        tellPlace(draft, question, known);
        break;
    }
  }
}

function tellPlace(
  draft: Draft,
  question: 'announcement' | 'caller',
  { position, estimateMs }: { readonly position?: number; readonly estimateMs?: number },
): void {
  const settings = settingsOf(draft);
  if (question === 'caller') quieten(draft);
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.told === undefined || settings === undefined) return;
  if (question === 'caller' && phase.visit !== undefined) return;
  const moment = {
    nowMs: draft.nowMs,
    ...(position === undefined ? {} : { place: position }),
    ...(estimateMs === undefined ? {} : { estimateMs }),
  };
  const { say, told } =
    question === 'caller'
      ? tellAtOnce(settings, phase.told, moment)
      : tell(settings, phase.told, { ...moment, hearing: hearsMusic(phase) ? 'music' : 'other' });
  setPhase(draft, { ...phase, told });
  if (say.length === 0) return;
  const isTold = { place: say.some((item) => 'place' in item), wait: say.some((item) => 'wait' in item) };
  announce(draft, say, {
    ...(isTold.place && position !== undefined ? { position } : {}),
    ...(isTold.wait && estimateMs !== undefined ? { estimateMs } : {}),
  });
}

/** Says something to a caller who is in no flow, into his bridge where he has one; music resumes by itself. */
export function announce(draft: Draft, say: readonly SayItem[], facts: TimelineEntry['facts'] = {}): void {
  const { phase, callerLegId } = draft.state;
  if (phase.name !== 'queued') return;
  const playbackId = newName<PlaybackId>(draft, 'p');
  const media = draft.rules.render(say, draft.state.facts.language);
  const { nextAtMs: _speaking, ...told } = phase.told ?? { announcements: 0, comforts: 0 };
  setPhase(draft, { ...phase, playback: playbackId, ...(phase.told === undefined ? {} : { told }) });
  startTimer(draft, 'playback', longestPlaybackMs);
  note(draft, 'announced', { prompts: publicMedia(media), ...facts });
  const { holdingBridgeId: bridgeId } = phase;
  emit(
    draft,
    bridgeId === undefined
      ? { type: 'playToLeg', playbackId, legId: callerLegId, media }
      : { type: 'playToBridge', playbackId, bridgeId, media },
  );
}

/** What was being said has ended, or a flow has let go of the caller. */
export function announcementOver(draft: Draft): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued') return;
  const { playback: _over, ...rest } = phase;
  const settings = settingsOf(draft);
  // The welcome is none of the announcements: the first keeps its time.
  const isWelcome = phase.playback !== undefined && phase.told?.nextAtMs !== undefined;
  const told =
    phase.told === undefined || settings === undefined || isWelcome
      ? phase.told
      : announcementEnded(settings, phase.told, draft.nowMs);
  cancelTimer(draft, 'playback');
  setPhase(draft, { ...rest, ...(told === undefined ? {} : { told }) });
}

/** Stops what is being said, for something the caller wants or has to hear now. */
export function quieten(draft: Draft): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.playback === undefined) return;
  emit(draft, { type: 'stopPlayback', playbackId: phase.playback });
  announcementOver(draft);
}

/** A key at any time; one that means nothing here stops nothing. */
export function onKeyWhileWaiting(draft: Draft, phase: QueuedPhase, digit: string): void {
  const settings = settingsOf(draft);
  if (settings === undefined || phase.told === undefined) return;
  const { does, told } = keyWhileWaiting(settings, phase.told, { key: digit, nowMs: draft.nowMs });
  setPhase(draft, { ...phase, told });
  if (does === undefined) return;
  quieten(draft);
  if ('node' in does) startVisit(draft, does.node);
  else if (does.does === 'tell') askPlace(draft, 'caller');
}

function settingsOf(draft: Draft): Announcements | undefined {
  const { phase, facts } = draft.state;
  return phase.name === 'queued' ? draft.rules.waiting(phase.queueId, facts.lineId).announcements : undefined;
}
