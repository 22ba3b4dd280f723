import type { CallBackRepository } from '../../callbacks/index.ts';
import { abandonedAmong } from '../../contact/index.ts';
import { type ContactRecordStore, lastOperatorDepth, type ReturningCallers } from '../../contact/store-ports.ts';

/** The twin of the look at call-backs and records in PostgreSQL, over the twins of these. */
export function createMemoryReturningCallers(parts: {
  readonly records: Pick<ContactRecordStore, 'list'>;
  readonly callBacks: Pick<CallBackRepository, 'openOf'>;
}): ReturningCallers {
  const { records, callBacks } = parts;
  return {
    earlierPlaces: async ({ ani, sinceMs }) => {
      if (ani === '') return { callBacks: [], abandoned: [] };
      const open = await callBacks.openOf(ani);
      return {
        callBacks: open.map(({ callBackId, queueId, placeMs }) => ({ callBackId, queueId, placeMs })),
        abandoned: abandonedAmong(await records.list({ ani, limit: lastOperatorDepth }), sinceMs),
      };
    },
  };
}
