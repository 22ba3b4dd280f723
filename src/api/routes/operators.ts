import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { OperatorStatus } from '../../acd/index.ts';
import { asId, assertNever, type CommandMeta, type OperatorId } from '../../foundation/index.ts';
import { actorOf } from '../access.ts';
import { journal } from '../journalling.ts';
import type { ApiPorts } from '../ports.ts';
import { ProblemError } from '../problems.ts';
import { idParam, longestWaitParam, operatorSchema, optionalInstant, reasonSchema, skillsParam } from '../schemas.ts';
import type { ApiServer } from '../server-types.ts';

/** The reason of a command whose sender gives none. */
const defaultReason = 'apiRequest';

const pathOfOperator = z.strictObject({ operatorId: idParam });
const signBody = z.strictObject({ reason: reasonSchema.optional() }).nullish();
const presenceBody = z.strictObject({
  presence: z.enum(['ready', 'notReady', 'loggedOff']),
  reason: reasonSchema.optional().describe('Why not ready, or why another changes it'),
});

type OperatorPorts = Pick<ApiPorts, 'acd' | 'journal' | 'clock'>;

export function operatorRoutes(server: ApiServer, ports: OperatorPorts): void {
  const tags = ['operators'];

  const statusOf = async (operatorId: string): Promise<OperatorStatus> => {
    const operator = await ports.acd.operator(asId<OperatorId>(operatorId));
    if (operator === undefined) throw new ProblemError('UNKNOWN_OPERATOR');
    return operator;
  };

  server.get(
    '/api/v1/operators',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'All operators with their states',
        response: { 200: z.object({ items: z.array(operatorSchema) }) },
      },
    },
    async () => ({ items: (await ports.acd.operators()).map(shown) }),
  );

  server.get(
    '/api/v1/operators/:operatorId',
    {
      config: { access: 'read' },
      schema: { tags, summary: 'One operator', params: pathOfOperator, response: { 200: operatorSchema } },
    },
    async (request) => shown(await statusOf(request.params.operatorId)),
  );

  operatorCareRoutes(server, ports, statusOf);

  for (const verb of ['signIn', 'signOut'] as const) {
    server.post(
      `/api/v1/operators/:operatorId/${verb === 'signIn' ? 'sign-in' : 'sign-out'}`,
      {
        config: { access: 'operators:write' },
        schema: {
          tags,
          summary:
            verb === 'signIn' ? 'Begin a shift: presence may be changed from now on' : 'End a shift: no more offers',
          params: pathOfOperator,
          body: signBody,
          response: { 200: operatorSchema },
        },
      },
      async (request) => {
        const { operatorId } = await statusOf(request.params.operatorId);
        const meta = await journalled(ports, request, {
          operatorId,
          action: `operator.${verb}`,
          reason: request.body?.reason,
        });
        const outcome = await ports.acd[verb](operatorId, meta);
        if (outcome === 'unknownOperator') throw new ProblemError('UNKNOWN_OPERATOR');
        return shown(await statusOf(operatorId));
      },
    );
  }

  server.put(
    '/api/v1/operators/:operatorId/presence',
    {
      config: { access: 'operators:write' },
      schema: {
        tags,
        summary: 'Change presence',
        params: pathOfOperator,
        body: presenceBody,
        response: { 200: operatorSchema },
      },
    },
    async (request) => {
      const { operatorId } = await statusOf(request.params.operatorId);
      const { presence, reason } = request.body;
      const meta = await journalled(ports, request, { operatorId, action: 'operator.setPresence', reason, presence });
      const outcome = await ports.acd.setPresence(
        operatorId,
        { presence, ...(reason === undefined ? {} : { reason }) },
        meta,
      );
      switch (outcome) {
        case 'done':
          return shown(await statusOf(operatorId));
        case 'unknownOperator':
          throw new ProblemError('UNKNOWN_OPERATOR');
        case 'notSignedIn':
          throw new ProblemError('OPERATOR_NOT_SIGNED_IN', { detail: 'sign the operator in first' });
        default:
          return assertNever(outcome, 'outcome of a change of presence');
      }
    },
  );
}

