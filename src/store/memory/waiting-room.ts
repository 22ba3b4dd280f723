import { canServe, type EnqueueRequest, type Medium, type RequirementClass, type Skills } from '../../acd/index.ts';
import type { ContactId, OfferId } from '../../foundation/index.ts';
import { RankedSet } from './ranked-set.ts';

export interface WaitingRecord extends EnqueueRequest {
  offerId: OfferId | undefined;
}

/** Contacts in queues. Those without a live offer stand in their class, best first; the classes' heads stand by score. */
export class WaitingRoom {
  readonly records = new Map<ContactId, WaitingRecord>();
  readonly #queues = new Map<string, RankedSet<ContactId>>();
  readonly #classes = new Map<
    string,
    { readonly requirement: RequirementClass; readonly waiting: RankedSet<ContactId> }
  >();
  readonly #classHeads = new Map<Medium, RankedSet<string>>();

  enter(request: EnqueueRequest): WaitingRecord {
    const contact: WaitingRecord = { ...request, offerId: undefined };
    this.records.set(request.contactId, contact);
    let queue = this.#queues.get(request.queueId);
    if (queue === undefined) {
      queue = new RankedSet();
      this.#queues.set(request.queueId, queue);
    }
    queue.add(request.contactId, request.score);
    this.stand(contact);
    return contact;
  }

  leave(contact: WaitingRecord): void {
    this.#takeOutOfClass(contact);
    this.records.delete(contact.contactId);
    const queue = this.#queues.get(contact.queueId);
    queue?.delete(contact.contactId);
    if (queue?.size === 0) this.#queues.delete(contact.queueId);
  }

  /** The contact may be matched (again), at its place. */
  stand(contact: WaitingRecord): void {
    contact.offerId = undefined;
    const key = classKey(contact.medium, contact.requirement.classId);
    let entry = this.#classes.get(key);
    if (entry === undefined) {
      entry = { requirement: contact.requirement, waiting: new RankedSet() };
      this.#classes.set(key, entry);
    }
    entry.waiting.add(contact.contactId, contact.score);
    this.#refreshHead(contact.medium, contact.requirement.classId);
  }

  /** The contact has a live offer and is not matched meanwhile. */
  offered(contact: WaitingRecord, offerId: OfferId): void {
    this.#takeOutOfClass(contact);
    contact.offerId = offerId;
  }

  /** The best contact that the operator can serve, and how many better-ranked classes were passed over as unfit. */
  best(
    operator: { readonly skills: Skills; readonly holds: ReadonlyMap<ContactId, unknown> },
    medium: Medium,
  ): { readonly contact: WaitingRecord; readonly passedOver: number } | undefined {
    let passedOver = 0;
    for (const head of this.#classHeads.get(medium) ?? []) {
      const entry = this.#classes.get(classKey(medium, head.id));
      if (entry !== undefined && canServe(operator.skills, entry.requirement)) {
        for (const { id } of entry.waiting) {
          const contact = this.records.get(id);
          // Who holds a contact is not offered it again.
          if (contact !== undefined && !operator.holds.has(id)) return { contact, passedOver };
        }
      }
      passedOver += 1;
    }
    return undefined;
  }

  position(contactId: ContactId): number | undefined {
    const contact = this.records.get(contactId);
    const rank = contact === undefined ? undefined : this.#queues.get(contact.queueId)?.rank(contactId);
    return rank === undefined ? undefined : rank + 1;
  }

  /** Ids of those in a queue, by queue and place. */
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

  #takeOutOfClass(contact: WaitingRecord): void {
    const key = classKey(contact.medium, contact.requirement.classId);
    const entry = this.#classes.get(key);
    if (entry === undefined) return;
    entry.waiting.delete(contact.contactId);
    this.#refreshHead(contact.medium, contact.requirement.classId);
    if (entry.waiting.size === 0) this.#classes.delete(key);
  }

  #refreshHead(medium: Medium, classId: string): void {
    let heads = this.#classHeads.get(medium);
    if (heads === undefined) {
      heads = new RankedSet();
      this.#classHeads.set(medium, heads);
    }
    const first = this.#classes.get(classKey(medium, classId))?.waiting.first();
    if (first === undefined) heads.delete(classId);
    else heads.add(classId, first.score);
  }
}

function classKey(medium: Medium, classId: string): string {
  return `${medium} ${classId}`;
}
