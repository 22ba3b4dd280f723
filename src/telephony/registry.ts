import type { BridgeKind } from '../contact/ports.ts';
import type { BridgeId, ContactId, LegId, PlaybackId } from '../foundation/index.ts';

/**
 * What is known of a leg of this shard: enough to translate events and to carry out commands. The truth is in Asterisk; after a
 * reconnect the records are made anew from its listing.
 */
export interface LegRecord {
  readonly legId: LegId;
  /** `called`: a caller on a leg of ours. */
  readonly kind: 'inbound' | 'originated' | 'called' | 'serviceCode';
  /** Of a leg that we originated: whom it was called for. */
  readonly contactId?: ContactId;
  readonly state: 'down' | 'ringing' | 'up';
  /** Asterisk gives the call up at this time of our clock; not known of a leg found after a restart. */
  readonly givenUpAtMs?: number;
  /** In our Stasis application now. */
  readonly controlled: boolean;
  /** We have sent the leg into the dialplan and it will come back: leaving the application is no hang-up then. */
  readonly leaving: boolean;
  /** We asked for its end before it was answered. */
  readonly cancelled: boolean;
  /** We asked for its end. */
  readonly ending: boolean;
  /** Silence is sent while nothing else is: the recording keeps time. */
  readonly keepTime: boolean;
  /** As of our last command for it: nothing but our commands moves a leg into a bridge or out of one it stays alive without. */
  readonly bridgeId?: BridgeId;
  /** Playbacks running on the leg itself. Most commands for the leg would wait for their end, and with them every other command. */
  readonly playing: readonly PlaybackId[];
  /** Asterisk's time stamp of the last digit: events of a leg may come twice, by the leg and by its endpoint. */
  readonly lastDigitStamp?: string;
}

export function newLeg(legId: LegId, kind: LegRecord['kind']): LegRecord {
  return {
    legId,
    kind,
    state: 'down',
    controlled: false,
    leaving: false,
    cancelled: false,
    ending: false,
    keepTime: false,
    playing: [],
  };
}

/** Read access for the translation of events. */
export interface RegistryView {
  leg(legId: LegId): LegRecord | undefined;
  /** Devices registered for the extension. */
  devices(extension: string): readonly string[];
}

/** Records of the legs, bridges and devices of one shard, as of the last event or command. */
export class Registry implements RegistryView {
  #legs = new Map<LegId, LegRecord>();
  #bridges = new Map<BridgeId, BridgeKind>();
  #devices = new Map<string, readonly string[]>();

  leg(legId: LegId): LegRecord | undefined {
    return this.#legs.get(legId);
  }

  legs(): readonly LegRecord[] {
    return [...this.#legs.values()];
  }

  put(leg: LegRecord): void {
    this.#legs.set(leg.legId, leg);
  }

  /** Changes the record if there is one. */
  change(legId: LegId, change: Partial<LegRecord>): void {
    const leg = this.#legs.get(legId);
    if (leg !== undefined) this.#legs.set(legId, { ...leg, ...change });
  }

  /** The leg is no longer in this bridge. */
  leave(legId: LegId, bridgeId: BridgeId): void {
    const leg = this.#legs.get(legId);
    if (leg?.bridgeId !== bridgeId) return;
    const { bridgeId: _left, ...outside } = leg;
    this.#legs.set(legId, outside);
  }

  /** Silence is being sent to the leg, or is to be: it is recorded, and in no bridge. */
  isSilenced(legId: LegId): boolean {
    const leg = this.#legs.get(legId);
    return leg?.keepTime === true && !leg.ending && leg.bridgeId === undefined;
  }

  forget(legId: LegId): void {
    this.#legs.delete(legId);
  }

  bridgeKind(bridgeId: BridgeId): BridgeKind | undefined {
    return this.#bridges.get(bridgeId);
  }

  putBridge(bridgeId: BridgeId, kind: BridgeKind): void {
    this.#bridges.set(bridgeId, kind);
  }

  forgetBridge(bridgeId: BridgeId): void {
    this.#bridges.delete(bridgeId);
  }

  devices(extension: string): readonly string[] {
    return this.#devices.get(extension) ?? [];
  }

  /** Undefined until the extension's registrations were read or reported once. */
  knownDevices(extension: string): readonly string[] | undefined {
    return this.#devices.get(extension);
  }

  putDevices(extension: string, devices: readonly string[]): void {
    this.#devices.set(extension, devices);
  }

  /** Forgets legs and bridges, before they are read from Asterisk again. Devices are kept until they are. */
  clear(): void {
    this.#legs.clear();
    this.#bridges.clear();
  }
}
