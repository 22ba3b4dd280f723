/** Where a command writes, and what it hears. */
export interface Terminal {
  /** One or more lines for the reader. */
  print(text: string): void;
  /** What went wrong. */
  complain(text: string): void;
  /** Calls `heard` for every request to stop (Ctrl-C, SIGTERM, the terminal closed). */
  onStopRequest(heard: (signal: NodeJS.Signals) => void): void;
}

/** The terminal of this process. A reader who has gone (a closed pipe) is no reason to end the servers. */
export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return {
    print: (text) => void process.stdout.write(`${text}\n`),
    complain: (text) => void process.stderr.write(`${text}\n`),
    onStopRequest(heard) {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => heard(signal));
    },
  };
}
