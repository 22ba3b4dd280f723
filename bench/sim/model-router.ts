import { canServe, type EnqueueRequest, type OperatorRegistration, type Reservation } from '../../src/acd/index.ts';
import { asId, type ContactId, type OfferId, type OperatorId } from '../../src/foundation/index.ts';
import type { Router } from './hotline.ts';
import { RandomStream } from './random.ts';

interface ModelOperator extends OperatorRegistration {
  idle: boolean;
}

/**
 * Picks operators at random, which strategies are compared with; contacts are taken earliest score first, as the queue does. In few words:
 * it looks at everybody each time and keeps nothing but who is idle.
 */
export class ModelRouter implements Router {
  readonly #random: RandomStream;
  readonly #operators = new Map<OperatorId, ModelOperator>();
  /** Per class in order of arrival; scores rise with it, as all queues here have one target. */
  readonly #classes = new Map<string, EnqueueRequest[]>();
  readonly #contacts = new Map<ContactId, EnqueueRequest>();

  constructor(seed: string) {
    this.#random = new RandomStream(seed, 'operators');
  }

  async registerOperator(operator: OperatorRegistration): Promise<void> {
    this.#operators.set(operator.operatorId, { ...operator, idle: true });
  }

  async signIn(): Promise<'done'> {
    return 'done';
  }

  async setReachable(): Promise<'done'> {
    return 'done';
  }

  async setPresence(): Promise<'done'> {
    return 'done';
  }

  async enqueue(request: EnqueueRequest): Promise<'enqueued'> {
    const { classId } = request.requirement;
    const line = this.#classes.get(classId);
    if (line === undefined) this.#classes.set(classId, [request]);
    else line.push(request);
    this.#contacts.set(request.contactId, request);
    return 'enqueued';
  }

  async withdraw(contactId: ContactId): Promise<{ readonly outcome: 'withdrawn' | 'notQueued' }> {
    const contact = this.#contacts.get(contactId);
    if (contact === undefined) return { outcome: 'notQueued' };
    this.#leave(contact);
    return { outcome: 'withdrawn' };
  }

  async matchContact(contactId: ContactId): Promise<Reservation | undefined> {
    const contact = this.#contacts.get(contactId);
    if (contact === undefined) return undefined;
    const able = [...this.#operators.values()].filter(
      (operator) => operator.idle && canServe(operator.skills, contact.requirement),
    );
    const operator = able[this.#random.below(able.length)];
    return operator === undefined ? undefined : this.#reserve(contact, operator);
  }

  async matchOperator(operatorId: OperatorId): Promise<Reservation | undefined> {
    const operator = this.#operators.get(operatorId);
    if (operator === undefined) return undefined;
    let best: EnqueueRequest | undefined;
    for (const [first] of this.#classes.values()) {
      if (first === undefined || !canServe(operator.skills, first.requirement)) continue;
      if (best === undefined || first.score < best.score) best = first;
    }
    return best === undefined ? undefined : this.#reserve(best, operator);
  }

  async offerAnswered(): Promise<'connected'> {
    return 'connected';
  }

  async release(
    operatorId: OperatorId,
    _contactId: ContactId,
    options: { readonly wrapUp: boolean },
  ): Promise<'released'> {
    if (!options.wrapUp) this.#becomeIdle(operatorId);
    return 'released';
  }

  async endWrapUp(operatorId: OperatorId): Promise<'idle'> {
    this.#becomeIdle(operatorId);
    return 'idle';
  }

  #reserve(contact: EnqueueRequest, operator: ModelOperator): Reservation {
    this.#leave(contact);
    operator.idle = false;
    const { contactId } = contact;
    return { contactId, operatorId: operator.operatorId, offerId: asId<OfferId>(`o-${contactId}`) };
  }

  #leave(contact: EnqueueRequest): void {
    this.#contacts.delete(contact.contactId);
    const line = this.#classes.get(contact.requirement.classId) ?? [];
    line.splice(line.indexOf(contact), 1);
  }

  #becomeIdle(operatorId: OperatorId): void {
    const operator = this.#operators.get(operatorId);
    if (operator !== undefined) operator.idle = true;
  }
}
