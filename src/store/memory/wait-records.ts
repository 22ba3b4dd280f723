import {
  concludingKinds,
  type RecordedWait,
  repeatDepth,
  repeatWithinMs,
  type TalkingWait,
  talliesOf,
  type WaitRecords,
} from '../../acd/index.ts';
import type { ContactRecord } from '../../contact/store-ports.ts';

/** The twin of the database's statement, over records of contacts: the rule of acd, and what of a record counts. */
export function createMemoryWaitRecords(records: () => Promise<readonly ContactRecord[]>): WaitRecords {
  return {
    tallies: async ({ lineIds, queueIds, repeats, talking = [], ...asked }) => {
      const all = await records();
      const recorded = all.flatMap((record) => recordedWait(record, all));
      const hasWaited = new Set(
        all
          .filter(({ waitMs, outcome }) => waitMs !== undefined && outcome !== undefined)
          .map(({ contactId }) => contactId),
      );
      const live = talking.filter(({ contactId }) => !hasWaited.has(contactId));
      const waits = [...recorded, ...live.map((one) => talkingWait(one, all))]
        .map(({ isRepeat, ...wait }) =>
          repeats === undefined || isRepeat === undefined ? wait : { ...wait, isRepeat },
        )
        .filter(({ lineId, queueId }) => (lineIds?.includes(lineId) ?? true) && (queueIds?.includes(queueId) ?? true));
      return talliesOf(waits, asked);
    },
  };
}

function recordedWait(record: ContactRecord, all: readonly ContactRecord[]): readonly RecordedWait[] {
  const { lineId = '', queueId = '', enqueuedAtMs, waitMs, outcome, talkMs, wrapUpMs } = record;
  if (enqueuedAtMs === undefined || waitMs === undefined || outcome === undefined || record.kind !== undefined)
    return [];
  const concluded = record.timeline
    .filter(({ kind }) => (concludingKinds as readonly string[]).includes(kind))
    .map(({ atMs }) => atMs - enqueuedAtMs);
  return [
    {
      lineId,
      queueId,
      enqueuedAtMs,
      waitMs,
      end: endOf(outcome),
      ...(talkMs === undefined ? {} : { talkMs }),
      ...(wrapUpMs === undefined ? {} : { wrapUpMs }),
      ...(concluded.length === 0 ? {} : { concludedAfterMs: Math.min(...concluded) }),
      ...(record.ani === '' ? {} : { isRepeat: isRepeat(record, enqueuedAtMs, all) }),
    },
  ];
}

function talkingWait({ contactId, number, ...wait }: TalkingWait, all: readonly ContactRecord[]): RecordedWait {
  const repeat = number === '' ? {} : { isRepeat: isRepeat({ contactId, ani: number }, wait.enqueuedAtMs, all) };
  return { ...wait, end: 'answered', ...repeat };
}

function endOf(outcome: string): RecordedWait['end'] {
  if (outcome === 'answeredByOperator') return 'answered';
  return outcome === 'abandonedInQueue' || outcome === 'abandonedWhileRinging' ? 'abandoned' : 'otherwise';
}

function isRepeat(
  record: Pick<ContactRecord, 'contactId' | 'ani'>,
  enqueuedAtMs: number,
  all: readonly ContactRecord[],
): boolean {
  return all
    .filter(({ ani, contactId }) => ani === record.ani && contactId < record.contactId)
    .sort((a, b) => (a.contactId < b.contactId ? 1 : -1))
    .slice(0, repeatDepth)
    .some(
      ({ outcome, joinedAtMs }) =>
        outcome === 'answeredByOperator' && joinedAtMs !== undefined && joinedAtMs >= enqueuedAtMs - repeatWithinMs,
    );
}
