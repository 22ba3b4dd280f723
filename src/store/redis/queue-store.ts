import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import {
  canServe,
  type EnqueueRequest,
  type OfferFailure,
  type OperatorRegistration,
  type OperatorView,
  operatorProfile,
  type Presence,
  type QueueStore,
  type RequirementClass,
  type Reservation,
  type Skills,
  type WaitingContact,
} from '../../acd/index.ts';
import {
  asId,
  type CommandMeta,
  type ContactId,
  DozvonError,
  newId,
  type OfferId,
  type OperatorId,
} from '../../foundation/index.ts';
import { asked } from './connection.ts';
import type { DueWatch } from './due-watch.ts';
import { readOperators, readWaiting } from './queue-views.ts';
import type { Scripts } from './scripts.ts';

/** How many due offers or set-asides one script call gives back, so that no call blocks Redis for long. */
const dueBatch = 100;
/**
 * A new class and a new profile computed at the same time cost each other a try; more tries than processes times the
 * classes and profiles that can appear at one moment means something else is wrong.
 */
const mapAttempts = 200;

interface MatchOptions {
  readonly nowMs: number;
  readonly leaseMs: number;
}

/** The queue in Redis: each verb one Lua script. */
export class RedisQueueStore implements QueueStore {
  readonly #client: Redis;
  readonly #scripts: Scripts;
  readonly #prefix: string;
  readonly #dueWatch: DueWatch;

  constructor(parts: {
    readonly client: Redis;
    readonly scripts: Scripts;
    readonly prefix: string;
    readonly dueWatch: DueWatch;
  }) {
    this.#client = parts.client;
    this.#scripts = parts.scripts;
    this.#prefix = parts.prefix;
    this.#dueWatch = parts.dueWatch;
  }

