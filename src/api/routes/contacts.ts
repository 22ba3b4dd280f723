import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ContactRecord } from '../../contact/store-ports.ts';
import { asId, type ContactId } from '../../foundation/index.ts';
import { mayReadNumbers, requireScope } from '../access.ts';
import { journal } from '../journalling.ts';
import type { ApiPorts } from '../ports.ts';
import { ProblemError } from '../problems.ts';
import {
  contactDetailSchema,
  contactSchema,
  cursorOf,
  cursorParam,
  idParam,
  isoInstant,
  limitParam,
  optionalInstant,
} from '../schemas.ts';
import type { ApiServer } from '../server-types.ts';

const listQuery = z.strictObject({
  ani: z.string().min(1).max(40).optional().describe("The caller's number in any notation; needs pii:read"),
  sipCallId: z.string().min(1).max(255).optional(),
  lineId: idParam.optional(),
  cursor: cursorParam.optional(),
  limit: limitParam,
});

type ContactPorts = Pick<ApiPorts, 'records' | 'normaliseAni' | 'journal' | 'clock'>;

export function contactRoutes(server: ApiServer, ports: ContactPorts): void {
  const tags = ['contacts'];

  server.get(
    '/api/v1/contacts',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'Contacts, newest first',
        querystring: listQuery,
        response: {
          200: z.object({
            items: z.array(contactSchema),
            nextCursor: z.string().optional().describe('Present when there may be more'),
          }),
        },
      },
    },
    async (request) => {
      const { cursor, limit, sipCallId, lineId } = request.query;
      const ani = request.query.ani === undefined ? undefined : aniFilter(request, ports, request.query.ani);
      const records = await ports.records.list({
        limit,
        ...(ani === undefined ? {} : { ani }),
        ...(sipCallId === undefined ? {} : { sipCallId }),
        ...(lineId === undefined ? {} : { lineId }),
        ...(cursor === undefined ? {} : { before: asId<ContactId>(cursor) }),
      });
      await journalNumbersShown(ports, request, records, ani === undefined ? 'list' : 'searchByNumber');
      const last = records.length === limit ? records.at(-1) : undefined;
      const withNumbers = mayReadNumbers(request);
      return {
        items: records.map((record) => shownContact(record, withNumbers)),
        ...(last === undefined ? {} : { nextCursor: cursorOf(last.contactId) }),
      };
    },
  );

  server.get(
    '/api/v1/contacts/:contactId',
    {
      config: { access: 'read' },
      schema: {
        tags,
        summary: 'One contact with its timeline and recordings',
        params: z.strictObject({ contactId: idParam }),
        response: { 200: contactDetailSchema },
      },
    },
    async (request) => {
      const record = await ports.records.get(asId<ContactId>(request.params.contactId));
      if (record === undefined) throw new ProblemError('UNKNOWN_CONTACT');
      await journalNumbersShown(ports, request, [record], 'get');
      return {
        ...shownContact(record, mayReadNumbers(request)),
        timeline: record.timeline.map(({ atMs, kind, facts }) => ({
          at: isoInstant(atMs),
          kind,
          facts: mutable(facts),
        })),
        recordings: record.recordings.map(({ recordingId, state, durationMs, marks }) => ({
          recordingId,
          state,
          ...(durationMs === undefined ? {} : { durationMs }),
          marks: marks.map((mark) => ({ ...mark })),
        })),
      };
    },
  );
}

/** Only who may see numbers may ask by one: the answer would tell as much. */
function aniFilter(request: FastifyRequest, ports: ContactPorts, text: string): string {
  requireScope(request, 'pii:read');
  const ani = ports.normaliseAni(text);
  if (ani === undefined) {
    throw new ProblemError('INVALID_INPUT', {
      faults: [{ in: 'querystring', path: '/ani', expected: "a caller's number" }],
    });
  }
  return ani;
}

async function journalNumbersShown(
  ports: ContactPorts,
  request: FastifyRequest,
  records: readonly ContactRecord[],
  reason: string,
): Promise<void> {
  if (!mayReadNumbers(request)) return;
  const contactIds = records.filter((record) => record.ani !== '').map((record) => record.contactId);
  if (contactIds.length === 0) return;
  await journal(ports, request, { action: 'contact.readNumber', reason, facts: { contactIds } });
}

function shownContact(record: ContactRecord, withNumbers: boolean): z.infer<typeof contactSchema> {
  const { lineId, queueId, topic, waitMs, operatorId, talkMs, wrapUpMs, endedBy, outcome, caseId, kind, callBackId } =
    record;
  return {
    contactId: record.contactId,
    dnis: record.dnis,
    trunk: record.trunk,
    sipCallId: record.sipCallId,
    nodeId: record.nodeId,
    configVersion: record.configVersion,
    arrivedAt: isoInstant(record.arrivedAtMs),
    ...(withNumbers && record.ani !== '' ? { ani: record.ani } : {}),
    ...known({
      lineId,
      queueId,
      topic,
      waitMs,
      operatorId,
      talkMs,
      wrapUpMs,
      endedBy,
      outcome,
      caseId,
      kind,
      callBackId,
    }),
    ...optionalInstant('answeredAt', record.answeredAtMs),
    ...optionalInstant('enqueuedAt', record.enqueuedAtMs),
    ...optionalInstant('joinedAt', record.joinedAtMs),
    ...optionalInstant('endedAt', record.endedAtMs),
    legs: record.legs.map((leg) => ({
      legId: leg.legId,
      role: leg.role,
      ...known({ operatorId: leg.operatorId }),
      startedAt: isoInstant(leg.startedAtMs),
      ...optionalInstant('endedAt', leg.endedAtMs),
    })),
  };
}

type Known<T> = { [K in keyof T]?: NonNullable<T[K]> };

function known<T extends Record<string, unknown>>(fields: T): Known<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Known<T>;
}

type Facts = ContactRecord['timeline'][number]['facts'];

function mutable(facts: Facts): Record<string, string | number | boolean | string[]> {
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [key, typeof value === 'object' ? [...value] : value]),
  );
}
