import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';

/** Every file below the folders, as text. */
function filesBelow(dir: string): readonly { readonly place: string; readonly text: string }[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .filter((place) => statSync(place).isFile())
    .map((place) => ({ place, text: readFileSync(place, 'latin1') }));
}

/** Every row of every table of ours, as text. */
async function rowsOf(databaseUrl: string): Promise<readonly { readonly place: string; readonly text: string }[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const tables = await client.query<{ readonly name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const dumps = [];
    for (const { name } of tables.rows) {
      const rows = await client.query<{ readonly row: string }>(`select to_jsonb(t)::text as row from ${name} t`);
      dumps.push({ place: `table ${name}`, text: rows.rows.map(({ row }) => row).join('\n') });
    }
    return dumps;
  } finally {
    await client.end();
  }
}

/** Every key of Redis with all that it holds, as text. */
async function keysOf(redisUrl: string): Promise<readonly { readonly place: string; readonly text: string }[]> {
  const redis = new Redis(redisUrl);
  const read: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
    string: async (key) => await redis.get(key),
    hash: async (key) => await redis.hgetall(key),
    list: async (key) => await redis.lrange(key, 0, -1),
    set: async (key) => await redis.smembers(key),
    zset: async (key) => await redis.zrange(key, '0', '-1'),
    stream: async (key) => await redis.xrange(key, '-', '+'),
  };
  try {
    const dumps = [];
    for (const key of await redis.keys('*')) {
      const type = await redis.type(key);
      dumps.push({ place: `Redis key ${key}`, text: `${key} ${JSON.stringify(await read[type]?.(key))}` });
    }
    return dumps;
  } finally {
    redis.disconnect();
  }
}

/** Where each of the planted data stands in the clear: in logs, tables, Redis. Empty: nowhere. */
export async function findInTheClear(
  planted: readonly string[],
  places: { readonly dirs: readonly string[]; readonly databaseUrl: string; readonly redisUrl: string },
): Promise<{ readonly found: readonly string[]; readonly looked: number }> {
  const all = [
    ...places.dirs.flatMap(filesBelow),
    ...(await rowsOf(places.databaseUrl)),
    ...(await keysOf(places.redisUrl)),
  ];
  const found = all.flatMap(({ place, text }) =>
    planted.flatMap((datum) => (text.includes(datum) ? [`${datum} in ${place}`] : [])),
  );
  return { found, looked: all.length };
}
