import { type Job, Queue, Worker } from 'bullmq';
import type { Outbox } from '../../cases/index.ts';
import {
  type Clock,
  DozvonError,
  type Logger,
  messageOf,
  minuteMs,
  secondMs,
  withLimit,
} from '../../foundation/index.ts';
import { JobConnection } from './connection.ts';
import { type NoticeGateways, relayNotice } from './outbox-relay.ts';

export type { NoticeGateways } from './outbox-relay.ts';

/**
 * What is due later, done once over all processes: notices relayed to a gateway, spools wrapped up that nobody reads any more.
 * Payloads carry ids only. Everything is found again after a restart: the outbox in PostgreSQL, spools on their tmpfs.
 */
export interface DueJobs {
  start(): Promise<void>;
  /** Lets running jobs end in bounded time and closes every connection it opened. */
  stop(): Promise<void>;
  /** Wraps up abandoned spools now rather than at the next interval: after a shard was taken over. */
  settleSpoolsSoon(): Promise<void>;
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
const connectLimitMs = 5 * secondMs;
/** How long a worker whose connection broke waits before it asks for the next job. */
const connectionRetryMs = secondMs;

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
  readonly #connections: JobConnection[] = [];
  readonly #workers: Worker[] = [];
  #outboxJobs: Queue<NoticeJob> | undefined;
  #spoolJobs: Queue | undefined;
  #watching: Promise<void> | undefined;

  constructor(options: DueJobsOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ room: 'jobs' });
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
    const connection = this.#connect();
    const limited = (opening: Promise<unknown>): Promise<unknown> =>
      withLimit(opening, connectLimitMs, 'connecting the job queues to Redis');
    // No worker begins before Redis has been seen: one that does not find it goes on asking for a while.
    await limited(connection.connect());
    await limited(Promise.all(this.#connectWorkers()));
    const shared = { connection, prefix: this.#bullPrefix() };
    this.#outboxJobs = this.#listened(new Queue<NoticeJob>('outbox', shared));
    this.#spoolJobs = this.#listened(new Queue(`spool-${host}`, shared));
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
    const outbox = this.#worker<NoticeJob>('outbox', 4, (job) => this.#relay(job.data.noticeId, job));
    const spool = this.#worker(`spool-${host}`, 1, () => settleSpools());
    return [outbox.waitUntilReady(), spool.waitUntilReady()];
  }

  #worker<Data>(name: string, concurrency: number, process: (job: Job<Data>) => Promise<void>): Worker<Data> {
    const worker = new Worker<Data>(name, process, {
      connection: this.#connect(),
      prefix: this.#bullPrefix(),
      concurrency,
      runRetryDelay: connectionRetryMs,
    });
    worker.on('error', (error) =>
      this.#logger.warn({ jobs: name, reason: messageOf(error) }, 'a job queue has trouble'),
    );
    worker.on('failed', (job, error) => {
      this.#logger.warn(
        { jobs: name, jobId: job?.id, attempts: job?.attemptsMade, reason: messageOf(error) },
        'a job failed',
      );
    });
    this.#workers.push(worker as Worker);
    return worker;
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

  async stop(): Promise<void> {
    this.#stopping.abort();
    await withLimit(this.#watching ?? Promise.resolve(), stopLimitMs, 'the end of watching the outbox').catch(
      () => undefined,
    );
    const closing = Promise.all([
      ...this.#workers.map((worker) => worker.close()),
      this.#outboxJobs?.close(),
      this.#spoolJobs?.close(),
    ]);
    await withLimit(closing, stopLimitMs, 'the end of running jobs').catch((error: unknown) =>
      this.#logger.warn({ reason: messageOf(error) }, 'jobs did not end in time'),
    );
    // Whatever still waits for Redis is refused now, which lets a worker that has not ended do so.
    for (const connection of this.#connections) connection.endForGood();
    await withLimit(closing, secondMs, 'the end of the connections of the jobs').catch(() => undefined);
  }

  /** BullMQ puts a ":" after its prefix itself. */
  #bullPrefix(): string {
    return `${this.#options.prefix.replace(/:$/, '')}:jobs`;
  }

  /** BullMQ does not close a connection that it was given; `stop()` does. */
  #connect(): JobConnection {
    const connection = new JobConnection(this.#options.redisUrl, {
      lazyConnect: true,
      connectionName: 'dozvon-jobs',
      // BullMQ's blocking reads must outlive a loss of Redis.
      maxRetriesPerRequest: null,
      connectTimeout: connectLimitMs,
    });
    this.#connections.push(connection);
    return connection;
  }

  #listened<Q extends Queue>(queue: Q): Q {
    queue.on('error', (error) =>
      this.#logger.warn({ jobs: queue.name, reason: messageOf(error) }, 'a job queue has trouble'),
    );
    return queue;
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
