import { z } from 'zod';
import { DozvonError, secondMs, withLimit } from '../../foundation/index.ts';
import type { ApiPorts, HealthProbe } from '../ports.ts';
import { healthSchema } from '../schemas.ts';
import type { ApiServer } from '../server-types.ts';

/** A part that takes longer is as good as away for a caller. */
const probeLimitMs = 2 * secondMs;
/** Whoever asks more often gets the same answer: asking must cost the parts nothing. */
const answerFreshMs = secondMs;

type Health = z.infer<typeof healthSchema>;

export function healthRoutes(server: ApiServer, ports: Pick<ApiPorts, 'health' | 'clock'>): void {
  let last: { readonly atMs: number; readonly health: Promise<Health> } | undefined;
  const healthNow = (): Promise<Health> => {
    const nowMs = ports.clock.nowMs();
    if (last === undefined || nowMs - last.atMs >= answerFreshMs) last = { atMs: nowMs, health: askAll(ports.health) };
    return last.health;
  };

  server.get(
    '/api/v1/health/live',
    {
      config: { access: 'public', rateLimit: false },
      schema: {
        tags: ['health'],
        summary: 'The process answers',
        response: { 200: z.object({ state: z.literal('live') }) },
      },
    },
    async () => ({ state: 'live' as const }),
  );

  server.get(
    '/api/v1/health/ready',
    {
      config: { access: 'public', rateLimit: false },
      schema: {
        tags: ['health'],
        summary: 'Every part answers',
        description: 'Each part with its state; 503 while one is down.',
        response: { 200: healthSchema, 503: healthSchema },
      },
    },
    async (_request, reply) => {
      const health = await healthNow();
      return reply.code(health.state === 'ready' ? 200 : 503).send(health);
    },
  );
}

async function askAll(probes: readonly HealthProbe[]): Promise<Health> {
  const parts = await Promise.all(
    probes.map(async (probe) => {
      const { part } = probe;
      try {
        await withLimit(probe.check(), probeLimitMs, part);
        return { part, state: 'up' as const };
      } catch (error) {
        return { part, state: 'down' as const, code: error instanceof DozvonError ? error.code : 'FAILED' };
      }
    }),
  );
  return { state: parts.every((part) => part.state === 'up') ? 'ready' : 'notReady', parts };
}
