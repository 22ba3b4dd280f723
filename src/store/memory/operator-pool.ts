import {
  canServe,
  drawRank,
  type Medium,
  type OperatorFacts,
  type OperatorRegistration,
  type OperatorStrategy,
  type OperatorView,
  occupancyAfter,
  occupancyRank,
  operatorProfile,
  operatorScore,
  type Presence,
  type RequirementClass,
  type Skills,
  skillTotal,
  type TimeUse,
  type WorkState,
} from '../../acd/index.ts';
import type { ContactId, OfferId, OperatorId } from '../../foundation/index.ts';
import { RankedSet } from './ranked-set.ts';

/** A contact an operator holds. */
export interface Hold {
  readonly medium: Medium;
  readonly offerId: OfferId;
  readonly shard: string;
  readonly queueId: string;
  state: Exclude<WorkState, 'idle'>;
  /** From the answer on. */
  sinceMs: number | undefined;
  /** When the wrap-up is due to end. */
  untilMs: number | undefined;
}

/** Logged in: signed in and not logged off. On duty: ready, phone registered, whether busy or not. */
export type Duty = 'none' | 'loggedIn' | 'onDuty';

export interface OperatorRecord {
  readonly operatorId: OperatorId;
  extension: string;
  skills: Skills;
  profileId: string;
  configuredProfileId: string;
  capacity: OperatorRegistration['capacity'];
  weight: number;
  signedIn: boolean;
  presence: Presence;
  notReadyReason: string | undefined;
  notReadyNext: string | undefined;
  reachable: boolean;
  outsideCall: boolean;
  readySinceMs: number | undefined;
  setAsideUntilMs: number | undefined;
  missedOffers: number;
  contactsTaken: number;
  lastOfferedMs: number;
  occupancy: number;
  occupancyRank: number;
  timeUse: TimeUse;
  timeUseSinceMs: number;
  drawRank: number | undefined;
  drawNumber: number;
  duty: Duty;
  readonly holds: Map<ContactId, Hold>;
}

export const media: readonly Medium[] = ['voice', 'chat'];

/** The state shown when several contacts are held: the one that asks most of the operator. */
const workOrder: readonly WorkState[] = ['connected', 'offered', 'wrapUp'];

function heldIn(operator: OperatorRecord, medium: Medium): number {
  let held = 0;
  for (const hold of operator.holds.values()) if (hold.medium === medium) held += 1;
  return held;
}

/** May be offered a contact of this medium now. A phone, and a call outside the queue, matter for voice only. */
export function available(operator: OperatorRecord, medium: Medium): boolean {
  return (
    operator.signedIn &&
    operator.presence === 'ready' &&
    operator.setAsideUntilMs === undefined &&
    operator.notReadyNext === undefined &&
    (medium !== 'voice' || (operator.reachable && !operator.outsideCall)) &&
    heldIn(operator, medium) < (operator.capacity[medium] ?? 0)
  );
}

export function dutyOf(operator: OperatorRecord): Duty {
  if (!operator.signedIn || operator.presence === 'loggedOff') return 'none';
  return operator.presence === 'ready' && operator.reachable ? 'onDuty' : 'loggedIn';
}

function timeUseOf(operator: OperatorRecord): TimeUse {
  for (const hold of operator.holds.values()) if (hold.state !== 'offered') return 'busy';
  return operator.signedIn && operator.presence === 'ready' && !operator.outsideCall ? 'idle' : 'paused';
}

/** Brings the occupancy up to now when the use of time changes. */
export function settleTime(operator: OperatorRecord, nowMs: number): void {
  const use = timeUseOf(operator);
  if (use === operator.timeUse) return;
  operator.occupancy = occupancyAfter(operator.occupancy, operator.timeUse, nowMs - operator.timeUseSinceMs);
  operator.timeUse = use;
  operator.timeUseSinceMs = nowMs;
  if (use === 'idle') {
    operator.occupancyRank = occupancyRank(operator.occupancy, nowMs, operator.readySinceMs ?? nowMs);
  }
}

