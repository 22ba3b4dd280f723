import {
  answerLimitsMs,
  concludingKinds,
  type PeriodTally,
  promiseMs,
  repeatDepth,
  repeatWithinMs,
  shortAbandonMs,
  type TalkingWait,
  type TallyBy,
  type WaitRecords,
  waitShares,
} from '../../acd/index.ts';
import type { ContactOutcome } from '../../contact/store-ports.ts';
import type { Database, Statement } from './database.ts';
import { phoneNumberPurpose, type Sealer } from './sealer.ts';
import { instantText, present, storableJson, storableText } from './values.ts';

const answered: ContactOutcome = 'answeredByOperator';
const abandoned: readonly ContactOutcome[] = ['abandonedInQueue', 'abandonedWhileRinging'];

const text = (value: string): string => `'${value}'`;
const oneOf = (values: readonly string[]): string => `(${values.map(text).join(', ')})`;
const ms = (value: number): string => `interval '${value} milliseconds'`;

/** Whether an operator talked with this caller before; null: it is not asked, or his number is not known. */
const repeatOf = (one: string): string => `case when $6::boolean and ${one}.ani_index is not null then exists (
        select from (
          select b.outcome, b.joined_at from contacts b
          where b.ani_index = ${one}.ani_index and b.contact_id < ${one}.contact_id order by b.contact_id desc limit ${repeatDepth}
        ) before
        where before.outcome = ${text(answered)} and before.joined_at >= ${one}.enqueued_at - ${ms(repeatWithinMs)}
      ) end`;

const askedFor = (one: string): string =>
  `($4::text[] is null or ${one}.line_id = any ($4)) and ($5::text[] is null or ${one}.queue_id = any ($5))`;

/**
 * $1: periods with their numbers, $2 and $3: whether tallies are kept apart by line and by queue, $4 and $5: lines and queues, null for all, $6: whether
 * repeats are counted, $7: who is in conversation. The same as `talliesOf` in acd, row by row: an end there is an outcome here. Each period is a stretch of the index of entering; the timeline is asked only of those
 * who waited longer than is promised, and a caller's own contacts before are the latest of his blind index.
 */
const countWaits: Statement = {
  name: 'count-waits',
  text: `with periods as (
    select * from jsonb_to_recordset($1::jsonb) as p (n integer, from_at timestamptz, until_at timestamptz)
  ), waits as (
    select p.n, case when $2::boolean then c.line_id end as line_id, case when $3::boolean then c.queue_id end as queue_id,
      c.wait_ms, c.talk_ms, coalesce(c.wrap_up_ms, 0) as wrap_up_ms,
      c.outcome = ${text(answered)} as answered,
      c.outcome in ${oneOf(abandoned)} as abandoned,
      c.outcome in ${oneOf(abandoned)} and c.wait_ms <= ${shortAbandonMs} as short,
      c.wait_ms <= ${promiseMs} or exists (
        select from contact_timeline t
        where t.contact_id = c.contact_id and t.kind in ${oneOf(concludingKinds)} and t.at <= c.enqueued_at + ${ms(promiseMs)}
      ) as concluded,
      ${repeatOf('c')} as repeat
    from periods p
    join contacts c on c.enqueued_at >= p.from_at and c.enqueued_at < p.until_at
    where c.wait_ms is not null and c.outcome is not null and c.kind is null
      and ${askedFor('c')}
    union all
    select p.n, case when $2::boolean then l.line_id end, case when $3::boolean then l.queue_id end,
      l.wait_ms, null, 0, true, false, false, l.concluded, ${repeatOf('l')}
    from periods p
    join jsonb_to_recordset($7::jsonb) as l (
      contact_id text, line_id text, queue_id text, enqueued_at timestamptz, wait_ms bigint, concluded boolean, ani_index text
    ) on l.enqueued_at >= p.from_at and l.enqueued_at < p.until_at
    where ${askedFor('l')} and not exists (
      select from contacts c where c.contact_id = l.contact_id and c.wait_ms is not null and c.outcome is not null
    )
  ), tallies as (
    select n, line_id, queue_id,
      count(*) as entered,
      count(*) filter (where answered) as answered,
      count(*) filter (where abandoned) as abandoned,
      count(*) filter (where short) as short_abandoned,
      ${answerLimitsMs.map((limitMs, i) => `count(*) filter (where answered and wait_ms <= ${limitMs}) as within_${i}`).join(', ')},
      count(*) filter (where concluded and not short) as concluded,
      coalesce(sum(wait_ms) filter (where not short), 0)::bigint as wait_ms,
      coalesce(sum(wait_ms) filter (where answered), 0)::bigint as answered_wait_ms,
      count(*) filter (where answered and talk_ms is not null) as handled,
      coalesce(sum(talk_ms + wrap_up_ms) filter (where answered and talk_ms is not null), 0)::bigint as handling_ms,
      count(repeat) as known,
      count(*) filter (where repeat) as repeats,
      percentile_disc(array[${waitShares.join(', ')}]::float8[]) within group (order by wait_ms) filter (where not short) as waits
    from waits group by n, line_id, queue_id
  )
  select *, waits[1]::bigint as p50, waits[2]::bigint as p90, waits[3]::bigint as p95 from tallies`,
};

