import type { ContactId } from '../foundation/index.ts';
import type { PeriodTally, TallyBy, TallyPeriod } from './service-level.ts';

/**
 * Tallies of the waits that are kept. Two implementations: PostgreSQL counts the records of contacts in one statement; memory goes by `talliesOf`. Rejects
 * with `DATABASE_UNAVAILABLE` in bounded time.
 */
export interface WaitRecords {
  /** By period in the order given, then by line and queue. `lineIds`: contacts of these lines only; undefined: of all. */
  tallies(asked: {
    readonly periods: readonly TallyPeriod[];
    readonly by: TallyBy;
    readonly lineIds?: readonly string[];
    readonly queueIds?: readonly string[];
    /** Left out: nobody is known to have called before. It asks for the former contacts of each caller, which costs more than all the rest. */
    readonly repeats?: 'counted';
    /** Counted as answered, as long as their records do not say how they waited. */
    readonly talking?: readonly TalkingWait[];
  }): Promise<readonly PeriodTally[]>;
}

/** The wait of a caller who is in conversation with an operator. Contacts that we dial are none. */
export interface TalkingWait {
  readonly contactId: ContactId;
  readonly lineId: string;
  readonly queueId: string;
  readonly enqueuedAtMs: number;
  readonly waitMs: number;
  /** As of a `RecordedWait`. */
  readonly concludedAfterMs?: number;
  /** The caller's; personal data. Empty: withheld. */
  readonly number: string;
}

/** What an alarm stands at. */
export interface AlarmState {
  readonly state: 'raised' | 'over';
  /** Of what the alarm speaks, so that it is raised once for it: the beginning of a period. */
  readonly about: string;
  readonly sinceMs: number;
}

/** Moves of alarms as they stand in the event stream, source `system`. */
export type AlarmKind = 'targetMissed' | 'targetMet' | 'serviceLevelForecast' | 'serviceLevelForecastOver';

/**
 * What alarms stand at, for all processes and over restarts. Two implementations (Redis, memory) behind one contract suite; rejects with
 * `REDIS_UNAVAILABLE`.
 */
export interface AlarmBoard {
  all(): Promise<ReadonlyMap<string, AlarmState>>;
  /**
   * Writes the new state and appends its event, as of `to.sinceMs`, to the stream in the same step; `unchanged` when the alarm does not stand at `from`
   * any more: another process was first.
   */
  change(
    alarmId: string,
    move: { readonly from: AlarmState | undefined; readonly to: AlarmState },
    event: {
      readonly kind: AlarmKind;
      readonly facts: Readonly<Record<string, string | number | boolean | readonly string[]>>;
    },
  ): Promise<'changed' | 'unchanged'>;
}
