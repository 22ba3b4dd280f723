import { isDeepStrictEqual } from 'node:util';
import { type QueueEvent, type QueueInbox, type QueueStore, requirementClass } from '../../src/acd/index.ts';
import type { EventStream, StreamEvent } from '../../src/contact/store-ports.ts';
import {
  asId,
  type ContactId,
  minuteMs,
  type OfferId,
  type OperatorId,
  withLimit,
} from '../../src/foundation/index.ts';

export interface PairedParts {
  readonly queue: QueueStore;
  readonly events: EventStream;
  readonly inbox: QueueInbox;
}

type Verb = Exclude<keyof QueueStore, 'watchDue'>;
type AnyVerb = (...args: unknown[]) => Promise<unknown>;

/** Verbs whose first argument is an offer's id. */
const offerVerbs: readonly string[] = ['offerAnswered', 'offerFailed'] satisfies readonly Verb[];
const matchVerbs: readonly string[] = ['matchContact', 'matchOperator', 'matchCallBack'] satisfies readonly Verb[];

/** Kept word for word; of the rest the number says enough. */
const mostDescribed = 20;
/** Registered when a run is over: its event is the last of the run. */
const lastOperator = asId<OperatorId>('last');

/**
 * The in-memory twin and the real scripts in step: each verb of `queue` goes to both, and what they answer must be the same but for the
 * ids of offers, which each makes itself. The twin's answers are handed on.
 */
export class PairedStore {
  /** Every verb but `watchDue`. */
  readonly queue: QueueStore;
  readonly #twin: PairedParts;
  readonly #scripts: PairedParts;
  /** The scripts' offer for the twin's. */
  readonly #offers = new Map<OfferId, OfferId>();
  readonly #differences: string[] = [];
  #count = 0;
  #answers = 0;

  constructor(stores: { readonly twin: PairedParts; readonly scripts: PairedParts }) {
    this.#twin = stores.twin;
    this.#scripts = stores.scripts;
    const verbs: ProxyHandler<QueueStore> = {
      get:
        (_target, verb) =>
        (...args: unknown[]) =>
          this.#inStep(verb as Verb, args),
    };
    this.queue = new Proxy({} as QueueStore, verbs);
  }

  /** Answers, and what was told, compared so far. */
  get compared(): number {
    return this.#answers;
  }

  get differenceCount(): number {
    return this.#count;
  }

  /** The first ones. */
  get differences(): readonly string[] {
    return this.#differences;
  }

  /**
   * Compares the event streams and what the owners of `shards` were told, which must be the same move for move; returns the kinds of all
   * moves. Ends the run.
   */
  async compareMoves(nowMs: number, shards: readonly string[]): Promise<readonly string[]> {
    for (const shard of shards) {
      const contactId = await this.#tellTheLast(shard, nowMs);
      const [twins, scripts] = await Promise.all([
        toldTo(this.#twin.inbox, shard, contactId),
        toldTo(this.#scripts.inbox, shard, contactId),
      ]);
      this.#compareLists(`told to ${shard}`, twins, scripts);
    }
    const last = { operatorId: lastOperator, extension: '0', skills: {}, capacity: {} };
    await this.queue.registerOperator(last, nowMs);
    const [twins, scripts] = await Promise.all([eventsToLast(this.#twin.events), eventsToLast(this.#scripts.events)]);
    this.#compareLists('event', twins, scripts);
    return twins.map(({ entry }) => entry.kind);
  }

  /** Something of which an inbox hears when everything else is over. */
  async #tellTheLast(shard: string, nowMs: number): Promise<ContactId> {
    const contactId = asId<ContactId>(`last-${shard}`);
    const requirement = requirementClass('anyone', 'longestIdle');
    const place = { queueId: 'last', lineId: 'sim', medium: 'voice', score: 0, enqueuedAtMs: nowMs, shard } as const;
    await this.queue.enqueue({ contactId, requirement, ...place }, nowMs);
    await this.queue.withdraw(contactId, nowMs, undefined, 'tellOwner');
    return contactId;
  }

  async #inStep(verb: Verb, args: readonly unknown[]): Promise<unknown> {
    const [first, ...rest] = args;
    const own = offerVerbs.includes(verb) ? (this.#offers.get(first as OfferId) ?? first) : first;
    const twins = await (this.#twin.queue[verb] as AnyVerb).call(this.#twin.queue, ...args);
    const scripts = await (this.#scripts.queue[verb] as AnyVerb).call(this.#scripts.queue, own, ...rest);
    if (matchVerbs.includes(verb) && isReservation(twins) && isReservation(scripts)) {
      this.#offers.set(twins.offerId, scripts.offerId);
    }
    this.#compare(verb, twins, scripts);
    return twins;
  }

  #compareLists(what: string, twins: readonly unknown[], scripts: readonly unknown[]): void {
    for (let i = 0; i < Math.max(twins.length, scripts.length); i += 1) {
      this.#compare(`${what}, ${i}`, twins[i], scripts[i]);
    }
  }

  #compare(what: string, twins: unknown, scripts: unknown): void {
    this.#answers += 1;
    const [a, b] = [this.#plain(twins), this.#plain(scripts)];
    if (isDeepStrictEqual(a, b)) return;
    this.#count += 1;
    if (this.#differences.length >= mostDescribed) return;
    this.#differences.push(`${what}: twin ${JSON.stringify(a)}, scripts ${JSON.stringify(b)}`);
  }

  /** Plain data with the scripts' ids of offers in place of the twin's. */
  #plain(answer: unknown): unknown {
    if (typeof answer === 'string') return this.#offers.get(answer as OfferId) ?? answer;
    if (Array.isArray(answer)) return answer.map((item) => this.#plain(item));
    if (answer instanceof Map) return this.#plain(Object.fromEntries(answer));
    if (answer === null || typeof answer !== 'object') return answer;
    return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, this.#plain(value)]));
  }
}

function isReservation(answer: unknown): answer is { readonly offerId: OfferId } {
  return typeof answer === 'object' && answer !== null && 'offerId' in answer;
}

/** Everything on the stream up to the registration that ends a run; ids of events are the stores' own. */
async function eventsToLast(stream: EventStream): Promise<readonly Omit<StreamEvent, 'id'>[]> {
  const events: Omit<StreamEvent, 'id'>[] = [];
  const stop = new AbortController();
  const reading = stream.follow(
    '0-0',
    ({ id: _own, ...event }) => {
      events.push({ ...event, entry: { ...event.entry } });
      if (event.operatorId === lastOperator) stop.abort();
    },
    stop.signal,
  );
  await withLimit(reading, minuteMs, 'reading the event stream').finally(() => stop.abort());
  return events;
}

/** Everything the owner of a shard was told, up to what is said of one contact. */
async function toldTo(inbox: QueueInbox, shard: string, last: ContactId): Promise<readonly QueueEvent[]> {
  const events: QueueEvent[] = [];
  const stop = new AbortController();
  const reading = inbox.consume(
    shard,
    async (event) => {
      events.push(event);
      if (event.contactId === last) stop.abort();
    },
    stop.signal,
  );
  await withLimit(reading, minuteMs, `reading the inbox of ${shard}`).finally(() => stop.abort());
  return events;
}
