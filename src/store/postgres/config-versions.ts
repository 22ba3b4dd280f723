import type { CommandMeta } from '../../foundation/index.ts';
import type { Database } from './database.ts';
import { instant, storableText } from './values.ts';

export interface ConfigVersions {
  /** Keeps the text of a configuration under its version (a hash of its content). `known`: it was kept before, nothing changes. */
  record(
    version: string,
    yaml: string,
    options: { readonly meta: CommandMeta; readonly atMs: number },
  ): Promise<'recorded' | 'known'>;
  /** The text of a version that some contact ran on. */
  get(
    version: string,
  ): Promise<{ readonly version: string; readonly yaml: string; readonly recordedAtMs: number } | undefined>;
}

export function createConfigVersions({ db, guard }: Database): ConfigVersions {
  return {
    record: (version, yaml, { meta, atMs }) =>
      guard('storing a configuration version', async () => {
        const stored = await db
          .insertInto('configVersions')
          .values({
            version,
            yaml: storableText(yaml),
            recordedAt: instant(atMs),
            actorKind: meta.actor.kind,
            actorId: storableText(meta.actor.id),
            reason: storableText(meta.reason),
          })
          .onConflict((conflict) => conflict.column('version').doNothing())
          .returning('version')
          .executeTakeFirst();
        return stored === undefined ? 'known' : 'recorded';
      }),
    get: (version) =>
      guard('reading a configuration version', async () => {
        const row = await db.selectFrom('configVersions').selectAll().where('version', '=', version).executeTakeFirst();
        return row === undefined
          ? undefined
          : { version: row.version, yaml: row.yaml, recordedAtMs: row.recordedAt.getTime() };
      }),
  };
}
