import { z } from 'zod';
import { minuteMs } from '../foundation/index.ts';
import type { Ladder } from './ladder.ts';

/** The schemas of a queue's settings that a rung says over again. */
interface Written<Requirement extends z.ZodType, Condition extends z.ZodType> {
  readonly requirement: Requirement;
  readonly condition: Condition;
}

const afterMs = z
  .int()
  .min(1)
  .max(60 * minuteMs)
  .describe('Waiting time, from entering the queue');

/** A queue's ladder as it is written: rungs in order, the concluded end last and said in time. */
export function ladderSchemaOf<Requirement extends z.ZodType, Condition extends z.ZodType>({
  requirement,
  condition,
}: Written<Requirement, Condition>) {
  const mostMs = z
    .int()
    .min(0)
    .max(60 * minuteMs);
  const rung = z.discriminatedUnion('do', [
    z.strictObject({ do: z.enum(['widen', 'reserves']), afterMs, requirement, considerIf: condition.optional() }),
    z.strictObject({ do: z.literal('raise'), afterMs, headStartMs: mostMs }),
    z.strictObject({ do: z.literal('offerChoice'), afterMs, estimateAboveMs: mostMs.optional() }),
    z.strictObject({ do: z.literal('conclude'), afterMs }),
  ]);
  return z
    .strictObject({
      rungs: z.array(rung).min(1).max(10),
      latestMs: mostMs.describe('By then the caller has an operator, a call-back or the number of a request'),
      choiceNode: z
        .string()
        .regex(/^[a-z][A-Za-z0-9-]*$/)
        .optional()
        .describe("A node of the line's flow that offers the choice while the place is kept"),
      choiceAboveMs: mostMs.describe('The choice is offered on arrival when the estimate is above this'),
    })
    .superRefine((ladder, context) => {
      for (const message of ladderFaults(ladder as Pick<Ladder, 'rungs' | 'latestMs'>)) {
        context.addIssue({ code: 'custom', message });
      }
    })
    .describe('What a queue does for a caller at each moment before the concluded end that everybody is promised.');
}

/** What is wrong with a ladder whose parts fit. */
function ladderFaults({ rungs, latestMs }: Pick<Ladder, 'rungs' | 'latestMs'>): readonly string[] {
  const faults: string[] = [];
  const isRising = rungs.every((rung, i) => i === 0 || rung.afterMs > (rungs[i - 1]?.afterMs ?? 0));
  if (!isRising) faults.push('rungs in order of afterMs, each later than the one before');
  if (rungs.findIndex((rung) => rung.do === 'conclude') !== rungs.length - 1) {
    faults.push('one rung that concludes, as the last');
  }
  if (latestMs <= (rungs.at(-1)?.afterMs ?? 0))
    faults.push('latestMs later than the last rung, by what it takes to say it');
  return faults;
}
