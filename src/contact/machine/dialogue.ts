import type { PlaybackId } from '../../foundation/index.ts';
import type { ContactPhase, Dialogue } from '../state.ts';
import { type Draft, setPhase } from './draft.ts';

/** The flow the caller is in: of the voice phase, or of a visit while he waits. */
export function dialogueOf(phase: ContactPhase): Dialogue | undefined {
  if (phase.name === 'voice') return phase;
  return phase.name === 'queued' ? phase.visit : undefined;
}

/** The one playback that the caller is hearing, as far as we know. */
export function playbackUnderWay(phase: ContactPhase): PlaybackId | undefined {
  if (phase.name === 'queued') return phase.visit?.playback ?? phase.playback;
  return phase.name === 'voice' || phase.name === 'dialling' || phase.name === 'talking' ? phase.playback : undefined;
}

export function setFlow(draft: Draft, flow: Dialogue['flow']): void {
  change(draft, (dialogue) => ({ ...dialogue, flow }));
}

export function setPlayback(draft: Draft, playback: PlaybackId | undefined): void {
  change(draft, ({ playback: _before, ...rest }) => ({ ...rest, ...(playback === undefined ? {} : { playback }) }));
}

export function setMessageSince(draft: Draft, messageSinceMs: number | undefined): void {
  change(draft, ({ messageSinceMs: _before, ...rest }) => ({
    ...rest,
    ...(messageSinceMs === undefined ? {} : { messageSinceMs }),
  }));
}

function change(draft: Draft, to: (dialogue: Dialogue) => Dialogue): void {
  const { phase } = draft.state;
  if (phase.name === 'voice') {
    const { name, endAfterPlayback, ...dialogue } = phase;
    setPhase(draft, { name, ...to(dialogue), ...(endAfterPlayback === undefined ? {} : { endAfterPlayback }) });
  } else if (phase.name === 'queued' && phase.visit !== undefined) {
    const { wait, ...dialogue } = phase.visit;
    setPhase(draft, { ...phase, visit: { ...to(dialogue), ...(wait === undefined ? {} : { wait }) } });
  }
}
