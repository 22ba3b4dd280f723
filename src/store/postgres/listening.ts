import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { type Logger, messageOf, secondMs } from '../../foundation/index.ts';

const connectLimitMs = 5 * secondMs;
const firstReconnectMs = 250;
const longestReconnectMs = 10 * secondMs;

/** Holds one connection that only listens, and opens another whenever it is lost, until `signal` aborts. */
export async function listenOn(options: {
  readonly databaseUrl: string;
  readonly logger: Logger;
  readonly channel: string;
  readonly listener: (payload: string | undefined) => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { signal, logger, channel } = options;
  let reconnectMs = firstReconnectMs;
  while (!signal.aborted) {
    try {
      await listenOnce({ ...options, onListening: () => (reconnectMs = firstReconnectMs) });
    } catch (error) {
      logger.warn({ channel, reason: messageOf(error) }, 'listening to the database was interrupted');
      await pause(reconnectMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      reconnectMs = Math.min(reconnectMs * 2, longestReconnectMs);
    }
  }
}

/** Resolves when `signal` aborts, rejects when the connection is lost. */
async function listenOnce(options: {
  readonly databaseUrl: string;
  readonly channel: string;
  readonly listener: (payload: string | undefined) => void;
  readonly signal: AbortSignal;
  readonly onListening: () => void;
}): Promise<void> {
  const { databaseUrl, channel, listener, signal } = options;
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'dozvon-listener',
    connectionTimeoutMillis: connectLimitMs,
    keepAlive: true,
  });
  const lost = new Promise<never>((_resolve, reject) => {
    client.on('error', reject);
    client.on('end', () => reject(new Error('the connection has ended')));
  });
  // It may be lost before anybody waits for it.
  lost.catch(() => undefined);
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  client.on('notification', (message) => listener(message.payload));
  try {
    await client.connect();
    await client.query(`listen ${client.escapeIdentifier(channel)}`);
    if (signal.aborted) return;
    options.onListening();
    listener(undefined);
    await Promise.race([lost, aborted]);
  } finally {
    await client.end().catch(() => undefined);
  }
}
