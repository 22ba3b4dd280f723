import type {
  ArrivalFacts,
  BridgeKind,
  CommandOutcome,
  DialRequest,
  Heard,
  OriginateRequest,
  TelephonySnapshot,
} from '../../src/contact/ports.ts';
import type { LegEndCause, TelephonyEvent } from '../../src/contact/telephony-events.ts';
import {
  type BridgeId,
  type CancelTimer,
  Changes,
  type Clock,
  type ContactId,
  type LegId,
  newId,
} from '../../src/foundation/index.ts';
import { FakePlaybacks } from './fake-playbacks.ts';

/** A leg as the exchange holds it. */
export interface FakeLeg {
  readonly legId: LegId;
  readonly shard: string;
  readonly contactId?: ContactId;
  readonly device?: string;
  readonly arrival?: ArrivalFacts;
  /** What it is announced with when a port comes (back) while it waits. */
  entry: 'inbound' | 'returned' | 'answered' | 'serviceCode';
  /** Of a call that an operator's phone has placed. */
  readonly dialledBy?: string;
  readonly code?: { readonly extension: string; readonly code: string };
  state: 'down' | 'ringing' | 'up';
  controlled: boolean;
  spoolFile?: string;
  /** What was heard when a caller who is called back answered. */
  heard?: Heard;
  bridgeId?: BridgeId;
  cancelTimer: CancelTimer;
}

/** What the exchange needs of a port. */
export interface FakePort {
  emit(event: TelephonyEvent): void;
  replaced(): void;
}

export interface FakeExchangeOptions {
  /** How long each sound lasts. A sound whose id ends in "missing" does not exist. */
  readonly soundMs: number;
  readonly ringsAfterMs: number;
}

/** What a phone of the exchange does with a call. */
export type PhoneAnswer = 'answer' | 'ring' | 'busy' | 'decline';

/** What a citizen's phone does when it is called: who answers, or why nobody does. */
export type CitizenAnswer = Heard | 'ring' | 'busy' | 'decline' | 'unreachable' | 'hangsUpAtOnce';

/** Somebody's phone was called. */
export interface Dialled {
  readonly number: string;
  readonly legId: LegId;
  readonly contactId: ContactId;
  /** The number that was shown. */
  readonly callerId: string;
  readonly atMs: number;
}

/** How long somebody listens who has answered. */
const listeningMs = 1_000;

/** Stands for Asterisk and the world behind it: keeps legs and bridges while ports come and go. */
export class FakeExchange {
  readonly #clock: Clock;
  readonly #options: FakeExchangeOptions;
  readonly #legs = new Map<LegId, FakeLeg>();
  readonly #bridges = new Map<BridgeId, { readonly shard: string; readonly kind: BridgeKind }>();
  readonly playbacks: FakePlaybacks;
  readonly #devices = new Map<string, { readonly extension: string; readonly answer: PhoneAnswer }>();
  readonly #ports = new Map<string, FakePort>();
  readonly #changes = new Changes();
  readonly #extensions = new Set<string>();
  readonly #citizens = new Map<string, CitizenAnswer>();
  /** Every call to a citizen, in order. */
  readonly dialled: Dialled[] = [];
  /** Lever: hears of each in the moment it is made. */
  onDialled: (dialled: Dialled) => void = () => undefined;
  #devicesMade = 0;

  constructor(clock: Clock, options: FakeExchangeOptions) {
    this.#clock = clock;
    this.#options = options;
    this.playbacks = new FakePlaybacks(clock, {
      soundMs: options.soundMs,
      tell: (shard, event) => this.#tell(shard, event),
    });
  }

  // Levers of the world outside.

  call(shard: string, facts: { dnis: string; ani: string; evaluateAt?: string | undefined }): LegId {
    const { dnis, ani, evaluateAt } = facts;
    const legId = this.#newLegId();
    const arrival: ArrivalFacts = {
      dnis,
      ani,
      trunk: 'carrier',
      sipCallId: `call-${legId}`,
      ...(evaluateAt !== undefined && { evaluateAt }),
    };
    this.#enter(this.#addLeg({ legId, shard, arrival, entry: 'inbound', state: 'down' }));
    return legId;
  }

  /** An operator's phone calls a line. */
  callFrom(shard: string, extension: string, dnis: string): LegId {
    const legId = this.#newLegId();
    const arrival: ArrivalFacts = { dnis, ani: extension, trunk: 'operators', sipCallId: `call-${legId}` };
    this.#enter(this.#addLeg({ legId, shard, dialledBy: extension, arrival, entry: 'inbound', state: 'down' }));
    this.#tellOutsideCalls(extension);
    return legId;
  }

  /** An operator's phone dials a service code. */
  dial(shard: string, extension: string, code: string): LegId {
    const legId = this.#newLegId();
    this.#enter(this.#addLeg({ legId, shard, code: { extension, code }, entry: 'serviceCode', state: 'down' }));
    return legId;
  }

  press(legId: LegId, keys: string): void {
    const leg = this.#legs.get(legId);
    for (const digit of keys)
      if (leg !== undefined) this.#tell(leg.shard, { type: 'digit', legId, digit, atMs: this.#nowMs() });
  }

