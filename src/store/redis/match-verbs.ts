import type {
  EnqueueOutcome,
  EnqueueRequest,
  MatchOptions,
  OfferFailure,
  QueueStore,
  RequirementClass,
  Reservation,
} from '../../acd/index.ts';
import {
  asId,
  type CommandMeta,
  type ContactId,
  hasCode,
  newId,
  type OfferId,
  type OperatorId,
} from '../../foundation/index.ts';
import type { ClassMap } from './class-map.ts';
import type { LocalReaders } from './local-readers.ts';
import type { Scripts, Verb, VerbCall } from './scripts.ts';

/** How many words a reservation is in a verb's result: contactId, offerId, operatorId, and what a local reader is told of it. */
const reservationWords = 5;

export interface MatchVerbsParts {
  readonly scripts: Scripts;
  readonly map: ClassMap;
  readonly readers: LocalReaders;
}

/**
 * The verbs that reserve, and those that go with them: half of the queue in Redis. What they reserve for a shard that is
 * read in this process is told to its reader from their results.
 */
export class MatchVerbs {
  protected readonly scripts: Scripts;
  protected readonly map: ClassMap;
  readonly #readers: LocalReaders;

  constructor(parts: MatchVerbsParts) {
    this.scripts = parts.scripts;
    this.map = parts.map;
    this.#readers = parts.readers;
  }

  async enqueue(request: EnqueueRequest, nowMs: number, by?: CommandMeta): Promise<EnqueueOutcome> {
    const [outcome] = await this.#enqueue(request, { nowMs, by, args: [] });
    return outcome as EnqueueOutcome;
  }

