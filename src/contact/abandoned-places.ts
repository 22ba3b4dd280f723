import type { ContactId } from '../foundation/index.ts';
import type { AbandonedPlace } from './state.ts';
import type { ContactOutcome, TimelineEntry } from './store-ports.ts';

/** What of a contact's record tells whether its caller gave up a place. */
export interface PastContact {
  readonly contactId: ContactId;
  readonly queueId?: string | undefined;
  readonly enqueuedAtMs?: number | undefined;
  readonly endedAtMs?: number | undefined;
  readonly outcome?: string | undefined;
  /** Entries of the kind `placeReturned`, if any. */
  readonly timeline: readonly Pick<TimelineEntry, 'kind' | 'facts'>[];
}

/** How contacts end whose callers gave up a place. */
export const gaveUpOutcomes: readonly ContactOutcome[] = ['abandonedInQueue', 'abandonedWhileRinging'];

/**
 * Of a caller's contacts, newest first: in each queue the place of the latest, if it gave up since and nobody has been given that place.
 * Who gave up a place that he had been given back gave up the older one.
 */
export function abandonedAmong(contacts: readonly PastContact[], sinceMs: number): readonly AbandonedPlace[] {
  const given = new Set(contacts.flatMap((contact) => returnedTo(contact).map(({ facts }) => facts.from)));
  return [...Map.groupBy(contacts, ({ queueId }) => queueId)].flatMap(([queueId, [newest]]) => {
    if (newest?.enqueuedAtMs === undefined || queueId === undefined) return [];
    const { contactId, enqueuedAtMs, endedAtMs = 0, outcome } = newest;
    if (!gaveUpOutcomes.some((one) => one === outcome) || endedAtMs < sinceMs || given.has(contactId)) return [];
    const places = returnedTo(newest).map(({ facts }) => Number(facts.placeMs));
    return [{ contactId, queueId, placeMs: Math.min(enqueuedAtMs, ...places), endedAtMs }];
  });
}

function returnedTo({ timeline }: PastContact): PastContact['timeline'] {
  return timeline.filter(({ kind }) => kind === 'placeReturned');
}
