/**
 * The hotline's figures, one formula each; docs/metrics.md has them in words. All durations in milliseconds, shares 0–1;
 * undefined where there is nothing to divide by (no contact is neither 0 % nor 100 %).
 */

/** A contact that entered a queue and is over. */
export interface QueuedContact {
  /** From entering the queue to an operator, or to leaving. */
  readonly waitMs: number;
  /** `otherwise`: left the queue for something the hotline offered (a request, a call-back). */
  readonly end: 'answered' | 'abandoned' | 'otherwise';
  /** Answered contacts only, once the conversation is over. */
  readonly talkMs?: number;
  readonly wrapUpMs?: number;
}

/** Who leaves this soon has not been failed by the queue (a wrong number, a changed mind). */
export const shortAbandonMs = 5_000;

export function isShortAbandon(contact: QueuedContact, thresholdMs = shortAbandonMs): boolean {
  return contact.end === 'abandoned' && contact.waitMs <= thresholdMs;
}

/** Share answered within `withinMs` of all that entered the queue, short abandons left out. */
export function serviceLevel(contacts: readonly QueuedContact[], withinMs: number): number | undefined {
  const counted = contacts.filter((contact) => !isShortAbandon(contact));
  const inTime = counted.filter((contact) => contact.end === 'answered' && contact.waitMs <= withinMs);
  return ratio(inTime.length, counted.length);
}

/** Share that left before an operator, of all that entered the queue, short abandons left out of both. */
export function abandonedShare(contacts: readonly QueuedContact[]): number | undefined {
  const counted = contacts.filter((contact) => !isShortAbandon(contact));
  return ratio(counted.filter((contact) => contact.end === 'abandoned').length, counted.length);
}

/** ASA: mean wait of those who were answered. */
export function averageSpeedOfAnswerMs(contacts: readonly QueuedContact[]): number | undefined {
  const answered = contacts.filter((contact) => contact.end === 'answered');
  return ratio(sum(answered.map((contact) => contact.waitMs)), answered.length);
}

/** AHT: mean of talk and wrap-up together, of those who were answered and whose conversation is over. */
export function averageHandlingTimeMs(contacts: readonly QueuedContact[]): number | undefined {
  const handled = contacts.filter((contact) => contact.end === 'answered' && contact.talkMs !== undefined);
  return ratio(sum(handled.map(({ talkMs = 0, wrapUpMs = 0 }) => talkMs + wrapUpMs)), handled.length);
}

/** An operator's time in a period, by work state while presence was `ready`; what was `notReady` is in none of them. */
export interface OperatorTime {
  readonly idleMs: number;
  /** An offer ringing at him. */
  readonly offeredMs: number;
  readonly connectedMs: number;
  readonly wrapUpMs: number;
}

/** Share of ready time spent on contacts: ringing is waiting, not work. */
export function occupancy(time: OperatorTime): number | undefined {
  const busyMs = time.connectedMs + time.wrapUpMs;
  return ratio(busyMs, busyMs + time.idleMs + time.offeredMs);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function ratio(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}
