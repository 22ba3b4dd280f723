import { asId, type ContactId, hourMs } from '../../src/foundation/index.ts';
import { RandomStream } from './random.ts';

/** The virtual clock begins here: instants as long as real ones, so that scores have as many digits. */
export const epochMs = 1_800_000_000_000;

/** Contacts of one kind enter one queue. */
export interface ContactKind {
  readonly queueId: string;
  /** Of all arrivals. */
  readonly share: number;
}

export interface TrafficPlan {
  /** Of all kinds together, at random (Poisson). */
  readonly arrivalsPerHour: number;
  /** Mean of the exponential handling time: talk and wrap-up. */
  readonly ahtMs: number;
  /** Mean of the exponential patience; undefined: nobody hangs up. */
  readonly meanPatienceMs?: number;
  readonly kinds: readonly ContactKind[];
}

/** All times are whole milliseconds, so that sums of them are exact. */
export interface SimulatedContact {
  readonly contactId: ContactId;
  /** From 0, in order of arrival. */
  readonly number: number;
  readonly kind: number;
  readonly atMs: number;
  readonly handlingMs: number;
  /** `Infinity`: waits as long as it takes. */
  readonly patienceMs: number;
}

/** The contacts of one run, the same for every system that serves them. */
export class ContactSource {
  readonly #plan: TrafficPlan;
  readonly #arrivals: RandomStream;
  readonly #handling: RandomStream;
  readonly #patience: RandomStream;
  readonly #kinds: RandomStream;
  #number = 0;
  #clockMs = 0;

  constructor(plan: TrafficPlan, seed: string) {
    this.#plan = plan;
    this.#arrivals = new RandomStream(seed, 'arrivals');
    this.#handling = new RandomStream(seed, 'handling');
    this.#patience = new RandomStream(seed, 'patience');
    this.#kinds = new RandomStream(seed, 'kinds');
  }

  next(): SimulatedContact {
    const { arrivalsPerHour, ahtMs, meanPatienceMs } = this.#plan;
    const number = this.#number;
    this.#number += 1;
    this.#clockMs += this.#arrivals.exponential(hourMs / arrivalsPerHour);
    return {
      // Of one length, so that the order of ids is the order of arrival: it decides between contacts of one millisecond.
      contactId: asId<ContactId>(`c${String(number).padStart(9, '0')}`),
      number,
      kind: this.#kind(),
      atMs: epochMs + Math.round(this.#clockMs),
      handlingMs: Math.max(1, Math.round(this.#handling.exponential(ahtMs))),
      patienceMs:
        meanPatienceMs === undefined
          ? Number.POSITIVE_INFINITY
          : Math.round(this.#patience.exponential(meanPatienceMs)),
    };
  }

  #kind(): number {
    const { kinds } = this.#plan;
    if (kinds.length === 1) return 0;
    let left = this.#kinds.uniform();
    for (const [kind, { share }] of kinds.entries()) {
      left -= share;
      if (left < 0) return kind;
    }
    return kinds.length - 1;
  }
}
