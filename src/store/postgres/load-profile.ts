import type { HourLoad, LoadHistory } from '../../acd/index.ts';
import type { Database, Statement } from './database.ts';
import { instantText } from './values.ts';

/**
 * $1: queues, $2 and $3: the range. Every caller who entered the queue is an arrival, also who was given an older place back: he calls again. A contact that we
 * dialled is none. Hours are cut on the wall of the queue's zone; an operator's hours on full hours of UTC, which in a zone of half hours shifts them by half
 * of one.
 */
const readLoads: Statement = {
  name: 'read-load-profile',
  text: `with asked as materialized (
    select * from jsonb_to_recordset($1::jsonb) as q (queue_id text, time_zone text, operator_ids jsonb)
  ), arrivals as (
    select q.queue_id, date_trunc('hour', c.enqueued_at at time zone q.time_zone) as hour, count(*) as arrivals
    from contacts c join asked q on q.queue_id = c.queue_id
    where c.arrived_at >= $2::timestamptz and c.arrived_at < $3::timestamptz and c.enqueued_at is not null and c.kind is null
    group by 1, 2
  ), ready as (
    select a.operator_id, h.at,
      extract(epoch from least(a.ended_at, $3::timestamptz, h.at + interval '1 hour') - greatest(a.started_at, $2::timestamptz, h.at))
        / 3600 as hours
    from operator_activity a
    cross join lateral generate_series(
      date_trunc('hour', greatest(a.started_at, $2::timestamptz), 'UTC'),
      least(a.ended_at, $3::timestamptz),
      interval '1 hour'
    ) as h (at)
    where a.aspect = 'presence' and a.value = 'ready' and a.started_at < $3::timestamptz
      and (a.ended_at is null or a.ended_at > $2::timestamptz)
  ), shifts as (
    select q.queue_id, date_trunc('hour', r.at at time zone q.time_zone) as hour, sum(r.hours) as operators
    from ready r join asked q on q.operator_ids ? r.operator_id
    where r.hours > 0
    group by 1, 2
  )
  select queue_id as "queueId", to_char(hour, 'YYYY-MM-DD') as day, extract(hour from hour)::integer as hour,
    coalesce(arrivals, 0)::integer as arrivals, coalesce(operators, 0)::double precision as operators
  from arrivals full join shifts using (queue_id, hour)
  order by 1, 2, 3`,
};

/** What queues had in each hour, from contact records and operators' activity. */
export function createLoadHistory({ run, guard }: Pick<Database, 'run' | 'guard'>): LoadHistory {
  return {
    read: (queues, { fromMs, untilMs }) =>
      guard('reading the load of former days', () => {
        const asked = queues.map(({ queueId, timeZone, operatorIds }) => ({
          queue_id: queueId,
          time_zone: timeZone,
          operator_ids: operatorIds,
        }));
        return run<HourLoad>(readLoads, [JSON.stringify(asked), instantText(fromMs), instantText(untilMs)]);
      }),
  };
}
