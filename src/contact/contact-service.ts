import type { QueueInbox } from '../acd/index.ts';
import {
  type CallBackId,
  type CancelTimer,
  type Clock,
  DozvonError,
  type Logger,
  messageOf,
  secondMs,
} from '../foundation/index.ts';
import type { EffectPorts } from './effect-runner.ts';
import type { TelephonyPort } from './ports.ts';
import type { StateSealer } from './room-ports.ts';
import type { ContactRules } from './rules.ts';
import { Shard } from './shard.ts';
import type { ContactStateStore, ShardLease, ShardLeases } from './store-ports.ts';

export interface ContactServiceOptions {
  readonly nodeId: string;
  /** The shards this node owns when it is alive. It takes over others whose owner has died. */
  readonly ownShards: readonly string[];
  readonly telephonyFor: (shard: string) => TelephonyPort;
  readonly ports: Omit<EffectPorts, 'telephony' | 'clock'>;
  readonly leases: ShardLeases;
  readonly states: ContactStateStore;
  readonly inbox: QueueInbox;
  readonly sealer: StateSealer;
  readonly rules: () => ContactRules;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Honours the instant at which a test call asks the schedule to be evaluated. */
  readonly testing: boolean;
}

export interface ContactService {
  /** Resolves when every own shard that is free has been taken and compared with Asterisk's state. */
  start(): Promise<void>;
  /** Gives the shards back; calls stay in Asterisk. */
  stop(): Promise<void>;
  /**
   * Makes a contact that claims the call-back and, if it is its own, has it dialled; resolves when that contact is saved. `DozvonError('NO_SHARD')` while
   * no shard of this process is connected to Asterisk.
   */
  beginCallBack(callBackId: CallBackId): Promise<void>;
  /** Throws `TELEPHONY_UNAVAILABLE` while a shard of this process is cut off from Asterisk: for the health probe. */
  assertConnected(): void;
  /** Live contacts of this process, and the shards it owns. */
  status(): { readonly contacts: number; readonly shards: readonly string[] };
}

/** How long a dead process's shards stay without an owner at most. A stalled event loop must not look dead: several times the longest stall seen. */
const leaseMs = 4 * secondMs;
/** Three tries within a lease. */
const renewEveryMs = secondMs;

interface Holding {
  readonly lease: ShardLease;
  readonly shard: Shard;
}

/** Owns shards by lease: its own at the start, those of a dead process when their lease runs out. */
export function createContactService(options: ContactServiceOptions): ContactService {
  const { clock, leases, logger, nodeId } = options;
  const held = new Map<string, Holding>();
  let cancelRenewal: CancelTimer | undefined;
  /** Also until the own shards are there: one being taken must not be taken twice. */
  let takingOver = true;
  let stopped = false;

  function forget(name: string, shard: Shard): void {
    if (held.get(name)?.shard === shard) held.delete(name);
  }

  async function take(name: string): Promise<boolean> {
    const lease = await leases.acquire(name, { nodeId, nowMs: clock.nowMs(), leaseMs });
    if (!lease) return false;
    if (stopped) {
      await leases.release(lease);
      return false;
    }
    const shard: Shard = new Shard({
      ...options,
      lease,
      ports: { ...options.ports, telephony: options.telephonyFor(name), clock },
      onLost: () => forget(name, shard),
    });
    held.set(name, { lease, shard });
    logger.info({ shard: name, epoch: lease.epoch }, 'shard taken');
    try {
      await shard.start();
    } catch (error) {
      // Held and not served, its contacts would wait for ever: given back, it is tried again by whoever comes first.
      forget(name, shard);
      await shard.stop();
      await leases.release(lease);
      throw error;
    }
    return true;
  }

  async function renewAll(): Promise<void> {
    for (const [name, { lease, shard }] of held) {
      const kept = await leases.renew(lease, { nowMs: clock.nowMs(), leaseMs });
      if (kept) continue;
      logger.warn({ shard: name }, 'the lease of the shard is lost');
      held.delete(name);
      await shard.stop();
    }
  }

  /** Shards of others whose lease has run out: a process that has died gives nothing back by itself. */
  async function takeOver(): Promise<void> {
    const nowMs = clock.nowMs();
    for (const one of await leases.list()) {
      if (held.has(one.shard) || one.expiresAtMs > nowMs || stopped) continue;
      if (!(await take(one.shard))) continue;
      logger.warn({ shard: one.shard, from: one.nodeId }, 'shard taken over');
      // The dead process may have given a pair back and died before it could match them again.
      await options.ports.queue.matchAll();
    }
  }

  /** Beside the renewals: taking over waits for Asterisk, and the leases held must not run out meanwhile. */
  function takeOverBeside(): void {
    if (takingOver || stopped) return;
    takingOver = true;
    takeOver()
      .catch((error: unknown) => logger.warn({ error: messageOf(error) }, 'a shard could not be taken over now'))
      .finally(() => {
        takingOver = false;
      });
  }

  function scheduleRenewal(): void {
    if (stopped) return;
    cancelRenewal = clock.setTimer(clock.nowMs() + renewEveryMs, () => {
      renewAll()
        .then(takeOverBeside)
        .catch((error: unknown) => logger.warn({ error: messageOf(error) }, 'leases could not be renewed now'))
        .finally(scheduleRenewal);
    });
  }

  return {
    async start() {
      // From now on: the first connection to Asterisk may take longer than a lease lasts.
      scheduleRenewal();
      const takes = await Promise.all(options.ownShards.map((name) => take(name)));
      if (stopped) throw new DozvonError('STOPPED', 'the service was stopped while it started');
      if (takes.includes(false))
        logger.warn({ ownShards: options.ownShards }, 'a shard of this node is held by another process; standing by');
      takingOver = false;
    },
    async stop() {
      stopped = true;
      cancelRenewal?.();
      for (const { lease, shard } of held.values()) {
        await shard.close();
        await leases.release(lease);
      }
      held.clear();
    },
    async beginCallBack(callBackId) {
      const connected = [...held.values()].map(({ shard }) => shard).filter((shard) => shard.connected);
      const [shard] = connected.sort((one, other) => one.contacts - other.contacts);
      if (shard === undefined || stopped)
        throw new DozvonError('NO_SHARD', 'expected a shard of this process that is connected to Asterisk, got none');
      await shard.beginCallBack(callBackId);
    },
    assertConnected() {
      for (const [name, { shard }] of held) {
        if (!shard.connected)
          throw new DozvonError('TELEPHONY_UNAVAILABLE', `shard ${name} is not connected to Asterisk`);
      }
    },
    status: () => ({
      contacts: [...held.values()].reduce((sum, { shard }) => sum + shard.contacts, 0),
      shards: [...held.keys()],
    }),
  };
}
