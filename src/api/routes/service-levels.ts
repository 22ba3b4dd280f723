import { z } from 'zod';
import {
  figuresOf,
  type PeriodTally,
  type QueueForecast,
  type Tally,
  type TallyPeriod,
  type TargetVerdict,
  verdictsOf,
} from '../../acd/index.ts';
import { minuteMs } from '../../foundation/index.ts';
import {
  type levelFiguresSchema,
  levelPeriodSchema,
  levelsNowSchema,
  type targetPeriodSchema as periodSchema,
  targetPeriodSchema,
} from '../level-schemas.ts';
import type { ApiPorts, LevelPorts } from '../ports.ts';
import { ProblemError } from '../problems.ts';
import { idParam, instantSchema, isoInstant, isoInstantIn } from '../schemas.ts';
import type { ApiServer } from '../server-types.ts';

const tags = ['service levels'];

/** A month of hours. */
const mostPeriods = 750;
/** The running windows of the live view. */
const windowMinutes = [15, 30, 60] as const;

const rangeQuery = z.strictObject({
  unit: z.enum(['hour', 'day']).default('hour'),
  from: instantSchema
    .optional()
    .describe('The first period is the one in which it lies; left out: that of today (hour) or now (day)'),
  to: instantSchema.optional().describe('Left out: now'),
});
type Range = z.infer<typeof rangeQuery>;

const levelsQuery = rangeQuery.extend({
  by: z.enum(['all', 'line', 'queue', 'lineAndQueue']).default('queue'),
  lineId: idParam.optional(),
  queueId: idParam.optional(),
});

type Ports = Pick<ApiPorts, 'acd' | 'clock' | 'levels'>;
type ZonedPeriods = {
  readonly timeZone: string;
  readonly lineIds: readonly string[];
  readonly periods: readonly TallyPeriod[];
};

export function serviceLevelRoutes(server: ApiServer, ports: Ports): void {
  levelsRoute(server, ports);
  nowRoute(server, ports);
  targetsRoute(server, ports);
}

function levelsRoute(server: ApiServer, { acd, clock, levels }: Ports): void {
  server.get(
    '/api/v1/service-levels',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Figures by hour or day, as the wall of the line shows them',
        description:
          'Periods in which nobody entered a queue are left out. Who entered in a period belongs to it, whenever his wait ended.',
        querystring: levelsQuery,
        response: { 200: z.object({ items: z.array(levelPeriodSchema) }) },
      },
    },
    async (request) => {
      const { by, lineId, queueId } = request.query;
      if (queueId !== undefined && acd.queueSettings(queueId) === undefined) throw new ProblemError('UNKNOWN_QUEUE');
      const answers = zonedPeriods(levels, request.query, clock.nowMs()).map(async ({ timeZone, periods, ...zone }) => {
        const lineIds = lineId === undefined ? zone.lineIds : zone.lineIds.filter((one) => one === lineId);
        if (lineIds.length === 0) return [];
        const tallies = await levels.waits.tallies({
          periods,
          by,
          lineIds,
          ...(queueId === undefined ? {} : { queueIds: [queueId] }),
        });
        return tallies.map(({ period, ...tallied }) => ({
          ...shownPeriod(period, timeZone),
          ...shownTally(tallied),
        }));
      });
      return { items: (await Promise.all(answers)).flat() };
    },
  );
}

function nowRoute(server: ApiServer, ports: Ports): void {
  server.get(
    '/api/v1/service-levels/now',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'The last 15, 30 and 60 minutes, who waits now, and what is to be expected',
        description:
          'From the records, so a restart changes nothing. Who still waits is in no figure yet. Alarms are also events of the source `system`.',
        response: { 200: levelsNowSchema },
      },
    },
    async () => await levelsNow(ports),
  );
}

function targetsRoute(server: ApiServer, { clock, levels }: Ports): void {
  server.get(
    '/api/v1/targets',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Targets beside their figures, by hour or day',
        querystring: rangeQuery,
        response: { 200: z.object({ items: z.array(targetPeriodSchema) }) },
      },
    },
    async (request) => {
      const answers = zonedPeriods(levels, request.query, clock.nowMs()).map(async ({ timeZone, lineIds, periods }) => {
        const tallies = await levels.waits.tallies({ periods, by: 'all', lineIds, repeats: 'counted' });
        const byPeriod = new Map(tallies.map(({ period, tally }) => [period.fromMs, tally]));
        return periods.map(
          (period): z.infer<typeof periodSchema> => ({
            ...shownPeriod(period, timeZone),
            targets: verdictsOf(byPeriod.get(period.fromMs), levels.targets).map(shownVerdict),
          }),
        );
      });
      return { items: (await Promise.all(answers)).flat() };
    },
  );
}

