import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { DozvonError } from '../foundation/index.ts';

const attempts = 20;

/** A UDP port that is free on each of the addresses. It is free when we look: whoever takes it between fails to bind and says so. */
export async function freeUdpPort(addresses: readonly string[]): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await Promise.all(addresses.map(async (address) => await udpPortIsFree(address, port)));
    if (free.every(Boolean)) return port;
  }
  throw new DozvonError(
    'NO_FREE_PORT',
    `expected a free UDP port on ${addresses.join(', ')}, found none in ${attempts} attempts`,
  );
}

export async function udpPortIsFree(address: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind({ address, port, exclusive: true });
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }
}

/** A TCP port chosen by the kernel. */
export async function freeTcpPort(address: string): Promise<number> {
  const server = createServer();
  server.listen({ host: address, port: 0 });
  await once(server, 'listening');
  const bound = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (bound === null || typeof bound === 'string') {
    throw new DozvonError('NO_FREE_PORT', `expected a free TCP port on ${address}, got none`);
  }
  return bound.port;
}
