import { DozvonError } from './errors.ts';

/**
 * Lets many wait for a condition over state that changes by events: every change is told by `notify`, and each waiter looks again.
 */
export class Changes {
  #waiting = new Set<() => void>();

  notify(): void {
    for (const look of this.#waiting) look();
  }

  /**
   * Resolves with the first value of `probe` that is not undefined; rejects with what `probe` throws, or with `TIMED_OUT` after
   * `limitMs`. `what` completes the sentence "expected …".
   */
  async until<T>(probe: () => T | undefined, options: { readonly limitMs: number; readonly what: string }): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        finish();
      };
      const look = (): void => {
        try {
          const value = probe();
          if (value !== undefined) settle(() => resolve(value));
        } catch (error) {
          settle(() => reject(error instanceof Error ? error : new Error(String(error))));
        }
      };
      const timer = setTimeout(() => {
        const message = `expected ${options.what} within ${options.limitMs} ms, and it did not happen`;
        settle(() => reject(new DozvonError('TIMED_OUT', message)));
      }, options.limitMs);
      this.#waiting.add(look);
      look();
    });
  }
}
