import {
  contactScore,
  estimateOf,
  isChoiceOffered,
  isChoiceOfferedAtOnce,
  type Ladder,
  ladderAt,
  noRates,
  type QueueStore,
  type Reservation,
  type SharingRule,
  stayingHeadStartMs,
  withArrival,
  withHandling,
  withWait,
} from '../../../src/acd/index.ts';
import { assertNever, type ContactId, minuteMs, type OperatorId, secondMs } from '../../../src/foundation/index.ts';
import { Calendar } from '../calendar.ts';
import { epochMs } from '../contact-source.ts';
import { operatorsWith } from '../hotline.ts';
import { queueOf } from '../scenarios.ts';
import { closesAtMs, type DayContact, type DayPlan, opensAtMs } from './day-source.ts';
import { PromiseTally } from './promise-tally.ts';
import { Promises } from './promises.ts';

/** A caller on the line. */
interface Visit {
  readonly contact: DayContact;
  waiting: boolean;
  taken: number;
  /** What is written down for him. */
  promised: Held | undefined;
}

type Held =
  | { readonly kind: 'request'; readonly afterMs: number }
  | { readonly kind: 'callBack'; readonly afterMs: number; readonly callBack: CallBack };

/** A call-back from the promise to its end. */
interface CallBack {
  readonly contact: DayContact;
  readonly promisedAtMs: number;
  readonly day: number;
  /** At once, or at the time the caller chose on a later day. */
  readonly dueAtMs: number;
  readonly chosen: boolean;
  attempts: number;
  broken: boolean;
}

type Due =
  | {
      readonly type: 'free';
      readonly operatorId: OperatorId;
      readonly contactId: ContactId;
      readonly handlingMs: number;
    }
  | { readonly type: 'patienceOver' | 'ladder' | 'latest'; readonly visit: Visit }
  | { readonly type: 'callBackDue'; readonly callBack: CallBack }
  | { readonly type: 'look' | 'closing' };

const leaseMs = minuteMs;
/** The rule of sharing is set anew so often. */
const lookEveryMs = minuteMs;
/** What a dialling takes that nobody picks up: the operator is first, and hears it ring. */
const ringMs = 25 * secondMs;
const retryMs = 10 * minuteMs;
const queue = queueOf('all', 'all');
const { queueId } = queue;

/** Who becomes free at an instant is free for whom patience would end at the same one; the ladder acts before the caller does. */
const ranks = { free: 0, ladder: 1, latest: 2, callBackDue: 1, look: 1, patienceOver: 3, closing: 4 } as const;

/** A line with the ladder, the promises and the shared operators, on a virtual clock, through the queue's own verbs. */
export class PromiseLine {
  readonly tally = new PromiseTally();
  readonly #plan: DayPlan;
  /** Of the callers of these days everything is counted; later ones only keep the operators busy while promises are kept. */
  readonly #countedDays: number;
  readonly #store: QueueStore;
  readonly #ladder: Ladder;
  readonly #rule: SharingRule;
  readonly #promises: Promises;
  readonly #calendar = new Calendar<Due>();
  readonly #visits = new Map<ContactId, Visit>();
  /** Call-backs in the queue, ready to be dialled. */
  readonly #dialling = new Map<ContactId, CallBack>();
  /** Those due and not made, between two attempts too. */
  readonly #outstanding = new Set<CallBack>();
  #rates = noRates(epochMs);
  #day = 0;
  #nowMs = epochMs;
  #open = false;

  constructor(
    plan: DayPlan,
    parts: {
      readonly store: QueueStore;
      readonly ladder: Ladder;
      readonly rule: SharingRule;
      readonly countedDays: number;
    },
  ) {
    this.#plan = plan;
    this.#countedDays = parts.countedDays;
    this.#store = parts.store;
    this.#ladder = parts.ladder;
    this.#rule = parts.rule;
    this.#promises = new Promises(plan, parts.rule);
  }

  async begin(): Promise<void> {
    for (const { operatorId, skills } of operatorsWith({ all: 1 }, this.#plan.operators)) {
      await this.#store.registerOperator(
        { operatorId, extension: operatorId, skills, capacity: { voice: 1 } },
        epochMs,
      );
      await this.#store.signIn(operatorId, epochMs);
      await this.#store.setReachable(operatorId, true, epochMs);
      await this.#store.setPresence(operatorId, 'ready', { nowMs: epochMs });
    }
  }

