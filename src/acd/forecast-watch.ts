import { type Clock, type Logger, minuteMs, secondMs } from '../foundation/index.ts';
import type { AcdService } from './commands.ts';
import { forecastAlarm, type QueueForecast, type QueueToForecast, queueForecasts } from './forecast-alarm.ts';
import type { AlarmBoard } from './ports.ts';
import { queuePlan } from './queue-plan.ts';
import { Seldom } from './seldom.ts';
import { promiseMs } from './service-level.ts';
import type { TargetSettings } from './targets.ts';
import type { QueueNow } from './views.ts';

export interface ForecastWatchOptions {
  readonly acd: Pick<AcdService, 'queuesNow' | 'queueSettings' | 'operators'>;
  readonly alarms: AlarmBoard;
  readonly settings: TargetSettings['forecast'];
  /** How long callers of a queue can still come: until the last of its lines closes; 0 when all are closed. */
  readonly openForMs: (queueId: string, nowMs: number) => number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** As little as can be expected of either by the configuration. */
const leastMs = secondMs;

/**
 * Looks ahead when something has happened to a queue, at most once a minute, and tells by the alarm board when the target is going to be missed, before anybody
 * has waited for too long. While an alarm stands it looks each minute, as it may end because nothing happens.
 */
export class ForecastWatch {
  readonly #options: ForecastWatchOptions;
  readonly #logger: Logger;
  readonly #seldom: Seldom;
  #latest: readonly QueueForecast[] = [];

  constructor(options: ForecastWatchOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ part: 'forecast' });
    const work = (): Promise<void> => this.#look();
    this.#seldom = new Seldom({ clock: options.clock, everyMs: minuteMs, work, logger: this.#logger });
  }

  /** Something has happened to a contact or an operator. */
  changed(): void {
    this.#seldom.ask();
  }

  /** As of the last look of this process; queues that have not been observed for long enough are not there. */
  latest(): readonly QueueForecast[] {
    return this.#latest;
  }

  stop(): Promise<void> {
    return this.#seldom.stop();
  }

  async #look(): Promise<void> {
    const { acd, alarms, settings, clock } = this.#options;
    const [queues, operators, stand] = await Promise.all([acd.queuesNow(), acd.operators(), alarms.all()]);
    const nowMs = clock.nowMs();
    const toForecast = {
      queues: queues.flatMap((queue) => this.#toForecast(queue, nowMs)),
      operators,
      aheadMs: settings.aheadMs,
      share: settings.share,
    };
    const breathe = (): Promise<void> => new Promise((resolve) => void clock.setTimer(clock.nowMs(), resolve));
    this.#latest = await queueForecasts(toForecast, breathe);
    let isAnyRaised = false;
    for (const forecast of this.#latest) {
      const alarmId = `forecast ${forecast.queueId}`;
      const from = stand.get(alarmId);
      const to = forecastAlarm(from, { forecast, share: settings.share, nowMs });
      isAnyRaised ||= (to ?? from)?.state === 'raised';
      if (to !== undefined) await this.#tell(alarmId, { from, to }, forecast);
    }
    if (isAnyRaised) this.#seldom.ask();
  }

  #toForecast(queue: QueueNow, nowMs: number): readonly QueueToForecast[] {
    const { queueId, waiting, observed } = queue;
    const settings = this.#options.acd.queueSettings(queueId);
    if (settings === undefined || observed?.certainPerHour === undefined) return [];
    const { requirement, laterSteps } = queuePlan(settings);
    return [
      {
        queueId,
        waiting,
        arrivalsPerHour: observed.certainPerHour,
        // Both may have been seen to be next to nothing, and what changes by the millisecond cannot be followed for a quarter of an hour.
        handlingMs: Math.max(leastMs, observed.handlingMs),
        meanPatienceMs: Math.max(leastMs, observed.meanPatienceMs),
        // Who is let in by a later step comes too late for half of the wait that is promised.
        requirements: [requirement, ...laterSteps.filter(isEarly).map((step) => step.requirement)],
        openForMs: this.#options.openForMs(queueId, nowMs),
      },
    ];
  }

  async #tell(
    alarmId: string,
    move: Parameters<AlarmBoard['change']>[1],
    { queueId, expectedShare, operators, operatorsNeeded, waiting, arrivalsPerHour }: QueueForecast,
  ): Promise<void> {
    const { share, aheadMs } = this.#options.settings;
    const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
    const facts = {
      queueId,
      expectedShare: rounded(expectedShare, 3),
      target: share,
      aheadMs,
      operators,
      operatorsNeeded,
      waiting,
      arrivalsPerHour: rounded(arrivalsPerHour, 1),
    };
    const isRaised = move.to.state === 'raised';
    const kind = isRaised ? 'serviceLevelForecast' : 'serviceLevelForecastOver';
    if ((await this.#options.alarms.change(alarmId, move, { kind, facts })) === 'unchanged') return;
    if (isRaised) this.#logger.warn(facts, 'the target is going to be missed');
    else this.#logger.info(facts, 'the target is going to be met again');
  }
}

function isEarly({ afterMs }: { readonly afterMs: number }): boolean {
  return afterMs <= promiseMs / 2;
}
