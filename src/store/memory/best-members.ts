import type { Ranked, RankedSet } from './ranked-set.ts';

/** As in the Lua scripts: how many heads one look takes in, and how many a trace names after the one picked. */
const lookWidth = 16;
const nextBest = 5;
const lookPast = 64;

/** How many were passed over, for which reason. */
export interface PassedOver {
  /** Classes or profiles. */
  readonly unfit: number;
  readonly excluded: number;
  readonly holding: number;
}

export interface Look<Id extends string> {
  isFit(head: string): boolean;
  rankedOf(head: string): RankedSet<Id>;
  isExcluded(id: Id): boolean;
  isHeld(id: Id): boolean;
}

interface Best<Id extends string> {
  /** Best first, six at most. */
  readonly found: readonly Ranked<Id>[];
  readonly passedOver: PassedOver;
}

/** The twin of `bestNotHeld` in offers.lua: the best member of the fit heads' sets and the next best after it. */
export function bestNotHeld<Id extends string>(heads: RankedSet<string>, look: Look<Id>): Best<Id> {
  const first = bestMembers(heads, look, (id) => (look.isExcluded(id) ? 'excluded' : 'may'));
  if (first.found[0] === undefined || !look.isHeld(first.found[0].id)) return first;
  return bestMembers(heads, look, (id) => {
    if (look.isHeld(id)) return 'holding';
    return look.isExcluded(id) ? 'excluded' : 'may';
  });
}

function bestMembers<Id extends string>(
  heads: RankedSet<string>,
  look: Look<Id>,
  judge: (id: Id) => 'may' | 'excluded' | 'holding',
): Best<Id> {
  const found: Ranked<Id>[] = [];
  const passedOver = { unfit: 0, excluded: 0, holding: 0 };
  const add = (ranked: RankedSet<Id>, from: number, to: number): boolean => {
    const before = found.length;
    const some = ranked.range(from, to);
    for (const member of some) {
      const judged = judge(member.id);
      if (judged !== 'may') {
        passedOver[judged] += 1;
        continue;
      }
      let at = found.length;
      while (at > 0 && (found[at - 1]?.score ?? 0) > member.score) at -= 1;
      found.splice(at, 0, member);
      if (found.length > nextBest + 1) found.pop();
    }
    return some.length === to - from && found.length === before;
  };
  for (let from = 0; found.length === 0; from += lookWidth) {
    const some = heads.range(from, from + lookWidth);
    if (some.length === 0) break;
    for (const head of some) {
      if (found.length > nextBest && head.score >= (found.at(-1)?.score ?? 0)) break;
      if (look.isFit(head.id)) {
        const ranked = look.rankedOf(head.id);
        if (add(ranked, 0, nextBest + 1)) add(ranked, nextBest + 1, lookPast);
      } else if (found.length === 0) passedOver.unfit += 1;
    }
  }
  return { found, passedOver };
}
