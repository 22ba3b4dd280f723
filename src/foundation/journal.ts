import type { CommandMeta } from './actor.ts';

/** Facts of a journal entry: plain values, never personal data (a caller is named by an id or a blind index). */
export type JournalFacts = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** One action, or one reading of personal data, that can be asked about later. */
export interface JournalEntry {
  readonly atMs: number;
  /** `<thing>.<verb>`, for example `operator.signIn` or `contact.read`. */
  readonly action: string;
  readonly meta: CommandMeta;
  readonly facts: JournalFacts;
}

/** The audit journal: entries are only ever added, each bound to the one before it by a hash. */
export interface AuditJournal {
  /** Resolves once the entry is durable; what must be journalled is not done when this rejects. */
  append(entry: JournalEntry): Promise<void>;
}
