import {
  asId,
  type CancelTimer,
  type Clock,
  hourMs,
  type Logger,
  messageOf,
  minuteMs,
  type OperatorId,
} from '../foundation/index.ts';
import {
  type CallBackOutlook,
  callBackOutlook,
  type PlannedQueue,
  type PromisedOfDay,
  type SeenQueue,
  type Situation,
  seenQueue,
} from './call-back-outlook.ts';
import type { AcdService, OperatorStatus } from './commands.ts';
import { KeptForecasts } from './expected-day.ts';
import { LearnedLoad, type LoadHistory, type QueueDay, type QueueHours } from './learned-load.ts';
import { canServeWritten } from './requirement.ts';
import type { OperatorSettings, QueueSettings } from './settings.ts';
import { defaultSharing, type Sharing, type SharingRule } from './sharing.ts';
import { onDutyForVoice, type QueueNow } from './views.ts';

export interface CallBackPlanOptions {
  readonly acd: Pick<AcdService, 'queuesNow' | 'operators' | 'setSharing' | 'matchCallBacks'>;
  readonly queues: readonly QueueSettings[];
  readonly operators: readonly OperatorSettings[];
  /** By queue. */
  readonly planned: Readonly<Record<string, PlannedQueue>>;
  readonly hours: QueueHours;
  readonly history: LoadHistory;
  readonly promised: () => Promise<readonly PromisedOfDay[]>;
  readonly rule?: SharingRule;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The rule of sharing follows what is promised and what is to come. */
const lookEveryMs = minuteMs;
const learnEveryMs = hourMs;
/** The reading that failed may have been too much for the moment. */
const learnAgainMs = 10 * minuteMs;
/** Dates that are looked through for open days: over a longer closure nothing is promised. */
const lookAheadDays = 14;

/**
 * Forecasts the days of the queues that call back, sets by them how call-backs share the operators, and says how many may be promised. Each process
 * does it for itself: all read the same and come to the same, and one that is a minute behind harms nothing.
 */
export class CallBackPlan {
  readonly #options: CallBackPlanOptions;
  readonly #operatorsOf: ReadonlyMap<string, ReadonlySet<OperatorId>>;
  readonly #learned: LearnedLoad;
  readonly #kept = new Map<string, KeptForecasts>();
  readonly #outlooks = new Map<string, CallBackOutlook>();
  readonly #stopping = new AbortController();
  #learnAtMs = 0;
  #learning: Promise<void> | undefined;
  #looking: Promise<void> | undefined;
  #cancel: CancelTimer | undefined;

  constructor(options: CallBackPlanOptions) {
    this.#options = options;
    const { queues, operators, hours, history } = options;
    this.#operatorsOf = new Map(queues.map((queue) => [queue.id, operatorsFor(queue, operators)]));
    this.#learned = new LearnedLoad({
      history,
      hours,
      queues: queues.map(({ id }) => ({
        queueId: id,
        timeZone: hours.timeZone(id),
        operatorIds: [...(this.#operatorsOf.get(id) ?? [])],
      })),
    });
  }

