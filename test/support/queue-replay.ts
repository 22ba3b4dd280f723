import { canServe, type Medium, type OperatorSettings, type QueueSettings } from '../../src/acd/index.ts';
import type { StreamEvent } from '../../src/contact/store-ports.ts';

interface ReplayedOperator {
  readonly settings: OperatorSettings;
  signedIn: boolean;
  presence: string;
  reachable: boolean;
  readySinceMs: number;
  setAside: boolean;
  readonly holds: Map<string, { readonly medium: Medium; state: 'offered' | 'connected' | 'wrapUp' }>;
}

interface ReplayedContact {
  readonly queueId: string;
  readonly medium: Medium;
  readonly score: number;
  readonly enqueuedAtMs: number;
  offerId: string | undefined;
}

/**
 * Plays the event stream back against a model of its own. Each move appends its event in the same atomic step, so the
 * stream is the order in which things happened, however many processes caused them; every reservation is judged by
 * what was true at that moment. Throws at the first move that breaks a rule.
 */
export class QueueReplay {
  readonly operators = new Map<string, ReplayedOperator>();
  readonly contacts = new Map<string, ReplayedContact>();
  readonly #queues: ReadonlyMap<string, QueueSettings>;
  readonly #settings: ReadonlyMap<string, OperatorSettings>;

  constructor(queues: readonly QueueSettings[], operators: readonly OperatorSettings[]) {
    this.#queues = new Map(queues.map((queue) => [queue.id, queue]));
    this.#settings = new Map(operators.map((operator) => [operator.id, operator]));
  }

