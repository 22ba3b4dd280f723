import { DateTime } from 'luxon';
import { z } from 'zod';

/** Shapes of what goes in and out. Instants are ISO 8601 with an offset, stretches of time are milliseconds. */

export const instantSchema = z.iso.datetime({ offset: true });

/** An instant in UTC. */
export function isoInstant(ms: number): string {
  return new Date(ms).toISOString();
}

/** An instant on the wall of a time zone, with its offset. */
export function isoInstantIn(ms: number, timeZone: string): string {
  return DateTime.fromMillis(ms, { zone: timeZone }).toISO() ?? isoInstant(ms);
}

/** Present only when it is known. */
export function optionalInstant<Name extends string>(name: Name, ms: number | undefined): { [K in Name]?: string } {
  return (ms === undefined ? {} : { [name]: isoInstant(ms) }) as { [K in Name]?: string };
}

/** Ids of operators, queues, lines and contacts as they stand in paths and filters. */
export const idParam = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, '1 to 64 letters, digits, "_" or "-"');

/** The reason of a command: a short word or a person's text, without control characters. */
export const reasonSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, 'text without control characters');

const pageSizes = { default: 50, most: 200 } as const;

export const limitParam = z.coerce.number().int().min(1).max(pageSizes.most).default(pageSizes.default);

/** Opaque to clients: where the next page begins. */
export function cursorOf(lastId: string): string {
  return Buffer.from(lastId, 'utf8').toString('base64url');
}

export const cursorParam = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9_-]+$/, 'a cursor from an earlier answer')
  .transform((cursor) => Buffer.from(cursor, 'base64url').toString('utf8'))
  .pipe(idParam);

export const factsSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]));

export const timelineEntrySchema = z.object({ at: instantSchema, kind: z.string(), facts: factsSchema });

const ani = z
  .string()
  .optional()
  .describe("The caller's number, E.164; only for a token with pii:read; absent when withheld");

export const recordingSchema = z.object({
  recordingId: z.string(),
  state: z.enum(['recording', 'sealed', 'verified', 'failed']),
  durationMs: z.number().optional(),
  marks: z.array(z.object({ purpose: z.string(), fromMs: z.number(), toMs: z.number().optional() })),
});

export const contactSchema = z
  .object({
    contactId: z.string(),
    lineId: z.string().optional(),
    dnis: z.string(),
    ani,
    trunk: z.string(),
    sipCallId: z.string(),
    nodeId: z.string(),
    configVersion: z.string(),
    arrivedAt: instantSchema,
    answeredAt: instantSchema.optional(),
    queueId: z.string().optional(),
    topic: z.string().optional(),
    enqueuedAt: instantSchema.optional(),
    waitMs: z.number().optional().describe('From entering the queue to an operator or to leaving'),
    joinedAt: instantSchema.optional(),
    operatorId: z.string().optional(),
    talkMs: z.number().optional(),
    wrapUpMs: z.number().optional(),
    endedAt: instantSchema.optional(),
    endedBy: z.enum(['caller', 'operator', 'service']).optional(),
    outcome: z
      .enum([
        'answeredByOperator',
        'abandonedInMenu',
        'abandonedInQueue',
        'abandonedWhileRinging',
        'requestLeft',
        'callBackPromised',
        'callBackNotReached',
        'callBackNotNeeded',
        'callBackPostponed',
        'informed',
        'menuExhausted',
        'unknownNumber',
        'failed',
      ])
      .optional(),
    caseId: z.string().optional(),
    kind: z.literal('callBack').optional().describe('We called the caller back; left out: he called'),
    callBackId: z.string().optional().describe('The call-back that was dialled, or promised'),
    legs: z.array(
      z.object({
        legId: z.string(),
        role: z.string(),
        operatorId: z.string().optional(),
        startedAt: instantSchema,
        endedAt: instantSchema.optional(),
      }),
    ),
  })
  .meta({ id: 'Contact' });

export const contactDetailSchema = contactSchema
  .extend({
    timeline: z.array(timelineEntrySchema),
    recordings: z.array(recordingSchema),
  })
  .meta({ id: 'ContactDetail' });

export const operatorSchema = z
  .object({
    operatorId: z.string(),
    name: z.string(),
    extension: z.string(),
    skills: z.record(z.string(), z.number()),
    signedIn: z.boolean(),
    presence: z.enum(['loggedOff', 'ready', 'notReady']),
    notReadyReason: z.string().optional(),
    reachable: z.boolean().describe('At least one of his devices is registered'),
    work: z.record(z.string(), z.enum(['idle', 'offered', 'connected', 'wrapUp'])).describe('Work state by medium'),
    readySince: instantSchema.optional(),
    setAsideUntil: instantSchema.optional(),
    outsideCall: z.boolean().describe('In a call that did not come through a queue'),
    notReadyNext: z.string().optional().describe('Why he will be not ready after this contact'),
    missedOffers: z.int().describe('In a row'),
    contactsTaken: z.int().describe('Since signing in'),
    wrapUpUntil: instantSchema.optional(),
    contactId: z.string().optional(),
  })
  .meta({ id: 'Operator' });

