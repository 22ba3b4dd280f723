import { join } from 'node:path';
import { minuteMs, secondMs, withLimit } from '../../src/foundation/index.ts';
import type { Counters } from './counters.ts';
import type { Exchange } from './exchange.ts';
import { type PhoneCall, phoneCalls, readMessages } from './messages.ts';
import { freeLocal, type SippProgram, type SippRun, startSipp, writeValues } from './sipp.ts';
import type { System } from './systems.ts';

const registerLimitMs = 30 * secondMs;
const reachableLimitMs = minuteMs;

/** The phones of all operators of both systems, in one process. */
export interface Phones {
  readonly pid: number;
  /** Registers them again and waits until the system sees all of its own. */
  register(system: System): Promise<void>;
  /** All calls at one system's phones so far. */
  calls(system: System): readonly PhoneCall[];
  stop(): Promise<void>;
}

export interface BenchTools {
  readonly exchange: Exchange;
  readonly sipp: SippProgram;
  readonly counters: Counters;
  /** For SIPp's files. */
  readonly dir: string;
}

export async function startPhones(tools: BenchTools, options: { readonly talkMs: number }): Promise<Phones> {
  const { exchange, sipp, dir } = tools;
  const { addresses, sipPort, passwords } = exchange;
  const remote = { host: addresses.exchange, port: sipPort };
  const local = await freeLocal(addresses.phones);
  const name = `phones-${options.talkMs}`;
  const run: SippRun = startSipp({
    program: sipp,
    scenario: 'phones',
    name,
    dir,
    remote,
    local,
    args: ['-d', String(options.talkMs)],
  });
  const accounts = Object.entries(passwords).map(([extension, password]) => [
    extension,
    `[authentication username=${extension} password=${password}]`,
  ]);
  const file = writeValues(join(dir, 'accounts.csv'), accounts);
  return {
    pid: run.pid,
    async register(system) {
      const registering = startSipp({
        program: sipp,
        scenario: 'register',
        name: 'register',
        dir,
        remote,
        local: await freeLocal(addresses.phones),
        args: ['-m', String(accounts.length), '-r', '50', '-key', 'phones_port', String(local.port), '-inf', file],
      });
      try {
        const code = await withLimit(registering.ended, registerLimitMs, 'registering the phones');
        if (code !== 0) throw new Error(`expected all phones to register, SIPp ended with ${code}`);
      } finally {
        await registering.kill();
      }
      await untilReachable(system);
    },
    calls: (system) =>
      phoneCalls(readMessages(run.messageFile)).filter(({ extension }) => system.extensions.includes(extension)),
    stop: () => run.kill(),
  };
}

async function untilReachable(system: System): Promise<void> {
  const deadline = Date.now() + reachableLimitMs;
  for (;;) {
    const reachable = await system.reachable();
    if (reachable === system.extensions.length) return;
    if (Date.now() > deadline) {
      throw new Error(`${system.title}: expected ${system.extensions.length} phones within reach, got ${reachable}`);
    }
    await new Promise((resolve) => setTimeout(resolve, secondMs / 2));
  }
}
