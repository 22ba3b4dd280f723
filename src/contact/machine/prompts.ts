import { type BridgeId, minuteMs, type PlaybackId } from '../../foundation/index.ts';
import type { ContactOutcome } from '../store-ports.ts';
import { dialogueOf, setPlayback } from './dialogue.ts';
import { cancelTimer, type Draft, emit, newName, note, setPhase, startTimer } from './draft.ts';

/** No prompt is this long: a playback whose end was never reported counts as said, so that no caller waits in silence. */
export const longestPlaybackMs = 5 * minuteMs;

/** Says one last prompt and ends the contact with `outcome`. */
export function sayLast(draft: Draft, prompt: string, outcome: ContactOutcome): void {
  setPhase(draft, { name: 'voice', flow: undefined, endAfterPlayback: outcome });
  play(draft, draft.rules.render([{ prompt }], draft.state.facts.language));
}

export function play(draft: Draft, media: readonly string[]): void {
  if (dialogueOf(draft.state.phase) === undefined) return;
  const playbackId = newName<PlaybackId>(draft, 'p');
  setPlayback(draft, playbackId);
  startTimer(draft, 'playback', longestPlaybackMs);
  note(draft, 'promptStarted', { prompts: publicMedia(media) });
  emit(draft, { type: 'playToLeg', playbackId, legId: draft.state.callerLegId, media });
}

/** In a bridge with music that resumes by itself. */
export function sayIntoBridge(
  draft: Draft,
  bridgeId: BridgeId,
  playbackId: PlaybackId,
  ...prompts: readonly BridgePrompt[]
): void {
  const say = prompts.map((prompt) => ({ prompt }));
  const media = draft.rules.render(say, draft.state.facts.language);
  emit(draft, { type: 'playToBridge', playbackId, bridgeId, media });
}

type BridgePrompt = 'call-back-operator' | 'call-back-not-reached' | 'call-back-greeting' | 'recording-notice-short';

/** What the timeline may show of what was said: whole prompts, not the digits and numbers read to the caller. */
export function publicMedia(media: readonly string[]): readonly string[] {
  return media.filter((id) => !id.includes('/numerals/'));
}

/** Stops what is being said, if anything is. */
export function stopPlay(draft: Draft): void {
  const playbackId = dialogueOf(draft.state.phase)?.playback;
  if (playbackId === undefined) return;
  emit(draft, { type: 'stopPlayback', playbackId });
  setPlayback(draft, undefined);
  cancelTimer(draft, 'playback');
}