  async registerOperator(operator: OperatorRegistration, nowMs: number, by?: CommandMeta): Promise<void> {
    const { operatorId, extension, capacity } = operator;
    const profile = operatorProfile(operator.skills);
    const args = [
      operatorId,
      extension,
      JSON.stringify(profile.skills),
      profile.profileId,
      capacity.voice ?? 0,
      capacity.chat ?? 0,
    ];
    await this.#withMap(
      () => this.#scripts.word<'registered' | 'unknownProfile'>('register-operator', { nowMs, by, args }),
      'unknownProfile',
      () => this.#defineProfile(profile.profileId, profile.skills, nowMs),
    );
  }

  removeOperator(
    operatorId: OperatorId,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'removed' | 'busy' | 'unknownOperator'> {
    return this.#scripts.word('remove-operator', { nowMs, by, args: [operatorId] });
  }

  signIn(operatorId: OperatorId, nowMs: number, by?: CommandMeta): Promise<'done' | 'unknownOperator'> {
    return this.#scripts.word('sign-in', { nowMs, by, args: [operatorId] });
  }

  async signOut(operatorId: OperatorId, nowMs: number, by?: CommandMeta): ReturnType<QueueStore['signOut']> {
    const [outcome, ...givenBack] = (await this.#scripts.list('sign-out', { nowMs, by, args: [operatorId] })) ?? [];
    if (outcome !== 'done') return { outcome: 'unknownOperator' };
    return { outcome, givenBack: givenBack.map((contactId) => asId<ContactId>(contactId)) };
  }

  setPresence(
    operatorId: OperatorId,
    presence: Presence,
    options: { readonly reason?: string; readonly nowMs: number },
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'> {
    const args = [operatorId, presence, options.reason ?? ''];
    return this.#scripts.word('set-presence', { nowMs: options.nowMs, by, args });
  }

  setReachable(
    operatorId: OperatorId,
    reachable: boolean,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator'> {
    return this.#scripts.word('set-reachable', { nowMs, by, args: [operatorId, reachable ? 1 : 0] });
  }

  async enqueue(request: EnqueueRequest, nowMs: number, by?: CommandMeta): Promise<'enqueued' | 'alreadyQueued'> {
    const { requirement } = request;
    const args = [
      request.contactId,
      request.queueId,
      request.lineId,
      request.medium,
      requirement.classId,
      requirement.strategy,
      request.score,
      request.enqueuedAtMs,
      request.shard,
    ];
    return await this.#withMap(
      () => this.#scripts.word<'enqueued' | 'alreadyQueued' | 'unknownClass'>('enqueue', { nowMs, by, args }),
      'unknownClass',
      () => this.#defineClass(requirement, nowMs),
    );
  }

  async withdraw(contactId: ContactId, nowMs: number, by?: CommandMeta): ReturnType<QueueStore['withdraw']> {
    const [outcome, operatorId] = (await this.#scripts.list('withdraw', { nowMs, by, args: [contactId] })) ?? [];
    if (outcome !== 'withdrawn') return { outcome: 'notQueued' };
    return { outcome, ...(operatorId ? { operatorId: asId<OperatorId>(operatorId) } : {}) };
  }

  async matchContact(contactId: ContactId, options: MatchOptions): Promise<Reservation | undefined> {
    return reservation(await this.#scripts.list('match-contact', matchCall(contactId, options)));
  }

  async matchOperator(operatorId: OperatorId, options: MatchOptions): Promise<Reservation | undefined> {
    return reservation(await this.#scripts.list('match-operator', matchCall(operatorId, options)));
  }

  offerAnswered(offerId: OfferId, nowMs: number, by?: CommandMeta): Promise<'connected' | 'staleOffer'> {
    return this.#scripts.word('offer-answered', { nowMs, by, args: [offerId] });
  }

  async offerFailed(
    offerId: OfferId,
    failure: OfferFailure,
    options: { readonly nowMs: number; readonly setAsideMs: number },
    by?: CommandMeta,
  ): ReturnType<QueueStore['offerFailed']> {
    const args = [offerId, failure, options.setAsideMs];
    const result = (await this.#scripts.list('offer-failed', { nowMs: options.nowMs, by, args })) ?? [];
    const [outcome, operatorId, contactId] = result;
    if (outcome !== 'givenBack' || operatorId === undefined || contactId === undefined)
      return { outcome: 'staleOffer' };
    return { outcome, operatorId: asId(operatorId), contactId: asId(contactId) };
  }

  release(
    operatorId: OperatorId,
    contactId: ContactId,
    options: { readonly nowMs: number; readonly wrapUp: boolean },
    by?: CommandMeta,
  ): Promise<'released' | 'notHolding'> {
    const args = [operatorId, contactId, options.wrapUp ? 1 : 0];
    return this.#scripts.word('release', { nowMs: options.nowMs, by, args });
  }

  endWrapUp(
    operatorId: OperatorId,
    contactId: ContactId,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'idle' | 'notInWrapUp'> {
    return this.#scripts.word('end-wrap-up', { nowMs, by, args: [operatorId, contactId] });
  }

  async expireOffers(nowMs: number): Promise<readonly Reservation[]> {
    const expired: Reservation[] = [];
    for (;;) {
      const flat = (await this.#scripts.list('expire-offers', { nowMs, args: [dueBatch] })) ?? [];
      for (let i = 0; i < flat.length; i += 3) expired.push(...nonEmpty(reservation(flat.slice(i, i + 3))));
      if (flat.length < 3 * dueBatch) return expired;
    }
  }

  nextDueMs(): Promise<number | undefined> {
    return this.#scripts.number('next-due', { nowMs: 0, args: [] });
  }

  async releaseDue(nowMs: number): Promise<readonly OperatorId[]> {
    const released: OperatorId[] = [];
    for (;;) {
      const some = (await this.#scripts.list('release-due', { nowMs, args: [dueBatch] })) ?? [];
      released.push(...some.map((operatorId) => asId<OperatorId>(operatorId)));
      if (some.length < dueBatch) return released;
    }
  }

  watchDue(listener: (dueAtMs: number | undefined) => void, signal: AbortSignal): Promise<void> {
    return this.#dueWatch.watch(listener, signal);
  }

  async position(contactId: ContactId): Promise<number | undefined> {
    const rank = await this.#scripts.number('position', { nowMs: 0, args: [contactId] });
    return rank === undefined ? undefined : rank + 1;
  }

  operators(): Promise<readonly OperatorView[]> {
    return asked('reading the operators', async () => {
      const ids = await this.#client.smembers(`${this.#prefix}operators`);
      return await readOperators(this.#client, this.#prefix, ids.sort());
    });
  }

  operator(operatorId: OperatorId): Promise<OperatorView | undefined> {
    return asked('reading an operator', async () => {
      const [view] = await readOperators(this.#client, this.#prefix, [operatorId]);
      return view;
    });
  }

  waiting(): Promise<readonly WaitingContact[]> {
    return asked('reading who waits', () => readWaiting(this.#client, this.#prefix));
  }

  /** Runs `verb`; while it answers `missing`, defines what is missing and runs it again. */
  async #withMap<Word extends string, Missing extends Word>(
    verb: () => Promise<Word>,
    missing: Missing,
    define: () => Promise<void>,
  ): Promise<Exclude<Word, Missing>> {
    for (let attempt = 1; attempt <= mapAttempts; attempt += 1) {
      const word = await verb();
      if (word !== missing) return word as Exclude<Word, Missing>;
      await define();
    }
    throw new DozvonError('MAP_UNSETTLED', `expected the map of classes and profiles to settle, got ${missing} again`);
  }

  async #defineClass(requirement: RequirementClass, nowMs: number): Promise<void> {
    const { version, profiles } = await this.#readMap();
    const fit = Object.keys(profiles).filter((id) => canServe(JSON.parse(profiles[id] ?? '{}') as Skills, requirement));
    await this.#settle('define-class', [requirement.classId, JSON.stringify(requirement), version, ...fit], nowMs);
  }

  async #defineProfile(profileId: string, skills: Skills, nowMs: number): Promise<void> {
    const { version, classes } = await this.#readMap();
    const fit = Object.keys(classes).filter((id) =>
      canServe(skills, JSON.parse(classes[id] ?? '') as RequirementClass),
    );
    await this.#settle('define-profile', [profileId, JSON.stringify(skills), version, ...fit], nowMs);
  }

  async #settle(verb: 'define-class' | 'define-profile', args: readonly string[], nowMs: number): Promise<void> {
    const outcome = await this.#scripts.word<'defined' | 'known' | 'stale'>(verb, { nowMs, args });
    // Somebody else changed the map: let him finish rather than race him.
    if (outcome === 'stale') await pause(Math.random() * 5);
  }

  /** The map as of one moment. */
  async #readMap(): Promise<{
    readonly version: string;
    readonly classes: Readonly<Record<string, string>>;
    readonly profiles: Readonly<Record<string, string>>;
  }> {
    const replies = await asked('reading the map of classes and profiles', () =>
      this.#client
        .multi()
        .get(`${this.#prefix}map-version`)
        .hgetall(`${this.#prefix}classes`)
        .hgetall(`${this.#prefix}profiles`)
        .exec(),
    );
    const [version, classes, profiles] = (replies ?? []).map(([error, value]) => {
      if (error !== null) throw error;
      return value;
    });
    return {
      version: typeof version === 'string' ? version : '0',
      classes: classes as Record<string, string>,
      profiles: profiles as Record<string, string>,
    };
  }
}

function matchCall(who: ContactId | OperatorId, options: MatchOptions): { nowMs: number; args: (string | number)[] } {
  const { nowMs, leaseMs } = options;
  return { nowMs, args: [who, newId<OfferId>('o', nowMs), nowMs + leaseMs] };
}

function reservation(list: readonly string[] | undefined): Reservation | undefined {
  const [contactId, offerId, operatorId] = list ?? [];
  if (contactId === undefined || offerId === undefined || operatorId === undefined) return undefined;
  return { contactId: asId(contactId), offerId: asId(offerId), operatorId: asId(operatorId) };
}

function nonEmpty<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
