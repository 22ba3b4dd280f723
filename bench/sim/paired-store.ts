import { isDeepStrictEqual } from 'node:util';
import type {
  EnqueueRequest,
  OfferFailure,
  OperatorRegistration,
  Presence,
  QueueStore,
  Reservation,
} from '../../src/acd/index.ts';
import type { EventStream, StreamEvent } from '../../src/contact/store-ports.ts';
import {
  asId,
  type ContactId,
  minuteMs,
  type OfferId,
  type OperatorId,
  withLimit,
} from '../../src/foundation/index.ts';
import type { Router } from './hotline.ts';

/** What happens beside the plain course of contacts. */
type LifeVerb = 'signOut' | 'offerFailed' | 'expireOffers' | 'releaseDue' | 'nextDueMs' | 'operators' | 'waiting';

interface Store {
  readonly queue: QueueStore;
  readonly events: EventStream;
}

interface MatchOptions {
  readonly nowMs: number;
  readonly leaseMs: number;
}

/** Kept word for word; of the rest the number says enough. */
const mostDescribed = 20;
/** Registered when a run is over: its event is the last of the run. */
const lastOperator = asId<OperatorId>('last');

/**
 * The in-memory twin and the real scripts in step: each verb goes to both, and what they answer must be the same but for the ids of
 * offers, which each makes itself. The twin's answers are handed on.
 */
export class PairedStore implements Router, Pick<QueueStore, LifeVerb> {
  readonly #twin: Store;
  readonly #scripts: Store;
  /** The scripts' offer for the twin's. */
  readonly #offers = new Map<OfferId, OfferId>();
  readonly #differences: string[] = [];
  #count = 0;
  #verbs = 0;

  constructor(stores: { readonly twin: Store; readonly scripts: Store }) {
    this.#twin = stores.twin;
    this.#scripts = stores.scripts;
  }

  /** Answers compared so far. */
  get compared(): number {
    return this.#verbs;
  }

  get differenceCount(): number {
    return this.#count;
  }

  /** The first ones. */
  get differences(): readonly string[] {
    return this.#differences;
  }

  registerOperator(operator: OperatorRegistration, nowMs: number): Promise<void> {
    return this.#both('registerOperator', (store) => store.registerOperator(operator, nowMs));
  }

  signIn(operatorId: OperatorId, nowMs: number): ReturnType<QueueStore['signIn']> {
    return this.#both('signIn', (store) => store.signIn(operatorId, nowMs));
  }

  signOut(operatorId: OperatorId, nowMs: number): ReturnType<QueueStore['signOut']> {
    return this.#both('signOut', (store) => store.signOut(operatorId, nowMs));
  }

  setReachable(operatorId: OperatorId, reachable: boolean, nowMs: number): ReturnType<QueueStore['setReachable']> {
    return this.#both('setReachable', (store) => store.setReachable(operatorId, reachable, nowMs));
  }

  setPresence(
    operatorId: OperatorId,
    presence: Presence,
    options: { readonly reason?: string; readonly nowMs: number },
  ): ReturnType<QueueStore['setPresence']> {
    return this.#both('setPresence', (store) => store.setPresence(operatorId, presence, options));
  }

  enqueue(request: EnqueueRequest, nowMs: number): ReturnType<QueueStore['enqueue']> {
    return this.#both('enqueue', (store) => store.enqueue(request, nowMs));
  }

  withdraw(contactId: ContactId, nowMs: number): ReturnType<QueueStore['withdraw']> {
    return this.#both('withdraw', (store) => store.withdraw(contactId, nowMs));
  }

  matchContact(contactId: ContactId, options: MatchOptions): Promise<Reservation | undefined> {
    return this.#match('matchContact', (store) => store.matchContact(contactId, options));
  }

  matchOperator(operatorId: OperatorId, options: MatchOptions): Promise<Reservation | undefined> {
    return this.#match('matchOperator', (store) => store.matchOperator(operatorId, options));
  }

  offerAnswered(offerId: OfferId, nowMs: number): ReturnType<QueueStore['offerAnswered']> {
    return this.#both('offerAnswered', (store, own) => store.offerAnswered(own(offerId), nowMs));
  }

