import { hourMs, minuteMs } from '../foundation/index.ts';
import { type DayForecast, type ExpectedPiece, type HourlyProfile, levelOfToday } from './forecast.ts';

/** A part of a day in which the line is open, and which lies in one hour of the profiles. */
export interface OpenPiece {
  /** Which of the profiles' hours. */
  readonly hour: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A day as it is expected; `level`: how it runs against the profile (`levelSoFar()`), 1 for a day to come. */
export function expectedPieces(
  open: readonly OpenPiece[],
  expected: {
    readonly arrivalsInHour: (hour: number) => number;
    readonly operatorsInHour: (hour: number) => number;
    readonly level: number;
  },
): readonly ExpectedPiece[] {
  return open.map(({ hour, fromMs, untilMs }) => ({
    fromMs,
    untilMs,
    arrivalsPerHour: expected.level * expected.arrivalsInHour(hour),
    operators: expected.operatorsInHour(hour),
  }));
}

/** How today runs: contacts seen until `untilMs` against those of the profile until then. */
export function levelSoFar(
  open: readonly OpenPiece[],
  profile: HourlyProfile,
  seen: { readonly contacts: number; readonly untilMs: number },
): number {
  const expected = open.reduce((sum, { hour, fromMs, untilMs }) => {
    const passedMs = Math.max(0, Math.min(untilMs, seen.untilMs) - fromMs);
    return sum + ((profile.perHour[hour] ?? 0) * passedMs) / hourMs;
  }, 0);
  return levelOfToday(seen.contacts, expected);
}

/** A forecast holds so long: today's looks hours ahead, a later day's does not change but for what the queue learns. */
const forecastForMs = { today: minuteMs, later: hourMs } as const;

/** A queue's forecasts of today and the days after, each made anew when it has held long enough. */
export class KeptForecasts {
  #kept:
    | {
        readonly today: string | number;
        readonly atMs: number;
        readonly laterAtMs: number;
        readonly days: readonly DayForecast[];
      }
    | undefined;

  /** `today` names the day: with another the forecasts are made anew. `forecastOf(0)` is today's. */
  of(
    now: { readonly nowMs: number; readonly today: string | number; readonly days: number },
    forecastOf: (ahead: number) => DayForecast,
  ): readonly DayForecast[] {
    const { nowMs, today } = now;
    const kept = this.#kept?.today === today && this.#kept.days.length === now.days ? this.#kept : undefined;
    if (kept !== undefined && nowMs < kept.atMs + forecastForMs.today) return kept.days;
    const areLaterFresh = kept !== undefined && nowMs < kept.laterAtMs + forecastForMs.later;
    const later = areLaterFresh
      ? kept.days.slice(1)
      : Array.from({ length: now.days - 1 }, (_, i) => forecastOf(i + 1));
    const days = [forecastOf(0), ...later];
    this.#kept = { today, atMs: nowMs, laterAtMs: areLaterFresh ? kept.laterAtMs : nowMs, days };
    return days;
  }

  /** What they rest on has changed. */
  forget(): void {
    this.#kept = undefined;
  }
}