export function operatorView(operator: OperatorRecord): OperatorView {
  const [held] = [...operator.holds].sort(shownBefore);
  const served = media.filter((medium) => (operator.capacity[medium] ?? 0) > 0);
  const { notReadyReason, notReadyNext, readySinceMs, setAsideUntilMs } = operator;
  return {
    operatorId: operator.operatorId,
    extension: operator.extension,
    skills: operator.skills,
    signedIn: operator.signedIn,
    presence: operator.presence,
    ...(notReadyReason === undefined ? {} : { notReadyReason }),
    reachable: operator.reachable,
    capacity: Object.fromEntries(served.map((medium) => [medium, operator.capacity[medium] ?? 0])),
    held: Object.fromEntries(served.map((medium) => [medium, heldIn(operator, medium)])),
    work: Object.fromEntries(served.map((medium) => [medium, workState(operator, medium)])),
    outsideCall: operator.outsideCall,
    ...(notReadyNext === undefined ? {} : { notReadyNext }),
    missedOffers: operator.missedOffers,
    contactsTaken: operator.contactsTaken,
    ...(readySinceMs === undefined ? {} : { readySinceMs }),
    ...(setAsideUntilMs === undefined ? {} : { setAsideUntilMs }),
    ...(held === undefined ? {} : { contactId: held[0], offerId: held[1].offerId }),
    ...(held?.[1].untilMs === undefined ? {} : { wrapUpUntilMs: held[1].untilMs }),
  };
}

/** Voice before chat, then by id: ids sort by time. */
function shownBefore([one, a]: readonly [ContactId, Hold], [other, b]: readonly [ContactId, Hold]): number {
  if (a.medium !== b.medium) return a.medium === 'voice' ? -1 : 1;
  return one < other ? -1 : 1;
}

function workState(operator: OperatorRecord, medium: Medium): WorkState {
  const states = [...operator.holds.values()].filter((hold) => hold.medium === medium).map((hold) => hold.state);
  return workOrder.find((state) => states.includes(state as Hold['state'])) ?? 'idle';
}

/** Operators and, per medium, strategy in use and profile, those who may be offered a contact now, best first. */
export class OperatorPool {
  readonly records = new Map<OperatorId, OperatorRecord>();
  readonly #strategies = new Set<OperatorStrategy>();
  readonly #ready = new Map<string, RankedSet<OperatorId>>();
  /** Per medium and strategy: profiles that have somebody ready, by the score of their best. */
  readonly #profileHeads = new Map<string, RankedSet<string>>();
  readonly #profileSkills = new Map<string, Skills>();
  #drawFloor = 0;

  skillsOf(profileId: string): Skills {
    return this.#profileSkills.get(profileId) ?? {};
  }

  /** The record, new or as it was; its place is the caller's next step. */
  register(registration: OperatorRegistration, nowMs: number): OperatorRecord {
    const { operatorId, extension, capacity } = registration;
    const profile = operatorProfile(registration.skills);
    this.#profileSkills.set(profile.profileId, profile.skills);
    const known = this.records.get(operatorId);
    if (known === undefined) {
      const fresh = newOperator(registration, profile, nowMs);
      this.records.set(operatorId, fresh);
      return fresh;
    }
    this.takeOut(known);
    known.configuredProfileId = profile.profileId;
    return Object.assign(known, { extension, capacity, weight: registration.weight ?? 1 });
  }

  changeProfile(operator: OperatorRecord, skills: Skills): void {
    const profile = operatorProfile(skills);
    this.takeOut(operator);
    this.#profileSkills.set(profile.profileId, profile.skills);
    operator.skills = profile.skills;
    operator.profileId = profile.profileId;
  }

