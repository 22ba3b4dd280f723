import {
  bySystem,
  type Clock,
  type ContactId,
  type Logger,
  messageOf,
  type OperatorId,
  secondMs,
} from '../foundation/index.ts';
import { DueTimer } from './due-timer.ts';
import type { MatchOptions, QueueStore, Reservation, StepQuestion } from './ports.ts';

/** First wait before matching is tried again after the store was out of reach; doubled up to the longest. */
const firstRetryMs = 250;
const longestRetryMs = 5 * secondMs;
/** A hundred operators idle at once, and as many call-backs: the rest is matched with the next. */
const mostCallBacksAtOnce = 100;

export interface MatchingOptions {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly offerLeaseMs: () => number;
  /** How many contacts the operator may hold, all media together. */
  readonly capacityOf: (operatorId: OperatorId) => number;
  /** Whether a step's condition is met now. */
  readonly judge: (question: StepQuestion) => Promise<boolean>;
}

/** Brings contacts and operators together, and takes what is due to the millisecond. */
export class Matching {
  readonly #store: QueueStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: MatchingOptions;
  readonly #dueTimer: DueTimer;
  readonly #retryTimer: DueTimer;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** No longer configured, but holding a contact: forgotten when free. */
  readonly leaving = new Set<OperatorId>();
  #retryInMs = firstRetryMs;

  constructor(options: MatchingOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#dueTimer = new DueTimer(options.clock, () => this.#inBackground('what was due', () => this.#takeDue()));
    this.#retryTimer = new DueTimer(options.clock, () => this.#inBackground('matching again', () => this.matchAll()));
  }

