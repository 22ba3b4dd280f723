import { z } from 'zod';
import { instantSchema } from './schemas.ts';

const share = z.number().min(0).max(1).optional();

export const levelFiguresSchema = z
  .object({
    entered: z.int(),
    answered: z.int(),
    abandoned: z.int().describe('Short abandons included'),
    shortAbandoned: z.int(),
    serviceLevels: z
      .array(
        z.object({
          withinMs: z.int(),
          answered: z.int(),
          ofEntered: share.describe('÷ (entered − short abandons)'),
          ofAnsweredAndAbandoned: share.describe('÷ (answered + abandoned − short abandons)'),
          ofAnswered: share.describe('÷ answered'),
        }),
      )
      .describe('Answered within the time, by three formulas; docs/metrics.md has each'),
    concludedShare: share.describe('Held an operator, a call-back or a request by the promised time, or left before'),
    abandonedShare: share,
    averageSpeedOfAnswerMs: z.number().optional(),
    wait: z
      .object({
        averageMs: z.number().optional(),
        p50Ms: z.number().optional(),
        p90Ms: z.number().optional(),
        p95Ms: z.number().optional(),
      })
      .describe('Of all but short abandons'),
    averageHandlingMs: z.number().optional(),
  })
  .meta({ id: 'LevelFigures' });

const ofWhat = { lineId: z.string().optional(), queueId: z.string().optional() };

export const levelPeriodSchema = z
  .object({
    from: instantSchema.describe('With the offset of the wall: an hour that it shows twice has two'),
    until: instantSchema,
    timeZone: z.string(),
    ...ofWhat,
    figures: levelFiguresSchema,
  })
  .meta({ id: 'LevelPeriod' });

export const forecastSchema = z
  .object({
    expectedShare: z.number().describe('Of those who come in the time ahead, answered in the promised time'),
    operators: z.int().describe('On duty who can serve the queue'),
    operatorsNeeded: z.int().describe('With whom the target would be reached'),
  })
  .meta({ id: 'LevelForecast' });

export const levelsNowSchema = z
  .object({
    at: instantSchema,
    windows: z.array(
      z.object({
        minutes: z.int(),
        items: z.array(z.object({ ...ofWhat, figures: levelFiguresSchema })).describe('All, each line, each queue'),
      }),
    ),
    queues: z.array(
      z.object({
        queueId: z.string(),
        name: z.string(),
        waiting: z.int(),
        longestWaitMs: z.number(),
        readyOperators: z.int(),
        forecast: forecastSchema.optional().describe('Absent until the queue has been observed for some minutes'),
      }),
    ),
    alarms: z
      .array(z.object({ alarmId: z.string(), about: z.string(), since: instantSchema }))
      .describe('Raised and not over'),
  })
  .meta({ id: 'LevelsNow' });

export const targetPeriodSchema = z
  .object({
    from: instantSchema,
    until: instantSchema,
    timeZone: z.string(),
    targets: z.array(
      z.object({
        target: z.string(),
        comparison: z.enum(['atMost', 'atLeast']),
        value: z.number().describe('Milliseconds, a share, or a mark'),
        figure: z.number().optional(),
        contacts: z.int().describe('What the figure rests on'),
        state: z.enum(['met', 'missed', 'tooFew', 'noData']),
        reason: z.string().optional().describe('Why there is no data'),
      }),
    ),
  })
  .meta({ id: 'TargetPeriod' });
