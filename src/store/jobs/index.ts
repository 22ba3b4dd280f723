import type { Job, Queue } from 'bullmq';
import type { Outbox } from '../../cases/index.ts';
import {
  type CallBackId,
  type Clock,
  DozvonError,
  type Logger,
  messageOf,
  minuteMs,
  secondMs,
  withLimit,
} from '../../foundation/index.ts';
import { CallBackJobs, type CallBackTimes } from './call-back-jobs.ts';
import type { JobConnection } from './connection.ts';
import { connectLimitMs, JobQueues } from './job-queues.ts';
import { type NoticeGateways, relayNotice } from './outbox-relay.ts';

export type { CallBackTimes } from './call-back-jobs.ts';
export type { NoticeGateways } from './outbox-relay.ts';

/**
 * What is due later, done once over all processes: notices relayed to a gateway, spools wrapped up that nobody reads any more,
 * call-backs made. Payloads carry ids only. Everything is found again after a restart: outbox and call-backs in PostgreSQL, spools on their tmpfs.
 */
export interface DueJobs {
  start(): Promise<void>;
  /** Lets running jobs end in bounded time and closes every connection it opened. */
  stop(): Promise<void>;
  /** Wraps up abandoned spools now rather than at the next interval: after a shard was taken over. */
  settleSpoolsSoon(): Promise<void>;
  /** Has `CallBackTimes.due` called then, by whichever process; in bounded time, also while Redis is away. */
  planCallBack(callBackId: CallBackId, dueAtMs: number): Promise<void>;
}

export interface DueJobsOptions {
  readonly redisUrl: string;
  /** Begins every key, as everywhere else in Redis. */
  readonly prefix: string;
  readonly outbox: Outbox;
  /** Empty until a gateway is set up: notices then stay pending. */
  readonly gateways: NoticeGateways;
  /** Wraps up recordings whose owner is gone; safe to repeat. Runs on the machine whose spool it is. */
  readonly settleSpools: () => Promise<void>;
  /** Names the machine: a spool is tmpfs, so only its own processes can read it. Letters, digits, "-". */
  readonly host: string;
  /** Where callers are called back. */
  readonly callBacks?: CallBackTimes;
  /** How often call-backs are compared with the live contacts, and how long after the start and the return of Redis; defaults are for service. */
  readonly reconcile?: { readonly everyMs: number; readonly settleMs: number };
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Nobody can tell that a process has died without taking over what it left; this is for what the take-over has missed. */
const settleEveryMs = 15 * minuteMs;
/** Tries of a job that throws (PostgreSQL away): 5 s doubling, about an hour in all. */
const jobAttempts = 10;
const jobBackoffMs = 5 * secondMs;
/** Notices looked at after a start; each one that is sent makes room for none, so the rest follows at the next start or loss. */
const unsentAtOnce = 10_000;
const stopLimitMs = 5 * secondMs;

interface NoticeJob {
  readonly noticeId: string;
}

export function createDueJobs(options: DueJobsOptions): DueJobs {
  return new BullDueJobs(options);
}

class BullDueJobs implements DueJobs {
  readonly #options: DueJobsOptions;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #queues: JobQueues;
  #outboxJobs: Queue<NoticeJob> | undefined;
  #spoolJobs: Queue | undefined;
  #callBackJobs: CallBackJobs | undefined;
  #watching: Promise<void> | undefined;

