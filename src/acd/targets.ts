import { z } from 'zod';
import { assertNever, hourMs, minuteMs, secondMs } from '../foundation/index.ts';
import type { AlarmState } from './level-ports.ts';
import { figuresOf, promiseMs, type Tally } from './service-level.ts';

const shareSchema = z.number().min(0).max(1);
const limitSchema = z.int().min(secondMs);

/** What the hotline has set itself; REQUIREMENTS of the reference hotline are the defaults. */
export const targetsSchema = z
  .strictObject({
    averageSpeedOfAnswerMs: limitSchema.default(20 * secondMs),
    /** Held an operator, a call-back or a request by the promised time, or left before. */
    concludedInTime: shareSchema.default(1),
    /** Answered by then, of all that entered. Not compared unless it is set. */
    answeredInTime: shareSchema.optional(),
    repeatContacts: shareSchema.default(0.05),
    solvedAtFirstContact: shareSchema.default(0.85),
    /** Of 5. */
    satisfaction: z.number().min(1).max(5).default(4.7),
    escalationAnswerMs: limitSchema.default(48 * hourMs),
    chatAcceptanceMs: limitSchema.default(minuteMs),
    /** A period with fewer contacts says nothing of a mean or a share. */
    leastContacts: z.int().min(1).max(10_000).default(10),
    forecast: z
      .strictObject({
        /** Of those who come in the time ahead: answered by an operator in the promised time. */
        share: shareSchema.default(0.75),
        aheadMs: z
          .int()
          .min(minuteMs)
          .max(hourMs)
          .default(15 * minuteMs),
      })
      .prefault({}),
  })
  .describe('Targets: each is compared with its figure by hour and day, and alarmed.');

export type TargetSettings = Readonly<z.infer<typeof targetsSchema>>;

export const targetIds = [
  'averageSpeedOfAnswer',
  'concludedInTime',
  'answeredInTime',
  'repeatContacts',
  'solvedAtFirstContact',
  'satisfaction',
  'escalationAnswer',
  'chatAcceptance',
] as const;
export type TargetId = (typeof targetIds)[number];

/** Why nothing can be compared: what would have to be recorded for it. */
export type NoDataReason = 'solvingIsNotRecorded' | 'noSurvey' | 'escalationsAreNotRecorded' | 'noChat';

/** A target with the figure of one period beside it. */
export interface TargetVerdict {
  readonly targetId: TargetId;
  readonly comparison: 'atMost' | 'atLeast';
  /** Milliseconds, a share, or a mark. */
  readonly target: number;
  readonly figure?: number;
  /** What the figure rests on. */
  readonly contacts: number;
  /** `tooFew`: the figure is there and is not compared. */
  readonly state: 'met' | 'missed' | 'tooFew' | 'noData';
  readonly reason?: NoDataReason;
  /** Better than the target by enough to end an alarm. */
  readonly isSafe: boolean;
}

/** By so much of the target a figure must be better before an alarm ends, so that one at its very edge does not flicker. */
const safety = 0.05;

/** Every target that is set, beside the figures of one period; undefined: nobody entered a queue in it. */
export function verdictsOf(tally: Tally | undefined, settings: TargetSettings): readonly TargetVerdict[] {
  return targetIds.flatMap((targetId) => {
    const rule = ruleOf(targetId, settings);
    return rule === undefined ? [] : [verdict(targetId, rule, tally)];
  });
}

interface TargetRule {
  readonly comparison: 'atMost' | 'atLeast';
  readonly target: number;
  /** No figure can be better. */
  readonly best: number;
  readonly least: number;
  readonly measure:
    | NoDataReason
    | ((tally: Tally) => { readonly figure: number | undefined; readonly contacts: number });
}

function ruleOf(targetId: TargetId, settings: TargetSettings): TargetRule | undefined {
  const { leastContacts: least } = settings;
  const atMost = { comparison: 'atMost', best: 0, least } as const;
  const atLeast = { comparison: 'atLeast', best: 1, least } as const;
  const counted = (tally: Tally): number => tally.entered - tally.shortAbandoned;
  switch (targetId) {
    case 'averageSpeedOfAnswer':
      return {
        ...atMost,
        target: settings.averageSpeedOfAnswerMs,
        measure: (tally) => ({ figure: figuresOf(tally).asaMs, contacts: tally.answered }),
      };
    case 'concludedInTime':
      return {
        ...atLeast,
        least: 1, // A promise to each caller: one who was not kept to is enough.
        target: settings.concludedInTime,
        measure: (tally) => ({ figure: figuresOf(tally).concludedShare, contacts: counted(tally) }),
      };
    case 'answeredInTime':
      if (settings.answeredInTime === undefined) return undefined;
      return {
        ...atLeast,
        target: settings.answeredInTime,
        measure: (tally) => {
          const level = figuresOf(tally).serviceLevels.find(({ withinMs }) => withinMs === promiseMs);
          return { figure: level?.ofEntered, contacts: counted(tally) };
        },
      };
    case 'repeatContacts':
      return {
        ...atMost,
        target: settings.repeatContacts,
        measure: (tally) => ({ figure: figuresOf(tally).repeatShare, contacts: tally.known }),
      };
    case 'solvedAtFirstContact':
      return { ...atLeast, target: settings.solvedAtFirstContact, measure: 'solvingIsNotRecorded' };
    case 'satisfaction':
      return { ...atLeast, best: 5, target: settings.satisfaction, measure: 'noSurvey' };
    case 'escalationAnswer':
      return { ...atMost, target: settings.escalationAnswerMs, measure: 'escalationsAreNotRecorded' };
    case 'chatAcceptance':
      return { ...atMost, target: settings.chatAcceptanceMs, measure: 'noChat' };
    default:
      return assertNever(targetId, 'target');
  }
}

function verdict(targetId: TargetId, rule: TargetRule, tally: Tally | undefined): TargetVerdict {
  const { comparison, target, best, least, measure } = rule;
  const shown = { targetId, comparison, target };
  if (typeof measure === 'string') return { ...shown, contacts: 0, state: 'noData', reason: measure, isSafe: false };
  const { figure, contacts } = tally === undefined ? { figure: undefined, contacts: 0 } : measure(tally);
  if (figure === undefined) return { ...shown, contacts, state: 'tooFew', isSafe: false };
  if (contacts < least) return { ...shown, figure, contacts, state: 'tooFew', isSafe: false };
  const isMet = comparison === 'atMost' ? figure <= target : figure >= target;
  const isSafe =
    comparison === 'atMost' ? figure <= target * (1 - safety) : figure >= Math.min(best, target * (1 + safety));
  return { ...shown, figure, contacts, state: isMet ? 'met' : 'missed', isSafe };
}

/**
 * What a target's alarm does at this figure: raised when its period misses the target, over when it, or a later period, is better by a margin; each once for
 * a period. `about` names the period.
 */
export function targetAlarm(
  before: AlarmState | undefined,
  now: { readonly verdict: TargetVerdict; readonly about: string; readonly nowMs: number },
): AlarmState | undefined {
  const { verdict: found, about, nowMs } = now;
  if (found.state === 'missed' && before?.about !== about) return { state: 'raised', about, sinceMs: nowMs };
  // It goes on naming the period that it was raised for, so that another one can still miss the target.
  if (found.isSafe && before?.state === 'raised') return { state: 'over', about: before.about, sinceMs: nowMs };
  return undefined;
}
