export interface Ranked<Id extends string> {
  readonly id: Id;
  readonly score: number;
}

/** Smaller score first, then smaller id by code unit: the order of a Redis sorted set with ASCII members. */
function before(a: Ranked<string>, b: Ranked<string>): boolean {
  return a.score < b.score || (a.score === b.score && a.id < b.id);
}

/** Members in order of score: the twin of a Redis sorted set. Adding a member again changes its score. */
export class RankedSet<Id extends string> {
  readonly #order: Ranked<Id>[] = [];
  readonly #scores = new Map<Id, number>();

  get size(): number {
    return this.#order.length;
  }

  add(id: Id, score: number): void {
    const known = this.#scores.get(id);
    if (known === score) return;
    if (known !== undefined) this.#order.splice(this.#find({ id, score: known }), 1);
    const member = { id, score };
    this.#order.splice(this.#find(member), 0, member);
    this.#scores.set(id, score);
  }

  delete(id: Id): void {
    const score = this.#scores.get(id);
    if (score === undefined) return;
    this.#order.splice(this.#find({ id, score }), 1);
    this.#scores.delete(id);
  }

  first(): Ranked<Id> | undefined {
    return this.#order[0];
  }

  /** Members from place `from` to before place `to`, places from 0. */
  range(from: number, to: number): readonly Ranked<Id>[] {
    return this.#order.slice(from, to);
  }

  /** Place from 0. */
  rank(id: Id): number | undefined {
    const score = this.#scores.get(id);
    return score === undefined ? undefined : this.#find({ id, score });
  }

  /** In order; the set must not change meanwhile. */
  [Symbol.iterator](): Iterator<Ranked<Id>> {
    return this.#order[Symbol.iterator]();
  }

  /** Where the member is or would go. */
  #find(member: Ranked<string>): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = this.#order[middle];
      if (there !== undefined && before(there, member)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
