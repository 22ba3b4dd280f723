/** Wakes whoever waits for something new. Check for news first, then wait: nothing runs in between. */
export class Signal {
  readonly #wakeUps = new Set<() => void>();

  notify(): void {
    const wakeUps = [...this.#wakeUps];
    this.#wakeUps.clear();
    for (const wakeUp of wakeUps) wakeUp();
  }

  /** Resolves at the next `notify()` or when `signal` aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wakeUp = (): void => {
        this.#wakeUps.delete(wakeUp);
        signal.removeEventListener('abort', wakeUp);
        resolve();
      };
      this.#wakeUps.add(wakeUp);
      signal.addEventListener('abort', wakeUp);
    });
  }
}
