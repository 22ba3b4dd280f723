import type { QueueEvent, QueueInbox } from '../../acd/ports.ts';
import { DozvonError, type Logger } from '../../foundation/index.ts';
import { deliverUntilAccepted } from '../deliver.ts';
import { Signal } from './signal.ts';

interface Box {
  readonly events: QueueEvent[];
  readonly appended: Signal;
  /** Counts consumers: the newest one owns the box. */
  reader: number;
}

/** Inboxes of all shards in memory. A newer consumer of a shard takes over from an older one. */
export class Inbox implements QueueInbox {
  readonly #logger: Logger;
  readonly #boxes = new Map<string, Box>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  append(shard: string, event: QueueEvent): void {
    const box = this.#box(shard);
    box.events.push(event);
    box.appended.notify();
  }

  /** Rejects with `DozvonError('INBOX_TAKEN')` when another consumer of the same shard has begun. */
  async consume(shard: string, deliver: (event: QueueEvent) => Promise<void>, signal: AbortSignal): Promise<void> {
    const box = this.#box(shard);
    box.reader += 1;
    const reader = box.reader;
    box.appended.notify();
    while (!signal.aborted) {
      if (box.reader !== reader) {
        throw new DozvonError('INBOX_TAKEN', `inbox of ${shard}: expected to be its only reader, another has begun`);
      }
      const event = box.events[0];
      if (event === undefined) await box.appended.wait(signal);
      else if (await deliverUntilAccepted(event, deliver, { signal, logger: this.#logger, reader: `inbox ${shard}` })) {
        // A reader that was overtaken while it delivered must not acknowledge for the new one.
        if (box.reader === reader) box.events.shift();
      }
    }
  }

  /** Events not acknowledged yet. */
  pending(): number {
    let count = 0;
    for (const box of this.#boxes.values()) count += box.events.length;
    return count;
  }

  #box(shard: string): Box {
    let box = this.#boxes.get(shard);
    if (box === undefined) {
      box = { events: [], appended: new Signal(), reader: 0 };
      this.#boxes.set(shard, box);
    }
    return box;
  }
}
