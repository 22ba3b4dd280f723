import type { BridgeId, ContactId, LegId, PlaybackId } from '../foundation/index.ts';
import type { TelephonyEvent } from './telephony-events.ts';

/**
 * `done`: Asterisk did it. `exists`: a thing with that name was there already (a repeat of ours).
 * `gone`: the leg, bridge or playback is no more. `refused`: Asterisk understood and would not (wrong state).
 * When Asterisk cannot be asked (no connection, no answer in time) the promise rejects with
 * `DozvonError('TELEPHONY_UNAVAILABLE')` or `('TIMED_OUT')`: the command may or may not have happened.
 */
export type CommandOutcome = 'done' | 'exists' | 'gone' | 'refused';

export type BridgeKind = 'holding' | 'mixing';

export interface OriginateRequest {
  readonly legId: LegId;
  readonly contactId: ContactId;
  readonly role: 'operator' | 'caller' | 'consult' | 'supervisor';
  /** One device, as `devices()` or a `devicesChanged` event named it. */
  readonly device: string;
  /** What the operator's phone shows; personal data. */
  readonly callerIdNumber: string;
  readonly callerIdName: string;
  readonly ringTimeoutMs: number;
}

/** A caller is called back over a carrier. */
export interface DialRequest {
  readonly legId: LegId;
  readonly contactId: ContactId;
  /** E.164; personal data. */
  readonly number: string;
  /** A trunk that can be dialled over. */
  readonly trunk: string;
  /** The line's own number, E.164: what the caller sees. */
  readonly callerIdNumber: string;
  readonly ringTimeoutMs: number;
  /** Listens to who answers before `legAnswered`, which then says what was heard. */
  readonly recogniseMachines: boolean;
}

/** What was heard when a called party answered. `unsure`: somebody or something spoke. */
export type Heard = 'human' | 'machine' | 'silence' | 'unsure';

/** What Asterisk holds of ours at one moment, to compare with what is stored. */
export interface TelephonySnapshot {
  readonly legs: readonly SnapshotLeg[];
  readonly bridges: readonly { readonly bridgeId: BridgeId; readonly legIds: readonly LegId[] }[];
}

export interface SnapshotLeg {
  readonly legId: LegId;
  readonly state: 'down' | 'ringing' | 'up';
  /** In our Stasis application now (a leg in the dialplan's waiting loop is not, and will arrive by itself). */
  readonly controlled: boolean;
  readonly bridgeId?: BridgeId;
  /** What the leg was announced with when it entered: what `legArrived`/`legReturned`/`legAnswered` carry. */
  readonly arrival?: ArrivalFacts;
  /** The spool file with which the leg last came back from `startRecording`, if it did. */
  readonly spoolFile?: string;
  /** What `legAnswered` carries. */
  readonly heard?: Heard;
}

/** Facts the dialplan passes with a caller's leg. */
export interface ArrivalFacts {
  readonly dnis: string;
  /** Personal data; empty when the caller's number is withheld. */
  readonly ani: string;
  readonly trunk: string;
  /** SIP Call-ID of the leg: what a carrier asks for in a dispute, and how a test finds its contact. */
  readonly sipCallId: string;
  /** ISO 8601 instant at which the schedule is to be evaluated; honoured only where the service runs for testing. */
  readonly evaluateAt?: string;
}

/**
 * The telephone side of a shard, by our names only: no Asterisk words go through here. The caller names every leg, bridge and
 * playback before asking for it. Commands for one leg or bridge are carried out in the order given.
 */
export interface TelephonyPort {
  /** Delivers every event from now on, in order; events before the first subscriber are kept for it. One subscriber. */
  subscribe(listener: (event: TelephonyEvent) => void): void;
  /** Connects, and stays connected until `stop()`. Resolves at the first connection. */
  start(): Promise<void>;
  stop(): Promise<void>;
  connected(): boolean;

  answer(legId: LegId): Promise<CommandOutcome>;
  /**
   * Sends the leg through the dialplan to start the two-channel recording into `spoolFile` (absolute, not existing yet)
   * and back: `legReturned` follows. Starting twice needs two names.
   */
  startRecording(legId: LegId, spoolFile: string): Promise<CommandOutcome>;
  /** `media`: sound ids as `<language>/<id>`, played one after another without gaps. In a holding bridge music resumes by itself. */
  play(request: {
    readonly playbackId: PlaybackId;
    readonly target: { readonly legId: LegId } | { readonly bridgeId: BridgeId };
    readonly media: readonly string[];
  }): Promise<CommandOutcome>;
  stopPlayback(playbackId: PlaybackId): Promise<CommandOutcome>;
  /** `gone` when it has ended or never began. */
  playbackExists(playbackId: PlaybackId): Promise<boolean>;
  /** Sends silence to the recorded leg while nothing else plays, so that the recording keeps time though the caller sends no RTP. */
  keepTime(legId: LegId): Promise<CommandOutcome>;
  createBridge(bridgeId: BridgeId, kind: BridgeKind): Promise<CommandOutcome>;
  /** Moves the legs into the bridge, out of those they are in. `gone`: the bridge or one of the legs is no more, and none was moved. */
  joinBridge(bridgeId: BridgeId, legIds: readonly LegId[]): Promise<CommandOutcome>;
  leaveBridge(bridgeId: BridgeId, legId: LegId): Promise<CommandOutcome>;
  destroyBridge(bridgeId: BridgeId): Promise<CommandOutcome>;
  originate(request: OriginateRequest): Promise<CommandOutcome>;
  /**
   * Calls a caller back; events as for any originated leg. `refused`: there is no such trunk to dial over. Who hangs up while it is
   * listened who he is has not been told to have answered: only `legEnded` comes, with `normal`.
   */
  dialCaller(request: DialRequest): Promise<CommandOutcome>;
  /** Ends the leg wherever it is (ringing, up, in the waiting loop). */
  hangup(legId: LegId, cause: 'normal' | 'busy' | 'unallocated' | 'failure'): Promise<CommandOutcome>;

  /** Devices registered for the extension now, each fit for `originate`. */
  devices(extension: string): readonly string[];
  /** Calls at the extension's phones now that are no contact's. */
  outsideCalls(extension: string): number;
  snapshot(): Promise<TelephonySnapshot>;
}
