import type { OperatorId } from '../../foundation/index.ts';
import type { Database, Statement } from './database.ts';
import { instant, instantText, present, storableJson } from './values.ts';

/** What changed: the operator's own presence, or his work state in a medium. */
export type ActivityAspect = 'presence' | `work/${'voice' | 'chat'}`;

export interface ActivityChange {
  readonly operatorId: OperatorId;
  readonly aspect: ActivityAspect;
  readonly value: string;
  readonly reason?: string;
  readonly atMs: number;
  /** Id of the stream event that told of it: the same event delivered again changes nothing. */
  readonly sourceId: string;
}

export interface ActivityInterval {
  readonly operatorId: OperatorId;
  readonly aspect: ActivityAspect;
  readonly value: string;
  readonly reason?: string;
  readonly startedAtMs: number;
  /** Undefined: it lasts still. */
  readonly endedAtMs?: number;
}

/** Who was in which state from when to when: what occupancy and shift reports are computed from. */
export interface OperatorActivity {
  /**
   * Each change ends the interval that is open for its operator and aspect, and opens the next. They are in the order of the
   * stream, and are recorded together or not at all.
   */
  record(changes: readonly ActivityChange[]): Promise<void>;
  /** Intervals that touch [fromMs, toMs), oldest first. */
  intervals(range: {
    readonly operatorId?: OperatorId;
    readonly fromMs: number;
    readonly toMs: number;
  }): Promise<readonly ActivityInterval[]>;
}

/**
 * $1: changes, `n` their order. One that is known already changes nothing. `ended` has done its work before the first interval is
 * inserted (the condition asks it), so that an operator and aspect never have two open ones.
 */
const recordChanges: Statement = {
  name: 'record-operator-activity',
  text: `with given as materialized (
    select * from jsonb_to_recordset($1::jsonb)
      as c (n integer, operator_id text, aspect text, value text, reason text, at timestamptz, source_id text)
  ), fresh as materialized (
    select g.*, lead(g.at) over same as ended_at, row_number() over same as nth
    from given g
    where (select true from operator_activity k
           where k.operator_id = g.operator_id and k.aspect = g.aspect and k.source_id = g.source_id) is not true
    window same as (partition by g.operator_id, g.aspect order by g.n)
  ), ended as (
    update operator_activity a set ended_at = f.at from fresh f
    where f.nth = 1 and a.operator_id = f.operator_id and a.aspect = f.aspect and a.ended_at is null
    returning 1
  )
  insert into operator_activity (operator_id, aspect, value, reason, started_at, ended_at, source_id)
  select operator_id, aspect, value, reason, at, ended_at, source_id from fresh
  where (select count(*) from ended) >= 0`,
};

export function createOperatorActivity({ db, run, guard }: Database): OperatorActivity {
  return {
    record: async (changes) => {
      // The same event twice is once.
      const once = [...new Map(changes.map((change) => [keyOf(change), change])).values()];
      if (once.length === 0) return;
      await guard('storing operator activity', async () => {
        await run(recordChanges, [storableJson(once.map(changeJson))]);
      });
    },

    intervals: ({ operatorId, fromMs, toMs }) =>
      guard('reading operator activity', async () => {
        let query = db
          .selectFrom('operatorActivity')
          .selectAll()
          .where('startedAt', '<', instant(toMs))
          .where((eb) => eb.or([eb('endedAt', 'is', null), eb('endedAt', '>', instant(fromMs))]))
          .orderBy('startedAt')
          .orderBy('operatorId')
          .orderBy('aspect');
        if (operatorId !== undefined) query = query.where('operatorId', '=', operatorId);
        return (await query.execute()).map((row) => ({
          operatorId: row.operatorId as OperatorId,
          aspect: row.aspect as ActivityAspect,
          value: row.value,
          startedAtMs: row.startedAt.getTime(),
          ...present({ reason: row.reason, endedAtMs: row.endedAt === null ? null : row.endedAt.getTime() }),
        }));
      }),
  };
}

function keyOf({ operatorId, aspect, sourceId }: ActivityChange): string {
  return `${operatorId} ${aspect} ${sourceId}`;
}

function changeJson(change: ActivityChange, n: number) {
  return {
    n,
    operator_id: change.operatorId,
    aspect: change.aspect,
    value: change.value,
    reason: change.reason,
    at: instantText(change.atMs),
    source_id: change.sourceId,
  };
}
