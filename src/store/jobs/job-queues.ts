import { type Job, Queue, Worker, type WorkerOptions } from 'bullmq';
import { type Logger, messageOf, secondMs, withLimit } from '../../foundation/index.ts';
import { JobConnection } from './connection.ts';

const stopLimitMs = 5 * secondMs;
export const connectLimitMs = 5 * secondMs;
/** How long a worker whose connection broke waits before it asks for the next job. */
const connectionRetryMs = secondMs;

/** The job queues and workers of a process with their connections: opened one by one, ended together. */
export class JobQueues {
  readonly #redisUrl: string;
  readonly #prefix: string;
  readonly #logger: Logger;
  readonly #connections: JobConnection[] = [];
  readonly #workers: Worker[] = [];
  readonly #queues: Queue[] = [];

  /** `prefix` begins every key; BullMQ puts a ":" after its own itself. */
  constructor(options: { readonly redisUrl: string; readonly prefix: string; readonly logger: Logger }) {
    this.#redisUrl = options.redisUrl;
    this.#prefix = `${options.prefix.replace(/:$/, '')}:jobs`;
    this.#logger = options.logger;
  }

  /** BullMQ does not close a connection that it was given; `stop()` does. */
  connect(): JobConnection {
    const connection = new JobConnection(this.#redisUrl, {
      lazyConnect: true,
      connectionName: 'dozvon-jobs',
      // BullMQ's blocking reads must outlive a loss of Redis.
      maxRetriesPerRequest: null,
      connectTimeout: connectLimitMs,
    });
    this.#connections.push(connection);
    return connection;
  }

  queue<Data>(name: string, connection: JobConnection): Queue<Data> {
    const queue = new Queue<Data>(name, { connection, prefix: this.#prefix });
    queue.on('error', (error) =>
      this.#logger.warn({ jobs: name, reason: messageOf(error) }, 'a job queue has trouble'),
    );
    this.#queues.push(queue as Queue);
    return queue;
  }

  worker<Data>(
    name: string,
    options: Pick<WorkerOptions, 'concurrency' | 'settings'>,
    process: (job: Job<Data>) => Promise<void>,
  ): Worker<Data> {
    const worker = new Worker<Data>(name, process, {
      ...options,
      connection: this.connect(),
      prefix: this.#prefix,
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

  /** Lets running jobs end in bounded time and closes every connection. */
  async stop(): Promise<void> {
    const closing = Promise.all([...this.#workers, ...this.#queues].map((each) => each.close()));
    await withLimit(closing, stopLimitMs, 'the end of running jobs').catch((error: unknown) =>
      this.#logger.warn({ reason: messageOf(error) }, 'jobs did not end in time'),
    );
    // Whatever still waits for Redis is refused now, which lets a worker that has not ended do so.
    for (const connection of this.#connections) connection.endForGood();
    await withLimit(closing, secondMs, 'the end of the connections of the jobs').catch(() => undefined);
  }
}
