import { createHash } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { AuditJournal, JournalEntry } from '../../foundation/index.ts';
import type { Database } from './database.ts';
import type { AuditJournalTable } from './tables.ts';
import { instant, storableJson, storableText } from './values.ts';

/** What the first entry names as the hash before it. */
const beginning = '0'.repeat(64);

/** The key of the advisory lock under which entries get their numbers; any constant that no other part uses. */
const chainLock = 7_300_001;

/** Rows read at once while checking the chain. */
const verifyBatch = 1_000;

export interface JournalCheck {
  readonly entries: number;
  /** Number of the first entry that does not fit the chain; undefined: the chain holds. */
  readonly brokenAt?: number;
}

export interface PostgresJournal extends AuditJournal {
  /** Recomputes the chain from the beginning. A changed, removed or inserted row breaks it; rows cut off the end do not show. */
  verify(): Promise<JournalCheck>;
}

/** The journal as a table that takes inserts only (a trigger refuses the rest) and whose rows are chained by SHA-256. */
export function createJournal({ db, guard }: Database): PostgresJournal {
  return {
    append: (entry) =>
      guard('adding to the journal', () =>
        db.transaction().execute(async (transaction) => {
          // One writer at a time, over all processes: the next hash needs the last one.
          await sql`select pg_advisory_xact_lock(${chainLock})`.execute(transaction);
          const last = await transaction
            .selectFrom('auditJournal')
            .select(['seq', 'hash'])
            .orderBy('seq', 'desc')
            .limit(1)
            .executeTakeFirst();
          const row = toRow(entry, (last?.seq ?? 0) + 1, last?.hash ?? beginning);
          await transaction
            .insertInto('auditJournal')
            .values({ ...row, facts: storableJson(row.facts) })
            .execute();
        }),
      ),

    verify: () =>
      guard('checking the journal', async () => {
        let seq = 0;
        let hash = beginning;
        for (;;) {
          const query = db
            .selectFrom('auditJournal')
            .selectAll()
            .where('seq', '>', seq)
            .orderBy('seq')
            .limit(verifyBatch);
          const rows = await query.execute();
          for (const row of rows) {
            const fits = row.seq === seq + 1 && row.previousHash === hash && row.hash === hashOf(row);
            if (!fits) return { entries: seq, brokenAt: seq + 1 };
            seq = row.seq;
            hash = row.hash;
          }
          if (rows.length < verifyBatch) return { entries: seq };
        }
      }),
  };
}

type HashedFields = Omit<Selectable<AuditJournalTable>, 'hash'>;

function toRow(entry: JournalEntry, seq: number, previousHash: string): Selectable<AuditJournalTable> {
  const fields: HashedFields = {
    seq,
    at: instant(entry.atMs),
    actorKind: entry.meta.actor.kind,
    actorId: storableText(entry.meta.actor.id),
    action: storableText(entry.action),
    reason: storableText(entry.meta.reason),
    // As it will come back from jsonb, so that the same text is hashed when the chain is checked.
    facts: JSON.parse(storableJson(entry.facts)) as Record<string, unknown>,
    previousHash,
  };
  return { ...fields, hash: hashOf(fields) };
}

function hashOf(row: HashedFields): string {
  const { seq, at, actorKind, actorId, action, reason, facts, previousHash } = row;
  const text = JSON.stringify([seq, at.toISOString(), actorKind, actorId, action, reason, sorted(facts), previousHash]);
  return createHash('sha256').update(text).digest('hex');
}

/** Object keys in one order whatever order jsonb keeps them in. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, inner]) => [key, sorted(inner)]);
}
