import type { ContactId, LegId, PlaybackId } from '../foundation/index.ts';
import type { ArrivalFacts, Heard } from './ports.ts';

/** Why a leg ended, from the far end's or our side. */
export type LegEndCause = 'normal' | 'busy' | 'noAnswer' | 'declined' | 'unreachable' | 'cancelled' | 'failure';

/**
 * What Asterisk reports, in our words and by our names. `atMs` is our clock at receipt. Legs of another shard or of nobody never appear.
 */
export type TelephonyEvent =
  /** A caller's leg entered for the first time. */
  | { readonly type: 'legArrived'; readonly legId: LegId; readonly arrival: ArrivalFacts; readonly atMs: number }
  /** A caller's leg came back from the dialplan: after `startRecording` (`recording` names the spool file), or out of the waiting loop. */
  | {
      readonly type: 'legReturned';
      readonly legId: LegId;
      readonly arrival: ArrivalFacts;
      readonly spoolFile?: string;
      readonly atMs: number;
    }
  /** An originated leg's far end is ringing. */
  | { readonly type: 'legRinging'; readonly legId: LegId; readonly contactId: ContactId; readonly atMs: number }
  /** An originated leg was answered and is under our control; `heard`: where somebody listened. */
  | {
      readonly type: 'legAnswered';
      readonly legId: LegId;
      readonly contactId: ContactId;
      readonly heard?: Heard;
      readonly atMs: number;
    }
  /** Any leg ended, also one that never answered. */
  | { readonly type: 'legEnded'; readonly legId: LegId; readonly cause: LegEndCause; readonly atMs: number }
  | { readonly type: 'digit'; readonly legId: LegId; readonly digit: string; readonly atMs: number }
  | {
      readonly type: 'playbackEnded';
      readonly playbackId: PlaybackId;
      readonly outcome: 'played' | 'failed';
      readonly atMs: number;
    }
  /** An operator's phone dialled a service code (`*11`, `*12`, `*10`). */
  | {
      readonly type: 'serviceCodeDialled';
      readonly legId: LegId;
      readonly extension: string;
      readonly code: string;
      readonly atMs: number;
    }
  /** The devices registered for an extension are now these (none: unreachable). */
  | {
      readonly type: 'devicesChanged';
      readonly extension: string;
      readonly devices: readonly string[];
      readonly atMs: number;
    }
  /**
   * The extension's phones are now in so many calls that are no contact's: dialled by the operator (service codes aside), or ringing or
   * up for somebody else. Told at the first connection for every extension, later when it changes.
   */
  | {
      readonly type: 'operatorCallsChanged';
      readonly extension: string;
      readonly outsideCalls: number;
      readonly atMs: number;
    }
  /** Connected (first or again): whoever holds state compares it with `snapshot()` before acting. */
  | { readonly type: 'connected'; readonly again: boolean; readonly atMs: number }
  | { readonly type: 'disconnected'; readonly reason: string; readonly atMs: number }
  /** Another process took this application name: this one must stop acting at once. */
  | { readonly type: 'replaced'; readonly atMs: number };
