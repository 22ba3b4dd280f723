import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AnsweredRequest, CallBack, CallBackWish, PromiseRefusal } from '../../callbacks/index.ts';
import {
  type Actor,
  asId,
  bySystem,
  type CallBackId,
  type CommandMeta,
  type ContactId,
} from '../../foundation/index.ts';
import { actorOf, mayReadNumbers } from '../access.ts';
import { callBackSchema, callBackStates, promiseBody, promisedSchema, promiseHeaders } from '../call-back-schemas.ts';
import { journal } from '../journalling.ts';
import type { ApiPorts, CallBackApi } from '../ports.ts';
import { type ProblemCode, ProblemError } from '../problems.ts';
import { cursorOf, cursorParam, idParam, isoInstant, limitParam, optionalInstant, reasonSchema } from '../schemas.ts';
import type { ApiServer } from '../server-types.ts';

type CallBackPorts = Pick<ApiPorts, 'callBacks' | 'acd' | 'normaliseAni' | 'journal' | 'clock'>;
type Promised = z.infer<typeof promisedSchema>;

const params = z.strictObject({ callBackId: idParam });

const refusals: Readonly<Record<PromiseRefusal, ProblemCode>> = {
  noRoom: 'NO_ROOM_FOR_CALL_BACK',
  outsideHours: 'OUTSIDE_CALLING_HOURS',
  zoneUnknown: 'CALLERS_ZONE_UNKNOWN',
  tooFar: 'CALL_BACK_TOO_FAR',
  noNumber: 'NUMBER_NOT_CALLABLE',
};

export function callBackRoutes(server: ApiServer, ports: CallBackPorts): void {
  readingRoutes(server, ports);
  changingRoutes(server, ports);
}

function readingRoutes(server: ApiServer, ports: CallBackPorts): void {
  const tags = ['call-backs'];

  server.get(
    '/api/v1/call-backs',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Call-backs, newest first',
        querystring: z.strictObject({
          state: z.enum(callBackStates).optional(),
          queueId: idParam.optional(),
          cursor: cursorParam.optional(),
          limit: limitParam,
        }),
        response: {
          200: z.object({
            items: z.array(callBackSchema),
            nextCursor: z.string().optional().describe('Present when there may be more'),
          }),
        },
      },
    },
    async (request) => {
      const { state, queueId, cursor, limit } = request.query;
      const found = await callBacksOf(ports).list({
        limit,
        ...(state === undefined ? {} : { state }),
        ...(queueId === undefined ? {} : { queueId }),
        ...(cursor === undefined ? {} : { before: asId<CallBackId>(cursor) }),
      });
      const withNumbers = await journalNumbers(ports, request, found, 'list');
      const last = found.length === limit ? found.at(-1) : undefined;
      return {
        items: found.map((callBack) => shown(callBack, withNumbers)),
        ...(last === undefined ? {} : { nextCursor: cursorOf(last.callBackId) }),
      };
    },
  );

  server.get(
    '/api/v1/call-backs/:callBackId',
    {
      config: { access: 'read' },
      schema: { tags, summary: 'One call-back with its attempts', params, response: { 200: callBackSchema } },
    },
    async (request) => {
      const callBack = await knownCallBack(ports, request.params.callBackId);
      return shown(callBack, await journalNumbers(ports, request, [callBack], 'get'));
    },
  );
}

