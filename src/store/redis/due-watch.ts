import type { Redis } from 'ioredis';
import { type Logger, messageOf } from '../../foundation/index.ts';
import { closeConnection } from './connection.ts';

/** Hears, over pub/sub, when something in the queue becomes due earlier than before. */
export class DueWatch {
  readonly #open: (name: string) => Redis;
  readonly #channel: string;
  readonly #logger: Logger;

  constructor(parts: { readonly open: (name: string) => Redis; readonly prefix: string; readonly logger: Logger }) {
    this.#open = parts.open;
    this.#channel = `${parts.prefix}due`;
    this.#logger = parts.logger;
  }

  async watch(listener: (dueAtMs: number | undefined) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const connection = this.#open('due');
    connection.on('message', (_channel: string, atMs: string) => listener(Number(atMs)));
    connection.on('ready', () => {
      // What was published before the subscription stands is made up for by asking.
      connection.subscribe(this.#channel).then(
        () => listener(undefined),
        (error: unknown) => this.#logger.warn({ error: messageOf(error) }, 'cannot hear what becomes due'),
      );
    });
    connection.connect().catch(() => undefined); // It goes on trying by itself, and has logged why.
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    closeConnection(connection);
  }
}
