import type { Job, Queue } from 'bullmq';
import {
  asId,
  type CallBackId,
  type CancelTimer,
  type Clock,
  hasCode,
  type Logger,
  messageOf,
  minuteMs,
  secondMs,
  withLimit,
} from '../../foundation/index.ts';
import type { JobConnection } from './connection.ts';
import type { JobQueues } from './job-queues.ts';

/** What is done with call-backs at their times. PostgreSQL has the truth: a job says only when to look. */
export interface CallBackTimes {
  /** It is due. Rejects with `NO_SHARD` where no contact can be made now. */
  due(callBackId: CallBackId): Promise<void>;
  /**
   * Plans all that is scheduled, and gives back what a contact had that is no more. `planOnly`: contacts may be live that Redis
   * does not show yet.
   */
  reconcile(extent: 'all' | 'planOnly'): Promise<void>;
}

/** Everything is planned again this often, whatever became of the jobs. */
const reconcileEveryMs = 5 * minuteMs;
/**
 * After Redis was away contacts that are under way are saved again with their next event; it may have been away until this process started. Above the ten
 * seconds for which a contact tries to be saved before it goes on unsaved.
 */
const settleMs = 30 * secondMs;
/** Tries of a job that throws: two hours in all when PostgreSQL is away, a minute when no shard is free. Then a reconciliation finds it. */
const jobAttempts = 60;
const noShardRetryMs = secondMs;
const firstRetryMs = 5 * secondMs;
const longestRetryMs = 2 * minuteMs;
/** Whoever plans a call-back waits no longer for Redis: planned or not, it is in PostgreSQL. */
const planLimitMs = 2 * secondMs;

const queueName = 'call-back';

interface CallBackJob {
  readonly callBackId: string;
}

export interface CallBackJobsOptions {
  readonly times: CallBackTimes;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default five minutes. */
  readonly reconcileEveryMs?: number;
  /** From the start, or the return of Redis, to the comparison with the live contacts; default half a minute. */
  readonly settleMs?: number;
}

/** A delayed job for each scheduled call-back, made again whenever Redis may have lost it. */
export class CallBackJobs {
  readonly #options: CallBackJobsOptions;
  readonly #queue: Queue<CallBackJob>;
  readonly #connection: JobConnection;
  /** Jobs of this process that are under way: their ids are taken. */
  readonly #running = new Set<string>();
  #cancel: CancelTimer | undefined;
  #reconciling: Promise<void> | undefined;
  /** Asked for while one was under way. */
  #again: 'all' | 'planOnly' | undefined;
  #stopped = false;

  constructor(queues: JobQueues, connection: JobConnection, options: CallBackJobsOptions) {
    this.#options = options;
    this.#connection = connection;
    this.#queue = queues.queue<CallBackJob>(queueName, connection);
    queues.worker<CallBackJob>(
      queueName,
      {
        concurrency: 8,
        settings: { backoffStrategy: (attempts, _type, error) => retryAfterMs(attempts, error) },
      },
      (job) => this.#due(job),
    );
    // The first connection is the start's; whenever it comes back, jobs may have been lost with Redis.
    connection.on('ready', () => this.#redisIsBack());
  }

  /** Redis has been seen. What it holds may not be all. */
  start(): void {
    this.#planAndSettle();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#reconciling;
  }

  /** Planned twice for the same instant it is one job; for another instant, one more, which finds nothing due or is too late. */
  async plan(callBackId: CallBackId, dueAtMs: number): Promise<void> {
    // While Redis is away nothing is kept for it: when it is back, all are planned again.
    if (this.#stopped || this.#connection.status !== 'ready') return;
    const { clock, logger } = this.#options;
    const own = `${callBackId}-${dueAtMs}`;
    const planned = this.#queue.add(
      'due',
      { callBackId },
      {
        // Planned by its own job, which came too early by this process's clock.
        jobId: this.#running.has(own) ? `${own}-again` : own,
        delay: Math.max(0, Math.ceil(dueAtMs - clock.nowMs())),
        attempts: jobAttempts,
        backoff: { type: 'custom' },
        removeOnComplete: true,
        removeOnFail: true,
      },
    );
    await withLimit(planned, planLimitMs, 'planning a call-back').catch((error: unknown) =>
      logger.warn(
        { callBackId, reason: messageOf(error) },
        'a call-back could not be planned; it will be when Redis is back',
      ),
    );
  }

  async #due(job: Job<CallBackJob>): Promise<void> {
    const jobId = job.id ?? '';
    this.#running.add(jobId);
    try {
      await this.#options.times.due(asId<CallBackId>(job.data.callBackId));
    } finally {
      this.#running.delete(jobId);
    }
  }

  get #everyMs(): number {
    return this.#options.reconcileEveryMs ?? reconcileEveryMs;
  }

  get #settleMs(): number {
    return this.#options.settleMs ?? settleMs;
  }

  #redisIsBack(): void {
    if (this.#cancel !== undefined) this.#planAndSettle();
  }

  #planAndSettle(): void {
    this.#reconcile('planOnly');
    this.#reconcileIn(this.#settleMs);
  }

  #reconcileIn(ms: number): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    this.#cancel?.();
    this.#cancel = clock.setTimer(clock.nowMs() + ms, () => {
      this.#reconcile('all');
      this.#reconcileIn(this.#everyMs);
    });
  }

  #reconcile(extent: 'all' | 'planOnly'): void {
    if (this.#stopped) return;
    if (this.#reconciling !== undefined) {
      this.#again = this.#again === 'all' ? 'all' : extent;
      return;
    }
    const { times, logger } = this.#options;
    this.#reconciling = times
      .reconcile(extent)
      .catch((error: unknown) =>
        logger.warn({ reason: messageOf(error) }, 'call-backs could not be planned anew, trying again later'),
      )
      .finally(() => {
        this.#reconciling = undefined;
        const again = this.#again;
        this.#again = undefined;
        if (again !== undefined) this.#reconcile(again);
      });
  }
}

function retryAfterMs(attempts: number, error: Error | undefined): number {
  if (hasCode(error, 'NO_SHARD')) return noShardRetryMs;
  return Math.min(longestRetryMs, firstRetryMs * 2 ** (attempts - 1));
}