  /** Looks at once and every minute. What cannot be asked is asked again a minute later. */
  async start(): Promise<void> {
    if (Object.keys(this.#options.planned).length > 0) await this.#lookAndGoOn();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancel?.();
    await this.#looking?.catch(() => undefined);
    await this.#learning;
  }

  /**
   * Days that have room for call-backs of this queue, in order; those promised count into `most`. Rejects when what is promised cannot be read: nothing more
   * may be promised on an old count. Another instant than now is a test call's, and forecast for it alone.
   */
  async room(
    queueId: string,
    atMs: number,
  ): Promise<readonly { readonly day: string; readonly most: number; readonly dueAtMs: number }[]> {
    const nowMs = this.#options.clock.nowMs();
    const isNow = Math.abs(atMs - nowMs) < lookEveryMs;
    const known = this.#outlooks.get(queueId);
    if (isNow && (known === undefined || nowMs >= known.asOfMs + 2 * lookEveryMs)) await this.#lookOnce();
    const outlook = isNow ? this.#outlooks.get(queueId) : await this.#outlookAt(queueId, atMs);
    return (outlook?.days ?? [])
      .filter(({ most }) => most > 0)
      .map(({ day, most, dueAtMs }) => ({ day, most, dueAtMs: Math.max(dueAtMs, atMs) }));
  }

  /** By queue, as of the last look. */
  outlooks(): ReadonlyMap<string, CallBackOutlook> {
    return this.#outlooks;
  }

  async #lookAndGoOn(): Promise<void> {
    const { clock, logger } = this.#options;
    await this.#lookOnce().catch((error: unknown) =>
      logger.warn({ error: messageOf(error) }, 'call-backs could not be planned anew, trying again in a minute'),
    );
    if (!this.#stopping.signal.aborted)
      this.#cancel = clock.setTimer(clock.nowMs() + lookEveryMs, () => void this.#lookAndGoOn());
  }

  /** One look at a time: who asks meanwhile gets what comes of it. */
  #lookOnce(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { acd, clock } = this.#options;
    const nowMs = clock.nowMs();
    this.#learnBeside(nowMs);
    const { now, ...situation } = await this.#situation(nowMs);
    for (const queue of situation.queues) {
      const { queueId, planned } = queue;
      if (planned === undefined) continue;
      const days = this.#openDays(queueId, nowMs, planned.withinDays);
      const { outlook, sharing } = callBackOutlook(queue, { days, kept: this.#keptOf(queueId) }, situation);
      this.#outlooks.set(queueId, outlook);
      const before = now.find((each) => each.queueId === queueId)?.sharing;
      if (before === undefined || !isSame(before, sharing)) await acd.setSharing(queueId, sharing);
      // What call-backs may have grows by itself.
      else await acd.matchCallBacks(queueId);
    }
  }

  async #outlookAt(queueId: string, atMs: number): Promise<CallBackOutlook | undefined> {
    const { now: _now, ...situation } = await this.#situation(atMs);
    const queue = situation.queues.find((each) => each.queueId === queueId);
    if (queue?.planned === undefined) return undefined;
    const days = this.#openDays(queueId, atMs, queue.planned.withinDays);
    return callBackOutlook(queue, { days, kept: new KeptForecasts() }, situation).outlook;
  }

  async #situation(nowMs: number): Promise<Situation & { readonly now: readonly QueueNow[] }> {
    const { acd, promised: askPromised, rule = defaultSharing } = this.#options;
    const [promised, now, operators] = await Promise.all([askPromised(), acd.queuesNow(), acd.operators()]);
    return { nowMs, queues: this.#seen(now, operators), promised, learned: this.#learned, rule, now };
  }

  /** Weeks may take their time: until they are read forecasts rest on what is believed, and promises are few. */
  #learnBeside(nowMs: number): void {
    if (nowMs < this.#learnAtMs || this.#learning !== undefined) return;
    this.#learnAtMs = nowMs + learnEveryMs;
    this.#learning = this.#learned
      .read(nowMs, this.#stopping.signal)
      .catch((error: unknown) => {
        this.#learnAtMs = nowMs + learnAgainMs;
        this.#options.logger.warn({ error: messageOf(error) }, 'forecasts rest on the days read before');
      })
      .finally(() => {
        this.#learning = undefined;
        for (const kept of this.#kept.values()) kept.forget();
      });
  }

  #seen(now: readonly QueueNow[], operators: readonly OperatorStatus[]): readonly SeenQueue[] {
    const { queues, planned } = this.#options;
    const onDuty = operators.filter(onDutyForVoice);
    return queues.map((settings) => {
      const { id: queueId } = settings;
      const observed = now.find((each) => each.queueId === queueId)?.observed;
      const plan = planned[queueId];
      return seenQueue({
        queueId,
        operatorIds: this.#operatorsOf.get(queueId) ?? new Set(),
        handlingMs: observed?.handlingMs ?? settings.expectedHandlingMs,
        meanPatienceMs: observed?.meanPatienceMs ?? settings.expectedPatienceMs,
        onDuty: onDuty.filter(({ skills }) => canServeWritten(skills, settings.requirement)).length,
        ...(plan === undefined ? {} : { planned: plan }),
      });
    });
  }

  #openDays(queueId: string, nowMs: number, most: number): readonly QueueDay[] {
    return this.#options.hours
      .days(queueId, nowMs, { firstAhead: 0, count: lookAheadDays })
      .filter(({ open }) => open.some(({ untilMs }) => untilMs > nowMs))
      .slice(0, most);
  }

  #keptOf(queueId: string): KeptForecasts {
    const kept = this.#kept.get(queueId) ?? new KeptForecasts();
    this.#kept.set(queueId, kept);
    return kept;
  }
}

function operatorsFor(queue: QueueSettings, operators: readonly OperatorSettings[]): ReadonlySet<OperatorId> {
  const fit = operators.filter(
    ({ skills, capacity }) => capacity.voice > 0 && canServeWritten(skills, queue.requirement),
  );
  return new Set(fit.map(({ id }) => asId<OperatorId>(id)));
}

function isSame(one: Sharing, other: Sharing): boolean {
  return (
    one.keepIdle === other.keepIdle &&
    one.presses === other.presses &&
    one.share === other.share &&
    one.costMs === other.costMs
  );
}
