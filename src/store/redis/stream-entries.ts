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

/** The facts are JSON and parsed when they are asked for: most readers look at the kind first. A copy of the entry has them too. */
function writtenEntry(written: {
  readonly atMs: string | undefined;
  readonly kind: string;
  readonly facts: string;
}): TimelineEntry {
  let facts: TimelineEntry['facts'] | undefined;
  return {
    atMs: Number(written.atMs),
    kind: written.kind,
    get facts() {
      facts ??= JSON.parse(written.facts) as TimelineEntry['facts'];
      return facts;
    },
  };
}

/** An entry of the common event stream: one text, "source contactId operatorId atMs kind facts", so that reading it costs little. */
export function eventOf(entry: StreamEntry): StreamEvent {
  const [id, [field, text = '']] = entry;
  if (field !== 'event') return eventOfVersion2(entry);
  const words = text.split(' ', 5);
  const [source, contactId, operatorId, atMs, kind = ''] = words;
  const facts = text.slice(words.join(' ').length + 1);
  return eventWith({ id, source, contactId, operatorId }, writtenEntry({ atMs, kind, facts }));
}

/** Keys of version 2 had a field for each; what was written then is read for as long as it is kept. */
function eventOfVersion2(entry: StreamEntry): StreamEvent {
  const { source, contactId, operatorId, atMs, kind = '', facts = '{}' } = fieldsOf(entry);
  return eventWith({ id: entry[0], source, contactId, operatorId }, writtenEntry({ atMs, kind, facts }));
}

function eventWith(
  {
    id,
    source,
    contactId,
    operatorId,
  }: Readonly<Record<'id', string>> & Readonly<Record<'source' | 'contactId' | 'operatorId', string | undefined>>,
  entry: TimelineEntry,
): StreamEvent {
  return {
    id,
    source: source === 'contact' || source === 'system' ? source : 'queue',
    ...(contactId ? { contactId: asId(contactId) } : {}),
    ...(operatorId ? { operatorId: asId(operatorId) } : {}),
    entry,
  };
}

/** What Redis takes for the full id of an entry. */
export function isEventId(text: string): boolean {
  return /^[0-9]{1,15}-[0-9]{1,15}$/.test(text);
}

/** Order of two stream ids. */
export function isAfter(a: string, b: string): boolean {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs > bMs || (aMs === bMs && aSeq > bSeq);
}
