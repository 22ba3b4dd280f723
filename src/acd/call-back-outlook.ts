import { secondMs } from '../foundation/index.ts';
import { expectedPieces, type KeptForecasts, levelSoFar } from './expected-day.ts';
import { type DayForecast, forecastDay, mostPromised } from './forecast.ts';
import type { LearnedLoad, QueueDay } from './learned-load.ts';
import { fullLoadPerHour, type PooledQueue, pooled } from './pooled-queues.ts';
import { type Sharing, type SharingRule, sharingNow } from './sharing.ts';

/** Open call-backs of a queue that were promised for one day. */
export interface PromisedOfDay {
  readonly queueId: string;
  /** ISO date. */
  readonly day: string;
  readonly open: number;
  readonly oldestDueAtMs?: number;
  /** The first of the times that callers chose. */
  readonly oldestChosenAtMs?: number;
}

/** A queue whose callers are called back. */
export interface PlannedQueue {
  /** Open days for which call-backs are promised, today included. */
  readonly withinDays: number;
  /** Operators on shift, until days have been seen. */
  readonly expectedOperators: number;
}

/** What a day can take. */
export interface PlannedDay {
  readonly day: string;
  /** Operators' time that call-backs may count on, and what is kept for them whoever waits. */
  readonly spareMs: number;
  readonly reservedMs: number;
  /** Call-backs that may be promised in all, and those that are. */
  readonly most: number;
  readonly promised: number;
  /** When one promised for this day can be made at the earliest. */
  readonly dueAtMs: number;
}

/** A queue's call-backs: what is promised, and what the days can take. */
export interface CallBackOutlook {
  readonly asOfMs: number;
  /** Promised and not made, of all days. */
  readonly open: number;
  /** When the first of those that are due became so. */
  readonly oldestDueAtMs?: number;
  /** Promised handling time over the spare time of the day; left out when no spare time is to come. */
  readonly pressure?: number;
  /** Days like this that the forecast rests on. */
  readonly daysSeen: number;
  readonly days: readonly PlannedDay[];
}

/** A queue with what is known of it this moment. */
export interface SeenQueue extends PooledQueue {
  readonly meanPatienceMs: number;
  /** Of those who can serve it: ready with a registered phone, busy or not. */
  readonly onDuty: number;
  readonly planned?: PlannedQueue;
}

/** What all queues' outlooks rest on. */
export interface Situation {
  readonly nowMs: number;
  readonly queues: readonly SeenQueue[];
  readonly promised: readonly PromisedOfDay[];
  readonly learned: LearnedLoad;
  readonly rule: SharingRule;
}

/** Handled in no time at all, an unlimited number could be promised. */
const leastHandlingMs = secondMs;

/** A queue with the handling time that forecasts reckon with. */
export function seenQueue(queue: SeenQueue): SeenQueue {
  return { ...queue, handlingMs: Math.max(leastHandlingMs, queue.handlingMs) };
}

/** `days`: the open ones to come, the rest of today first when it is one. */
export function callBackOutlook(
  queue: SeenQueue,
  parts: { readonly days: readonly QueueDay[]; readonly kept: KeptForecasts },
  situation: Situation,
): { readonly outlook: CallBackOutlook; readonly sharing: Sharing } {
  const { nowMs, promised, learned, rule } = situation;
  const { days, kept } = parts;
  const [first] = days;
  const forecasts =
    first === undefined
      ? []
      : kept.of({ nowMs, today: first.day, days: days.length }, (ahead) =>
          forecastOf(queue, days[ahead] ?? first, situation),
        );
  const own = promised.filter(({ queueId }) => queueId === queue.queueId);
  // What earlier days left over takes the time of the first, and its own is past.
  const isFirstDays = ({ day }: PromisedOfDay): boolean => first === undefined || day <= first.day;
  const late = own.filter(({ day }) => first !== undefined && day < first.day);
  const oldestDueAtMs = firstDue(own, nowMs);
  const { pressure, keepIdle, presses } = sharingNow(
    {
      nowMs,
      onDuty: queue.onDuty,
      forecast: forecasts[0] ?? { spareMs: 0 },
      promisedMs: queue.handlingMs * promisedTo(queue, situation, isFirstDays),
      oldestDueAtMs,
      oldestChosenAtMs: earliest([firstDue(late, nowMs), firstChosen(own, nowMs)]),
    },
    rule,
  );
  const outlook = {
    asOfMs: nowMs,
    open: countOf(own),
    ...(oldestDueAtMs === undefined ? {} : { oldestDueAtMs }),
    ...(Number.isFinite(pressure) ? { pressure } : {}),
    daysSeen:
      first === undefined ? 0 : learned.profiles(queue.queueId, first.kind, believed(queue, situation)).arrivals.days,
    days: forecasts.flatMap((forecast, i) => {
      const day = days[i];
      return day === undefined ? [] : [plannedDay(queue, { day, forecast, isFirst: i === 0 }, situation)];
    }),
  };
  const costMs = Math.round(queue.handlingMs);
  return { outlook, sharing: { keepIdle, presses, share: rule.reservedShare, costMs } };
}

