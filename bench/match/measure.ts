import type { Reservation } from '../../src/acd/index.ts';
import { bySystem } from '../../src/foundation/index.ts';
import { scriptTime } from '../measure/script-time.ts';
import { inTurns } from './rounds.ts';
import { leaseMs, type Stage, settle, tracesOf } from './stage.ts';

export type Direction = 'contactArrives' | 'operatorReady';

export interface Round {
  readonly direction: Direction;
  readonly reservations: number;
  readonly elapsedMs: number;
  /** Of each reservation, from asking to the answer. */
  readonly latenciesMs: readonly number[];
  /** Redis's own time a reservation. */
  readonly redisMicroseconds: number;
}

const by = bySystem('bench', 'measuring');

/**
 * One round of reservations, nothing else timed: `operatorReady` asks for the first operators, `contactArrives` for contacts that
 * have just been queued. Afterwards as many wait as before. Throws when a reservation fails, or leaves no lease, event or message.
 */
export async function reserveRound(
  stage: Stage,
  options: { readonly direction: Direction; readonly count: number; readonly inFlight: number },
): Promise<Round> {
  const { store, population, redis } = stage;
  const { direction, count, inFlight } = options;
  const arriving = Array.from({ length: count }, () => population.nextContact());
  await inTurns(arriving, inFlight, async (contact) => {
    await store.enqueue(contact, contact.enqueuedAtMs, by);
  });
  const asks =
    direction === 'contactArrives'
      ? arriving.map(({ contactId }) => (): Promise<Reservation | undefined> => {
          return store.matchContact(contactId, { nowMs: population.nowMs(), leaseMs });
        })
      : population.operators.slice(0, count).map((operatorId) => (): Promise<Reservation | undefined> => {
          return store.matchOperator(operatorId, { nowMs: population.nowMs(), leaseMs });
        });
  const before = { traces: await tracesOf(stage), script: await scriptTime(redis.client) };
  const made: Reservation[] = [];
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  await inTurns(asks, inFlight, async (ask) => {
    const askedAt = performance.now();
    const reservation = await ask();
    latenciesMs.push(performance.now() - askedAt);
    if (reservation !== undefined) made.push(reservation);
  });
  const elapsedMs = performance.now() - startedAt;
  const after = { traces: await tracesOf(stage), script: await scriptTime(redis.client) };
  for (const kind of ['leases', 'events', 'inbox'] as const) {
    const added = after.traces[kind] - before.traces[kind];
    if (made.length !== count || added !== count) {
      throw new Error(
        `${direction}: expected ${count} reservations with ${kind}, got ${made.length} with ${added} ${kind}`,
      );
    }
  }
  await settle(stage, made);
  return {
    direction,
    reservations: count,
    elapsedMs,
    latenciesMs,
    redisMicroseconds: (after.script.microseconds - before.script.microseconds) / count,
  };
}

export interface CycleResult {
  readonly cycles: number;
  readonly elapsedMs: number;
  /** From the release of an operator to his next reservation. */
  readonly latenciesMs: readonly number[];
  readonly redisMicroseconds: number;
}

/**
 * Whole contacts under a backlog: all operators are taken; each answers, is released, a new contact arrives (and finds nobody or him),
 * and he is given the next. Five scripts a cycle.
 */
export async function cycleRound(
  stage: Stage,
  options: { readonly count: number; readonly inFlight: number },
): Promise<CycleResult> {
  const { store, population, redis } = stage;
  const offers: Reservation[] = [];
  for (const operatorId of population.operators) {
    const contact = population.nextContact(); // For the one he takes.
    await store.enqueue(contact, contact.enqueuedAtMs, by);
    const offer = await store.matchOperator(operatorId, { nowMs: population.nowMs(), leaseMs });
    if (offer !== undefined) offers.push(offer);
  }
  const contacts = Array.from({ length: options.count }, () => population.nextContact());
  const latenciesMs: number[] = [];
  const before = await scriptTime(redis.client);
  const startedAt = performance.now();
  await inTurns(contacts, options.inFlight, async (contact) => {
    const offer = offers.shift();
    if (offer === undefined) throw new Error('expected an offer for every cycle, got none');
    const { operatorId, contactId } = offer;
    await store.offerAnswered(offer.offerId, population.nowMs(), by);
    const freeAt = performance.now();
    await store.release(operatorId, contactId, { nowMs: population.nowMs(), wrapUp: false }, by);
    const next = await store.matchOperator(operatorId, { nowMs: population.nowMs(), leaseMs });
    if (next !== undefined) {
      latenciesMs.push(performance.now() - freeAt);
      offers.push(next);
    }
    await store.enqueue(contact, population.nowMs(), by);
    const arrived = await store.matchContact(contact.contactId, { nowMs: population.nowMs(), leaseMs });
    if (arrived !== undefined) offers.push(arrived);
  });
  const elapsedMs = performance.now() - startedAt;
  const after = await scriptTime(redis.client);
  await settle(stage, offers);
  return {
    cycles: options.count,
    elapsedMs,
    latenciesMs,
    redisMicroseconds: (after.microseconds - before.microseconds) / options.count,
  };
}
