import {
  canServe,
  type Medium,
  type OperatorRegistration,
  type OperatorStrategy,
  type OperatorView,
  operatorProfile,
  operatorScore,
  operatorStrategies,
  type Presence,
  type RequirementClass,
  type Skills,
  type WorkState,
} from '../../acd/index.ts';
import type { ContactId, OfferId, OperatorId } from '../../foundation/index.ts';
import { RankedSet } from './ranked-set.ts';

/** A contact an operator holds. */
export interface Hold {
  readonly medium: Medium;
  readonly offerId: OfferId;
  state: Exclude<WorkState, 'idle'>;
}

export interface OperatorRecord {
  readonly operatorId: OperatorId;
  extension: string;
  skills: Skills;
  profileId: string;
  capacity: OperatorRegistration['capacity'];
  signedIn: boolean;
  presence: Presence;
  notReadyReason: string | undefined;
  reachable: boolean;
  readySinceMs: number | undefined;
  setAsideUntilMs: number | undefined;
  contactsTaken: number;
  readonly holds: Map<ContactId, Hold>;
}

const media: readonly Medium[] = ['voice', 'chat'];
const strategies = Object.keys(operatorStrategies) as readonly OperatorStrategy[];

/** The state shown when several contacts are held: the one that asks most of the operator. */
const workOrder: readonly WorkState[] = ['connected', 'offered', 'wrapUp'];

export function roomIn(operator: OperatorRecord, medium: Medium): boolean {
  let held = 0;
  for (const hold of operator.holds.values()) if (hold.medium === medium) held += 1;
  return held < (operator.capacity[medium] ?? 0);
}

/** May be offered a contact of this medium now. A phone matters for voice only. */
export function available(operator: OperatorRecord, medium: Medium): boolean {
  return (
    operator.signedIn &&
    operator.presence === 'ready' &&
    operator.setAsideUntilMs === undefined &&
    (medium !== 'voice' || operator.reachable) &&
    roomIn(operator, medium)
  );
}

function workState(operator: OperatorRecord, medium: Medium): WorkState {
  const states = [...operator.holds.values()].filter((hold) => hold.medium === medium).map((hold) => hold.state);
  return workOrder.find((state) => states.includes(state as Exclude<WorkState, 'idle'>)) ?? 'idle';
}

export function operatorView(operator: OperatorRecord): OperatorView {
  const [held] = operator.holds;
  return {
    operatorId: operator.operatorId,
    extension: operator.extension,
    skills: operator.skills,
    signedIn: operator.signedIn,
    presence: operator.presence,
    ...(operator.notReadyReason === undefined ? {} : { notReadyReason: operator.notReadyReason }),
    reachable: operator.reachable,
    work: Object.fromEntries(
      media
        .filter((medium) => (operator.capacity[medium] ?? 0) > 0)
        .map((medium) => [medium, workState(operator, medium)]),
    ),
    ...(operator.readySinceMs === undefined ? {} : { readySinceMs: operator.readySinceMs }),
    ...(operator.setAsideUntilMs === undefined ? {} : { setAsideUntilMs: operator.setAsideUntilMs }),
    ...(held === undefined ? {} : { contactId: held[0], offerId: held[1].offerId }),
  };
}

/** Operators and, per medium, strategy and profile, those who may be offered a contact now, best first. */
export class OperatorPool {
  readonly records = new Map<OperatorId, OperatorRecord>();
  readonly #ready = new Map<string, RankedSet<OperatorId>>();
  /** Per medium and strategy: profiles that have somebody ready, by the score of their best. */
  readonly #profileHeads = new Map<string, RankedSet<string>>();
  readonly #profileSkills = new Map<string, Skills>();
  readonly #profileSizes = new Map<string, number>();

  skillsOf(profileId: string): Skills {
    return this.#profileSkills.get(profileId) ?? {};
  }

