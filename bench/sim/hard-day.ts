import { canServe, type Reservation, readyForVoice, requirementClass, type Skills } from '../../src/acd/index.ts';
import { asId, assertNever, type ContactId, type OperatorId, secondMs } from '../../src/foundation/index.ts';
import { Calendar } from './calendar.ts';
import { ContactSource, epochMs, type SimulatedContact } from './contact-source.ts';
import type { PairedStore } from './paired-store.ts';
import { RandomStream } from './random.ts';
import { defaultStrategy } from './scenarios.ts';

type Answer = 'answered' | 'offerUnanswered' | 'offerDeclined' | 'operatorBusy' | 'silence' | 'tooLate';

type Due =
  | { readonly type: 'ringOver'; readonly reservation: Reservation; readonly answer: Answer }
  | { readonly type: 'patienceOver'; readonly contactId: ContactId }
  | { readonly type: 'talkOver' | 'wrapUpOver'; readonly operatorId: OperatorId; readonly contactId: ContactId }
  | { readonly type: 'storeDue' }
  | { readonly type: 'whim'; readonly operatorId: OperatorId }
  | { readonly type: 'back'; readonly operatorId: OperatorId };

const leaseMs = 35 * secondMs;
const skillSets: readonly Skills[] = [
  { documents: 5 },
  { documents: 3, social: 4 },
  { social: 8 },
  { documents: 9, social: 2, tatar: 3 },
];
const queues = [
  {
    queueId: 'documents',
    requirement: requirementClass([{ skill: 'documents', minLevel: 2 }], defaultStrategy),
    headStartMs: 0,
  },
  {
    queueId: 'hard-documents',
    requirement: requirementClass([{ skill: 'documents', minLevel: 5 }], defaultStrategy),
    headStartMs: 60 * secondMs,
  },
  {
    queueId: 'social',
    requirement: requirementClass([{ skill: 'social', minLevel: 1 }], defaultStrategy),
    headStartMs: 0,
  },
  {
    queueId: 'tatar',
    requirement: requirementClass(
      [
        { skill: 'tatar', minLevel: 1 },
        { skill: 'documents', minLevel: 1 },
      ],
      defaultStrategy,
    ),
    headStartMs: 30 * secondMs,
  },
] as const;
const plan = {
  arrivalsPerHour: 260,
  ahtMs: 100 * secondMs,
  meanPatienceMs: 150 * secondMs,
  kinds: [
    { queueId: 'documents', share: 0.4 },
    { queueId: 'hard-documents', share: 0.2 },
    { queueId: 'social', share: 0.3 },
    { queueId: 'tatar', share: 0.1 },
  ],
};
const operatorCount = 12;
/** Between an operator's departures from routine. */
const meanRoutineMs = 400 * secondMs;
const meanAbsenceMs = 90 * secondMs;
/** Asking both stores for everything costs more than a move does. */
const movesBetweenViews = 40;

export interface HardDayResult {
  readonly contacts: number;
  readonly events: number;
  /** Times that somebody waited while an operator who could serve was ready, and left with it. */
  readonly keptWaiting: number;
  readonly leftBehind: number;
}

/**
 * A day on which everything happens that can: phones not answered, refused, busy, silent until the lease runs out or answered after
 * that; callers who leave, also while it rings; operators who pause, sign out, lose their phone or learn something; commands that come
 * twice. Which of it happens when is drawn from the seed.
 */
