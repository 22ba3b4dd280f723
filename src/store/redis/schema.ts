import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { type RequirementClass, type Skills, type SkillTerm, skillTotal, termsExpression } from '../../acd/index.ts';
import { DozvonError, type Logger, minuteMs } from '../../foundation/index.ts';
import { asked } from './connection.ts';

/** The version of the keys that this program reads and writes (docs/redis-keys.md). */
export const schemaVersion = 4;

/** One step up. Runs while no other process migrates; may run again after a crash, so it must bear repeating. */
export interface KeyMigration {
  readonly to: number;
  readonly describe: string;
  migrate(client: Redis, prefix: string): Promise<void>;
}

/** In order, one for each version above 1. */
export const keyMigrations: readonly KeyMigration[] = [
  {
    to: 2,
    describe: 'requirement classes hold an expression; strategies in use are listed; holds say where they came from',
    async migrate(client, prefix) {
      await giveClassesExpressions(client, prefix);
      for (const operatorId of await client.smembers(`${prefix}operators`)) {
        await completeOperator(client, prefix, operatorId);
      }
    },
  },
  {
    to: 3,
    describe: 'events are one text; older ones are read as they are',
    async migrate() {
      // Nothing to rewrite: programs of version 2 must only not read what is written from now on.
    },
  },
  {
    to: 4,
    describe: 'call-backs keep their place while an operator is rung, and stand by class',
    async migrate(client, prefix) {
      for (const contactId of await callBacksOfVersion3(client, prefix)) await placeCallBack(client, prefix, contactId);
    },
  },
];

/** Those that wait were in a set of their queue; those that are rung are known by who is rung. */
async function callBacksOfVersion3(client: Redis, prefix: string): Promise<readonly string[]> {
  const contactIds: string[] = [];
  for (const queueId of await client.smembers(`${prefix}call-back-queues`)) {
    contactIds.push(...(await client.zrange(`${prefix}call-backs:${queueId}`, 0, '-1')));
  }
  for (const operatorId of await client.smembers(`${prefix}operators`)) {
    for (const [contactId, hold] of Object.entries(await client.hgetall(`${prefix}holds:${operatorId}`))) {
      if (hold.startsWith('offered ')) contactIds.push(contactId);
    }
  }
  return contactIds;
}

async function placeCallBack(client: Redis, prefix: string, contactId: string): Promise<void> {
  const contact = await client.hgetall(`${prefix}contact:${contactId}`);
  const { kind, queueId, medium, classId, score = '0', offerId } = contact;
  if (kind === undefined || queueId === undefined) return;
  await client.zadd(`${prefix}call-backs:${queueId}`, score, contactId);
  await client.sadd(`${prefix}call-back-queues`, queueId);
  if (offerId !== undefined) return;
  await client.zadd(`${prefix}waiting-call-backs:${medium}:${classId}:${queueId}`, score, contactId);
  // LT: a class is as early as its first.
  await client.zadd(`${prefix}call-back-heads:${medium}:${queueId}`, 'LT', score, String(classId));
}

async function giveClassesExpressions(client: Redis, prefix: string): Promise<void> {
  const classes = await client.hgetall(`${prefix}classes`);
  for (const [classId, text] of Object.entries(classes)) {
    const { terms, ...kept } = JSON.parse(text) as RequirementClass & { readonly terms?: readonly SkillTerm[] };
    if (terms === undefined) continue;
    const requirement = { ...kept, expression: termsExpression(terms) };
    await client.hset(`${prefix}classes`, classId, JSON.stringify(requirement));
    await client.sadd(`${prefix}strategies`, requirement.strategy);
  }
}

/** The total of his skills, and of what he holds: whose inbox hears of it, and since when. Duty is counted when he is registered next. */
async function completeOperator(client: Redis, prefix: string, operatorId: string): Promise<void> {
  const key = `${prefix}operator:${operatorId}`;
  const operator = await client.hgetall(key);
  await client.hset(key, 'skillTotal', skillTotal(JSON.parse(operator.skills ?? '{}') as Skills));
  let engaged = 0;
  for (const [contactId, written] of Object.entries(await client.hgetall(`${prefix}holds:${operatorId}`))) {
    const words = written.split(' ');
    if (words[0] !== 'offered') engaged += 1;
    if (words.length > 3) continue;
    const queueId = await client.hget(`${prefix}contact:${contactId}`, 'queueId');
    // Who is in conversation has left his queue, and nothing says any more which it was.
    const hold = [...words, await shardOf(client, prefix, contactId), queueId ?? 'unknown'];
    if (words[0] !== 'offered') hold.push(operator.readySinceMs ?? String(Date.now()));
    await client.hset(`${prefix}holds:${operatorId}`, contactId, hold.join(' '));
  }
  if (engaged > 0) await client.hset(key, 'engaged', engaged);
}

async function shardOf(client: Redis, prefix: string, contactId: string): Promise<string> {
  for (const shard of await client.smembers(`${prefix}shards`)) {
    if ((await client.hexists(`${prefix}contacts:${shard}`, contactId)) === 1) return shard;
  }
  return 'unknown';
}

/** Longer than any migration takes; a process that died in one blocks the others for no longer than this. */
const migrationLockMs = minuteMs;
const lockPauseMs = 200;

/**
 * Brings the keys under `prefix` to `version`; a fresh prefix is marked with it. `DozvonError('REDIS_SCHEMA_NEWER')`
 * when a later program has been here: its keys must not be touched.
 */
export async function bringUpToDate(
  client: Redis,
  prefix: string,
  options: { readonly logger: Logger; readonly migrations?: readonly KeyMigration[]; readonly version?: number },
): Promise<void> {
  const target = options.version ?? schemaVersion;
  const versionKey = `${prefix}schema`;
  const lockKey = `${prefix}schema-lock`;
  await asked('setting the schema', () => client.set(versionKey, target, 'NX'));
  for (let waitedMs = 0; ; waitedMs += lockPauseMs) {
    const found = Number(await asked('reading the schema', () => client.get(versionKey)));
    if (found === target) return;
    if (found > target) {
      throw new DozvonError('REDIS_SCHEMA_NEWER', `expected keys of version ${target} or older, found ${found}`);
    }
    const locked = await asked('locking the schema', () =>
      client.set(lockKey, process.pid, 'PX', migrationLockMs, 'NX'),
    );
    if (locked === 'OK') break;
    if (waitedMs > migrationLockMs) {
      throw new DozvonError(
        'TIMED_OUT',
        `keys are still of version ${found} after ${waitedMs} ms: another process migrates`,
      );
    }
    await pause(lockPauseMs);
  }
  try {
    const found = Number(await asked('reading the schema', () => client.get(versionKey)));
    for (const migration of options.migrations ?? keyMigrations) {
      if (migration.to <= found || migration.to > target) continue;
      options.logger.info({ to: migration.to, what: migration.describe }, 'migrating the keys in Redis');
      await asked(`migrating to ${migration.to}`, () => migration.migrate(client, prefix));
      await asked('setting the schema', () => client.set(versionKey, migration.to));
    }
  } finally {
    await asked('unlocking the schema', () => client.del(lockKey));
  }
}
