import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { DozvonError, type Logger, messageOf } from '../../foundation/index.ts';
import { listenOn } from './listening.ts';
import { migrations } from './migrations/index.ts';
import type { Tables } from './tables.ts';

export type Db = Kysely<Tables>;

/** A statement whose text never changes: each connection parses it once, under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Reaching the server: it is on this machine or in this room; whoever waits longer than this is told it is away. */
const connectLimitMs = 3_000;
/** One statement. All of ours touch few rows; the server's bound comes first, so that it stops working as well. */
const statementLimitMs = 8_000;
const queryLimitMs = statementLimitMs + 2_000;
/** Migrations may rewrite tables. */
const migrationLimitMs = 600_000;
/** Enough for a burst of ending contacts; PostgreSQL's default is 100 for all processes together. */
const poolSize = 10;

export interface Database {
  readonly db: Db;
  /** Runs a statement of every call: nothing is built anew. Columns of the result are named as the statement names them. */
  readonly run: <Row extends object>(statement: Statement, values: readonly unknown[]) => Promise<readonly Row[]>;
  /**
   * Runs `work` and turns what PostgreSQL throws into `DozvonError`: `DATABASE_UNAVAILABLE` (away, too busy, too slow: try again
   * later; a write may or may not have happened) or `DATABASE_REJECTED` (it understood and refused: a defect of ours).
   */
  readonly guard: <T>(what: string, work: () => Promise<T>) => Promise<T>;
  /**
   * Calls `listener` with every payload notified on `channel`, and with `undefined` whenever it begins to listen, at first and after
   * the connection was lost (notifications may have been missed). Runs until `signal` aborts.
   */
  readonly listen: (
    channel: string,
    listener: (payload: string | undefined) => void,
    signal: AbortSignal,
  ) => Promise<void>;
  /** Brings the tables to this version, one process at a time (advisory lock). */
  migrate(): Promise<void>;
  /** Undoes the last migration. */
  migrateDown(): Promise<void>;
  close(): Promise<void>;
}

export function openDatabase(settings: { readonly databaseUrl: string; readonly logger: Logger }): Database {
  const { databaseUrl, logger } = settings;
  const pool = newPool(databaseUrl, { max: poolSize, statementLimitMs, queryLimitMs }, logger);
  const db = kyselyOn(pool);
  return {
    db,
    run: async <Row extends object>({ name, text }: Statement, values: readonly unknown[]) =>
      (await pool.query<Row & pg.QueryResultRow>({ name, text, values: [...values] })).rows,
    guard,
    listen: (channel, listener, signal) => listenOn({ databaseUrl, logger, channel, listener, signal }),
    migrate: () => guard('migration', () => runMigrations(databaseUrl, 'latest', logger)),
    migrateDown: () => guard('migration', () => runMigrations(databaseUrl, 'down', logger)),
    close: () => pool.end(),
  };
}

function newPool(
  databaseUrl: string,
  limits: { readonly max: number; readonly statementLimitMs: number; readonly queryLimitMs: number },
  logger: Logger,
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: 'dozvon',
    max: limits.max,
    connectionTimeoutMillis: connectLimitMs,
    idleTimeoutMillis: 30_000,
    statement_timeout: limits.statementLimitMs,
    query_timeout: limits.queryLimitMs,
    idle_in_transaction_session_timeout: limits.queryLimitMs,
    keepAlive: true,
    types: { getTypeParser: typeParser },
  });
  // A connection that breaks while no statement runs on it emits `error`: on the pool while idle, on the client alone between two
  // statements of a transaction. Without a listener either would end the process. The pool opens another when asked.
  pool.on('error', (error) => logger.warn({ reason: connectionTrouble(error) }, 'A database connection was lost'));
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

function kyselyOn(pool: pg.Pool): Db {
  return new Kysely<Tables>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
}

/** bigint comes as a number: ours are milliseconds, bytes and counts, all below 2^53. */
const typeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  oid === pg.types.builtins.INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format as 'text');

async function runMigrations(databaseUrl: string, direction: 'latest' | 'down', logger: Logger): Promise<void> {
  // A pool of its own: the bounds of everyday statements are too short for a migration.
  const pool = newPool(
    databaseUrl,
    { max: 2, statementLimitMs: migrationLimitMs, queryLimitMs: migrationLimitMs },
    logger,
  );
  try {
    const migrator = new Migrator({
      db: new Kysely({ dialect: new PostgresDialect({ pool }) }),
      provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
      migrationTableName: 'schema_migrations',
      migrationLockTableName: 'schema_migrations_lock',
    });
    const { error, results } = direction === 'latest' ? await migrator.migrateToLatest() : await migrator.migrateDown();
    for (const result of results ?? []) {
      logger.info(
        { migration: result.migrationName, direction: result.direction, status: result.status },
        'Database migration',
      );
    }
    if (error !== undefined) throw error;
  } finally {
    await pool.end();
  }
}

async function guard<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translated(what, error);
  }
}

/**
 * Classes of SQLSTATE that say "not now": connection (08), rolled back for another transaction's sake (40, a deadlock), resources
 * (53), stopped by an operator or a limit (57), system (58).
 */
const unavailableClasses = new Set(['08', '40', '53', '57', '58']);

function translated(what: string, error: unknown): unknown {
  if (error instanceof pg.DatabaseError) {
    const sqlState = error.code ?? '';
    // The server's message and detail may quote values of the row, so neither goes further than the cause.
    const details = { sqlState, constraint: error.constraint, table: error.table };
    return unavailableClasses.has(sqlState.slice(0, 2))
      ? new DozvonError('DATABASE_UNAVAILABLE', `${what}: PostgreSQL cannot serve it now (${sqlState})`, {
          details,
          cause: error,
        })
      : new DozvonError('DATABASE_REJECTED', `${what}: PostgreSQL refused it (${sqlState})`, { details, cause: error });
  }
  // pg reports lost connections and its own time-outs as plain errors or as Node's system errors; anything else is not the database's.
  const plain = error instanceof Error && (error.constructor === Error || 'syscall' in error);
  if (!plain || error instanceof DozvonError) return error;
  return new DozvonError(
    'DATABASE_UNAVAILABLE',
    `${what}: PostgreSQL cannot be reached (${connectionTrouble(error)})`,
    { cause: error },
  );
}

function connectionTrouble(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : messageOf(error);
}
