import { z } from 'zod';
import { minuteMs, secondMs } from '../foundation/index.ts';
import { parseExpression } from './expression.ts';
import { ladderSchemaOf } from './ladder-settings.ts';
import type { OperatorStrategy } from './ports.ts';
import { strategyNames } from './ranking.ts';

/** Ids that people write: they appear in keys, paths and pages. */
const idSchema = z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'a lower-case word of letters, digits, "_" and "-"');
const levelSchema = z.int().min(1).max(10);
const durationMs = (longestMs: number): z.ZodInt => z.int().min(0).max(longestMs);

export const skillSchema = z
  .strictObject({ id: idSchema, name: z.string().min(1).max(80) })
  .describe('A skill that queues ask for and operators have, levels 1-10.');

/** Terms that must all hold, or an expression such as `documents >= 3 and (language_tat >= 1 or general >= 7)`. */
const requirementSchema = z.union([
  z
    .array(z.strictObject({ skill: idSchema, minLevel: levelSchema.default(1) }))
    .min(1)
    .max(10),
  z
    .string()
    .max(500)
    .superRefine((text, context) => {
      const parsed = parseExpression(text);
      if (parsed.ok) return;
      const { at, expected, got } = parsed.fault;
      context.addIssue({ code: 'custom', message: `${expected} at character ${at} (${got} is there)` });
    }),
]);

const conditionSchema = z
  .union([
    z.literal('anyQualified'),
    z.strictObject({ estimateAboveMs: durationMs(60 * minuteMs) }),
    z.strictObject({ serviceLevelBelow: z.number().min(0).max(1) }),
  ])
  .describe('When a step is taken at all; anyQualified: while somebody logged in can serve it.');

const stepSchema = z.strictObject({
  /** Waiting time, from entering the queue. */
  afterMs: z
    .int()
    .min(1)
    .max(60 * minuteMs),
  requirement: requirementSchema,
  considerIf: conditionSchema.optional(),
});

const ladderSchema = ladderSchemaOf({ requirement: requirementSchema, condition: conditionSchema });

/** Where a contact goes that a queue does not take, or not any longer. */
const destinationSchema = z.union([
  z.strictObject({ queue: idSchema }),
  z.strictObject({
    node: z
      .string()
      .regex(/^[a-z][A-Za-z0-9-]*$/)
      .describe("A node of the line's flow"),
  }),
]);

export const queueSchema = z
  .strictObject({
    id: idSchema,
    name: z.string().min(1).max(80),
    requirement: requirementSchema,
    strategy: z.enum(strategyNames as [OperatorStrategy, ...OperatorStrategy[]]).default('leastSkilled'),
    /** The promise of the hotline: an operator within two minutes. */
    answerTargetMs: durationMs(60 * minuteMs).default(2 * minuteMs),
    /** At least 3 s, or no phone can be picked up; at most 60 s, or one absent operator costs the caller a minute. */
    ringTimeoutMs: z
      .int()
      .min(3 * secondMs)
      .max(minuteMs)
      .default(15 * secondMs),
    wrapUpMs: durationMs(30 * minuteMs).default(30 * secondMs),
    /** For how long an operator is offered nothing after a missed, busy or refused offer. */
    setAside: z
      .strictObject({
        unansweredMs: durationMs(60 * minuteMs).default(30 * secondMs),
        busyMs: durationMs(60 * minuteMs).default(10 * secondMs),
        declinedMs: durationMs(60 * minuteMs).default(20 * secondMs),
        /** So many missed offers in a row, and he is not ready (reason "rna") until he says otherwise. */
        notReadyAfterMissed: z.int().min(1).max(20).default(3),
      })
      .prefault({}),
    /** What waiting callers hear between announcements. */
    waiting: z.enum(['music', 'silence']).default('music'),
    /** They are told at the beginning that they wait. */
    welcome: z.boolean().default(true),
    headStartMs: durationMs(60 * minuteMs).default(0),
    /** Of `requirement` itself; the steps have conditions of their own. */
    considerIf: z.literal('anyQualified').optional(),
    /** What takes the place of `requirement` when a contact has waited for so long. */
    steps: z
      .array(stepSchema)
      .max(10)
      .refine(isRising, 'steps in order of afterMs, each later than the one before')
      .default([]),
    /** Takes the place of `steps`: what is done for a caller until the concluded end. */
    ladder: ladderSchema.optional(),
    /** How long a contact is kept for the operator who talked with this caller last; 0: nobody is looked for. */
    preferredMs: durationMs(10 * minuteMs).default(0),
    /** For how many days after their conversation. */
    preferredWithinDays: z.int().min(1).max(365).default(30),
    /** Who is not taken, or waits no longer, and where he goes instead. */
    limits: z
      .strictObject({
        length: z.strictObject({ most: z.int().min(0).max(100_000), to: destinationSchema }).optional(),
        wait: z.strictObject({ afterMs: z.int().min(secondMs), to: destinationSchema }).optional(),
        nobodyLoggedIn: z.strictObject({ to: destinationSchema }).optional(),
      })
      .prefault({}),
    /** Who gave up waiting here and calls again so soon gets his place back; 0: nobody does. */
    abandonedPlaceMs: durationMs(60 * minuteMs).default(10 * minuteMs),
    /** Who waits when his line closes is served for `graceMs` more, and then goes there; left out: he waits on. */
    closing: z.strictObject({ graceMs: durationMs(60 * minuteMs), to: destinationSchema }).optional(),
    /** What a contact takes with wrap-up, until the queue has figures of its own; for estimates. */
    expectedHandlingMs: z
      .int()
      .min(secondMs)
      .max(60 * minuteMs)
      .default(3 * minuteMs),
    /** Mean time after which a waiting caller gives up, until the queue has seen some do so; for estimates. */
    expectedPatienceMs: z
      .int()
      .min(secondMs)
      .max(60 * minuteMs)
      .default(2 * minuteMs),
  })
  .describe('A queue: what its contacts need and how operators are picked and rung for them.');

export const operatorSchema = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'lower-case letters, digits, "_" and "-"'),
    extension: z.string().regex(/^[0-9]{2,6}$/, 'two to six digits'),
    name: z.string().min(1).max(120),
    skills: z.record(idSchema, levelSchema).refine((skills) => Object.keys(skills).length > 0, 'at least one skill'),
    /** How many contacts at once, per medium. */
    capacity: z
      .strictObject({ voice: z.int().min(0).max(1).default(1), chat: z.int().min(0).max(20).default(0) })
      .prefault({}),
    /** How often he is picked by the strategy randomWeighted, against others. */
    weight: z.int().min(1).max(100).default(1),
  })
  .describe('An operator: a person, the extension of the phone, and what he or she can serve.');

function isRising(steps: readonly { readonly afterMs: number }[]): boolean {
  return steps.every((step, i) => i === 0 || step.afterMs > (steps[i - 1]?.afterMs ?? 0));
}

export type LimitDestination = Readonly<z.infer<typeof destinationSchema>>;
export type SkillSettings = Readonly<z.infer<typeof skillSchema>>;
export type QueueSettings = Readonly<z.infer<typeof queueSchema>>;
export type OperatorSettings = Readonly<z.infer<typeof operatorSchema>>;
