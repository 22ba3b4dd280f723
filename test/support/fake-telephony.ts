import type {
  BridgeKind,
  CommandOutcome,
  DialRequest,
  OriginateRequest,
  TelephonyPort,
  TelephonySnapshot,
} from '../../src/contact/ports.ts';
import type { TelephonyEvent } from '../../src/contact/telephony-events.ts';
import { type BridgeId, DozvonError, type LegId, type PlaybackId } from '../../src/foundation/index.ts';
import type { FakeExchange, FakeLeg, FakePort } from './fake-exchange.ts';

/** `TelephonyPort` in memory, over a `FakeExchange` that outlives it. */
export class FakeTelephony implements TelephonyPort, FakePort {
  readonly #exchange: FakeExchange;
  readonly #shard: string;
  #listener: ((event: TelephonyEvent) => void) | undefined;
  #kept: TelephonyEvent[] = [];
  #connected = false;

  constructor(exchange: FakeExchange, shard: string) {
    this.#exchange = exchange;
    this.#shard = shard;
  }

  subscribe(listener: (event: TelephonyEvent) => void): void {
    this.#listener = listener;
    const kept = this.#kept;
    this.#kept = [];
    for (const event of kept) listener(event);
  }

  async start(): Promise<void> {
    await this.#connect(false);
  }

  async stop(): Promise<void> {
    this.#connected = false;
    this.#exchange.detach(this.#shard, this);
  }

  connected(): boolean {
    return this.#connected;
  }

  /** Lever: the connection is lost; legs stay. */
  loseConnection(): void {
    this.#exchange.detach(this.#shard, this);
    this.#connected = false;
    this.emit({ type: 'disconnected', reason: 'lost', atMs: this.#exchange.nowMs() });
  }

  /** Lever: the connection is back. */
  async reconnect(): Promise<void> {
    await this.#connect(true);
  }

  replaced(): void {
    this.#connected = false;
    this.emit({ type: 'replaced', atMs: this.#exchange.nowMs() });
  }

  emit(event: TelephonyEvent): void {
    if (this.#listener === undefined) this.#kept.push(event);
    else this.#listener(event);
  }

  async answer(legId: LegId): Promise<CommandOutcome> {
    return this.#withLeg(legId, (leg) => {
      leg.state = 'up';
    });
  }

  async startRecording(legId: LegId, spoolFile: string): Promise<CommandOutcome> {
    return this.#withLeg(legId, (leg) => {
      this.#exchange.playbacks.stopAllTo(legId, 'played');
      this.#exchange.record(leg, spoolFile);
    });
  }

  async dialCaller(request: DialRequest): Promise<CommandOutcome> {
    this.#demandConnection();
    return this.#exchange.dialCaller(request, this.#shard);
  }

  async play(request: Parameters<TelephonyPort['play']>[0]): Promise<CommandOutcome> {
    this.#demandConnection();
    const { playbackId, target, media } = request;
    if ('bridgeId' in target) {
      if (!this.#exchange.hasBridge(target.bridgeId)) return 'gone';
      this.#exchange.playbacks.play(playbackId, this.#shard, target.bridgeId, media);
      return 'done';
    }
    return this.#withLeg(target.legId, () =>
      this.#exchange.playbacks.play(playbackId, this.#shard, target.legId, media),
    );
  }

  async stopPlayback(playbackId: PlaybackId): Promise<CommandOutcome> {
    this.#demandConnection();
    return this.#exchange.playbacks.end(playbackId, 'played');
  }

  async playbackExists(playbackId: PlaybackId): Promise<boolean> {
    this.#demandConnection();
    return this.#exchange.playbacks.isPlaying(playbackId);
  }

  async keepTime(legId: LegId): Promise<CommandOutcome> {
    return this.#withLeg(legId, () => undefined);
  }

  async createBridge(bridgeId: BridgeId, kind: BridgeKind): Promise<CommandOutcome> {
    this.#demandConnection();
    return this.#exchange.createBridge(bridgeId, this.#shard, kind);
  }

  async joinBridge(bridgeId: BridgeId, legIds: readonly LegId[]): Promise<CommandOutcome> {
    this.#demandConnection();
    if (!this.#exchange.hasBridge(bridgeId)) return 'gone';
    if (legIds.some((legId) => this.#exchange.leg(legId, this.#shard) === undefined)) return 'gone';
    for (const legId of legIds) {
      const outcome = this.#withLeg(legId, (leg) => {
        this.#exchange.playbacks.stopAllTo(legId, 'played');
        leg.bridgeId = bridgeId;
      });
      if (outcome !== 'done') return outcome;
    }
    return 'done';
  }

  async leaveBridge(bridgeId: BridgeId, legId: LegId): Promise<CommandOutcome> {
    if (this.#exchange.leg(legId, this.#shard)?.bridgeId !== bridgeId) return 'gone';
    return this.#withLeg(legId, (leg) => {
      delete leg.bridgeId;
    });
  }

  async destroyBridge(bridgeId: BridgeId): Promise<CommandOutcome> {
    this.#demandConnection();
    return this.#exchange.destroyBridge(bridgeId);
  }

  async originate(request: OriginateRequest): Promise<CommandOutcome> {
    this.#demandConnection();
    return this.#exchange.originate(request, this.#shard);
  }

  async hangup(legId: LegId, _cause: 'normal' | 'busy' | 'unallocated' | 'failure'): Promise<CommandOutcome> {
    this.#demandConnection();
    const leg = this.#exchange.leg(legId, this.#shard);
    if (leg === undefined) return 'gone';
    const cancelled = leg.contactId !== undefined && leg.state !== 'up';
    this.#exchange.endLeg(leg, cancelled ? 'cancelled' : 'normal');
    return 'done';
  }

  devices(extension: string): readonly string[] {
    return this.#exchange.devices(extension);
  }

  outsideCalls(extension: string): number {
    return this.#exchange.outsideCalls(extension);
  }

  async snapshot(): Promise<TelephonySnapshot> {
    this.#demandConnection();
    return this.#exchange.snapshot(this.#shard);
  }

  async #connect(again: boolean): Promise<void> {
    const atMs = this.#exchange.nowMs();
    this.#exchange.attach(this.#shard, this);
    this.#connected = true;
    this.emit({ type: 'connected', again, atMs });
    for (const extension of this.#exchange.extensions()) {
      this.emit({ type: 'devicesChanged', extension, devices: this.#exchange.devices(extension), atMs });
      const outsideCalls = this.#exchange.outsideCalls(extension);
      this.emit({ type: 'operatorCallsChanged', extension, outsideCalls, atMs });
    }
    this.#exchange.admitWaiting(this.#shard);
  }

  #withLeg(legId: LegId, change: (leg: FakeLeg) => void): CommandOutcome {
    this.#demandConnection();
    const leg = this.#exchange.leg(legId, this.#shard);
    if (leg === undefined) return 'gone';
    if (!leg.controlled) return 'refused';
    change(leg);
    return 'done';
  }

  #demandConnection(): void {
    if (!this.#connected) throw new DozvonError('TELEPHONY_UNAVAILABLE', 'no connection to the exchange');
  }
}
