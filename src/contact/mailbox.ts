import {
  type CancelTimer,
  type Clock,
  type ContactId,
  hasCode,
  type LegId,
  type Logger,
  messageOf,
  type OfferId,
  type SaveAhead,
  secondMs,
} from '../foundation/index.ts';
import { type EffectPorts, laneOf, runEffect, takesSaveAlong } from './effect-runner.ts';
import { type ContactEffect, effectClass, needsSave, type PendingEffect } from './effects.ts';
import type { ContactEvent, RecoveredEvent } from './events.ts';
import { EffectLanes } from './lanes.ts';
import { recordOf, type StepResult, step } from './machine/index.ts';
import type { StateSealer } from './room-ports.ts';
import type { ContactRules } from './rules.ts';
import type { ContactState, StoredContact, TimerId } from './state.ts';
import type { ContactRecord, ContactStateStore, ShardLease } from './store-ports.ts';

export interface MailboxOptions {
  readonly lease: () => ShardLease;
  readonly nodeId: string;
  readonly rules: ContactRules;
  readonly states: ContactStateStore;
  readonly sealer: StateSealer;
  readonly ports: EffectPorts;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The lease is another's: the shard stops acting. */
  readonly onLeaseLost: () => void;
  /** The contact is over and its state removed. */
  readonly onFinished: (contactId: ContactId) => void;
}

/** How long a save is tried again while Redis is away before the contact goes on unsaved: the caller comes first. Nobody is dialled then (`needsSave`). */
const savePatienceMs = 10 * secondMs;
const saveRetryMs = 100;

/**
 * A change that asks for nothing waits this long at most to be saved, usually with the next that does: what a crash can
 * lose of what only this process knew, a key pressed for example. Below what a caller notices; and events that follow one
 * another (a place told, a phone that rings) mostly come within it.
 */
const lingerMs = 100;
/** What is only noted waits for the offer, which mostly comes within it. */
const notedLingerMs = secondMs;
/** Events that only add to the timeline. */
const onlyNoted: readonly ContactEvent['type'][] = ['placeKnown'];

export const stateContext = (contactId: ContactId): string => `contactState:${contactId}`;

interface Letter {
  readonly event: ContactEvent;
  /** Somebody waits for the outcome to be saved. */
  readonly done?: (taken: boolean) => void;
}

/**
 * One contact's mailbox: one event at a time, as many as have come are one turn; state and pending effects are saved once a
 * turn, before the effects run, or in one step with a command to the queue. The only thing that changes the contact's state.
 */
export class Mailbox {
  readonly contactId: ContactId;
  readonly #options: MailboxOptions;
  readonly #lanes: EffectLanes;
  /** The last save was given up: the next are tried once each, or the caller would be kept again by every one of them. */
  #unsaved = false;
  readonly #timers = new Map<TimerId, { readonly dueMs: number; readonly cancel: CancelTimer }>();
  readonly #letters: Letter[] = [];
  #state: ContactState;
  #pending: PendingEffect[] = [];
  #effectNumber = 0;
  #published: number;
  /** Effects saved by an earlier process: judged once, by `recover`, before anything else happens. */
  #inherited: readonly PendingEffect[] | undefined;
  #busy = false;
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;
  /** The state is being removed: nothing may be written after that. */
  #finishing = false;
  /** A change has not been saved; at the latest, the timer's firing (`overdue`) saves it. */
  #lingering: { readonly dueMs: number; readonly cancel: CancelTimer; overdue: boolean } | undefined;

