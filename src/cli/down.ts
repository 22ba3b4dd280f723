import { assertNever } from '../foundation/index.ts';
import type { Terminal } from './terminal.ts';

export type DownOutcome = 'stopped' | 'killed' | 'notRunning' | 'leftoversEnded' | 'notAllowed';

export interface DownPorts {
  stop(): Promise<DownOutcome>;
  readonly terminal: Terminal;
}

/** `dozvon down`: stops what `up` started under the same home. Returns the exit code. */
export async function runDown(ports: DownPorts): Promise<number> {
  const { terminal } = ports;
  const outcome = await ports.stop();
  switch (outcome) {
    case 'stopped':
      terminal.print('Stopped; data are kept.');
      return 0;
    case 'killed':
      terminal.complain('It did not end in time and was ended by force; data are kept.');
      return 1;
    case 'leftoversEnded':
      terminal.print('Its supervisor was gone; the servers it had left were ended.');
      return 0;
    case 'notRunning':
      terminal.print('Nothing is running here.');
      return 0;
    case 'notAllowed':
      terminal.complain('It was started by another user: stop it as that user.');
      return 1;
    default:
      return assertNever(outcome, 'outcome');
  }
}