  async serveDay(day: number, contacts: Iterable<DayContact>): Promise<void> {
    const closesMs = closesAtMs(this.#plan, day);
    await this.#advance(opensAtMs(day));
    this.#nowMs = opensAtMs(day);
    this.#day = day;
    this.#open = true;
    this.#calendar.add(closesMs, { type: 'closing' }, ranks.closing);
    await this.#look();
    for (const contact of contacts) {
      await this.#advance(contact.atMs);
      await this.#arrive(contact);
    }
    // Everybody who came is through, and the operators have gone home, long before the next opening.
    await this.#advance(opensAtMs(day + 1) - 1);
    this.#promises.dayOver(day);
  }

  async #arrive(contact: DayContact): Promise<void> {
    const { contactId, atMs } = contact;
    this.#nowMs = atMs;
    this.#promises.arrived(atMs, this.#day);
    this.#rates = withArrival(this.#rates, atMs);
    await this.#enqueue(contact, { enqueuedAtMs: atMs });
    const visit: Visit = { contact, waiting: true, taken: 0, promised: undefined };
    this.#visits.set(contactId, visit);
    const reservation = await this.#store.matchContact(contactId, { nowMs: atMs, leaseMs });
    if (reservation !== undefined) return await this.#connect(reservation);
    this.#at(atMs + contact.patienceMs, { type: 'patienceOver', visit });
    if (isChoiceOfferedAtOnce(this.#ladder, await this.#estimateMs(contactId)) && contact.accepts[0]) {
      return await this.#endOnLine(visit, this.#concluded(visit));
    }
    this.#climb(visit);
  }

  async #advance(untilMs: number): Promise<void> {
    for (let due = this.#calendar.take(untilMs); due !== undefined; due = this.#calendar.take(untilMs)) {
      this.#nowMs = due.atMs;
      await this.#happen(due.event);
    }
  }

  async #happen(due: Due): Promise<void> {
    switch (due.type) {
      case 'free': {
        await this.#store.release(due.operatorId, due.contactId, { nowMs: this.#nowMs, wrapUp: false });
        this.#rates = withHandling(this.#rates, due.handlingMs);
        const { operatorId } = due;
        const reservation = await this.#store.matchOperator(operatorId, { nowMs: this.#nowMs, leaseMs });
        if (reservation !== undefined) await this.#connect(reservation);
        return;
      }
      case 'patienceOver':
        if (due.visit.waiting) await this.#endOnLine(due.visit, due.visit.promised);
        return;
      case 'ladder':
        if (due.visit.waiting) await this.#takeRungs(due.visit);
        return;
      case 'latest':
        if (due.visit.waiting) await this.#latest(due.visit);
        return;
      case 'callBackDue':
        return await this.#callBackDue(due.callBack);
      case 'look':
        if (this.#open) await this.#look();
        return;
      case 'closing':
        return await this.#close();
      default:
        assertNever(due, 'due');
    }
  }

  async #takeRungs(visit: Visit): Promise<void> {
    const { contact } = visit;
    const place = ladderAt(this.#ladder, { enqueuedAtMs: contact.atMs, nowMs: this.#nowMs, taken: visit.taken });
    visit.taken = place.taken;
    for (const rung of place.due) {
      if (rung.do === 'conclude') {
        visit.promised = this.#concluded(visit);
        this.#at(contact.atMs + this.#ladder.latestMs, { type: 'latest', visit });
      }
      if (rung.do !== 'offerChoice' || !contact.accepts[1]) continue;
      if (isChoiceOffered(rung, await this.#estimateMs(contact.contactId))) {
        return await this.#endOnLine(visit, this.#concluded(visit));
      }
    }
    this.#climb(visit);
  }

  async #latest(visit: Visit): Promise<void> {
    const { contact, promised } = visit;
    if (!contact.stays) return await this.#endOnLine(visit, promised);
    const { contactId, atMs } = contact;
    const { answerTargetMs } = queue;
    const headStartMs = stayingHeadStartMs;
    const score = contactScore({ enqueuedAtMs: atMs, answerTargetMs, headStartMs });
    await this.#store.setHeadStart(contactId, { score, headStartMs }, this.#nowMs);
  }

