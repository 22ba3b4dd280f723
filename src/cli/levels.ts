import { type Clock, messageOf, minuteMs, secondMs } from '../foundation/index.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import type { RunningHotline } from './call-ports.ts';
import { levelsScreen, type ShownLevels, type ShownTargets } from './levels-screen.ts';
import { keptFor, Redrawing } from './redrawing.ts';
import type { Terminal } from './terminal.ts';

export interface LevelsPorts {
  findRunning(): Promise<Pick<RunningHotline, 'apiUrl' | 'apiToken'> | undefined>;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** A screen is drawn over; anything else gets one picture after the other. */
  readonly isScreen: boolean;
}

const usage = 'Usage: dozvon levels [--once]';
const clearScreen = '\u001b[H\u001b[2J';
/** However much happens: who looks at it reads no faster. */
const leastBetweenMs = 2 * secondMs;
/** Figures of a day move slowly, and asking for them is dear: repeats are counted caller by caller. */
const targetsKeptMs = minuteMs;
/** When nothing happens, as the windows move on. */
const mostBetweenMs = 15 * secondMs;

/** `dozvon levels`: how the hotline keeps its promise now, drawn anew as things happen, until Ctrl-C; `--once`: one picture. Returns the exit code. */
export async function runLevels(args: readonly string[], ports: LevelsPorts): Promise<number> {
  const { terminal, isScreen, clock } = ports;
  if (args.some((arg) => arg !== '--once')) {
    terminal.complain(usage);
    return 2;
  }
  const hotline = await ports.findRunning();
  if (hotline === undefined) {
    terminal.complain('Dozvon is not running: start it with "npm start" first.');
    return 1;
  }
  const api = createApiClient({ url: hotline.apiUrl, token: hotline.apiToken });
  const targetsOfDay = keptFor(clock, targetsKeptMs, () => api.get<ShownTargets>('/targets?unit=day'));
  const draw = async (): Promise<void> => {
    const [now, targets] = await Promise.all([api.get<ShownLevels>('/service-levels/now'), targetsOfDay()]);
    terminal.print(`${isScreen ? clearScreen : ''}${levelsScreen(now, targets)}`);
  };
  try {
    await draw();
  } catch (error) {
    terminal.complain(messageOf(error));
    return 1;
  }
  if (!args.includes('--once')) await drawAsItHappens(api, draw, ports);
  return 0;
}

async function drawAsItHappens(api: ApiClient, draw: () => Promise<void>, ports: LevelsPorts): Promise<void> {
  const { terminal, clock } = ports;
  const ending = new AbortController();
  terminal.onStopRequest(() => ending.abort());
  const redrawing = new Redrawing({
    clock,
    draw,
    onFault: (error) => terminal.complain(messageOf(error)),
    restMs: leastBetweenMs,
    idleMs: mostBetweenMs,
  });
  const ask = (): void => redrawing.ask();
  await api.follow({ onOpen: ask, onEvent: ask, signal: ending.signal });
  redrawing.stop();
}