  hangup(legId: LegId): void {
    const leg = this.#legs.get(legId);
    if (leg !== undefined) this.endLeg(leg, 'normal');
  }

  async ended(legId: LegId, limitMs: number): Promise<void> {
    await this.#changes.until(() => (this.#legs.has(legId) ? undefined : true), { limitMs, what: 'the leg to end' });
  }

  register(extension: string, answer: PhoneAnswer): string {
    this.#devicesMade += 1;
    const device = `device-${this.#devicesMade}`;
    this.#devices.set(device, { extension, answer });
    this.#extensions.add(extension);
    this.#tellDevices(extension);
    return device;
  }

  unregister(device: string): void {
    const known = this.#devices.get(device);
    this.#devices.delete(device);
    if (known !== undefined) this.#tellDevices(known.extension);
  }

  /** From now on this number answers so; numbers that nobody has set cannot be reached. */
  citizen(number: string, answer: CitizenAnswer): void {
    this.#citizens.set(number, answer);
  }

  hangupDevice(device: string): void {
    for (const leg of this.#legs.values()) if (leg.device === device) this.endLeg(leg, 'normal');
  }

  // What ports ask for.

  attach(shard: string, port: FakePort): void {
    this.#ports.get(shard)?.replaced();
    this.#ports.set(shard, port);
  }

  detach(shard: string, port: FakePort): void {
    if (this.#ports.get(shard) === port) this.#ports.delete(shard);
  }

  /** Legs that waited for the shard enter now. */
  admitWaiting(shard: string): void {
    for (const leg of this.#legs.values()) {
      const waits = leg.shard === shard && !leg.controlled && (leg.contactId === undefined || leg.state === 'up');
      if (waits) this.#enter(leg);
    }
  }

  leg(legId: LegId, shard: string): FakeLeg | undefined {
    const leg = this.#legs.get(legId);
    return leg?.shard === shard ? leg : undefined;
  }

  endLeg(leg: FakeLeg, cause: LegEndCause): void {
    leg.cancelTimer();
    this.#legs.delete(leg.legId);
    this.playbacks.stopAllTo(leg.legId, 'failed');
    this.#changes.notify();
    this.#tell(leg.shard, { type: 'legEnded', legId: leg.legId, cause, atMs: this.#nowMs() });
    if (leg.dialledBy !== undefined) this.#tellOutsideCalls(leg.dialledBy);
  }

  record(leg: FakeLeg, spoolFile: string): void {
    leg.controlled = false;
    leg.state = 'up';
    leg.spoolFile = spoolFile;
    leg.entry = 'returned';
    this.#later(0, () => this.#enter(leg));
  }

  originate(request: OriginateRequest, shard: string): CommandOutcome {
    if (this.#legs.has(request.legId)) return 'exists';
    const phone = this.#devices.get(request.device);
    if (phone === undefined) return 'refused';
    const { legId, contactId, device } = request;
    const leg = this.#addLeg({ legId, shard, contactId, device, entry: 'answered', state: 'down' });
    leg.cancelTimer = this.#later(this.#options.ringsAfterMs, () =>
      this.#reach(leg, phone.answer, request.ringTimeoutMs),
    );
    return 'done';
  }

  /** Lever: the citizen ends his calls. */
  hangupCitizen(number: string): void {
    const own = this.dialled.filter((one) => one.number === number).map((one) => one.legId);
    for (const legId of own) this.hangup(legId);
  }

  dialCaller(request: DialRequest, shard: string): CommandOutcome {
    const { legId, contactId, number, trunk, ringTimeoutMs, recogniseMachines } = request;
    if (this.#legs.has(legId)) return 'exists';
    // `nowhere` stands for a trunk that cannot be dialled over, `away` for one whose carrier does not answer.
    if (trunk === 'nowhere') return 'refused';
    const dialled = { number, legId, contactId, callerId: request.callerIdNumber, atMs: this.#nowMs() };
    this.dialled.push(dialled);
    this.onDialled(dialled);
    const arrival = { dnis: request.callerIdNumber, ani: number, trunk: request.trunk, sipCallId: `call-${legId}` };
    const leg = this.#addLeg({ legId, shard, contactId, arrival, entry: 'answered', state: 'down' });
    const answer = trunk === 'away' ? 'unreachable' : (this.#citizens.get(number) ?? 'unreachable');
    leg.cancelTimer = this.#later(this.#options.ringsAfterMs, () => {
      if (answer === 'unreachable') this.endLeg(leg, 'unreachable');
      else if (answer === 'ring' || answer === 'busy' || answer === 'decline') this.#reach(leg, answer, ringTimeoutMs);
      else this.#reach(leg, 'answer', ringTimeoutMs, recogniseMachines ? answer : undefined);
    });
    return 'done';
  }

  createBridge(bridgeId: BridgeId, shard: string, kind: BridgeKind): CommandOutcome {
    if (this.#bridges.has(bridgeId)) return 'exists';
    this.#bridges.set(bridgeId, { shard, kind });
    return 'done';
  }

  hasBridge(bridgeId: BridgeId): boolean {
    return this.#bridges.has(bridgeId);
  }

  destroyBridge(bridgeId: BridgeId): CommandOutcome {
    for (const leg of this.#legs.values()) if (leg.bridgeId === bridgeId) delete leg.bridgeId;
    return this.#bridges.delete(bridgeId) ? 'done' : 'gone';
  }

  devices(extension: string): readonly string[] {
    return [...this.#devices].filter(([, one]) => one.extension === extension).map(([device]) => device);
  }

  outsideCalls(extension: string): number {
    return [...this.#legs.values()].filter((leg) => leg.dialledBy === extension).length;
  }

  /** Every extension that was ever heard of. */
  extensions(): readonly string[] {
    return [...this.#extensions];
  }

  snapshot(shard: string): TelephonySnapshot {
    const legs = [...this.#legs.values()].filter((leg) => leg.shard === shard);
    return {
      legs: legs.map(({ legId, contactId, state, controlled, bridgeId, arrival, spoolFile, heard }) => ({
        legId,
        state,
        controlled,
        ...(bridgeId !== undefined && { bridgeId }),
        // Whom we called has not arrived.
        ...(arrival !== undefined && contactId === undefined && { arrival }),
        ...(spoolFile !== undefined && { spoolFile }),
        ...(heard !== undefined && { heard }),
      })),
      bridges: [...this.#bridges]
        .filter(([, bridge]) => bridge.shard === shard)
        .map(([bridgeId]) => ({
          bridgeId,
          legIds: legs.filter((leg) => leg.bridgeId === bridgeId).map((leg) => leg.legId),
        })),
    };
  }

  nowMs(): number {
    return this.#nowMs();
  }

  #reach(leg: FakeLeg, answer: PhoneAnswer, ringTimeoutMs: number, heard?: Heard | 'hangsUpAtOnce'): void {
    const { legId, contactId } = leg;
    if (answer === 'busy' || answer === 'decline' || contactId === undefined) {
      this.endLeg(leg, answer === 'busy' ? 'busy' : 'declined');
      return;
    }
    leg.state = 'ringing';
    this.#tell(leg.shard, { type: 'legRinging', legId, contactId, atMs: this.#nowMs() });
    const enter = (): void => {
      leg.state = 'up';
      this.#enter(leg);
    };
    const pickUp = (): void => {
      if (heard === undefined) enter();
      else if (heard === 'hangsUpAtOnce') this.endLeg(leg, 'normal');
      else {
        leg.heard = heard;
        leg.cancelTimer = this.#later(listeningMs, enter);
      }
    };
    if (answer === 'answer') leg.cancelTimer = this.#later(this.#options.ringsAfterMs, pickUp);
    else leg.cancelTimer = this.#later(ringTimeoutMs, () => this.endLeg(leg, 'noAnswer'));
  }

  #enter(leg: FakeLeg): void {
    if (!this.#legs.has(leg.legId) || !this.#ports.has(leg.shard)) return;
    leg.controlled = true;
    const { legId, arrival, contactId, code, spoolFile, heard } = leg;
    const atMs = this.#nowMs();
    if (code !== undefined) this.#tell(leg.shard, { type: 'serviceCodeDialled', legId, ...code, atMs });
    else if (contactId !== undefined && leg.entry === 'answered')
      this.#tell(leg.shard, { type: 'legAnswered', legId, contactId, ...(heard !== undefined && { heard }), atMs });
    else if (arrival !== undefined && leg.entry === 'inbound')
      this.#tell(leg.shard, { type: 'legArrived', legId, arrival, atMs });
    else if (arrival !== undefined) {
      this.#tell(leg.shard, {
        type: 'legReturned',
        legId,
        arrival,
        ...(spoolFile !== undefined && { spoolFile }),
        atMs,
      });
    }
  }

  #addLeg(leg: Omit<FakeLeg, 'controlled' | 'cancelTimer'>): FakeLeg {
    const added: FakeLeg = { ...leg, controlled: false, cancelTimer: () => undefined };
    this.#legs.set(leg.legId, added);
    return added;
  }

  #newLegId(): LegId {
    return newId<LegId>('n1-', this.#nowMs());
  }

  #tell(shard: string, event: TelephonyEvent): void {
    this.#ports.get(shard)?.emit(event);
  }

  #tellDevices(extension: string): void {
    const devices = this.devices(extension);
    for (const port of this.#ports.values())
      port.emit({ type: 'devicesChanged', extension, devices, atMs: this.#nowMs() });
  }

  #tellOutsideCalls(extension: string): void {
    this.#extensions.add(extension);
    const outsideCalls = this.outsideCalls(extension);
    for (const port of this.#ports.values())
      port.emit({ type: 'operatorCallsChanged', extension, outsideCalls, atMs: this.#nowMs() });
  }

  #later(delayMs: number, run: () => void): CancelTimer {
    return this.#clock.setTimer(this.#nowMs() + delayMs, run);
  }

  #nowMs(): number {
    return this.#clock.nowMs();
  }
}
