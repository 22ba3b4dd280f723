import type { AlarmBoard, QueueInbox, QueueStore } from '../../acd/ports.ts';
import type { ContactStateStore, EventStream, ShardLeases } from '../../contact/store-ports.ts';
import { type Logger, silentLogger } from '../../foundation/index.ts';
import { MemoryAlarmBoard } from './alarm-board.ts';
import { MemoryContactStates } from './contact-states.ts';
import { EventLog } from './event-log.ts';
import { Inbox } from './inbox.ts';
import { MemoryQueueStore } from './queue-store.ts';
import { MemoryShardLeases } from './shard-leases.ts';

export interface MemoryStores {
  readonly queue: QueueStore;
  readonly inbox: QueueInbox;
  readonly leases: ShardLeases;
  readonly contactStates: ContactStateStore;
  readonly events: EventStream;
  readonly alarms: AlarmBoard;
  close(): Promise<void>;
}

/** Everything Redis keeps, in memory: for the simulation and for tests. Several "processes" may share one set. */
export function createMemoryStores(options: { readonly logger?: Logger } = {}): MemoryStores {
  const logger = options.logger ?? silentLogger;
  const events = new EventLog(logger);
  const inbox = new Inbox(logger);
  const leases = new MemoryShardLeases();
  return {
    queue: new MemoryQueueStore(events, inbox),
    inbox,
    leases,
    contactStates: new MemoryContactStates(leases, events),
    events,
    alarms: new MemoryAlarmBoard(events),
    async close() {},
  };
}
