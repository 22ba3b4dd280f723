import { enqueueRequest, placeIn, type QueueStore, type Reservation, whyNot } from '../../src/acd/index.ts';
import { assertNever, type ContactId, DozvonError, type OperatorId, secondMs } from '../../src/foundation/index.ts';
import { Calendar } from './calendar.ts';
import { ContactSource, epochMs, type SimulatedContact } from './contact-source.ts';
import {
  callBackShare,
  drawAnswer,
  drawRule,
  hardOperators,
  hardQueue,
  hardQueues,
  hardRegistration,
  hardShards,
  hardTraffic,
  longestCallBackMs,
  type RingAnswer,
  skillSetCount,
  skillsOf,
} from './hard-day-plan.ts';
import type { PairedStore } from './paired-store.ts';
import { RandomStream } from './random.ts';

type Due =
  | { readonly type: 'ringOver'; readonly reservation: Reservation; readonly answer: RingAnswer }
  | { readonly type: 'patienceOver' | 'staff'; readonly contactId: ContactId }
  | { readonly type: 'talkOver' | 'wrapUp'; readonly operatorId: OperatorId; readonly contactId: ContactId }
  | { readonly type: 'storeDue' }
  | { readonly type: 'whim' | 'back'; readonly operatorId: OperatorId };

const leaseMs = 35 * secondMs;
const leaveOutAfterMissed = 2;
const longestWrapUpMs = 60 * secondMs;
/** Between an operator's departures from routine. */
const meanRoutineMs = 400 * secondMs;
const meanAbsenceMs = 90 * secondMs;
/** Asking both stores for everything costs more than a move does. */
const movesBetweenViews = 40;
/** What is due leads to more that is due, but not for ever. */
const mostLooks = 100;

export interface HardDayResult {
  readonly contacts: number;
  readonly events: number;
  /** Kinds of the queue's moves that there were. */
  readonly kinds: readonly string[];
  /** Times that somebody waited while an operator was there of whom nothing said why not. */
  readonly keptWaiting: number;
  readonly leftBehind: number;
}

/**
 * A day on which everything happens that can: phones not answered, refused, busy, silent until the lease runs out or answered after that;
 * callers who leave, also while it rings, who know an operator, or find the queue full; steps with conditions; wrap-ups cut short,
 * extended or over by themselves; callers who are to be called back, by a rule of sharing that changes; staff who move contacts, put them ahead or take them out, or change the queues; operators who pause, now or after this
 * contact, sign out, are removed, lose their phone, telephone themselves or learn something; commands that come twice. Which of it
 * happens when is drawn from the seed.
 */
export class HardDay {
  readonly #paired: PairedStore;
  readonly #store: QueueStore;
  readonly #random: RandomStream;
  readonly #calendar = new Calendar<Due>();
  readonly #contacts = new Map<ContactId, SimulatedContact>();
  readonly #callBacks = new Set<ContactId>();
  readonly #skillSets = new Map<OperatorId, number>();
  #nowMs = epochMs;
  #armedMs = Number.POSITIVE_INFINITY;
  #lastLeaseMs = 0;
  #moves = 0;
  #keptWaiting = 0;
  #evening = false;

  constructor(store: PairedStore, seed: string) {
    this.#paired = store;
    this.#store = store.queue;
    this.#random = new RandomStream(seed, 'whims');
  }

