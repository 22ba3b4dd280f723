import type { EnqueueRequest, Medium, OperatorStrategy, RequirementClass, StepCondition } from '../../acd/index.ts';
import type { ContactId, OfferId, OperatorId } from '../../foundation/index.ts';
import { activeStep, type StepRecord } from './contact-steps.ts';
import { RankedSet } from './ranked-set.ts';

export interface WaitingRecord {
  readonly contactId: ContactId;
  readonly lineId: string;
  readonly medium: Medium;
  readonly enqueuedAtMs: number;
  readonly shard: string;
  readonly kind: 'callBack' | undefined;
  queueId: string;
  score: number;
  headStartMs: number;
  requirement: RequirementClass;
  /** Empty: there is but one step. */
  steps: readonly StepRecord[];
  offerId: OfferId | undefined;
  preferred: { readonly operatorId: OperatorId; readonly untilMs: number } | undefined;
  readonly excluded: OperatorId[];
}

/**
 * Contacts in queues. Those without a live offer stand in their class, best first, call-backs in their class of their queue; the classes' heads
 * stand by score.
 */
export class WaitingRoom {
  readonly records = new Map<ContactId, WaitingRecord>();
  readonly #requirements = new Map<string, RequirementClass>();
  readonly #queues = new Map<string, RankedSet<ContactId>>();
  readonly #waiting = new Map<string, RankedSet<ContactId>>();
  readonly #preferring = new Map<string, RankedSet<ContactId>>();
  readonly #classHeads = new Map<Medium, RankedSet<string>>();
  /** Every call-back of a queue. */
  readonly #callBacks = new Map<string, RankedSet<ContactId>>();
  /** Those without a live offer: by medium, class and queue; the classes' heads by medium and queue. */
  readonly #waitingCallBacks = new Map<string, RankedSet<ContactId>>();
  readonly #callBackHeads = new Map<string, RankedSet<string>>();

  define(requirement: RequirementClass): void {
    this.#requirements.set(requirement.classId, requirement);
  }

  requirementOf(classId: string): RequirementClass | undefined {
    return this.#requirements.get(classId);
  }

