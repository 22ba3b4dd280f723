import { secondMs } from '../../src/foundation/index.ts';
import type { Settled } from './hotline.ts';

interface Counts {
  contacts: number;
  waited: number;
  abandoned: number;
  waitMs: number;
  within20s: number;
  within120s: number;
}

/** What one replication's contacts got, by kind. Raw sums; each figure is one division over them. */
export class Tally {
  readonly #kinds: readonly Counts[];

  constructor(kinds: number) {
    this.#kinds = Array.from({ length: kinds }, () => ({
      contacts: 0,
      waited: 0,
      abandoned: 0,
      waitMs: 0,
      within20s: 0,
      within120s: 0,
    }));
  }

  get contacts(): number {
    return this.#total('contacts');
  }

  add({ contact, waitMs, waited, answered }: Settled): void {
    const counts = this.#kinds[contact.kind];
    if (counts === undefined) return;
    counts.contacts += 1;
    counts.waitMs += waitMs;
    if (waited) counts.waited += 1;
    if (!answered) counts.abandoned += 1;
    else {
      if (waitMs <= 20 * secondMs) counts.within20s += 1;
      if (waitMs <= 120 * secondMs) counts.within120s += 1;
    }
  }

  waitProbability(): number {
    return this.#total('waited') / this.contacts;
  }

  abandonProbability(): number {
    return this.#total('abandoned') / this.contacts;
  }

  /** Of all contacts, those who left included; of one kind when it is named. Where nobody leaves this is the ASA. */
  meanWaitSeconds(kind?: number): number {
    const counts = kind === undefined ? undefined : this.#kinds[kind];
    if (counts !== undefined) return counts.waitMs / counts.contacts / secondMs;
    return this.#total('waitMs') / this.contacts / secondMs;
  }

  /** Answered within 20 s or 120 s, over all contacts offered. */
  servedWithin(limit: '20s' | '120s'): number {
    return this.#total(limit === '20s' ? 'within20s' : 'within120s') / this.contacts;
  }

  #total(name: keyof Counts): number {
    return this.#kinds.reduce((sum, counts) => sum + counts[name], 0);
  }
}
