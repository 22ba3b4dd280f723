import type { QueueEvent, QueueInbox } from '../acd/index.ts';
import {
  asId,
  bySystem,
  type CallBackId,
  type Clock,
  type ContactId,
  DozvonError,
  hasCode,
  type LegId,
  type Logger,
  messageOf,
  newId,
  type PlaybackId,
  secondMs,
  withLimit,
} from '../foundation/index.ts';
import type { EffectPorts } from './effect-runner.ts';
import type { ContactEvent } from './events.ts';
import { begin, beginCallBack, isCalledLeg, playbackUnderWay } from './machine/index.ts';
import { Mailbox, type MailboxOptions, stateContext } from './mailbox.ts';
import type { ArrivalFacts, TelephonyPort, TelephonySnapshot } from './ports.ts';
import { PresenceKeys } from './presence-keys.ts';
import type { StateSealer } from './room-ports.ts';
import type { ContactRules } from './rules.ts';
import type { StoredContact } from './state.ts';
import type { ContactStateStore, ShardLease } from './store-ports.ts';
import type { TelephonyEvent } from './telephony-events.ts';

export interface ShardOptions {
  readonly lease: ShardLease;
  readonly nodeId: string;
  readonly ports: EffectPorts;
  readonly states: ContactStateStore;
  readonly inbox: QueueInbox;
  readonly sealer: StateSealer;
  readonly rules: () => ContactRules;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly testing: boolean;
  /** Somebody else owns the shard now: everything of it here has been stopped. */
  readonly onLost: (reason: 'leaseLost' | 'replaced') => void;
}

/** Part of the service's patience with its stop. */
const restLimitMs = 2 * secondMs;
/** Before what failed for want of Asterisk or Redis is tried again. */
const retryMs = secondMs;

/**
 * All live contacts of one shard, as long as this process owns it: routes events to mailboxes, brings stored contacts back after a restart or a
 * take-over, and compares with Asterisk at every connection.
 */
