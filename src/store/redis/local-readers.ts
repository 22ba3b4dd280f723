import type { QueueEvent } from '../../acd/ports.ts';
import type { OfferId } from '../../foundation/index.ts';

/** A reader of one shard's inbox in this process. */
export interface LocalReader {
  readonly shard: string;
  /** What Redis knows the newest reader of a shard by. */
  readonly token: string;
  /** Takes an event for delivery; what it cannot deliver now it goes on trying. */
  hear(event: QueueEvent): void;
}

/** Of withdrawn offers: more than can ring at once, so that one which was overtaken is still known. */
const mostRemembered = 1_000;

/**
 * The readers of inboxes in this process. A verb that reserves names them to Redis, and is answered with the offer itself
 * when the contact's shard is read here: that saves the way through the stream. Redis keeps the offer's text while it
 * rings (`told:<shard>`), for whoever reads next, and for this process when an answer never came.
 */
export class LocalReaders {
  readonly #readers = new Map<string, LocalReader>();
  readonly #withdrawn = new Set<OfferId>();
  /** Grows whenever the answer to a verb that may have reserved was lost. */
  lostAnswers = 0;

  begin(reader: LocalReader): void {
    this.#readers.set(reader.shard, reader);
  }

  end(reader: LocalReader): void {
    if (this.#readers.get(reader.shard) === reader) this.#readers.delete(reader.shard);
  }

  /** As the scripts take it. */
  names(): string {
    let names = '';
    for (const { shard, token } of this.#readers.values()) names += `${shard} ${token} `;
    return names;
  }

  /** An offer by the result of the verb that made it. Without a reader it stays for the next one. */
  tell(shard: string, text: string): void {
    const event = JSON.parse(text) as QueueEvent;
    // What comes through the stream may overtake the answer to a verb: an offer that is over is told no more.
    if (event.type === 'offerMade' && this.#withdrawn.has(event.offerId)) return;
    this.#readers.get(shard)?.hear(event);
  }

  /** An event that has come through the stream. */
  noteStreamed(event: QueueEvent): void {
    if (event.type !== 'offerWithdrawn') return;
    this.#withdrawn.add(event.offerId);
    if (this.#withdrawn.size <= mostRemembered) return;
    for (const oldest of this.#withdrawn) {
      this.#withdrawn.delete(oldest);
      return;
    }
  }
}
