import {
  contactScore,
  type QueueStore,
  type RequirementClass,
  type Reservation,
  type Skills,
} from '../../src/acd/index.ts';
import {
  asId,
  assertNever,
  type ContactId,
  DozvonError,
  minuteMs,
  type OperatorId,
  secondMs,
} from '../../src/foundation/index.ts';
import { Calendar } from './calendar.ts';
import { epochMs, type SimulatedContact } from './contact-source.ts';

/** What a simulated hotline needs of whatever brings contacts and operators together. */
export type Router = Pick<
  QueueStore,
  | 'registerOperator'
  | 'signIn'
  | 'setReachable'
  | 'setPresence'
  | 'enqueue'
  | 'withdraw'
  | 'matchContact'
  | 'matchOperator'
  | 'offerAnswered'
  | 'release'
  | 'endWrapUp'
>;

export interface SimulatedQueue {
  readonly queueId: string;
  readonly requirement: RequirementClass;
  readonly answerTargetMs: number;
  readonly headStartMs: number;
}

export interface SimulatedOperator {
  readonly operatorId: OperatorId;
  readonly skills: Skills;
}

/** What became of a contact. */
export interface Settled {
  readonly contact: SimulatedContact;
  readonly waitMs: number;
  /** Nobody was free at its arrival. */
  readonly waited: boolean;
  readonly answered: boolean;
}

interface Visit {
  readonly contact: SimulatedContact;
  readonly waited: boolean;
  waiting: boolean;
}

type Due =
  | { readonly type: 'talkOver' | 'wrapUpOver'; readonly operatorId: OperatorId; readonly contact: SimulatedContact }
  | { readonly type: 'patienceOver'; readonly visit: Visit };

/** Who becomes free at an instant is free for whom patience would end at the same one: contacts wait for their patience, inclusive. */
const patienceRank = 1;

/** No offer runs out here: each is answered the moment it is made. */
const leaseMs = minuteMs;
/** Of the handling time; ends every second contact, so that operators become free in both ways there are. */
const wrapUpMs = 30 * secondMs;

/** Of every contact. */
export const simulatedShard = 'sim';

/** Makes ten, or a thousand, operators of a kind. */
export function operatorsWith(skills: Skills, count: number, firstNumber = 0): readonly SimulatedOperator[] {
  return Array.from({ length: count }, (_, i) => ({
    operatorId: asId<OperatorId>(`op${String(firstNumber + i).padStart(4, '0')}`),
    skills,
  }));
}

/**
 * A hotline without telephones: contacts go through the queue's own verbs on a virtual clock, offers are answered at once, so that every
 * wait is the router's doing. The two triggers are the service's: a contact queued, an operator free.
 */
export class Hotline {
  readonly #router: Router;
  readonly #queues: readonly SimulatedQueue[];
  readonly #settled: (settled: Settled) => void;
  readonly #calendar = new Calendar<Due>();
  readonly #waiting = new Map<ContactId, Visit>();

  /** `queues` in the order of the contacts' kinds. */
  constructor(parts: {
    readonly router: Router;
    readonly queues: readonly SimulatedQueue[];
    readonly settled: (settled: Settled) => void;
  }) {
    this.#router = parts.router;
    this.#queues = parts.queues;
    this.#settled = parts.settled;
  }

  async begin(operators: readonly SimulatedOperator[]): Promise<void> {
    for (const { operatorId, skills } of operators) {
      const registration = { operatorId, extension: operatorId, skills, capacity: { voice: 1 } };
      await this.#router.registerOperator(registration, epochMs);
      await this.#router.signIn(operatorId, epochMs);
      await this.#router.setReachable(operatorId, true, epochMs);
      await this.#router.setPresence(operatorId, 'ready', { nowMs: epochMs });
    }
  }

