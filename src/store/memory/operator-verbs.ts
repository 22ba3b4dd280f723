import type { OperatorRegistration, OperatorView, Presence, QueueStore, Skills } from '../../acd/index.ts';
import { asId, type CommandMeta, type ContactId, type OfferId, type OperatorId } from '../../foundation/index.ts';
import type { EventLog } from './event-log.ts';
import type { Inbox } from './inbox.ts';
import { type OperatorRecord, operatorView } from './operator-pool.ts';
import { type Instant, QueueState } from './queue-state.ts';
import type { RankedSet } from './ranked-set.ts';

/** The verbs that concern operators and what they hold: one half of the twin of the Redis store. */
export class OperatorVerbs {
  protected readonly state: QueueState;
  /** Offers whose conversations last, so that a repeated `offerAnswered` is told from a late one. */
  protected readonly answered = new Set<OfferId>();

  constructor(events: EventLog, inbox: Inbox) {
    this.state = new QueueState(events, inbox);
  }

  async registerOperator(registration: OperatorRegistration, nowMs: number, by?: CommandMeta): Promise<void> {
    const { pool } = this.state;
    const configured = pool.records.get(registration.operatorId)?.configuredProfileId;
    const operator = pool.register(registration, nowMs);
    if (configured !== undefined && configured !== operator.configuredProfileId) {
      this.#changeSkills(operator, registration.skills, nowMs);
    }
    this.state.place(operator, nowMs);
    const facts = { extension: operator.extension, profileId: operator.profileId };
    this.state.publish({ kind: 'operatorRegistered', nowMs, operatorId: operator.operatorId, facts, by });
  }

  async setSkills(
    operatorId: OperatorId,
    skills: Skills,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator'> {
    const operator = this.operatorOf(operatorId);
    if (operator === undefined) return 'unknownOperator';
    this.#changeSkills(operator, skills, nowMs);
    this.state.place(operator, nowMs);
    this.state.publish({
      kind: 'skillsChanged',
      nowMs,
      operatorId,
      facts: { profileId: operator.profileId },
      by,
    });
    return 'done';
  }

