import type { AlarmState } from './level-ports.ts';
import type { OperatorView, RequirementClass } from './queue-types.ts';
import { canServe } from './requirement.ts';
import { promiseMs } from './service-level.ts';
import { onDutyForVoice } from './views.ts';
import { operatorsForShare, shareInTime, type TimeAhead } from './wait-forecast.ts';

/** A queue as it is now, for what is to be expected of it. */
export interface QueueToForecast {
  readonly queueId: string;
  readonly arrivalsPerHour: number;
  readonly handlingMs: number;
  readonly meanPatienceMs: number;
  readonly waiting: number;
  /** Any of them makes an operator one of this queue. */
  readonly requirements: readonly RequirementClass[];
  /** How long callers can still come; 0: the lines are closed. */
  readonly openForMs: number;
}

export interface QueueForecast {
  readonly queueId: string;
  /** Of those who come in the time ahead, answered by an operator in the promised time. */
  readonly expectedShare: number;
  readonly operators: number;
  /** With whom the target would be reached; as many as there are when it is. */
  readonly operatorsNeeded: number;
  readonly waiting: number;
  readonly arrivalsPerHour: number;
}

/** More than this is no answer to a rush: 100 above twice those on duty. */
const mostNeeded = (operators: number): number => 2 * operators + 100;

export interface ForecastSituation {
  readonly queues: readonly QueueToForecast[];
  readonly operators: readonly OperatorView[];
  readonly aheadMs: number;
  readonly share: number;
}

interface StaffedQueue {
  readonly queue: QueueToForecast;
  readonly able: ReadonlySet<OperatorView>;
}

/**
 * Each queue with all operators who can serve it; those of other queues come on top as contacts ahead do in an estimate: by the share of *their* operators
 * who are ours too. `breathe` lets others in: between two of its calls some ten milliseconds of computing pass at most.
 */
export async function queueForecasts(
  now: ForecastSituation,
  breathe: () => Promise<void> = async () => undefined,
): Promise<readonly QueueForecast[]> {
  const onDuty = now.operators.filter(onDutyForVoice);
  const staffed = now.queues.map((queue) => ({
    queue,
    able: new Set(onDuty.filter(({ skills }) => queue.requirements.some((one) => canServe(skills, one)))),
  }));
  const forecasts: QueueForecast[] = [];
  for (const own of staffed) {
    const { queue, able } = own;
    const ahead = timeAhead(own, staffed, now.aheadMs);
    const isQuiet = queue.arrivalsPerHour <= 0 || queue.openForMs <= 0;
    const expectedShare = isQuiet ? 1 : shareInTime(ahead);
    await breathe();
    const wanted = { share: now.share, most: mostNeeded(able.size) };
    forecasts.push({
      queueId: queue.queueId,
      expectedShare,
      operators: able.size,
      // Below the target an alarm stands or is about to: only then the dearest of these figures is wanted.
      operatorsNeeded: expectedShare >= now.share ? able.size : await operatorsForShare(ahead, wanted, breathe),
      waiting: queue.waiting,
      arrivalsPerHour: queue.arrivalsPerHour,
    });
  }
  return forecasts;
}

function timeAhead({ queue, able }: StaffedQueue, staffed: readonly StaffedQueue[], aheadMs: number): TimeAhead {
  const shared = staffed.map((other) => ({
    queue: other.queue,
    part: other.queue === queue ? 1 : partIn(other.able, able),
  }));
  const sum = (of: (one: QueueToForecast) => number): number =>
    shared.reduce((total, { queue: one, part }) => total + part * of(one), 0);
  const work = sum((one) => one.handlingMs * weightOf(one));
  return {
    arrivalsPerHour: sum((one) => (one.openForMs > 0 ? one.arrivalsPerHour : 0)),
    handlingMs: work / sum(weightOf),
    meanPatienceMs: queue.meanPatienceMs,
    operators: able.size,
    // Who waits while somebody is idle is being rung for, or about to be.
    contacts: [...able].filter(isBusy).length + sum((one) => one.waiting),
    aheadMs: Math.min(aheadMs, queue.openForMs),
    withinMs: promiseMs,
  };
}

function isBusy({ work, outsideCall }: OperatorView): boolean {
  return outsideCall || (work.voice ?? 'idle') !== 'idle';
}

/** How much a queue's handling time counts in the mean; a little even where nobody comes, so that there is one. */
function weightOf({ arrivalsPerHour, waiting }: QueueToForecast): number {
  return arrivalsPerHour + waiting + 0.001;
}

function partIn(theirs: ReadonlySet<OperatorView>, ours: ReadonlySet<OperatorView>): number {
  return theirs.size === 0 ? 0 : [...theirs].filter((operator) => ours.has(operator)).length / theirs.size;
}

/** By so much the expected share must be better than the target before the alarm ends. */
const safety = 0.05;

/** What a queue's alarm does at this forecast. */
export function forecastAlarm(
  before: AlarmState | undefined,
  now: { readonly forecast: QueueForecast; readonly share: number; readonly nowMs: number },
): AlarmState | undefined {
  const { forecast, share, nowMs } = now;
  const isRaised = before?.state === 'raised';
  const about = forecast.queueId;
  if (!isRaised && forecast.expectedShare < share) return { state: 'raised', about, sinceMs: nowMs };
  if (isRaised && forecast.expectedShare >= Math.min(1, share + safety))
    return { state: 'over', about, sinceMs: nowMs };
  return undefined;
}
