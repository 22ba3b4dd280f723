import Manager from 'asterisk-manager';
import { type CancelTimer, type Clock, DozvonError, type Logger, messageOf } from '../foundation/index.ts';

export interface AmiAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** What Asterisk answered to an action; names are in lower case. */
export interface AmiReply {
  readonly ok: boolean;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An event that the user's rights and filters let through; names of the fields are in lower case. */
export interface AmiEvent {
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface AmiConnectionOptions {
  readonly access: AmiAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onEvent?: (event: AmiEvent) => void;
  readonly actionTimeoutMs?: number;
}

const defaultActionTimeoutMs = 5_000;
const firstRetryMs = 200;
const longestRetryMs = 10_000;

/**
 * Asterisk's manager interface, for what ARI lacks. A wrapper round `asterisk-manager` that closes its holes: a value with a line
 * break would smuggle in a second action, actions before the login are held for ever and in silence, none ever times out, and its
 * own reconnecting prints to stdout. So: a manager for each connection, actions only after the login, line breaks refused.
 */
export class AmiConnection {
  readonly #options: AmiConnectionOptions;
  #manager: Manager | undefined;
  #loggedIn = false;
  #stopped = false;
  #attempt = 0;
  #cancelRetry: CancelTimer = () => undefined;
  #inFlight = new Set<(error: DozvonError) => void>();
  readonly #started = Promise.withResolvers<void>();

  constructor(options: AmiConnectionOptions) {
    this.#options = options;
    this.#started.promise.catch(() => undefined);
  }

  get connected(): boolean {
    return this.#loggedIn;
  }

  /** Resolves at the first login; rejects with `AMI_LOGIN_REFUSED` when Asterisk does not take the password. */
  async start(): Promise<void> {
    if (this.#manager === undefined && !this.#stopped) this.#open();
    await this.#started.promise;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry();
    this.#lost('stopped');
    this.#manager?.disconnect();
    this.#started.reject(new DozvonError('TELEPHONY_UNAVAILABLE', 'manager interface: stopped before the first login'));
  }

  /**
   * Rejects with `AMI_VALUE_INVALID` for a line break in any name or value, `TELEPHONY_UNAVAILABLE` without a login, `TIMED_OUT`.
   * A refusal by Asterisk is a reply that is not `ok`.
   */
  async action(name: string, fields: Readonly<Record<string, string>> = {}): Promise<AmiReply> {
    const request: Record<string, string> = { ...fields, action: name };
    for (const [key, value] of Object.entries(request)) {
      if (/[\r\n\0]/.test(`${key}${value}`)) {
        throw new DozvonError('AMI_VALUE_INVALID', `${oneLine(name)}: ${oneLine(key)} holds a line break`);
      }
    }
    const manager = this.#manager;
    if (manager === undefined || !this.#loggedIn) {
      throw new DozvonError('TELEPHONY_UNAVAILABLE', `${name}: not logged in to the manager interface`);
    }
    const { clock, actionTimeoutMs: limitMs = defaultActionTimeoutMs } = this.#options;
    return await new Promise<AmiReply>((resolve, reject) => {
      const finish = (settle: () => void): void => {
        cancel();
        this.#inFlight.delete(fail);
        settle();
      };
      const fail = (error: DozvonError): void => finish(() => reject(error));
      const cancel = clock.setTimer(clock.nowMs() + limitMs, () =>
        fail(new DozvonError('TIMED_OUT', `${name}: no answer within ${limitMs} ms`)),
      );
      this.#inFlight.add(fail);
      manager.action(request, (error, reply) => finish(() => resolve(replyOf(error ?? reply))));
    });
  }

  #open(): void {
    const { access, logger } = this.#options;
    this.#attempt += 1;
    const manager = new Manager(undefined, access.host, access.user, access.password, true);
    this.#manager = manager;
    manager.on('error', (error) => logger.debug({ reason: messageOf(error) }, 'manager interface: connection failed'));
    manager.on('managerevent', (message) => this.#onEvent(manager, message));
    manager.on('close', () => {
      if (this.#manager !== manager || this.#stopped) return;
      this.#lost('the connection was closed');
      this.#retry();
    });
    manager.connect(access.port, access.host, () => manager.login((error) => this.#onLogin(manager, error)));
  }

  #onLogin(manager: Manager, error: Manager.Message | undefined): void {
    if (this.#manager !== manager || this.#stopped) return;
    const { logger } = this.#options;
    if (error !== undefined) {
      logger.error({ user: this.#options.access.user }, 'Asterisk refuses the manager user or its password');
      this.#started.reject(new DozvonError('AMI_LOGIN_REFUSED', 'manager interface: user or password refused'));
      return; // Asterisk closes the connection, which leads to the next attempt.
    }
    this.#loggedIn = true;
    this.#attempt = 0;
    logger.info({}, 'logged in to the manager interface');
    this.#started.resolve();
  }

  #onEvent(manager: Manager, message: Manager.Message): void {
    if (this.#manager !== manager) return;
    try {
      this.#options.onEvent?.({ name: text(message.event), fields: message });
    } catch (error) {
      this.#options.logger.error(
        { reason: messageOf(error) },
        'an event of the manager interface could not be handled',
      );
    }
  }

  #lost(reason: string): void {
    if (this.#loggedIn && !this.#stopped)
      this.#options.logger.warn({ reason }, 'manager interface lost: trying again until it is there');
    this.#loggedIn = false;
    for (const fail of this.#inFlight) fail(new DozvonError('TELEPHONY_UNAVAILABLE', `manager interface: ${reason}`));
  }

  #retry(): void {
    const { clock } = this.#options;
    const pauseMs =
      Math.min(firstRetryMs * 2 ** Math.min(this.#attempt, 10), longestRetryMs) * (0.5 + Math.random() / 2);
    this.#cancelRetry = clock.setTimer(clock.nowMs() + pauseMs, () => {
      if (!this.#stopped) this.#open();
    });
  }
}

function replyOf(message: Manager.Message): AmiReply {
  return { ok: text(message.response).toLowerCase() === 'success', message: text(message.message), fields: message };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function oneLine(value: string): string {
  return value.replaceAll(/[\r\n\0]/g, ' ');
}
