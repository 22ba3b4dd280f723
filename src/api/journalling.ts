import type { FastifyRequest } from 'fastify';
import type { JournalFacts } from '../foundation/index.ts';
import { actorOf } from './access.ts';
import type { ApiPorts } from './ports.ts';

/** An entry about what this request does. Awaited before it is done: what cannot be journalled is not done. */
export function journal(
  ports: Pick<ApiPorts, 'journal' | 'clock'>,
  request: FastifyRequest,
  entry: { readonly action: string; readonly reason: string; readonly facts: JournalFacts },
): Promise<void> {
  return ports.journal.append({
    atMs: ports.clock.nowMs(),
    action: entry.action,
    meta: { actor: actorOf(request), reason: entry.reason },
    facts: { ...entry.facts, requestId: request.id, address: request.ip },
  });
}
