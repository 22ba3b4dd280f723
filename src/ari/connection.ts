import type { ClientRequestArgs } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type RawData, WebSocket } from 'ws';
import { type CancelTimer, type Clock, DozvonError, type Logger, messageOf } from '../foundation/index.ts';
import { type AriEvent, describedVersion } from './ari.gen.ts';
import { Answer, frameOf, parseMessage } from './frames.ts';
import {
  AcceptedReply,
  type AriArguments,
  type AriOperationName,
  type AriReply,
  type AriRequest,
  type AriResponse,
  refusalReason,
  requestOf,
} from './operations.ts';

/** Where Asterisk's HTTP server listens, and the ARI user. The password goes into a header, never into an address or a log. */
export interface AriAccess {
  /** For example `http://127.0.0.1:8088`. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

export interface AriConnectionOptions {
  readonly access: AriAccess;
  /** Stasis application of this connection. One connection holds it at a time: a second one replaces the first. */
  readonly app: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Every event of the application, in order. None comes before `onConnected` of its connection. */
  readonly onEvent?: (event: AriEvent) => void;
  /** Runs at each connection before `onConnected`; events are held meanwhile. When it rejects, the connection is dropped and tried again. */
  readonly prepare?: () => Promise<void>;
  readonly onConnected?: (again: boolean) => void;
  readonly onDisconnected?: (reason: string) => void;
  /** Another process took the application name. The connection is closed for good. */
  readonly onReplaced?: () => void;
  /** Event types Asterisk is to send; all when left out. */
  readonly allowedEvents?: readonly AriEvent['type'][];
  readonly requestTimeoutMs?: number;
  readonly random?: () => number;
}

/** Asterisk closes the connection (1009) on a frame over 64 KiB; the rest is room for the WebSocket header and JSON escapes. */
const largestFrameBytes = 60 * 1024;
/** Above the slowest answer seen (a listing of thousands of channels: under 1 s), below what a caller bears in silence. */
const defaultRequestTimeoutMs = 5_000;
const firstRetryMs = 100;
/** A restart of Asterisk takes about 2 s: waiting longer than this between attempts would be felt by callers. */
const longestRetryMs = 2_000;
const connectTimeoutMs = 5_000;
const pingEveryMs = 5_000;
/** Two pings unanswered. */
const silenceLimitMs = 12_000;

/** The filter applies to answers as well: without `RESTResponse` Asterisk carries requests out and says nothing. */
const alwaysAllowed: readonly AriEvent['type'][] = ['RESTResponse', 'ApplicationReplaced'];

interface Waiting {
  readonly what: string;
  readonly resolve: (response: AriResponse) => void;
  readonly reject: (error: DozvonError) => void;
  readonly limitMs: number;
  readonly dueMs: number;
}

type Phase = 'idle' | 'connecting' | 'preparing' | 'connected' | 'waiting' | 'stopped' | 'replaced';

/**
 * ARI over one WebSocket: events come in, REST requests go out and their answers come back, all on the same socket.
 * From `start()` to `stop()` it stays connected: a lost socket is opened again for ever, with growing, jittered pauses.
 *
 * Requests are carried out by Asterisk one after another in the order they are made. A request rejects with
 * `TELEPHONY_UNAVAILABLE` (no socket, or the socket died before the answer), `TIMED_OUT`, or `ARI_REQUEST_TOO_LARGE`; in the first
 * two cases Asterisk may have carried it out all the same. A refusal by Asterisk is an answer, not an error.
 */
