import type { QueueObservations } from '../acd/index.ts';
import type { ContactId } from '../foundation/index.ts';
import type { ContactOutcome, StreamEvent } from './store-ports.ts';

/** A contact from its queue to the end of wrap-up, as far as the observations need it. */
interface Watched {
  readonly queueId: string;
  /** In this queue. */
  readonly sinceMs: number;
  /** What he was told at first of the whole wait in it. */
  readonly estimateMs?: number;
  readonly joinedAtMs?: number;
  /** Its handling counts, its wait does not. */
  readonly isCallBack?: true;
}

/** Contacts whose end is never told (events were trimmed) are forgotten when there are more than any hotline has at once. */
const mostWatched = 50_000;

const leftOutcomes: ReadonlySet<string> = new Set<ContactOutcome>(['abandonedInQueue', 'abandonedWhileRinging']);

/** Feeds a process's observations from the timelines of all contacts, those of other processes included. */
export class QueueWatch {
  readonly #observations: QueueObservations;
  readonly #hasWrapUp: (queueId: string) => boolean;
  readonly #watched = new Map<ContactId, Watched>();

  constructor(observations: QueueObservations, hasWrapUp: (queueId: string) => boolean) {
    this.#observations = observations;
    this.#hasWrapUp = hasWrapUp;
  }

  take({ source, contactId, entry }: Pick<StreamEvent, 'source' | 'contactId' | 'entry'>): void {
    if (source !== 'contact' || contactId === undefined) return;
    const { kind, atMs, facts } = entry;
    if (kind === 'queued' || kind === 'movedToQueue') {
      this.#entered(contactId, String(facts.queueId), atMs);
      return;
    }
    if (kind === 'callBackQueued') {
      this.#watch(contactId, { queueId: String(facts.queueId), sinceMs: atMs, isCallBack: true });
      return;
    }
    const watched = this.#watched.get(contactId);
    if (watched === undefined) return;
    switch (kind) {
      case 'announced':
      case 'choiceOffered':
        this.#told(contactId, watched, { atMs, estimateMs: facts.estimateMs });
        return;
      case 'joined':
        this.#waited(watched, atMs, 'answered');
        this.#watched.set(contactId, { ...watched, joinedAtMs: atMs });
        return;
      case 'queueLimitReached':
      case 'withdrawnByStaff':
      case 'queueFailed':
        this.#waited(watched, atMs, 'otherwise');
        this.#watched.delete(contactId);
        return;
      case 'ended':
        this.#ended(contactId, watched, { atMs, outcome: String(facts.outcome) });
        return;
      case 'wrapUpEnded':
        this.#handled(contactId, watched, atMs);
        return;
      default:
        return;
    }
  }

  #entered(contactId: ContactId, queueId: string, atMs: number): void {
    const before = this.#watched.get(contactId);
    if (before?.isCallBack === true) {
      this.#watched.set(contactId, { ...before, queueId });
      return;
    }
    if (before !== undefined) this.#waited(before, atMs, 'otherwise');
    this.#observations.arrived(queueId, atMs);
    this.#watch(contactId, { queueId, sinceMs: atMs });
  }

  #watch(contactId: ContactId, watched: Watched): void {
    this.#watched.set(contactId, watched);
    const [oldest] = this.#watched.keys();
    if (this.#watched.size > mostWatched && oldest !== undefined) this.#watched.delete(oldest);
  }

  #told(
    contactId: ContactId,
    watched: Watched,
    told: { readonly atMs: number; readonly estimateMs: StreamEvent['entry']['facts'][string] | undefined },
  ): void {
    if (watched.estimateMs !== undefined || typeof told.estimateMs !== 'number') return;
    this.#watched.set(contactId, { ...watched, estimateMs: told.atMs - watched.sinceMs + told.estimateMs });
  }

  #waited(watched: Watched, atMs: number, end: 'answered' | 'left' | 'otherwise'): void {
    const { queueId, sinceMs, estimateMs, isCallBack } = watched;
    if (isCallBack !== true)
      this.#observations.waited(queueId, { waitMs: Math.max(0, atMs - sinceMs), end, estimateMs });
  }

  #ended(contactId: ContactId, watched: Watched, end: { readonly atMs: number; readonly outcome: string }): void {
    if (watched.joinedAtMs === undefined) {
      this.#waited(watched, end.atMs, leftOutcomes.has(end.outcome) ? 'left' : 'otherwise');
      this.#watched.delete(contactId);
    } else if (!this.#hasWrapUp(watched.queueId)) {
      this.#handled(contactId, watched, end.atMs);
    }
  }

  #handled(contactId: ContactId, { queueId, joinedAtMs }: Watched, atMs: number): void {
    if (joinedAtMs !== undefined) this.#observations.handled(queueId, Math.max(0, atMs - joinedAtMs));
    this.#watched.delete(contactId);
  }
}
