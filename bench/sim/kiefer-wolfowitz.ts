/**
 * Waits in a queue of n like operators served in order of arrival, contact by contact (Kiefer, Wolfowitz 1955): the vector of the
 * operators' remaining work, in order, gives each contact's wait, and the contact's handling time is added to its first element. Kept
 * here as the instants at which operators become free, which are whole milliseconds: the result is exact. A contact whose patience
 * is shorter than that wait adds no work (Baccelli, Boyer, Hebuterne 1984).
 */
export class KieferWolfowitz {
  readonly #freeAtMs: number[];

  constructor(operators: number) {
    this.#freeAtMs = Array.from({ length: operators }, () => 0);
  }

  /** What a contact of endless patience would wait that came now. */
  offeredWaitMs(atMs: number): number {
    return Math.max(0, (this.#freeAtMs[0] ?? 0) - atMs);
  }

  /** The wait of the next contact: until an operator takes it, or until it leaves. */
  waitMs(contact: { readonly atMs: number; readonly handlingMs: number; readonly patienceMs: number }): number {
    const free = this.#freeAtMs;
    const waitMs = this.offeredWaitMs(contact.atMs);
    if (waitMs > contact.patienceMs) return contact.patienceMs;
    const freeAgainMs = contact.atMs + waitMs + contact.handlingMs;
    let place = 0;
    for (let next = free[1]; next !== undefined && next < freeAgainMs; next = free[place + 1]) {
      free[place] = next;
      place += 1;
    }
    free[place] = freeAgainMs;
    return waitMs;
  }
}
