import { z } from 'zod';
import { minuteMs, secondMs } from '../foundation/index.ts';

/** Ids that people write: they appear in keys, paths and pages. */
const idSchema = z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'a lower-case word of letters, digits, "_" and "-"');
const levelSchema = z.int().min(1).max(10);
const durationMs = (longestMs: number): z.ZodInt => z.int().min(0).max(longestMs);

export const skillSchema = z
  .strictObject({ id: idSchema, name: z.string().min(1).max(80) })
  .describe('A skill that queues ask for and operators have, levels 1-10.');

export const queueSchema = z
  .strictObject({
    id: idSchema,
    name: z.string().min(1).max(80),
    requirement: z
      .array(z.strictObject({ skill: idSchema, minLevel: levelSchema.default(1) }))
      .min(1)
      .max(10),
    strategy: z.enum(['longestIdle']).default('longestIdle'),
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
      })
      .prefault({}),
    headStartMs: durationMs(60 * minuteMs).default(0),
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
  })
  .describe('An operator: a person, the extension of the phone, and what he or she can serve.');

export type SkillSettings = Readonly<z.infer<typeof skillSchema>>;
export type QueueSettings = Readonly<z.infer<typeof queueSchema>>;
export type OperatorSettings = Readonly<z.infer<typeof operatorSchema>>;
