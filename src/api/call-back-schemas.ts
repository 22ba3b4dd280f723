import { z } from 'zod';
import { idParam, instantSchema, reasonSchema } from './schemas.ts';

export const callBackStates = ['held', 'scheduled', 'claimed', 'dialling', 'done', 'failed', 'cancelled'] as const;

const attemptSchema = z.object({
  number: z.int(),
  contactId: z.string(),
  startedAt: instantSchema,
  endedAt: instantSchema.optional(),
  outcome: z.string().optional(),
});

const wishShown = z.object({ kind: z.enum(['soon', 'at', 'nextOpening']), at: instantSchema.optional() });

export const callBackSchema = z
  .object({
    callBackId: z.string(),
    state: z
      .enum(callBackStates)
      .describe('held: its caller is on the line; claimed, dialling: an operator is looked for, the phone rings'),
    lineId: z.string(),
    queueId: z.string(),
    topic: z.string(),
    language: z.string(),
    number: z.string().optional().describe('E.164; only for a token with pii:read'),
    wish: wishShown,
    utcOffsetMinutes: z.int().optional().describe('East of UTC, where the caller is, if he said so'),
    placeAt: instantSchema.describe('The place it keeps: when the caller began to wait'),
    dueAt: instantSchema.describe('Not before'),
    promisedDay: z.string(),
    createdAt: instantSchema,
    promisedBy: z.string().describe('The contact that made it'),
    contactId: z.string().optional().describe('Who has it now'),
    caseId: z.string().optional(),
    attempts: z.array(attemptSchema),
    reason: z.string().optional().describe('Why it was cancelled, or the outcome of the last attempt when it failed'),
  })
  .meta({ id: 'CallBack' });

/** Minutes from the westernmost to the easternmost clock. */
const utcOffsetParam = z.int().min(-720).max(840);

export const promiseBody = z.strictObject({
  lineId: idParam,
  queueId: idParam.optional().describe("The line's own when left out"),
  topic: idParam.optional().describe("The line's own when left out"),
  language: z
    .string()
    .regex(/^[a-z]{2}$/)
    .optional(),
  number: z.string().min(1).max(40).describe('In any notation'),
  wish: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('soon') }),
    z.strictObject({ kind: z.literal('at'), at: instantSchema }),
    z.strictObject({ kind: z.literal('nextOpening') }),
  ]),
  utcOffsetMinutes: utcOffsetParam
    .optional()
    .describe('Where the caller is: he may then be called at its decent hours'),
  reason: reasonSchema,
});

export const promiseHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[A-Za-z0-9_-]{8,64}$/, '8 to 64 letters, digits, "_" or "-"')
    .describe('The same again is answered like the first'),
});

export const promisedSchema = z
  .object({
    callBackId: z.string(),
    dueAt: instantSchema,
    merged: z.boolean().describe('There was an open one of this number in this queue: it was taken over'),
  })
  .meta({ id: 'PromisedCallBack' });
