import { mkdtempSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  type CallPorts,
  processTerminal,
  type RunningHotline,
  runDoctor,
  runDown,
  runLevels,
  runTestCall,
  runUp,
} from './cli/index.ts';
import { loadHotlineConfig, readServiceSettings, type ServiceSettings } from './config/index.ts';
import { DozvonError, minuteMs, silentLogger, systemClock } from './foundation/index.ts';
import { startPhones } from './phones/index.ts';
import {
  checkPlatform,
  examine,
  findOwnAsterisk,
  homePlaces,
  locateOwnStack,
  type OwnStack,
  readRunningStack,
  readSecrets,
  startOwnStack,
  stopRunningStack,
} from './runtime/index.ts';
import { renderAsteriskConfig } from './telephony/index.ts';

const commands = ['up', 'down', 'call', 'levels', 'recording', 'doctor', 'serve'] as const;

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
    sipBind: own.settings.ports.bind,
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

/** What runs under the home of this stack: its record, its secrets, and the configuration it was started with. */
async function findRunning(own: OwnStack): Promise<RunningHotline | undefined> {
  const running = readRunningStack(own.homeDir);
  const secrets = readSecrets(homePlaces(own.homeDir, 'main').secretsFile);
  const [apiUrl] = running?.apiUrls ?? [];
  if (running === undefined || secrets === undefined || apiUrl === undefined) return undefined;
  const loaded = await loadHotlineConfig(running.configPath, { soundsDir: own.soundsDir });
  if (!loaded.ok) {
    throw new DozvonError('CONFIG_INVALID', `the configuration has faults now: "node bin/dozvon doctor" names them.`);
  }
  const { address, port } = running.sip;
  return {
    apiUrl,
    apiToken: secrets.apiToken,
    sip: { host: address === '0.0.0.0' ? '127.0.0.1' : address, port },
    testing: running.testing,
    config: loaded.config,
    sipPasswords: secrets.sipPasswords,
  };
}

function callPorts(own: OwnStack): CallPorts {
  const terminal = processTerminal();
  return {
    findRunning: () => findRunning(own),
    startPhones: async (options) =>
      await startPhones({
        ...options,
        program: await findOwnAsterisk(own, (line) => terminal.print(line)),
        dir: mkdtempSync('/dev/shm/dozvon-call-'),
        logger: silentLogger,
        ...(own.user.switched && { runAs: own.user }),
      }),
    nowMs: Date.now,
    terminal,
  };
}

/** What the first service process of the running system was told: where its database, keys and recordings are. */
function settingsOfRunning(own: OwnStack): ServiceSettings {
  if (readRunningStack(own.homeDir) === undefined) {
    throw new DozvonError('NOT_RUNNING', 'Nothing is running here: "npm start" first, the database is needed.');
  }
  return readServiceSettings(join(homePlaces(own.homeDir, 'main').runDir, 'service-n1.json'));
}

async function run([command, ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case 'up':
      return await up(args);
    case 'down': {
      const own = locateOwnStack(appDir(), process.env);
      return await runDown({ stop: () => stopRunningStack(own.homeDir, minuteMs), terminal: processTerminal() });
    }
    case 'call':
      return await runTestCall(args, callPorts(locateOwnStack(appDir(), process.env)));
    case 'levels': {
      const own = locateOwnStack(appDir(), process.env);
      return await runLevels(args, {
        findRunning: () => findRunning(own),
        terminal: processTerminal(),
        isScreen: process.stdout.isTTY,
        clock: systemClock(),
      });
    }
    case 'recording': {
      const { recordingCommand } = await import('./recording-command.ts');
      const settings = settingsOfRunning(locateOwnStack(appDir(), process.env));
      return await recordingCommand(args, { settings, terminal: processTerminal() });
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
      // Whatever is still open after a bounded stop must not keep the process from ending.
      return process.exit(await runService(args[0] ?? ''));
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
