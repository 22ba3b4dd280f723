import { DozvonError } from '../foundation/index.ts';
import { type ChildEvent, type ChildPlan, SupervisedChild } from './child.ts';

/** The children of one stack, in the order of their start. */
export class ChildSet {
  readonly #children: SupervisedChild[] = [];
  readonly #onEvent: (event: ChildEvent) => void;
  #ending: Promise<void> | undefined;

  constructor(onEvent: (event: ChildEvent) => void) {
    this.#onEvent = onEvent;
  }

  get all(): readonly SupervisedChild[] {
    return this.#children;
  }

  /** Starts the program and resolves when it serves. */
  async start(plan: ChildPlan): Promise<void> {
    const child = new SupervisedChild(plan, this.#onEvent);
    this.#children.push(child);
    await child.start();
  }

  named(name: string): SupervisedChild {
    const child = this.#children.find(({ plan }) => plan.name === name);
    if (child !== undefined) return child;
    const known = this.#children.map(({ plan }) => plan.name).join(', ');
    throw new DozvonError('CHILD_UNKNOWN', `No child ${name}: there are ${known}.`);
  }

  /** Ends them in reverse order. Asked again with `now`, it no longer waits for those that are still ending. */
  async stop(now: boolean): Promise<void> {
    if (this.#ending !== undefined && now) for (const child of this.#children) child.kill('SIGKILL');
    this.#ending ??= this.#endAll(now);
    await this.#ending;
  }

  async #endAll(now: boolean): Promise<void> {
    for (const child of this.#children.toReversed()) {
      await child.stop(now);
      child.closeLog();
    }
  }
}
