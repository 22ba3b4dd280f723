import { writeFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { secondMs, withLimit } from '../../src/foundation/index.ts';

/** Where a Node process listens once it has been asked, by SIGUSR1, to let itself be examined. */
const inspector = 'http://127.0.0.1:9229';
const limitMs = 20 * secondMs;

/** Profiles the CPU of a running Node process; the function returned ends it and writes the profile, as Chrome's tools read it. */
export async function startProfile(pid: number): Promise<(file: string) => Promise<void>> {
  process.kill(pid, 'SIGUSR1');
  const url = await withLimit(untilListening(), limitMs, 'the inspector of the service');
  const socket = new WebSocket(url);
  await withLimit(
    new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    }),
    limitMs,
    'connecting to the inspector',
  );
  let lastId = 0;
  const ask = async (method: string): Promise<Readonly<Record<string, unknown>>> => {
    lastId += 1;
    const id = lastId;
    const answer = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
      const onMessage = (data: Buffer): void => {
        const message = JSON.parse(data.toString()) as { id?: number; result?: Readonly<Record<string, unknown>> };
        if (message.id !== id) return;
        socket.off('message', onMessage);
        resolve(message.result ?? {});
      };
      socket.on('message', onMessage);
    });
    socket.send(JSON.stringify({ id, method }));
    return await withLimit(answer, limitMs, method);
  };
  await ask('Profiler.enable');
  await ask('Profiler.start');
  return async (file) => {
    const { profile } = await ask('Profiler.stop');
    writeFileSync(file, JSON.stringify(profile));
    socket.close();
  };
}

async function untilListening(): Promise<string> {
  for (;;) {
    try {
      const response = await fetch(`${inspector}/json/list`, { signal: AbortSignal.timeout(secondMs) });
      const [target] = (await response.json()) as readonly { readonly webSocketDebuggerUrl?: string }[];
      if (target?.webSocketDebuggerUrl !== undefined) return target.webSocketDebuggerUrl;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
