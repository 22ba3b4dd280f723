import type { Redis } from 'ioredis';
import type { StreamEvent, TimelineEntry } from '../../contact/store-ports.ts';
import { asId, DozvonError, secondMs, withLimit } from '../../foundation/index.ts';

/** An entry of a Redis stream: its id and its fields, flat. */
export type StreamEntry = readonly [id: string, fields: readonly string[]];

/** How long a read waits for news; short enough that an abort is never far away. */
const blockMs = 2 * secondMs;
/** A read that has not come back by then hangs on a dead connection. */
const readLimitMs = blockMs + 3 * secondMs;

/**
 * Entries after `afterId`, waiting for news up to `blockMs`. Throws when the connection is away; one that hangs is
 * dropped, and reconnects by itself.
 */
export async function readStream(
  client: Redis,
  stream: string,
  options: { readonly afterId: string; readonly count: number },
): Promise<readonly StreamEntry[]> {
  const read = client.xread('COUNT', options.count, 'BLOCK', blockMs, 'STREAMS', stream, options.afterId);
  try {
    const reply = await withLimit(read, readLimitMs, 'reading a stream');
    return (reply?.[0]?.[1] ?? []).flatMap(([id, fields]) => (fields === null ? [] : [[id, fields] as const]));
  } catch (error) {
    if (error instanceof DozvonError) client.disconnect(true);
    throw error;
  }
}

export function fieldsOf(entry: StreamEntry): Readonly<Record<string, string>> {
  const [, flat] = entry;
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? '';
  return fields;
}

export function eventOf(entry: StreamEntry): StreamEvent {
  const fields = fieldsOf(entry);
  return {
    id: entry[0],
    source: fields.source === 'contact' ? 'contact' : 'queue',
    ...(fields.contactId ? { contactId: asId(fields.contactId) } : {}),
    ...(fields.operatorId ? { operatorId: asId(fields.operatorId) } : {}),
    entry: {
      atMs: Number(fields.atMs),
      kind: fields.kind ?? '',
      facts: JSON.parse(fields.facts ?? '{}') as TimelineEntry['facts'],
    },
  };
}

/** Order of two stream ids. */
export function isAfter(a: string, b: string): boolean {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs > bMs || (aMs === bMs && aSeq > bSeq);
}
