import { z } from 'zod';
import { parseCaseNumber } from '../../cases/index.ts';
import { asId, type CaseId } from '../../foundation/index.ts';
import { mayReadNumbers } from '../access.ts';
import { journal } from '../journalling.ts';
import type { ApiPorts } from '../ports.ts';
import { ProblemError } from '../problems.ts';
import { caseSchema, idParam, isoInstant, limitParam, noticeSchema, optionalInstant } from '../schemas.ts';
import type { ApiServer } from '../server-types.ts';

export function caseRoutes(server: ApiServer, ports: Pick<ApiPorts, 'cases' | 'outbox' | 'journal' | 'clock'>): void {
  server.get(
    '/api/v1/cases/:caseNumber',
    {
      config: { access: 'read' },
      schema: {
        tags: ['cases'],
        summary: 'A case by its number',
        params: z.strictObject({
          caseNumber: z
            .string()
            .max(20)
            .refine((text) => parseCaseNumber(text) !== undefined, 'a case number (its check digit does not fit)'),
        }),
        response: { 200: caseSchema },
      },
    },
    async (request) => {
      const found = await ports.cases.findByNumber(parseCaseNumber(request.params.caseNumber) ?? '');
      if (found === undefined) throw new ProblemError('UNKNOWN_CASE');
      const { callBackNumber, createdAtMs, message, ...rest } = found;
      const showNumber = mayReadNumbers(request) && callBackNumber !== '';
      if (showNumber)
        await journal(ports, request, { action: 'case.readNumber', reason: 'get', facts: { caseId: found.caseId } });
      return {
        ...rest,
        ...(showNumber ? { callBackNumber } : {}),
        ...(message === undefined ? {} : { message: { ...message } }),
        createdAt: isoInstant(createdAtMs),
      };
    },
  );

  server.get(
    '/api/v1/outbox',
    {
      config: { access: 'read' },
      schema: {
        tags: ['outbox'],
        summary: 'Notices to callers, newest first',
        description: 'Without recipients and texts.',
        querystring: z.strictObject({
          state: z.enum(['pending', 'sending', 'sent', 'failed']).optional(),
          caseId: idParam.optional(),
          limit: limitParam,
        }),
        response: { 200: z.object({ items: z.array(noticeSchema) }) },
      },
    },
    async (request) => {
      const { state, caseId, limit } = request.query;
      const notices = await ports.outbox.list({
        limit,
        ...(state === undefined ? {} : { state }),
        ...(caseId === undefined ? {} : { caseId: asId<CaseId>(caseId) }),
      });
      const items = notices.map(({ createdAtMs, dueAtMs, sentAtMs, ...rest }) => ({
        ...rest,
        createdAt: isoInstant(createdAtMs),
        dueAt: isoInstant(dueAtMs),
        ...optionalInstant('sentAt', sentAtMs),
      }));
      return { items };
    },
  );
}
