import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { processTerminal, runDoctor, runDown, runUp } from './cli/index.ts';
import { loadHotlineConfig } from './config/index.ts';
import { DozvonError, minuteMs } from './foundation/index.ts';
import {
  checkPlatform,
  examine,
  locateOwnStack,
  type OwnStack,
  startOwnStack,
  stopRunningStack,
} from './runtime/index.ts';
import { renderAsteriskConfig } from './telephony/asterisk-config.ts';

const commands = ['up', 'down', 'doctor', 'serve'] as const;

const appDir = (): string => realpathSync(join(dirname(fileURLToPath(import.meta.url)), '..'));

const loadConfigOf = (own: OwnStack): ReturnType<typeof loadHotlineConfig> =>
  loadHotlineConfig(own.configPath, { soundsDir: own.soundsDir });

async function up(args: readonly string[]): Promise<number> {
  checkPlatform();
  const own = locateOwnStack(appDir(), process.env);
  return await runUp(args, {
    checkPlatform,
    loadConfig: () => loadConfigOf(own),
    nowMs: Date.now,
    terminal: processTerminal(),
    async start({ hotline, ...options }) {
      const stack = await startOwnStack(own, {
        ...options,
        hotline: { operators: hotline.operators, trunks: hotline.trunks },
        renderAsterisk: renderAsteriskConfig,
      });
      const { asterisk, redis } = stack.programs;
      return {
        data: stack.data,
        programs: `Asterisk ${asterisk.version}${redis === undefined ? '' : `, Redis ${redis.version}`}.`,
        sip: { address: stack.ports.bind, port: stack.ports.sip },
        apiUrl: stack.services[0]?.apiUrl ?? '',
        secretsFile: stack.home.secretsFile,
        logDir: stack.home.logDir,
        stop: (stopOptions) => stack.stop(stopOptions),
      };
    },
  });
}

async function run([command, ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case 'up':
      return await up(args);
    case 'down': {
      const own = locateOwnStack(appDir(), process.env);
      return await runDown({ stop: () => stopRunningStack(own.homeDir, minuteMs), terminal: processTerminal() });
    }
    case 'doctor': {
      const own = locateOwnStack(appDir(), process.env);
      return await runDoctor({
        examine: () => examine(own),
        loadConfig: () => loadConfigOf(own),
        terminal: processTerminal(),
      });
    }
    case 'serve': {
      const { runService } = await import('./app.ts');
      return await runService(args[0] ?? '');
    }
    default:
      process.stderr.write(
        `dozvon: ${command === undefined ? 'a command is wanted' : `there is no command ${command}`}: ${commands.join(', ')}.\n`,
      );
      return 2;
  }
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  // What we throw is a sentence for people; anything else is a fault of ours and needs its stack.
  process.stderr.write(
    error instanceof DozvonError
      ? `dozvon: ${error.message}\n`
      : `dozvon: unexpected fault\n${error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exitCode = 1;
}