async function levelsNow({ acd, clock, levels }: Ports): Promise<z.infer<typeof levelsNowSchema>> {
  const nowMs = clock.nowMs();
  const periods = windowMinutes.map((minutes) => ({ fromMs: nowMs - minutes * minuteMs, untilMs: nowMs }));
  const [queues, alarms, ...tallied] = await Promise.all([
    acd.queuesNow(),
    levels.alarms.all(),
    ...(['all', 'line', 'queue'] as const).map((by) => levels.waits.tallies({ periods, by })),
  ]);
  const tallies = tallied.flat();
  const forecasts = new Map(levels.forecasts().map((forecast) => [forecast.queueId, forecast]));
  return {
    at: isoInstant(nowMs),
    windows: windowMinutes.map((minutes, i) => ({
      minutes,
      items: tallies.filter(({ period }) => period === periods[i]).map(shownTally),
    })),
    queues: queues.map(({ queueId, name, waiting, longestWaitMs, readyOperators }) => ({
      queueId,
      name,
      waiting,
      longestWaitMs,
      readyOperators,
      ...shownForecast(forecasts.get(queueId)),
    })),
    alarms: [...alarms]
      .filter(([, { state }]) => state === 'raised')
      .map(([alarmId, { about, sinceMs }]) => ({ alarmId, about, since: isoInstant(sinceMs) })),
  };
}

/** Lines of one zone together; throws `INVALID_INPUT` when the range holds too many periods. */
function zonedPeriods(levels: LevelPorts, { unit, from, to }: Range, nowMs: number): readonly ZonedPeriods[] {
  const untilMs = to === undefined ? nowMs + 1 : Date.parse(to);
  return levels.zones.map(({ timeZone, lineIds }) => {
    const fromMs = from === undefined ? levels.startOfDayMs(timeZone, untilMs - 1) : Date.parse(from);
    const unitMs = unit === 'hour' ? 60 * minuteMs : 24 * 60 * minuteMs;
    if (untilMs <= fromMs || (untilMs - fromMs) / unitMs > mostPeriods) {
      throw new ProblemError('INVALID_INPUT', {
        detail: `expected "from" before "to" and at most ${mostPeriods} periods`,
      });
    }
    return { timeZone, lineIds, periods: levels.periodsOf(timeZone, unit, { fromMs, untilMs }) };
  });
}

function shownPeriod(
  { fromMs, untilMs }: TallyPeriod,
  timeZone: string,
): { from: string; until: string; timeZone: string } {
  return { from: isoInstantIn(fromMs, timeZone), until: isoInstantIn(untilMs, timeZone), timeZone };
}

function shownTally({ lineId, queueId, tally }: Omit<PeriodTally, 'period'>) {
  return {
    ...(lineId === undefined ? {} : { lineId }),
    ...(queueId === undefined ? {} : { queueId }),
    figures: shownFigures(tally),
  };
}

function shownFigures(tally: Tally): z.infer<typeof levelFiguresSchema> {
  const { entered, answered, abandoned, shortAbandoned, answeredWithin, p50Ms, p90Ms, p95Ms } = tally;
  const { serviceLevels, asaMs, ahtMs, averageWaitMs, repeatShare: _notCounted, ...shares } = figuresOf(tally);
  return {
    entered,
    answered,
    abandoned,
    shortAbandoned,
    ...shares,
    serviceLevels: serviceLevels.map((level, i) => ({ ...level, answered: answeredWithin[i] ?? 0 })),
    ...known('averageSpeedOfAnswerMs', asaMs),
    ...known('averageHandlingMs', ahtMs),
    wait: {
      ...known('averageMs', averageWaitMs),
      ...known('p50Ms', p50Ms),
      ...known('p90Ms', p90Ms),
      ...known('p95Ms', p95Ms),
    },
  };
}

function known<Name extends string>(name: Name, value: number | undefined): { [K in Name]?: number } {
  return (value === undefined ? {} : { [name]: value }) as { [K in Name]?: number };
}

function shownForecast(forecast: QueueForecast | undefined) {
  if (forecast === undefined) return {};
  const { expectedShare, operators, operatorsNeeded } = forecast;
  return { forecast: { expectedShare, operators, operatorsNeeded } };
}

function shownVerdict({ targetId, target, isSafe: _margin, ...verdict }: TargetVerdict) {
  return { target: targetId, value: target, ...verdict };
}
