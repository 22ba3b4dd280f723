import {
  asId,
  assertNever,
  bySystem,
  type Clock,
  type CommandMeta,
  type ContactId,
  DozvonError,
  type Logger,
  messageOf,
  type OfferId,
  type OperatorId,
  secondMs,
} from '../foundation/index.ts';
import type { AcdService, AcdSettings, EnqueueCommand, OperatorStatus, SyncResult } from './commands.ts';
import { DueTimer } from './due-timer.ts';
import type {
  OfferFailure,
  OperatorView,
  Presence,
  QueueStore,
  RequirementClass,
  Reservation,
  WaitingContact,
} from './ports.ts';
import { contactScore } from './ranking.ts';
import { requirementClass } from './requirement.ts';
import type { OperatorSettings, QueueSettings } from './settings.ts';
import { type QueueNow, queueNow } from './views.ts';

/**
 * An offer outlives the ringing by this much. It must exceed the time in which another process takes over a shard
 * (lease of about 10 s, then reading its contacts), or an operator who answered meanwhile would be told he is too late;
 * and it delays the next try only when an owner has died and nobody has taken over.
 */
const offerLeaseMarginMs = 20 * secondMs;

/** First wait before matching is tried again after the store was out of reach; doubled up to the longest. */
const firstRetryMs = 250;
const longestRetryMs = 5 * secondMs;

export interface AcdServiceOptions extends AcdSettings {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createAcdService(options: AcdServiceOptions): AcdService {
  return new Acd(options);
}

interface ConfiguredQueue {
  readonly settings: QueueSettings;
  readonly requirement: RequirementClass;
}

class Acd implements AcdService {
  readonly #store: QueueStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #dueTimer: DueTimer;
  readonly #retryTimer: DueTimer;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #leaving = new Set<OperatorId>();
  #queues: ReadonlyMap<string, ConfiguredQueue> = new Map();
  #operators: ReadonlyMap<OperatorId, OperatorSettings> = new Map();
  #offerLeaseMs = 0;
  #retryInMs = firstRetryMs;

  constructor(options: AcdServiceOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#dueTimer = new DueTimer(options.clock, () => this.#inBackground('what was due', () => this.#takeDue()));
    this.#retryTimer = new DueTimer(options.clock, () => this.#inBackground('matching again', () => this.matchAll()));
    this.#adopt(options);
  }

  async start(): Promise<void> {
    this.#inBackground('watching what becomes due', () =>
      this.#store.watchDue((dueAtMs) => {
        if (dueAtMs !== undefined) this.#dueTimer.notLaterThan(dueAtMs);
        // The store was away: moves may have been missed, and matches too.
        else this.#retryTimer.notLaterThan(this.#clock.nowMs());
      }, this.#stopping.signal),
    );
    await this.#syncOperators(bySystem('acd', 'serviceStarted'));
    await this.matchAll();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#dueTimer.stop();
    this.#retryTimer.stop();
    await Promise.allSettled(this.#running);
  }

  async configure(settings: AcdSettings, meta: CommandMeta): Promise<SyncResult> {
    this.#adopt(settings);
    const result = await this.#syncOperators(meta);
    await this.#matched(() => this.matchAll());
    return result;
  }

  async matchAll(): Promise<void> {
    await this.#takeDue();
    for (const operator of await this.#store.operators()) {
      if (operator.signedIn && operator.presence === 'ready') await this.#matchOperator(operator.operatorId);
    }
    this.#retryInMs = firstRetryMs;
  }