export class HardDay {
  readonly #store: PairedStore;
  readonly #random: RandomStream;
  readonly #calendar = new Calendar<Due>();
  readonly #contacts = new Map<ContactId, SimulatedContact>();
  readonly #operators: readonly OperatorId[] = Array.from({ length: operatorCount }, (_, i) =>
    asId<OperatorId>(`op${10 + i}`),
  );
  #nowMs = epochMs;
  #armedMs = Number.POSITIVE_INFINITY;
  #moves = 0;
  #keptWaiting = 0;
  #evening = false;

  constructor(store: PairedStore, seed: string) {
    this.#store = store;
    this.#random = new RandomStream(seed, 'whims');
  }

  async run(contacts: number, seed: string): Promise<HardDayResult> {
    for (const [i, operatorId] of this.#operators.entries()) {
      await this.#register(operatorId, i);
      await this.#comeToWork(operatorId);
      this.#calendar.add(this.#nowMs + this.#random.below(meanRoutineMs), { type: 'whim', operatorId });
    }
    const source = new ContactSource(plan, seed);
    for (let i = 0; i < contacts; i += 1) {
      const contact = source.next();
      await this.#advance(contact.atMs);
      await this.#arrive(contact);
    }
    this.#evening = true;
    for (let next = this.#calendar.nextAtMs(); next !== undefined; next = this.#calendar.nextAtMs())
      await this.#advance(next);
    const left = (await this.#store.waiting()).length + (await this.#held());
    await this.#view();
    return {
      contacts,
      events: await this.#store.compareEvents(this.#nowMs),
      keptWaiting: this.#keptWaiting,
      leftBehind: left,
    };
  }

  async #advance(untilMs: number): Promise<void> {
    for (let due = this.#calendar.take(untilMs); due !== undefined; due = this.#calendar.take(untilMs)) {
      this.#nowMs = due.atMs;
      await this.#happen(due.event);
      await this.#settleMove();
    }
    this.#nowMs = untilMs;
  }

  /** As the service does after each move: its timer follows what is due in the store. */
  async #settleMove(): Promise<void> {
    const dueAtMs = await this.#store.nextDueMs();
    if (dueAtMs !== undefined && dueAtMs < this.#armedMs) {
      this.#armedMs = dueAtMs;
      this.#calendar.add(dueAtMs, { type: 'storeDue' });
    }
    this.#moves += 1;
    if (this.#moves % movesBetweenViews === 0) await this.#view();
  }

  async #arrive(contact: SimulatedContact): Promise<void> {
    const { contactId, atMs } = contact;
    const queue = queues[contact.kind] ?? queues[0];
    const { queueId, requirement, headStartMs } = queue;
    this.#contacts.set(contactId, contact);
    const score = atMs + 120 * secondMs - headStartMs;
    const shard = `shard${contact.number % 2}`;
    const request = {
      contactId,
      queueId,
      lineId: 'sim',
      medium: 'voice',
      requirement,
      score,
      enqueuedAtMs: atMs,
      shard,
    } as const;
    await this.#maybeTwice(() => this.#store.enqueue(request, atMs));
    this.#calendar.add(atMs + contact.patienceMs, { type: 'patienceOver', contactId });
    await this.#matchContact(contactId);
    await this.#settleMove();
  }

  async #happen(due: Due): Promise<void> {
    const nowMs = this.#nowMs;
    switch (due.type) {
      case 'ringOver':
        return await this.#ringOver(due.reservation, due.answer);
      case 'patienceOver': {
        const { operatorId } = await this.#maybeTwice(() => this.#store.withdraw(due.contactId, nowMs));
        if (operatorId !== undefined) await this.#matchOperator(operatorId);
        return;
      }
      case 'talkOver': {
        const { operatorId, contactId } = due;
        const wrapUp = this.#random.chance(0.5);
        await this.#maybeTwice(() => this.#store.release(operatorId, contactId, { nowMs, wrapUp }));
        if (!wrapUp) return await this.#matchOperator(operatorId);
        this.#calendar.add(nowMs + this.#random.below(60 * secondMs), { ...due, type: 'wrapUpOver' });
        return;
      }
      case 'wrapUpOver':
        await this.#maybeTwice(() => this.#store.endWrapUp(due.operatorId, due.contactId, nowMs));
        return await this.#matchOperator(due.operatorId);
      case 'storeDue':
        return await this.#takeDue();
      case 'whim':
        return await this.#whim(due.operatorId);
      case 'back':
        await this.#comeToWork(due.operatorId);
        return await this.#matchOperator(due.operatorId);
      default:
        assertNever(due, 'due');
    }
  }

  async #ringOver({ contactId, operatorId, offerId }: Reservation, answer: Answer): Promise<void> {
    const nowMs = this.#nowMs;
    if (answer === 'silence') return;
    if (answer === 'answered' || answer === 'tooLate') {
      const outcome = await this.#maybeTwice(() => this.#store.offerAnswered(offerId, nowMs));
      const contact = this.#contacts.get(contactId);
      if (outcome !== 'connected' || contact === undefined) return;
      this.#calendar.add(nowMs + contact.handlingMs, { type: 'talkOver', operatorId, contactId });
      return;
    }
    const setAsideMs = this.#random.below(4) * 10 * secondMs;
    const result = await this.#maybeTwice(() => this.#store.offerFailed(offerId, answer, { nowMs, setAsideMs }));
    if (result.outcome === 'staleOffer') return;
    await this.#matchContact(result.contactId);
    await this.#matchOperator(result.operatorId);
  }

  async #takeDue(): Promise<void> {
    this.#armedMs = Number.POSITIVE_INFINITY;
    const expired = await this.#store.expireOffers(this.#nowMs);
    const released = await this.#store.releaseDue(this.#nowMs);
    for (const { contactId } of expired) await this.#matchContact(contactId);
    for (const operatorId of [...expired.map((offer) => offer.operatorId), ...released])
      await this.#matchOperator(operatorId);
  }

  async #whim(operatorId: OperatorId): Promise<void> {
    if (this.#evening) return;
    const nowMs = this.#nowMs;
    const routineMs = Math.round(this.#random.exponential(meanRoutineMs));
    const absenceMs = Math.round(this.#random.exponential(meanAbsenceMs));
    this.#calendar.add(nowMs + absenceMs, { type: 'back', operatorId });
    this.#calendar.add(nowMs + absenceMs + routineMs, { type: 'whim', operatorId });
    switch (this.#random.below(4)) {
      case 0:
        await this.#maybeTwice(() => this.#store.setPresence(operatorId, 'notReady', { reason: 'lunch', nowMs }));
        return;
      case 1: {
        const result = await this.#maybeTwice(() => this.#store.signOut(operatorId, nowMs));
        if (result.outcome === 'done') for (const contactId of result.givenBack) await this.#matchContact(contactId);
        return;
      }
      case 2:
        await this.#maybeTwice(() => this.#store.setReachable(operatorId, false, nowMs));
        return;
      default:
        await this.#register(operatorId, this.#random.below(skillSets.length));
        await this.#matchOperator(operatorId);
    }
  }

  async #register(operatorId: OperatorId, skillSet: number): Promise<void> {
    const skills = skillSets[skillSet % skillSets.length] ?? {};
    await this.#store.registerOperator(
      { operatorId, extension: operatorId.slice(2), skills, capacity: { voice: 1 } },
      this.#nowMs,
    );
  }

  async #comeToWork(operatorId: OperatorId): Promise<void> {
    await this.#store.signIn(operatorId, this.#nowMs);
    await this.#store.setReachable(operatorId, true, this.#nowMs);
    await this.#store.setPresence(operatorId, 'ready', { nowMs: this.#nowMs });
  }

  async #matchContact(contactId: ContactId): Promise<void> {
    this.#ring(await this.#store.matchContact(contactId, { nowMs: this.#nowMs, leaseMs }));
  }

  async #matchOperator(operatorId: OperatorId): Promise<void> {
    this.#ring(await this.#store.matchOperator(operatorId, { nowMs: this.#nowMs, leaseMs }));
  }

  #ring(reservation: Reservation | undefined): void {
    if (reservation === undefined) return;
    const drawn = this.#random.uniform();
    const ring = (answer: Answer, afterMs: number): void =>
      this.#calendar.add(this.#nowMs + afterMs, { type: 'ringOver', reservation, answer });
    if (drawn < 0.8) ring('answered', this.#random.below(8 * secondMs));
    else if (drawn < 0.86) ring('offerUnanswered', 15 * secondMs);
    else if (drawn < 0.9) ring('offerDeclined', this.#random.below(5 * secondMs));
    else if (drawn < 0.94) ring('operatorBusy', this.#random.below(secondMs));
    else if (drawn < 0.97) ring('silence', leaseMs);
    else ring('tooLate', leaseMs + 1 + this.#random.below(10 * secondMs));
  }

  /** Commands come twice when an answer was lost on the way; the answer to the first one counts. */
  async #maybeTwice<Result>(command: () => Promise<Result>): Promise<Result> {
    const twice = this.#random.chance(0.05);
    const result = await command();
    if (twice) await command();
    return result;
  }

  /** Compares everything there is to be seen, and looks whether anybody waits who need not. */
  async #view(): Promise<void> {
    const operators = (await this.#store.operators()).filter(readyForVoice);
    const waiting = (await this.#store.waiting()).filter((contact) => contact.offerId === undefined);
    const classes = new Map(queues.map(({ requirement }) => [requirement.classId, requirement]));
    for (const { classId } of waiting) {
      const requirement = classes.get(classId);
      if (requirement !== undefined && operators.some(({ skills }) => canServe(skills, requirement)))
        this.#keptWaiting += 1;
    }
  }

  async #held(): Promise<number> {
    return (await this.#store.operators()).filter((operator) => operator.contactId !== undefined).length;
  }
}
