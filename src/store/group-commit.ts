export interface GroupCommitOptions<Item, Outcome> {
  /** Writes all of them or none, and returns what became of each, in their order. */
  readonly write: (items: readonly Item[]) => Promise<readonly Outcome[]>;
  /** How long the first of a group waits for others. 0: only what comes while a write is under way goes together. */
  readonly lingerMs: number;
  /** Most that go in one write. */
  readonly most: number;
  /** Whether the error tells of what was written (one bad item spoils the group) and not of the store. */
  readonly isRefusal: (error: unknown) => boolean;
}

interface Waiting<Item, Outcome> {
  readonly item: Item;
  readonly done: (outcome: Outcome) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * What many ask to have written, written together: one write at a time, in the order of asking. Each is told once its own is
 * durable. A group that is refused is written one by one, so that a bad item fails alone.
 */
export class GroupCommit<Item, Outcome> {
  readonly #options: GroupCommitOptions<Item, Outcome>;
  #waiting: Waiting<Item, Outcome>[] = [];
  #linger: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: GroupCommitOptions<Item, Outcome>) {
    this.#options = options;
  }

  add(item: Item): Promise<Outcome> {
    const { lingerMs, most } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    this.#waiting.push({ item, done: resolve, failed: reject });
    if (lingerMs === 0 || this.#waiting.length >= most) this.#begin();
    else if (this.#waiting.length === 1) this.#linger = setTimeout(() => this.#begin(), lingerMs);
    return promise;
  }

  /** Writes what waits without lingering; resolves when nothing waits any more, whatever became of it. */
  async settle(): Promise<void> {
    while (this.#waiting.length > 0 || this.#running !== undefined) {
      this.#begin();
      await this.#running;
    }
  }

  #begin(): void {
    clearTimeout(this.#linger);
    this.#linger = undefined;
    if (this.#running !== undefined || this.#waiting.length === 0) return;
    this.#running = this.#writeGroups();
  }

  /** Goes on as long as somebody has waited long enough. */
  async #writeGroups(): Promise<void> {
    while (this.#waiting.length > 0 && this.#linger === undefined) {
      await this.#writeGroup(this.#waiting.splice(0, this.#options.most));
    }
    // Here, and not when the promise is seen settled: what is added in between would wait for a run that is over.
    this.#running = undefined;
  }

  async #writeGroup(group: readonly Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.#options.write(group.map(({ item }) => item));
      for (const [i, { done }] of group.entries()) done(outcomes[i] as Outcome);
    } catch (error) {
      if (group.length > 1 && this.#options.isRefusal(error)) await this.#writeOneByOne(group);
      else for (const { failed } of group) failed(error);
    }
  }

  async #writeOneByOne(group: readonly Waiting<Item, Outcome>[]): Promise<void> {
    let away: { readonly error: unknown } | undefined;
    for (const one of group) {
      // The store has gone meanwhile: each of the rest would only wait for the same answer.
      if (away !== undefined) one.failed(away.error);
      else {
        try {
          one.done((await this.#options.write([one.item]))[0] as Outcome);
        } catch (error) {
          one.failed(error);
          if (!this.#options.isRefusal(error)) away = { error };
        }
      }
    }
  }
}
