import t from 'tap';
import { type QueueEvent, requirementClass } from '../../src/acd/index.ts';
import type { ShardLease, StreamEvent } from '../../src/contact/store-ports.ts';
import { asId, type ContactId, type OperatorId, withLimit } from '../../src/foundation/index.ts';
import { bothStores, type Stores } from '../support/redis.ts';

const start = 1_800_000_000_000;
const limitMs = 5_000;
const contactId = asId<ContactId>('c1');

/** Publishes events whose kinds are given, through a contact's timeline. */
async function publisher(stores: Stores): Promise<(...kinds: string[]) => Promise<void>> {
  const lease: ShardLease | undefined = await stores.leases.acquire('s1', { nodeId: 'n1', nowMs: start, leaseMs: 1e6 });
  if (lease === undefined) throw new Error('expected a lease');
  return async (...kinds) => {
    const timeline = kinds.map((kind) => ({ atMs: start, kind, facts: {} }));
    await stores.contactStates.save(lease, contactId, { sealedState: 'x', timeline });
  };
}

/** Makes an offer for a contact of shard s1 each time it is called. */
async function offerer(stores: Stores): Promise<(name: string) => Promise<void>> {
  for (const name of ['101', '102']) {
    const operatorId = asId<OperatorId>(name);
    await stores.queue.registerOperator(
      { operatorId, extension: name, skills: { general: 1 }, capacity: { voice: 1 } },
      start,
    );
    await stores.queue.signIn(operatorId, start);
    await stores.queue.setReachable(operatorId, true, start);
    await stores.queue.setPresence(operatorId, 'ready', { nowMs: start });
  }
  return async (name) => {
    const requirement = requirementClass([{ skill: 'general', minLevel: 1 }], 'longestIdle');
    const place = { queueId: 'general', lineId: 'general', medium: 'voice', shard: 's1' } as const;
    await stores.queue.enqueue(
      { contactId: asId(name), ...place, requirement, score: start, enqueuedAtMs: start },
      start,
    );
    await stores.queue.matchContact(asId(name), { nowMs: start, leaseMs: 1_000 });
  };
}

/** Collects kinds, and waits until there are so many. */
class Heard {
  readonly kinds: string[] = [];
  readonly events: StreamEvent[] = [];
  readonly #waits = new Set<{ readonly count: number; readonly done: () => void }>();

  addAll(events: readonly StreamEvent[]): void {
    for (const event of events) this.add(event);
  }