  /** `inherited`: for a contact taken over from an earlier process; it takes no event before `recover`. */
  constructor(state: ContactState, options: MailboxOptions, inherited?: readonly PendingEffect[]) {
    this.contactId = state.contactId;
    this.#state = state;
    this.#options = options;
    this.#inherited = inherited;
    this.#pending = [...(inherited ?? [])];
    this.#effectNumber = this.#pending.reduce((highest, one) => Math.max(highest, one.number), 0);
    this.#published = state.timeline.length;
    this.#lanes = new EffectLanes({
      clock: options.clock,
      logger: options.logger.child({ contactId: state.contactId }),
      run: (effect, ahead) => this.#run(effect, ahead),
      failed: (effect, code) => this.#effectFailed(effect, code),
      settled: (settled) => {
        this.#pending = this.#pending.filter((one) => one.number !== settled.number);
      },
    });
  }

  get state(): ContactState {
    return this.#state;
  }

  /** The first step of a contact that has just arrived. */
  async begin(first: StepResult): Promise<void> {
    this.#published = 0;
    this.#busy = true;
    this.#armTimers();
    await this.#settle(first.effects);
    this.#busy = false;
    this.#work();
  }

  /** Resolves when the event has been taken and its outcome saved; false: this mailbox takes no more. */
  deliver(event: ContactEvent): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#stopped) {
        resolve(false);
        return;
      }
      this.#letters.push({ event, done: resolve });
      this.#work();
    });
  }

  /** `deliver` for what nobody waits for: a change that asks for nothing is saved a little later. */
  post(event: ContactEvent): void {
    if (this.#stopped) return;
    this.#letters.push({ event });
    this.#work();
  }

  /** Resolves when nothing waits to be saved. */
  async rest(): Promise<void> {
    while (this.#lingering !== undefined && !this.#stopped) {
      this.#lingering.overdue = true;
      this.#work();
      await this.#turn;
    }
  }

  /** True while what is stored has still to be compared with Asterisk (`recover`). */
  behind(): boolean {
    return this.#inherited !== undefined || this.#lanes.halted();
  }

  /** Asterisk is away: commands wait for the comparison at reconnection. */
  halt(): void {
    this.#lanes.halt();
  }

  /**
   * The connection or the process is new. Effects of which nobody knows whether they happened are judged by their class, then the
   * machine is told what Asterisk holds; events that came meanwhile follow.
   */
  async recover(
    seen: Omit<RecoveredEvent, 'type' | 'uncertain'>,
    playbackExists: (effect: ContactEffect) => boolean,
  ): Promise<void> {
    const openCalls = await this.#lanes.takeOpenCalls();
    const unsure = this.#inherited ?? openCalls;
    this.#inherited = undefined;
    const again: PendingEffect[] = [];
    const uncertain: PendingEffect[] = [];
    for (const one of unsure) {
      if (effectClass(one.effect.type) === 'repeat') again.push(one);
      else if (effectClass(one.effect.type) === 'once') uncertain.push(one);
      else if (!isThere(one.effect, seen, playbackExists)) again.push(one);
    }
    const kept = new Set(again.map((one) => one.number));
    this.#pending = this.#pending.filter((one) => kept.has(one.number) || !unsure.includes(one));
    const playbacks = [
      ...seen.playbacks,
      ...again.flatMap((one) => ('playbackId' in one.effect ? [one.effect.playbackId] : [])),
    ];
    const starting = again.flatMap((one) => (one.effect.type === 'originate' ? [one.effect.legId] : []));
    const legs = [...seen.legs, ...starting.map((legId) => ({ legId, controlled: false, up: false }))];
    this.#armTimers();
    this.#letters.unshift({
      event: { type: 'recovered', ...seen, legs, playbacks, uncertain: uncertain.map((one) => one.effect.type) },
    });
    this.#lanes.add(again);
    this.#work();
  }

  /** This process may no longer act for the contact; its state stays as saved. */
  stop(): void {
    this.#stopped = true;
    this.#lanes.stop();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#saved();
    for (const { done } of this.#letters.splice(0)) done?.(false);
  }

  #work(): void {
    if (this.#busy || this.#stopped || this.#inherited !== undefined) return;
    if (this.#letters.length === 0 && this.#lingering?.overdue !== true) return;
    this.#busy = true;
    const letters = this.#letters.splice(0);
    this.#turn = this.#take(letters).finally(() => {
      this.#busy = false;
      for (const { done } of letters) done?.(!this.#stopped);
      this.#work();
    });
  }

  async #take(letters: readonly Letter[]): Promise<void> {
    const before = this.#state;
    const effects = letters.flatMap(({ event }) => this.#step(event));
    this.#armTimers();
    const isAwaited = letters.some(({ done }) => done !== undefined);
    const saves = effects.length > 0 || isAwaited || this.#lingering?.overdue === true;
    if (this.#state === before && effects.length === 0 && this.#lingering === undefined) return;
    if (saves) await this.#settle(effects);
    else this.#linger(letters.every(({ event }) => onlyNoted.includes(event.type)) ? notedLingerMs : lingerMs);
  }

  #step(event: ContactEvent): readonly ContactEffect[] {
    const { clock, rules, logger } = this.#options;
    // An offer may be told twice, also after it has come to nothing here.
    if (event.type === 'offerMade' && wasOffered(this.#state, event.offerId)) return [];
    try {
      const result = step(this.#state, event, { nowMs: clock.nowMs(), rules });
      this.#state = result.state;
      return result.effects;
    } catch (error) {
      logger.error(
        { contactId: this.contactId, event: event.type, error: messageOf(error) },
        'an event could not be taken',
      );
      return [];
    }
  }

  /** The effects run when the state that names them is saved; a command to the queue may be one step with the save. */
  async #settle(effects: readonly ContactEffect[]): Promise<void> {
    const added = effects.map((effect) => ({ number: ++this.#effectNumber, effect }));
    this.#pending.push(...added);
    const first = this.#lanes.isIdle('queue') ? added.find(({ effect }) => laneOf(effect) === 'queue') : undefined;
    const along = first !== undefined && takesSaveAlong(first.effect) ? first : undefined;
    const { promise: whenSaved, resolve: tellSaved } = Promise.withResolvers<void>();
    let isBegun = false;
    const command = (ahead: SaveAhead): void => {
      isBegun = true;
      if (along) this.#lanes.begin({ pending: along, ahead, saved: whenSaved });
    };
    const saved = await this.#save(along && command);
    tellSaved();
    if (saved === 'mayNotAct') return;
    this.#saved();
    const withheld = saved === 'unsaved' ? added.filter(({ effect }) => needsSave(effect.type)) : [];
    this.#lanes.add(added.filter((one) => !withheld.includes(one) && !(isBegun && one === along)));
    for (const one of withheld) {
      this.#pending = this.#pending.filter((other) => other !== one);
      this.#effectFailed(one.effect, 'UNSAVED');
    }
  }

  #linger(ms: number): void {
    const { clock } = this.#options;
    const dueMs = clock.nowMs() + ms;
    if (this.#lingering !== undefined && this.#lingering.dueMs <= dueMs) return;
    this.#lingering?.cancel();
    const lingering = {
      dueMs,
      overdue: false,
      cancel: clock.setTimer(dueMs, () => {
        lingering.overdue = true;
        this.#work();
      }),
    };
    this.#lingering = lingering;
  }

  #saved(): void {
    this.#lingering?.cancel();
    this.#lingering = undefined;
  }

  /** `command` goes with the first attempt. */
  async #save(command?: (ahead: SaveAhead) => void): Promise<'saved' | 'unsaved' | 'mayNotAct'> {
    if (this.#finishing) return this.#stopped ? 'mayNotAct' : 'saved';
    const { clock, logger, states, sealer, lease, onLeaseLost } = this.#options;
    const stored: StoredContact = { version: 1, state: this.#state, pending: this.#pending };
    const sealedState = sealer.seal(JSON.stringify(stored), stateContext(this.contactId));
    const timeline = this.#state.timeline.slice(this.#published);
    const giveUpAtMs = clock.nowMs() + (this.#unsaved ? 0 : savePatienceMs);
    const change = { sealedState, timeline };
    for (let isFirst = true; ; isFirst = false) {
      if (this.#stopped) return 'mayNotAct';
      try {
        const outcome = await (command && isFirst
          ? states.saveWith(lease(), this.contactId, change, command)
          : states.save(lease(), this.contactId, change));
        if (outcome === 'leaseLost') {
          onLeaseLost();
          return 'mayNotAct';
        }
        this.#published += timeline.length;
        this.#unsaved = false;
        return 'saved';
      } catch (error) {
        if (!hasCode(error, 'REDIS_UNAVAILABLE') || clock.nowMs() >= giveUpAtMs) {
          this.#unsaved = true;
          logger.error({ contactId: this.contactId, error: messageOf(error) }, 'the contact goes on unsaved');
          return 'unsaved';
        }
      }
      await new Promise<void>((resolve) => void clock.setTimer(clock.nowMs() + saveRetryMs, resolve));
    }
  }

  async #run(effect: ContactEffect, ahead?: SaveAhead): Promise<void> {
    if (effect.type === 'finish') {
      await this.#finish();
      return;
    }
    const { contactId } = this;
    const record = (): ContactRecord => recordOf(this.#state, this.#options.nodeId);
    const context = { contactId, shard: this.#state.shard, record, ahead };
    const events = await runEffect(effect, context, this.#options.ports);
    // Done, and what it brings: in one save, or what was done before a crash would be done again after what followed from it.
    if (events.length > 0) this.#pending = this.#pending.filter((one) => one.effect !== effect);
    for (const event of events) this.post(event);
  }

  async #finish(): Promise<void> {
    const { states, lease, onFinished, onLeaseLost } = this.#options;
    // An operator is given back before his contact is forgotten: by us, or by the next owner of what is stored.
    await this.#lanes.drained('queue');
    if (this.#stopped) return;
    this.#finishing = true;
    const outcome = await states.finish(lease(), this.contactId, this.#state.timeline.slice(this.#published));
    if (outcome === 'leaseLost') {
      onLeaseLost();
      return;
    }
    this.stop();
    onFinished(this.contactId);
  }

  #effectFailed(effect: ContactEffect, code: string): void {
    this.post({
      type: 'effectFailed',
      effect: effect.type,
      why: code,
      ...('legId' in effect ? { legId: effect.legId } : {}),
      ...('playbackId' in effect ? { playbackId: effect.playbackId } : {}),
      ...('offerId' in effect ? { offerId: effect.offerId } : {}),
      ...('idempotencyKey' in effect ? { idempotencyKey: effect.idempotencyKey } : {}),
    });
  }

  #armTimers(): void {
    const wanted = this.#state.timers;
    for (const [timerId, timer] of this.#timers) {
      if (wanted[timerId] === timer.dueMs) continue;
      timer.cancel();
      this.#timers.delete(timerId);
    }
    for (const [timerId, dueMs] of Object.entries(wanted) as [TimerId, number][]) {
      if (this.#timers.has(timerId)) continue;
      const cancel = this.#options.clock.setTimer(dueMs, () => {
        this.#timers.delete(timerId);
        this.post({ type: 'timerFired', timerId, dueMs });
      });
      this.#timers.set(timerId, { dueMs, cancel });
    }
  }
}

/** Whether Asterisk shows that an `askFirst` effect has happened. */
function isThere(
  effect: ContactEffect,
  seen: { readonly legs: readonly { readonly legId: LegId }[] },
  playbackExists: (effect: ContactEffect) => boolean,
): boolean {
  if (effect.type === 'originate') return seen.legs.some((leg) => leg.legId === effect.legId);
  return playbackExists(effect);
}

function wasOffered(state: ContactState, offerId: OfferId): boolean {
  return state.timeline.some((entry) => entry.kind === 'offerMade' && entry.facts.offerId === offerId);
}