  async enqueueAndMatch(
    request: EnqueueRequest,
    options: MatchOptions,
    by?: CommandMeta,
  ): ReturnType<QueueStore['enqueueAndMatch']> {
    const { nowMs } = options;
    const result = await this.#enqueue(request, { nowMs, by, args: this.#offer(options) });
    const [outcome, place = '', ...words] = result;
    return {
      outcome: outcome as EnqueueOutcome,
      ...(place === '' ? {} : { position: Number(place) + 1 }),
      ...first(this.#told(words)),
    };
  }

  async matchContact(contactId: ContactId, options: MatchOptions): Promise<Reservation | undefined> {
    const args = [contactId, ...this.#offer(options)];
    return this.#told(await this.#matching('match-contact', { nowMs: options.nowMs, args }))[0];
  }

  async matchOperator(operatorId: OperatorId, options: MatchOptions): Promise<Reservation | undefined> {
    const args = [operatorId, ...this.#offer(options)];
    return this.#told(await this.#matching('match-operator', { nowMs: options.nowMs, args }))[0];
  }

  async matchCallBack(queueId: string, options: MatchOptions): Promise<Reservation | undefined> {
    const args = [queueId, ...this.#offer(options)];
    return this.#told(await this.#matching('match-call-back', { nowMs: options.nowMs, args }))[0];
  }

  async offerFailed(
    offerId: OfferId,
    failure: OfferFailure,
    options: Parameters<QueueStore['offerFailed']>[2],
    by?: CommandMeta,
  ): ReturnType<QueueStore['offerFailed']> {
    const args = failureArguments(offerId, failure, options);
    const [outcome, operatorId = '', contactId = ''] = await this.#matching('offer-failed', {
      nowMs: options.nowMs,
      by,
      args,
    });
    if (outcome !== 'givenBack') return { outcome: 'staleOffer' };
    return { outcome, operatorId: asId(operatorId), contactId: asId(contactId) };
  }

  async offerFailedAndMatch(
    offerId: OfferId,
    failure: OfferFailure,
    options: Parameters<QueueStore['offerFailedAndMatch']>[2],
    by?: CommandMeta,
  ): ReturnType<QueueStore['offerFailedAndMatch']> {
    const { nowMs } = options;
    const offers = [...this.#offer(options), newId<OfferId>('o', nowMs)];
    const args = [...failureArguments(offerId, failure, options), ...offers];
    const [outcome, operatorId = '', contactId = '', ...words] = await this.#matching('offer-failed', {
      nowMs,
      by,
      args,
    });
    if (outcome !== 'givenBack') return { outcome: 'staleOffer' };
    return { outcome, operatorId: asId(operatorId), contactId: asId(contactId), reservations: this.#told(words) };
  }

  async release(
    operatorId: OperatorId,
    contactId: ContactId,
    options: Parameters<QueueStore['release']>[2],
    by?: CommandMeta,
  ): Promise<'released' | 'notHolding'> {
    const { nowMs, wrapUp, wrapUpMs } = options;
    const args = [operatorId, contactId, wrapUp ? 1 : 0, wrapUpMs ?? ''];
    const [outcome] = await this.#matching('release', { nowMs, by, args });
    return outcome as 'released' | 'notHolding';
  }

  async releaseAndMatch(
    operatorId: OperatorId,
    contactId: ContactId,
    options: Parameters<QueueStore['releaseAndMatch']>[2],
    by?: CommandMeta,
  ): ReturnType<QueueStore['releaseAndMatch']> {
    const { nowMs, wrapUp, wrapUpMs } = options;
    const args = [operatorId, contactId, wrapUp ? 1 : 0, wrapUpMs ?? '', ...this.#offer(options)];
    const [outcome, ...words] = await this.#matching('release', { nowMs, by, args });
    return { outcome: outcome as 'released' | 'notHolding', ...first(this.#told(words)) };
  }

  async endWrapUp(
    operatorId: OperatorId,
    contactId: ContactId,
    nowMs: number,
    by?: CommandMeta,
    onlyWhenDue?: 'onlyWhenDue',
  ): Promise<'idle' | 'notInWrapUp' | 'notDue'> {
    const args = [operatorId, contactId, onlyWhenDue === undefined ? 0 : 1];
    const [outcome] = await this.#matching('end-wrap-up', { nowMs, by, args });
    return outcome as 'idle' | 'notInWrapUp' | 'notDue';
  }

  async endWrapUpAndMatch(
    operatorId: OperatorId,
    contactId: ContactId,
    options: MatchOptions,
    by?: CommandMeta,
    onlyWhenDue?: 'onlyWhenDue',
  ): ReturnType<QueueStore['endWrapUpAndMatch']> {
    const args = [operatorId, contactId, onlyWhenDue === undefined ? 0 : 1, ...this.#offer(options)];
    const [outcome, ...words] = await this.#matching('end-wrap-up', { nowMs: options.nowMs, by, args });
    return { outcome: outcome as 'idle' | 'notInWrapUp' | 'notDue', ...first(this.#told(words)) };
  }

  protected async defineClasses(
    steps: Pick<EnqueueRequest, 'requirement' | 'laterSteps'>,
    nowMs: number,
  ): Promise<void> {
    for (const requirement of classesOf(steps)) await this.map.defineClass(requirement, nowMs);
  }

  async #enqueue(request: EnqueueRequest, call: VerbCall): Promise<readonly string[]> {
    const { preferred, limits } = request;
    const args = [
      request.contactId,
      request.queueId,
      request.lineId,
      request.medium,
      stepsText(request, request.enqueuedAtMs),
      request.score,
      request.enqueuedAtMs,
      request.shard,
      request.headStartMs ?? 0,
      preferred?.operatorId ?? '',
      preferred === undefined ? '' : call.nowMs + preferred.forMs,
      limits?.length ?? '',
      limits?.loggedIn === true ? 1 : 0,
      request.kind ?? '',
      ...call.args,
    ];
    return await this.map.defining(
      () => this.#matching('enqueue', { ...call, args }),
      ([word]) => word === 'unknownClass',
      () => this.defineClasses(request, call.nowMs),
    );
  }

  /** The arguments of an offer to be made. */
  #offer({ nowMs, leaseMs }: MatchOptions): readonly (string | number)[] {
    return [newId<OfferId>('o', nowMs), nowMs + leaseMs, this.#readers.names()];
  }

  async #matching(verb: Verb, call: VerbCall): Promise<readonly string[]> {
    try {
      return (await this.scripts.list(verb, call)) ?? [];
    } catch (error) {
      // It may have been carried out: what it has reserved is asked for by the readers.
      if (hasCode(error, 'REDIS_UNAVAILABLE')) this.#readers.lostAnswers += 1;
      throw error;
    }
  }

  /** The reservations at the end of a result, each told to the reader of its shard if that is in this process. */
  #told(words: readonly string[]): readonly Reservation[] {
    const reservations: Reservation[] = [];
    for (let i = 0; i + reservationWords <= words.length; i += reservationWords) {
      const [contactId = '', offerId = '', operatorId = '', shard = '', text = ''] = words.slice(
        i,
        i + reservationWords,
      );
      reservations.push({ contactId: asId(contactId), offerId: asId(offerId), operatorId: asId(operatorId) });
      if (text !== '') this.#readers.tell(shard, text);
    }
    return reservations;
  }
}

function failureArguments(
  offerId: OfferId,
  failure: OfferFailure,
  options: Parameters<QueueStore['offerFailed']>[2],
): readonly (string | number)[] {
  const { setAsideMs, exclude, notReadyAfterMissed } = options;
  return [offerId, failure, setAsideMs, exclude === true ? 1 : 0, notReadyAfterMissed ?? ''];
}

function first(reservations: readonly Reservation[]): { readonly reservation?: Reservation } {
  const [reservation] = reservations;
  return reservation === undefined ? {} : { reservation };
}

function classesOf(steps: Pick<EnqueueRequest, 'requirement' | 'laterSteps'>): readonly RequirementClass[] {
  return [steps.requirement, ...(steps.laterSteps ?? []).map((step) => step.requirement)];
}

/** The steps as the scripts keep them. */
export function stepsText(
  { requirement, considerIf, laterSteps = [] }: Pick<EnqueueRequest, 'requirement' | 'considerIf' | 'laterSteps'>,
  enqueuedAtMs: number,
): string {
  const steps = [{ requirement, considerIf, afterMs: 0 }, ...laterSteps].map((step) => ({
    classId: step.requirement.classId,
    strategy: step.requirement.strategy,
    dueAtMs: enqueuedAtMs + step.afterMs,
    considerIf: step.considerIf,
  }));
  return JSON.stringify(steps);
}
