import { z } from 'zod';
import { dayMs, hourMs, minuteMs, secondMs } from '../foundation/index.ts';

const retryMs = (defaultMs: number): z.ZodDefault<z.ZodInt> =>
  z
    .int()
    .min(10 * secondMs)
    .max(dayMs)
    .default(defaultMs);

/** How the callers of one queue are called back. */
export const callBackSettingsSchema = z
  .strictObject({
    /** Who is rung first: the operator, who then hears the caller's phone ring, or the caller, for whom an operator is kept free meanwhile. */
    mode: z.enum(['operatorFirst', 'callerFirst']).default('operatorFirst'),
    /** How long the caller's phone rings. */
    ringTimeoutMs: z
      .int()
      .min(5 * secondMs)
      .max(2 * minuteMs)
      .default(30 * secondMs),
    /** Listens to who answers: answering machines and silence are not put through to an operator. */
    recogniseMachines: z.boolean().default(true),
    /** Tries before people take over: a request is registered. */
    mostAttempts: z.int().min(1).max(10).default(3),
    /** How long after a try that came to nothing the next is made. */
    retry: z
      .strictObject({
        busyMs: retryMs(5 * minuteMs),
        noAnswerMs: retryMs(20 * minuteMs),
        declinedMs: retryMs(hourMs),
        unreachableMs: retryMs(20 * minuteMs),
        machineMs: retryMs(30 * minuteMs),
        silenceMs: retryMs(20 * minuteMs),
        operatorGoneMs: retryMs(30 * secondMs),
        /** The process or Asterisk died around it: the phone may have rung. */
        unknownMs: retryMs(10 * minuteMs),
      })
      .prefault({}),
    /** For how many days ahead one may be promised, today included. */
    withinDays: z.int().min(1).max(14).default(3),
    /** Those promised for the next opening are spread over so long from it. */
    spreadMs: z
      .int()
      .min(0)
      .max(4 * hourMs)
      .default(hourMs),
    /** A request that is left while the line is closed also becomes a call-back for the next opening, and is spread with the others. */
    requestsOfTheNight: z.boolean().default(false),
    /** Operators on shift, until days have been seen: for forecasts. */
    expectedOperators: z.int().min(1).max(10_000).default(6),
  })
  .describe('How the callers of a queue are called back.');

export type CallBackSettings = Readonly<z.infer<typeof callBackSettingsSchema>>;
