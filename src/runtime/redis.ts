import { join } from 'node:path';

import { Redis } from 'ioredis';

import { DozvonError, messageOf, secondMs } from '../foundation/index.ts';

/** The configuration file of our own Redis. It holds the password: mode 0600. */
export function renderRedisConfig(options: {
  readonly port: number;
  readonly password: string;
  readonly dataDir: string;
}): string {
  return [
    'bind 127.0.0.1',
    `port ${options.port}`,
    'protected-mode yes',
    `requirepass ${options.password}`,
    `dir ${options.dataDir}`,
    // Every acknowledged change is in the append-only file within a second; a place in the queue outlives a restart.
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    // Never drop a key to make room: a waiting caller is a key.
    'maxmemory-policy noeviction',
    'daemonize no',
    'loglevel notice',
    '',
  ].join('\n');
}

export function redisUrl(port: number, password: string): string {
  return `redis://:${password}@127.0.0.1:${port}/0`;
}

/** Asks a Redis for its version. Throws `REDIS_UNREACHABLE` or `REDIS_UNSUITABLE` with one sentence (never the URL: it may hold a password). */
export async function askRedis(url: string, limitMs = 5 * secondMs): Promise<{ readonly version: string }> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: limitMs,
    commandTimeout: limitMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  redis.on('error', () => {
    // The rejected connect() below says it.
  });
  try {
    await redis.connect();
    const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? '0';
    if (Number(version.split('.')[0]) < 7)
      throw new DozvonError('REDIS_UNSUITABLE', `The Redis of REDIS_URL is ${version}: version 7 or later is needed.`);
    return { version };
  } catch (cause) {
    if (cause instanceof DozvonError) throw cause;
    throw new DozvonError('REDIS_UNREACHABLE', `Redis does not answer (${messageOf(cause)}).`, { cause });
  } finally {
    redis.disconnect();
  }
}

export function redisConfigFile(redisDir: string): string {
  return join(redisDir, 'redis.conf');
}
