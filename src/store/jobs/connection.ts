import { Redis, type RedisOptions } from 'ioredis';

/**
 * A connection of the job queues, and the copies that BullMQ makes of it: all of them can be ended in whatever state they are.
 * BullMQ waits for the event `end` of a connection that it closes, so it has to come.
 */
export class JobConnection extends Redis {
  readonly #url: string;
  readonly #copies: JobConnection[] = [];
  #over = false;

  /** `options` hold `lazyConnect`: BullMQ connects. */
  constructor(url: string, options: Omit<RedisOptions, 'replyMapping'> & { readonly lazyConnect: true }) {
    super(url, options);
    this.#url = url;
    this.on('error', () => undefined); // told by the queue or worker that uses it
    this.on('end', () => this.#refuseUnanswered());
  }

  override duplicate = ((override?: Partial<RedisOptions>): Redis => {
    const copy = new JobConnection(this.#url, { ...this.options, ...override, lazyConnect: true });
    this.#copies.push(copy);
    if (this.#over) copy.endForGood();
    return copy;
  }) as Redis['duplicate'];

  override connect(callback?: Parameters<Redis['connect']>[0]): Promise<void> {
    return this.#over ? Promise.reject(new Error('Connection is closed.')) : super.connect(callback);
  }

  /** Between two attempts there is no socket whose end would be told: ioredis ends such a connection only if it has not begun. */
  override disconnect(reconnect = false): void {
    if (!reconnect && this.status === 'reconnecting') this.status = 'wait';
    super.disconnect(reconnect);
  }

  /** Commands without an answer are refused, and nobody, BullMQ neither, opens it again. */
  endForGood(): void {
    this.#over = true;
    // Twice would keep the process for two seconds: ioredis gives the socket, which is gone, so long to close.
    if (this.status !== 'end') this.disconnect();
    for (const copy of this.#copies) copy.endForGood();
  }

  /** What was asked before a loss and was to be asked again: ioredis forgets it when the connection ends instead. */
  #refuseUnanswered(): void {
    const asked = (this as { prevCommandQueue?: Redis['commandQueue'] | null }).prevCommandQueue;
    for (let item = asked?.shift(); item; item = asked?.shift())
      item.command.reject(new Error('Connection is closed.'));
  }
}