  /** Those that are not in `keep` and under which nobody waits; returns the strategies of those that are left. */
  forgetClasses(keep: ReadonlySet<string>): {
    readonly forgotten: number;
    readonly strategies: ReadonlySet<OperatorStrategy>;
  } {
    const used = new Set(keep);
    for (const { requirement, steps } of this.records.values()) {
      for (const { classId } of [requirement, ...steps.map((step) => step.requirement)]) used.add(classId);
    }
    const before = this.#requirements.size;
    for (const classId of this.#requirements.keys()) if (!used.has(classId)) this.#requirements.delete(classId);
    const strategies = new Set([...this.#requirements.values()].map(({ strategy }) => strategy));
    return { forgotten: before - this.#requirements.size, strategies };
  }

  inQueue(queueId: string): number {
    return this.#queues.get(queueId)?.size ?? 0;
  }

  enter(contact: WaitingRecord): void {
    this.records.set(contact.contactId, contact);
    this.#enterQueue(contact);
    this.stand(contact);
  }

  leave(contact: WaitingRecord): void {
    this.stopStanding(contact);
    this.records.delete(contact.contactId);
    this.leaveQueue(contact);
  }

  leaveQueue(contact: WaitingRecord): void {
    const queues = this.#queuesOf(contact);
    const queue = queues.get(contact.queueId);
    queue?.delete(contact.contactId);
    if (queue?.size === 0) queues.delete(contact.queueId);
  }

  #enterQueue(contact: WaitingRecord): void {
    setAt(this.#queuesOf(contact), contact.queueId).add(contact.contactId, contact.score);
  }

  /** The place told to callers is one among those on the line, that of a call-back one among call-backs. */
  #queuesOf({ kind }: WaitingRecord): Map<string, RankedSet<ContactId>> {
    return kind === undefined ? this.#queues : this.#callBacks;
  }

  /** The contact may be matched (again), at its place: in its class, or at first for one operator only. */
  stand(contact: WaitingRecord): void {
    contact.offerId = undefined;
    const { contactId, score, medium, preferred } = contact;
    if (preferred !== undefined && contact.kind === undefined) {
      setAt(this.#preferring, `${medium} ${preferred.operatorId}`).add(contactId, score);
      return;
    }
    this.#standsIn(contact).add(contactId, score);
    this.#refreshHead(contact);
  }

  stopStanding(contact: WaitingRecord): void {
    const { contactId, medium, preferred } = contact;
    if (preferred !== undefined && contact.kind === undefined) {
      this.#preferring.get(`${medium} ${preferred.operatorId}`)?.delete(contactId);
      return;
    }
    this.#standsIn(contact).delete(contactId);
    this.#refreshHead(contact);
  }

  #standsIn({ medium, requirement: { classId }, queueId, kind }: WaitingRecord): RankedSet<ContactId> {
    return kind === undefined ? this.waitingOf(medium, classId) : this.callBacksOf(medium, classId, queueId);
  }

  /** The place within the queue after the score has changed. */
  rescore(contact: WaitingRecord, score: number): void {
    contact.score = score;
    this.#enterQueue(contact);
    if (contact.offerId === undefined) this.stand(contact);
  }

  /** Call-backs of a class and queue that may be matched, by the place they earned. */
  callBacksOf(medium: Medium, classId: string, queueId: string): RankedSet<ContactId> {
    return setAt(this.#waitingCallBacks, `${medium} ${classId} ${queueId}`);
  }

  callBackHeadsOf(medium: Medium, queueId: string): RankedSet<string> {
    return setAt(this.#callBackHeads, `${medium} ${queueId}`);
  }

  /** Queues in which there is a call-back. */
  callBackQueues(): readonly string[] {
    return [...this.#callBacks.keys()];
  }

  /** How many of a queue's call-backs have no live offer. */
  waitingCallBacks(queueId: string): number {
    const ids = [...(this.#callBacks.get(queueId) ?? [])].map(({ id }) => id);
    return ids.filter((contactId) => this.records.get(contactId)?.offerId === undefined).length;
  }

  waitingOf(medium: Medium, classId: string): RankedSet<ContactId> {
    return setAt(this.#waiting, `${medium} ${classId}`);
  }

  headsOf(medium: Medium): RankedSet<string> {
    return setAt(this.#classHeads, medium);
  }

  preferring(medium: Medium, operatorId: OperatorId): readonly { readonly id: ContactId; readonly score: number }[] {
    return [...(this.#preferring.get(`${medium} ${operatorId}`) ?? [])];
  }

  withExclusions(): readonly WaitingRecord[] {
    return [...this.records.values()].filter((contact) => contact.excluded.length > 0);
  }

  /** Contacts whose active step lasts only while somebody qualified is logged in, and that have another step to go to. */
  skippable(): readonly WaitingRecord[] {
    return [...this.records.values()].filter(
      ({ steps }) =>
        steps.length > 0 &&
        activeStep(steps).considerIf === 'anyQualified' &&
        steps.some((step) => step.state === 'ahead'),
    );
  }

  position(contactId: ContactId): number | undefined {
    const contact = this.records.get(contactId);
    const rank = contact && this.#queuesOf(contact).get(contact.queueId)?.rank(contactId);
    return rank === undefined ? undefined : rank + 1;
  }

  /** Those in a queue, by queue and place. */
  *inOrder(): Generator<{ readonly contact: WaitingRecord; readonly position: number }> {
    for (const queueId of [...this.#queues.keys()].sort()) {
      let position = 0;
      for (const { id } of this.#queues.get(queueId) ?? []) {
        position += 1;
        const contact = this.records.get(id);
        if (contact !== undefined) yield { contact, position };
      }
    }
  }

  #refreshHead(contact: WaitingRecord): void {
    const { medium, requirement, queueId, kind } = contact;
    const heads = kind === undefined ? this.headsOf(medium) : this.callBackHeadsOf(medium, queueId);
    const first = this.#standsIn(contact).first();
    if (first === undefined) heads.delete(requirement.classId);
    else heads.add(requirement.classId, first.score);
  }
}

/** The steps of a request as they are when the contact enters a queue; none when there is but one. */
export function stepsOf(
  request: Pick<EnqueueRequest, 'requirement' | 'considerIf' | 'laterSteps'>,
  enqueuedAtMs: number,
): readonly StepRecord[] {
  const { requirement, considerIf, laterSteps = [] } = request;
  if (laterSteps.length === 0) return [];
  const step = (
    needed: RequirementClass,
    afterMs: number,
    condition: StepCondition | undefined,
    state: 'active' | 'ahead',
  ): StepRecord => ({ requirement: needed, dueAtMs: enqueuedAtMs + afterMs, considerIf: condition, state });
  return [
    step(requirement, 0, considerIf, 'active'),
    ...laterSteps.map((later) => step(later.requirement, later.afterMs, later.considerIf, 'ahead')),
  ];
}

function setAt<Key, Id extends string>(sets: Map<Key, RankedSet<Id>>, key: Key): RankedSet<Id> {
  let set = sets.get(key);
  if (set === undefined) {
    set = new RankedSet();
    sets.set(key, set);
  }
  return set;
}
