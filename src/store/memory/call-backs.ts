import { canServe, type Medium, type ReservedTime, reservedAfter, type Sharing } from '../../acd/index.ts';
import type { ContactId, OperatorId } from '../../foundation/index.ts';
import { bestNotHeld, lookPast, type PassedOver } from './best-members.ts';
import type { OperatorRecord } from './operator-pool.ts';
import type { QueueState } from './queue-state.ts';
import type { Ranked } from './ranked-set.ts';
import type { WaitingRecord } from './waiting-room.ts';

export type SharingTrigger = 'spare' | 'reservedShare';

/** Who gets an operator, a live caller or a call-back: the twin of call-backs.lua. */
export class CallBacks {
  readonly rules = new Map<string, { readonly rule: Sharing; readonly reserved: ReservedTime }>();
  readonly #state: QueueState;

  constructor(state: QueueState) {
    this.#state = state;
  }

  /** The call-back that an operator should have now rather than a live contact, if any: of all queues the first by score. */
  forOperator(
    operator: OperatorRecord,
    now: { readonly medium: Medium; readonly liveWaits: boolean; readonly nowMs: number },
  ): { readonly contact: WaitingRecord; readonly trigger: SharingTrigger } | undefined {
    const { room } = this.#state;
    const firsts = room.callBackQueues().flatMap((queueId) => this.#first(queueId, operator, now.medium) ?? []);
    firsts.sort((a, b) => a.score - b.score || (a.contactId < b.contactId ? -1 : 1));
    for (const contact of firsts) {
      const trigger = this.#trigger(contact, now);
      if (trigger !== undefined) return { contact, trigger };
    }
    return undefined;
  }

  /** The first call-back of a queue that some ready operator may have, with the best operator for it. */
  forQueue(
    queueId: string,
    nowMs: number,
  ):
    | {
        readonly contact: WaitingRecord;
        readonly operator: OperatorRecord;
        readonly trigger: SharingTrigger;
        readonly passedOver: PassedOver;
        readonly nextBest: readonly OperatorId[];
      }
    | undefined {
    const { pool } = this.#state;
    for (const contact of this.#standing(queueId)) {
      const { medium, requirement } = contact;
      const { found, passedOver } = bestNotHeld<OperatorId>(pool.headsOf(medium, requirement.strategy), {
        most: 6,
        isFit: (profileId) => canServe(pool.skillsOf(profileId), requirement),
        rankedOf: (profileId) => pool.readyOf(medium, requirement.strategy, profileId),
        isExcluded: (operatorId) => !this.#mayMeet(contact, operatorId),
        isHeld: () => false,
      });
      const [best, ...others] = found.map(({ id }) => id);
      const operator = best === undefined ? undefined : pool.records.get(best);
      if (operator === undefined) continue;
      const trigger = this.#trigger(contact, { liveWaits: this.#liveWaitsFor(operator, medium), nowMs });
      if (trigger === undefined) return undefined;
      return { contact, operator, trigger, passedOver, nextBest: others };
    }
    return undefined;
  }

  #standing(queueId: string): readonly WaitingRecord[] {
    const { room } = this.#state;
    return room
      .callBacksOf(queueId)
      .range(0, lookPast)
      .flatMap(({ id }: Ranked<ContactId>) => room.records.get(id) ?? []);
  }

  #first(queueId: string, operator: OperatorRecord, medium: Medium): WaitingRecord | undefined {
    return this.#standing(queueId).find(
      (contact) =>
        contact.medium === medium &&
        canServe(operator.skills, contact.requirement) &&
        this.#mayMeet(contact, operator.operatorId),
    );
  }

  #mayMeet(contact: WaitingRecord, operatorId: OperatorId): boolean {
    if (this.#state.pool.records.get(operatorId)?.holds.has(contact.contactId) === true) return false;
    return !this.#state.isExcluded(contact, operatorId);
  }

  /** How this call-back may have an operator who is ready. Spends the share. */
  #trigger(
    contact: WaitingRecord,
    now: { readonly liveWaits: boolean; readonly nowMs: number },
  ): SharingTrigger | undefined {
    const { queueId, requirement } = contact;
    const shared = this.rules.get(queueId);
    if (shared === undefined) return now.liveWaits ? undefined : 'spare';
    const { rule } = shared;
    const onDuty = this.#state.pool.qualified(requirement, 'onDuty');
    const reserved = reservedAfter(shared.reserved, { ...rule, nowMs: now.nowMs, onDuty });
    this.rules.set(queueId, { rule, reserved });
    if (!now.liveWaits && this.#enoughIdle(contact, rule.keepIdle)) return 'spare';
    if (!rule.presses || rule.costMs <= 0 || reserved.availableMs < rule.costMs) return undefined;
    this.rules.set(queueId, { rule, reserved: { ...reserved, availableMs: reserved.availableMs - rule.costMs } });
    return 'reservedShare';
  }

  /** Whether at least `keepIdle` operators besides one could take a contact of this class at once. */
  #enoughIdle({ medium, requirement }: WaitingRecord, keepIdle: number): boolean {
    if (keepIdle <= 0) return true;
    const { pool } = this.#state;
    let idle = -1;
    for (const { id: profileId } of pool.headsOf(medium, requirement.strategy)) {
      if (!canServe(pool.skillsOf(profileId), requirement)) continue;
      idle += pool.readyOf(medium, requirement.strategy, profileId).size;
      if (idle >= keepIdle) return true;
    }
    return false;
  }

  #liveWaitsFor(operator: OperatorRecord, medium: Medium): boolean {
    const { room } = this.#state;
    if (room.preferring(medium, operator.operatorId).length > 0) return true;
    for (const { id: classId } of room.headsOf(medium)) {
      const requirement = room.requirementOf(classId);
      if (requirement !== undefined && canServe(operator.skills, requirement)) return true;
    }
    return false;
  }
}