function changingRoutes(server: ApiServer, ports: CallBackPorts): void {
  const tags = ['call-backs'];

  server.post(
    '/api/v1/call-backs',
    {
      config: { access: 'callBacks:write' },
      schema: {
        tags,
        summary: 'Promises a call-back to somebody who is not on the line',
        description:
          'Only while the days have operators’ time for it, and for an hour at which the number may be called.',
        headers: promiseHeaders,
        body: promiseBody,
        response: { 200: promisedSchema, 201: promisedSchema },
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'];
      const asked = askedPromise(ports, request.body, contactOf(actorOf(request), key));
      const before = await sameRequest(ports, asked.contactId);
      if (before !== undefined) return reply.code(200).send(before);
      const { contactId, lineId, queueId, wish } = asked;
      const facts = { contactId, lineId, queueId, wish: wish.kind };
      const meta = await journalled(ports, request, { action: 'callBack.promise', facts });
      const promised = await promise(ports, asked, meta);
      return reply.code(promised.merged ? 200 : 201).send(promised);
    },
  );

  server.post(
    '/api/v1/call-backs/:callBackId/cancel',
    {
      config: { access: 'callBacks:write' },
      schema: {
        tags,
        summary: 'Nobody is called back; not while the phone rings',
        params,
        body: z.strictObject({ reason: reasonSchema }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { callBackId } = await knownCallBack(ports, request.params.callBackId);
      const meta = await journalled(ports, request, { action: 'callBack.cancel', facts: { callBackId } });
      const outcome = await callBacksOf(ports).cancel(callBackId, { reason: meta.reason }, meta);
      if (outcome === 'dialling') throw new ProblemError('CALL_BACK_BEING_DIALLED');
      if (outcome === 'over') throw new ProblemError('CALL_BACK_OVER');
      return reply.code(204).send(null);
    },
  );
}

interface AskedPromise {
  readonly contactId: ContactId;
  readonly lineId: string;
  readonly queueId: string;
  readonly topic: string;
  readonly language: string;
  readonly number: string;
  readonly wish: CallBackWish;
  readonly utcOffsetMinutes?: number;
}

function askedPromise(ports: CallBackPorts, body: z.infer<typeof promiseBody>, contactId: ContactId): AskedPromise {
  const { lineId, wish, utcOffsetMinutes, number: written, ...chosen } = body;
  const line = callBacksOf(ports).line(lineId);
  if (line === undefined) throw new ProblemError('UNKNOWN_LINE');
  const queueId = chosen.queueId ?? line.queueId;
  if (ports.acd.queueSettings(queueId) === undefined) throw new ProblemError('UNKNOWN_QUEUE');
  const number = ports.normaliseAni(written);
  if (number === undefined) {
    throw new ProblemError('INVALID_INPUT', {
      faults: [{ in: 'body', path: '/number', expected: 'a telephone number' }],
    });
  }
  return {
    contactId,
    lineId,
    queueId,
    topic: chosen.topic ?? line.topic,
    language: chosen.language ?? line.language,
    number,
    wish: wish.kind === 'at' ? { kind: 'at', atMs: Date.parse(wish.at) } : wish,
    ...(utcOffsetMinutes === undefined ? {} : { utcOffsetMinutes }),
  };
}

/** Stands for a contact of the caller's: the same for who repeats his request, and no live one's. */
function contactOf(actor: Actor, idempotencyKey: string): ContactId {
  const hash = createHash('sha256').update(`${actor.id} ${idempotencyKey}`).digest('hex');
  return asId<ContactId>(`api-${hash.slice(0, 20)}`);
}

/** What was promised to the same request. It may not have been let go when the process died. */
async function sameRequest(ports: CallBackPorts, contactId: ContactId): Promise<Promised | undefined> {
  const callBacks = callBacksOf(ports);
  const answered = await callBacks.answered(contactId);
  if (answered === undefined) return undefined;
  await callBacks.letGo(answered.callBackId, contactId, bySystem('api', 'promisedBefore'));
  return promisedOf(answered);
}

async function promise(ports: CallBackPorts, asked: AskedPromise, meta: CommandMeta): Promise<Promised> {
  const callBacks = callBacksOf(ports);
  const { contactId } = asked;
  // Its name is the request's: one key of one client.
  const answer = await callBacks.promise({ ...asked, placeMs: ports.clock.nowMs() }, meta, contactId);
  if (answer.outcome === 'refused') {
    const { why, nextAtMs } = answer;
    const detail = nextAtMs === undefined ? {} : { detail: `possible from ${isoInstant(nextAtMs)}` };
    throw new ProblemError(refusals[why], detail);
  }
  // Nobody is on the line: it is due at its time.
  await callBacks.letGo(answer.callBackId, contactId, meta);
  return promisedOf(answer);
}

function promisedOf({ callBackId, dueAtMs, merged }: AnsweredRequest): Promised {
  return { callBackId, dueAt: isoInstant(dueAtMs), merged };
}

async function journalled(
  ports: CallBackPorts,
  request: FastifyRequest<{ Body: { readonly reason: string } }>,
  command: { readonly action: string; readonly facts: Readonly<Record<string, string>> },
): Promise<CommandMeta> {
  const { reason } = request.body;
  await journal(ports, request, { ...command, reason });
  return { actor: actorOf(request), reason };
}

function callBacksOf(ports: CallBackPorts): CallBackApi {
  if (ports.callBacks === undefined) throw new ProblemError('NO_CALL_BACKS');
  return ports.callBacks;
}

async function knownCallBack(ports: CallBackPorts, id: string): Promise<CallBack> {
  const callBack = await callBacksOf(ports).get(asId<CallBackId>(id));
  if (callBack === undefined) throw new ProblemError('UNKNOWN_CALL_BACK');
  return callBack;
}

/** Whether numbers are shown; what is shown is journalled before. */
async function journalNumbers(
  ports: CallBackPorts,
  request: FastifyRequest,
  found: readonly CallBack[],
  reason: string,
): Promise<boolean> {
  if (!mayReadNumbers(request) || found.length === 0) return false;
  const callBackIds = found.map(({ callBackId }) => callBackId);
  await journal(ports, request, { action: 'callBack.readNumber', reason, facts: { callBackIds } });
  return true;
}

function shown(callBack: CallBack, withNumber: boolean): z.infer<typeof callBackSchema> {
  const { wish, number, placeMs, createdAtMs, dueAtMs, attempts, ...plain } = callBack;
  return {
    ...plain,
    ...(withNumber ? { number } : {}),
    wish: { kind: wish.kind, ...optionalInstant('at', wish.kind === 'at' ? wish.atMs : undefined) },
    placeAt: isoInstant(placeMs),
    dueAt: isoInstant(dueAtMs),
    createdAt: isoInstant(createdAtMs),
    attempts: attempts.map(({ startedAtMs, endedAtMs, ...attempt }) => ({
      ...attempt,
      startedAt: isoInstant(startedAtMs),
      ...optionalInstant('endedAt', endedAtMs),
    })),
  };
}