  play(event: StreamEvent): void {
    const { kind, facts, atMs } = event.entry;
    const contactId = event.contactId ?? '';
    const operatorId = event.operatorId ?? '';
    switch (kind) {
      case 'operatorRegistered':
        if (!this.operators.has(operatorId)) this.#register(operatorId);
        return;
      case 'operatorRemoved':
        must(this.#operator(operatorId).holds.size === 0, event, 'removed while he holds a contact');
        this.operators.delete(operatorId);
        return;
      case 'operatorSignedIn':
        Object.assign(this.#operator(operatorId), { signedIn: true, presence: 'notReady' });
        return;
      case 'operatorSignedOut':
        Object.assign(this.#operator(operatorId), { signedIn: false, presence: 'loggedOff' });
        return;
      case 'presenceChanged':
        this.#presence(operatorId, String(facts.presence), atMs);
        return;
      case 'reachabilityChanged':
        this.#operator(operatorId).reachable = facts.reachable === true;
        return;
      case 'setAsideEnded':
        this.#operator(operatorId).setAside = false;
        return;
      case 'contactEnqueued':
        must(!this.contacts.has(contactId), event, 'queued twice');
        this.contacts.set(contactId, {
          queueId: String(facts.queueId),
          medium: facts.medium as Medium,
          score: Number(facts.score),
          enqueuedAtMs: Number(facts.enqueuedAtMs),
          offerId: undefined,
        });
        return;
      case 'contactWithdrawn':
        if (operatorId !== '') this.#operator(operatorId).holds.delete(contactId);
        must(this.contacts.delete(contactId), event, 'was not queued');
        return;
      case 'offerReserved':
        this.#reserved(event);
        return;
      case 'offerConnected':
        must(this.contacts.get(contactId)?.offerId === facts.offerId, event, 'answered an offer that is not live');
        this.#hold(operatorId, contactId, event).state = 'connected';
        this.contacts.delete(contactId);
        return;
      case 'offerGivenBack':
        this.#givenBack(event);
        return;
      case 'operatorReleased':
        must(this.#hold(operatorId, contactId, event).state === 'connected', event, 'released without a conversation');
        if (facts.wrapUp === true) this.#hold(operatorId, contactId, event).state = 'wrapUp';
        else this.#idle(operatorId, contactId, atMs);
        return;
      case 'wrapUpOver':
        must(this.#hold(operatorId, contactId, event).state === 'wrapUp', event, 'was not in wrap-up');
        this.#idle(operatorId, contactId, atMs);
        return;
      default:
        must(false, event, 'is a kind the replay does not know');
    }
  }

  /** Pairs that could be matched now and are not: at rest there are none. */
  missedMatches(): string[] {
    const missed: string[] = [];
    for (const [contactId, contact] of this.contacts) {
      if (contact.offerId !== undefined) continue;
      for (const [operatorId, operator] of this.operators) {
        if (operator.holds.has(contactId)) continue;
        if (available(operator, contact.medium) && this.#fits(operator, contact))
          missed.push(`${contactId}>${operatorId}`);
      }
    }
    return missed;
  }

  #reserved(event: StreamEvent): void {
    const { facts, atMs } = event.entry;
    const contact = this.contacts.get(event.contactId ?? '');
    const operator = this.#operator(event.operatorId ?? '');
    if (contact === undefined) throw new Error(`reserved a contact that is not queued: ${JSON.stringify(event)}`);
    must(contact.offerId === undefined, event, 'a second live offer for a contact');
    must(!operator.holds.has(event.contactId ?? ''), event, 'the operator holds the contact already');
    must(available(operator, contact.medium), event, 'the operator was not available');
    must(this.#fits(operator, contact), event, 'the operator has not the skills');
    if (facts.trigger === 'operator') {
      const better = [...this.contacts].some(
        ([otherId, other]) =>
          !operator.holds.has(otherId) &&
          other.offerId === undefined &&
          other.medium === contact.medium &&
          other.score < contact.score &&
          this.#fits(operator, other),
      );
      must(!better, event, 'a contact with a smaller score was passed over');
    } else {
      const better = [...this.operators.values()].some(
        (other) =>
          other.readySinceMs < operator.readySinceMs &&
          !other.holds.has(event.contactId ?? '') &&
          available(other, contact.medium) &&
          this.#fits(other, contact),
      );
      must(!better, event, 'an operator idle for longer was passed over');
    }
    must(facts.waitedMs === atMs - contact.enqueuedAtMs, event, 'the wait does not count from the first moment');
    contact.offerId = String(facts.offerId);
    operator.holds.set(event.contactId ?? '', { medium: contact.medium, state: 'offered' });
  }

  #givenBack(event: StreamEvent): void {
    const { facts, atMs } = event.entry;
    const contactId = event.contactId ?? '';
    const operator = this.#operator(event.operatorId ?? '');
    const contact = this.contacts.get(contactId);
    must(contact !== undefined && contact.offerId === facts.offerId, event, 'the offer was not live');
    operator.holds.delete(contactId);
    const setAsideMs = Number(facts.setAsideMs ?? 0);
    if (setAsideMs > 0) {
      operator.setAside = true;
      if (operator.presence === 'ready') operator.readySinceMs = atMs + setAsideMs;
    }
    if (facts.failure === 'contactGone') this.contacts.delete(contactId);
    else if (contact !== undefined) contact.offerId = undefined;
  }

  #register(operatorId: string): void {
    const settings = this.#settings.get(operatorId);
    if (settings === undefined) throw new Error(`an operator nobody configured was registered: ${operatorId}`);
    this.operators.set(operatorId, {
      settings,
      signedIn: false,
      presence: 'loggedOff',
      reachable: false,
      readySinceMs: 0,
      setAside: false,
      holds: new Map(),
    });
  }

  #presence(operatorId: string, presence: string, atMs: number): void {
    const operator = this.#operator(operatorId);
    if (presence === 'ready' && operator.presence !== 'ready') operator.readySinceMs = atMs;
    operator.presence = presence;
  }

  #idle(operatorId: string, contactId: string, atMs: number): void {
    const operator = this.#operator(operatorId);
    operator.holds.delete(contactId);
    if (operator.presence === 'ready') operator.readySinceMs = atMs;
  }

  #hold(operatorId: string, contactId: string, event: StreamEvent): { state: 'offered' | 'connected' | 'wrapUp' } {
    const hold = this.#operator(operatorId).holds.get(contactId);
    if (hold === undefined) throw new Error(`the operator does not hold the contact: ${JSON.stringify(event)}`);
    return hold;
  }

  #operator(operatorId: string): ReplayedOperator {
    const operator = this.operators.get(operatorId);
    if (operator === undefined) throw new Error(`an unknown operator acted: ${operatorId}`);
    return operator;
  }

  #fits(operator: ReplayedOperator, contact: ReplayedContact): boolean {
    return canServe(operator.settings.skills, { terms: this.#queues.get(contact.queueId)?.requirement ?? [] });
  }
}

function available(operator: ReplayedOperator, medium: Medium): boolean {
  const held = [...operator.holds.values()].filter((hold) => hold.medium === medium).length;
  return (
    operator.signedIn &&
    operator.presence === 'ready' &&
    !operator.setAside &&
    (medium !== 'voice' || operator.reachable) &&
    held < operator.settings.capacity[medium]
  );
}

function must(holds: boolean, event: StreamEvent, complaint: string): void {
  if (!holds) throw new Error(`${complaint}: ${JSON.stringify(event)}`);
}