  #climb(visit: Visit): void {
    const enqueuedAtMs = visit.contact.atMs;
    const { nextAtMs } = ladderAt(this.#ladder, { enqueuedAtMs, nowMs: enqueuedAtMs, taken: visit.taken });
    if (nextAtMs !== undefined) this.#at(nextAtMs, { type: 'ladder', visit });
  }

  /** Writes the concluded end down. */
  #concluded(visit: Visit): Held {
    const nowMs = this.#nowMs;
    const { contact } = visit;
    const afterMs = nowMs - contact.atMs;
    const promised = this.#promises.promise({ nowMs, day: this.#day, rates: this.#rates });
    if (promised.kind === 'request') return { kind: 'request', afterMs };
    const day = this.#day + promised.day;
    const chosen = promised.day > 0;
    const dueAtMs = chosen ? this.#promises.chosenAtMs(day, contact.chosen, this.#rates) : nowMs;
    const callBack = { contact, promisedAtMs: nowMs, day, dueAtMs, chosen, attempts: 0, broken: false };
    return { kind: 'callBack', afterMs, callBack };
  }

  /** He is off the line, with what he holds or with nothing. */
  async #endOnLine(visit: Visit, held: Held | undefined): Promise<void> {
    const { contact } = visit;
    visit.waiting = false;
    this.#visits.delete(contact.contactId);
    await this.#store.withdraw(contact.contactId, this.#nowMs);
    const waitMs = this.#nowMs - contact.atMs;
    const end = held === undefined ? 'left' : 'promised';
    this.#rates = withWait(this.#rates, { waitMs, end: waitMs === contact.patienceMs ? 'left' : 'otherwise' });
    const isCounted = this.#isCounted(contact);
    if (isCounted) this.tally.lineEnded({ number: contact.number, waitMs, end, concludedAfterMs: held?.afterMs });
    if (held === undefined) return;
    if (isCounted) this.tally.promised(kindOf(held));
    if (held.kind === 'request') return;
    const { dueAtMs } = held.callBack;
    if (held.callBack.chosen) this.#at(dueAtMs, { type: 'callBackDue', callBack: held.callBack });
    else await this.#callBackDue(held.callBack);
  }

  async #callBackDue(callBack: CallBack): Promise<void> {
    const { contact } = callBack;
    if (!this.#open) return this.#break(callBack);
    this.#outstanding.add(callBack);
    // The place it earned: when the caller began to wait.
    await this.#enqueue(contact, { enqueuedAtMs: contact.atMs, kind: 'callBack' });
    this.#dialling.set(contact.contactId, callBack);
    await this.#share();
  }

  async #connect({ contactId, offerId, operatorId }: Reservation): Promise<void> {
    const nowMs = this.#nowMs;
    await this.#store.offerAnswered(offerId, nowMs);
    const visit = this.#visits.get(contactId);
    if (visit === undefined) return this.#dial(contactId, operatorId);
    const { contact, promised } = visit;
    visit.waiting = false;
    this.#visits.delete(contactId);
    const waitMs = nowMs - contact.atMs;
    this.#rates = withWait(this.#rates, { waitMs, end: 'otherwise' });
    if (this.#isCounted(contact)) {
      this.tally.lineEnded({ number: contact.number, waitMs, end: 'answered', concludedAfterMs: promised?.afterMs });
    }
    if (promised?.kind === 'callBack') this.#promises.settle(promised.callBack.day);
    const { handlingMs } = contact;
    this.#at(nowMs + handlingMs, { type: 'free', operatorId, contactId, handlingMs });
  }

  #dial(contactId: ContactId, operatorId: OperatorId): void {
    const callBack = this.#dialling.get(contactId);
    if (callBack === undefined) throw new Error(`expected a call-back in ${contactId}`);
    this.#dialling.delete(contactId);
    const { contact, attempts, dueAtMs } = callBack;
    const isCounted = this.#isCounted(contact);
    if (attempts === 0 && isCounted) this.tally.firstDialled(this.#nowMs - dueAtMs);
    callBack.attempts += 1;
    const reached = contact.picksUp[attempts] ?? false;
    const handlingMs = reached ? contact.handlingMs : ringMs;
    this.#at(this.#nowMs + handlingMs, { type: 'free', operatorId, contactId, handlingMs });
    if (reached || callBack.attempts === contact.picksUp.length) {
      if (!callBack.broken && isCounted) this.tally.counts.kept += 1;
      this.#outstanding.delete(callBack);
      this.#promises.settle(callBack.day);
      return;
    }
    this.#at(this.#nowMs + retryMs, { type: 'callBackDue', callBack });
  }

  /** Sets the rule of sharing by what is promised and what is to come, and once a minute. */
  async #look(): Promise<void> {
    this.#at(this.#nowMs + lookEveryMs, { type: 'look' });
    await this.#share();
  }

  async #share(): Promise<void> {
    const nowMs = this.#nowMs;
    const costMs = Math.round(this.#promises.handlingMs(this.#rates));
    const due = [...this.#dialling.values()];
    const firstOf = (some: readonly CallBack[]): number | undefined =>
      some.length === 0 ? undefined : Math.min(...some.map(({ dueAtMs }) => dueAtMs));
    const { keepIdle, presses } = this.#promises.sharing({
      ...{ nowMs, day: this.#day, rates: this.#rates },
      oldestDueAtMs: firstOf(due),
      oldestChosenAtMs: firstOf(due.filter(({ chosen, broken }) => chosen || broken)),
    });
    await this.#store.setSharing(queueId, { keepIdle, presses, share: this.#rule.reservedShare, costMs }, nowMs);
    for (let left = this.#dialling.size; left > 0; left -= 1) {
      const reservation = await this.#store.matchCallBack(queueId, { nowMs, leaseMs });
      if (reservation === undefined) return;
      await this.#connect(reservation);
    }
  }

  /** The line closes: call-backs are dialled no more; who is on the line goes on up the ladder. */
  async #close(): Promise<void> {
    this.#open = false;
    if (this.#day < this.#countedDays) this.tally.dayOver(this.#outstanding.size);
    for (const [contactId, callBack] of this.#dialling) {
      await this.#store.withdraw(contactId, this.#nowMs);
      this.#break(callBack);
    }
    this.#dialling.clear();
  }

  /** Not made on its day: it is made first thing on the next, and stays broken. */
  #break(callBack: CallBack): void {
    this.#outstanding.delete(callBack);
    if (!callBack.broken && this.#nowMs >= closesAtMs(this.#plan, callBack.day)) {
      callBack.broken = true;
      if (this.#isCounted(callBack.contact)) this.tally.counts.broken += 1;
    }
    this.#at(opensAtMs(this.#day + 1) + 1, { type: 'callBackDue', callBack });
  }

  async #enqueue(
    contact: DayContact,
    place: { readonly enqueuedAtMs: number; readonly kind?: 'callBack' },
  ): Promise<void> {
    const { requirement, answerTargetMs, headStartMs } = queue;
    const { enqueuedAtMs } = place;
    const score = contactScore({ enqueuedAtMs, answerTargetMs, headStartMs });
    const { contactId } = contact;
    const request = { contactId, queueId, lineId: 'sim', medium: 'voice', requirement, score, shard: 'sim' } as const;
    await this.#store.enqueue({ ...request, ...place }, this.#nowMs);
  }

  async #estimateMs(contactId: ContactId): Promise<number | undefined> {
    const position = (await this.#store.position(contactId)) ?? 1;
    const figures = {
      handlingMs: this.#promises.handlingMs(this.#rates),
      meanPatienceMs: this.#promises.patienceMs(this.#rates),
    };
    const qualified = { loggedIn: this.#plan.operators, onDuty: this.#plan.operators };
    return estimateOf({ position, qualified }, figures, figures.handlingMs);
  }

  #isCounted(contact: DayContact): boolean {
    return contact.day < this.#countedDays;
  }

  #at(atMs: number, due: Due): void {
    this.#calendar.add(atMs, due, ranks[due.type]);
  }
}

function kindOf(held: Held): 'today' | 'laterDay' | 'request' {
  if (held.kind === 'request') return 'request';
  return held.callBack.chosen ? 'laterDay' : 'today';
}