  offerFailed(
    offerId: OfferId,
    failure: OfferFailure,
    options: { readonly nowMs: number; readonly setAsideMs: number },
  ): ReturnType<QueueStore['offerFailed']> {
    return this.#both('offerFailed', (store, own) => store.offerFailed(own(offerId), failure, options));
  }

  release(
    operatorId: OperatorId,
    contactId: ContactId,
    options: { readonly nowMs: number; readonly wrapUp: boolean },
  ): ReturnType<QueueStore['release']> {
    return this.#both('release', (store) => store.release(operatorId, contactId, options));
  }

  endWrapUp(operatorId: OperatorId, contactId: ContactId, nowMs: number): ReturnType<QueueStore['endWrapUp']> {
    return this.#both('endWrapUp', (store) => store.endWrapUp(operatorId, contactId, nowMs));
  }

  expireOffers(nowMs: number): ReturnType<QueueStore['expireOffers']> {
    return this.#both('expireOffers', (store) => store.expireOffers(nowMs));
  }

  releaseDue(nowMs: number): ReturnType<QueueStore['releaseDue']> {
    return this.#both('releaseDue', (store) => store.releaseDue(nowMs));
  }

  nextDueMs(): ReturnType<QueueStore['nextDueMs']> {
    return this.#both('nextDueMs', (store) => store.nextDueMs());
  }

  operators(): ReturnType<QueueStore['operators']> {
    return this.#both('operators', (store) => store.operators());
  }

  waiting(): ReturnType<QueueStore['waiting']> {
    return this.#both('waiting', (store) => store.waiting());
  }

  /** Compares the event streams, which must hold every move of the run, and returns how many there were. */
  async compareEvents(nowMs: number): Promise<number> {
    const last = { operatorId: lastOperator, extension: '0', skills: {}, capacity: {} };
    await this.registerOperator(last, nowMs);
    const [twins, scripts] = await Promise.all([eventsToLast(this.#twin.events), eventsToLast(this.#scripts.events)]);
    for (let i = 0; i < Math.max(twins.length, scripts.length); i += 1) {
      const [a, b] = [twins[i], scripts[i]].map((event) => (event === undefined ? undefined : { ...event, id: '' }));
      this.#compare(`event ${i}`, this.#translated(a), b);
    }
    return twins.length;
  }

  async #match(
    verb: string,
    ask: (store: QueueStore) => Promise<Reservation | undefined>,
  ): Promise<Reservation | undefined> {
    const twins = await ask(this.#twin.queue);
    const scripts = await ask(this.#scripts.queue);
    if (twins !== undefined && scripts !== undefined) this.#offers.set(twins.offerId, scripts.offerId);
    this.#compare(verb, this.#translated(twins), scripts);
    return twins;
  }

  async #both<Answer>(
    verb: string,
    ask: (store: QueueStore, own: (offerId: OfferId) => OfferId) => Promise<Answer>,
  ): Promise<Answer> {
    const twins = await ask(this.#twin.queue, (offerId) => offerId);
    const scripts = await ask(this.#scripts.queue, (offerId) => this.#offers.get(offerId) ?? offerId);
    this.#compare(verb, this.#translated(twins), scripts);
    return twins;
  }

  #compare(what: string, twins: unknown, scripts: unknown): void {
    this.#verbs += 1;
    if (isDeepStrictEqual(twins, scripts)) return;
    this.#count += 1;
    if (this.#differences.length >= mostDescribed) return;
    this.#differences.push(`${what}: twin ${JSON.stringify(twins)}, scripts ${JSON.stringify(scripts)}`);
  }

  /** The twin's answer with the scripts' ids of offers; plain data only. */
  #translated(answer: unknown): unknown {
    if (typeof answer === 'string') return this.#offers.get(answer as OfferId) ?? answer;
    if (Array.isArray(answer)) return answer.map((item) => this.#translated(item));
    if (answer === null || typeof answer !== 'object') return answer;
    return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, this.#translated(value)]));
  }
}

/** Everything on the stream up to the registration that ends a run. */
async function eventsToLast(stream: EventStream): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = [];
  const stop = new AbortController();
  const reading = stream.follow(
    '0-0',
    (event) => {
      events.push(event);
      if (event.operatorId === lastOperator) stop.abort();
    },
    stop.signal,
  );
  await withLimit(reading, minuteMs, 'reading the event stream').finally(() => stop.abort());
  return events;
}