  async removeOperator(
    operatorId: OperatorId,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'removed' | 'busy' | 'unknownOperator'> {
    const operator = this.operatorOf(operatorId);
    if (operator === undefined) return 'unknownOperator';
    if (operator.holds.size > 0) return 'busy';
    this.state.pool.takeOut(operator);
    this.state.leaveDuty(operator, nowMs);
    this.state.lookAtThoseWhoPrefer(operatorId, nowMs);
    this.state.pool.records.delete(operatorId);
    this.state.due.setAsides.delete(operatorId);
    this.state.publish({ kind: 'operatorRemoved', nowMs, operatorId, by });
    return 'removed';
  }

  async signIn(operatorId: OperatorId, nowMs: number, by?: CommandMeta): Promise<'done' | 'unknownOperator'> {
    const operator = this.operatorOf(operatorId);
    if (operator === undefined) return 'unknownOperator';
    if (operator.signedIn) return 'done';
    Object.assign(operator, { signedIn: true, contactsTaken: 0, missedOffers: 0 });
    this.state.setPresence(operator, 'notReady', { reason: 'signedIn', nowMs, by });
    this.state.publish({ kind: 'operatorSignedIn', nowMs, operatorId, by });
    return 'done';
  }

  async signOut(operatorId: OperatorId, nowMs: number, by?: CommandMeta): ReturnType<QueueStore['signOut']> {
    const operator = this.operatorOf(operatorId);
    if (operator === undefined) return { outcome: 'unknownOperator' };
    if (!operator.signedIn) return { outcome: 'done', givenBack: [] };
    operator.signedIn = false;
    this.state.setPresence(operator, 'loggedOff', { nowMs, by });
    this.state.publish({ kind: 'operatorSignedOut', nowMs, operatorId, by });
    return { outcome: 'done', givenBack: this.state.withdrawOffersOf(operatorId, 'operatorGone', { nowMs, by }) };
  }

  async withdrawOffers(
    operatorId: OperatorId,
    reason: 'operatorGone' | 'staffAction',
    nowMs: number,
    by?: CommandMeta,
  ): Promise<readonly ContactId[]> {
    return this.state.withdrawOffersOf(operatorId, reason, { nowMs, by });
  }

  async setPresence(
    operatorId: OperatorId,
    presence: Presence,
    options: { readonly reason?: string; readonly nowMs: number },
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'> {
    const operator = this.operatorOf(operatorId);
    if (operator === undefined) return 'unknownOperator';
    if (!operator.signedIn) return 'notSignedIn';
    const facts = this.state.setPresence(operator, presence, { ...options, by });
    this.state.publish({ kind: 'presenceChanged', nowMs: options.nowMs, operatorId, facts, by });
    return 'done';
  }

  async notReadyNext(
    operatorId: OperatorId,
    reason: string,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator' | 'notSignedIn'> {
    const operator = this.operatorOf(operatorId);
    if (operator === undefined) return 'unknownOperator';
    if (!operator.signedIn) return 'notSignedIn';
    if (operator.presence !== 'ready') return 'done';
    operator.notReadyNext = reason;
    this.state.publish({ kind: 'notReadyAsked', nowMs, operatorId, facts: { why: reason }, by });
    this.state.afterHold(operator, { nowMs, by });
    return 'done';
  }

  async setReachable(
    operatorId: OperatorId,
    reachable: boolean,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator'> {
    const operator = this.operatorOf(operatorId);
    if (operator === undefined) return 'unknownOperator';
    if (operator.reachable === reachable) return 'done';
    operator.reachable = reachable;
    this.state.place(operator, nowMs);
    this.state.publish({ kind: 'reachabilityChanged', nowMs, operatorId, facts: { reachable }, by });
    return 'done';
  }

  async setOutsideCall(
    operatorId: OperatorId,
    busy: boolean,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<'done' | 'unknownOperator'> {
    const operator = this.operatorOf(operatorId);
    if (operator === undefined) return 'unknownOperator';
    if (operator.outsideCall === busy) return 'done';
    operator.outsideCall = busy;
    // Like a contact: he is at the end of the line of the idle.
    if (!busy && operator.presence === 'ready') operator.readySinceMs = nowMs;
    this.state.place(operator, nowMs);
    this.state.publish({ kind: 'outsideCallChanged', nowMs, operatorId, facts: { busy }, by });
    return 'done';
  }

  async release(
    operatorId: OperatorId,
    contactId: ContactId,
    options: { readonly nowMs: number; readonly wrapUp: boolean; readonly wrapUpMs?: number },
    by?: CommandMeta,
  ): Promise<'released' | 'notHolding'> {
    return this.releaseNow(operatorId, contactId, options, by);
  }

  protected releaseNow(
    operatorId: OperatorId,
    contactId: ContactId,
    options: { readonly nowMs: number; readonly wrapUp: boolean; readonly wrapUpMs?: number },
    by?: CommandMeta,
  ): 'released' | 'notHolding' {
    const operator = this.operatorOf(operatorId);
    const hold = operator?.holds.get(contactId);
    if (operator === undefined || hold?.state !== 'connected') return 'notHolding';
    const { nowMs, wrapUp, wrapUpMs } = options;
    this.answered.delete(hold.offerId);
    if (wrapUp) {
      hold.state = 'wrapUp';
      if (wrapUpMs !== undefined) this.#wrapUpUntil(operator, contactId, nowMs + wrapUpMs);
    } else this.state.becomeIdle(operator, contactId, { nowMs, by });
    this.state.publish({ kind: 'operatorReleased', nowMs, contactId, operatorId, facts: { wrapUp }, by });
    return 'released';
  }

  async endWrapUp(
    operatorId: OperatorId,
    contactId: ContactId,
    nowMs: number,
    by?: CommandMeta,
    onlyWhenDue?: 'onlyWhenDue',
  ): Promise<'idle' | 'notInWrapUp' | 'notDue'> {
    return this.endWrapUpNow(operatorId, contactId, { nowMs, by }, onlyWhenDue);
  }

  protected endWrapUpNow(
    operatorId: OperatorId,
    contactId: ContactId,
    { nowMs, by }: Instant,
    onlyWhenDue?: 'onlyWhenDue',
  ): 'idle' | 'notInWrapUp' | 'notDue' {
    const operator = this.operatorOf(operatorId);
    const hold = operator?.holds.get(contactId);
    if (operator === undefined || hold?.state !== 'wrapUp') return 'notInWrapUp';
    const isEarly = hold.untilMs !== undefined && hold.untilMs > nowMs;
    if (isEarly && onlyWhenDue !== undefined) return 'notDue';
    this.state.becomeIdle(operator, contactId, { nowMs, by });
    if (isEarly) this.state.inbox.append(hold.shard, { type: 'wrapUpOver', contactId, operatorId, atMs: nowMs });
    this.state.publish({ kind: 'wrapUpOver', nowMs, contactId, operatorId, by });
    return 'idle';
  }

  async extendWrapUp(
    operatorId: OperatorId,
    contactId: ContactId,
    byMs: number,
    nowMs: number,
    by?: CommandMeta,
  ): Promise<number | undefined> {
    const operator = this.operatorOf(operatorId);
    const hold = operator?.holds.get(contactId);
    if (operator === undefined || hold?.state !== 'wrapUp') return undefined;
    const untilMs = Math.max(nowMs, hold.untilMs ?? nowMs) + byMs;
    this.#wrapUpUntil(operator, contactId, untilMs);
    const told = { contactId, operatorId, untilMs, atMs: nowMs };
    this.state.inbox.append(hold.shard, { type: 'wrapUpExtended', ...told });
    this.state.publish({ kind: 'wrapUpExtended', nowMs, contactId, operatorId, facts: { untilMs }, by });
    return untilMs;
  }

  async releaseDue(nowMs: number): Promise<readonly OperatorId[]> {
    const released = dueIn(this.state.due.setAsides, nowMs);
    for (const operatorId of released) {
      const operator = this.operatorOf(operatorId);
      if (operator === undefined) continue;
      this.state.liftSetAside(operator);
      this.state.place(operator, nowMs);
      this.state.publish({ kind: 'setAsideEnded', nowMs, operatorId });
    }
    return released;
  }

  async endDueWrapUps(nowMs: number): Promise<readonly OperatorId[]> {
    return dueIn(this.state.due.wrapUps, nowMs).map((member) => {
      const [operatorId, contactId] = member.split(' ').map((id) => asId(id)) as [OperatorId, ContactId];
      const operator = this.operatorOf(operatorId);
      if (operator !== undefined) this.state.becomeIdle(operator, contactId, { nowMs });
      this.state.publish({ kind: 'wrapUpOver', nowMs, contactId, operatorId });
      return operatorId;
    });
  }

  async operators(): Promise<readonly OperatorView[]> {
    return [...this.state.pool.records.values()]
      .sort((a, b) => (a.operatorId < b.operatorId ? -1 : 1))
      .map((operator) => operatorView(operator));
  }

  async operator(operatorId: OperatorId): Promise<OperatorView | undefined> {
    const operator = this.operatorOf(operatorId);
    return operator === undefined ? undefined : operatorView(operator);
  }

  protected operatorOf(operatorId: OperatorId): OperatorRecord | undefined {
    return this.state.pool.records.get(operatorId);
  }

  #changeSkills(operator: OperatorRecord, skills: Skills, nowMs: number): void {
    this.state.leaveDuty(operator, nowMs);
    this.state.pool.changeProfile(operator, skills);
    this.state.lookAtThoseWhoPrefer(operator.operatorId, nowMs);
  }

  #wrapUpUntil(operator: OperatorRecord, contactId: ContactId, untilMs: number): void {
    const hold = operator.holds.get(contactId);
    if (hold !== undefined) hold.untilMs = untilMs;
    this.state.becomesDue('wrapUps', `${operator.operatorId} ${contactId}`, untilMs);
  }
}

/** Ids that are due, the oldest first; they stay in the set. */
export function dueIn<Id extends string>(due: RankedSet<Id>, nowMs: number): readonly Id[] {
  const ids: Id[] = [];
  for (const { id, score } of due) {
    if (score > nowMs) break;
    ids.push(id);
  }
  return ids;
}