  /** True when it is new: then every operator is to be placed. */
  useStrategy(strategy: OperatorStrategy): boolean {
    if (this.#strategies.has(strategy)) return false;
    this.#strategies.add(strategy);
    return true;
  }

  /** Nobody is kept in the order of another. */
  keepStrategies(kept: ReadonlySet<OperatorStrategy>): void {
    for (const strategy of [...this.#strategies].filter((each) => !kept.has(each))) {
      this.#strategies.delete(strategy);
      for (const medium of media) {
        for (const { id: profileId } of this.headsOf(medium, strategy)) {
          this.#ready.delete(`${medium} ${strategy} ${profileId}`);
        }
        this.#profileHeads.delete(`${medium} ${strategy}`);
      }
    }
  }

  /** Puts the operator into the order of each strategy, or takes him out. */
  place(operator: OperatorRecord): void {
    for (const medium of media) {
      if ((operator.capacity[medium] ?? 0) === 0) continue; // and out of every order since he was registered
      const mayServe = available(operator, medium);
      for (const strategy of this.#strategies) {
        const ready = this.readyOf(medium, strategy, operator.profileId);
        if (mayServe) ready.add(operator.operatorId, this.#score(operator, strategy));
        else ready.delete(operator.operatorId);
        this.#refreshHead(medium, strategy, operator.profileId);
      }
    }
  }

  takeOut(operator: OperatorRecord): void {
    for (const medium of media) {
      for (const strategy of this.#strategies) {
        this.readyOf(medium, strategy, operator.profileId).delete(operator.operatorId);
        this.#refreshHead(medium, strategy, operator.profileId);
      }
    }
  }

  /** He was offered a contact: the next draw is a new one. `picked`: he was drawn from among those who could serve. */
  spendDraw(operator: OperatorRecord, picked: boolean): void {
    if (picked && operator.drawRank !== undefined) this.#drawFloor = Math.max(this.#drawFloor, operator.drawRank);
    operator.drawRank = undefined;
  }

  /** Before one is drawn: who was passed over by an earlier draw that he was not part of draws anew. */
  renewDraws(medium: Medium): void {
    const below = <Id extends string>(ranked: RankedSet<Id>): readonly Id[] => {
      const ids: Id[] = [];
      for (const { id, score } of ranked) {
        if (score >= this.#drawFloor) break;
        ids.push(id);
      }
      return ids;
    };
    for (const profileId of below(this.headsOf(medium, 'randomWeighted'))) {
      for (const operatorId of below(this.readyOf(medium, 'randomWeighted', profileId))) {
        const operator = this.records.get(operatorId);
        if (operator === undefined) continue;
        operator.drawRank = undefined;
        this.place(operator);
      }
    }
  }

  readyOf(medium: Medium, strategy: OperatorStrategy, profileId: string): RankedSet<OperatorId> {
    return setAt(this.#ready, `${medium} ${strategy} ${profileId}`);
  }

  headsOf(medium: Medium, strategy: OperatorStrategy): RankedSet<string> {
    return setAt(this.#profileHeads, `${medium} ${strategy}`);
  }

  /** How many who could serve are at least on this duty. */
  qualified(requirement: Pick<RequirementClass, 'expression'>, least: 'loggedIn' | 'onDuty'): number {
    let count = 0;
    for (const { duty, skills } of this.records.values()) {
      if ((duty === 'onDuty' || duty === least) && canServe(skills, requirement)) count += 1;
    }
    return count;
  }

  #score(operator: OperatorRecord, strategy: OperatorStrategy): number {
    if (strategy === 'randomWeighted' && operator.drawRank === undefined) {
      operator.drawNumber += 1;
      const { operatorId, drawNumber, weight } = operator;
      operator.drawRank = drawRank({ operatorId, drawNumber, weight, floor: this.#drawFloor });
    }
    return operatorScore(strategy, factsOf(operator));
  }

  #refreshHead(medium: Medium, strategy: OperatorStrategy, profileId: string): void {
    const best = this.readyOf(medium, strategy, profileId).first();
    if (best === undefined) this.headsOf(medium, strategy).delete(profileId);
    else this.headsOf(medium, strategy).add(profileId, best.score);
  }
}

function setAt<Id extends string>(sets: Map<string, RankedSet<Id>>, key: string): RankedSet<Id> {
  let set = sets.get(key);
  if (set === undefined) {
    set = new RankedSet();
    sets.set(key, set);
  }
  return set;
}

function newOperator(
  registration: OperatorRegistration,
  profile: { readonly profileId: string; readonly skills: Skills },
  nowMs: number,
): OperatorRecord {
  return {
    operatorId: registration.operatorId,
    extension: registration.extension,
    skills: profile.skills,
    profileId: profile.profileId,
    configuredProfileId: profile.profileId,
    capacity: registration.capacity,
    weight: registration.weight ?? 1,
    signedIn: false,
    presence: 'loggedOff',
    notReadyReason: undefined,
    notReadyNext: undefined,
    reachable: false,
    outsideCall: false,
    readySinceMs: undefined,
    setAsideUntilMs: undefined,
    missedOffers: 0,
    contactsTaken: 0,
    lastOfferedMs: 0,
    occupancy: 0,
    occupancyRank: 0,
    timeUse: 'paused',
    timeUseSinceMs: nowMs,
    drawRank: undefined,
    drawNumber: 0,
    duty: 'none',
    holds: new Map(),
  };
}

function factsOf(operator: OperatorRecord): OperatorFacts {
  return {
    readySinceMs: operator.readySinceMs ?? 0,
    contactsTaken: operator.contactsTaken,
    skillTotal: skillTotal(operator.skills),
    lastOfferedMs: operator.lastOfferedMs,
    occupancyRank: operator.occupancyRank,
    drawRank: operator.drawRank ?? 0,
  };
}
