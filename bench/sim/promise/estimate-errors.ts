import {
  meanHandlingMs,
  meanPatienceMs,
  noRates,
  type ObservedRates,
  type Traffic,
  waitEstimateMs,
  withArrival,
  withHandling,
  withWait,
} from '../../../src/acd/index.ts';
import { hourMs, minuteMs, secondMs } from '../../../src/foundation/index.ts';
import { Calendar } from '../calendar.ts';
import { ContactSource, epochMs, type SimulatedContact } from '../contact-source.ts';
import { KieferWolfowitz } from '../kiefer-wolfowitz.ts';

export interface EstimateErrorRow {
  readonly operators: number;
  readonly load: number;
  /** Contacts that had to wait. */
  readonly contacts: number;
  /** Median of |estimate − wait|. */
  readonly medianErrorMs: number;
  readonly p90ErrorMs: number;
  readonly oracleMedianErrorMs: number;
  readonly ratio: number;
}

const groups = [
  { operators: 6, ahtMs: 240 * secondMs },
  { operators: 23, ahtMs: 300 * secondMs },
] as const;
const loads = [0.9, 1, 1.1, 1.2] as const;
const patienceMs = 180 * secondMs;
/** Both wrong on purpose: the queue has to learn. */
const belief = { handlingMs: 3 * minuteMs, meanPatienceMs: 2 * minuteMs };

/** The queue's estimate at arrival against that of an oracle with the exact rates, by the same contacts. */
export function estimateErrors(options: {
  readonly seed: string;
  readonly contacts: number;
}): readonly EstimateErrorRow[] {
  return groups.flatMap(({ operators, ahtMs }) =>
    loads.map((load) => {
      const arrivalsPerHour = (load * operators * hourMs) / ahtMs;
      const seed = `${options.seed}/estimate/${operators}/${load}`;
      return { load, ...errorsOf({ arrivalsPerHour, ahtMs, operators }, seed, options.contacts) };
    }),
  );
}

type Happening =
  | { readonly type: 'answered'; readonly waitMs: number; readonly handlingMs: number }
  | { readonly type: 'left'; readonly waitMs: number }
  | { readonly type: 'handled'; readonly handlingMs: number };

function errorsOf(traffic: Traffic, seed: string, contacts: number): Omit<EstimateErrorRow, 'load'> {
  const { operators, ahtMs } = traffic;
  const queue = new WatchedQueue(operators);
  const kinds = [{ queueId: 'all', share: 1 }];
  const source = new ContactSource({ ...traffic, meanPatienceMs: patienceMs, kinds }, seed);
  const own: number[] = [];
  const oracle: number[] = [];
  for (let i = 0; i < contacts; i += 1) {
    const { ahead, waitMs, rates } = queue.arrive(source.next());
    if (waitMs === 0) continue;
    const position = ahead + 1;
    const handlingMs = meanHandlingMs(rates, belief);
    const told = waitEstimateMs({
      position,
      handlingMs,
      onDuty: operators,
      meanPatienceMs: meanPatienceMs(rates, belief),
    });
    const best = waitEstimateMs({ position, handlingMs: ahtMs, onDuty: operators, meanPatienceMs: patienceMs });
    own.push(Math.abs((told ?? 0) - waitMs));
    oracle.push(Math.abs((best ?? 0) - waitMs));
  }
  const medianErrorMs = quantileOf(own, 0.5);
  const oracleMedianErrorMs = quantileOf(oracle, 0.5);
  return {
    operators,
    contacts: own.length,
    medianErrorMs,
    p90ErrorMs: quantileOf(own, 0.9),
    oracleMedianErrorMs,
    ratio: medianErrorMs / oracleMedianErrorMs,
  };
}

/** First come first served by the recursion, which knows every contact's wait at its arrival; what the queue can see comes in its time. */
class WatchedQueue {
  readonly #recursion: KieferWolfowitz;
  readonly #calendar = new Calendar<Happening>();
  #rates = noRates(epochMs);
  #waiting = 0;

  constructor(operators: number) {
    this.#recursion = new KieferWolfowitz(operators);
  }

  /** `waitMs`: what a caller who never leaves would wait from here. */
  arrive(contact: SimulatedContact): {
    readonly ahead: number;
    readonly waitMs: number;
    readonly rates: ObservedRates;
  } {
    const { atMs, handlingMs } = contact;
    for (let due = this.#calendar.take(atMs); due !== undefined; due = this.#calendar.take(atMs)) this.#see(due);
    this.#rates = withArrival(this.#rates, atMs);
    const ahead = this.#waiting;
    const waitMs = this.#recursion.offeredWaitMs(atMs);
    const ownMs = this.#recursion.waitMs(contact);
    this.#waiting += 1;
    const isServed = waitMs <= contact.patienceMs;
    this.#calendar.add(
      atMs + ownMs,
      isServed ? { type: 'answered', waitMs: ownMs, handlingMs } : { type: 'left', waitMs: ownMs },
    );
    return { ahead, waitMs, rates: this.#rates };
  }

  #see({ atMs, event }: { readonly atMs: number; readonly event: Happening }): void {
    switch (event.type) {
      case 'answered':
        this.#waiting -= 1;
        this.#rates = withWait(this.#rates, { waitMs: event.waitMs, end: 'otherwise' });
        this.#calendar.add(atMs + event.handlingMs, { type: 'handled', handlingMs: event.handlingMs });
        return;
      case 'left':
        this.#waiting -= 1;
        this.#rates = withWait(this.#rates, { waitMs: event.waitMs, end: 'left' });
        return;
      case 'handled':
        this.#rates = withHandling(this.#rates, event.handlingMs);
    }
  }
}

function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}
