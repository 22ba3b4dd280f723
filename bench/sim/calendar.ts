interface Entry<Event> {
  readonly atMs: number;
  /** Among entries of one instant: smaller first. */
  readonly rank: number;
  readonly order: number;
  readonly event: Event;
}

function before<Event>(a: Entry<Event>, b: Entry<Event>): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.rank === b.rank ? a.order < b.order : a.rank < b.rank;
}

/** What is to happen on the virtual clock, earliest first; at one instant by rank, then in the order it was written down. */
export class Calendar<Event> {
  readonly #heap: Entry<Event>[] = [];
  #written = 0;

  add(atMs: number, event: Event, rank = 0): void {
    const entry = { atMs, rank, order: this.#written, event };
    this.#written += 1;
    let place = this.#heap.length;
    for (;;) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above];
      if (place === 0 || parent === undefined || before(parent, entry)) break;
      this.#heap[place] = parent;
      place = above;
    }
    this.#heap[place] = entry;
  }

  nextAtMs(): number | undefined {
    return this.#heap[0]?.atMs;
  }

  /** Takes the next one out when it is due by `atMs`. */
  take(atMs: number): { readonly atMs: number; readonly event: Event } | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.atMs > atMs) return undefined;
    const last = this.#heap.pop();
    if (last !== undefined && last !== first) this.#sink(last);
    return first;
  }

  #sink(entry: Entry<Event>): void {
    let place = 0;
    for (;;) {
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      if (left === undefined) break;
      const [child, at] = right !== undefined && before(right, left) ? [right, 2 * place + 2] : [left, 2 * place + 1];
      if (before(entry, child)) break;
      this.#heap[place] = child;
      place = at;
    }
    this.#heap[place] = entry;
  }
}