interface TallyRow {
  readonly n: number;
  readonly line_id: string | null;
  readonly queue_id: string | null;
  readonly entered: number;
  readonly answered: number;
  readonly abandoned: number;
  readonly short_abandoned: number;
  readonly within_0: number;
  readonly within_1: number;
  readonly concluded: number;
  readonly wait_ms: number;
  readonly answered_wait_ms: number;
  readonly handled: number;
  readonly handling_ms: number;
  readonly known: number;
  readonly repeats: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
}

export function createWaitRecords({ run, guard }: Pick<Database, 'run' | 'guard'>, sealer: Sealer): WaitRecords {
  return {
    tallies: ({ periods, by, lineIds, queueIds, repeats, talking = [] }) =>
      guard('counting waits', async () => {
        if (periods.length === 0) return [];
        const asked = periods.map(({ fromMs, untilMs }, n) => ({
          n,
          from_at: instantText(fromMs),
          until_at: instantText(untilMs),
        }));
        const rows = await run<TallyRow>(countWaits, [
          storableJson(asked),
          isBy(by, 'line'),
          isBy(by, 'queue'),
          lineIds ?? null,
          queueIds ?? null,
          repeats === 'counted',
          storableJson(talking.map((one) => talkingRow(one, sealer))),
        ]);
        return rows
          .toSorted((a, b) => a.n - b.n || compare(a.line_id, b.line_id) || compare(a.queue_id, b.queue_id))
          .flatMap((row) => {
            const period = periods[row.n];
            return period === undefined ? [] : [{ period, ...tallied(row) }];
          });
      }),
  };
}

function talkingRow({ contactId, number, concludedAfterMs, ...wait }: TalkingWait, sealer: Sealer): object {
  const isConcluded = concludedAfterMs !== undefined && concludedAfterMs <= promiseMs;
  return {
    contact_id: contactId,
    line_id: wait.lineId,
    queue_id: wait.queueId,
    enqueued_at: instantText(wait.enqueuedAtMs),
    wait_ms: Math.round(wait.waitMs),
    concluded: wait.waitMs <= promiseMs || isConcluded,
    ani_index: number === '' ? null : sealer.blindIndex(storableText(number), phoneNumberPurpose),
  };
}

function isBy(by: TallyBy, part: 'line' | 'queue'): boolean {
  return by === part || by === 'lineAndQueue';
}

function compare(a: string | null, b: string | null): number {
  const [left, right] = [a ?? '', b ?? ''];
  return left === right ? 0 : left < right ? -1 : 1;
}

function tallied(row: TallyRow): Omit<PeriodTally, 'period'> {
  return {
    ...present({ lineId: row.line_id, queueId: row.queue_id }),
    tally: {
      entered: row.entered,
      answered: row.answered,
      abandoned: row.abandoned,
      shortAbandoned: row.short_abandoned,
      answeredWithin: [row.within_0, row.within_1],
      concluded: row.concluded,
      waitMs: row.wait_ms,
      answeredWaitMs: row.answered_wait_ms,
      handled: row.handled,
      handlingMs: row.handling_ms,
      known: row.known,
      repeats: row.repeats,
      ...present({ p50Ms: row.p50, p90Ms: row.p90, p95Ms: row.p95 }),
    },
  };
}