function plannedDay(
  queue: SeenQueue,
  { day, forecast, isFirst }: { readonly day: QueueDay; readonly forecast: DayForecast; readonly isFirst: boolean },
  situation: Situation,
): PlannedDay {
  const { nowMs, rule, promised } = situation;
  const own = ({ queueId, day: of }: PromisedOfDay): boolean => queueId === queue.queueId && of === day.day;
  // The same operators also keep the promises of other queues, and those that earlier days left over.
  const taken = promisedTo(
    queue,
    situation,
    (each) => !own(each) && (each.day === day.day || (isFirst && each.day < day.day)),
  );
  const left = day.open.filter(({ untilMs }) => untilMs > nowMs);
  return {
    day: day.day,
    spareMs: forecast.spareMs,
    reservedMs: forecast.reservedMs,
    most: Math.max(0, mostPromised(forecast, queue.handlingMs, rule) - Math.ceil(taken)),
    promised: countOf(promised.filter(own)),
    dueAtMs: Math.max(nowMs, left[0]?.fromMs ?? nowMs),
  };
}

function forecastOf(queue: SeenQueue, day: QueueDay, situation: Situation): DayForecast {
  const { queues, learned, rule } = situation;
  const hoursOf = (of: SeenQueue): ReturnType<LearnedLoad['profiles']> =>
    learned.profiles(of.queueId, day.kind, believed(of, situation));
  const { arrivals, operators } = hoursOf(queue);
  const nowMs = Math.max(situation.nowMs, day.open[0]?.fromMs ?? situation.nowMs);
  // Before anything has been read nothing can be said of today: it is not a quiet day for that.
  const seenUntilMs = learned.readAtMs ?? 0;
  const level = levelSoFar(day.open, arrivals, {
    contacts: learned.arrivalsOn(queue.queueId, day.day),
    untilMs: seenUntilMs,
  });
  const pieces = expectedPieces(day.open, {
    arrivalsInHour: (hour) => pooled(queue, queues, (of) => hoursOf(of).arrivals.perHour[hour] ?? 0),
    operatorsInHour: (hour) => Math.min(queue.operatorIds.size, Math.round(operators.perHour[hour] ?? 0)),
    level,
  });
  const { handlingMs, meanPatienceMs } = queue;
  return forecastDay({ nowMs, pieces, handlingMs, meanPatienceMs }, rule);
}

/** As busy as the operators can be: whoever planned their number will have thought so. */
function believed(
  queue: SeenQueue,
  { queues }: Pick<Situation, 'queues'>,
): { readonly arrivals: number; readonly operators: number } {
  const operators = Math.min(queue.operatorIds.size, queue.planned?.expectedOperators ?? queue.operatorIds.size);
  return { arrivals: fullLoadPerHour(queue, queues, operators), operators };
}

/** Promised call-backs that its operators will make, in call-backs of this queue. */
function promisedTo(queue: SeenQueue, situation: Situation, isMeant: (promised: PromisedOfDay) => boolean): number {
  const meant = situation.promised.filter(isMeant);
  return pooled(queue, situation.queues, (of) => countOf(meant.filter(({ queueId }) => queueId === of.queueId)));
}

function countOf(promised: readonly PromisedOfDay[]): number {
  return promised.reduce((sum, { open }) => sum + open, 0);
}

function firstDue(promised: readonly PromisedOfDay[], nowMs: number): number | undefined {
  return earliest(promised.map(({ oldestDueAtMs }) => oldestDueAtMs).filter((atMs = nowMs + 1) => atMs <= nowMs));
}

function firstChosen(promised: readonly PromisedOfDay[], nowMs: number): number | undefined {
  return earliest(promised.map(({ oldestChosenAtMs }) => oldestChosenAtMs).filter((atMs = nowMs + 1) => atMs <= nowMs));
}

function earliest(instants: readonly (number | undefined)[]): number | undefined {
  const known = instants.filter((atMs) => atMs !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
