import { type Clock, hasCode, type Logger, messageOf, type SaveAhead, secondMs } from '../foundation/index.ts';
import { type Lane, laneOf, lanes } from './effect-runner.ts';
import { type ContactEffect, effectClass, type PendingEffect } from './effects.ts';

export interface LaneCallbacks {
  /** Runs the effect, with the save that it takes along if there is one; what it brings is delivered by the callee. */
  run(effect: ContactEffect, ahead?: SaveAhead): Promise<void>;
  /** Given up: the machine is to be told. */
  failed(effect: ContactEffect, code: string): void;
  /** Done or given up: the effect is no longer pending. */
  settled(pending: PendingEffect): void;
}

/**
 * How long an effect is tried again while what it needs is away. Somebody waits for a call to go on (10 s, then the machine is told).
 * What is given back, or written down for good, is tried until it is done, for the contact's state keeps it meanwhile: an operator
 * who is not given back would never be offered a contact again. A caller who waits for his request is told by his flow's own limit.
 */
function patienceMs(effect: ContactEffect): number {
  switch (effect.type) {
    case 'withdraw':
    case 'offerFailed':
    case 'release':
    case 'endWrapUp':
    case 'endAttempt':
    case 'postponeCallBack':
    case 'storeRequest':
    case 'closeRequest':
    case 'promiseCallBack':
    case 'holdCallBack':
    case 'letGoCallBack':
    case 'cancelCallBack':
    case 'markRecording':
    case 'closeRecording':
    case 'putRecord':
    case 'finish':
      return Number.POSITIVE_INFINITY;
    case 'lookUpCaller':
    case 'openRecording':
      return 0; // the machine goes on without it after its own limit
    case 'askPlace':
      return 2 * secondMs; // the caller is told what can be told without
    default:
      return 10 * secondMs;
  }
}

const firstRetryMs = 50;
const longestRetryMs = 5 * secondMs;

/** Codes after which the same command may be tried again; anything else is an answer. */
const passing = ['REDIS_UNAVAILABLE', 'DATABASE_UNAVAILABLE', 'TIMED_OUT'] as const;

/** An effect whose first attempt takes along the save of the state that names it; the next ones wait until that is saved. */
interface Begun {
  readonly pending: PendingEffect;
  readonly ahead: SaveAhead;
  readonly saved: Promise<void>;
}

/**
 * Runs a contact's effects in order, one lane beside the others. When Asterisk cannot be asked the `call` lane halts: what was under
 * way may or may not have happened, and only the comparison at reconnection tells (`takeOpenCalls` gives what is open).
 */
export class EffectLanes {
  readonly #options: LaneCallbacks & { readonly clock: Clock; readonly logger: Logger };
  readonly #queues: Readonly<Record<Lane, PendingEffect[]>> = { call: [], queue: [], records: [] };
  readonly #running: Record<Lane, boolean> = { call: false, queue: false, records: false };
  #begun: Begun | undefined;
  #halted = false;
  #stopped = false;
  readonly #pauses = new Set<() => void>();
  readonly #drains: Record<Lane, Promise<void>> = {
    call: Promise.resolve(),
    queue: Promise.resolve(),
    records: Promise.resolve(),
  };

  constructor(options: LaneCallbacks & { readonly clock: Clock; readonly logger: Logger }) {
    this.#options = options;
  }

  add(effects: readonly PendingEffect[]): void {
    for (const pending of effects) this.#queues[laneOf(pending.effect)].push(pending);
    for (const lane of lanes) this.#pump(lane);
  }

  isIdle(lane: Lane): boolean {
    return !this.#running[lane] && this.#queues[lane].length === 0;
  }

  /** Begins an effect of an idle lane before the state that names it is saved: the two go together. */
  begin(begun: Begun): void {
    this.#begun = begun;
    this.add([begun.pending]);
  }

  /** Resolves when nothing is under way in the lane: all is done or given up, or the lanes were stopped. */
  async drained(lane: Lane): Promise<void> {
    while (this.#running[lane]) await this.#drains[lane];
  }

  /** Asterisk is away: nothing more is asked of it until `takeOpenCalls`. */
  halt(): void {
    this.#halted = true;
  }

  halted(): boolean {
    return this.#halted;
  }

  /** Takes what is still open of the call lane, to be judged effect by effect, and lets the lane go on. */
  async takeOpenCalls(): Promise<readonly PendingEffect[]> {
    this.#halted = true;
    await this.#drains.call; // what is under way fails with the connection, within the bound of a request
    const open = this.#queues.call.splice(0);
    this.#halted = false;
    return open;
  }

  /** Nothing more is run: this process may no longer act for the contact. */
  stop(): void {
    this.#stopped = true;
    for (const wake of this.#pauses) wake();
  }

  #pump(lane: Lane): void {
    if (this.#running[lane] || this.#resting(lane)) return;
    this.#running[lane] = true;
    this.#drains[lane] = this.#drain(lane).then(() => {
      this.#running[lane] = false;
      this.#pump(lane); // what was added in the moment of stopping
    });
  }

  #resting(lane: Lane): boolean {
    return this.#stopped || this.#queues[lane].length === 0 || (lane === 'call' && this.#halted);
  }

  async #drain(lane: Lane): Promise<void> {
    const queue = this.#queues[lane];
    for (let pending = queue[0]; pending !== undefined; pending = queue[0]) {
      if (this.#stopped || (lane === 'call' && this.#halted)) return;
      const outcome = await this.#attempt(pending);
      if (outcome === 'halted') return;
      if (this.#stopped) return;
      if (queue[0] === pending) queue.shift();
      this.#options.settled(pending);
    }
  }

  async #attempt(pending: PendingEffect): Promise<'settled' | 'halted'> {
    const begun = this.#begun?.pending === pending ? this.#begun : undefined;
    if (begun === undefined) return await this.#try(pending.effect);
    this.#begun = undefined;
    try {
      await this.#options.run(pending.effect, begun.ahead);
      return 'settled';
    } catch {
      await begun.saved;
      return this.#stopped ? 'halted' : await this.#try(pending.effect);
    }
  }

  async #try(effect: ContactEffect): Promise<'settled' | 'halted'> {
    const { clock, logger } = this.#options;
    const giveUpAtMs = clock.nowMs() + patienceMs(effect);
    let waitMs = firstRetryMs;
    for (;;) {
      try {
        await this.#options.run(effect);
        return 'settled';
      } catch (error) {
        if (hasCode(error, 'TELEPHONY_UNAVAILABLE')) {
          this.#halted = true;
          return 'halted';
        }
        const code = passing.find(
          (one) => hasCode(error, one) && (one !== 'TIMED_OUT' || effectClass(effect.type) === 'repeat'),
        );
        if (code === undefined || clock.nowMs() + waitMs > giveUpAtMs || this.#stopped) {
          logger.warn({ effect: effect.type, error: messageOf(error) }, 'an effect was given up');
          this.#options.failed(effect, code ?? 'FAILED');
          return 'settled';
        }
      }
      await this.#pause(waitMs);
      if (this.#stopped) return 'halted'; // woken by the stop: what is still to be done is the next owner's
      waitMs = Math.min(waitMs * 2, longestRetryMs);
    }
  }

  #pause(ms: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#pauses.delete(wake);
        resolve();
      };
      const cancel = clock.setTimer(clock.nowMs() + ms, wake);
      this.#pauses.add(wake);
    });
  }
}
