import { z } from 'zod';
import type { ApiPorts, LineNow } from '../ports.ts';
import { isoInstantIn, lineSchema } from '../schemas.ts';
import type { ApiServer } from '../server-types.ts';

export function lineRoutes(server: ApiServer, ports: Pick<ApiPorts, 'lines'>): void {
  server.get(
    '/api/v1/lines',
    {
      config: { access: 'read' },
      schema: {
        tags: ['lines'],
        summary: 'All lines: open or closed now, why, until when',
        response: { 200: z.object({ items: z.array(lineSchema) }) },
      },
    },
    async () => ({ items: ports.lines().map(shown) }),
  );
}

function shown(line: LineNow): z.infer<typeof lineSchema> {
  const { verdict, timeZone } = line;
  const { rule, date, dayKind, holidayName, exceptionReason } = verdict.why;
  return {
    lineId: line.lineId,
    name: line.name,
    numbers: [...line.numbers],
    scheduleId: line.scheduleId,
    timeZone,
    open: verdict.open,
    why: {
      rule,
      date,
      dayKind,
      ...(holidayName === undefined ? {} : { holidayName }),
      ...(exceptionReason === undefined ? {} : { exceptionReason }),
    },
    ...(verdict.closesAtMs === undefined ? {} : { closesAt: isoInstantIn(verdict.closesAtMs, timeZone) }),
    ...(verdict.opensAtMs === undefined ? {} : { opensAt: isoInstantIn(verdict.opensAtMs, timeZone) }),
    provisional: verdict.provisional,
  };
}