  add(event: StreamEvent): void {
    this.events.push(event);
    this.kinds.push(event.entry.kind);
    for (const wait of this.#waits) if (this.kinds.length >= wait.count) wait.done();
  }

  async until(count: number): Promise<void> {
    if (this.kinds.length >= count) return;
    await withLimit(
      new Promise<void>((resolve) => {
        this.#waits.add({ count, done: resolve });
      }),
      limitMs,
      `${count} events (have ${this.kinds.length})`,
    );
  }
}

const both = await bothStores();
t.teardown(() => both.stop());

for (const kind of both.kinds) {
  t.test(`event stream in ${kind.name}`, async (t) => {
    t.test('a reader gets everything from the beginning and goes on where it stopped', async (t) => {
      const stores = await kind.open();
      const publish = await publisher(stores);
      await publish('a', 'b');
      const first = new Heard();
      const stopFirst = new AbortController();
      const reading = stores.events.consume('records', async (events) => first.addAll(events), stopFirst.signal);
      await first.until(2);
      await publish('c');
      await first.until(3);
      // Acknowledged after the promise of `deliver` has resolved: stop only then.
      setImmediate(() => stopFirst.abort());
      await withLimit(reading, limitMs, 'the end of reading');
      await publish('d');
      const second = new Heard();
      const stopSecond = new AbortController();
      const again = stores.events.consume('records', async (events) => second.addAll(events), stopSecond.signal);
      await second.until(1);
      stopSecond.abort();
      await withLimit(again, limitMs, 'the end of reading');
      t.same(first.kinds, ['a', 'b', 'c']);
      t.equal(second.kinds.at(-1), 'd');
      t.notOk(second.kinds.includes('a'), 'what was acknowledged does not come again');
    });

    t.test('a view that is closed while it begins is let go', async (t) => {
      const { events } = await kind.open();
      const stop = new AbortController();
      const following = events.follow(undefined, () => t.fail('nobody looks any more'), stop.signal);
      stop.abort();
      t.equal(await withLimit(following, limitMs, 'the end of following'), undefined);
    });

    t.test('what is not accepted comes again, before the next', async (t) => {
      const stores = await kind.open();
      const publish = await publisher(stores);
      await publish('a', 'b');
      const heard = new Heard();
      const stop = new AbortController();
      const tries: string[][] = [];
      const reading = stores.events.consume(
        'records',
        async (events) => {
          tries.push(events.map(({ entry }) => entry.kind));
          if (tries.length === 1) {
            await publish('c');
            throw new Error('the database is away');
          }
          heard.addAll(events);
        },
        stop.signal,
      );
      await heard.until(3);
      stop.abort();
      await withLimit(reading, limitMs, 'the end of reading');
      t.same(tries, [['a', 'b'], ['a', 'b'], ['c']]);
    });

    t.test('what gathers while a batch is accepted comes together, in order', async (t) => {
      const stores = await kind.open();
      const publish = await publisher(stores);
      await publish('first');
      const many = Array.from({ length: 300 }, (_, i) => `k${i}`);
      const heard = new Heard();
      const stop = new AbortController();
      const sizes: number[] = [];
      const reading = stores.events.consume(
        'records',
        async (events) => {
          sizes.push(events.length);
          if (sizes.length === 1) await publish(...many);
          heard.addAll(events);
        },
        stop.signal,
      );
      await heard.until(301);
      stop.abort();
      await withLimit(reading, limitMs, 'the end of reading');
      t.same(heard.kinds, ['first', ...many]);
      t.same(sizes, [1, 256, 44]);
    });

    t.test('two consumers of one name take turns; readers of other names get everything too', async (t) => {
      const stores = await kind.open();
      const publish = await publisher(stores);
      const [one, two, other] = [new Heard(), new Heard(), new Heard()];
      const stops = [new AbortController(), new AbortController(), new AbortController()] as const;
      const readings = [stores.events.consume('records', async (events) => one.addAll(events), stops[0].signal)];
      await publish('a');
      await one.until(1);
      readings.push(stores.events.consume('records', async (events) => two.addAll(events), stops[1].signal));
      readings.push(stores.events.consume('other', async (events) => other.addAll(events), stops[2].signal));
      await publish('b');
      await Promise.all([one.until(2), other.until(2)]);
      t.same(two.kinds, [], 'not its turn');
      setImmediate(() => stops[0].abort());
      await withLimit(readings[0] ?? Promise.resolve(), limitMs, 'the end of the first');
      await publish('c');
      await Promise.all([two.until(1), other.until(3)]);
      t.equal(two.kinds.at(-1), 'c');
      t.same(other.kinds, ['a', 'b', 'c']);
      for (const stop of stops) stop.abort();
      await withLimit(Promise.all(readings), limitMs, 'the end of all');
    });

    t.test('a live view resumes after the event it saw last', async (t) => {
      const stores = await kind.open();
      const publish = await publisher(stores);
      await publish('a', 'b', 'c');
      const stop = new AbortController();
      const all = new Heard();
      const reading = stores.events.consume('records', async (events) => all.addAll(events), stop.signal);
      await all.until(3);
      const resumed = new Heard();
      const resumedAgain = new Heard();
      const following = [
        stores.events.follow(all.events[0]?.id, (event) => resumed.add(event), stop.signal),
        stores.events.follow(all.events[1]?.id, (event) => resumedAgain.add(event), stop.signal),
      ];
      await resumed.until(2);
      await publish('d');
      await Promise.all([resumed.until(3), resumedAgain.until(2)]);
      t.same(resumed.kinds, ['b', 'c', 'd']);
      t.same(resumedAgain.kinds, ['c', 'd']);
      stop.abort();
      await withLimit(Promise.all([reading, ...following]), limitMs, 'the end of all');
    });

    t.test('a live view that names no event sees what comes from now on', async (t) => {
      const stores = await kind.open();
      const publish = await publisher(stores);
      await publish('before');
      const stop = new AbortController();
      const heard = new Heard();
      const following = stores.events.follow(undefined, (event) => heard.add(event), stop.signal);
      // When the view stands is not told: publish until it hears.
      for (let i = 0; heard.kinds.length === 0 && i < 100; i += 1) {
        await publish('now');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      t.equal(heard.kinds[0], 'now');
      stop.abort();
      await withLimit(following, limitMs, 'the end of the view');
    });

    t.test('a live view finds its beginning and what is past of a contact', async (t) => {
      const stores = await kind.open();
      const publish = await publisher(stores);
      await publish('a', 'b');
      const enqueue = await offerer(stores);
      await enqueue('c2');
      await publish('c');
      const { afterId: newest } = await stores.events.beginning(undefined);
      await publish('d');
      const past = await stores.events.pastOf(contactId, { upToId: newest, most: 1_000 });
      t.same(
        past.map(({ source, contactId, entry }) => [source, contactId, entry.kind]),
        ['a', 'b', 'c'].map((kind) => ['contact', contactId, kind]),
      );
      const ofQueue = await stores.events.pastOf(asId('c2'), { upToId: newest, most: 1_000 });
      t.same(
        ofQueue.map(({ source, operatorId, entry }) => [source, operatorId, entry.kind]),
        [
          ['queue', undefined, 'contactEnqueued'],
          ['queue', ofQueue[1]?.operatorId, 'offerReserved'],
        ],
      );
      t.match(ofQueue[1]?.operatorId, /^10[12]$/);
      const latest = await stores.events.pastOf(contactId, { upToId: newest, most: 1 });
      t.same(
        latest.map(({ entry }) => entry.kind),
        ['c'],
      );
      t.equal(latest[0]?.id, newest);
      const first = past[0]?.id ?? '';
      t.same(await stores.events.beginning(first), { afterId: first, complete: true });
      t.equal((await stores.events.beginning('0-7')).complete, false, 'no longer there');
      const { afterId: now } = await stores.events.beginning(undefined);
      for (const later of ['999999999999999-7', '99999999999999999999999-1']) {
        t.same(await stores.events.beginning(later), { afterId: now, complete: false }, 'never was');
      }
      const stop = new AbortController();
      const heard = new Heard();
      const following = stores.events.follow(newest, (event) => heard.add(event), stop.signal);
      await heard.until(1);
      t.same(heard.kinds, ['d']);
      stop.abort();
      await withLimit(following, limitMs, 'the end of the view');
    });

    t.test('an inbox delivers until acknowledged, and a newer consumer takes over', async (t) => {
      const stores = await kind.open();
      const enqueue = await offerer(stores);
      await enqueue('c1');
      const stop = new AbortController();
      const seen = Promise.withResolvers<QueueEvent>();
      const first = stores.inbox.consume(
        's1',
        (event) => {
          seen.resolve(event);
          return new Promise(() => {}); // An owner that hangs accepts nothing.
        },
        stop.signal,
      );
      first.catch(() => undefined);
      t.match(await withLimit(seen.promise, limitMs, 'the first event'), { type: 'offerMade', contactId: 'c1' });

      await enqueue('c2');
      const events: QueueEvent[] = [];
      const both = Promise.withResolvers<void>();
      const second = stores.inbox.consume(
        's1',
        async (event) => {
          events.push(event);
          if (events.length === 2) both.resolve();
        },
        stop.signal,
      );
      await withLimit(both.promise, limitMs, 'two events');
      t.same(events.map((event) => event.contactId).sort(), ['c1', 'c2'], 'what the first did not accept comes again');
      setImmediate(() => stop.abort());
      await withLimit(second, limitMs, 'the end of the second');
    });

    t.test('an overtaken consumer of an inbox is told so', async (t) => {
      const stores = await kind.open();
      const offer = await offerer(stores);
      await offer('c1');
      const stop = new AbortController();
      const reached = Promise.withResolvers<void>();
      const go = Promise.withResolvers<void>();
      const overtaken = stores.inbox.consume(
        's1',
        async () => {
          reached.resolve();
          await go.promise;
        },
        stop.signal,
      );
      overtaken.catch(() => undefined);
      await withLimit(reached.promise, limitMs, 'the first event');
      const newer = new AbortController();
      const seen = Promise.withResolvers<void>();
      const reading = stores.inbox.consume('s1', async () => seen.resolve(), newer.signal);
      await withLimit(seen.promise, limitMs, 'the event at the newer consumer');
      go.resolve();
      await t.rejects(withLimit(overtaken, limitMs, 'the refusal'), { code: 'INBOX_TAKEN' });
      newer.abort();
      await withLimit(reading, limitMs, 'the end of the newer');
    });
  });
}