  constructor(options: DueJobsOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ room: 'jobs' });
    this.#queues = new JobQueues({ ...options, logger: this.#logger });
  }

  async start(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      await this.stop();
      throw new DozvonError('REDIS_UNAVAILABLE', `the job queues cannot be opened: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async #open(): Promise<void> {
    const { host, outbox } = this.#options;
    const connection = this.#queues.connect();
    const limited = (opening: Promise<unknown>): Promise<unknown> =>
      withLimit(opening, connectLimitMs, 'connecting the job queues to Redis');
    // No worker begins before Redis has been seen: one that does not find it goes on asking for a while.
    await limited(connection.connect());
    await limited(Promise.all(this.#connectWorkers()));
    this.#outboxJobs = this.#queues.queue<NoticeJob>('outbox', connection);
    this.#spoolJobs = this.#queues.queue(`spool-${host}`, connection);
    this.#startCallBacks(connection);
    await this.#spoolJobs.upsertJobScheduler(
      'settle',
      { every: settleEveryMs },
      { name: 'settle', opts: { removeOnComplete: true, removeOnFail: true } },
    );
    // Without a gateway there is nobody to relay to, and nothing to watch for.
    if (Object.keys(this.#options.gateways).length > 0) {
      this.#watching = outbox.watch((noticeId) => this.#announced(noticeId), this.#stopping.signal);
    }
  }

  #connectWorkers(): readonly Promise<unknown>[] {
    const { host, settleSpools } = this.#options;
    const outbox = this.#queues.worker<NoticeJob>('outbox', { concurrency: 4 }, (job) =>
      this.#relay(job.data.noticeId, job),
    );
    const spool = this.#queues.worker(`spool-${host}`, { concurrency: 1 }, () => settleSpools());
    return [outbox.waitUntilReady(), spool.waitUntilReady()];
  }

  #startCallBacks(connection: JobConnection): void {
    const { callBacks, reconcile, clock } = this.#options;
    if (callBacks === undefined) return;
    const bounds = reconcile === undefined ? {} : { reconcileEveryMs: reconcile.everyMs, settleMs: reconcile.settleMs };
    const parts = { times: callBacks, clock, logger: this.#logger, ...bounds };
    this.#callBackJobs = new CallBackJobs(this.#queues, connection, parts);
    this.#callBackJobs.start();
  }

  async settleSpoolsSoon(): Promise<void> {
    const added = this.#spoolJobs?.add(
      'settle',
      {},
      { jobId: 'settle-soon', removeOnComplete: true, removeOnFail: true },
    );
    // While Redis is away the command waits for it; the interval will do as well.
    if (added !== undefined) await withLimit(added, connectLimitMs, 'planning a job');
  }

  async planCallBack(callBackId: CallBackId, dueAtMs: number): Promise<void> {
    await this.#callBackJobs?.plan(callBackId, dueAtMs);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await withLimit(this.#watching ?? Promise.resolve(), stopLimitMs, 'the end of watching the outbox').catch(
      () => undefined,
    );
    const reconciled = this.#callBackJobs?.stop() ?? Promise.resolve();
    await withLimit(reconciled, stopLimitMs, 'the end of planning call-backs').catch(() => undefined);
    await this.#queues.stop();
  }

  #announced(noticeId: string | undefined): void {
    const planned = noticeId === undefined ? this.#planUnsent() : this.#plan(noticeId, this.#options.clock.nowMs());
    planned.catch((error: unknown) => this.#logger.warn({ reason: messageOf(error) }, 'notices could not be planned'));
  }

  async #planUnsent(): Promise<void> {
    for (const { noticeId, dueAtMs } of await this.#options.outbox.unsent(unsentAtOnce))
      await this.#plan(noticeId, dueAtMs);
  }

  async #relay(noticeId: string, job: Job<NoticeJob>): Promise<void> {
    const result = await relayNotice(noticeId, { ...this.#options, logger: this.#logger });
    // Another id than this job's, which is still taken while it runs.
    if (result.outcome === 'later') await this.#plan(noticeId, result.atMs, job.id);
  }

  /** The same notice planned by several processes is one job: its id says which. */
  async #plan(noticeId: string, atMs: number, after?: string): Promise<void> {
    const own = `notice-${noticeId}`;
    const jobId = after === own ? `${own}-again` : own;
    await this.#outboxJobs?.add(
      'relay',
      { noticeId },
      {
        jobId,
        delay: Math.max(0, atMs - this.#options.clock.nowMs()),
        attempts: jobAttempts,
        backoff: { type: 'exponential', delay: jobBackoffMs },
        removeOnComplete: true,
        removeOnFail: true,
      },
    );
  }
}
