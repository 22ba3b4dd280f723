import {
  type DayForecast,
  expectedPieces,
  forecastDay,
  type HourlyProfile,
  KeptForecasts,
  levelSoFar,
  meanHandlingMs,
  meanPatienceMs,
  type ObservedRates,
  type OpenPiece,
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
/** What is promised for which day, what the days can take, and how operators are shared because of it: the rules as the service runs them. */
export class Promises {
  readonly #plan: DayPlan;
  readonly #rule: SharingRule;
  /** Call-backs promised and not over, by day. */
  readonly #promised = new Map<number, number>();
  readonly #forecasts = new KeptForecasts();
  #profile: HourlyProfile;
  #seen: number[] = [];

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
    this.#promised.delete(day);
    this.#forecasts.forget();
  }

  handlingMs(rates: ObservedRates): number {
    return meanHandlingMs(rates, belief);
  }

  patienceMs(rates: ObservedRates): number {
    return meanPatienceMs(rates, belief);
  }

  /** The concluded end for one more; a call-back is booked. */
  promise(now: { readonly nowMs: number; readonly day: number; readonly rates: ObservedRates }): Promised {
    const costMs = this.handlingMs(now.rates);
    const days = this.#days(now).map((forecast, i) => ({
      forecast,
      promisedMs: costMs * (this.#promised.get(now.day + i) ?? 0),
    }));
    const promised = promiseFor(days, costMs, this.#rule);
    if (promised.kind === 'callBack') this.#book(now.day + promised.day, 1);
    return promised;
  }

  /** A call-back is over, or not wanted any more. */
  settle(day: number): void {
    this.#book(day, -1);
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
    const { day, rates, ...rest } = now;
    const promisedMs = this.handlingMs(rates) * (this.#promised.get(day) ?? 0);
    return sharingNow({ ...rest, onDuty: this.#plan.operators, forecast, promisedMs }, this.#rule);
  }

  #book(day: number, by: number): void {
    this.#promised.set(day, Math.max(0, (this.#promised.get(day) ?? 0) + by));
  }

  #days(now: { readonly nowMs: number; readonly day: number; readonly rates: ObservedRates }): readonly DayForecast[] {
    const { nowMs, day, rates } = now;
    return this.#forecasts.of({ nowMs, today: day, days: daysAhead }, (ahead) =>
      this.#forecastOf(day + ahead, ahead === 0 ? nowMs : opensAtMs(day + ahead), rates),
    );
  }

  #forecastOf(day: number, nowMs: number, rates: ObservedRates): DayForecast {
    const open = this.#open(day);
    const pieces = expectedPieces(open, {
      arrivalsInHour: (hour) => this.#profile.perHour[hour] ?? 0,
      operatorsInHour: () => this.#plan.operators,
      level: nowMs > opensAtMs(day) ? this.#level(open, nowMs) : 1,
    });
    const handlingMs = this.handlingMs(rates);
    return forecastDay({ nowMs, pieces, handlingMs, meanPatienceMs: this.patienceMs(rates) }, this.#rule);
  }

  #open(day: number): readonly OpenPiece[] {
    const openMs = opensAtMs(day);
    return this.#plan.hourlyLoad.map((_, hour) => ({
      hour,
      fromMs: openMs + hour * hourMs,
      untilMs: Math.min(openMs + (hour + 1) * hourMs, closesAtMs(this.#plan, day)),
    }));
  }

  #level(open: readonly OpenPiece[], nowMs: number): number {
    const contacts = this.#seen.reduce((sum, count) => sum + (count ?? 0), 0);
    return levelSoFar(open, this.#profile, { contacts, untilMs: nowMs });
  }
}
