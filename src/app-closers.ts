import { type Logger, messageOf } from './foundation/index.ts';

/** Undoes what has been started, last first. */
export class Closers {
  readonly #closers: { readonly what: string; readonly close: () => Promise<void> }[] = [];
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(what: string, close: () => Promise<void>): void {
    this.#closers.push({ what, close });
  }

  async closeAll(): Promise<void> {
    for (const { what, close } of this.#closers.splice(0).reverse()) {
      await close().catch((error: unknown) =>
        this.#logger.warn({ what, error: messageOf(error) }, 'a part did not stop cleanly'),
      );
    }
  }
}
