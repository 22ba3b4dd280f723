import type { Redis } from 'ioredis';
import type { AlarmBoard, QueueInbox, QueueStore } from '../../acd/ports.ts';
import type { ContactStateStore, EventStream, ShardLeases } from '../../contact/store-ports.ts';
import type { Logger } from '../../foundation/index.ts';
import { RedisAlarmBoard } from './alarm-board.ts';
import { ClassMap } from './class-map.ts';
import { asked, closeConnection, connectNow, openConnection } from './connection.ts';
import { RedisContactStates } from './contact-states.ts';
import { DueWatch } from './due-watch.ts';
import { RedisEventStream } from './event-stream.ts';
import { EventTail } from './event-tail.ts';
import { RedisInbox } from './inbox.ts';
import { LocalReaders } from './local-readers.ts';
import { RedisQueueStore } from './queue-store.ts';
import { bringUpToDate } from './schema.ts';
import { Scripts } from './scripts.ts';
import { RedisShardLeases } from './shard-leases.ts';

export interface RedisStores {
  readonly queue: QueueStore;
  readonly inbox: QueueInbox;
  readonly leases: ShardLeases;
  readonly contactStates: ContactStateStore;
  readonly events: EventStream;
  readonly alarms: AlarmBoard;
  /** For the health probe: resolves when Redis answers, `DozvonError('REDIS_UNAVAILABLE')` otherwise. */
  ping(): Promise<void>;
  /** Closes every connection at once; consumers are ended by their own signals before. */
  close(): Promise<void>;
}

/**
 * Connects and checks the version of the keys. `prefix` begins every key, for example `dozvon:`. Rejects with
 * `DozvonError('REDIS_UNAVAILABLE')` when Redis cannot be reached now; later losses are survived by reconnecting.
 */
export async function createRedisStores(options: {
  readonly url: string;
  readonly prefix: string;
  readonly logger: Logger;
}): Promise<RedisStores> {
  const { url, prefix, logger } = options;
  const open = new Set<Redis>();
  const openTracked = (name: string, blocking: boolean): Redis => {
    const connection = openConnection(url, { logger, name, blocking });
    open.add(connection);
    connection.on('end', () => open.delete(connection));
    return connection;
  };
  const close = async (): Promise<void> => {
    for (const connection of open) closeConnection(connection);
  };

  const client = openTracked('decisions', false);
  try {
    await connectNow(client);
    await bringUpToDate(client, prefix, { logger });
  } catch (error) {
    await close();
    throw error;
  }
  const openBlocking = (name: string): Redis => openTracked(name, true);
  const scripts = new Scripts(client, prefix);
  const readers = new LocalReaders();
  const parts = { client, scripts, prefix, logger, readers, openBlocking };
  return {
    queue: new RedisQueueStore({
      ...parts,
      map: new ClassMap(parts),
      dueWatch: new DueWatch({ open: openBlocking, prefix, logger }),
    }),
    inbox: new RedisInbox(parts),
    leases: new RedisShardLeases(parts),
    contactStates: new RedisContactStates(parts),
    events: new RedisEventStream({ ...parts, tail: new EventTail(parts) }),
    alarms: new RedisAlarmBoard(parts),
    async ping() {
      await asked('ping', () => client.ping());
    },
    close,
  };
}
