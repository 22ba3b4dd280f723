import type { Redis } from 'ioredis';
import {
  type ContactView,
  type OperatorRegistration,
  type OperatorView,
  operatorProfile,
  type Presence,
  type QueueFigures,
  type QueueStore,
  type Reservation,
  type Sharing,
  type SharingView,
  type Skills,
  type StepQuestion,
  shortAbandonMs,
  skillTotal,
  type WaitingContact,
} from '../../acd/index.ts';
import { asId, type CommandMeta, type ContactId, type OfferId, type OperatorId } from '../../foundation/index.ts';
import { asked } from './connection.ts';
import type { DueWatch } from './due-watch.ts';
import { MatchVerbs, type MatchVerbsParts, stepsText } from './match-verbs.ts';
import { readContact, readFigures, readOperators, readSharing, readWaiting } from './queue-views.ts';

/** How many due things one script call takes, so that no call blocks Redis for long. */
const dueBatch = 100;

/** The queue in Redis: each verb one Lua script. */
export class RedisQueueStore extends MatchVerbs implements QueueStore {
  readonly #client: Redis;
  readonly #prefix: string;
  readonly #dueWatch: DueWatch;

  constructor(
    parts: MatchVerbsParts & { readonly client: Redis; readonly prefix: string; readonly dueWatch: DueWatch },
  ) {
    super(parts);
    this.#client = parts.client;
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
      skillTotal(profile.skills),
      operator.weight ?? 1,
    ];
    await this.map.defining(
      () => this.scripts.word<'registered' | 'unknownProfile'>('register-operator', { nowMs, by, args }),
      (word) => word === 'unknownProfile',
      () => this.map.defineProfile(profile.profileId, profile.skills, nowMs),
    );
  }

  async setSkills(
    operatorId: OperatorId,
    skills: Skills,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator'> {
    const profile = operatorProfile(skills);
    const args = [operatorId, JSON.stringify(profile.skills), profile.profileId, skillTotal(profile.skills)];
    const word = await this.map.defining(
      () => this.scripts.word<'done' | 'unknownOperator' | 'unknownProfile'>('set-skills', { nowMs, by, args }),
      (each) => each === 'unknownProfile',
      () => this.map.defineProfile(profile.profileId, profile.skills, nowMs),
    );
    return word === 'done' ? 'done' : 'unknownOperator';
  }

  setOutsideCall(
    operatorId: OperatorId,
    busy: boolean,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator'> {
    return this.scripts.word('set-outside-call', { nowMs, by, args: [operatorId, busy ? 1 : 0] });
  }

  notReadyNext(
    operatorId: OperatorId,
    reason: string,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'> {
    return this.scripts.word('not-ready-next', { nowMs, by, args: [operatorId, reason] });
  }

  async withdrawOffers(
    operatorId: OperatorId,
    reason: 'operatorGone' | 'staffAction',
    nowMs: number,
    by?: CommandMeta,
  ): Promise<readonly ContactId[]> {
    const givenBack = await this.scripts.list('withdraw-offers', { nowMs, by, args: [operatorId, reason] });
    return (givenBack ?? []).map((contactId) => asId<ContactId>(contactId));
  }

  removeOperator(
    operatorId: OperatorId,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'removed' | 'busy' | 'unknownOperator'> {
    return this.scripts.word('remove-operator', { nowMs, by, args: [operatorId] });
  }

  signIn(operatorId: OperatorId, nowMs: number, by?: CommandMeta): Promise<'done' | 'unknownOperator'> {
    return this.scripts.word('sign-in', { nowMs, by, args: [operatorId] });
  }

  async signOut(operatorId: OperatorId, nowMs: number, by?: CommandMeta): ReturnType<QueueStore['signOut']> {
    const [outcome, ...givenBack] = (await this.scripts.list('sign-out', { nowMs, by, args: [operatorId] })) ?? [];
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
    return this.scripts.word('set-presence', { nowMs: options.nowMs, by, args });
  }

  setReachable(
    operatorId: OperatorId,
    reachable: boolean,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator'> {
    return this.scripts.word('set-reachable', { nowMs, by, args: [operatorId, reachable ? 1 : 0] });
  }

  async moveContact(
    contactId: ContactId,
    to: Parameters<QueueStore['moveContact']>[1],
    nowMs: number,
    by?: CommandMeta,
  ): ReturnType<QueueStore['moveContact']> {
    const enqueuedAtMs = Number(await this.#read('reading a contact', contactId, 'enqueuedAtMs'));
    const args = [contactId, to.queueId, stepsText(to, enqueuedAtMs), to.score, to.headStartMs ?? 0];
    const [outcome, operatorId] = await this.map.defining(
      async () => (await this.scripts.list('move-contact', { nowMs, by, args })) ?? [],
      ([word]) => word === 'unknownClass',
      () => this.defineClasses(to, nowMs),
    );
    if (outcome !== 'moved') return { outcome: 'notQueued' };
    return { outcome, ...(operatorId ? { operatorId: asId<OperatorId>(operatorId) } : {}) };
  }

  setHeadStart(
    contactId: ContactId,
    place: { readonly score: number; readonly headStartMs: number },
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'notQueued'> {
    return this.scripts.word('set-head-start', { nowMs, by, args: [contactId, place.score, place.headStartMs] });
  }

  async withdraw(
    contactId: ContactId,
    nowMs: number,
    by?: CommandMeta,
    tellOwner?: 'tellOwner',
  ): ReturnType<QueueStore['withdraw']> {
    const args = [contactId, shortAbandonMs, tellOwner === undefined ? 0 : 1];
    const [outcome, operatorId] = (await this.scripts.list('withdraw', { nowMs, by, args })) ?? [];
    if (outcome !== 'withdrawn') return { outcome: 'notQueued' };
    return { outcome, ...(operatorId ? { operatorId: asId<OperatorId>(operatorId) } : {}) };
  }

  async setSharing(queueId: string, sharing: Sharing, nowMs: number): Promise<void> {
    const { keepIdle, presses, share, costMs } = sharing;
    await this.scripts.word('set-sharing', { nowMs, args: [queueId, keepIdle, presses ? 1 : 0, share, costMs] });
  }

  sharing(): Promise<ReadonlyMap<string, SharingView>> {
    return asked('reading how operators are shared', () => readSharing(this.#client, this.#prefix));
  }

  offerAnswered(offerId: OfferId, nowMs: number, by?: CommandMeta): Promise<'connected' | 'staleOffer'> {
    return this.scripts.word('offer-answered', { nowMs, by, args: [offerId] });
  }

  extendWrapUp(
    operatorId: OperatorId,
    contactId: ContactId,
    byMs: number,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<number | undefined> {
    return this.scripts.number('extend-wrap-up', { nowMs, by, args: [operatorId, contactId, byMs] });
  }

  async expireOffers(nowMs: number): Promise<readonly Reservation[]> {
    const expired: Reservation[] = [];
    for (;;) {
      const flat = (await this.scripts.list('expire-offers', { nowMs, args: [dueBatch] })) ?? [];
      for (let i = 0; i < flat.length; i += 3) expired.push(...nonEmpty(reservation(flat.slice(i, i + 3))));
      if (flat.length < 3 * dueBatch) return expired;
    }
  }

  nextDueMs(): Promise<number | undefined> {
    return this.scripts.number('next-due', { nowMs: 0, args: [] });
  }

  releaseDue(nowMs: number): Promise<readonly OperatorId[]> {
    return this.#takeOperators('release-due', nowMs);
  }

  endDueWrapUps(nowMs: number): Promise<readonly OperatorId[]> {
    return this.#takeOperators('end-due-wrap-ups', nowMs);
  }

  /** One batch a call: what has questions stays due, and would be met again. */
  async takeDueContacts(nowMs: number): ReturnType<QueueStore['takeDueContacts']> {
    const flat = (await this.scripts.list('take-due-contacts', { nowMs, args: [dueBatch] })) ?? [];
    const contacts: ContactId[] = [];
    const questions: StepQuestion[] = [];
    for (let i = 0; i < flat.length; i += 4) {
      const [contactId = '', queueId = '', step = '', condition = ''] = flat.slice(i, i + 4);
      contacts.push(asId<ContactId>(contactId));
      if (step === '') continue;
      questions.push({
        contactId: asId<ContactId>(contactId),
        queueId,
        step: Number(step),
        condition: JSON.parse(condition) as StepQuestion['condition'],
      });
    }
    return { contacts, questions };
  }

  answerStep(
    question: Pick<StepQuestion, 'contactId' | 'step'>,
    isMet: boolean,
    nowMs: number,
  ): Promise<'taken' | 'stale'> {
    return this.scripts.word('answer-step', { nowMs, args: [question.contactId, question.step, isMet ? 1 : 0] });
  }

  watchDue(listener: (dueAtMs: number | undefined) => void, signal: AbortSignal): Promise<void> {
    return this.#dueWatch.watch(listener, signal);
  }

  async forgetClasses(keep: readonly string[], nowMs: number): Promise<number> {
    return (await this.scripts.number('forget-classes', { nowMs, args: keep })) ?? 0;
  }

  async position(contactId: ContactId): Promise<number | undefined> {
    const rank = await this.scripts.number('position', { nowMs: 0, args: [contactId] });
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

  async contact(contactId: ContactId): Promise<ContactView | undefined> {
    const [contact, ahead] = await Promise.all([
      asked('reading a contact', () => readContact(this.#client, this.#prefix, contactId)),
      this.scripts.number('contacts-ahead', { nowMs: 0, args: [contactId] }),
    ]);
    return contact === undefined || ahead === undefined ? undefined : { ...contact, ahead };
  }

  figures(): Promise<ReadonlyMap<string, QueueFigures>> {
    return asked('reading the figures of the queues', () => readFigures(this.#client, this.#prefix));
  }

  async #takeOperators(verb: 'release-due' | 'end-due-wrap-ups', nowMs: number): Promise<readonly OperatorId[]> {
    const taken: OperatorId[] = [];
    for (;;) {
      const some = (await this.scripts.list(verb, { nowMs, args: [dueBatch] })) ?? [];
      taken.push(...some.map((operatorId) => asId<OperatorId>(operatorId)));
      if (some.length < dueBatch) return taken;
    }
  }

  #read(what: string, contactId: ContactId, field: string): Promise<string | null> {
    return asked(what, () => this.#client.hget(`${this.#prefix}contact:${contactId}`, field));
  }
}

function reservation(list: readonly string[] | undefined): Reservation | undefined {
  const [contactId, offerId, operatorId] = list ?? [];
  if (contactId === undefined || offerId === undefined || operatorId === undefined) return undefined;
  return { contactId: asId(contactId), offerId: asId(offerId), operatorId: asId(operatorId) };
}

function nonEmpty<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
