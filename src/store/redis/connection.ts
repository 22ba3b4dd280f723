import { Redis } from 'ioredis';
import { DozvonError, type Logger, messageOf, secondMs, withLimit } from '../../foundation/index.ts';

/**
 * A decision that Redis has not taken by then is given up. Must stay well below the lease of a shard (about 10 s), or an
 * owner would wait on a dead connection until its contacts are taken over.
 */
const commandLimitMs = 2 * secondMs;
/** What the limit may be late by, twice. */
const lookEveryMs = 250;
const connectLimitMs = 5 * secondMs;
const longestReconnectMs = 2 * secondMs;

/** Replies that say "not now" rather than "never": the same command may succeed later. */
const passingReplies = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|BUSY|MISCONF)\b/;

/** Redis's own error, as ours: `REDIS_UNAVAILABLE` (may or may not have happened, try again) or `REDIS_REFUSED` (a defect). */
export function redisError(error: unknown, what: string): DozvonError {
  if (error instanceof DozvonError) return error;
  const refused = error instanceof Error && error.name === 'ReplyError' && !passingReplies.test(error.message);
  const code = refused ? 'REDIS_REFUSED' : 'REDIS_UNAVAILABLE';
  return new DozvonError(code, `${what}: ${messageOf(error)}`, { cause: error });
}

/** Runs `work`, turning what Redis or the connection throws into our codes. */
export async function asked<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw redisError(error, what);
  }
}

/**
 * A connection that reconnects for ever, with jitter. Commands are never queued while it is away: a decision made late is
 * made on old facts. `blocking` connections carry one long read at a time and have no limit of their own.
 */
export function openConnection(
  url: string,
  options: { readonly logger: Logger; readonly name: string; readonly blocking: boolean },
): Redis {
  const { logger, name } = options;
  const client = new Redis(url, {
    lazyConnect: true,
    connectionName: `dozvon-${name}`,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    connectTimeout: connectLimitMs,
    retryStrategy: (attempt) =>
      Math.min(longestReconnectMs, 50 * 2 ** Math.min(attempt - 1, 6)) * (0.5 + Math.random() / 2),
    // The default keeps a connection to a server that has become a replica.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  let away = false;
  client.on('error', (error: Error) => {
    if (!away) logger.warn({ connection: name, error: error.message }, 'Redis is out of reach, reconnecting');
    away = true;
  });
  client.on('ready', () => {
    if (away) logger.info({ connection: name }, 'Redis is back');
    away = false;
  });
  if (!options.blocking) watchAnswers(client);
  return client;
}

/**
 * Drops the connection when a command has had no answer for `commandLimitMs`: what is under way is refused then, and what follows
 * until there is another connection. ioredis's own limit is a timer for each command; this looks now and then at the last of those
 * under way, which are answered in order.
 */
function watchAnswers(client: Redis): void {
  let seen: { readonly atMs: number; readonly command: { readonly isSettled: boolean } }[] = [];
  const isOverdue = (): boolean => {
    seen = seen.filter(({ command }) => !command.isSettled);
    const [oldest] = seen;
    // Not the time of day, which may be set.
    return oldest !== undefined && performance.now() - oldest.atMs >= commandLimitMs;
  };
  const timer = setInterval(() => {
    if (isOverdue()) {
      // Timers come before sockets are read: this process may have been held up, and the answer have come long ago.
      setImmediate(() => {
        if (!isOverdue()) return;
        seen = [];
        client.stream.destroy(new Error(`no answer within ${commandLimitMs} ms`));
      });
      return;
    }
    const last = client.commandQueue.peekBack();
    if (last === undefined) return;
    seen.push({ atMs: performance.now(), command: last.command as unknown as { isSettled: boolean } });
  }, lookEveryMs);
  timer.unref();
  client.on('end', () => clearInterval(timer));
}

/** Connects for the first time; `DozvonError('REDIS_UNAVAILABLE')` when that fails. */
export async function connectNow(client: Redis): Promise<void> {
  await asked('connecting to Redis', () => withLimit(client.connect(), connectLimitMs, 'connecting to Redis'));
}

/** Ends a connection at once; nothing is in flight that anybody waits for. */
export function closeConnection(client: Redis): void {
  client.disconnect(false);
}

/**
 * What is asked in one turn of the event loop goes out in one write: a system call costs as much as all else of a command.
 * Returns what is to be called before each command.
 */
export function gatheringWrites(client: Redis): () => void {
  let gathering = false;
  return () => {
    // Not there yet while the connection is being made.
    const { stream } = client as { readonly stream?: Redis['stream'] };
    if (gathering || stream === undefined) return;
    gathering = true;
    stream.cork();
    setImmediate(() => {
      gathering = false;
      stream.uncork();
    });
  };
}
