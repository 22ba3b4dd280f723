import { messageOf, secondMs } from '../foundation/index.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import type { RunningHotline } from './call-ports.ts';
import { levelsScreen, type ShownLevels, type ShownTargets } from './levels-screen.ts';
import type { Terminal } from './terminal.ts';

export interface LevelsPorts {
  findRunning(): Promise<Pick<RunningHotline, 'apiUrl' | 'apiToken'> | undefined>;
  readonly terminal: Terminal;
  /** A screen is drawn over; anything else gets one picture after the other. */
  readonly isScreen: boolean;
}

const usage = 'Usage: dozvon levels [--once]';
const clearScreen = '\u001b[H\u001b[2J';
/** However much happens: who looks at it reads no faster. */
const leastBetweenMs = 2 * secondMs;
/** When nothing happens, as the windows move on. */
const mostBetweenMs = 15 * secondMs;

/** `dozvon levels`: how the hotline keeps its promise now, drawn anew as things happen, until Ctrl-C; `--once`: one picture. Returns the exit code. */
export async function runLevels(args: readonly string[], ports: LevelsPorts): Promise<number> {
  const { terminal, isScreen } = ports;
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
  const draw = async (): Promise<void> => {
    const [now, targets] = await Promise.all([
      api.get<ShownLevels>('/service-levels/now'),
      api.get<ShownTargets>('/targets?unit=day'),
    ]);
    terminal.print(`${isScreen ? clearScreen : ''}${levelsScreen(now, targets)}`);
  };
  try {
    await draw();
  } catch (error) {
    terminal.complain(messageOf(error));
    return 1;
  }
  if (!args.includes('--once')) await drawAsItHappens(api, draw, terminal);
  return 0;
}

async function drawAsItHappens(api: ApiClient, draw: () => Promise<void>, terminal: Terminal): Promise<void> {
  const ending = new AbortController();
  terminal.onStopRequest(() => ending.abort());
  let timer: NodeJS.Timeout | undefined;
  let dueAtMs = Number.POSITIVE_INFINITY;
  const within = (ms: number): void => {
    const atMs = Date.now() + ms;
    if (ending.signal.aborted || atMs >= dueAtMs) return;
    clearTimeout(timer);
    dueAtMs = atMs;
    timer = setTimeout(() => {
      dueAtMs = Number.POSITIVE_INFINITY;
      void draw()
        .catch((error: unknown) => terminal.complain(messageOf(error)))
        .finally(() => within(mostBetweenMs));
    }, ms);
  };
  within(mostBetweenMs);
  const soon = (): void => within(leastBetweenMs);
  await api.follow({ onOpen: soon, onEvent: soon, signal: ending.signal });
  clearTimeout(timer);
}
