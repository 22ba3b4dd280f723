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

/** Contacts in queues. Those without a live offer stand in their class, best first; the classes' heads stand by score. */
export class WaitingRoom {
  readonly records = new Map<ContactId, WaitingRecord>();
  readonly #requirements = new Map<string, RequirementClass>();
  readonly #queues = new Map<string, RankedSet<ContactId>>();
  readonly #waiting = new Map<string, RankedSet<ContactId>>();
  readonly #preferring = new Map<string, RankedSet<ContactId>>();
  readonly #classHeads = new Map<Medium, RankedSet<string>>();
  readonly #callBacks = new Map<string, RankedSet<ContactId>>();

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
    const queue = this.#queues.get(contact.queueId);
    queue?.delete(contact.contactId);
    if (queue?.size === 0) this.#queues.delete(contact.queueId);
  }

  /** The place told to callers is one among those on the line. */
  #enterQueue(contact: WaitingRecord): void {
    if (contact.kind !== undefined) return;
    setAt(this.#queues, contact.queueId).add(contact.contactId, contact.score);
  }

  /** The contact may be matched (again), at its place: in its class, at first for one operator only, or among call-backs. */
  stand(contact: WaitingRecord): void {
    contact.offerId = undefined;
    if (contact.kind !== undefined) {
      this.callBacksOf(contact.queueId).add(contact.contactId, contact.score);
      return;
    }
    if (contact.preferred !== undefined) {
      setAt(this.#preferring, `${contact.medium} ${contact.preferred.operatorId}`).add(
        contact.contactId,
        contact.score,
      );
      return;
    }
    const { classId } = contact.requirement;
    this.waitingOf(contact.medium, classId).add(contact.contactId, contact.score);
    this.#refreshHead(contact.medium, classId);
  }

  stopStanding(contact: WaitingRecord): void {
    if (contact.kind !== undefined) {
      this.callBacksOf(contact.queueId).delete(contact.contactId);
      return;
    }
    if (contact.preferred !== undefined) {
      this.#preferring.get(`${contact.medium} ${contact.preferred.operatorId}`)?.delete(contact.contactId);
      return;
    }
    const { classId } = contact.requirement;
    this.waitingOf(contact.medium, classId).delete(contact.contactId);
    this.#refreshHead(contact.medium, classId);
  }

  /** The place within the queue after the score has changed. */
  rescore(contact: WaitingRecord, score: number): void {
    contact.score = score;
    this.#enterQueue(contact);
    if (contact.offerId === undefined) this.stand(contact);
  }

  /** Call-backs of a queue that may be matched, by the place they earned. */
  callBacksOf(queueId: string): RankedSet<ContactId> {
    return setAt(this.#callBacks, queueId);
  }

  /** Queues in which a call-back stands. */
  callBackQueues(): string[] {
    return [...this.#callBacks].flatMap(([queueId, { size }]) => (size > 0 ? [queueId] : []));
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
    const places = contact?.kind === undefined ? this.#queues : this.#callBacks;
    const rank = contact === undefined ? undefined : places.get(contact.queueId)?.rank(contactId);
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

  #refreshHead(medium: Medium, classId: string): void {
    const first = this.#waiting.get(`${medium} ${classId}`)?.first();
    if (first === undefined) this.headsOf(medium).delete(classId);
    else this.headsOf(medium).add(classId, first.score);
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
