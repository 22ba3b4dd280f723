import {
  type ArrivalProfile,
  type DayForecast,
  type ExpectedPiece,
  forecastDay,
  levelOfToday,
  meanHandlingMs,
  meanPatienceMs,
  type ObservedRates,
  type Promised,
  promiseFor,
  type SharingNow,
  type SharingRule,
  sharingNow,
  withDay,
} from '../../../src/acd/index.ts';
import { hourMs, minuteMs } from '../../../src/foundation/index.ts';
import { closesAtMs, type DayPlan, opensAtMs } from './day-source.ts';

/** Believed before the first day is over: a quiet hotline of unknown habits. */
const belief = { handlingMs: 3 * minuteMs, meanPatienceMs: 2 * minuteMs };
/** Days for which a call-back may be promised, today included. */
export const daysAhead = 3;
/** A forecast holds so long: today's looks hours ahead, a later day's does not change but for what the queue learns. */
const forecastForMs = { today: minuteMs, later: hourMs } as const;

/** What is promised for which day, what the days can take, and how operators are shared because of it: the rules as the service runs them. */
export class Promises {
  readonly #plan: DayPlan;
  readonly #rule: SharingRule;
  /** Handling time promised, by day. */
  readonly #promisedMs = new Map<number, number>();
  #profile: ArrivalProfile;
  #seen: number[] = [];
  #forecasts: { readonly atMs: number; readonly laterAtMs: number; readonly days: readonly DayForecast[] } | undefined;

  constructor(plan: DayPlan, rule: SharingRule) {
    this.#plan = plan;
    this.#rule = rule;
    const { operators, hourlyLoad } = plan;
    // As busy as the operators can be: whoever planned their number will have thought so.
    const perHour = (operators * hourMs) / plan.ahtMs;
    this.#profile = { perHour: hourlyLoad.map(() => perHour), days: 0 };
  }

  arrived(atMs: number, day: number): void {
    const hour = Math.floor((atMs - opensAtMs(day)) / hourMs);
    this.#seen[hour] = (this.#seen[hour] ?? 0) + 1;
  }

  dayOver(day: number): void {
    this.#profile = withDay(this.#profile, this.#seen);
    this.#seen = [];
    this.#promisedMs.delete(day);
    this.#forecasts = undefined;
  }

  handlingMs(rates: ObservedRates): number {
    return meanHandlingMs(rates, belief);
  }

  patienceMs(rates: ObservedRates): number {
    return meanPatienceMs(rates, belief);
  }

  /** The concluded end for one more; a call-back is booked. */
  promise(now: { readonly nowMs: number; readonly day: number; readonly rates: ObservedRates }): Promised {
    const days = this.#days(now).map((forecast, i) => ({
      forecast,
      promisedMs: this.#promisedMs.get(now.day + i) ?? 0,
    }));
    const costMs = this.handlingMs(now.rates);
    const promised = promiseFor(days, costMs, this.#rule);
    if (promised.kind === 'callBack') this.#book(now.day + promised.day, costMs);
    return promised;
  }

  /** A call-back is over, or not wanted any more. */
  settle(day: number, rates: ObservedRates): void {
    this.#book(day, -this.handlingMs(rates));
  }

  /** Where in the day a call-back chosen there is due: where so much of what the day can take has gone by. */
  chosenAtMs(day: number, chosen: number, rates: ObservedRates): number {
    const { pieces, coverMs } = this.#forecastOf(day, opensAtMs(day), rates);
    // Not in the last hour: what is late then is late for good.
    let leftMs = chosen * coverMs * 0.9;
    for (const piece of pieces) {
      const ownMs = Math.max(piece.spareMs, piece.reservedMs);
      if (leftMs <= ownMs) return piece.fromMs + Math.floor((leftMs / ownMs) * (piece.untilMs - piece.fromMs));
      leftMs -= ownMs;
    }
    return opensAtMs(day);
  }

  /** How live callers and call-backs share the operators this moment. */
  sharing(now: {
    readonly nowMs: number;
    readonly day: number;
    readonly rates: ObservedRates;
    readonly oldestDueAtMs: number | undefined;
    readonly oldestChosenAtMs: number | undefined;
  }): SharingNow {
    const [forecast = { spareMs: 0 }] = this.#days(now);
    const { day, rates: _rates, ...rest } = now;
    const promisedMs = this.#promisedMs.get(day) ?? 0;
    return sharingNow({ ...rest, onDuty: this.#plan.operators, forecast, promisedMs }, this.#rule);
  }

  #book(day: number, byMs: number): void {
    this.#promisedMs.set(day, Math.max(0, (this.#promisedMs.get(day) ?? 0) + byMs));
  }

  #days(now: { readonly nowMs: number; readonly day: number; readonly rates: ObservedRates }): readonly DayForecast[] {
    const { nowMs, day, rates } = now;
    const known = this.#forecasts;
    if (known !== undefined && nowMs < known.atMs + forecastForMs.today) return known.days;
    const today = this.#forecastOf(day, nowMs, rates);
    if (known !== undefined && nowMs < known.laterAtMs + forecastForMs.later) {
      this.#forecasts = { ...known, atMs: nowMs, days: [today, ...known.days.slice(1)] };
      return this.#forecasts.days;
    }
    const later = Array.from({ length: daysAhead - 1 }, (_, i) =>
      this.#forecastOf(day + 1 + i, opensAtMs(day + 1 + i), rates),
    );
    this.#forecasts = { atMs: nowMs, laterAtMs: nowMs, days: [today, ...later] };
    return this.#forecasts.days;
  }

  #forecastOf(day: number, nowMs: number, rates: ObservedRates): DayForecast {
    const { operators, hourlyLoad } = this.#plan;
    const openMs = opensAtMs(day);
    const isToday = nowMs > openMs;
    const level = isToday ? this.#level(nowMs - openMs) : 1;
    const pieces: readonly ExpectedPiece[] = hourlyLoad.map((_, hour) => ({
      fromMs: openMs + hour * hourMs,
      untilMs: Math.min(openMs + (hour + 1) * hourMs, closesAtMs(this.#plan, day)),
      arrivalsPerHour: level * (this.#profile.perHour[hour] ?? 0),
      operators,
    }));
    const handlingMs = this.handlingMs(rates);
    return forecastDay({ nowMs, pieces, handlingMs, meanPatienceMs: this.patienceMs(rates) }, this.#rule);
  }

  #level(openForMs: number): number {
    const seen = this.#seen.reduce((sum, count) => sum + (count ?? 0), 0);
    const expected = this.#profile.perHour.reduce(
      (sum, perHour, hour) => sum + perHour * Math.min(1, Math.max(0, openForMs / hourMs - hour)),
      0,
    );
    return levelOfToday(seen, expected);
  }
}
