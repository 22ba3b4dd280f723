import { dayMs, minuteMs, secondMs } from '../foundation/index.ts';
import { isShortAbandon, type QueuedContact } from './metrics.ts';

/**
 * Service level as data: raw waits are kept, and everything that is told of a stretch of time is reckoned from them. A tally holds counts and sums, so that
 * the database can count and this file alone divides. The database's statement is shown to count as `tallyOf` does (test/integration/service-levels).
 */

/** What is promised: an operator, or something concluded, by then. */
export const promiseMs = 2 * minuteMs;

/** Waits that are counted: answered fast, and answered as promised. */
export const answerLimitsMs = [20 * secondMs, promiseMs] as const;

/** Of a contact's timeline: from then on its caller holds something concluded. */
export const concludingKinds = ['requestStored', 'callBackPromised', 'callBackHeld'] as const;

/** How long after a conversation with an operator another contact of the same caller is a repeat. */
export const repeatWithinMs = 7 * dayMs;
/** Looked for among so many contacts of his before it, so that a number that many share costs no more than others. */
export const repeatDepth = 50;

/** A live caller's contact that entered a queue and is over there. Contacts that we dial are none. */
export interface RecordedWait extends QueuedContact {
  readonly lineId: string;
  readonly queueId: string;
  readonly enqueuedAtMs: number;
  /** From entering the queue until a request or a call-back was promised; undefined: nothing was. */
  readonly concludedAfterMs?: number;
  /** An operator talked with this caller within the days before; undefined: his number is not known. */
  readonly isRepeat?: boolean;
}

export interface Tally {
  readonly entered: number;
  readonly answered: number;
  readonly abandoned: number;
  readonly shortAbandoned: number;
  /** Answered within each of `answerLimitsMs`. */
  readonly answeredWithin: readonly number[];
  /** Held an operator or something concluded by `promiseMs`, or left by himself before; short abandons left out. */
  readonly concluded: number;
  /** All but short abandons. */
  readonly waitMs: number;
  readonly answeredWaitMs: number;
  /** Answered contacts whose conversation is over, and their time. */
  readonly handled: number;
  readonly handlingMs: number;
  /** Contacts whose caller's number is known; of these, repeats. */
  readonly known: number;
  readonly repeats: number;
  /** Of all but short abandons: the least wait that so many of them did not exceed. */
  readonly p50Ms?: number;
  readonly p90Ms?: number;
  readonly p95Ms?: number;
}

export const waitShares = [0.5, 0.9, 0.95] as const;

export function tallyOf(contacts: readonly RecordedWait[]): Tally {
  const counted = contacts.filter((contact) => !isShortAbandon(contact));
  const answered = contacts.filter((contact) => contact.end === 'answered');
  const handled = answered.filter((contact) => contact.talkMs !== undefined);
  const known = contacts.filter((contact) => contact.isRepeat !== undefined);
  const waits = counted.map((contact) => contact.waitMs).sort((a, b) => a - b);
  const [p50Ms, p90Ms, p95Ms] = waitShares.map((share) => waits[Math.ceil(share * waits.length) - 1]);
  return {
    entered: contacts.length,
    answered: answered.length,
    abandoned: contacts.filter((contact) => contact.end === 'abandoned').length,
    shortAbandoned: contacts.length - counted.length,
    answeredWithin: answerLimitsMs.map((limitMs) => answered.filter(({ waitMs }) => waitMs <= limitMs).length),
    concluded: counted.filter(isConcluded).length,
    waitMs: sum(waits),
    answeredWaitMs: sum(answered.map((contact) => contact.waitMs)),
    handled: handled.length,
    handlingMs: sum(handled.map(({ talkMs = 0, wrapUpMs = 0 }) => talkMs + wrapUpMs)),
    known: known.length,
    repeats: known.filter((contact) => contact.isRepeat === true).length,
    ...(p50Ms === undefined ? {} : { p50Ms }),
    ...(p90Ms === undefined ? {} : { p90Ms }),
    ...(p95Ms === undefined ? {} : { p95Ms }),
  };
}

