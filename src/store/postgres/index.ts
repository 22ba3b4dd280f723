import { sql } from 'kysely';
import type { LoadHistory, WaitRecords } from '../../acd/index.ts';
import type { CallBackRepository } from '../../callbacks/index.ts';
import type { CaseRepository, Outbox } from '../../cases/index.ts';
import type { ContactRecordStore, ReturningCallers } from '../../contact/store-ports.ts';
import type { Logger } from '../../foundation/index.ts';
import type { RecordingRepository } from '../../recording/ports.ts';
import { createCallBackRepository } from './call-back-repository.ts';
import { createCaseRepository } from './case-repository.ts';
import { type ConfigVersions, createConfigVersions } from './config-versions.ts';
import { createContactRecordStore } from './contact-records.ts';
import { openDatabase } from './database.ts';
import { createJournal, type PostgresJournal } from './journal.ts';
import { createLoadHistory } from './load-profile.ts';
import { createOperatorActivity, type OperatorActivity } from './operator-activity.ts';
import { createOutbox } from './outbox.ts';
import { createRecordingRepository } from './recording-repository.ts';
import { createReturningCallers } from './returning-callers.ts';
import { rememberingIndexes, type Sealer } from './sealer.ts';
import { createWaitRecords } from './service-levels.ts';

export type { ConfigVersions } from './config-versions.ts';
export type { JournalCheck, PostgresJournal } from './journal.ts';
export type { ActivityAspect, ActivityChange, ActivityInterval, OperatorActivity } from './operator-activity.ts';
export type { Sealer } from './sealer.ts';

export interface PostgresStores {
  readonly records: ContactRecordStore;
  readonly callers: ReturningCallers;
  readonly cases: CaseRepository;
  readonly callBacks: CallBackRepository;
  readonly outbox: Outbox;
  readonly recordings: RecordingRepository;
  readonly configVersions: ConfigVersions;
  readonly journal: PostgresJournal;
  readonly activity: OperatorActivity;
  readonly loadHistory: LoadHistory;
  readonly waits: WaitRecords;
  /** Brings the tables to this version; several processes may ask at once. Before anything else is used. */
  migrate(): Promise<void>;
  /** Undoes the last migration: for tests and for going back after an upgrade. */
  migrateDown(): Promise<void>;
  /** Resolves when PostgreSQL answers; rejects with `DATABASE_UNAVAILABLE` when it does not, in bounded time. */
  ping(): Promise<void>;
  /** Writes what still waits to be written with others, waits for what is running and closes every connection. */
  close(): Promise<void>;
}

/**
 * Everything that is kept in PostgreSQL, over one pool of connections that is opened when first needed and opened again after it
 * was lost. Every method rejects with `DATABASE_UNAVAILABLE` or `DATABASE_REJECTED` in bounded time.
 */
export function createPostgresStores(parts: {
  readonly databaseUrl: string;
  readonly sealer: Sealer;
  readonly logger: Logger;
}): PostgresStores {
  const database = openDatabase(parts);
  const sealer = rememberingIndexes(parts.sealer);
  const records = createContactRecordStore(database, sealer);
  const recordings = createRecordingRepository(database);
  return {
    records,
    callers: createReturningCallers(database, sealer),
    cases: createCaseRepository(database, sealer),
    callBacks: createCallBackRepository(database, sealer),
    outbox: createOutbox(database, sealer),
    recordings,
    configVersions: createConfigVersions(database),
    journal: createJournal(database),
    activity: createOperatorActivity(database),
    loadHistory: createLoadHistory(database),
    waits: createWaitRecords(database, sealer),
    migrate: () => database.migrate(),
    migrateDown: () => database.migrateDown(),
    ping: () =>
      database.guard('ping', async () => {
        await sql`select 1`.execute(database.db);
      }),
    async close() {
      await Promise.all([records.settle(), recordings.settle()]);
      await database.close();
    },
  };
}
