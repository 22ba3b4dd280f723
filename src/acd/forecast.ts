import { hourMs } from '../foundation/index.ts';
import { impatientWaits } from './erlang.ts';

/** A piece of a day with one rate of arrivals and one number of operators, as expected. */
export interface ExpectedPiece {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly arrivalsPerHour: number;
  /** On shift, who can serve the queue's contacts. */
  readonly operators: number;
}

export interface PieceForecast extends ExpectedPiece {
  /** Operators' time that live callers will take. */
  readonly liveMs: number;
  /** Operators' time that nobody live will want. */
  readonly idleMs: number;
  /** Of it what call-backs may count on. */
  readonly spareMs: number;
  /** What is kept for call-backs even when live callers wait. */
  readonly reservedMs: number;
}

/** What the rest of a day holds for call-backs. */
export interface DayForecast {
  readonly pieces: readonly PieceForecast[];
  readonly spareMs: number;
  readonly reservedMs: number;
  /** Call-backs with so much handling time together can be expected to be made: in each piece the greater of the two. */
  readonly coverMs: number;
}

export interface ForecastRule {
  /** Of the operators' time, kept for due call-backs whoever waits (src/acd/sharing.ts). */
  readonly reservedShare: number;
  /** Of the time nobody live wants, what call-backs count on; the rest comes in moments too short, or is kept for live callers. */
  readonly usableShare: number;
  /** Promised is no more than this share of what is covered. */
  readonly promisedShare: number;
}

/**
 * Free operators' time from `nowMs` to the end of the last piece. What live callers take follows from Erlang A: all who arrive less those who
 * leave, times the handling time. From the idle time one standard deviation of that work is taken off (arrivals by chance, exponential
 * handling times: variance = contacts × 2 × AHT²), spread over the pieces by their length.
 */
export function forecastDay(
  day: {
    readonly nowMs: number;
    readonly pieces: readonly ExpectedPiece[];
    readonly handlingMs: number;
    readonly meanPatienceMs: number;
  },
  rule: ForecastRule,
): DayForecast {
  const { nowMs, handlingMs, meanPatienceMs } = day;
  const left = day.pieces
    .map((piece) => ({ ...piece, fromMs: Math.max(nowMs, piece.fromMs) }))
    .filter((piece) => piece.untilMs > piece.fromMs);
  const lengthMs = left.reduce((sum, piece) => sum + piece.untilMs - piece.fromMs, 0);
  const contacts = left.reduce((sum, piece) => sum + contactsOf(piece), 0);
  const deviationMs = Math.sqrt(2 * contacts) * handlingMs;
  const pieces = left.map((piece) => {
    const ownMs = piece.untilMs - piece.fromMs;
    const capacityMs = piece.operators * ownMs;
    const liveMs = Math.min(capacityMs, liveWorkMs(piece, { handlingMs, meanPatienceMs }));
    const idleMs = capacityMs - liveMs;
    const spareMs = rule.usableShare * Math.max(0, idleMs - (deviationMs * ownMs) / lengthMs);
    return { ...piece, liveMs, idleMs, spareMs, reservedMs: rule.reservedShare * capacityMs };
  });
  const total = (of: (piece: PieceForecast) => number): number => pieces.reduce((sum, piece) => sum + of(piece), 0);
  return {
    pieces,
    spareMs: total((piece) => piece.spareMs),
    reservedMs: total((piece) => piece.reservedMs),
    coverMs: total((piece) => Math.max(piece.spareMs, piece.reservedMs)),
  };
}

/** Whether one more call-back may be promised for that day. */
export function mayPromise(
  day: { readonly forecast: DayForecast; readonly promisedMs: number },
  costMs: number,
  rule: ForecastRule,
): boolean {
  return day.promisedMs + costMs <= rule.promisedShare * day.forecast.coverMs;
}

/** So many call-backs of this length may be promised for that day in all. */
export function mostPromised(forecast: Pick<DayForecast, 'coverMs'>, handlingMs: number, rule: ForecastRule): number {
  return Math.floor((rule.promisedShare * forecast.coverMs) / handlingMs);
}

export type Promised = { readonly kind: 'callBack'; readonly day: number } | { readonly kind: 'request' };

/** The concluded end for one more caller: a call-back today (day 0), on the first later day that has room, or a request. */
export function promiseFor(
  days: readonly { readonly forecast: DayForecast; readonly promisedMs: number }[],
  costMs: number,
  rule: ForecastRule,
): Promised {
  const day = days.findIndex((each) => mayPromise(each, costMs, rule));
  return day === -1 ? { kind: 'request' } : { kind: 'callBack', day };
}

/** What each hour of a day brings, learned from the days before: arrivals, or operators on shift; plain data. */
export interface HourlyProfile {
  readonly perHour: readonly number[];
  /** How many days it rests on; 0: on a belief. */
  readonly days: number;
}

/** A day counts no less than this against those before: three weeks of working days make most of the mean. */
const freshDayShare = 0.1;
/** Today's level against the profile counts fully only when this many contacts say so. */
const levelBelief = 50;

/** The profile after a day that brought so much in each hour. */
export function withDay(profile: HourlyProfile, brought: readonly number[]): HourlyProfile {
  // A belief counts as much as one day.
  const fresh = Math.max(freshDayShare, 1 / (profile.days + 2));
  const perHour = profile.perHour.map((mean, hour) => mean + fresh * ((brought[hour] ?? 0) - mean));
  return { perHour, days: profile.days + 1 };
}

/** How today runs against the profile: 1.2 is a fifth more than on other days by this time. */
export function levelOfToday(seen: number, expected: number): number {
  return (seen + levelBelief) / (expected + levelBelief);
}

function contactsOf(piece: ExpectedPiece): number {
  return (piece.arrivalsPerHour * (piece.untilMs - piece.fromMs)) / hourMs;
}

function liveWorkMs(
  piece: ExpectedPiece,
  { handlingMs, meanPatienceMs }: { readonly handlingMs: number; readonly meanPatienceMs: number },
): number {
  const { arrivalsPerHour, operators } = piece;
  if (operators === 0 || arrivalsPerHour === 0) return 0;
  const { abandonProbability } = impatientWaits({ arrivalsPerHour, ahtMs: handlingMs, operators }, meanPatienceMs);
  return contactsOf(piece) * (1 - abandonProbability) * handlingMs;
}