/** What is done for an operator besides presence: skills, and the time after a contact. */
function operatorCareRoutes(
  server: ApiServer,
  ports: OperatorPorts,
  statusOf: (operatorId: string) => Promise<OperatorStatus>,
): void {
  const tags = ['operators'];
  const params = pathOfOperator;
  const config = { access: 'operators:write' } as const;
  const response = { 200: operatorSchema };

  server.put(
    '/api/v1/operators/:operatorId/skills',
    {
      config,
      schema: {
        tags,
        summary: 'Change skills: at once, until the configuration says something new',
        params,
        body: z.strictObject({ skills: skillsParam, reason: reasonSchema.optional() }),
        response,
      },
    },
    async (request) => {
      const { operatorId } = await statusOf(request.params.operatorId);
      const { skills, reason } = request.body;
      const meta = await journalled(ports, request, { operatorId, action: 'operator.setSkills', reason });
      if ((await ports.acd.setSkills(operatorId, skills, meta)) !== 'done') throw new ProblemError('UNKNOWN_OPERATOR');
      return shown(await statusOf(operatorId));
    },
  );

  server.post(
    '/api/v1/operators/:operatorId/not-ready-next',
    {
      config,
      schema: {
        tags,
        summary: 'Not ready after this contact; at once when there is none. Presence "ready" takes it back',
        params,
        body: z.strictObject({ reason: reasonSchema }),
        response,
      },
    },
    async (request) => {
      const { operatorId } = await statusOf(request.params.operatorId);
      const { reason } = request.body;
      const meta = await journalled(ports, request, { operatorId, action: 'operator.notReadyNext', reason });
      const outcome = await ports.acd.notReadyNext(operatorId, reason, meta);
      if (outcome === 'unknownOperator') throw new ProblemError('UNKNOWN_OPERATOR');
      if (outcome === 'notSignedIn') throw new ProblemError('OPERATOR_NOT_SIGNED_IN');
      return shown(await statusOf(operatorId));
    },
  );

  const wrapUpBody = z.strictObject({
    addMs: longestWaitParam.min(1).optional().describe('More time from when it would end; without it, it ends now'),
    reason: reasonSchema.optional(),
  });
  server.post(
    '/api/v1/operators/:operatorId/wrap-up',
    {
      config,
      schema: { tags, summary: 'End wrap-up now, or extend it', params, body: wrapUpBody, response },
    },
    async (request) => {
      const { operatorId, contactId } = await statusOf(request.params.operatorId);
      const { addMs, reason } = request.body;
      if (contactId === undefined) throw new ProblemError('OPERATOR_NOT_IN_WRAP_UP');
      const action = addMs === undefined ? 'operator.endWrapUp' : 'operator.extendWrapUp';
      const meta = await journalled(ports, request, { operatorId, action, reason });
      const held = { operatorId, contactId };
      const isDone =
        addMs === undefined
          ? (await ports.acd.endWrapUp(held, meta)) === 'idle'
          : (await ports.acd.extendWrapUp(held, addMs, meta)) !== undefined;
      if (!isDone) throw new ProblemError('OPERATOR_NOT_IN_WRAP_UP');
      return shown(await statusOf(operatorId));
    },
  );
}

async function journalled(
  ports: OperatorPorts,
  request: FastifyRequest,
  command: {
    readonly operatorId: OperatorId;
    readonly action: string;
    readonly reason: string | undefined;
    readonly presence?: string;
  },
): Promise<CommandMeta> {
  const reason = command.reason ?? defaultReason;
  const { action, operatorId, presence } = command;
  await journal(ports, request, {
    action,
    reason,
    facts: { operatorId, ...(presence === undefined ? {} : { presence }) },
  });
  return { actor: actorOf(request), reason };
}

function shown(operator: OperatorStatus): z.infer<typeof operatorSchema> {
  const { readySinceMs, setAsideUntilMs, notReadyReason, notReadyNext, wrapUpUntilMs, contactId } = operator;
  return {
    operatorId: operator.operatorId,
    name: operator.name,
    extension: operator.extension,
    skills: { ...operator.skills },
    signedIn: operator.signedIn,
    presence: operator.presence,
    ...(notReadyReason === undefined ? {} : { notReadyReason }),
    reachable: operator.reachable,
    work: Object.fromEntries(Object.entries(operator.work).filter(([, state]) => state !== undefined)),
    ...optionalInstant('readySince', readySinceMs),
    ...optionalInstant('setAsideUntil', setAsideUntilMs),
    outsideCall: operator.outsideCall,
    ...(notReadyNext === undefined ? {} : { notReadyNext }),
    missedOffers: operator.missedOffers,
    contactsTaken: operator.contactsTaken,
    ...optionalInstant('wrapUpUntil', wrapUpUntilMs),
    ...(contactId === undefined ? {} : { contactId }),
  };
}
