import { offeredLoad, type Traffic } from '../../src/acd/index.ts';
import { hourMs } from '../../src/foundation/index.ts';
import { Calendar } from './calendar.ts';
import type { SimulatedContact } from './contact-source.ts';

/**
 * What chance did to one run's contacts, each figure with its expectation taken off. They depend on the contacts alone, never on how
 * these were served, and their expectations are elementary; so subtracting what they explain (statistics.ts) takes noise away and can
 * hide no fault of the router.
 */
export class Controls {
  readonly #traffic: Traffic;
  readonly #meanPatienceMs: number | undefined;
  readonly #present = new Calendar<undefined>();
  readonly #sums = { betweenMs: 0, handlingMs: 0, full: 0, excess: 0, excessSquared: 0, fastWaitMs: 0, patienceMs: 0 };
  #contacts = 0;
  #inRoom = 0;
  #before: SimulatedContact | undefined;
  #fastWaitMs = 0;

  constructor(traffic: Traffic, meanPatienceMs?: number) {
    this.#traffic = traffic;
    this.#meanPatienceMs = meanPatienceMs;
  }

  /** Every contact in order of arrival; those of the warm-up are not counted. */
  see(contact: SimulatedContact, counted: boolean): void {
    const { operators } = this.#traffic;
    const betweenMs = contact.atMs - (this.#before?.atMs ?? contact.atMs);
    while (this.#present.take(contact.atMs) !== undefined) this.#inRoom -= 1;
    const excess = Math.max(0, this.#inRoom - operators + 1);
    const workMs = (this.#before?.handlingMs ?? 0) / operators;
    this.#fastWaitMs = Math.max(0, this.#fastWaitMs + workMs - betweenMs);
    this.#before = contact;
    this.#inRoom += 1;
    this.#present.add(contact.atMs + contact.handlingMs, undefined);
    if (!counted) return;
    this.#contacts += 1;
    const sums = this.#sums;
    sums.betweenMs += betweenMs;
    sums.handlingMs += contact.handlingMs;
    sums.full += excess > 0 ? 1 : 0;
    sums.excess += excess;
    sums.excessSquared += excess * excess;
    sums.fastWaitMs += this.#fastWaitMs;
    sums.patienceMs += contact.patienceMs;
  }

  /** In order: time between arrivals and handling time over their means, less 1; the room without end; the fast operator; patience. */
  values(): readonly number[] {
    const { arrivalsPerHour, ahtMs, operators } = this.#traffic;
    const sums = this.#sums;
    const mean = (sum: number): number => sum / this.#contacts;
    const load = offeredLoad(this.#traffic);
    const room = poissonExcess(load, operators);
    // Pollaczek and Khinchine: one operator n times as fast. Near capacity n operators are hardly to be told from him.
    const occupancy = load / operators;
    const fastWaitMs = ((occupancy / (1 - occupancy)) * ahtMs) / operators;
    return [
      (mean(sums.betweenMs) * arrivalsPerHour) / hourMs - 1,
      mean(sums.handlingMs) / ahtMs - 1,
      mean(sums.full) - room.probability,
      mean(sums.excess) - room.mean,
      mean(sums.excessSquared) - room.meanSquare,
      mean(sums.fastWaitMs) / fastWaitMs - 1,
      ...(this.#meanPatienceMs === undefined ? [] : [mean(sums.patienceMs) / this.#meanPatienceMs - 1]),
    ];
  }
}

/**
 * Operators without end: an arrival finds a Poisson number Z of contacts with them, mean the load. The moments of (Z − n + 1)⁺, which
 * is above 0 when n operators would not have been enough.
 */
export function poissonExcess(
  load: number,
  operators: number,
): { readonly probability: number; readonly mean: number; readonly meanSquare: number } {
  let term = Math.exp(-load);
  let probability = 0;
  let mean = 0;
  let meanSquare = 0;
  for (let k = 0; k < operators || term > 1e-18; k += 1) {
    const excess = Math.max(0, k - operators + 1);
    if (excess > 0) probability += term;
    mean += excess * term;
    meanSquare += excess * excess * term;
    term *= load / (k + 1);
  }
  return { probability, mean, meanSquare };
}
