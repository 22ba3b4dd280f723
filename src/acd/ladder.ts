import { dayMs, secondMs } from '../foundation/index.ts';
import type { StepCondition } from './ports.ts';
import type { WrittenRequirement } from './requirement.ts';

/** What a queue does for a caller at a moment of his wait. */
export type Rung =
  /** More operators may serve: `widen` lowers what is asked, `reserves` rings those who otherwise do not (supervisors, back office). */
  | {
      readonly do: 'widen' | 'reserves';
      readonly afterMs: number;
      readonly requirement: WrittenRequirement;
      readonly considerIf?: StepCondition | undefined;
    }
  /** Ranked from now on as if he had come so much earlier. */
  | { readonly do: 'raise'; readonly afterMs: number; readonly headStartMs: number }
  /** A call-back (or, when none can be promised, a request), or going on: he chooses. Only when the rest of the wait is estimated to be longer. */
  | { readonly do: 'offerChoice'; readonly afterMs: number; readonly estimateAboveMs?: number | undefined }
  /** The concluded end without asking: a call-back or a request is written down, and he is told; he may stay on the line. */
  | { readonly do: 'conclude'; readonly afterMs: number };

/** The way of a queue's callers to the end that is promised to them, as data. */
export interface Ladder {
  /** In order of `afterMs` (from `enqueuedAtMs`); the last one concludes. */
  readonly rungs: readonly Rung[];
  /** By then the caller has an operator, a call-back or the number of a request. Later than the last rung by what it takes to say it. */
  readonly latestMs: number;
  /** Node of the line's flow that offers the choice; where it is left out, or a flow does not have it, nobody is asked. */
  readonly choiceNode?: string | undefined;
  /** The choice is offered at once when the wait is estimated to be longer at arrival. */
  readonly choiceAboveMs: number;
}

/** What is due, and what of it is new since the look before. */
export interface LadderPlace {
  readonly due: readonly Rung[];
  /** Rungs taken, these included: the next look's `taken`. */
  readonly taken: number;
  /** When the next rung is due; undefined: none is. */
  readonly nextAtMs?: number;
}

/** `taken`: how many rungs have been taken already. Late looks (after a restart) get all that were missed, in order. */
export function ladderAt(
  ladder: Ladder,
  contact: { readonly enqueuedAtMs: number; readonly nowMs: number; readonly taken: number },
): LadderPlace {
  const { enqueuedAtMs, nowMs } = contact;
  const waitedMs = nowMs - enqueuedAtMs;
  const reached = ladder.rungs.filter(({ afterMs }) => afterMs <= waitedMs).length;
  const taken = Math.max(contact.taken, reached);
  const next = ladder.rungs[taken];
  return {
    due: ladder.rungs.slice(contact.taken, taken),
    taken,
    ...(next === undefined ? {} : { nextAtMs: enqueuedAtMs + next.afterMs }),
  };
}

/** Whether the choice is offered on arrival. An estimate nobody can give is above any. */
export function isChoiceOfferedAtOnce(ladder: Ladder, estimateMs: number | undefined): boolean {
  return (estimateMs ?? Number.POSITIVE_INFINITY) > ladder.choiceAboveMs;
}

/** Whether a rung that offers the choice does so for a caller with this estimate of the rest of his wait. */
export function isChoiceOffered(rung: Extract<Rung, { do: 'offerChoice' }>, estimateMs: number | undefined): boolean {
  return rung.estimateAboveMs === undefined || (estimateMs ?? Number.POSITIVE_INFINITY) > rung.estimateAboveMs;
}

/** The rungs that change who may serve, as steps of the queue's requirement: the store takes them when they are due. */
export function ladderSteps(ladder: Ladder): readonly {
  readonly afterMs: number;
  readonly requirement: WrittenRequirement;
  readonly considerIf?: StepCondition | undefined;
}[] {
  return ladder.rungs.flatMap((rung) => (rung.do === 'widen' || rung.do === 'reserves' ? [rung] : []));
}

/** The head start a caller has earned by waiting so long: that of the last `raise`. */
export function ladderHeadStartMs(ladder: Ladder, waitedMs: number): number {
  return ladder.rungs.reduce(
    (headStartMs, rung) => (rung.do === 'raise' && rung.afterMs <= waitedMs ? rung.headStartMs : headStartMs),
    0,
  );
}

/** Longer than anybody waits, shorter than what would lose digits of a score. */
const behindAllMs = dayMs;

/**
 * Who holds a number and stays on the line past the latest moment comes after all who can still be answered in time (live callers before their deadline
 * first), in order among those who stay. One late answer more would cost another caller his; in a rush it would make everyone late.
 */
export const stayingHeadStartMs = -behindAllMs;

/**
 * The reference: exact skill at first; wider at 45 s; the choice at 75 s where the rest is estimated to take him beyond 120 s; reserves at 90 s; the
 * concluded end from 110 s, said by 120 s.
 */
export function referenceLadder(wider: {
  readonly wider?: WrittenRequirement;
  readonly reserves?: WrittenRequirement;
}): Ladder {
  const rungs: Rung[] = [];
  if (wider.wider !== undefined) rungs.push({ do: 'widen', afterMs: 45 * secondMs, requirement: wider.wider });
  rungs.push({ do: 'offerChoice', afterMs: 75 * secondMs, estimateAboveMs: 45 * secondMs });
  if (wider.reserves !== undefined) rungs.push({ do: 'reserves', afterMs: 90 * secondMs, requirement: wider.reserves });
  rungs.push({ do: 'conclude', afterMs: 110 * secondMs });
  return { rungs, latestMs: 120 * secondMs, choiceAboveMs: 120 * secondMs };
}
