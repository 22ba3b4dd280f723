import { type Clock, type Logger, minuteMs, secondMs } from '../foundation/index.ts';
import type { AlarmBoard, AlarmState, WaitRecords } from './ports.ts';
import { Seldom } from './seldom.ts';
import type { TallyPeriod } from './service-level.ts';
import { type TargetSettings, type TargetVerdict, targetAlarm, verdictsOf } from './targets.ts';

/** Lines whose walls show the same time: their periods are the same. */
export interface TimeZoneLines {
  readonly timeZone: string;
  readonly lineIds: readonly string[];
}

/** The period in which an instant lies, by the wall of a zone: the schedule room's. */
export type PeriodAt = (timeZone: string, unit: 'hour' | 'day', atMs: number) => TallyPeriod;

export interface TargetWatchOptions {
  readonly waits: WaitRecords;
  readonly alarms: AlarmBoard;
  readonly settings: TargetSettings;
  readonly zones: readonly TimeZoneLines[];
  readonly periodAt: PeriodAt;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often a period is compared at most. That of a day asks for many records, and its figures move slowly. */
const everyMs = { hour: minuteMs, day: 10 * minuteMs } as const;
type Unit = keyof typeof everyMs;

/**
 * What is told by an event is in the records only a moment later: they are written in groups, and tried again for ten seconds when PostgreSQL is slow. A look at once would miss
 * the last caller before it becomes quiet.
 */
const recordedAfterMs = 15 * secondMs;

/** A period is judged for so long after its end, as who entered in its last minutes is not over before: longer than the wait that is promised. */
const settlingMs = 5 * minuteMs;

/**
 * Compares each hour and day with the targets when their figures change, an hour at most once a minute, and tells by the alarm board when one is missed or met again.
 * Every process does so; whoever comes first tells.
 */
export class TargetWatch {
  readonly #options: TargetWatchOptions;
  readonly #logger: Logger;
  readonly #seldoms: readonly Seldom[];

  constructor(options: TargetWatchOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ part: 'targets' });
    this.#seldoms = (['hour', 'day'] as const).map((unit) => {
      const work = (): Promise<void> => this.#compare(unit);
      const times = { everyMs: everyMs[unit], afterMs: recordedAfterMs };
      return new Seldom({ ...times, clock: options.clock, work, logger: this.#logger });
    });
  }

  /** Something has happened to a contact. */
  changed(): void {
    for (const seldom of this.#seldoms) seldom.ask();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#seldoms.map((seldom) => seldom.stop()));
  }

  async #compare(unit: Unit): Promise<void> {
    const { zones, alarms } = this.#options;
    const stand = await alarms.all();
    for (const zone of zones) await this.#compareOne(zone, unit, stand);
  }

  async #compareOne(
    { timeZone, lineIds }: TimeZoneLines,
    unit: Unit,
    stand: ReadonlyMap<string, AlarmState>,
  ): Promise<void> {
    const { waits, settings, periodAt, clock } = this.#options;
    const nowMs = clock.nowMs();
    const period = periodAt(timeZone, unit, nowMs - settlingMs);
    const [counted] = await waits.tallies({ periods: [period], by: 'all', lineIds, repeats: 'counted' });
    const about = new Date(period.fromMs).toISOString();
    for (const verdict of verdictsOf(counted?.tally, settings)) {
      const alarmId = `${verdict.targetId} ${unit} ${timeZone}`;
      const from = stand.get(alarmId);
      const to = targetAlarm(from, { verdict, about, nowMs });
      if (to !== undefined) await this.#tell(alarmId, { from, to }, { verdict, unit, timeZone });
    }
  }

  async #tell(
    alarmId: string,
    move: { readonly from: AlarmState | undefined; readonly to: AlarmState },
    of: { readonly verdict: TargetVerdict; readonly unit: Unit; readonly timeZone: string },
  ): Promise<void> {
    const { targetId, target, comparison, figure = 0, contacts } = of.verdict;
    const { unit, timeZone } = of;
    const facts = {
      target: targetId,
      comparison,
      value: target,
      figure,
      contacts,
      unit,
      timeZone,
      from: move.to.about,
    };
    const isRaised = move.to.state === 'raised';
    const kind = isRaised ? 'targetMissed' : 'targetMet';
    if ((await this.#options.alarms.change(alarmId, move, { kind, facts })) === 'unchanged') return;
    if (isRaised) this.#logger.warn(facts, 'a target is missed');
    else this.#logger.info(facts, 'a target that was missed is met again');
  }
}
