import {
  bySystem,
  type Clock,
  type CommandMeta,
  type ContactId,
  DozvonError,
  type Logger,
  type OfferId,
  type OperatorId,
} from '../foundation/index.ts';
import { type Adopted, adopted, classesOf, syncOperators } from './adopted.ts';
import type {
  AcdService,
  AcdSettings,
  ContactStatus,
  EnqueueCommand,
  HeldContact,
  OperatorStatus,
  SyncResult,
} from './commands.ts';
import { estimateOf, isConditionMet } from './estimate.ts';
import { Matching } from './matching.ts';
import type {
  OfferFailure,
  OperatorView,
  Presence,
  QueueFigures,
  QueueStore,
  Skills,
  StepQuestion,
  WaitingContact,
} from './ports.ts';
import type { ObservedQueue, QueueObservations } from './queue-observations.ts';
import { enqueueRequest, placeIn, type QueuePlan, setAsideMsAfter } from './queue-plan.ts';
import type { QueueSettings } from './settings.ts';
import type { Sharing } from './sharing.ts';
import { type QueueNow, queueNow } from './views.ts';
import { type WhyNot, whyNot } from './why-not.ts';

export interface AcdServiceOptions extends AcdSettings {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For estimates; whoever reads the event stream feeds them. Without them the store's figures count. */
  readonly observations?: QueueObservations;
}

export function createAcdService(options: AcdServiceOptions): AcdService {
  return new Acd(options);
}

class Acd implements AcdService {
  readonly #store: QueueStore;
  readonly #clock: Clock;
  readonly #match: Matching;
  readonly #observations: QueueObservations | undefined;
  #adopted: Adopted;

