import { parseArgs } from 'node:util';

import { describeFault, type HotlineConfig, type LoadResult } from '../config/index.ts';
import { assertNever, messageOf, minuteMs, secondMs } from '../foundation/index.ts';
import { startScreen } from './screen.ts';
import type { Terminal } from './terminal.ts';

/** What happened to a server after the start. */
export type ServerEvent =
  | { readonly type: 'ready'; readonly name: string; readonly afterMs: number }
  | { readonly type: 'ended'; readonly name: string; readonly how: string; readonly againInMs: number }
  | { readonly type: 'spawned'; readonly name: string };

export interface StartedServers {
  readonly data: 'created' | 'kept' | 'elsewhere';
  /** Names and versions, one line. */
  readonly programs: string;
  readonly sip: { readonly address: string; readonly port: number };
  readonly apiUrl: string;
  readonly secretsFile: string;
  readonly logDir: string;
  stop(options?: { readonly now?: boolean }): Promise<void>;
}

export interface UpPorts {
  /** Throws one sentence where Dozvon cannot run. */
  checkPlatform(): unknown;
  loadConfig(): Promise<LoadResult>;
  start(options: {
    readonly hotline: HotlineConfig;
    readonly testing: boolean;
    readonly onProgress: (line: string) => void;
    readonly onEvent: (event: ServerEvent) => void;
  }): Promise<StartedServers>;
  nowMs(): number;
  /** Address of SIP. */
  readonly sipBind: string;
  readonly terminal: Terminal;
}

/** A second request within this time is the first one heard twice: the terminal and npm both pass on Ctrl-C. */
const sameRequestMs = secondMs;
/** Longer than all children's own limits together. */
const stopLimitMs = minuteMs;

/** `dozvon up`: starts everything, shows the screen, and runs until told to stop. Returns the exit code. */
export async function runUp(args: readonly string[], ports: UpPorts): Promise<number> {
  const { terminal } = ports;
  const options = parseUpArgs(args);
  if (typeof options === 'string') {
    terminal.complain(`dozvon up: ${options}`);
    return 2;
  }
  const startedAtMs = ports.nowMs();
  ports.checkPlatform();
  const loaded = await ports.loadConfig();
  if (!loaded.ok) {
    terminal.complain(
      `The configuration has ${loaded.faults.length === 1 ? 'a fault' : `${loaded.faults.length} faults`}; nothing was started:`,
    );
    for (const fault of loaded.faults) terminal.complain(`  ${describeFault(fault)}`);
    return 1;
  }

  const testing = options.testing ?? reachedOnlyFromHere(ports.sipBind, loaded.config);
  const stopping = listenForStop(ports);
  let shown = false;
  const servers = await ports.start({
    hotline: loaded.config,
    testing,
    onProgress: (line) => terminal.print(line),
    // Before the screen only failures are news, and the start itself reports those.
    onEvent: (event) => shown && !stopping.requested() && tellEvent(event, terminal),
  });
  stopping.servers(servers);
  terminal.print(
    startScreen({
      ...servers,
      hotline: loaded.config,
      nowMs: ports.nowMs(),
      startedInMs: ports.nowMs() - startedAtMs,
      testing,
      warnings: loaded.warnings.map(describeFault),
    }),
  );
  shown = true;
  return await stopping.done;
}

/** `testing` undefined: neither asked for nor refused. */
function parseUpArgs(args: readonly string[]): { readonly testing: boolean | undefined } | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { testing: { type: 'boolean' } },
      allowNegative: true,
      allowPositionals: false,
    });
    return { testing: values.testing };
  } catch (error) {
    return `${messageOf(error)} Known options: --testing, --no-testing.`;
  }
}

/**
 * A hotline whose SIP address and carriers are all of this machine has no caller but a tester, so it is one started for testing: who tries
 * it at night need not wait for the morning (docs/adr/0009). With a real carrier that takes `--testing`.
 */
function reachedOnlyFromHere(sipBind: string, hotline: HotlineConfig): boolean {
  const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';
  return isLoopback(sipBind) && hotline.trunks.every((trunk) => trunk.addresses.every(isLoopback));
}

function tellEvent(event: ServerEvent, terminal: Terminal): void {
  switch (event.type) {
    case 'ended':
      terminal.complain(`${event.name} ended (${event.how}): starting it again in ${event.againInMs / secondMs} s`);
      return;
    case 'ready':
      terminal.print(`${event.name} serves again`);
      return;
    case 'spawned':
      return;
    default:
      assertNever(event, 'server event');
  }
}

interface Stopping {
  requested(): boolean;
  /** From now on a request stops these in order; before, it ends the process, and the servers with it. */
  servers(servers: StartedServers): void;
  /** The exit code, once everything has ended. */
  readonly done: Promise<number>;
}

function listenForStop(ports: UpPorts): Stopping {
  const { terminal } = ports;
  let running: StartedServers | undefined;
  let firstAtMs: number | undefined;
  let finish: (code: number) => void = () => {};
  const done = new Promise<number>((resolve) => {
    finish = resolve;
  });
  const stopAll = async (servers: StartedServers): Promise<void> => {
    const limit = setTimeout(() => process.exit(1), stopLimitMs);
    try {
      await servers.stop();
      terminal.print('Stopped; data are kept.');
      finish(0);
    } catch (error) {
      terminal.complain(`Stopping failed: ${messageOf(error)}`);
      finish(1);
    } finally {
      clearTimeout(limit);
    }
  };
  terminal.onStopRequest(() => {
    const nowMs = ports.nowMs();
    if (running === undefined) {
      terminal.complain('Stopped before the start was complete; what was fetched is kept.');
      process.exit(130);
    }
    if (firstAtMs === undefined) {
      firstAtMs = nowMs;
      terminal.print('Stopping (Ctrl-C again: at once)');
      void stopAll(running);
    } else if (nowMs - firstAtMs > sameRequestMs) void running.stop({ now: true });
  });
  return {
    requested: () => firstAtMs !== undefined,
    servers: (servers) => {
      running = servers;
    },
    done,
  };
}
