import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

import { DozvonError } from '../foundation/index.ts';

export interface WantedPort {
  readonly protocol: 'udp' | 'tcp';
  readonly address: string;
  readonly port: number;
  /** What listens there, for people. */
  readonly purpose: string;
  /** The setting that moves it. */
  readonly setting: string;
}

/** Why the port cannot be had (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`), or undefined when it is free. */
export function whyTaken(wanted: WantedPort): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(error.code ?? 'unknown');
    if (wanted.protocol === 'udp') {
      const socket = createSocket(wanted.address.includes(':') ? 'udp6' : 'udp4');
      socket.once('error', (error) => {
        socket.close();
        failed(error);
      });
      socket.bind({ port: wanted.port, address: wanted.address, exclusive: true }, () =>
        socket.close(() => resolve(undefined)),
      );
      return;
    }
    const server = createServer();
    server.once('error', failed);
    server.listen({ port: wanted.port, host: wanted.address, exclusive: true }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}

export function portSentence(wanted: WantedPort, code: string): string {
  const where = `${wanted.protocol.toUpperCase()} port ${wanted.port} on ${wanted.address}`;
  const move = `set ${wanted.setting} to another`;
  if (code === 'EADDRINUSE')
    return `${where}, wanted for ${wanted.purpose}, is taken: end what listens there, or ${move}.`;
  if (code === 'EADDRNOTAVAIL')
    return `${where}, wanted for ${wanted.purpose}, cannot be used: this host does not have the address ${wanted.address}.`;
  if (code === 'EACCES')
    return `${where}, wanted for ${wanted.purpose}, needs more rights than we have: ${move} (1024 or higher).`;
  return `${where}, wanted for ${wanted.purpose}, cannot be used (${code}): ${move}.`;
}

/** Throws `PORT_TAKEN` with one sentence for each port that cannot be had. */
export async function checkPorts(wanted: readonly WantedPort[]): Promise<void> {
  const codes = await Promise.all(wanted.map((port) => whyTaken(port)));
  const sentences = wanted.flatMap((port, index) => {
    const code = codes[index];
    return code === undefined ? [] : [portSentence(port, code)];
  });
  if (sentences.length > 0) throw new DozvonError('PORT_TAKEN', sentences.join('\n'));
}
