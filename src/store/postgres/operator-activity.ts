import type { OperatorId } from '../../foundation/index.ts';
import type { Database } from './database.ts';
import { instant, orNull, present } from './values.ts';

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
  /** Ends the interval that is open for this operator and aspect, and opens the next. Changes come in the order of the stream. */
  record(change: ActivityChange): Promise<void>;
  /** Intervals that touch [fromMs, toMs), oldest first. */
  intervals(range: {
    readonly operatorId?: OperatorId;
    readonly fromMs: number;
    readonly toMs: number;
  }): Promise<readonly ActivityInterval[]>;
}

export function createOperatorActivity({ db, guard }: Database): OperatorActivity {
  return {
    record: (change) =>
      guard('storing operator activity', () =>
        db.transaction().execute(async (transaction) => {
          const known = await transaction
            .selectFrom('operatorActivity')
            .select('sourceId')
            .where('operatorId', '=', change.operatorId)
            .where('aspect', '=', change.aspect)
            .where('sourceId', '=', change.sourceId)
            .executeTakeFirst();
          if (known !== undefined) return;
          await transaction
            .updateTable('operatorActivity')
            .set({ endedAt: instant(change.atMs) })
            .where('operatorId', '=', change.operatorId)
            .where('aspect', '=', change.aspect)
            .where('endedAt', 'is', null)
            .execute();
          await transaction
            .insertInto('operatorActivity')
            .values({
              operatorId: change.operatorId,
              aspect: change.aspect,
              value: change.value,
              reason: orNull(change.reason),
              startedAt: instant(change.atMs),
              sourceId: change.sourceId,
            })
            .execute();
        }),
      ),

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
