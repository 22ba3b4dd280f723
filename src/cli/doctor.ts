import { describeFault, type LoadResult } from '../config/index.ts';
import type { Terminal } from './terminal.ts';

/** One thing looked at. */
export interface DoctorFinding {
  readonly what: string;
  readonly state: 'good' | 'doubtful' | 'fault';
  readonly found: string;
  readonly next?: string;
}

export interface DoctorPorts {
  examine(): Promise<readonly DoctorFinding[]>;
  loadConfig(): Promise<LoadResult>;
  readonly terminal: Terminal;
}

const marks: Readonly<Record<DoctorFinding['state'], string>> = { good: 'good ', doubtful: 'doubt', fault: 'FAULT' };

/** `dozvon doctor`: looks at host, ports, programs, configuration and keys; says what to do. Returns 1 when something is at fault. */
export async function runDoctor(ports: DoctorPorts): Promise<number> {
  const { terminal } = ports;
  const findings = [...(await ports.examine()), ...examineConfig(await ports.loadConfig())];
  for (const finding of findings) {
    terminal.print(`${marks[finding.state]}  ${finding.what}: ${finding.found}`);
    if (finding.next !== undefined) terminal.print(`       → ${finding.next}`);
  }
  const faults = findings.filter((finding) => finding.state === 'fault').length;
  terminal.print(
    faults === 0 ? 'Nothing stands in the way of a start.' : `${faults} of these stand in the way of a start.`,
  );
  return faults === 0 ? 0 : 1;
}

function examineConfig(loaded: LoadResult): DoctorFinding[] {
  const what = 'Configuration';
  if (loaded.ok) {
    const { lines, operators, queues } = loaded.config;
    const found = `${lines.length} lines, ${queues.length} queues, ${operators.length} operators, version ${loaded.version}`;
    return [
      { what, state: 'good', found },
      ...loaded.warnings.map((warning): DoctorFinding => ({ what, state: 'doubtful', found: describeFault(warning) })),
    ];
  }
  return loaded.faults.map(
    (fault): DoctorFinding => ({
      what,
      state: 'fault',
      found: describeFault(fault),
      next: 'Correct it in that place.',
    }),
  );
}
