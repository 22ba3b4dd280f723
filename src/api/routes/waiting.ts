import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type ContactStatus, expressionText } from '../../acd/index.ts';
import { asId, type CommandMeta, type ContactId, type OperatorId } from '../../foundation/index.ts';
import { actorOf } from '../access.ts';
import { journal } from '../journalling.ts';
import type { ApiPorts } from '../ports.ts';
import { ProblemError } from '../problems.ts';
import { contactInQueueSchema, idParam, isoInstant, longestWaitParam, reasonSchema, whyNotSchema } from '../schemas.ts';
import type { ApiServer } from '../server-types.ts';

const pathOfContact = z.strictObject({ contactId: idParam });
const because = { reason: reasonSchema };

type WaitingPorts = Pick<ApiPorts, 'acd' | 'journal' | 'clock'>;

/** Contacts that wait, one by one: where they stand, and what staff may do for them. */
export function waitingRoutes(server: ApiServer, ports: WaitingPorts): void {
  const tags = ['queues'];
  const params = pathOfContact;

  const waitingContact = async (id: string): Promise<ContactStatus> => {
    const contact = await ports.acd.waitingContact(asId<ContactId>(id));
    if (contact === undefined) throw new ProblemError('CONTACT_NOT_WAITING');
    return contact;
  };
  const shown = async (id: string): Promise<z.infer<typeof contactInQueueSchema>> =>
    contactInQueue(await waitingContact(id), ports.clock.nowMs());

  server.get(
    '/api/v1/waiting/:contactId',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'A waiting contact: place, wait, estimate, steps',
        params,
        response: { 200: contactInQueueSchema },
      },
    },
    async (request) => shown(request.params.contactId),
  );

  server.get(
    '/api/v1/waiting/:contactId/why-not/:operatorId',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Why this operator is not offered this contact now',
        params: z.strictObject({ contactId: idParam, operatorId: idParam }),
        response: { 200: whyNotSchema },
      },
    },
    async (request) => {
      const { contactId, operatorId } = request.params;
      await waitingContact(contactId);
      const reasons = await ports.acd.whyNot(asId<OperatorId>(operatorId), asId<ContactId>(contactId));
      if (reasons === 'unknown') throw new ProblemError('UNKNOWN_OPERATOR');
      return { reasons: [...reasons] };
    },
  );

  server.post(
    '/api/v1/waiting/:contactId/move',
    {
      config: { access: 'queues:write' },
      schema: {
        tags,
        summary: 'To another queue; the contact keeps the moment it began to wait',
        params,
        body: z.strictObject({ queueId: idParam, ...because }),
        response: { 200: contactInQueueSchema },
      },
    },
    async (request) => {
      const { contactId } = await waitingContact(request.params.contactId);
      const { queueId, reason } = request.body;
      if (ports.acd.queueSettings(queueId) === undefined) throw new ProblemError('UNKNOWN_QUEUE');
      const meta = await journalled(ports, request, { action: 'contact.move', reason, facts: { contactId, queueId } });
      const outcome = await ports.acd.moveContact(contactId, { queueId }, meta);
      if (outcome === 'notQueued') throw new ProblemError('CONTACT_NOT_WAITING');
      return shown(contactId);
    },
  );

  server.put(
    '/api/v1/waiting/:contactId/head-start',
    {
      config: { access: 'queues:write' },
      schema: {
        tags,
        summary: 'Priority: the contact is served as if it had come so much earlier',
        params,
        body: z.strictObject({ headStartMs: longestWaitParam, ...because }),
        response: { 200: contactInQueueSchema },
      },
    },
    async (request) => {
      const { contactId } = await waitingContact(request.params.contactId);
      const { headStartMs, reason } = request.body;
      const facts = { contactId, headStartMs: String(headStartMs) };
      const meta = await journalled(ports, request, { action: 'contact.setHeadStart', reason, facts });
      const outcome = await ports.acd.setHeadStart(contactId, headStartMs, meta);
      if (outcome === 'notQueued') throw new ProblemError('CONTACT_NOT_WAITING');
      return shown(contactId);
    },
  );

  server.post(
    '/api/v1/waiting/:contactId/withdraw',
    {
      config: { access: 'queues:write' },
      schema: {
        tags,
        summary: 'Out of the queue: the caller is told that he cannot be served, and the call ends',
        params,
        body: z.strictObject(because),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { contactId } = await waitingContact(request.params.contactId);
      const { reason } = request.body;
      const meta = await journalled(ports, request, { action: 'contact.withdraw', reason, facts: { contactId } });
      const outcome = await ports.acd.withdraw(contactId, meta, 'tellOwner');
      if (outcome === 'notQueued') throw new ProblemError('CONTACT_NOT_WAITING');
      return reply.code(204).send(null);
    },
  );
}

async function journalled(
  ports: WaitingPorts,
  request: FastifyRequest,
  command: { readonly action: string; readonly reason: string; readonly facts: Readonly<Record<string, string>> },
): Promise<CommandMeta> {
  await journal(ports, request, command);
  return { actor: actorOf(request), reason: command.reason };
}

function contactInQueue(contact: ContactStatus, nowMs: number): z.infer<typeof contactInQueueSchema> {
  const { preferred, estimateMs } = contact;
  return {
    contactId: contact.contactId,
    queueId: contact.queueId,
    lineId: contact.lineId,
    medium: contact.medium,
    position: contact.position,
    enqueuedAt: isoInstant(contact.enqueuedAtMs),
    waitMs: Math.max(0, nowMs - contact.enqueuedAtMs),
    ...(estimateMs === undefined ? {} : { estimateMs }),
    headStartMs: contact.headStartMs,
    offered: contact.offerId !== undefined,
    requirement: expressionText(contact.requirement.expression),
    strategy: contact.requirement.strategy,
    steps: contact.steps.map((step) => ({ state: step.state, dueAt: isoInstant(step.dueAtMs) })),
    excluded: [...contact.excluded],
    ...(preferred === undefined
      ? {}
      : { preferred: { operatorId: preferred.operatorId, until: isoInstant(preferred.untilMs) } }),
    qualified: { ...contact.qualified },
  };
}
