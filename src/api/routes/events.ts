import { z } from 'zod';
import type { StreamEvent, TimelineEntry } from '../../contact/store-ports.ts';
import { asId, type ContactId } from '../../foundation/index.ts';
import type { EventStreams, EventStreamWriter } from '../event-streams.ts';
import type { LiveEvents } from '../live-events.ts';
import type { ApiPorts } from '../ports.ts';
import { ProblemError } from '../problems.ts';
import { idParam, isoInstant } from '../schemas.ts';
import type { ApiServer } from '../server-types.ts';

/** Ids of the stream's events as they come back from a client that reconnects. */
const eventIdSchema = z
  .string()
  .max(64)
  .regex(/^[0-9]+(-[0-9]+)?$/, 'the id of an event received earlier');
const resumeHeaders = z.object({ 'last-event-id': eventIdSchema.optional() });

const streamAnswer = {
  produces: ['text/event-stream'],
  response: {
    200: z
      .string()
      .describe(
        'Server-sent events: `contact`, `queue` and `system` (alarms), each with an id and JSON data {contactId, operatorId, at, kind, facts}; `gap` (no id): ' +
          'events since the given id are no longer kept, read the state anew.',
      ),
  },
};

interface LiveParts {
  readonly live: LiveEvents;
  readonly streams: EventStreams;
}

export function eventRoutes(server: ApiServer, ports: Pick<ApiPorts, 'records'>, { live, streams }: LiveParts): void {
  server.get(
    '/api/v1/events',
    {
      config: { access: 'read' },
      schema: {
        tags: ['events'],
        summary: 'Everything that happens from now on: contacts, queues, operators',
        description: 'After a reconnection with Last-Event-ID nothing is missing.',
        headers: resumeHeaders,
        querystring: z.strictObject({ source: z.enum(['contact', 'queue', 'system']).optional() }),
        ...streamAnswer,
      },
    },
    async (request, reply) => {
      const { source } = request.query;
      const { afterId, complete } = await live.beginning(request.headers['last-event-id']);
      const writer = streams.open(request, reply);
      if (!complete) writer.send({ type: 'gap', data: {} });
      const end = live.follow(afterId, (event) => {
        if (source === undefined || event.source === source) writer.send(shown(event));
      });
      writer.onClose(end);
      return reply;
    },
  );

  server.get(
    '/api/v1/contacts/:contactId/timeline',
    {
      config: { access: 'read' },
      schema: {
        tags: ['contacts', 'events'],
        summary: "A contact's timeline from its beginning, and on as it happens",
        headers: resumeHeaders,
        params: z.strictObject({ contactId: idParam }),
        ...streamAnswer,
      },
    },
    async (request, reply) => {
      const contactId = asId<ContactId>(request.params.contactId);
      const lastSeenId = request.headers['last-event-id'];
      // First where the stream ends, then what is past: what comes in between is followed.
      const seen = await live.beginning(lastSeenId);
      const resumed = lastSeenId !== undefined && seen.complete;
      const { afterId } = seen.complete ? seen : await live.beginning(undefined);
      const record = await ports.records.get(contactId);
      const past = resumed && record !== undefined ? [] : await live.pastOf(contactId, afterId);
      if (record === undefined && past.length === 0) throw new ProblemError('UNKNOWN_CONTACT');
      const writer = streams.open(request, reply);
      const { sent, early } = resumed
        ? { sent: [], early: new Set<string>() }
        : merged(record?.timeline ?? [], past, contactId);
      for (const event of sent) writer.send(event);
      const end = live.follow(afterId, (event) => {
        if (event.contactId !== contactId) return;
        if (!early.delete(identity(event.entry))) writer.send(shown(event));
      });
      writer.onClose(end);
      return reply;
    },
  );
}

type Sent = Parameters<EventStreamWriter['send']>[0];

/**
 * The record's entries and the stream's events as one list: the stream in its own order (clients resume by it), entries that it
 * does not hold put in by time. `early`: entries that the stream may still bring, as it can be a moment behind the record.
 */
function merged(
  kept: readonly TimelineEntry[],
  events: readonly StreamEvent[],
  contactId: ContactId,
): { readonly sent: readonly Sent[]; readonly early: Set<string> } {
  const inStream = new Set(events.map((event) => identity(event.entry)));
  const others = kept.filter((entry) => !inStream.has(identity(entry)));
  const early = new Set(others.map(identity));
  const sent: Sent[] = [];
  const sendOthers = (untilMs: number): void => {
    for (let next = others[0]; next !== undefined && next.atMs <= untilMs; next = others[0]) {
      sent.push({ type: 'contact', data: dataOf(next, { contactId }) });
      others.shift();
    }
  };
  for (const event of events) {
    sendOthers(event.entry.atMs);
    sent.push(shown(event));
  }
  sendOthers(Number.POSITIVE_INFINITY);
  return { sent, early };
}

function identity(entry: TimelineEntry): string {
  const facts = Object.entries(entry.facts).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([entry.atMs, entry.kind, facts]);
}

function shown(event: StreamEvent): Sent {
  return { id: event.id, type: event.source, data: dataOf(event.entry, event) };
}

function dataOf(
  entry: TimelineEntry,
  of: Partial<Pick<StreamEvent, 'contactId' | 'operatorId'>>,
): Record<string, unknown> {
  const { contactId, operatorId } = of;
  return {
    ...(contactId === undefined ? {} : { contactId }),
    ...(operatorId === undefined ? {} : { operatorId }),
    at: isoInstant(entry.atMs),
    kind: entry.kind,
    facts: entry.facts,
  };
}