export class AriConnection {
  readonly #options: AriConnectionOptions;
  #phase: Phase = 'idle';
  #socket: WebSocket | undefined;
  /** What the socket writes to. */
  #wire: Socket | undefined;
  #waiting = new Map<string, Waiting>();
  #watched: { readonly dueMs: number; readonly cancel: CancelTimer } | undefined;
  #held: AriEvent[] = [];
  #connectedWaiters = new Set<() => void>();
  #nextRequest = 0;
  #attempt = 0;
  #connectedBefore = false;
  #lastHeardMs = 0;
  #lastFailure = '';
  #cancelRetry: CancelTimer = () => {};
  #cancelPing: CancelTimer = () => {};
  #started: {
    readonly promise: Promise<void>;
    readonly resolve: () => void;
    readonly reject: (error: DozvonError) => void;
  };

  constructor(options: AriConnectionOptions) {
    this.#options = options;
    this.#started = Promise.withResolvers<void>();
    // start() hands the promise out; a stop() before that must not become an unhandled rejection.
    this.#started.promise.catch(() => {});
  }

  get connected(): boolean {
    return this.#phase === 'connected';
  }

  /** Begins connecting; resolves at the first connection. */
  async start(): Promise<void> {
    if (this.#phase === 'idle') this.#open();
    return await this.#started.promise;
  }

  /** Resolves when there is a connection, now or within `limitMs`; rejects with `TELEPHONY_UNAVAILABLE` otherwise. */
  async untilConnected(limitMs: number): Promise<void> {
    if (this.connected) return;
    const { clock } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const cancel = clock.setTimer(clock.nowMs() + limitMs, () => {
        this.#connectedWaiters.delete(proceed);
        reject(unavailable(`no connection to Asterisk within ${limitMs} ms`));
      });
      const proceed = (): void => {
        cancel();
        resolve();
      };
      this.#connectedWaiters.add(proceed);
    });
  }

  /** Closes for good. Requests in flight reject. */
  async stop(): Promise<void> {
    if (this.#phase !== 'replaced') this.#phase = 'stopped';
    this.#started.reject(unavailable('stopped before the first connection'));
    await this.#close('stopped');
  }

  /** Any request. Answers of whatever status resolve. */
  async request(request: AriRequest): Promise<AriResponse> {
    const what = `${request.method} ${request.uri}`;
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN || (this.#phase !== 'connected' && this.#phase !== 'preparing')) {
      throw unavailable(`${what}: no connection to Asterisk (${this.#phase})`);
    }
    this.#nextRequest += 1;
    const id = String(this.#nextRequest);
    const frame = frameOf(request, id);
    const bytes = Buffer.byteLength(frame);
    if (bytes > largestFrameBytes) {
      throw new DozvonError(
        'ARI_REQUEST_TOO_LARGE',
        `${what}: ${bytes} bytes, at most ${largestFrameBytes} can be sent`,
      );
    }
    const limitMs = request.timeoutMs ?? this.#options.requestTimeoutMs ?? defaultRequestTimeoutMs;
    return await new Promise((resolve, reject) => {
      const dueMs = this.#options.clock.nowMs() + limitMs;
      this.#waiting.set(id, { what, resolve, reject, limitMs, dueMs });
      this.#watch(dueMs);
      this.#gather();
      socket.send(frame);
    });
  }

  /** One timer for all that wait: it stands at the first time-out there may be, and finds most requests answered. */
  #watch(dueMs: number): void {
    if (this.#watched !== undefined && this.#watched.dueMs <= dueMs) return;
    this.#watched?.cancel();
    this.#watched = { dueMs, cancel: this.#options.clock.setTimer(dueMs, () => this.#timeOut()) };
  }

  #timeOut(): void {
    this.#watched = undefined;
    const nowMs = this.#options.clock.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [id, { what, reject, limitMs, dueMs }] of this.#waiting) {
      if (dueMs > nowMs) {
        nextMs = Math.min(nextMs, dueMs);
        continue;
      }
      this.#waiting.delete(id);
      reject(new DozvonError('TIMED_OUT', `${what}: no answer within ${limitMs} ms`));
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#watch(nextMs);
  }

  /** An operation of the description, its parameters and answer typed. */
  async perform<Name extends AriOperationName>(name: Name, given: AriArguments<Name>): Promise<AriReply<Name>> {
    const response = await this.request(requestOf(name, given));
    const { status } = response;
    if (status < 200 || status >= 300) return { ok: false, status, reason: refusalReason(response.body) };
    return new AcceptedReply<Name>(response);
  }

  /** What is sent in one turn of the loop goes out in one write: a write costs more than what is written. */
  #gather(): void {
    const wire = this.#wire;
    if (wire === undefined || wire.writableCorked > 0) return;
    wire.cork();
    setImmediate(() => wire.uncork());
  }

  #open(): void {
    const { access, app, clock } = this.#options;
    this.#phase = 'connecting';
    this.#attempt += 1;
    const url = `${access.url.replace(/^http/, 'ws').replace(/\/$/, '')}/ari/events?app=${encodeURIComponent(app)}`;
    const authorization = `Basic ${Buffer.from(`${access.user}:${access.password}`).toString('base64')}`;
    const socket = new WebSocket(url, {
      headers: { authorization },
      perMessageDeflate: false,
      handshakeTimeout: connectTimeoutMs,
      createConnection: ({ host, port }: ClientRequestArgs) => {
        this.#wire = connect({ host: host ?? '127.0.0.1', port: Number(port), noDelay: true });
        return this.#wire;
      },
    });
    this.#socket = socket;
    let failure = 'closed';
    socket.on('open', () => {
      this.#lastHeardMs = clock.nowMs();
      this.#schedulePing(socket);
      void this.#prepare(socket);
    });
    socket.on('message', (data) => this.#receive(socket, data));
    socket.on('pong', () => {
      this.#lastHeardMs = clock.nowMs();
    });
    socket.on('error', (error) => {
      failure = messageOf(error);
    });
    socket.on('close', (code) => this.#lost(socket, code === 1006 ? failure : `closed with code ${code}`));
  }

  async #prepare(socket: WebSocket): Promise<void> {
    this.#phase = 'preparing';
    try {
      if (this.#options.allowedEvents !== undefined) await this.#filterEvents(this.#options.allowedEvents);
      await this.#options.prepare?.();
    } catch (error) {
      if (this.#socket !== socket) return;
      this.#options.logger.warn(
        { reason: messageOf(error) },
        'connected to Asterisk but could not prepare: trying again',
      );
      socket.terminate();
      return;
    }
    if (this.#socket !== socket || this.#phase !== 'preparing') return;
    const again = this.#connectedBefore;
    this.#phase = 'connected';
    this.#connectedBefore = true;
    this.#attempt = 0;
    this.#lastFailure = '';
    this.#options.logger.info({ app: this.#options.app, again }, 'connected to Asterisk');
    this.#options.onConnected?.(again);
    const held = this.#held;
    this.#held = [];
    for (const event of held) this.#deliver(event);
    this.#started.resolve();
    const waiters = [...this.#connectedWaiters];
    this.#connectedWaiters.clear();
    for (const proceed of waiters) proceed();
  }

  async #filterEvents(types: readonly AriEvent['type'][]): Promise<void> {
    const reply = await this.perform('PUT /applications/{applicationName}/eventFilter', {
      applicationName: this.#options.app,
      body: { allowed: [...types, ...alwaysAllowed].map((type) => ({ type })) },
    });
    if (!reply.ok)
      throw new DozvonError('ARI_REFUSED', `event filter: expected 200, got ${reply.status} (${reply.reason})`);
  }

  #receive(socket: WebSocket, data: RawData): void {
    if (this.#socket !== socket) return;
    this.#lastHeardMs = this.#options.clock.nowMs();
    const message = parseMessage(data);
    if (message === undefined) {
      this.#options.logger.warn({}, 'Asterisk sent a message that is no JSON object with a type');
      return;
    }
    if (message.type === 'RESTResponse') {
      this.#answer(message);
    } else if (message.type === 'ApplicationReplaced') {
      this.#replaced();
    } else if (this.#phase === 'preparing') {
      this.#held.push(message);
    } else {
      this.#deliver(message);
    }
  }

  #deliver(event: AriEvent): void {
    if (this.#phase !== 'connected') return;
    try {
      this.#options.onEvent?.(event);
    } catch (error) {
      this.#options.logger.error(
        { type: event.type, reason: messageOf(error) },
        'an event from Asterisk could not be handled',
      );
    }
  }

  #answer(response: Extract<AriEvent, { type: 'RESTResponse' }>): void {
    const waiting = this.#waiting.get(response.request_id);
    if (waiting === undefined) {
      this.#options.logger.debug({ status: response.status_code }, 'an answer from Asterisk came after its time-out');
      return;
    }
    this.#waiting.delete(response.request_id);
    waiting.resolve(new Answer(response.status_code, response.message_body));
  }

  #replaced(): void {
    if (this.#phase === 'stopped') return;
    this.#phase = 'replaced';
    this.#options.logger.error({ app: this.#options.app }, 'another process took over this Stasis application');
    // At once: the old socket would still carry requests.
    this.#socket?.terminate();
    this.#failWaiting('another process took over');
    this.#started.reject(unavailable('another process took over'));
    this.#options.onReplaced?.();
  }

  #lost(socket: WebSocket, reason: string): void {
    if (this.#socket !== socket) return;
    const wasConnected = this.#phase === 'connected';
    this.#socket = undefined;
    this.#held = [];
    this.#cancelPing();
    this.#failWaiting(reason);
    if (this.#phase === 'stopped' || this.#phase === 'replaced') return;
    this.#phase = 'waiting';
    const { clock, random = Math.random, logger, app } = this.#options;
    const pauseMs = Math.min(firstRetryMs * 2 ** Math.min(this.#attempt, 10), longestRetryMs) * (0.5 + random() / 2);
    // Each reason is told once, not at every attempt.
    if (reason !== this.#lastFailure)
      logger.warn({ app, reason }, 'no connection to Asterisk: trying again until it is there');
    this.#lastFailure = reason;
    this.#cancelRetry = clock.setTimer(clock.nowMs() + pauseMs, () => {
      if (this.#phase === 'waiting') this.#open();
    });
    if (wasConnected) this.#options.onDisconnected?.(reason);
  }

  #failWaiting(reason: string): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#watched?.cancel();
    this.#watched = undefined;
    for (const { what, reject } of waiting) {
      reject(unavailable(`${what}: the connection to Asterisk was lost before the answer (${reason})`));
    }
  }

  #schedulePing(socket: WebSocket): void {
    const { clock } = this.#options;
    this.#cancelPing = clock.setTimer(clock.nowMs() + pingEveryMs, () => {
      if (this.#socket !== socket) return;
      if (clock.nowMs() - this.#lastHeardMs > silenceLimitMs) {
        socket.terminate();
        return;
      }
      if (socket.readyState === WebSocket.OPEN) socket.ping();
      this.#schedulePing(socket);
    });
  }

  async #close(reason: string): Promise<void> {
    this.#cancelRetry();
    this.#cancelPing();
    const socket = this.#socket;
    this.#failWaiting(reason);
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const closed = Promise.withResolvers<void>();
    socket.on('close', () => closed.resolve());
    // Asterisk may take its time to say good-bye; half a second is courtesy enough.
    const cancel = this.#options.clock.setTimer(this.#options.clock.nowMs() + 500, () => socket.terminate());
    if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
    else socket.close(1000);
    await closed.promise;
    cancel();
  }
}

function unavailable(message: string): DozvonError {
  return new DozvonError('TELEPHONY_UNAVAILABLE', message);
}

/** Warns when Asterisk is newer than the description the types were made from: it may send more than they say. */
export async function warnOfOtherVersion(connection: AriConnection, logger: Logger): Promise<string> {
  const reply = await connection.perform('GET /asterisk/info', {});
  const version = reply.ok ? (reply.body.system?.version ?? 'unknown') : 'unknown';
  if (!version.startsWith(describedVersion)) {
    logger.warn(
      { version, describedVersion },
      'Asterisk is of another version than the ARI description the types were made from',
    );
  }
  return version;
}