export class Shard {
  readonly #options: ShardOptions;
  readonly #telephony: TelephonyPort;
  readonly #mailboxes = new Map<ContactId, Mailbox>();
  readonly #contactByCallerLeg = new Map<LegId, ContactId>();
  readonly #presenceKeys: PresenceKeys;
  readonly #abort = new AbortController();
  #inboxRun: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ShardOptions) {
    this.#options = options;
    this.#telephony = options.ports.telephony;
    const { clock, logger } = options;
    this.#presenceKeys = new PresenceKeys({
      telephony: this.#telephony,
      queue: options.ports.queue,
      clock,
      logger,
      language: () => options.rules().language,
    });
  }

  get contacts(): number {
    return this.#mailboxes.size;
  }

  get connected(): boolean {
    return this.#telephony.connected();
  }

  /** Loads what is stored, connects, compares, and only then hears of offers. */
  async start(): Promise<void> {
    for (const stored of await this.#options.states.loadShard(this.#options.lease.shard)) this.#load(stored);
    this.#telephony.subscribe((event) => this.#onTelephony(event));
    await this.#telephony.start();
    this.#inboxRun = this.#options.inbox.consume(
      this.#options.lease.shard,
      (event) => this.#onQueue(event),
      this.#abort.signal,
    );
    this.#inboxRun.catch((error: unknown) => {
      if (hasCode(error, 'INBOX_TAKEN')) {
        this.#lost('leaseLost');
        return;
      }
      this.#options.logger.error(
        { shard: this.#options.lease.shard, error: messageOf(error) },
        'the inbox of the shard is no longer read',
      );
    });
  }

  /** `stop`, with everything saved before, if that can be done in time. */
  async close(): Promise<void> {
    const rested = Promise.all([...this.#mailboxes.values()].map((mailbox) => mailbox.rest()));
    await withLimit(rested, restLimitMs, 'saving what waits to be saved').catch((error: unknown) => {
      this.#options.logger.warn(
        { shard: this.#options.lease.shard, error: messageOf(error) },
        'not all could be saved',
      );
    });
    await this.stop();
  }

  /** Stops acting; what is live stays in Asterisk and in the store for whoever owns the shard next. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#abort.abort();
    for (const mailbox of this.#mailboxes.values()) mailbox.stop();
    await this.#telephony.stop();
    await this.#inboxRun.catch(() => undefined);
  }

  #lost(reason: 'leaseLost' | 'replaced'): void {
    if (this.#stopped) return;
    this.#options.logger.warn({ shard: this.#options.lease.shard, reason }, 'the shard belongs to another process now');
    this.stop().catch((error: unknown) =>
      this.#options.logger.error({ error: messageOf(error) }, 'the lost shard did not stop cleanly'),
    );
    this.#options.onLost(reason);
  }

  #mailboxOptions(): MailboxOptions {
    const { lease, nodeId, ports, states, sealer, rules, clock, logger } = this.#options;
    return {
      lease: () => lease,
      nodeId,
      rules: rules(),
      states,
      sealer,
      ports,
      clock,
      logger,
      onLeaseLost: () => this.#lost('leaseLost'),
      onFinished: (contactId) => this.#forget(contactId),
    };
  }

  #load(stored: { readonly contactId: ContactId; readonly sealedState: string }): void {
    const { sealer, logger, ports } = this.#options;
    try {
      const { state, pending } = JSON.parse(
        sealer.open(stored.sealedState, stateContext(stored.contactId)),
      ) as StoredContact;
      this.#mailboxes.set(state.contactId, new Mailbox(state, this.#mailboxOptions(), pending));
      this.#contactByCallerLeg.set(state.callerLegId, state.contactId);
      if (state.recording && (state.recording.state === 'starting' || state.recording.state === 'running')) {
        const { recordingId } = state.recording;
        ports.recordings.adopt(recordingId).catch((error: unknown) => {
          logger.error({ recordingId, error: messageOf(error) }, 'a recording could not be adopted');
        });
      }
    } catch (error) {
      // Kept in the store for whoever can open it; its legs are treated as a new arrival.
      logger.error({ contactId: stored.contactId, error: messageOf(error) }, 'a stored contact cannot be read');
    }
  }

  #forget(contactId: ContactId): void {
    const mailbox = this.#mailboxes.get(contactId);
    if (mailbox) this.#contactByCallerLeg.delete(mailbox.state.callerLegId);
    this.#mailboxes.delete(contactId);
  }

  #onTelephony(event: TelephonyEvent): void {
    if (this.#stopped) return;
    switch (event.type) {
      case 'connected':
        this.#compareUntilDone();
        return;
      case 'disconnected':
        for (const mailbox of this.#mailboxes.values()) mailbox.halt();
        return;
      case 'replaced':
        this.#lost('replaced');
        return;
      case 'legArrived':
        this.#arrive(event.legId, event.arrival);
        return;
      case 'devicesChanged':
        this.#onDevices(event.extension);
        return;
      case 'operatorCallsChanged':
        this.#onOperatorCalls(event.extension);
        return;
      case 'serviceCodeDialled':
        void this.#presenceKeys.dialled(event);
        return;
      case 'playbackEnded':
        if (!this.#presenceKeys.playbackEnded(event.playbackId)) this.#deliver(contactOfName(event.playbackId), event);
        return;
      case 'legReturned':
        if (this.#contactByCallerLeg.has(event.legId)) this.#deliver(this.#contactOfLeg(event.legId), event);
        else if (isCalledLeg(event.legId)) this.#endStray(event.legId);
        else this.#arrive(event.legId, event.arrival); // its contact is not known any more: served as new
        return;
      case 'legAnswered':
        if (!this.#deliver(this.#contactOfLeg(event.legId), event)) this.#endStray(event.legId);
        return;
      case 'legRinging':
      case 'legEnded':
      case 'digit':
        this.#deliver(this.#contactOfLeg(event.legId), event);
        return;
    }
  }

  #deliver(contactId: ContactId | undefined, event: ContactEvent): boolean {
    const mailbox = contactId === undefined ? undefined : this.#mailboxes.get(contactId);
    if (!mailbox) return false;
    mailbox.post(event);
    return true;
  }

  #contactOfLeg(legId: LegId): ContactId | undefined {
    return this.#contactByCallerLeg.get(legId) ?? contactOfName(legId);
  }

  #arrive(legId: LegId, arrival: ArrivalFacts): void {
    if (this.#contactByCallerLeg.has(legId)) return; // seen in the comparison already
    const { clock, lease, testing, logger } = this.#options;
    const nowMs = clock.nowMs();
    const contactId = newId<ContactId>('c', nowMs);
    const rules = this.#options.rules();
    const evaluateAtMs = testing && arrival.evaluateAt !== undefined ? Date.parse(arrival.evaluateAt) : Number.NaN;
    const facts = {
      contactId,
      shard: lease.shard,
      legId,
      arrival,
      ...(Number.isNaN(evaluateAtMs) ? {} : { evaluateAtMs }),
    };
    const first = begin(facts, { nowMs, rules });
    const mailbox = new Mailbox(first.state, this.#mailboxOptions());
    this.#mailboxes.set(contactId, mailbox);
    this.#contactByCallerLeg.set(legId, contactId);
    logger.info({ contactId, trunk: arrival.trunk, line: first.state.facts.lineId }, 'contact arrived');
    mailbox
      .begin(first)
      .catch((error: unknown) => logger.error({ contactId, error: messageOf(error) }, 'the contact could not begin'));
  }

  /** Resolves when the contact that is to claim it is saved. */
  async beginCallBack(callBackId: CallBackId): Promise<void> {
    const { clock, lease, logger, rules } = this.#options;
    const nowMs = clock.nowMs();
    const contactId = newId<ContactId>('c', nowMs);
    const first = beginCallBack({ contactId, shard: lease.shard, callBackId }, { nowMs, rules: rules() });
    const mailbox = new Mailbox(first.state, this.#mailboxOptions());
    this.#mailboxes.set(contactId, mailbox);
    this.#contactByCallerLeg.set(first.state.callerLegId, contactId);
    logger.debug({ contactId, callBackId }, 'contact begun for a call-back');
    await mailbox.begin(first);
  }

  /** Tried until it is stored: nothing else would make an operator reachable again. */
  #onDevices(extension: string): void {
    const { clock, logger, ports } = this.#options;
    const operatorId = ports.queue.operatorOfExtension(extension);
    if (operatorId === undefined || this.#stopped) return;
    const reachable = this.#telephony.devices(extension).length > 0;
    ports.queue.setReachable(operatorId, reachable, bySystem('telephony', 'devicesChanged')).catch((error: unknown) => {
      logger.warn({ operatorId, error: messageOf(error) }, 'the operator’s reachability could not be stored');
      clock.setTimer(clock.nowMs() + retryMs, () => this.#onDevices(extension));
    });
  }

  /** Tried until it is stored, like the reachability: nothing else would free an operator whose call is over. */
  #onOperatorCalls(extension: string): void {
    const { clock, logger, ports } = this.#options;
    const operatorId = ports.queue.operatorOfExtension(extension);
    if (operatorId === undefined || this.#stopped) return;
    const busy = this.#telephony.outsideCalls(extension) > 0;
    ports.queue
      .setOutsideCall(operatorId, busy, bySystem('telephony', 'operatorCallsChanged'))
      .catch((error: unknown) => {
        logger.warn(
          { operatorId, error: messageOf(error) },
          'the operator’s calls outside the queue could not be stored',
        );
        clock.setTimer(clock.nowMs() + retryMs, () => this.#onOperatorCalls(extension));
      });
  }

  /** Acknowledged when it resolves: so it rejects rather than swallow an event that the shard's next owner must have. */
  async #onQueue(event: QueueEvent): Promise<void> {
    const mailbox = this.#mailboxes.get(event.contactId);
    const taken = mailbox !== undefined && (await mailbox.deliver(this.#contactEvent(event)));
    if (taken) return;
    if (this.#stopped) throw new DozvonError('SHARD_STOPPED', `shard ${this.#options.lease.shard} is no longer ours`);
    if (event.type !== 'offerMade') return;
    // Reserved for a contact that is over: taking it out frees the operator.
    await this.#options.ports.queue.withdraw(event.contactId, bySystem('contact', 'contactGone'));
  }

  #contactEvent(event: QueueEvent): ContactEvent {
    if (event.type !== 'offerMade') return event;
    const { offerId, operatorId, extension, why } = event;
    return { type: 'offerMade', offerId, operatorId, extension, why, devices: this.#telephony.devices(extension) };
  }

  /** Contacts wait for the comparison: one that fails is made again, unless the connection is lost (its return brings the next). */
  #compareUntilDone(): void {
    const { clock, logger } = this.#options;
    this.#compare().catch((error: unknown) => {
      logger.error({ error: messageOf(error) }, 'Asterisk could not be compared with what is stored');
      clock.setTimer(clock.nowMs() + retryMs, () => {
        if (!this.#stopped && this.#telephony.connected()) this.#compareUntilDone();
      });
    });
  }

  /** What is stored against what Asterisk holds: every contact gets its differences, legs and bridges of nobody are ended. */
  async #compare(): Promise<void> {
    const snapshot = await this.#telephony.snapshot();
    if (this.#stopped) return;
    // A contact that has arrived since the connection came up has missed nothing.
    const behind = [...this.#mailboxes.values()].filter((mailbox) => mailbox.behind());
    for (const mailbox of behind) await this.#recover(mailbox, snapshot);
    for (const leg of snapshot.legs) {
      if (this.#contactByCallerLeg.has(leg.legId) || !leg.controlled) continue;
      if (leg.arrival && !isCalledLeg(leg.legId)) this.#arrive(leg.legId, leg.arrival);
      else if (!this.#mailboxes.has(contactOfName(leg.legId) ?? asId<ContactId>(''))) this.#endStray(leg.legId);
    }
    for (const { bridgeId } of snapshot.bridges) {
      const contactId = contactOfName(bridgeId);
      if (contactId !== undefined && !this.#mailboxes.has(contactId)) await this.#telephony.destroyBridge(bridgeId);
    }
  }

  async #recover(mailbox: Mailbox, snapshot: TelephonySnapshot): Promise<void> {
    const { state } = mailbox;
    const own = new Set(state.legs.map((leg) => leg.legId));
    const legs = snapshot.legs
      .filter((leg) => own.has(leg.legId))
      .map((leg) => ({
        legId: leg.legId,
        controlled: leg.controlled,
        up: leg.state === 'up',
        ...(leg.spoolFile === undefined ? {} : { spoolFile: leg.spoolFile }),
        ...(leg.heard === undefined ? {} : { heard: leg.heard }),
      }));
    const playbackId = playbackUnderWay(state.phase);
    const playbacks: PlaybackId[] = [];
    if (playbackId !== undefined && (await this.#telephony.playbackExists(playbackId))) playbacks.push(playbackId);
    const playing = new Set(playbacks);
    await mailbox.recover(
      { nodeId: this.#options.nodeId, legs, playbacks },
      (effect) => 'playbackId' in effect && playing.has(effect.playbackId),
    );
  }

  #endStray(legId: LegId): void {
    this.#telephony.hangup(legId, 'normal').catch((error: unknown) => {
      this.#options.logger.warn({ legId, error: messageOf(error) }, 'a leg of nobody could not be ended');
    });
  }
}

/** The contact that a leg, bridge or playback of ours belongs to: the part of its name before the first dot. */
function contactOfName(name: string): ContactId | undefined {
  const dot = name.indexOf('.');
  return dot > 0 && name.startsWith('c') ? asId<ContactId>(name.slice(0, dot)) : undefined;
}
