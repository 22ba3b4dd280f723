import type { AcdService } from '../acd/index.ts';
import type { CallBackService } from '../callbacks/index.ts';
import type { CaseId, CommandMeta, ContactId, RecordingId } from '../foundation/index.ts';
import type { ContactEffect } from './effects.ts';

/** What a contact needs of the queue. Errors: `DozvonError('REDIS_UNAVAILABLE')`. */
export type QueuePort = Pick<
  AcdService,
  | 'enqueue'
  | 'waitingContact'
  | 'setHeadStart'
  | 'withdraw'
  | 'offerAnswered'
  | 'offerFailed'
  | 'release'
  | 'endWrapUp'
  | 'setPresence'
  | 'setReachable'
  | 'setOutsideCall'
  | 'operatorOfExtension'
  | 'matchAll'
>;

/** What a contact needs of the recording room. */
export interface RecordingPort {
  open(request: {
    readonly recordingId: RecordingId;
    readonly contactId: ContactId;
    readonly lineId: string;
    readonly startedAtMs: number;
  }): Promise<{ readonly spoolFile: string }>;
  mark(mark: Omit<Extract<ContactEffect, { type: 'markRecording' }>, 'type'>): Promise<void>;
  /** Resolves when the recording is sealed to its end and verified, or cannot be. */
  close(
    recordingId: RecordingId,
    endedAtMs: number,
  ): Promise<{ readonly state: 'verified' | 'failed'; readonly durationMs: number; readonly failure?: string }>;
  /** This process goes on reading the recording's spool (after a restart or a take-over). */
  adopt(recordingId: RecordingId): Promise<void>;
}

/** What a contact needs of the cases room. Errors of both: `DozvonError('DATABASE_UNAVAILABLE')`. */
export interface RequestPort {
  storeRequest(
    request: Omit<Extract<ContactEffect, { type: 'storeRequest' }>, 'type'> & {
      readonly contactId: ContactId;
      readonly createdAtMs: number;
    },
    meta: CommandMeta,
  ): Promise<{ readonly caseId: CaseId; readonly caseNumber: string }>;
  /** Nobody needs to work on it any more; one that somebody works on already is left to him. */
  closeUnworked(
    closing: { readonly caseId: CaseId; readonly atMs: number },
    meta: CommandMeta,
  ): Promise<'closed' | 'beingWorkedOn' | 'unknownCase'>;
}

/** What a contact needs of the room of call-backs. Errors: `DozvonError('DATABASE_UNAVAILABLE')`. */
export type CallBackPort = Pick<
  CallBackService,
  'promise' | 'hold' | 'letGo' | 'cancel' | 'claim' | 'postpone' | 'beginAttempt' | 'endAttempt'
>;

/** Seals what is stored of a contact; `context` binds it to its place. */
export interface StateSealer {
  seal(plain: string, context: string): string;
  open(sealed: string, context: string): string;
}
