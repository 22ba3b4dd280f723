import { z } from 'zod';
import type { QueueNow } from '../../acd/index.ts';
import type { ApiPorts } from '../ports.ts';
import { ProblemError } from '../problems.ts';
import {
  idParam,
  isoInstant,
  optionalInstant,
  type queueCallBacksSchema,
  queueSchema,
  waitingContactSchema,
} from '../schemas.ts';
import type { ApiServer } from '../server-types.ts';

export function queueRoutes(server: ApiServer, ports: Pick<ApiPorts, 'acd' | 'callBacks' | 'clock'>): void {
  const tags = ['queues'];

  server.get(
    '/api/v1/queues',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'All queues as they are now',
        response: { 200: z.object({ items: z.array(queueSchema) }) },
      },
    },
    async () => ({
      items: (await ports.acd.queuesNow()).map((queue) => ({ ...queue, ...callBacksOf(queue, ports) })),
    }),
  );

  server.get(
    '/api/v1/queues/:queueId/waiting',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Who waits in a queue, by place',
        params: z.strictObject({ queueId: idParam }),
        response: { 200: z.object({ items: z.array(waitingContactSchema) }) },
      },
    },
    async (request) => {
      const { queueId } = request.params;
      if (ports.acd.queueSettings(queueId) === undefined) throw new ProblemError('UNKNOWN_QUEUE');
      const nowMs = ports.clock.nowMs();
      const items = (await ports.acd.waitingContacts(queueId)).map((contact) => ({
        contactId: contact.contactId,
        queueId: contact.queueId,
        lineId: contact.lineId,
        position: contact.position,
        enqueuedAt: isoInstant(contact.enqueuedAtMs),
        waitMs: Math.max(0, nowMs - contact.enqueuedAtMs),
        offered: contact.offerId !== undefined,
      }));
      return { items };
    },
  );
}

function callBacksOf(
  { queueId, sharing }: QueueNow,
  { callBacks }: Pick<ApiPorts, 'callBacks'>,
): { readonly callBacks?: z.infer<typeof queueCallBacksSchema> } {
  const outlook = callBacks?.outlooks().get(queueId);
  if (outlook === undefined) return {};
  const { asOfMs, oldestDueAtMs, days, ...plain } = outlook;
  return {
    callBacks: {
      ...plain,
      waiting: sharing?.callBacks ?? 0,
      ...optionalInstant('oldestDueAt', oldestDueAtMs),
      asOf: isoInstant(asOfMs),
      days: days.map(({ dueAtMs, ...day }) => ({
        ...day,
        left: Math.max(0, day.most - day.promised),
        dueAt: isoInstant(dueAtMs),
      })),
    },
  };
}