  /** Watches what becomes due, whichever process makes it so. */
  watch(): void {
    this.#inBackground('watching what becomes due', () =>
      this.#store.watchDue((dueAtMs) => {
        if (dueAtMs !== undefined) this.#dueTimer.notLaterThan(dueAtMs);
        // The store was away: moves may have been missed, and matches too.
        else this.#retryTimer.notLaterThan(this.#clock.nowMs());
      }, this.#stopping.signal),
    );
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#dueTimer.stop();
    this.#retryTimer.stop();
    await Promise.allSettled(this.#running);
  }

  async matchAll(): Promise<void> {
    const allTaken = await this.#takeDue();
    for (const operator of await this.#store.operators()) {
      if (operator.signedIn && operator.presence === 'ready') await this.#matchOperator(operator.operatorId);
    }
    if (allTaken) this.#retryInMs = firstRetryMs;
  }

  dueAt(atMs: number): void {
    this.#dueTimer.notLaterThan(atMs);
  }

  async contacts(contactIds: readonly ContactId[]): Promise<void> {
    for (const contactId of contactIds) await this.#made(() => this.#matchContact(contactId));
  }

  async callBacks(queueId: string): Promise<void> {
    await this.#made(async () => {
      for (let given = 0; given < mostCallBacksAtOnce; given += 1) {
        const options = this.options();
        const reservation = await this.#store.matchCallBack(queueId, options);
        if (reservation === undefined) return;
        this.reserved(reservation, options);
      }
    });
  }

  async operator(operatorId: OperatorId): Promise<void> {
    await this.#made(() => this.#matchOperator(operatorId));
  }

  /** The operator holds one contact less: he is given the next, or forgotten. */
  async freed(operatorId: OperatorId): Promise<void> {
    await this.#made(async () => {
      if (this.leaving.has(operatorId)) await this.#forget(operatorId);
      else await this.#matchOperator(operatorId);
    });
  }

  /** For a verb that matches in the same step. */
  options(): MatchOptions {
    return { nowMs: this.#clock.nowMs(), leaseMs: this.#options.offerLeaseMs() };
  }

  /** The operator holds one contact less, and the verb that did it has matched him as `options` said. */
  async freedAndMatched(
    operatorId: OperatorId,
    reservation: Reservation | undefined,
    options: MatchOptions,
  ): Promise<void> {
    this.reserved(reservation, options);
    if (this.leaving.has(operatorId)) await this.#made(() => this.#forget(operatorId));
    else if (reservation !== undefined && this.#options.capacityOf(operatorId) > 1) await this.operator(operatorId);
  }

  async #forget(operatorId: OperatorId): Promise<void> {
    const outcome = await this.#store.removeOperator(operatorId, this.#clock.nowMs(), bySystem('acd', 'notConfigured'));
    if (outcome !== 'busy') this.leaving.delete(operatorId);
  }

  /** `matchAll`, made up for later when the store is away. */
  async everybody(): Promise<void> {
    await this.#made(() => this.matchAll());
  }

  /**
   * Offers, set-asides, wrap-ups whose time is over, contacts to be looked at: taken, and everybody concerned matched. False when contacts could not
   * be looked at: they are still due, and are looked at again with the next try of a match.
   */
  async #takeDue(): Promise<boolean> {
    const nowMs = this.#clock.nowMs();
    const expired = await this.#store.expireOffers(nowMs);
    const released = await this.#store.releaseDue(nowMs);
    const wrappedUp = await this.#store.endDueWrapUps(nowMs);
    for (const { contactId, offerId, operatorId } of expired) {
      this.#logger.warn({ contactId, offerId, operatorId }, 'offer was given back: its lease ran out');
    }
    await this.contacts(expired.map(({ contactId }) => contactId));
    // Operators are taken once: they are matched also when a contact cannot be judged.
    const allTaken = (await this.#made(() => this.#takeDueContacts(nowMs))) ?? false;
    for (const operatorId of [...expired.map((offer) => offer.operatorId), ...released, ...wrappedUp]) {
      await this.freed(operatorId);
    }
    const dueAtMs = await this.#store.nextDueMs();
    // What could not be taken is not tried over and over at this instant.
    if (dueAtMs !== undefined && (allTaken || dueAtMs > nowMs)) this.#dueTimer.notLaterThan(dueAtMs);
    return allTaken;
  }

  /** What one look leaves due (a batch is full, an answer leads to another question) is due at once again. False: some could not be judged. */
  async #takeDueContacts(nowMs: number): Promise<boolean> {
    const { contacts, questions } = await this.#store.takeDueContacts(nowMs);
    let judged = 0;
    for (const question of questions) {
      const answer = await this.#made(async () =>
        this.#store.answerStep(question, await this.#options.judge(question), nowMs),
      );
      if (answer !== undefined) judged += 1;
    }
    await this.contacts(contacts);
    return judged === questions.length;
  }

  async #matchContact(contactId: ContactId): Promise<void> {
    const options = this.options();
    this.reserved(await this.#store.matchContact(contactId, options), options);
  }

  /** An operator with room for several contacts may get several at once. */
  async #matchOperator(operatorId: OperatorId): Promise<void> {
    const most = this.#options.capacityOf(operatorId);
    for (let taken = 0; taken < most; taken += 1) {
      const options = this.options();
      const reservation = await this.#store.matchOperator(operatorId, options);
      if (reservation === undefined) return;
      this.reserved(reservation, options);
    }
  }

  reserved(reservation: Reservation | undefined, { nowMs, leaseMs }: MatchOptions): void {
    if (reservation === undefined) return;
    this.#dueTimer.notLaterThan(nowMs + leaseMs);
    const { contactId, offerId, operatorId } = reservation;
    this.#logger.debug({ contactId, offerId, operatorId }, 'operator reserved for contact');
  }

  /** The move before has happened, so its caller must not see the match fail: it is made up for as soon as possible. Undefined when it failed. */
  async #made<Result>(match: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await match();
    } catch (error) {
      this.#matchLater(error);
      return undefined;
    }
  }

  #matchLater(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#logger.warn({ error: messageOf(error), retryInMs: this.#retryInMs }, 'no match could be made, trying again');
    this.#retryTimer.notLaterThan(this.#clock.nowMs() + this.#retryInMs);
    this.#retryInMs = Math.min(longestRetryMs, this.#retryInMs * 2);
  }

  #inBackground(what: string, work: () => Promise<unknown>): void {
    if (this.#stopping.signal.aborted) return;
    const run = work().then(
      () => undefined,
      (error: unknown) => {
        this.#logger.warn({ what, error: messageOf(error) }, 'background work of the queue failed');
        this.#matchLater(error);
      },
    );
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
  }
}
