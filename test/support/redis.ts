import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { type CommandLine, silentLogger, withLimit } from '../../src/foundation/index.ts';
import { locateOwnStack, rootsDirOf } from '../../src/runtime/own-stack.ts';
import { findRedis } from '../../src/runtime/programs.ts';
import { createMemoryStores } from '../../src/store/memory/index.ts';
import { createRedisStores, type RedisStores } from '../../src/store/redis/index.ts';

/** The account that owns nothing: a test started by root does not run servers as root. */
const nobody = 65_534;
const startLimitMs = 10_000;
const stopLimitMs = 5_000;
const askAgainMs = 20;

export interface TestRedis {
  readonly url: string;
  /** Stores under a prefix of their own, as another process would open them. Closed by `stop()` at the latest. */
  stores(prefix: string): Promise<RedisStores>;
  /** A plain connection for looking at keys. */
  readonly client: Redis;
  /** Ends the server as a crash would; `restart()` begins again with an empty one. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A private Redis on a unix socket in a temporary folder, nothing kept on disk. The caller stops it. */
export async function startRedis(): Promise<TestRedis> {
  const home = await mkdtemp(join(tmpdir(), 'dozvon-redis-'));
  const asNobody = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  if (asNobody.uid !== undefined) await chown(home, nobody, nobody);
  await chmod(home, 0o700);
  const socket = join(home, 'redis.sock');
  const program = await redisCommand([
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    home,
  ]);
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(program.file, program.args, { ...asNobody, cwd: home, env: program.env, stdio: 'ignore' });
    const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
    try {
      await withLimit(Promise.race([untilAnswering(socket, child), failed]), startLimitMs, 'starting Redis');
    } catch (error) {
      child.kill('SIGKILL');
      await rm(home, { recursive: true, force: true });
      throw error;
    }
    failed.catch(() => undefined);
    return child;
  };

  let child = await start();
  const client = new Redis(socket);
  client.on('error', () => undefined); // Lost on purpose by `kill()`.
  const opened: RedisStores[] = [];
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await withLimit(ended, stopLimitMs, 'ending Redis');
  };
  return {
    url: socket,
    client,
    async stores(prefix) {
      const stores = await createRedisStores({ url: socket, prefix, logger: silentLogger });
      opened.push(stores);
      return stores;
    },
    kill,
    async restart() {
      child = await start();
    },
    async stop() {
      for (const stores of opened) await stores.close();
      client.disconnect();
      await kill();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** What a contract suite needs of either implementation. */
export type Stores = Omit<RedisStores, 'ping'>;

/** Both implementations of the ports, each opening fresh stores. `stop` ends what was started for them. */
export async function bothStores(): Promise<{
  readonly kinds: readonly { readonly name: string; open(): Promise<Stores> }[];
  readonly redis: TestRedis;
  stop(): Promise<void>;
}> {
  const redis = await startRedis();
  let count = 0;
  return {
    kinds: [
      { name: 'memory', open: async () => createMemoryStores() },
      {
        name: 'redis',
        open() {
          count += 1;
          return redis.stores(`test${count}:`);
        },
      },
    ],
    redis,
    stop: () => redis.stop(),
  };
}

async function untilAnswering(socket: string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Redis ended at once with exit code ${child.exitCode}`);
    const probe = new Redis(socket, { lazyConnect: true, retryStrategy: () => null });
    probe.on('error', () => undefined);
    const answered = await probe.connect().then(
      () => true,
      () => false,
    );
    if (answered) {
      probe.disconnect();
      return;
    }
    await pause(askAgainMs);
  }
}

/** The command line of redis-server: out of an unpacked root that the environment names, or found as the product does. */
async function redisCommand(args: readonly string[]): Promise<CommandLine> {
  const root = process.env.DOZVON_RUNTIME_ROOT;
  if (root !== undefined && existsSync(join(root, 'usr/bin/redis-server'))) {
    const libraries = `${join(root, 'usr/lib/x86_64-linux-gnu')}:${join(root, 'usr/lib')}`;
    const loader = join(root, 'usr/lib64/ld-linux-x86-64.so.2');
    return { file: loader, args: ['--library-path', libraries, join(root, 'usr/bin/redis-server'), ...args], env: {} };
  }
  const own = locateOwnStack(fileURLToPath(new URL('../..', import.meta.url)), process.env);
  const { suite, programs, mirror, keyring } = own.settings;
  const program = await findRedis({
    rootsDir: rootsDirOf(own),
    suite,
    programs,
    ...(mirror === undefined ? {} : { mirror }),
    ...(keyring === undefined ? {} : { keyring }),
    onProgress: () => undefined,
  });
  return program.command(args);
}
