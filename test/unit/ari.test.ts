import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type WebSocket, WebSocketServer } from 'ws';
import { committedVersion, readDescriptions, renderAriTypes } from '../../scripts/generate-ari-types.ts';
import { AriConnection, type AriConnectionOptions, type AriEvent } from '../../src/ari/index.ts';
import { Changes, type Logger, silentLogger, systemClock } from '../../src/foundation/index.ts';

const ariDir = join(import.meta.dirname, '../../src/ari');
const limitMs = 5_000;

t.test('the committed types are those of the committed descriptions', async (t) => {
  const rendered = renderAriTypes(readDescriptions(join(ariDir, 'rest-api')), committedVersion);
  t.ok(rendered === readFileSync(join(ariDir, 'ari.gen.ts'), 'utf8'), 'run scripts/generate-ari-types.ts');
});

interface Request {
  readonly request_id: string;
  readonly method: string;
  readonly uri: string;
  readonly message_body?: string;
  readonly query_strings?: readonly { readonly name: string; readonly value: string }[];
}

/** Speaks as Asterisk does on the event WebSocket. Answers nothing by itself. */
class Server {
  readonly #server: WebSocketServer;
  readonly sockets: WebSocket[] = [];
  readonly requests: Request[] = [];
  readonly authorizations: string[] = [];
  readonly urls: string[] = [];
  readonly changes = new Changes();

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket, request) => {
      this.sockets.push(socket);
      this.authorizations.push(request.headers.authorization ?? '');
      this.urls.push(request.url ?? '');
      socket.on('message', (data: Buffer) => {
        this.requests.push(JSON.parse(data.toString()) as Request);
        this.changes.notify();
      });
      this.changes.notify();
    });
  }

  static async start(): Promise<Server> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new Server(server);
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  async request(index: number): Promise<Request> {
    return await this.changes.until(() => this.requests[index], { limitMs, what: `request ${index}` });
  }

  async socket(index: number): Promise<WebSocket> {
    return await this.changes.until(() => this.sockets[index], { limitMs, what: `connection ${index}` });
  }

  answer(socket: WebSocket | undefined, request: Request, status: number, body?: unknown): void {
    const message = { type: 'RESTResponse', request_id: request.request_id, transaction_id: '', status_code: status };
    socket?.send(JSON.stringify({ ...message, ...(body !== undefined && { message_body: JSON.stringify(body) }) }));
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

interface World {
  readonly server: Server;
  readonly connection: AriConnection;
  /** What the connection told, in order. */
  readonly told: string[];
  readonly log: string[];
  readonly changes: Changes;
}

async function connect(
  t: { teardown: (work: () => Promise<void>) => void },
  options: Partial<AriConnectionOptions> = {},
): Promise<World> {
  const server = await Server.start();
  const told: string[] = [];
  const log: string[] = [];
  const changes = new Changes();
  const tell = (what: string): void => {
    told.push(what);
    changes.notify();
  };
  const keep = (level: string) => (fields: object, message: string) =>
    void log.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const logger: Logger = {
    ...silentLogger,
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
  };
  const connection = new AriConnection({
    access: { url: server.url, user: 'someone', password: 'planted-secret' },
    app: 'shard one',
    clock: systemClock(),
    logger,
    random: () => 0,
    onEvent: (event: AriEvent) => tell(event.type),
    onConnected: (again) => tell(again ? 'connected again' : 'connected'),
    onDisconnected: () => tell('disconnected'),
    onReplaced: () => tell('replaced'),
    ...options,
  });
  t.teardown(async () => {
    await connection.stop();
    await server.stop();
  });
  return { server, connection, told, log, changes };
}

t.test('a request and its answer', async (t) => {
  const { server, connection, log } = await connect(t);
  await connection.start();
  t.same(server.urls, ['/ari/events?app=shard%20one']);
  t.same(server.authorizations, [`Basic ${Buffer.from('someone:planted-secret').toString('base64')}`]);
  const reply = connection.perform('POST /channels/{channelId}/play/{playbackId}', {
    channelId: 'a/b',
    playbackId: 'p',
    media: ['sound:one', 'sound:two'],
  });
  const request = await server.request(0);
  t.match(request, { method: 'POST', uri: 'channels/a%2Fb/play/p' });
  t.same(request.query_strings, [{ name: 'media', value: 'sound:one,sound:two' }]);
  server.answer(server.sockets[0], request, 409, { message: 'Channel not in Stasis' });
  t.same(await reply, { ok: false, status: 409, reason: 'Channel not in Stasis' });
  const raw = connection.request({ method: 'GET', uri: 'asterisk/ping' });
  server.answer(server.sockets[0], await server.request(1), 200, { ping: 'pong' });
  t.same(await raw, { status: 200, body: { ping: 'pong' } });
  t.notMatch(log.join('\n'), /planted-secret/);
});

t.test('answers that do not come: time-out, lost connection, none at all', async (t) => {
  const { server, connection, log } = await connect(t, { requestTimeoutMs: 50 });
  await t.rejects(connection.request({ method: 'GET', uri: 'channels' }), { code: 'TELEPHONY_UNAVAILABLE' });
  await connection.start();
  await t.rejects(connection.request({ method: 'GET', uri: 'channels' }), { code: 'TIMED_OUT' });
  server.answer(server.sockets[0], await server.request(0), 200, []);
  const lost = connection.request({ method: 'GET', uri: 'bridges', timeoutMs: 60_000 });
  await server.request(1);
  server.sockets[0]?.terminate();
  await t.rejects(lost, { code: 'TELEPHONY_UNAVAILABLE' });
  t.match(log.join('\n'), /came after its time-out/);
});

t.test('a frame that would end the connection is not sent', async (t) => {
  const { server, connection } = await connect(t);
  await connection.start();
  const request = { method: 'POST', uri: 'channels', body: { variables: { X: 'я'.repeat(31_000) } } };
  await t.rejects(connection.request(request), { code: 'ARI_REQUEST_TOO_LARGE' });
  t.same(server.requests, []);
});

t.test(
  'it connects again for ever; events come after the news of the connection, unknown ones and bad ones do no harm',
  async (t) => {
    let prepared = 0;
    const gate = Promise.withResolvers<void>();
    const { server, connection, told, changes, log } = await connect(t, {
      prepare: async () => {
        prepared += 1;
        if (prepared === 1) throw new Error('not yet');
        if (prepared === 2) await gate.promise;
      },
    });
    const started = connection.start();
    const second = await server.socket(1);
    second.send(JSON.stringify({ type: 'StasisStart' }));
    second.send('not json');
    second.send(JSON.stringify({ type: 'SomethingNew' }));
    t.same(told, [], 'held until the connection is prepared');
    gate.resolve();
    await started;
    await changes.until(() => (told.length >= 3 ? true : undefined), { limitMs, what: 'three events' });
    t.same(told, ['connected', 'StasisStart', 'SomethingNew']);
    second.terminate();
    await changes.until(() => (told.includes('connected again') ? true : undefined), {
      limitMs,
      what: 'a new connection',
    });
    t.same(told.slice(3), ['disconnected', 'connected again']);
    t.ok(connection.connected);
    t.match(log.join('\n'), /could not prepare/);
  },
);

t.test('a listener that throws does not end the connection', async (t) => {
  const seen: string[] = [];
  const changes = new Changes();
  const { server, connection, log } = await connect(t, {
    onEvent: (event) => {
      seen.push(event.type);
      changes.notify();
      if (event.type === 'StasisStart') throw new Error('planted');
    },
  });
  await connection.start();
  for (const type of ['StasisStart', 'StasisEnd']) server.sockets[0]?.send(JSON.stringify({ type }));
  await changes.until(() => (seen.length === 2 ? true : undefined), { limitMs, what: 'both events' });
  t.ok(connection.connected);
  t.match(log.join('\n'), /could not be handled/);
});

t.test('when another process takes the application over, nothing is sent any more', async (t) => {
  const { server, connection, told, changes } = await connect(t);
  await connection.start();
  const open = connection.request({ method: 'GET', uri: 'channels' });
  open.catch(() => undefined);
  await server.request(0);
  server.sockets[0]?.send(JSON.stringify({ type: 'ApplicationReplaced' }));
  await changes.until(() => (told.includes('replaced') ? true : undefined), { limitMs, what: 'the news' });
  await t.rejects(open, { code: 'TELEPHONY_UNAVAILABLE' });
  await t.rejects(connection.request({ method: 'GET', uri: 'channels' }), { code: 'TELEPHONY_UNAVAILABLE' });
  t.same(told, ['connected', 'replaced'], 'and no reconnection');
});

t.test('the filter lets answers through', async (t) => {
  const { server, connection } = await connect(t, { allowedEvents: ['StasisStart'] });
  const started = connection.start();
  const request = await server.request(0);
  t.match(request, { method: 'PUT', uri: 'applications/shard%20one/eventFilter' });
  const { allowed } = JSON.parse(request.message_body ?? '{}') as {
    readonly allowed: readonly { readonly type: string }[];
  };
  t.same(allowed.map(({ type }) => type).sort(), ['ApplicationReplaced', 'RESTResponse', 'StasisStart']);
  server.answer(server.sockets[0], request, 200, {});
  await started;
});
