import { canServe, type Medium, type ReservedTime, reservedAfter, type Sharing } from '../../acd/index.ts';
import type { ContactId, OperatorId } from '../../foundation/index.ts';
import { bestLane, type Lane, type PassedOver, takeNext } from './best-members.ts';
import { bestContactFor, bestOperatorsFor } from './looks.ts';
import { media, type OperatorRecord } from './operator-pool.ts';
import type { QueueState } from './queue-state.ts';
import type { RankedSet } from './ranked-set.ts';
import type { WaitingRecord } from './waiting-room.ts';

export type SharingTrigger = 'spare' | 'reservedShare';

/** Who gets an operator, a live caller or a call-back: the twin of call-backs.lua. */
export class CallBacks {
  readonly rules = new Map<string, { readonly rule: Sharing; readonly reserved: ReservedTime }>();
  readonly #state: QueueState;

  constructor(state: QueueState) {
    this.#state = state;
  }

  /** The call-back that an operator should have now rather than a live contact, if any: of the first of each queue the one that comes first. */
  forOperator(
    operator: OperatorRecord,
    now: { readonly medium: Medium; readonly liveWaits: boolean; readonly nowMs: number },
  ):
    | { readonly contact: WaitingRecord; readonly trigger: SharingTrigger; readonly passedOver: PassedOver }
    | undefined {
    const { room } = this.#state;
    const { medium } = now;
    const firsts = room.callBackQueues().flatMap((queueId) => {
      const heads = room.callBackHeadsOf(medium, queueId);
      const rankedOf = (classId: string): RankedSet<ContactId> => room.callBacksOf(medium, classId, queueId);
      const { found, passedOver } = bestContactFor(this.#state, operator, { heads, rankedOf });
      return found.map((first) => ({ ...first, passedOver }));
    });
    firsts.sort((a, b) => a.score - b.score || (a.id < b.id ? -1 : 1));
    for (const { id, passedOver } of firsts) {
      const contact = room.records.get(id);
      const trigger = contact && this.#trigger(contact, now);
      if (contact !== undefined && trigger !== undefined) return { contact, trigger, passedOver };
    }
    return undefined;
  }

  /** The first call-back of a queue, in order, that some ready operator may have, with the best operator for it. */
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
    const { pool, room } = this.#state;
    const lanes = this.#lanesOf(queueId);
    for (let lane = bestLane(lanes); lane !== undefined; lane = bestLane(lanes)) {
      const next = takeNext(lane);
      const contact = next && room.records.get(next.id);
      if (contact === undefined) continue;
      const { found, passedOver } = bestOperatorsFor(this.#state, contact);
      const [best, ...others] = found.map(({ id }) => id);
      const operator = best === undefined ? undefined : pool.records.get(best);
      if (operator !== undefined) {
        const liveWaits = this.#liveWaitsFor(operator, contact.medium);
        const trigger = this.#trigger(contact, { liveWaits, nowMs });
        return trigger && { contact, operator, trigger, passedOver, nextBest: others };
      }
      // Nobody who is ready can serve the class: its others need not be looked at.
      if (passedOver.excluded + passedOver.holding === 0) lane.score = undefined;
    }
    return undefined;
  }

  #lanesOf(queueId: string): readonly Lane<ContactId>[] {
    const { room } = this.#state;
    return media.flatMap((medium) =>
      [...room.callBackHeadsOf(medium, queueId)].map(({ id: classId, score }) => {
        return { ranked: room.callBacksOf(medium, classId, queueId), next: 0, score };
      }),
    );
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
