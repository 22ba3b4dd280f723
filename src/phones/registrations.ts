import { connect, type Socket } from 'node:net';
import { Changes, DozvonError, messageOf } from '../foundation/index.ts';

/** What Asterisk says of an outbound registration: `Registered`, `Rejected`, `Unregistered`, `Stopped` … */
type RegistrationStatus = string;

type Message = Readonly<Record<string, string>>;

/**
 * The state of the phones' registrations. ARI says nothing of outbound registrations, so this listens to the manager interface
 * of the second Asterisk: an event says that some registration changed, a listing then says which.
 */
export class RegistrationWatch {
  readonly #socket: Socket;
  readonly #changes = new Changes();
  #statuses = new Map<string, RegistrationStatus>();
  #listing = new Map<string, RegistrationStatus>();
  #received = '';
  #failure: string | undefined;
  #loggedIn = false;
  #booted = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(messageOf(error)));
    socket.on('close', () => this.#fail('closed'));
  }

  /** Resolves when that Asterisk has loaded everything: the manager interface says so, ARI does not. */
  static async open(access: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly limitMs: number;
  }): Promise<RegistrationWatch> {
    const watch = new RegistrationWatch(connect({ host: access.host, port: access.port }));
    watch.#send({ Action: 'Login', Username: access.user, Secret: access.password });
    try {
      await watch.#until(() => watch.#booted || undefined, access.limitMs, 'the phones to have started');
    } catch (error) {
      watch.close();
      throw error;
    }
    return watch;
  }

  /** Resolves when the registration is in one of `wanted`; rejects with `PHONE_NOT_REGISTERED` when the hotline refuses it. */
  async until(name: string, wanted: readonly RegistrationStatus[], limitMs: number): Promise<void> {
    this.#list();
    await this.#until(
      () => {
        const status = this.#statuses.get(name) ?? 'Unregistered';
        if (wanted.includes(status)) return true;
        if (status === 'Rejected') {
          throw new DozvonError('PHONE_NOT_REGISTERED', 'the hotline refused the registration of a phone');
        }
        return undefined;
      },
      limitMs,
      `a registration to be ${wanted.join(' or ')}`,
    );
  }

  /** Sends REGISTER with expiry 0. */
  unregister(name: string): void {
    this.#send({ Action: 'PJSIPUnregister', Registration: name });
  }

  close(): void {
    this.#failure ??= 'closed';
    this.#socket.destroy();
  }

  async #until<T>(probe: () => T | undefined, limitMs: number, what: string): Promise<T> {
    const orFailure = (): T | undefined => {
      const value = probe();
      if (value === undefined && this.#failure !== undefined) {
        throw new DozvonError('PHONES_UNAVAILABLE', `the phones' manager interface: ${this.#failure}`);
      }
      return value;
    };
    return await this.#changes.until(orFailure, { limitMs, what });
  }

  #list(): void {
    this.#send({ Action: 'PJSIPShowRegistrationsOutbound' });
  }

  #send(fields: Message): void {
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
    if (this.#socket.writable) this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  #fail(reason: string): void {
    this.#failure ??= reason;
    this.#changes.notify();
  }

  #receive(chunk: string): void {
    this.#received += chunk;
    for (let end = this.#received.indexOf('\r\n\r\n'); end >= 0; end = this.#received.indexOf('\r\n\r\n')) {
      this.#handle(parse(this.#received.slice(0, end)));
      this.#received = this.#received.slice(end + 4);
    }
  }

  #handle(message: Message): void {
    if (message.Response === 'Error') {
      // A listing without any registration is answered as an error.
      if (this.#loggedIn) this.#statuses = new Map();
      else this.#failure ??= 'login refused';
    }
    if (message.Response === 'Success' && message.Message === 'Authentication accepted') this.#loggedIn = true;
    if (message.Event === 'FullyBooted') this.#booted = true;
    if (message.Event === 'Registry') this.#list();
    if (message.Event === 'OutboundRegistrationDetail') {
      this.#listing.set(message.ObjectName ?? '', message.Status ?? '');
    }
    if (message.Event === 'OutboundRegistrationDetailComplete') {
      this.#statuses = this.#listing;
      this.#listing = new Map();
    }
    this.#changes.notify();
  }
}

function parse(text: string): Message {
  const fields = text.split('\r\n').flatMap((line) => {
    const colon = line.indexOf(': ');
    return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 2)]];
  });
  return Object.fromEntries(fields) as Message;
}
