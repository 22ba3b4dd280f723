import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from './problems.ts';

/** Streams open at once in this process; each holds a socket and, at worst, its backlog. */
const mostStreams = 200;
/** A client that reads so slowly is cut off, and resumes where it was. */
const largestBacklogBytes = 1_048_576;
/** Below the idle time-outs of the usual proxies (a minute). */
const heartbeatMs = 15_000;

export interface EventStreamWriter {
  /** `id`: where a client that reconnects resumes; absent for what is not of the stream. */
  send(event: { readonly id?: string; readonly type: string; readonly data: unknown }): void;
  onClose(listener: () => void): void;
}

/** Answers that last: server-sent events. */
export class EventStreams {
  readonly #open = new Set<() => void>();
  #stopping = false;

  /** Takes over the reply. Throws `TOO_MANY_STREAMS` or `STOPPING` before anything is sent. */
  open(request: FastifyRequest, reply: FastifyReply): EventStreamWriter {
    if (this.#stopping) throw new ProblemError('STOPPING');
    if (this.#open.size >= mostStreams) throw new ProblemError('TOO_MANY_STREAMS');
    reply.hijack();
    const { raw } = reply;
    const closeListeners: (() => void)[] = [];
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    raw.write(': connected\n\n');
    const heartbeat = setInterval(() => raw.write(': still here\n\n'), heartbeatMs);
    const end = (): void => void raw.end();
    this.#open.add(end);
    request.raw.socket.setTimeout(0);
    raw.once('close', () => {
      clearInterval(heartbeat);
      this.#open.delete(end);
      for (const listener of closeListeners) listener();
    });
    raw.on('error', () => raw.destroy());
    return {
      send: ({ id, type, data }) => {
        if (raw.writableEnded || raw.destroyed) return;
        const idLine = id === undefined ? '' : `id: ${id}\n`;
        raw.write(`${idLine}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
        if (raw.writableLength > largestBacklogBytes) raw.destroy();
      },
      onClose: (listener) => {
        // The client may have gone while its answer was being prepared.
        if (raw.destroyed) listener();
        else closeListeners.push(listener);
      },
    };
  }

  /** Ends every stream, so that the server can close. */
  stop(): void {
    this.#stopping = true;
    for (const end of this.#open) end();
  }
}
