import { DozvonError, messageOf, minuteMs, secondMs } from '../../src/foundation/index.ts';
import type { ShownContact, ShownOperator } from '../../test/support/calls.ts';
import type { TestStack } from '../../test/support/stack.ts';
import { RandomStream } from '../sim/random.ts';
import { Citizens, drawFirstCall, heardForMs, operatorHz } from './citizens.ts';
import { type ChaosQueue, operatorIds, queues, retryMs } from './hotline.ts';
import { type Fault, faultsOf, type Kept, type ShownCallBack } from './judge.ts';
import { strike, type Victim, victims } from './kills.ts';
import { pause, promise, type Way } from './promises.ts';

export interface ChaosOptions {
  readonly kills: number;
  readonly seed: string;
  /** After the last kill, until everything is kept. */
  readonly settleLimitMs: number;
  readonly onProgress: (line: string) => void;
}

export interface Kill {
  readonly victim: Victim;
  /** States of the call-backs that were promised and not answered at that moment. */
  readonly atStake: readonly string[];
  readonly awayMs: number;
}

export interface ChaosResult {
  readonly kills: readonly Kill[];
  readonly kept: readonly Kept[];
  readonly faults: readonly Fault[];
  /** What was not as it should be when all was over: channels and bridges in Asterisk, operators who are not idle. */
  readonly leftOver: readonly string[];
}

/** Promises of one round; the kill comes at some instant after they have begun. */
const promisesPerRound = 2;
/** From a promise to the answer it takes two to six seconds. */
const killWithinMs = 6 * secondMs;
/** Above this the operators cannot keep up, and nothing new is promised. */
const mostOpen = 8;
const backlogLimitMs = 3 * minuteMs;
const lookEveryMs = 500;
const restLimitMs = 15 * secondMs;
const ways: readonly Way[] = ['byPhone', 'soon', 'at'];

/** Promises, kills and brings back until there were so many kills; then waits until all is kept, and judges. */
export async function runChaos(stack: TestStack, options: ChaosOptions): Promise<ChaosResult> {
  const run = new ChaosRun(stack, options);
  try {
    await run.staff();
    await run.killAll();
    await run.settle();
    return await run.judge();
  } finally {
    run.stop();
  }
}

class ChaosRun {
  readonly #stack: TestStack;
  readonly #options: ChaosOptions;
  readonly #drawn: Readonly<Record<'promises' | 'instants' | 'kills', RandomStream>>;
  readonly #victims: readonly Victim[];
  readonly #citizens: Citizens;
  readonly #promised = new Map<string, Promise<boolean>>();
  readonly #kills: Kill[] = [];

