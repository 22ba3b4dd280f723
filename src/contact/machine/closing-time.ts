import { minuteMs } from '../../foundation/index.ts';
import type { LineClosing, QueuedPhase } from '../state.ts';
import { announce, hearsMusic } from './announcing.ts';
import { type Draft, note, setPhase } from './draft.ts';
import { keepSpokenMessage } from './spoken-message.ts';
import { endVisit } from './visit.ts';
import { scheduleInstant } from './voice.ts';
import { keepTimer } from './wait-timers.ts';

/** How long a flow that a caller is in may go on past the grace: longer than any message, so that he can end what he says. */
const visitLimitMs = 3 * minuteMs;

/** When the caller's line closes, where this queue says what becomes of who waits then; a line that is closed already does not close again. */
export function closingOf(draft: Draft, queueId: string): { readonly closing?: LineClosing } {
  if (draft.rules.queue(queueId)?.closing === undefined) return {};
  const atMs = closesAtMs(draft);
  return atMs === undefined || atMs === 'closed' ? {} : { closing: { state: 'open', atMs } };
}

/** Whose line has closed has his grace in whatever queue he waits. */
export function graceOf({ closing }: QueuedPhase): { readonly closing?: LineClosing } {
  return closing?.state === 'grace' ? { closing } : {};
}

/** By the clock of the contact, of which a test's instant may be far. Undefined: not within a fortnight. */
function closesAtMs(draft: Draft): number | 'closed' | undefined {
  const { lineId } = draft.state.facts;
  if (lineId === undefined) return undefined;
  const instantMs = scheduleInstant(draft.state, draft.nowMs);
  const hours = draft.rules.lineHours(lineId, instantMs);
  if (hours === undefined) return undefined;
  if (!hours.open) return 'closed';
  return hours.closesAtMs === undefined ? undefined : draft.nowMs + (hours.closesAtMs - instantMs);
}

/** The line closes while somebody waits: he is served for the queue's grace and told so once, then he is asked what is to become of his wait. */
export function followClosingTime(draft: Draft): void {
  closeLine(draft);
  tellGrace(draft);
  endGrace(draft);
  const { phase } = draft.state;
  if (phase.name === 'queued') keepTimer(draft, 'lineClosed', nextLookMs(draft, phase));
}

function closeLine(draft: Draft): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.closing?.state !== 'open' || draft.nowMs < phase.closing.atMs) return;
  if (staysOpen(draft, phase)) return;
  setPhase(draft, { ...phase, closing: { state: 'grace', atMs: phase.closing.atMs } });
  note(draft, 'lineClosed');
}

/** Asked again at the moment itself: the hours may have been prolonged. */
function staysOpen(draft: Draft, phase: QueuedPhase): boolean {
  const atMs = closesAtMs(draft);
  if (atMs === 'closed') return false;
  const { closing: _before, ...waiting } = phase;
  setPhase(draft, { ...waiting, ...(atMs === undefined ? {} : { closing: { state: 'open', atMs } }) });
  return true;
}

function tellGrace(draft: Draft): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.closing?.state !== 'grace' || phase.closing.told === true) return;
  if (!hearsMusic(phase) || draft.nowMs >= graceOverMs(draft, phase)) return;
  setPhase(draft, { ...phase, closing: { ...phase.closing, told: true } });
  announce(draft, [{ prompt: 'closing-grace' }]);
}

/** Who is being rung for is still answered, and who is in a flow ends what he does there: `followLimit` waits for both. */
function endGrace(draft: Draft): void {
  const { phase } = draft.state;
  if (phase.name !== 'queued' || phase.closing?.state !== 'grace' || draft.nowMs < graceOverMs(draft, phase)) return;
  if (phase.limitReached === undefined) {
    if (staysOpen(draft, phase)) return;
    setPhase(draft, { ...phase, limitReached: 'closed' });
  }
  if (phase.visit === undefined || draft.nowMs < graceOverMs(draft, phase) + visitLimitMs) return;
  keepSpokenMessage(draft);
  endVisit(draft);
}

function nextLookMs(draft: Draft, phase: QueuedPhase): number | undefined {
  if (phase.closing === undefined) return undefined;
  if (phase.closing.state === 'open') return phase.closing.atMs;
  const overMs = graceOverMs(draft, phase);
  if (draft.nowMs < overMs) return overMs;
  return phase.visit !== undefined && draft.nowMs < overMs + visitLimitMs ? overMs + visitLimitMs : undefined;
}

function graceOverMs(draft: Draft, { queueId, closing }: QueuedPhase): number {
  return (closing?.atMs ?? 0) + (draft.rules.queue(queueId)?.closing?.graceMs ?? 0);
}