  async enqueue(command: EnqueueCommand, meta: CommandMeta): Promise<'enqueued' | 'alreadyQueued'> {
    const queue = this.#queue(command.queueId);
    const { answerTargetMs, headStartMs } = queue.settings;
    const outcome = await this.#store.enqueue(
      {
        contactId: command.contactId,
        queueId: command.queueId,
        lineId: command.lineId,
        shard: command.shard,
        medium: command.medium ?? 'voice',
        requirement: queue.requirement,
        score: contactScore({ enqueuedAtMs: command.enqueuedAtMs, answerTargetMs, headStartMs }),
        enqueuedAtMs: command.enqueuedAtMs,
      },
      this.#clock.nowMs(),
      meta,
    );
    await this.#matched(() => this.#matchContact(command.contactId));
    return outcome;
  }

  async withdraw(contactId: ContactId, meta: CommandMeta): Promise<'withdrawn' | 'notQueued'> {
    const { outcome, operatorId } = await this.#store.withdraw(contactId, this.#clock.nowMs(), meta);
    if (operatorId !== undefined) await this.#freed(operatorId);
    return outcome;
  }

  offerAnswered(offerId: OfferId, meta: CommandMeta): Promise<'connected' | 'staleOffer'> {
    return this.#store.offerAnswered(offerId, this.#clock.nowMs(), meta);
  }

  async offerFailed(
    offer: { readonly offerId: OfferId; readonly queueId: string; readonly failure: OfferFailure },
    meta: CommandMeta,
  ): Promise<'givenBack' | 'staleOffer'> {
    const nowMs = this.#clock.nowMs();
    const setAsideMs = this.#setAsideMs(offer.queueId, offer.failure);
    const result = await this.#store.offerFailed(offer.offerId, offer.failure, { nowMs, setAsideMs }, meta);
    if (result.outcome === 'staleOffer') return 'staleOffer';
    if (setAsideMs > 0) this.#dueTimer.notLaterThan(nowMs + setAsideMs);
    if (offer.failure !== 'contactGone') await this.#matched(() => this.#matchContact(result.contactId));
    await this.#freed(result.operatorId);
    return 'givenBack';
  }

  async release(
    held: { readonly operatorId: OperatorId; readonly contactId: ContactId; readonly wrapUp: boolean },
    meta: CommandMeta,
  ): Promise<'released' | 'notHolding'> {
    const { operatorId, contactId, wrapUp } = held;
    const outcome = await this.#store.release(operatorId, contactId, { nowMs: this.#clock.nowMs(), wrapUp }, meta);
    if (outcome === 'released' && !wrapUp) await this.#freed(operatorId);
    return outcome;
  }

  async endWrapUp(
    held: { readonly operatorId: OperatorId; readonly contactId: ContactId },
    meta: CommandMeta,
  ): Promise<'idle' | 'notInWrapUp'> {
    const outcome = await this.#store.endWrapUp(held.operatorId, held.contactId, this.#clock.nowMs(), meta);
    if (outcome === 'idle') await this.#freed(held.operatorId);
    return outcome;
  }

  async signIn(operatorId: OperatorId, meta: CommandMeta): Promise<'done' | 'unknownOperator'> {
    if (this.#leaving.has(operatorId)) return 'unknownOperator';
    return this.#store.signIn(operatorId, this.#clock.nowMs(), meta);
  }

  async signOut(operatorId: OperatorId, meta: CommandMeta): Promise<'done' | 'unknownOperator'> {
    const result = await this.#store.signOut(operatorId, this.#clock.nowMs(), meta);
    if (result.outcome === 'unknownOperator') return 'unknownOperator';
    for (const contactId of result.givenBack) await this.#matched(() => this.#matchContact(contactId));
    return 'done';
  }

  async setPresence(
    operatorId: OperatorId,
    change: { readonly presence: Presence; readonly reason?: string },
    meta: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'> {
    const { presence, reason } = change;
    const options = { nowMs: this.#clock.nowMs(), ...(reason === undefined ? {} : { reason }) };
    const outcome = await this.#store.setPresence(operatorId, presence, options, meta);
    if (outcome === 'done' && presence === 'ready') await this.#matched(() => this.#matchOperator(operatorId));
    return outcome;
  }

  async setReachable(
    operatorId: OperatorId,
    reachable: boolean,
    meta: CommandMeta,
  ): Promise<'done' | 'unknownOperator'> {
    const outcome = await this.#store.setReachable(operatorId, reachable, this.#clock.nowMs(), meta);
    if (outcome === 'done' && reachable) await this.#matched(() => this.#matchOperator(operatorId));
    return outcome;
  }

  queueSettings(queueId: string): QueueSettings | undefined {
    return this.#queues.get(queueId)?.settings;
  }

  operatorOfExtension(extension: string): OperatorId | undefined {
    for (const [operatorId, operator] of this.#operators) if (operator.extension === extension) return operatorId;
    return undefined;
  }

  async queuesNow(): Promise<readonly QueueNow[]> {
    const [waiting, operators] = await Promise.all([this.#store.waiting(), this.#store.operators()]);
    const nowMs = this.#clock.nowMs();
    return [...this.#queues].map(([queueId, { settings, requirement }]) =>
      queueNow({ queueId, name: settings.name, requirement, waiting, operators, nowMs }),
    );
  }

  async operators(): Promise<readonly OperatorStatus[]> {
    return (await this.#store.operators()).map((operator) => this.#named(operator));
  }

  async operator(operatorId: OperatorId): Promise<OperatorStatus | undefined> {
    const operator = await this.#store.operator(operatorId);
    return operator === undefined ? undefined : this.#named(operator);
  }

  async waitingContacts(queueId?: string): Promise<readonly WaitingContact[]> {
    const waiting = await this.#store.waiting();
    return queueId === undefined ? waiting : waiting.filter((contact) => contact.queueId === queueId);
  }

  position(contactId: ContactId): Promise<number | undefined> {
    return this.#store.position(contactId);
  }

  #adopt(settings: AcdSettings): void {
    this.#queues = new Map(
      settings.queues.map((queue) => [
        queue.id,
        { settings: queue, requirement: requirementClass(queue.requirement, queue.strategy) },
      ]),
    );
    this.#operators = new Map(settings.operators.map((operator) => [asId<OperatorId>(operator.id), operator]));
    const longestRingMs = Math.max(0, ...settings.queues.map((queue) => queue.ringTimeoutMs));
    this.#offerLeaseMs = longestRingMs + offerLeaseMarginMs;
  }

  async #syncOperators(meta: CommandMeta): Promise<SyncResult> {
    const nowMs = this.#clock.nowMs();
    for (const [operatorId, { extension, skills, capacity }] of this.#operators) {
      this.#leaving.delete(operatorId);
      await this.#store.registerOperator({ operatorId, extension, skills, capacity }, nowMs, meta);
    }
    const removed: OperatorId[] = [];
    for (const { operatorId } of await this.#store.operators()) {
      if (this.#operators.has(operatorId)) continue;
      await this.signOut(operatorId, meta);
      if ((await this.#store.removeOperator(operatorId, nowMs, meta)) === 'busy') this.#leaving.add(operatorId);
      else removed.push(operatorId);
    }
    return { registered: this.#operators.size, removed, leaving: [...this.#leaving] };
  }

  /** Offers whose lease has run out are given back, operators whose set-aside is over come back; both are matched. */
  async #takeDue(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const expired = await this.#store.expireOffers(nowMs);
    const released = await this.#store.releaseDue(nowMs);
    for (const { contactId, offerId, operatorId } of expired) {
      this.#logger.warn({ contactId, offerId, operatorId }, 'offer was given back: its lease ran out');
      await this.#matched(() => this.#matchContact(contactId));
    }
    for (const operatorId of [...expired.map((offer) => offer.operatorId), ...released]) await this.#freed(operatorId);
    const dueAtMs = await this.#store.nextDueMs();
    if (dueAtMs !== undefined) this.#dueTimer.notLaterThan(dueAtMs);
  }

  async #freed(operatorId: OperatorId): Promise<void> {
    await this.#matched(async () => {
      if (this.#leaving.has(operatorId)) {
        const outcome = await this.#store.removeOperator(
          operatorId,
          this.#clock.nowMs(),
          bySystem('acd', 'notConfigured'),
        );
        if (outcome !== 'busy') this.#leaving.delete(operatorId);
        return;
      }
      await this.#matchOperator(operatorId);
    });
  }

  async #matchContact(contactId: ContactId): Promise<void> {
    const nowMs = this.#clock.nowMs();
    this.#reserved(await this.#store.matchContact(contactId, { nowMs, leaseMs: this.#offerLeaseMs }), nowMs);
  }

  /** An operator with room for several contacts may get several at once. */
  async #matchOperator(operatorId: OperatorId): Promise<void> {
    const capacity = this.#operators.get(operatorId)?.capacity;
    const most = (capacity?.voice ?? 1) + (capacity?.chat ?? 0);
    for (let taken = 0; taken < most; taken += 1) {
      const nowMs = this.#clock.nowMs();
      const reservation = await this.#store.matchOperator(operatorId, { nowMs, leaseMs: this.#offerLeaseMs });
      if (reservation === undefined) return;
      this.#reserved(reservation, nowMs);
    }
  }

  #reserved(reservation: Reservation | undefined, nowMs: number): void {
    if (reservation === undefined) return;
    this.#dueTimer.notLaterThan(nowMs + this.#offerLeaseMs);
    const { contactId, offerId, operatorId } = reservation;
    this.#logger.debug({ contactId, offerId, operatorId }, 'operator reserved for contact');
  }

  /** The move before has happened, so its caller must not see the match fail: it is made up for as soon as possible. */
  async #matched(match: () => Promise<void>): Promise<void> {
    try {
      await match();
    } catch (error) {
      this.#matchLater(error);
    }
  }

  #matchLater(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#logger.warn({ error: messageOf(error), retryInMs: this.#retryInMs }, 'no match could be made, trying again');
    this.#retryTimer.notLaterThan(this.#clock.nowMs() + this.#retryInMs);
    this.#retryInMs = Math.min(longestRetryMs, this.#retryInMs * 2);
  }

  #inBackground(what: string, work: () => Promise<void>): void {
    if (this.#stopping.signal.aborted) return;
    const run = work().catch((error: unknown) => {
      this.#logger.warn({ what, error: messageOf(error) }, 'background work of the queue failed');
      this.#matchLater(error);
    });
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
  }

  #setAsideMs(queueId: string, failure: OfferFailure): number {
    const { setAside } = this.#queue(queueId).settings;
    switch (failure) {
      case 'contactGone':
        return 0;
      case 'offerDeclined':
        return setAside.declinedMs;
      case 'operatorBusy':
        return setAside.busyMs;
      case 'offerUnanswered':
      // A phone that is registered and cannot be reached will not be reached a second later either.
      case 'operatorUnreachable':
        return setAside.unansweredMs;
      default:
        return assertNever(failure, 'offer failure');
    }
  }

  #queue(queueId: string): ConfiguredQueue {
    const queue = this.#queues.get(queueId);
    if (queue === undefined) {
      throw new DozvonError('UNKNOWN_QUEUE', `expected a configured queue, got ${JSON.stringify(queueId)}`);
    }
    return queue;
  }

  #named(operator: OperatorView): OperatorStatus {
    return { ...operator, name: this.#operators.get(operator.operatorId)?.name ?? operator.extension };
  }
}
