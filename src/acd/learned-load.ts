import { dayMs, type OperatorId } from '../foundation/index.ts';
import type { OpenPiece } from './expected-day.ts';
import { type HourlyProfile, withDay } from './forecast.ts';

/** What a queue had in one hour of a date on its wall. */
export interface HourLoad {
  readonly queueId: string;
  /** ISO date. */
  readonly day: string;
  /** 0–23. */
  readonly hour: number;
  /** Callers who entered the queue. */
  readonly arrivals: number;
  /** Of those who can serve it, how many were ready, in conversations included: a mean over the hour. */
  readonly operators: number;
}

/** A queue as its past is asked for. */
export interface PastOfQueue {
  readonly queueId: string;
  /** IANA name: on whose wall the hours are. */
  readonly timeZone: string;
  readonly operatorIds: readonly OperatorId[];
}

/** What is kept of former days: PostgreSQL. */
export interface LoadHistory {
  /** Hours in which there was something, of contacts that arrived in [fromMs, untilMs). Rejects with `DATABASE_UNAVAILABLE`. */
  read(
    queues: readonly PastOfQueue[],
    range: { readonly fromMs: number; readonly untilMs: number },
  ): Promise<readonly HourLoad[]>;
}

/** A date of a queue: when one of its lines is open. */
export interface QueueDay {
  /** ISO date. */
  readonly day: string;
  /** Days of one kind are alike: working days, Saturdays, public holidays. */
  readonly kind: string;
  /** By the hours of the wall, in order; empty: closed. */
  readonly open: readonly OpenPiece[];
}

/** When a queue's lines are open. */
export interface QueueHours {
  /** IANA name. */
  timeZone(queueId: string): string;
  /** So many dates, from `firstAhead` days after that of `nowMs` (before it, when negative). */
  days(
    queueId: string,
    nowMs: number,
    range: { readonly firstAhead: number; readonly count: number },
  ): readonly QueueDay[];
}

/** What is believed of every hour before any day has been seen. */
export interface BelievedHour {
  readonly arrivals: number;
  readonly operators: number;
}

/** An eighth week changes no mean any more: a new day counts a tenth. */
const rememberedDays = 56;
/** Records may come late by hours, when PostgreSQL was away; days before are as they are. */
const readAgainDays = 2;

/** By the hours of the wall. */
export interface LearnedHours {
  readonly arrivals: HourlyProfile;
  readonly operators: HourlyProfile;
}

interface DayLoad {
  readonly arrivals: readonly number[];
  readonly operators: readonly number[];
}

/** What each hour brings to each queue, learned from what is kept of former days. */
export class LearnedLoad {
  readonly #history: LoadHistory;
  readonly #hours: QueueHours;
  readonly #queues: readonly PastOfQueue[];
  readonly #days = new Map<string, Map<string, DayLoad>>();
  readonly #profiles = new Map<string, LearnedHours>();
  #readAtMs: number | undefined;

  constructor(parts: {
    readonly history: LoadHistory;
    readonly hours: QueueHours;
    readonly queues: readonly PastOfQueue[];
  }) {
    this.#history = parts.history;
    this.#hours = parts.hours;
    this.#queues = parts.queues;
  }

  /** Until when contacts are counted. */
  get readAtMs(): number | undefined {
    return this.#readAtMs;
  }

  /** The first time all that is remembered, later what can have changed. */
  async read(nowMs: number): Promise<void> {
    const days = this.#readAtMs === undefined ? rememberedDays : readAgainDays;
    // The day on which the range begins is half a day, and not taken.
    const loads = await this.#history.read(this.#queues, { fromMs: nowMs - (days + 1) * dayMs, untilMs: nowMs });
    for (const { queueId } of this.#queues) this.#take(queueId, loads, { nowMs, days });
    this.#readAtMs = nowMs;
    this.#profiles.clear();
  }

  /** Callers who have come on that date. */
  arrivalsOn(queueId: string, day: string): number {
    return (this.#days.get(queueId)?.get(day)?.arrivals ?? []).reduce((sum, arrivals) => sum + arrivals, 0);
  }

  /** By the days of one kind before the last reading: the means of their hours. */
  profiles(queueId: string, kind: string, believed: BelievedHour): LearnedHours {
    const key = `${queueId} ${kind}`;
    const known = this.#profiles.get(key);
    if (known !== undefined) return known;
    const past = this.#hours
      .days(queueId, this.#readAtMs ?? 0, { firstAhead: -rememberedDays, count: rememberedDays })
      .filter((each) => each.kind === kind && each.open.length > 0 && this.#isKnown(each.day));
    const learned = (of: keyof DayLoad): HourlyProfile => {
      let profile: HourlyProfile = { perHour: Array.from({ length: 24 }, () => believed[of]), days: 0 };
      for (const { day } of past) profile = withDay(profile, this.#days.get(queueId)?.get(day)?.[of] ?? []);
      return profile;
    };
    const profiles = { arrivals: learned('arrivals'), operators: learned('operators') };
    this.#profiles.set(key, profiles);
    return profiles;
  }

  /** A date with nothing in any queue was before the hotline, or without it. */
  #isKnown(day: string): boolean {
    return [...this.#days.values()].some((days) => days.has(day));
  }

  #take(queueId: string, loads: readonly HourLoad[], range: { readonly nowMs: number; readonly days: number }): void {
    const days = this.#days.get(queueId) ?? new Map<string, DayLoad>();
    this.#days.set(queueId, days);
    const { nowMs } = range;
    const read = this.#hours.days(queueId, nowMs, { firstAhead: -range.days, count: range.days + 1 });
    const byDay = Map.groupBy(
      loads.filter((load) => load.queueId === queueId),
      (load) => load.day,
    );
    for (const { day } of read) {
      const hours = byDay.get(day);
      if (hours === undefined) days.delete(day);
      else days.set(day, { arrivals: byHour(hours, 'arrivals'), operators: byHour(hours, 'operators') });
    }
    for (const day of [...days.keys()].sort().slice(0, -(rememberedDays + 1))) days.delete(day);
  }
}

function byHour(loads: readonly HourLoad[], of: 'arrivals' | 'operators'): readonly number[] {
  const hours = Array.from({ length: 24 }, () => 0);
  for (const load of loads) hours[load.hour] = (hours[load.hour] ?? 0) + load[of];
  return hours;
}