  async run(contacts: number, seed: string): Promise<HardDayResult> {
    for (const [i, operatorId] of hardOperators.entries()) {
      this.#skillSets.set(operatorId, i);
      await this.#comeToWork(operatorId);
      this.#calendar.add(this.#nowMs + this.#random.below(meanRoutineMs), { type: 'whim', operatorId });
    }
    const source = new ContactSource(hardTraffic, seed);
    for (let i = 0; i < contacts; i += 1) {
      const contact = source.next();
      await this.#advance(contact.atMs);
      await this.#arrive(contact);
      await this.#settle();
    }
    this.#evening = true;
    for (let next = this.#calendar.nextAtMs(); next !== undefined; next = this.#calendar.nextAtMs())
      await this.#advance(next);
    const waiting = await this.#store.waiting();
    const callBacks = [...(await this.#store.sharing()).values()].reduce((sum, rule) => sum + rule.callBacks, 0);
    const held = (await this.#store.operators()).filter((operator) => operator.contactId !== undefined);
    await this.#view();
    const kinds = await this.#paired.compareMoves(this.#nowMs, hardShards);
    return {
      contacts,
      events: kinds.length,
      kinds: [...new Set(kinds)].sort(),
      keptWaiting: this.#keptWaiting,
      leftBehind: waiting.length + callBacks + held.length,
    };
  }

  async #advance(untilMs: number): Promise<void> {
    for (let due = this.#calendar.take(untilMs); due !== undefined; due = this.#calendar.take(untilMs)) {
      this.#nowMs = due.atMs;
      await this.#happen(due.event);
      await this.#settle();
    }
    this.#nowMs = untilMs;
  }

  /** As the service does after each move: what is due is taken, and its timer follows what will be. */
  async #settle(): Promise<void> {
    let dueAtMs = await this.#store.nextDueMs();
    for (let looks = 0; dueAtMs !== undefined && dueAtMs <= this.#nowMs; looks += 1) {
      if (looks === mostLooks) {
        throw new DozvonError('SIMULATION_BROKEN', `expected rest after ${mostLooks} looks, something is due for ever`);
      }
      await this.#takeDue();
      dueAtMs = await this.#store.nextDueMs();
    }
    if (dueAtMs !== undefined && dueAtMs < this.#armedMs) {
      this.#armedMs = dueAtMs;
      this.#calendar.add(dueAtMs, { type: 'storeDue' });
    }
    this.#moves += 1;
    if (this.#moves % movesBetweenViews === 0) await this.#view();
  }

  async #arrive(contact: SimulatedContact): Promise<void> {
    const { contactId, atMs } = contact;
    const plan = hardQueue(contact.kind);
    this.#contacts.set(contactId, contact);
    const isCallBack = this.#random.chance(callBackShare);
    if (isCallBack) this.#callBacks.add(contactId);
    const request = {
      ...enqueueRequest(plan, {
        contactId,
        queueId: plan.settings.id,
        lineId: 'sim',
        shard: hardShards[contact.number % hardShards.length] ?? hardShards[0],
        medium: this.#random.chance(0.1) ? 'chat' : 'voice',
        enqueuedAtMs: isCallBack ? atMs - this.#random.below(longestCallBackMs) : atMs,
        ...(this.#random.chance(0.3) ? { preferredOperatorId: this.#anyOperator() } : {}),
      }),
      ...(isCallBack ? { kind: 'callBack' as const } : {}),
    };
    await this.#maybeTwice(() => this.#store.enqueue(request, atMs));
    this.#calendar.add(atMs + contact.patienceMs, { type: 'patienceOver', contactId });
    if (this.#random.chance(0.1)) {
      this.#calendar.add(atMs + this.#random.below(60 * secondMs), { type: 'staff', contactId });
    }
    await this.#matchContact(contactId);
  }

  async #happen(due: Due): Promise<void> {
    switch (due.type) {
      case 'ringOver':
        return await this.#ringOver(due.reservation, due.answer);
      case 'patienceOver': {
        const { operatorId } = await this.#maybeTwice(() => this.#store.withdraw(due.contactId, this.#nowMs));
        return await this.#matchOperator(operatorId);
      }
      case 'staff':
        return await this.#staff(due.contactId);
      case 'talkOver':
        return await this.#talkOver(due.operatorId, due.contactId);
      case 'wrapUp':
        return await this.#wrapUp(due.operatorId, due.contactId);
      case 'storeDue':
        this.#armedMs = Number.POSITIVE_INFINITY;
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

  async #ringOver({ contactId, operatorId, offerId }: Reservation, answer: RingAnswer): Promise<void> {
    const nowMs = this.#nowMs;
    if (answer === 'silence') return;
    if (answer === 'answered' || answer === 'tooLate') {
      const outcome = await this.#maybeTwice(() => this.#store.offerAnswered(offerId, nowMs));
      const contact = this.#contacts.get(contactId);
      if (outcome !== 'connected' || contact === undefined) return;
      this.#calendar.add(nowMs + contact.handlingMs, { type: 'talkOver', operatorId, contactId });
      return;
    }
    const options = {
      nowMs,
      setAsideMs: this.#random.below(4) * 10 * secondMs,
      exclude: answer === 'offerUnanswered' || answer === 'offerDeclined',
      notReadyAfterMissed: leaveOutAfterMissed,
    };
    const result = await this.#maybeTwice(() => this.#store.offerFailed(offerId, answer, options));
    if (result.outcome === 'staleOffer') return;
    await this.#matchContact(result.contactId);
    await this.#matchOperator(result.operatorId);
  }

  async #talkOver(operatorId: OperatorId, contactId: ContactId): Promise<void> {
    const nowMs = this.#nowMs;
    const wrapUp = this.#random.chance(0.6);
    const wrapUpMs = this.#random.below(longestWrapUpMs);
    const isTimed = this.#random.chance(0.8);
    const options = { nowMs, wrapUp, ...(isTimed ? { wrapUpMs } : {}) };
    await this.#maybeTwice(() => this.#store.release(operatorId, contactId, options));
    if (!wrapUp) return await this.#matchOperator(operatorId);
    // Cut short or extended on the way; without a time of its own it lasts until somebody ends it.
    const afterMs = isTimed ? this.#random.below(2 * wrapUpMs + 1) : wrapUpMs;
    this.#calendar.add(nowMs + afterMs, { type: 'wrapUp', operatorId, contactId });
  }

  async #wrapUp(operatorId: OperatorId, contactId: ContactId): Promise<void> {
    const nowMs = this.#nowMs;
    if (this.#random.chance(0.3)) {
      const byMs = 1 + this.#random.below(30 * secondMs);
      await this.#maybeTwice(() => this.#store.extendWrapUp(operatorId, contactId, byMs, nowMs));
      return;
    }
    const onlyWhenDue = this.#random.chance(0.3) ? 'onlyWhenDue' : undefined;
    await this.#maybeTwice(() => this.#store.endWrapUp(operatorId, contactId, nowMs, undefined, onlyWhenDue));
    await this.#matchOperator(operatorId);
  }

  async #staff(contactId: ContactId): Promise<void> {
    const nowMs = this.#nowMs;
    const contact = await this.#store.contact(contactId);
    const enqueuedAtMs = contact?.enqueuedAtMs ?? nowMs;
    const plan = hardQueue(this.#random.below(hardQueues.length));
    const place = placeIn(plan, { enqueuedAtMs, headStartMs: this.#random.below(120) * secondMs });
    switch (this.#random.below(5)) {
      case 4: {
        const { id } = plan.settings;
        const rule = drawRule(this.#random);
        await this.#maybeTwice(() => this.#store.setSharing(id, rule, nowMs));
        return this.#ring(await this.#store.matchCallBack(id, this.#leaseNow()));
      }
      case 0: {
        const { operatorId } = await this.#maybeTwice(() => this.#store.moveContact(contactId, place, nowMs));
        await this.#matchContact(contactId);
        return await this.#matchOperator(operatorId);
      }
      case 1: {
        const { score, headStartMs = 0 } = place;
        await this.#maybeTwice(() => this.#store.setHeadStart(contactId, { score, headStartMs }, nowMs));
        return;
      }
      case 2:
        await this.#maybeTwice(() => this.#store.forgetClasses([plan.requirement.classId], nowMs));
        return;
      default: {
        const taken = await this.#maybeTwice(() => this.#store.withdraw(contactId, nowMs, undefined, 'tellOwner'));
        await this.#matchOperator(taken.operatorId);
      }
    }
  }

  /** As `Matching` does it. */
  async #takeDue(): Promise<void> {
    const nowMs = this.#nowMs;
    const expired = await this.#store.expireOffers(nowMs);
    const released = await this.#store.releaseDue(nowMs);
    const wrappedUp = await this.#store.endDueWrapUps(nowMs);
    for (const { contactId } of expired) await this.#matchContact(contactId);
    const { contacts, questions } = await this.#store.takeDueContacts(nowMs);
    for (const question of questions) await this.#store.answerStep(question, this.#random.chance(0.5), nowMs);
    for (const contactId of contacts) await this.#matchContact(contactId);
    for (const operatorId of [...expired.map((offer) => offer.operatorId), ...released, ...wrappedUp])
      await this.#matchOperator(operatorId);
  }

  async #whim(operatorId: OperatorId): Promise<void> {
    if (this.#evening) return;
    const nowMs = this.#nowMs;
    const absenceMs = Math.round(this.#random.exponential(meanAbsenceMs));
    this.#calendar.add(nowMs + absenceMs, { type: 'back', operatorId });
    const nextMs = nowMs + absenceMs + Math.round(this.#random.exponential(meanRoutineMs));
    this.#calendar.add(nextMs, { type: 'whim', operatorId });
    switch (this.#random.below(9)) {
      case 0:
        await this.#maybeTwice(() => this.#store.setPresence(operatorId, 'notReady', { reason: 'lunch', nowMs }));
        return;
      case 1: {
        const result = await this.#maybeTwice(() => this.#store.signOut(operatorId, nowMs));
        return await this.#matchContacts(result.outcome === 'done' ? result.givenBack : []);
      }
      case 2:
        await this.#store.setPresence(operatorId, 'loggedOff', { nowMs });
        return await this.#matchContacts(await this.#store.withdrawOffers(operatorId, 'operatorGone', nowMs));
      case 3:
        await this.#maybeTwice(() => this.#store.setReachable(operatorId, false, nowMs));
        return;
      case 4:
        await this.#maybeTwice(() => this.#store.setOutsideCall(operatorId, true, nowMs));
        return;
      case 5:
        await this.#maybeTwice(() => this.#store.notReadyNext(operatorId, 'tea', nowMs));
        return;
      case 6:
        await this.#maybeTwice(() => this.#store.removeOperator(operatorId, nowMs));
        return;
      case 7:
        // Until he comes to work again: then the configuration has changed as well.
        this.#skillSets.set(operatorId, this.#random.below(skillSetCount));
        await this.#maybeTwice(() =>
          this.#store.setSkills(operatorId, skillsOf(this.#random.below(skillSetCount)), nowMs),
        );
        return await this.#matchOperator(operatorId);
      default:
        this.#skillSets.set(operatorId, this.#random.below(skillSetCount));
        await this.#comeToWork(operatorId);
        await this.#matchOperator(operatorId);
    }
  }

  async #comeToWork(operatorId: OperatorId): Promise<void> {
    const nowMs = this.#nowMs;
    await this.#store.registerOperator(hardRegistration(operatorId, this.#skillSets.get(operatorId) ?? 0), nowMs);
    await this.#store.signIn(operatorId, nowMs);
    await this.#store.setReachable(operatorId, true, nowMs);
    await this.#store.setOutsideCall(operatorId, false, nowMs);
    await this.#store.setPresence(operatorId, 'ready', { nowMs });
  }

  #anyOperator(): OperatorId {
    return hardOperators[this.#random.below(hardOperators.length)] as OperatorId;
  }

  async #matchContacts(contactIds: readonly ContactId[]): Promise<void> {
    for (const contactId of contactIds) await this.#matchContact(contactId);
  }

  async #matchContact(contactId: ContactId): Promise<void> {
    this.#ring(await this.#store.matchContact(contactId, this.#leaseNow()));
  }

  /** Until he has as much as he can hold. */
  async #matchOperator(operatorId: OperatorId | undefined): Promise<void> {
    if (operatorId === undefined) return;
    for (;;) {
      const reservation = await this.#store.matchOperator(operatorId, this.#leaseNow());
      if (reservation === undefined) return;
      this.#ring(reservation);
    }
  }