function isConcluded({ waitMs, concludedAfterMs }: RecordedWait): boolean {
  return waitMs <= promiseMs || (concludedAfterMs !== undefined && concludedAfterMs <= promiseMs);
}

/** The three formulas by name; of everything that leaves an operator's hands the first is the strictest. */
export interface ServiceLevels {
  readonly withinMs: number;
  /** ÷ (all that entered − short abandons): who left for a request or a call-back counts against it. */
  readonly ofEntered?: number;
  /** ÷ (answered + abandoned − short abandons). */
  readonly ofAnsweredAndAbandoned?: number;
  /** ÷ answered. */
  readonly ofAnswered?: number;
}

/** Each as docs/metrics.md has it; absent where there is nothing to divide by. */
export interface LevelFigures {
  readonly serviceLevels: readonly ServiceLevels[];
  readonly abandonedShare?: number;
  readonly concludedShare?: number;
  readonly asaMs?: number;
  readonly averageWaitMs?: number;
  readonly ahtMs?: number;
  readonly repeatShare?: number;
}

export function figuresOf(tally: Tally): LevelFigures {
  const counted = tally.entered - tally.shortAbandoned;
  const lost = tally.abandoned - tally.shortAbandoned;
  return {
    serviceLevels: answerLimitsMs.map((withinMs, i) => {
      const within = tally.answeredWithin[i] ?? 0;
      return {
        withinMs,
        ...share('ofEntered', within, counted),
        ...share('ofAnsweredAndAbandoned', within, tally.answered + lost),
        ...share('ofAnswered', within, tally.answered),
      };
    }),
    ...share('abandonedShare', lost, counted),
    ...share('concludedShare', tally.concluded, counted),
    ...share('asaMs', tally.answeredWaitMs, tally.answered),
    ...share('averageWaitMs', tally.waitMs, counted),
    ...share('ahtMs', tally.handlingMs, tally.handled),
    ...share('repeatShare', tally.repeats, tally.known),
  };
}

function share<Name extends string>(name: Name, part: number, whole: number): { [K in Name]?: number } {
  return (whole === 0 ? {} : { [name]: part / whole }) as { [K in Name]?: number };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** What tallies are kept apart by, besides their period. */
export type TallyBy = 'all' | 'line' | 'queue' | 'lineAndQueue';

export interface TallyPeriod {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Of one period, and of one line or queue where tallies are kept apart by them. */
export interface PeriodTally {
  readonly period: TallyPeriod;
  readonly lineId?: string;
  readonly queueId?: string;
  readonly tally: Tally;
}

/**
 * By period, in the order given, then by line and queue; who entered a queue in a period belongs to it. Periods may overlap. Where nobody entered there
 * is no tally.
 */
export function talliesOf(
  contacts: readonly RecordedWait[],
  asked: { readonly periods: readonly TallyPeriod[]; readonly by: TallyBy },
): readonly PeriodTally[] {
  const { by } = asked;
  return asked.periods.flatMap((period) => {
    const within = contacts.filter(
      ({ enqueuedAtMs }) => enqueuedAtMs >= period.fromMs && enqueuedAtMs < period.untilMs,
    );
    const groups = Map.groupBy(within, ({ lineId, queueId }) =>
      JSON.stringify([
        by === 'line' || by === 'lineAndQueue' ? lineId : '',
        by === 'queue' || by === 'lineAndQueue' ? queueId : '',
      ]),
    );
    return [...groups]
      .map(([key, own]): PeriodTally => {
        const [lineId, queueId] = JSON.parse(key) as [string, string];
        return {
          period,
          ...(lineId === '' ? {} : { lineId }),
          ...(queueId === '' ? {} : { queueId }),
          tally: tallyOf(own),
        };
      })
      .sort(byNames);
  });
}

function byNames(a: PeriodTally, b: PeriodTally): number {
  return compare(a.lineId ?? '', b.lineId ?? '') || compare(a.queueId ?? '', b.queueId ?? '');
}

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
