import { Redis } from 'ioredis';
import pg from 'pg';
import { scriptTime } from '../measure/script-time.ts';
import type { Exchange } from './exchange.ts';

/** How often the servers behind the service have been asked since they started: counts do not depend on how busy the machine is. */
export interface Counts {
  readonly redisScripts: number;
  readonly postgresTransactions: number;
}

export interface Counters {
  read(): Promise<Counts>;
  close(): Promise<void>;
}

export async function openCounters(exchange: Exchange): Promise<Counters> {
  const redis = new Redis(exchange.stack.redisUrl, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined); // The command that fails says it.
  await redis.connect();
  const postgres = new pg.Client({ connectionString: exchange.stack.databaseUrl });
  postgres.on('error', () => undefined);
  await postgres.connect();
  return {
    async read() {
      const { calls: redisScripts } = await scriptTime(redis);
      const { rows } = await postgres.query<{ count: string }>(
        'select xact_commit + xact_rollback as count from pg_stat_database where datname = current_database()',
      );
      return { redisScripts, postgresTransactions: Number(rows[0]?.count ?? 0) };
    },
    async close() {
      redis.disconnect();
      await postgres.end();
    },
  };
}