  register(registration: OperatorRegistration): OperatorRecord {
    const { operatorId, extension, capacity } = registration;
    const profile = operatorProfile(registration.skills);
    const known = this.records.get(operatorId);
    if (known !== undefined) this.#takeOut(known);
    const operator: OperatorRecord = known ?? {
      operatorId,
      extension,
      skills: profile.skills,
      profileId: profile.profileId,
      capacity,
      signedIn: false,
      presence: 'loggedOff',
      notReadyReason: undefined,
      reachable: false,
      readySinceMs: undefined,
      setAsideUntilMs: undefined,
      contactsTaken: 0,
      holds: new Map(),
    };
    this.#profileSizes.set(profile.profileId, (this.#profileSizes.get(profile.profileId) ?? 0) + 1);
    this.#profileSkills.set(profile.profileId, profile.skills);
    if (known !== undefined) this.#leaveProfile(known.profileId);
    Object.assign(operator, { extension, capacity, skills: profile.skills, profileId: profile.profileId });
    this.records.set(operatorId, operator);
    this.place(operator);
    return operator;
  }

  remove(operator: OperatorRecord): void {
    this.#takeOut(operator);
    this.#leaveProfile(operator.profileId);
    this.records.delete(operator.operatorId);
  }

  /** Puts the operator where he belongs after any change of his state. */
  place(operator: OperatorRecord): void {
    for (const medium of media) {
      const mayServe = available(operator, medium);
      for (const strategy of strategies) {
        const ready = this.#readySet(medium, strategy, operator.profileId);
        if (mayServe) ready.add(operator.operatorId, operatorScore(strategy, factsOf(operator)));
        else ready.delete(operator.operatorId);
        this.#refreshHead(medium, strategy, operator.profileId);
      }
    }
  }

  /** The best available operator for the contact, and how many better-ranked profiles were passed over as unfit. */
  best(
    contactId: ContactId,
    requirement: RequirementClass,
    medium: Medium,
  ): { readonly operator: OperatorRecord; readonly passedOver: number } | undefined {
    let passedOver = 0;
    for (const head of this.#profileHeads.get(`${medium} ${requirement.strategy}`) ?? []) {
      if (canServe(this.skillsOf(head.id), requirement)) {
        for (const { id } of this.#readySet(medium, requirement.strategy, head.id)) {
          const operator = this.records.get(id);
          // Who holds a contact is not offered it again.
          if (operator !== undefined && !operator.holds.has(contactId)) return { operator, passedOver };
        }
      }
      passedOver += 1;
    }
    return undefined;
  }

  #takeOut(operator: OperatorRecord): void {
    for (const medium of media) {
      for (const strategy of strategies) {
        this.#readySet(medium, strategy, operator.profileId).delete(operator.operatorId);
        this.#refreshHead(medium, strategy, operator.profileId);
      }
    }
  }

  #leaveProfile(profileId: string): void {
    const size = (this.#profileSizes.get(profileId) ?? 0) - 1;
    if (size > 0) {
      this.#profileSizes.set(profileId, size);
      return;
    }
    this.#profileSizes.delete(profileId);
    this.#profileSkills.delete(profileId);
    for (const medium of media)
      for (const strategy of strategies) this.#ready.delete(readyKey(medium, strategy, profileId));
  }

  #readySet(medium: Medium, strategy: OperatorStrategy, profileId: string): RankedSet<OperatorId> {
    const key = readyKey(medium, strategy, profileId);
    let set = this.#ready.get(key);
    if (set === undefined) {
      set = new RankedSet();
      this.#ready.set(key, set);
    }
    return set;
  }

  #refreshHead(medium: Medium, strategy: OperatorStrategy, profileId: string): void {
    const key = `${medium} ${strategy}`;
    let heads = this.#profileHeads.get(key);
    if (heads === undefined) {
      heads = new RankedSet();
      this.#profileHeads.set(key, heads);
    }
    const best = this.#readySet(medium, strategy, profileId).first();
    if (best === undefined) heads.delete(profileId);
    else heads.add(profileId, best.score);
  }
}

function readyKey(medium: Medium, strategy: OperatorStrategy, profileId: string): string {
  return `${medium} ${strategy} ${profileId}`;
}

function factsOf(operator: OperatorRecord): { readySinceMs: number; contactsTaken: number } {
  return { readySinceMs: operator.readySinceMs ?? 0, contactsTaken: operator.contactsTaken };
}