  constructor(stack: TestStack, options: ChaosOptions) {
    this.#stack = stack;
    this.#options = options;
    this.#citizens = new Citizens(stack.phones);
    const { seed, kills } = options;
    this.#drawn = {
      promises: new RandomStream(seed, 'promises'),
      instants: new RandomStream(seed, 'instants'),
      kills: new RandomStream(seed, 'kills'),
    };
    this.#victims = dealVictims(kills, new RandomStream(seed, 'victims'));
  }

  async staff(): Promise<void> {
    const { phones, api, config, stack } = this.#stack;
    for (const id of operatorIds) {
      const extension = config.operators.find((operator) => operator.id === id)?.extension ?? '';
      const password = stack.secrets.sipPasswords[extension] ?? '';
      const phone = await phones.register({ extension, password, behaviour: { kind: 'answer', afterMs: 200 } });
      phone.audio = { toneHz: operatorHz };
      await api.send('POST', `/operators/${id}/sign-in`, { reason: 'test' });
      await api.send('PUT', `/operators/${id}/presence`, { presence: 'ready', reason: 'test' });
    }
  }

  async killAll(): Promise<void> {
    const { onProgress } = this.#options;
    for (const victim of this.#victims) {
      const atStake = await this.#untilAtStake();
      const awayMs = await strike(this.#stack, victim, this.#drawn.kills);
      this.#kills.push({ victim, atStake, awayMs });
      const what = `kill ${this.#kills.length} of ${this.#victims.length}: ${victim}, ${atStake.join(', ')}`;
      onProgress(`${what}; back after ${awayMs} ms`);
    }
  }

  /** New promises, and an instant at which one is not answered yet; resolves with the states of these. */
  async #untilAtStake(): Promise<readonly string[]> {
    for (;;) {
      await this.#untilOpen(mostOpen, backlogLimitMs);
      for (let i = 0; i < promisesPerRound; i += 1) this.#promiseOne();
      await pause(this.#drawn.instants.below(killWithinMs));
      const atStake = (await this.#callBacks(mostOpen * 4)).filter(isAtStake).map(({ state }) => state);
      if (atStake.length > 0) return atStake;
    }
  }

  /** Until nothing is open any more, or the limit: the judge says what that means. */
  async settle(): Promise<void> {
    const { settleLimitMs, onProgress } = this.#options;
    await Promise.all(this.#promised.values());
    const sinceMs = Date.now();
    for (let toldMs = sinceMs; ; await pause(lookEveryMs)) {
      const open = (await this.#allCallBacks()).filter(isOpen);
      if (open.length === 0 || Date.now() - sinceMs > settleLimitMs) return;
      if (Date.now() - toldMs < 10 * secondMs) continue;
      toldMs = Date.now();
      onProgress(`${open.length} of ${this.#promised.size} to be kept: ${open.map(shortly).join('; ')}`);
    }
  }

  async judge(): Promise<ChaosResult> {
    // The last conversations are over, and what was heard in them is written.
    const left = await this.#stack.witness.untilEmpty(restLimitMs).then(
      () => [],
      (error: unknown) => [messageOf(error)],
    );
    const busy = await this.#busyOperators();
    const all = await this.#allCallBacks();
    const kept: Kept[] = [];
    for (const [number, promised] of this.#promised) {
      const callBacks = all.filter((callBack) => callBack.number === number);
      kept.push({
        number,
        promised: await promised,
        callBacks,
        invitesMs: this.#stack.phones.dialled(number).map(({ atMs }) => atMs),
        heardMs: await this.#citizens.heardMs(number),
        outcomes: await this.#outcomes(callBacks),
      });
    }
    const rule = { retryMs, heardForMs, nowMs: Date.now() };
    return {
      kills: this.#kills,
      kept,
      faults: kept.flatMap((one) => faultsOf(one, rule)),
      leftOver: [...left, ...busy],
    };
  }

  stop(): void {
    this.#citizens.stop();
  }

  #promiseOne(): void {
    const random = this.#drawn.promises;
    const number = `+7926${1_000_000 + this.#promised.size}`;
    const way = ways[random.below(ways.length)] ?? 'soon';
    const queueIds = Object.keys(queues) as ChaosQueue[];
    // The line's own queue, for who calls it.
    const queueId = way === 'byPhone' ? 'general' : (queueIds[random.below(queueIds.length)] ?? 'general');
    const first = drawFirstCall(random, queueId);
    this.#citizens.settle({ number, first, afterMs: 200 + random.below(1_500) });
    const promised = promise(this.#stack, { number, queueId, way, inMs: secondMs + random.below(5 * secondMs) });
    promised.catch(() => undefined); // told when all are awaited
    this.#promised.set(number, promised);
  }

  async #untilOpen(most: number, limitMs: number): Promise<void> {
    for (const sinceMs = Date.now(); ; await pause(lookEveryMs)) {
      const open = (await this.#callBacks(100)).filter(isOpen).length;
      if (open <= most) return;
      if (Date.now() - sinceMs > limitMs)
        throw new DozvonError(
          'TIMED_OUT',
          `expected at most ${most} open call-backs within ${limitMs} ms, got ${open}`,
        );
    }
  }

  async #callBacks(limit: number): Promise<readonly ShownCallBack[]> {
    const path = `/call-backs?limit=${limit}`;
    return (await this.#stack.api.get<{ readonly items: readonly ShownCallBack[] }>(path)).items;
  }

  async #allCallBacks(): Promise<readonly ShownCallBack[]> {
    const all: ShownCallBack[] = [];
    for (let cursor = ''; ; ) {
      const path = `/call-backs?limit=100${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page = await this.#stack.api.get<{
        readonly items: readonly ShownCallBack[];
        readonly nextCursor?: string;
      }>(path);
      all.push(...page.items);
      if (page.nextCursor === undefined) return all;
      cursor = page.nextCursor;
    }
  }

  async #outcomes(callBacks: readonly ShownCallBack[]): Promise<readonly string[]> {
    const outcomes: string[] = [];
    for (const { contactId } of callBacks.flatMap(({ attempts }) => attempts)) {
      const contact = await this.#stack.api
        .get<ShownContact & { readonly kind?: string }>(`/contacts/${contactId}`)
        .catch(() => undefined);
      outcomes.push(contact?.kind === 'callBack' ? (contact.outcome ?? 'open') : 'none');
    }
    return outcomes;
  }

  async #busyOperators(): Promise<readonly string[]> {
    for (const sinceMs = Date.now(); ; await pause(lookEveryMs)) {
      const { items } = await this.#stack.api.get<{ readonly items: readonly ShownOperator[] }>('/operators');
      const busy = items
        .filter(({ operatorId, work }) => operatorIds.includes(operatorId) && work.voice !== 'idle')
        .map(({ operatorId, work }) => `${operatorId}: ${JSON.stringify(work)}`);
      if (busy.length === 0 || Date.now() - sinceMs > restLimitMs) return busy;
    }
  }
}

function isOpen({ state }: ShownCallBack): boolean {
  return !['done', 'failed', 'cancelled'].includes(state);
}

function shortly({ state, dueAt, attempts }: ShownCallBack): string {
  return `${state}, due ${dueAt.slice(11, 19)}, after ${attempts.map(({ outcome }) => outcome ?? 'open').join(' ') || 'none'}`;
}

/** Each of them equally often, in any order. */
function dealVictims(count: number, random: RandomStream): readonly Victim[] {
  const dealt: Victim[] = [];
  while (dealt.length < count) {
    const left = [...victims];
    while (left.length > 0) dealt.push(...left.splice(random.below(left.length), 1));
  }
  return dealt.slice(0, count);
}

/** Promised, not answered, and not waiting for a later try. */
function isAtStake(callBack: ShownCallBack): boolean {
  return isOpen(callBack) && (callBack.state !== 'scheduled' || Date.parse(callBack.dueAt) <= Date.now() + secondMs);
}
