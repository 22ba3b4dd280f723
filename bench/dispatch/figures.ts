import { sumOf } from '../measure/figures.ts';
import type { CallerCall, PhoneCall } from './messages.ts';

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * A caller counts as waiting this long after the exchange has answered him: he is in the queue by then, or the exchange is so late
 * with him that it is its own fault.
 */
const settledAfterMs = 100;
/** A phone that hung up this near to the end of the window may be called after it: longer than app_queue's longest pause. */
const tailMs = 6_000;

/**
 * From an operator's hanging up to the next call at his phone, where somebody was waiting already: more callers have been answered than
 * phones were called. Both sides are SIPp's own clock.
 */
export function gaps(phones: readonly PhoneCall[], callers: readonly CallerCall[], window: Window): readonly number[] {
  const invitations = phones.map((call) => call.invitedAtMs).sort((a, b) => a - b);
  const arrivals = callers
    .flatMap(({ answeredAtMs }) => (answeredAtMs === undefined ? [] : [answeredAtMs + settledAfterMs]))
    .sort((a, b) => a - b);
  const byPhone = new Map<string, PhoneCall[]>();
  for (const call of phones) byPhone.set(call.extension, [...(byPhone.get(call.extension) ?? []), call]);
  const found: number[] = [];
  for (const calls of byPhone.values()) {
    calls.sort((a, b) => a.invitedAtMs - b.invitedAtMs);
    for (const [i, { hungUpAtMs }] of calls.entries()) {
      if (hungUpAtMs === undefined || hungUpAtMs < window.fromMs || hungUpAtMs > window.toMs - tailMs) continue;
      if (countUpTo(arrivals, hungUpAtMs) <= countUpTo(invitations, hungUpAtMs)) continue;
      const next = calls[i + 1];
      // Not called again at all: he waited at least until the window's end.
      found.push((next?.invitedAtMs ?? window.toMs) - hungUpAtMs);
    }
  }
  return found;
}

/** How many of the sorted values are not above `limit`. */
function countUpTo(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Conversations that ended within the window as they should: the operator hung up. */
export function completedIn(phones: readonly PhoneCall[], window: Window): readonly PhoneCall[] {
  return phones.filter(
    ({ hungUpAtMs, acknowledgedAtMs }) =>
      acknowledgedAtMs !== undefined &&
      hungUpAtMs !== undefined &&
      hungUpAtMs >= window.fromMs &&
      hungUpAtMs < window.toMs,
  );
}

export function perSecond(count: number, window: Window): number {
  return (count / (window.toMs - window.fromMs)) * 1_000;
}

/** What a conversation keeps an operator busy at the least: set-up (invitation to acknowledgement) and talk. */
export function busySeconds(completed: readonly PhoneCall[]): { readonly setUp: number; readonly talk: number } {
  const setUps = completed.map((call) => (call.acknowledgedAtMs ?? 0) - call.invitedAtMs);
  const talks = completed.map((call) => (call.hungUpAtMs ?? 0) - (call.acknowledgedAtMs ?? 0));
  return { setUp: sumOf(setUps) / setUps.length / 1_000, talk: sumOf(talks) / talks.length / 1_000 };
}

/**
 * Callers who were refused, kept without an answer for ten seconds, or sent away before anybody can have talked to them; phones whose call
 * was taken back. `untilMs`: what is ended on purpose afterwards does not count.
 */
export function failures(
  phones: readonly PhoneCall[],
  callers: readonly CallerCall[],
  options: { readonly talkMs: number; readonly untilMs: number },
): number {
  const { talkMs, untilMs } = options;
  const answerLimitMs = 10_000;
  const failedCallers = callers.filter(({ sentAtMs, answeredAtMs, endedAtMs, refusedWith }) => {
    if (sentAtMs > untilMs) return false;
    if (refusedWith !== undefined) return true;
    if (answeredAtMs === undefined) return sentAtMs + answerLimitMs < untilMs;
    return (
      answeredAtMs - sentAtMs > answerLimitMs ||
      (endedAtMs !== undefined && endedAtMs < untilMs && endedAtMs - answeredAtMs < talkMs)
    );
  });
  const takenBack = phones.filter(({ takenBackAtMs }) => takenBackAtMs !== undefined && takenBackAtMs < untilMs);
  return failedCallers.length + takenBack.length;
}