  /** No two run out at one instant: which of them were first then would depend on the offers' ids, and each store makes its own. */
  #leaseNow(): { readonly nowMs: number; readonly leaseMs: number } {
    this.#lastLeaseMs = Math.max(this.#lastLeaseMs + 1, this.#nowMs + leaseMs);
    return { nowMs: this.#nowMs, leaseMs: this.#lastLeaseMs - this.#nowMs };
  }

  #ring(reservation: Reservation | undefined): void {
    if (reservation === undefined) return;
    const { answer, afterMs } = drawAnswer(this.#random, leaseMs);
    this.#calendar.add(this.#nowMs + afterMs, { type: 'ringOver', reservation, answer });
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
    const operators = await this.#store.operators();
    await this.#store.figures();
    await this.#store.sharing();
    for (const contactId of this.#callBacks) {
      const contact = await this.#store.contact(contactId);
      await this.#store.position(contactId);
      if (contact === undefined) this.#callBacks.delete(contactId);
    }
    for (const { contactId } of await this.#store.waiting()) {
      const contact = await this.#store.contact(contactId);
      await this.#store.position(contactId);
      if (contact?.offerId !== undefined || contact === undefined) continue;
      if (operators.some((operator) => whyNot(operator, contact).length === 0)) this.#keptWaiting += 1;
    }
  }
}