  constructor(options: AcdServiceOptions) {
    const { store, clock, logger } = options;
    this.#store = store;
    this.#clock = clock;
    this.#observations = options.observations;
    this.#adopted = adopted(options);
    this.#match = new Matching({
      store,
      clock,
      logger,
      offerLeaseMs: () => this.#adopted.offerLeaseMs,
      capacityOf: (operatorId) => {
        const capacity = this.#adopted.operators.get(operatorId)?.capacity;
        return (capacity?.voice ?? 1) + (capacity?.chat ?? 0);
      },
      judge: (question) => this.#isConditionMet(question),
    });
  }

  async start(): Promise<void> {
    this.#match.watch();
    await this.#syncOperators(bySystem('acd', 'serviceStarted'));
    await this.#forgetOldClasses();
    await this.#match.matchAll();
  }

  stop(): Promise<void> {
    return this.#match.stop();
  }

  async configure(settings: AcdSettings, meta: CommandMeta): Promise<SyncResult> {
    this.#adopted = adopted(settings);
    const result = await this.#syncOperators(meta);
    await this.#forgetOldClasses();
    await this.#match.everybody();
    return result;
  }

  matchAll(): Promise<void> {
    return this.#match.matchAll();
  }

  async enqueue(command: EnqueueCommand, meta: CommandMeta): ReturnType<AcdService['enqueue']> {
    const request = enqueueRequest(this.#queue(command.queueId), command);
    const options = this.#match.options();
    const { outcome, position, reservation } = await this.#store.enqueueAndMatch(request, options, meta);
    this.#match.reserved(reservation, options);
    if (command.kind === 'callBack') await this.#match.callBacks(command.queueId);
    return { outcome, ...(position === undefined ? {} : { position }) };
  }

  async setSharing(queueId: string, sharing: Sharing): Promise<void> {
    this.#queue(queueId);
    await this.#store.setSharing(queueId, sharing, this.#clock.nowMs());
    await this.#match.callBacks(queueId);
  }

  matchCallBacks(queueId: string): Promise<void> {
    return this.#match.callBacks(queueId);
  }

  async withdraw(contactId: ContactId, meta: CommandMeta, tellOwner?: 'tellOwner'): Promise<'withdrawn' | 'notQueued'> {
    const { outcome, operatorId } = await this.#store.withdraw(contactId, this.#clock.nowMs(), meta, tellOwner);
    if (operatorId !== undefined) await this.#match.freed(operatorId);
    return outcome;
  }

  async moveContact(
    contactId: ContactId,
    to: { readonly queueId: string },
    meta: CommandMeta,
  ): Promise<'moved' | 'notQueued'> {
    const plan = this.#queue(to.queueId);
    const contact = await this.#store.contact(contactId);
    if (contact === undefined) return 'notQueued';
    const own = contact.headStartMs - (this.#adopted.queues.get(contact.queueId)?.settings.headStartMs ?? 0);
    const place = placeIn(plan, { enqueuedAtMs: contact.enqueuedAtMs, headStartMs: Math.max(0, own) });
    const { outcome, operatorId } = await this.#store.moveContact(contactId, place, this.#clock.nowMs(), meta);
    if (outcome === 'moved') await this.#match.contacts([contactId]);
    if (operatorId !== undefined) await this.#match.freed(operatorId);
    return outcome;
  }

  async setHeadStart(contactId: ContactId, headStartMs: number, meta: CommandMeta): Promise<'done' | 'notQueued'> {
    const contact = await this.#store.contact(contactId);
    if (contact === undefined) return 'notQueued';
    const { enqueuedAtMs, queueId } = contact;
    const { score, headStartMs: total = 0 } = placeIn(this.#queue(queueId), { enqueuedAtMs, headStartMs });
    return this.#store.setHeadStart(contactId, { score, headStartMs: total }, this.#clock.nowMs(), meta);
  }

  offerAnswered(offerId: OfferId, meta: CommandMeta): Promise<'connected' | 'staleOffer'> {
    return this.#store.offerAnswered(offerId, this.#clock.nowMs(), meta);
  }

  async offerFailed(
    offer: { readonly offerId: OfferId; readonly queueId: string; readonly failure: OfferFailure },
    meta: CommandMeta,
  ): Promise<'givenBack' | 'staleOffer'> {
    const { offerId, queueId, failure } = offer;
    const match = this.#match.options();
    const { setAside } = this.#queue(queueId).settings;
    const setAsideMs = setAsideMsAfter(failure, setAside);
    const { notReadyAfterMissed } = setAside;
    // Who has let it ring or refused it is not the one for this contact; busy or away says nothing of him.
    const exclude = failure === 'offerUnanswered' || failure === 'offerDeclined';
    const options = { ...match, setAsideMs, exclude, notReadyAfterMissed };
    const result = await this.#store.offerFailedAndMatch(offerId, failure, options, meta);
    if (result.outcome === 'staleOffer') return 'staleOffer';
    if (setAsideMs > 0) this.#match.dueAt(match.nowMs + setAsideMs);
    const { contactId, operatorId, reservations } = result;
    this.#match.reserved(
      reservations.find((one) => one.contactId === contactId),
      match,
    );
    await this.#match.freedAndMatched(
      operatorId,
      reservations.find((one) => one.operatorId === operatorId),
      match,
    );
    // A call-back that was given back has an operator again only by the rule of sharing.
    if (this.#adopted.callBackQueues.has(queueId)) await this.#match.callBacks(queueId);
    return 'givenBack';
  }

  async release(
    held: HeldContact & { readonly wrapUp: boolean; readonly queueId?: string },
    meta: CommandMeta,
  ): Promise<'released' | 'notHolding'> {
    const { operatorId, contactId, queueId } = held;
    const match = this.#match.options();
    const wrapUpMs = queueId === undefined ? undefined : this.#adopted.queues.get(queueId)?.settings.wrapUpMs;
    // Without a length it is over before it could be seen.
    const wrapUp = held.wrapUp && wrapUpMs !== 0;
    const options = { ...match, wrapUp, ...(wrapUpMs === undefined ? {} : { wrapUpMs }) };
    const { outcome, reservation } = await this.#store.releaseAndMatch(operatorId, contactId, options, meta);
    if (outcome !== 'released') return outcome;
    if (!wrapUp) await this.#match.freedAndMatched(operatorId, reservation, match);
    else if (wrapUpMs !== undefined) this.#match.dueAt(match.nowMs + wrapUpMs);
    return outcome;
  }

  async endWrapUp(
    held: HeldContact,
    meta: CommandMeta,
    onlyWhenDue?: 'onlyWhenDue',
  ): Promise<'idle' | 'notInWrapUp' | 'notDue'> {
    const { operatorId, contactId } = held;
    const match = this.#match.options();
    const ended = await this.#store.endWrapUpAndMatch(operatorId, contactId, match, meta, onlyWhenDue);
    if (ended.outcome === 'idle') await this.#match.freedAndMatched(operatorId, ended.reservation, match);
    return ended.outcome;
  }

  extendWrapUp(held: HeldContact, byMs: number, meta: CommandMeta): Promise<number | undefined> {
    return this.#store.extendWrapUp(held.operatorId, held.contactId, byMs, this.#clock.nowMs(), meta);
  }

  async signIn(operatorId: OperatorId, meta: CommandMeta): Promise<'done' | 'unknownOperator'> {
    if (this.#match.leaving.has(operatorId)) return 'unknownOperator';
    return this.#store.signIn(operatorId, this.#clock.nowMs(), meta);
  }

  async signOut(operatorId: OperatorId, meta: CommandMeta): Promise<'done' | 'unknownOperator'> {
    const result = await this.#store.signOut(operatorId, this.#clock.nowMs(), meta);
    if (result.outcome === 'unknownOperator') return 'unknownOperator';
    await this.#match.contacts(result.givenBack);
    return 'done';
  }

  async setPresence(
    operatorId: OperatorId,
    change: { readonly presence: Presence; readonly reason?: string },
    meta: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'> {
    const { presence, reason } = change;
    const nowMs = this.#clock.nowMs();
    const options = { nowMs, ...(reason === undefined ? {} : { reason }) };
    const outcome = await this.#store.setPresence(operatorId, presence, options, meta);
    if (outcome === 'done' && presence === 'ready') await this.#match.operator(operatorId);
    if (outcome === 'done' && presence === 'loggedOff') {
      await this.#match.contacts(await this.#store.withdrawOffers(operatorId, 'operatorGone', nowMs, meta));
    }
    return outcome;
  }

  notReadyNext(
    operatorId: OperatorId,
    reason: string,
    meta: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'> {
    return this.#store.notReadyNext(operatorId, reason, this.#clock.nowMs(), meta);
  }

  async setReachable(
    operatorId: OperatorId,
    reachable: boolean,
    meta: CommandMeta,
  ): Promise<'done' | 'unknownOperator'> {
    const outcome = await this.#store.setReachable(operatorId, reachable, this.#clock.nowMs(), meta);
    if (outcome === 'done' && reachable) await this.#match.operator(operatorId);
    return outcome;
  }

  async setOutsideCall(operatorId: OperatorId, busy: boolean, meta: CommandMeta): Promise<'done' | 'unknownOperator'> {
    const outcome = await this.#store.setOutsideCall(operatorId, busy, this.#clock.nowMs(), meta);
    if (outcome === 'done' && !busy) await this.#match.operator(operatorId);
    return outcome;
  }

  async setSkills(operatorId: OperatorId, skills: Skills, meta: CommandMeta): Promise<'done' | 'unknownOperator'> {
    const outcome = await this.#store.setSkills(operatorId, skills, this.#clock.nowMs(), meta);
    if (outcome === 'done') await this.#match.operator(operatorId);
    return outcome;
  }

  queueSettings(queueId: string): QueueSettings | undefined {
    return this.#adopted.queues.get(queueId)?.settings;
  }

  operatorOfExtension(extension: string): OperatorId | undefined {
    for (const [operatorId, operator] of this.#adopted.operators)
      if (operator.extension === extension) return operatorId;
    return undefined;
  }

  async queuesNow(): Promise<readonly QueueNow[]> {
    const [waiting, operators, sharing, figures] = await Promise.all([
      this.#store.waiting(),
      this.#store.operators(),
      this.#store.sharing(),
      this.#store.figures(),
    ]);
    const nowMs = this.#clock.nowMs();
    return [...this.#adopted.queues].map(([queueId, { settings, requirement }]) => {
      const observed = this.#observed(settings, figures.get(queueId));
      const rule = sharing.get(queueId);
      return {
        ...queueNow({ queueId, name: settings.name, requirement, waiting, operators, nowMs }),
        ...(observed === undefined ? {} : { observed }),
        ...(rule === undefined ? {} : { sharing: rule }),
      };
    });
  }

  async operators(): Promise<readonly OperatorStatus[]> {
    return (await this.#store.operators()).map((operator) => this.#named(operator));
  }

  async operator(operatorId: OperatorId): Promise<OperatorStatus | undefined> {
    const operator = await this.#store.operator(operatorId);
    return operator === undefined ? undefined : this.#named(operator);
  }

  async waitingContacts(queueId?: string): Promise<readonly WaitingContact[]> {
    const waiting = await this.#store.waiting();
    return queueId === undefined ? waiting : waiting.filter((contact) => contact.queueId === queueId);
  }

  async waitingContact(contactId: ContactId): Promise<ContactStatus | undefined> {
    const [contact, all] = await Promise.all([this.#store.contact(contactId), this.#store.figures()]);
    if (contact === undefined) return undefined;
    const settings = this.#adopted.queues.get(contact.queueId)?.settings;
    const figures = all.get(contact.queueId);
    const rates = settings && this.#observed(settings, figures);
    const estimateMs = estimateOf(contact, rates ?? figures, settings?.expectedHandlingMs ?? 0);
    return { ...contact, ...(estimateMs === undefined ? {} : { estimateMs }) };
  }

  async whyNot(operatorId: OperatorId, contactId: ContactId): Promise<readonly WhyNot[] | 'unknown'> {
    const [operator, contact] = await Promise.all([this.#store.operator(operatorId), this.#store.contact(contactId)]);
    return operator === undefined || contact === undefined ? 'unknown' : whyNot(operator, contact);
  }

  position(contactId: ContactId): Promise<number | undefined> {
    return this.#store.position(contactId);
  }

  #syncOperators(meta: CommandMeta): Promise<SyncResult> {
    return syncOperators(this.#adopted, {
      store: this.#store,
      leaving: this.#match.leaving,
      signOut: (operatorId, by) => this.signOut(operatorId, by),
      nowMs: this.#clock.nowMs(),
      meta,
    });
  }

  async #forgetOldClasses(): Promise<void> {
    await this.#store.forgetClasses(classesOf(this.#adopted), this.#clock.nowMs());
  }

  async #isConditionMet({ contactId, queueId, condition }: StepQuestion): Promise<boolean> {
    const contact = await this.waitingContact(contactId);
    const figures = (await this.#store.figures()).get(queueId);
    return isConditionMet(condition, { estimateMs: contact?.estimateMs, figures });
  }

  /** Until something has been seen the store's running figure is believed, or else what the configuration expects. */
  #observed(settings: QueueSettings, figures: QueueFigures | undefined): ObservedQueue | undefined {
    const handlingMs = figures?.handlingMs ?? settings.expectedHandlingMs;
    const expected = { handlingMs, meanPatienceMs: settings.expectedPatienceMs };
    return this.#observations?.of(settings.id, { nowMs: this.#clock.nowMs(), expected });
  }

  #queue(queueId: string): QueuePlan {
    const queue = this.#adopted.queues.get(queueId);
    if (queue === undefined) {
      throw new DozvonError('UNKNOWN_QUEUE', `expected a configured queue, got ${JSON.stringify(queueId)}`);
    }
    return queue;
  }

  #named(operator: OperatorView): OperatorStatus {
    return { ...operator, name: this.#adopted.operators.get(operator.operatorId)?.name ?? operator.extension };
  }
}