  /** Brings the clock to the contact's arrival and lets it in. */
  async arrive(contact: SimulatedContact): Promise<void> {
    const { contactId, atMs } = contact;
    await this.#advance(atMs);
    const queue = this.#queues[contact.kind];
    if (queue === undefined) throw broken(`a queue for contacts of kind ${contact.kind}`, 'none');
    const { queueId, requirement, answerTargetMs, headStartMs } = queue;
    const score = contactScore({ enqueuedAtMs: atMs, answerTargetMs, headStartMs });
    const request = {
      contactId,
      queueId,
      lineId: 'sim',
      medium: 'voice',
      requirement,
      score,
      enqueuedAtMs: atMs,
      shard: simulatedShard,
    } as const;
    expectWord(await this.#router.enqueue(request, atMs), 'enqueued');
    const reservation = await this.#router.matchContact(contactId, { nowMs: atMs, leaseMs });
    const visit: Visit = { contact, waited: reservation === undefined, waiting: true };
    this.#waiting.set(contactId, visit);
    if (reservation !== undefined) await this.#answer(reservation, atMs);
    else if (contact.patienceMs < Number.POSITIVE_INFINITY) {
      this.#calendar.add(atMs + contact.patienceMs, { type: 'patienceOver', visit }, patienceRank);
    }
  }

  async #advance(untilMs: number): Promise<void> {
    for (let due = this.#calendar.take(untilMs); due !== undefined; due = this.#calendar.take(untilMs)) {
      await this.#happen(due.event, due.atMs);
    }
  }

  async #happen(due: Due, atMs: number): Promise<void> {
    switch (due.type) {
      case 'talkOver': {
        const wrapUp = hasWrapUp(due.contact);
        const { contactId } = due.contact;
        expectWord(await this.#router.release(due.operatorId, contactId, { nowMs: atMs, wrapUp }), 'released');
        if (!wrapUp) return await this.#free(due.operatorId, atMs);
        this.#calendar.add(atMs + Math.min(wrapUpMs, due.contact.handlingMs), { ...due, type: 'wrapUpOver' });
        return;
      }
      case 'wrapUpOver':
        expectWord(await this.#router.endWrapUp(due.operatorId, due.contact.contactId, atMs), 'idle');
        return await this.#free(due.operatorId, atMs);
      case 'patienceOver': {
        const { visit } = due;
        if (!visit.waiting) return;
        expectWord((await this.#router.withdraw(visit.contact.contactId, atMs)).outcome, 'withdrawn');
        this.#settle(visit, { atMs, answered: false });
        return;
      }
      default:
        assertNever(due, 'due');
    }
  }

  async #free(operatorId: OperatorId, atMs: number): Promise<void> {
    const reservation = await this.#router.matchOperator(operatorId, { nowMs: atMs, leaseMs });
    if (reservation !== undefined) await this.#answer(reservation, atMs);
  }

  async #answer({ contactId, offerId, operatorId }: Reservation, atMs: number): Promise<void> {
    expectWord(await this.#router.offerAnswered(offerId, atMs), 'connected');
    const visit = this.#waiting.get(contactId);
    if (visit === undefined) throw broken('an offer of a contact that waits', contactId);
    const { contact } = visit;
    const talkMs = hasWrapUp(contact) ? Math.max(0, contact.handlingMs - wrapUpMs) : contact.handlingMs;
    this.#calendar.add(atMs + talkMs, { type: 'talkOver', operatorId, contact });
    this.#settle(visit, { atMs, answered: true });
  }

  #settle(visit: Visit, end: { readonly atMs: number; readonly answered: boolean }): void {
    visit.waiting = false;
    this.#waiting.delete(visit.contact.contactId);
    const { contact, waited } = visit;
    this.#settled({ contact, waitMs: end.atMs - contact.atMs, waited, answered: end.answered });
  }
}

function hasWrapUp(contact: SimulatedContact): boolean {
  return contact.number % 2 === 0;
}

function expectWord<Word extends string>(got: Word, wanted: Word): void {
  if (got !== wanted) throw broken(wanted, got);
}

function broken(wanted: string, got: string): DozvonError {
  return new DozvonError('SIMULATION_BROKEN', `expected ${wanted}, got ${got}`);
}
