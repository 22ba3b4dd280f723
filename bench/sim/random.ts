import { createHash } from 'node:crypto';

const twoTo32 = 4_294_967_296;
const twoTo53 = 9_007_199_254_740_992;

/**
 * A stream of random numbers that a seed and a name determine. Each use has a stream of its own (arrivals, handling times, …), so that
 * two systems compared meet the same contacts whatever else they draw. The generator is sfc32 (Doty-Humphrey): 128 bits of state, at
 * least 2^32 numbers before a stream repeats itself, far more than a run draws.
 */
export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #count: number;

  constructor(seed: string, name: string) {
    const state = createHash('sha256').update(`${seed}/${name}`).digest();
    this.#a = state.readInt32LE(0);
    this.#b = state.readInt32LE(4);
    this.#c = state.readInt32LE(8);
    this.#count = state.readInt32LE(12);
  }

  /** From 0 to below 1, all 53 bits of a double. */
  uniform(): number {
    const high = this.#word();
    return (high * (twoTo53 / twoTo32) + (this.#word() >>> 11)) / twoTo53;
  }

  exponential(mean: number): number {
    return -Math.log(1 - this.uniform()) * mean;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  #word(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
