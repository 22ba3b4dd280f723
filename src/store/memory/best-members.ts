import type { Ranked, RankedSet } from './ranked-set.ts';

/** As in the Lua scripts: how many heads one look takes in, and how far it goes in one class or profile. */
const lookWidth = 16;
const lookPast = 64;

/** How many were passed over, for which reason. */
export interface PassedOver {
  /** Classes or profiles. */
  readonly unfit: number;
  readonly excluded: number;
  readonly holding: number;
}

export interface Look<Id extends string> {
  /** How many are wanted: the one who is picked, and the next best. */
  readonly most: number;
  isFit(head: string): boolean;
  rankedOf(head: string): RankedSet<Id>;
  isExcluded(id: Id): boolean;
  isHeld(id: Id): boolean;
}

export interface Best<Id extends string> {
  /** Best first. */
  readonly found: readonly Ranked<Id>[];
  readonly passedOver: PassedOver;
}

/** The twin of `bestNotHeld` in looking.lua: the best member of the fit heads' sets and the next best after it. */
export function bestNotHeld<Id extends string>(heads: RankedSet<string>, look: Look<Id>): Best<Id> {
  const first = bestMembers(heads, look, (id) => (look.isExcluded(id) ? 'excluded' : 'may'));
  if (first.found[0] === undefined || !look.isHeld(first.found[0].id)) return first;
  return bestMembers(heads, look, (id) => {
    if (look.isHeld(id)) return 'holding';
    return look.isExcluded(id) ? 'excluded' : 'may';
  });
}

/** A set in order, with the score of its next member; none when it is through. Of equal ones the first lane is the best. */
export interface Lane<Id extends string> {
  readonly ranked: RankedSet<Id>;
  next: number;
  score: number | undefined;
}

function bestMembers<Id extends string>(
  heads: RankedSet<string>,
  look: Look<Id>,
  judge: (id: Id) => 'may' | 'excluded' | 'holding',
): Best<Id> {
  const found: Ranked<Id>[] = [];
  const passedOver = { unfit: 0, excluded: 0, holding: 0 };
  for (let from = 0; found.length === 0; from += lookWidth) {
    const some = heads.range(from, from + lookWidth);
    if (some.length === 0) break;
    const lanes: Lane<Id>[] = [];
    for (const { id, score } of some) {
      if (look.isFit(id)) lanes.push({ ranked: look.rankedOf(id), next: 0, score });
      else if (lanes.length === 0) passedOver.unfit += 1;
    }
    while (found.length < look.most) {
      const lane = bestLane(lanes);
      if (lane === undefined) break;
      const member = takeNext(lane);
      if (member === undefined) continue;
      const judged = judge(member.id);
      if (judged === 'may') found.push(member);
      else passedOver[judged] += 1;
    }
  }
  return { found, passedOver };
}

/** The lane's next member; the lane goes on to the one after it. */
export function takeNext<Id extends string>(lane: Lane<Id>): Ranked<Id> | undefined {
  const [member, after] = lane.ranked.range(lane.next, lane.next + 2);
  lane.next += 1;
  lane.score = lane.next < lookPast ? after?.score : undefined;
  return member;
}

export function bestLane<Id extends string>(lanes: readonly Lane<Id>[]): Lane<Id> | undefined {
  let best: Lane<Id> | undefined;
  for (const lane of lanes) {
    if (lane.score !== undefined && (best?.score === undefined || lane.score < best.score)) best = lane;
  }
  return best;
}
