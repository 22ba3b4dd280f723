import type { Redis } from 'ioredis';

/** Time that Redis itself has spent in our verbs since it started, and how many it ran: functions, and scripts outside them. */
export async function scriptTime(client: Redis): Promise<{ readonly calls: number; readonly microseconds: number }> {
  const text = await client.info('commandstats');
  const lines = [...text.matchAll(/cmdstat_(?:evalsha|fcall):calls=(\d+),usec=(\d+)/g)];
  return {
    calls: lines.reduce((total, [, calls]) => total + Number(calls), 0),
    microseconds: lines.reduce((total, [, , microseconds]) => total + Number(microseconds), 0),
  };
}