/** Beside a queue: its call-backs and what the days can take. */
export const queueCallBacksSchema = z
  .object({
    waiting: z.int().describe('Due, and waiting for an operator'),
    open: z.int().describe('Promised and not made'),
    oldestDueAt: instantSchema.optional().describe('When the first of those that are due became so'),
    pressure: z
      .number()
      .optional()
      .describe('Promised handling time over the spare time of the day; absent when no spare time is to come'),
    daysSeen: z.int().describe('Days like this that the forecast rests on'),
    asOf: instantSchema,
    days: z.array(
      z.object({
        day: z.string(),
        spareMs: z.number().describe("Operators' time that call-backs may count on"),
        reservedMs: z.number().describe("Operators' time kept for them whoever waits"),
        most: z.int().describe('Call-backs that may be promised in all'),
        promised: z.int(),
        left: z.int(),
        dueAt: instantSchema.describe('When one promised for this day can be made at the earliest'),
      }),
    ),
  })
  .describe('Of a queue whose callers are called back');

export const queueSchema = z
  .object({
    queueId: z.string(),
    name: z.string(),
    waiting: z.int(),
    offered: z.int(),
    longestWaitMs: z.number(),
    readyOperators: z.int(),
    signedInOperators: z.int(),
    observed: z
      .object({
        handlingMs: z.number(),
        meanPatienceMs: z.number(),
        arrivalsPerHour: z.number().optional(),
        estimateError: z
          .object({ p50Ms: z.number(), p90Ms: z.number(), contacts: z.number() })
          .optional()
          .describe('How far the first estimate told was off, of answered contacts'),
      })
      .optional()
      .describe('What estimates rest on'),
    sharing: z
      .object({
        keepIdle: z.number(),
        presses: z.boolean(),
        share: z.number(),
        costMs: z.number(),
        reservedMs: z.number(),
        callBacks: z.number(),
      })
      .optional()
      .describe('How live callers and call-backs share the operators'),
    callBacks: queueCallBacksSchema.optional(),
  })
  .meta({ id: 'Queue' });

export const waitingContactSchema = z
  .object({
    contactId: z.string(),
    queueId: z.string(),
    lineId: z.string(),
    position: z.int(),
    enqueuedAt: instantSchema,
    waitMs: z.number(),
    offered: z.boolean(),
  })
  .meta({ id: 'WaitingContact' });

export const skillsParam = z
  .record(z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/), z.int().min(1).max(10))
  .refine((skills) => Object.keys(skills).length <= 100, 'at most 100 skills')
  .describe('Skill to level, 1-10');

/** A stretch of time that a person may ask for: up to an hour. */
export const longestWaitParam = z.int().min(0).max(3_600_000);

export const contactInQueueSchema = waitingContactSchema
  .extend({
    medium: z.enum(['voice', 'chat']),
    estimateMs: z.number().optional().describe('Expected further wait; absent while nobody on duty can serve'),
    headStartMs: z.number().describe("The queue's and its own"),
    requirement: z.string().describe('What it needs now'),
    strategy: z.string(),
    steps: z.array(
      z.object({ state: z.enum(['ahead', 'active', 'expired', 'skipped', 'served']), dueAt: instantSchema }),
    ),
    excluded: z.array(z.string()).describe('Operators who missed or refused it'),
    preferred: z.object({ operatorId: z.string(), until: instantSchema }).optional(),
    qualified: z
      .object({ loggedIn: z.int(), onDuty: z.int() })
      .describe('Operators who can serve it; on duty: ready with a registered phone, busy or not'),
  })
  .meta({ id: 'ContactInQueue' });

export const whyNotSchema = z
  .object({ reasons: z.array(z.string()).describe('Empty: he may be offered it, after those ranked before him') })
  .meta({ id: 'WhyNot' });

export const lineSchema = z
  .object({
    lineId: z.string(),
    name: z.string(),
    numbers: z.array(z.string()),
    scheduleId: z.string(),
    timeZone: z.string(),
    open: z.boolean(),
    why: z.object({
      rule: z.string(),
      date: z.string(),
      dayKind: z.string(),
      holidayName: z.string().optional(),
      exceptionReason: z.string().optional(),
    }),
    closesAt: instantSchema.optional(),
    opensAt: instantSchema.optional().describe('Next opening, when closed'),
    provisional: z.boolean().describe('A day that was looked at belongs to a year whose decree is not known yet'),
  })
  .meta({ id: 'Line' });

export const caseSchema = z
  .object({
    caseId: z.string(),
    caseNumber: z.string(),
    state: z.enum(['registered', 'inProgress', 'escalated', 'closed']),
    contactId: z.string(),
    lineId: z.string(),
    topic: z.string(),
    language: z.string(),
    callBackNumber: z.string().optional().describe('Only for a token with pii:read'),
    message: z.object({ recordingId: z.string(), fromMs: z.number(), toMs: z.number() }).optional(),
    createdAt: instantSchema,
  })
  .meta({ id: 'Case' });

export const noticeSchema = z
  .object({
    noticeId: z.string(),
    caseId: z.string().optional(),
    channel: z.string(),
    template: z.string(),
    state: z.enum(['pending', 'sending', 'sent', 'failed']),
    attempts: z.int(),
    createdAt: instantSchema,
    dueAt: instantSchema,
    sentAt: instantSchema.optional(),
    failure: z.string().optional(),
  })
  .meta({ id: 'Notice' });

export const healthSchema = z
  .object({
    state: z.enum(['ready', 'notReady']),
    parts: z.array(z.object({ part: z.string(), state: z.enum(['up', 'down']), code: z.string().optional() })),
  })
  .meta({ id: 'Health' });
