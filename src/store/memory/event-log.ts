import type { EventStream, StreamEvent } from '../../contact/store-ports.ts';
import type { ContactId, Logger } from '../../foundation/index.ts';
import { deliverUntilAccepted } from '../deliver.ts';
import { Signal } from './signal.ts';

/** Most that a reader is given at once. */
const batch = 256;
/** Kept behind the slowest reader, so that a live view that lost its connection can resume. */
const historyEvents = 10_000;
/** However slow a reader is, no more than this is kept: memory is bounded. */
const longestEvents = 100_000;

type Deliver = (events: readonly StreamEvent[]) => Promise<void>;

/** The common event stream in memory. Ids are "<number>-0", growing by one. */
export class EventLog implements EventStream {
  readonly #logger: Logger;
  readonly #appended = new Signal();
  readonly #cursors = new Map<string, number>();
  readonly #readerTurns = new Map<string, Promise<void>>();
  #events: StreamEvent[] = [];
  #lastNumber = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  append(event: Omit<StreamEvent, 'id'>): void {
    this.#lastNumber += 1;
    this.#events.push({ id: `${this.#lastNumber}-0`, ...event });
    if (this.#events.length > longestEvents * 1.1) this.#events = this.#events.slice(-longestEvents);
    this.#appended.notify();
  }

  /** One consumer a name at a time; the next begins when the one before has ended. */
  async consume(reader: string, deliver: Deliver, signal: AbortSignal): Promise<void> {
    const turnBefore = this.#readerTurns.get(reader) ?? Promise.resolve();
    const turn = turnBefore.then(() => this.#consumeInTurn(reader, deliver, signal));
    const ended = turn.catch(() => undefined);
    this.#readerTurns.set(reader, ended);
    await turn;
  }

  async #consumeInTurn(reader: string, deliver: Deliver, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (!this.#cursors.has(reader)) this.#cursors.set(reader, 0);
    while (!signal.aborted) {
      const events = this.#after(this.#cursors.get(reader) ?? 0, batch);
      const last = events.at(-1);
      if (last === undefined) {
        await this.#appended.wait(signal);
        continue;
      }
      if (await deliverUntilAccepted(events, deliver, { signal, logger: this.#logger, reader })) {
        this.#cursors.set(reader, numberOf(last.id));
        this.#trim();
      }
    }
  }

  async follow(afterId: string | undefined, deliver: (event: StreamEvent) => void, signal: AbortSignal): Promise<void> {
    let cursor = afterId === undefined ? this.#lastNumber : numberOf(afterId);
    while (!signal.aborted) {
      const [event] = this.#after(cursor, 1);
      if (event === undefined) {
        await this.#appended.wait(signal);
        continue;
      }
      cursor = numberOf(event.id);
      deliver(event);
    }
  }

  async beginning(lastSeenId: string | undefined): Promise<{ readonly afterId: string; readonly complete: boolean }> {
    const newest = `${this.#lastNumber}-0`;
    if (lastSeenId === undefined) return { afterId: newest, complete: true };
    if (numberOf(lastSeenId) > this.#lastNumber) return { afterId: newest, complete: false };
    return { afterId: lastSeenId, complete: this.#events.some((event) => event.id === lastSeenId) };
  }

  async pastOf(
    contactId: ContactId,
    { upToId, most }: { readonly upToId: string; readonly most: number },
  ): Promise<readonly StreamEvent[]> {
    const upTo = numberOf(upToId);
    const latest = this.#events.filter((event) => numberOf(event.id) <= upTo).slice(-most);
    return latest.filter((event) => event.contactId === contactId);
  }

  #after(number: number, most: number): readonly StreamEvent[] {
    const first = this.#events[0];
    if (first === undefined) return [];
    const from = Math.max(0, number + 1 - numberOf(first.id));
    return this.#events.slice(from, from + most);
  }

  #trim(): void {
    const slowest = Math.min(...this.#cursors.values());
    const first = this.#events[0];
    if (first === undefined) return;
    const removable = Math.min(slowest, this.#lastNumber - historyEvents) - numberOf(first.id) + 1;
    // In big steps: each one copies what stays.
    if (removable > historyEvents) this.#events = this.#events.slice(removable);
  }
}

function numberOf(id: string): number {
  const number = Number.parseInt(id, 10);
  return Number.isFinite(number) && number >= 0 ? number : 0;
}
