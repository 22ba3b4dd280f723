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
/** Records may come late by hours, when PostgreSQL was away: a day is read again until it has been over for so long. */
const settledAfterMs = dayMs;

/** By the hours of the wall. */
export interface LearnedHours {
  readonly arrivals: HourlyProfile;
  readonly operators: HourlyProfile;
}

interface DayLoad {
  readonly arrivals: readonly number[];
  readonly operators: readonly number[];
}

/** What is kept of one day of UTC, of all queues. */
interface ReadPiece {
  readonly loads: readonly HourLoad[];
  readonly readAtMs: number;
}

/**
 * What each hour brings to each queue, learned from what is kept of former days. It is read day by day, newest first, and what has been read is kept: a hotline whose eight
 * weeks are too much for one statement learns them all the same.
 */
export class LearnedLoad {
  readonly #history: LoadHistory;
  readonly #hours: QueueHours;
  readonly #queues: readonly PastOfQueue[];
  /** By the beginning of the day of UTC; dates on the walls are put together from these. */
  readonly #pieces = new Map<number, ReadPiece>();
  readonly #days = new Map<string, ReadonlyMap<string, DayLoad>>();
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

  /** Reads what is not known or can have changed. When it rejects, or is aborted, what has been read so far counts and is not read again. */
  async read(nowMs: number, signal?: AbortSignal): Promise<void> {
    const todayMs = startOfDay(nowMs);
    // The date on which the first day of UTC begins is half a date, and not taken.
    const oldestMs = todayMs - (rememberedDays + 1) * dayMs;
    for (const fromMs of this.#pieces.keys()) if (fromMs < oldestMs) this.#pieces.delete(fromMs);
    try {
      for (let fromMs = todayMs; fromMs >= oldestMs && signal?.aborted !== true; fromMs -= dayMs) {
        if ((this.#pieces.get(fromMs)?.readAtMs ?? 0) >= fromMs + dayMs + settledAfterMs) continue;
        const untilMs = Math.min(fromMs + dayMs, nowMs);
        const loads = untilMs > fromMs ? await this.#history.read(this.#queues, { fromMs, untilMs }) : [];
        this.#pieces.set(fromMs, { loads, readAtMs: nowMs });
      }
    } finally {
      if (this.#pieces.get(todayMs)?.readAtMs === nowMs) this.#readAtMs = nowMs;
      this.#putTogether();
    }
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
      .filter((each) => each.kind === kind && this.#isRead(each) && this.#isKnown(each.day));
    const learned = (of: keyof DayLoad): HourlyProfile => {
      let profile: HourlyProfile = { perHour: Array.from({ length: 24 }, () => believed[of]), days: 0 };
      for (const { day } of past) profile = withDay(profile, this.#days.get(queueId)?.get(day)?.[of] ?? []);
      return profile;
    };
    const profiles = { arrivals: learned('arrivals'), operators: learned('operators') };
    this.#profiles.set(key, profiles);
    return profiles;
  }

  /** All its open hours; a closed date has none, and is nothing to learn from. */
  #isRead({ open }: QueueDay): boolean {
    const [first] = open;
    const last = open.at(-1);
    if (first === undefined || last === undefined) return false;
    for (let fromMs = startOfDay(first.fromMs); fromMs < last.untilMs; fromMs += dayMs) {
      if (!this.#pieces.has(fromMs)) return false;
    }
    return true;
  }

  /** A date with nothing in any queue was before the hotline, or without it. */
  #isKnown(day: string): boolean {
    return [...this.#days.values()].some((days) => days.has(day));
  }

  #putTogether(): void {
    const loads = [...this.#pieces.values()].flatMap((piece) => piece.loads);
    const byQueue = Map.groupBy(loads, (load) => load.queueId);
    for (const { queueId } of this.#queues) {
      const byDay = Map.groupBy(byQueue.get(queueId) ?? [], (load) => load.day);
      this.#days.set(
        queueId,
        new Map(
          [...byDay].map(([day, hours]) => [
            day,
            { arrivals: byHour(hours, 'arrivals'), operators: byHour(hours, 'operators') },
          ]),
        ),
      );
    }
    this.#profiles.clear();
  }
}

function startOfDay(atMs: number): number {
  return Math.floor(atMs / dayMs) * dayMs;
}

function byHour(loads: readonly HourLoad[], of: 'arrivals' | 'operators'): readonly number[] {
  const hours = Array.from({ length: 24 }, () => 0);
  for (const load of loads) hours[load.hour] = (hours[load.hour] ?? 0) + load[of];
  return hours;
}
