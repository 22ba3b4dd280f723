import { type AriAccess, AriConnection, type AriEvent, warnOfOtherVersion } from '../ari/index.ts';
import type {
  BridgeKind,
  CommandOutcome,
  DialRequest,
  OriginateRequest,
  TelephonyPort,
  TelephonySnapshot,
} from '../contact/ports.ts';
import type { TelephonyEvent } from '../contact/telephony-events.ts';
import {
  asId,
  type BridgeId,
  type Clock,
  DozvonError,
  type LegId,
  type Logger,
  messageOf,
  newId,
  type PlaybackId,
  secondMs,
} from '../foundation/index.ts';
import { readDevices } from './device-probe.ts';
import { Listing, watchDialEndpoints } from './listing.ts';
import { type Origination, toCaller, toDevice } from './origination.ts';
import { outcomeOf, outcomeOfCreation } from './outcomes.ts';
import { extensionOf, OutsideCalls, outsideCallEvents } from './outside-calls.ts';
import { newLeg, Registry } from './registry.ts';
import { settled, soundId, watch } from './requests.ts';
import { recordOf, sameDevices, translate, translatedEvents } from './translate.ts';

export interface TelephonySettings {
  readonly ari: AriAccess;
  /** The Stasis application whose legs these are. */
  readonly shard: string;
  readonly nodeId: string;
  /** Operators' extensions: whose registrations and ringing are watched. */
  readonly extensions: readonly string[];
  /** Trunks that can be dialled over, by name. */
  readonly dialTrunks: readonly string[];
  /** Holds `<language>/<id>.wav`; a path that Asterisk can read too. */
  readonly soundsDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The telephone side of one shard over a real Asterisk. */
export function createTelephony(settings: TelephonySettings): TelephonyPort {
  return new AsteriskTelephony(settings);
}

/** Our clock and Asterisk's timer may differ by so much. */
const earlyMs = 100;

/**
 * Commands and events share one connection, so that a command is carried out before the next one is looked at. A second connection
 * carries listings, which may be long.
 *
 * Asterisk carries most commands out in the leg's own thread and holds up the whole connection meanwhile; while a sound plays to the
 * leg that thread is busy. So whatever plays to a leg is stopped before such a command.
 */
class AsteriskTelephony implements TelephonyPort {
  readonly #settings: TelephonySettings;
  readonly #logger: Logger;
  readonly #registry = new Registry();
  readonly #outside = new OutsideCalls();
  readonly #main: AriConnection;
  readonly #listing: Listing;
  #listener: ((event: TelephonyEvent) => void) | undefined;
  #kept: TelephonyEvent[] = [];
  /** Read before the connection is announced, told after. */
  #foundDevices: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(settings: TelephonySettings) {
    const { ari: access, clock, shard } = settings;
    this.#settings = settings;
    this.#logger = settings.logger.child({ shard });
    const common = { access, clock, logger: this.#logger };
    this.#main = new AriConnection({
      ...common,
      app: shard,
      allowedEvents: [...new Set([...translatedEvents, ...outsideCallEvents])],
      prepare: () => this.#prepare(),
      onConnected: (again) => this.#onConnected(again),
      onDisconnected: (reason) => this.#emit({ type: 'disconnected', reason, atMs: clock.nowMs() }),
      onReplaced: () => this.#emit({ type: 'replaced', atMs: clock.nowMs() }),
      onEvent: (event) => this.#onEvent(event),
    });
    this.#listing = new Listing({ ...settings, logger: this.#logger }, (event) => this.#onEvent(event));
  }

  subscribe(listener: (event: TelephonyEvent) => void): void {
    this.#listener = listener;
    const kept = this.#kept;
    this.#kept = [];
    for (const event of kept) listener(event);
  }

  async start(): Promise<void> {
    await Promise.all([this.#listing.start(), this.#main.start()]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#main.stop(), this.#listing.stop()]);
  }

  connected(): boolean {
    return this.#main.connected;
  }

  async answer(legId: LegId): Promise<CommandOutcome> {
    if (this.#registry.leg(legId)?.state === 'up') return 'done';
    const outcome = outcomeOf(await this.#main.perform('POST /channels/{channelId}/answer', { channelId: legId }));
    if (outcome === 'done') this.#registry.change(legId, { state: 'up' });
    return outcome;
  }

  async startRecording(legId: LegId, spoolFile: string): Promise<CommandOutcome> {
    if (!/^\/[A-Za-z0-9._/-]+$/.test(spoolFile)) {
      throw new DozvonError(
        'SPOOL_NAME_INVALID',
        'spool file: expected an absolute path of letters, digits and . _ - /',
      );
    }
    this.#stopPlaying(legId);
    this.#registry.change(legId, { leaving: true });
    // On its way a leg sends events to nobody unless it is watched by name. Operators' legs are, by their endpoint.
    this.#background(this.#watch(`channel:${legId}`), 'watch a leg');
    const named = this.#main.perform('POST /channels/{channelId}/variable', {
      channelId: legId,
      variable: 'DZ_RECORD',
      value: spoolFile,
    });
    const sent = this.#main.perform('POST /channels/{channelId}/continue', {
      channelId: legId,
      context: 'record',
      extension: 's',
      priority: 1,
    });
    const [naming, sending] = await settled(named, sent);
    const outcome = naming.ok ? outcomeOf(sending) : outcomeOf(naming);
    if (outcome !== 'done') this.#registry.change(legId, { leaving: false });
    return outcome;
  }

  async play(request: Parameters<TelephonyPort['play']>[0]): Promise<CommandOutcome> {
    const { playbackId, target } = request;
    const media = request.media.map((id) => `sound:${this.#settings.soundsDir}/${soundId(id)}`);
    if ('bridgeId' in target) {
      const to = { bridgeId: target.bridgeId, playbackId, media };
      return outcomeOf(await this.#main.perform('POST /bridges/{bridgeId}/play/{playbackId}', to));
    }
    const { legId } = target;
    const leg = this.#registry.leg(legId);
    if (leg !== undefined) this.#registry.change(legId, { playing: [...leg.playing, playbackId] });
    const to = { channelId: legId, playbackId, media };
    const playing = this.#main.perform('POST /channels/{channelId}/play/{playbackId}', to);
    // Queued behind the playback: silence follows it without our doing, also if we are gone by then.
    if (leg?.keepTime === true && leg.bridgeId === undefined) this.#sendSilence(legId);
    const outcome = outcomeOf(await playing);
    if (outcome !== 'done') this.#forgetPlayback(legId, playbackId);
    return outcome;
  }

  async stopPlayback(playbackId: PlaybackId): Promise<CommandOutcome> {
    return outcomeOf(await this.#main.perform('DELETE /playbacks/{playbackId}', { playbackId }));
  }

  async playbackExists(playbackId: PlaybackId): Promise<boolean> {
    const reply = await this.#main.perform('GET /playbacks/{playbackId}', { playbackId });
    if (!reply.ok) return false;
    // After a restart this is how it becomes known again that something plays to the leg.
    const legId = /^channel:(.+)$/.exec(reply.body.target_uri)?.[1];
    const leg = legId === undefined ? undefined : this.#registry.leg(asId<LegId>(legId));
    if (leg !== undefined && !leg.playing.includes(playbackId)) {
      this.#registry.change(leg.legId, { playing: [...leg.playing, playbackId] });
    }
    return true;
  }

  async keepTime(legId: LegId): Promise<CommandOutcome> {
    this.#registry.change(legId, { keepTime: true });
    // Silence in a bridge would drown what the bridge has to say; there music and the other side keep the time.
    if (this.#registry.leg(legId)?.bridgeId !== undefined) return 'done';
    return outcomeOf(await this.#main.perform('POST /channels/{channelId}/silence', { channelId: legId }));
  }

  async createBridge(bridgeId: BridgeId, kind: BridgeKind): Promise<CommandOutcome> {
    this.#registry.putBridge(bridgeId, kind);
    const request = { bridgeId, type: kind, name: this.#settings.shard };
    return outcomeOfCreation(await this.#main.perform('POST /bridges/{bridgeId}', request));
  }

  async joinBridge(bridgeId: BridgeId, legIds: readonly LegId[]): Promise<CommandOutcome> {
    for (const legId of legIds) {
      this.#stopPlaying(legId);
      // Silence would go on in the bridge, and the leg would hear nothing else.
      if (this.#registry.isSilenced(legId)) this.#endSilence(legId);
    }
    const added = this.#main.perform('POST /bridges/{bridgeId}/addChannel', {
      bridgeId,
      channel: [...legIds],
      // With this very role, and only with it, Asterisk plays music to whom nobody speaks to.
      ...(this.#registry.bridgeKind(bridgeId) === 'holding' && { role: 'holding_participant' }),
    });
    const outcome = outcomeOf(await added);
    if (outcome === 'done') for (const legId of legIds) this.#registry.change(legId, { bridgeId });
    return outcome;
  }

  async leaveBridge(bridgeId: BridgeId, legId: LegId): Promise<CommandOutcome> {
    this.#stopPlaying(legId);
    const reply = this.#main.perform('POST /bridges/{bridgeId}/removeChannel', { bridgeId, channel: legId });
    this.#registry.leave(legId, bridgeId);
    if (this.#registry.isSilenced(legId)) this.#sendSilence(legId);
    return outcomeOf(await reply);
  }

  async destroyBridge(bridgeId: BridgeId): Promise<CommandOutcome> {
    this.#registry.forgetBridge(bridgeId);
    const reply = this.#main.perform('DELETE /bridges/{bridgeId}', { bridgeId });
    for (const leg of this.#registry.legs()) {
      if (leg.bridgeId !== bridgeId) continue;
      this.#registry.leave(leg.legId, bridgeId);
      if (this.#registry.isSilenced(leg.legId)) this.#sendSilence(leg.legId);
    }
    const outcome = outcomeOf(await reply);
    // For a moment after its end Asterisk still lists a bridge and calls it "not in Stasis" (409): it is no more all the same.
    return outcome === 'refused' ? 'gone' : outcome;
  }

  async dialCaller(request: DialRequest): Promise<CommandOutcome> {
    return this.#settings.dialTrunks.includes(request.trunk)
      ? await this.#start(request, toCaller(request))
      : 'refused';
  }

  async originate(request: OriginateRequest): Promise<CommandOutcome> {
    return await this.#start(request, toDevice(request));
  }

  async #start(
    request: Pick<OriginateRequest, 'legId' | 'contactId' | 'ringTimeoutMs'>,
    how: Origination,
  ): Promise<CommandOutcome> {
    const { legId, contactId } = request;
    const before = this.#registry.leg(legId);
    // Before asking: ringing may be reported before the answer to this request.
    const ringsForSeconds = Math.max(1, Math.ceil(request.ringTimeoutMs / secondMs));
    const givenUpAtMs = this.#settings.clock.nowMs() + ringsForSeconds * secondMs - earlyMs;
    if (before === undefined) this.#registry.put({ ...newLeg(legId, how.kind), contactId, givenUpAtMs });
    const reply = await this.#main.perform('POST /channels/{channelId}', {
      channelId: legId,
      endpoint: how.endpoint,
      context: how.context,
      extension: 's',
      priority: 1,
      timeout: ringsForSeconds,
      callerId: how.callerId,
      body: { variables: { DZ_SHARD: this.#settings.shard, DZ_CONTACT: contactId, ...how.variables } },
    });
    const outcome = outcomeOfCreation(reply);
    if (outcome !== 'done' && outcome !== 'exists' && before === undefined) this.#registry.forget(legId);
    return outcome;
  }

  async hangup(legId: LegId, cause: 'normal' | 'busy' | 'unallocated' | 'failure'): Promise<CommandOutcome> {
    const leg = this.#registry.leg(legId);
    const cancelled = (leg?.kind === 'originated' || leg?.kind === 'called') && leg.state !== 'up';
    this.#registry.change(legId, { ending: true, ...(cancelled && { cancelled }) });
    return outcomeOf(await this.#main.perform('DELETE /channels/{channelId}', { channelId: legId, reason: cause }));
  }

  devices(extension: string): readonly string[] {
    return this.#registry.devices(extension);
  }

  outsideCalls(extension: string): number {
    return this.#outside.count(extension);
  }

  snapshot(): Promise<TelephonySnapshot> {
    return this.#listing.snapshot();
  }

  /** At every connection, before any event is delivered: watch what is ours and learn what is there. */
  async #prepare(): Promise<void> {
    const { extensions, shard, clock } = this.#settings;
    await this.#listing.untilConnected();
    await warnOfOtherVersion(this.#main, this.#logger);
    await Promise.all(extensions.map((extension) => this.#watch(`endpoint:PJSIP/${extension}`)));
    await watchDialEndpoints(this.#main, { ...this.#settings, app: shard, logger: this.#logger });
    const { channels, bridges } = await this.#listing.read();
    const before = new Map(this.#registry.legs().map((leg) => [leg.legId, leg.playing]));
    this.#outside.read(channels);
    this.#registry.clear();
    for (const channel of channels) {
      const record = recordOf(channel, shard);
      if (record === undefined) continue;
      // What has ended meanwhile is stopped in vain, which does no harm; what has not must be known.
      this.#registry.put({ ...record, playing: before.get(record.legId) ?? [] });
      // Those that are with us are watched by Asterisk itself.
      const byEndpoint = record.kind === 'originated' || record.kind === 'called';
      if (!byEndpoint && !record.controlled) await this.#watch(`channel:${channel.id}`);
    }
    for (const bridge of bridges.filter((one) => one.name === shard)) {
      const bridgeId = asId<BridgeId>(bridge.id);
      this.#registry.putBridge(bridgeId, bridge.bridge_type);
      for (const id of bridge.channels) this.#registry.change(asId<LegId>(id), { bridgeId });
    }
    const probeId = newId<string>(`probe-${shard}-`, clock.nowMs());
    const devices = await readDevices(this.#main, { app: shard, probeId, extensions });
    this.#foundDevices = devices;
  }

  #onConnected(again: boolean): void {
    const atMs = this.#settings.clock.nowMs();
    this.#emit({ type: 'connected', again, atMs });
    for (const [extension, devices] of this.#foundDevices) {
      const before = this.#registry.knownDevices(extension);
      if (before !== undefined && sameDevices(before, devices)) continue;
      this.#registry.putDevices(extension, devices);
      this.#emit({ type: 'devicesChanged', extension, devices, atMs });
    }
    this.#tellOutsideCalls(this.#settings.extensions, atMs);
  }

  async #watch(eventSource: string): Promise<void> {
    await watch(this.#main, { applicationName: this.#settings.shard, eventSource, logger: this.#logger });
  }

  #onEvent(event: AriEvent): void {
    const { clock, shard } = this.#settings;
    const translation = translate(this.#registry, event, { shard, nowMs: clock.nowMs() });
    const { leg, devices } = translation;
    if (leg !== undefined) {
      if ('ended' in leg) this.#registry.forget(leg.ended);
      else this.#registry.put(leg);
    }
    if (devices !== undefined) this.#registry.putDevices(devices.extension, devices.devices);
    for (const one of translation.events) this.#emit(one);
    this.#outside.onEvent(event);
    const extension = 'channel' in event && event.channel !== undefined ? extensionOf(event.channel) : undefined;
    if (extension !== undefined) this.#tellOutsideCalls([extension], clock.nowMs());
  }

  #tellOutsideCalls(extensions: Iterable<string>, atMs: number): void {
    for (const extension of this.#outside.changes(extensions)) {
      this.#emit({ type: 'operatorCallsChanged', extension, outsideCalls: this.#outside.count(extension), atMs });
    }
  }

  #emit(event: TelephonyEvent): void {
    if (this.#listener === undefined) this.#kept.push(event);
    else this.#listener(event);
  }

  #stopPlaying(legId: LegId): void {
    for (const playbackId of this.#registry.leg(legId)?.playing ?? []) {
      this.#background(this.#main.perform('DELETE /playbacks/{playbackId}', { playbackId }), 'stop a playback');
    }
  }

  #forgetPlayback(legId: LegId, playbackId: PlaybackId): void {
    const leg = this.#registry.leg(legId);
    if (leg !== undefined) this.#registry.change(legId, { playing: leg.playing.filter((id) => id !== playbackId) });
  }

  #endSilence(legId: LegId): void {
    this.#background(this.#main.perform('DELETE /channels/{channelId}/silence', { channelId: legId }), 'end silence');
  }

  #sendSilence(legId: LegId): void {
    this.#background(this.#main.perform('POST /channels/{channelId}/silence', { channelId: legId }), 'keep time');
  }

  /** What goes along with a command and decides nothing about its outcome. */
  #background(work: Promise<unknown>, what: string): void {
    work.catch((error: unknown) =>
      this.#logger.debug({ what, reason: messageOf(error) }, 'Asterisk could not be told'),
    );
  }
}
