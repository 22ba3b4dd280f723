import type { CallBackId, CommandMeta, ContactId } from '../foundation/index.ts';
import type { AttemptOutcome, CallBack, CallBackDraft, CallBackRoom } from './ports.ts';

/** Why a call-back cannot be promised; `nextAtMs`: when it could be. */
export type PromiseRefusal = 'noRoom' | 'outsideHours' | 'zoneUnknown' | 'tooFar' | 'noNumber';

export type PromiseAnswer =
  | {
      readonly outcome: 'promised';
      readonly callBackId: CallBackId;
      readonly dueAtMs: number;
      readonly merged: boolean;
    }
  | { readonly outcome: 'refused'; readonly why: PromiseRefusal; readonly nextAtMs?: number };

/** What the service of call-backs needs of the rest of the house. */
export interface CallBackSurroundings {
  /** Whether operators are there, until when, and when next (`undefined`: not within a fortnight). ISO `day` in the line's time zone. */
  lineHours(
    lineId: string,
    atMs: number,
  ): { readonly open: boolean; readonly untilMs?: number; readonly nextMs?: number; readonly day: string } | undefined;
  /** Days that have operators' time for call-backs of this queue, that of `nowMs` (if any) first. */
  room(queueId: string, nowMs: number): Promise<readonly CallBackRoom[]>;
  /** Has `CallBackService.due` called then, by whichever process. */
  plan(callBackId: CallBackId, dueAtMs: number): Promise<void>;
  /** Takes a contact that waits for an operator to call somebody back out of its queue; its owner is told. */
  withdraw(contactId: ContactId, meta: CommandMeta): Promise<void>;
  /** Makes a contact that claims it. */
  begin(callBackId: CallBackId): Promise<void>;
  /** Nobody could be reached: people take over. Safe to repeat. */
  registerRequest(callBack: CallBack, meta: CommandMeta): Promise<void>;
}

export interface CallBackService {
  /**
   * Promised and held by the draft's contact, or told why not. Committed when it resolves. `requestKey`: asked for by somebody who is not on the line, see
   * `CallBackRepository.promise`; what such a caller has already is told whatever the hours and the room.
   */
  promise(draft: Omit<CallBackDraft, 'createdAtMs'>, meta: CommandMeta, requestKey?: string): Promise<PromiseAnswer>;
  openOf(number: string): Promise<readonly CallBack[]>;
  /** Its caller is on the line by himself; who had claimed it is withdrawn. `over`: it is done with, or another contact holds it. */
  hold(callBackId: CallBackId, contactId: ContactId, meta: CommandMeta): Promise<'held' | 'dialling' | 'over'>;
  /** The contact that held it is over without an answer. */
  letGo(callBackId: CallBackId, contactId: ContactId, meta: CommandMeta): Promise<void>;
  cancel(
    callBackId: CallBackId,
    by: { readonly contactId?: ContactId; readonly reason: string },
    meta: CommandMeta,
  ): Promise<'cancelled' | 'dialling' | 'over'>;
  /** `notNow`: it is not due, or its number may not be called now; it was planned anew. `over`: nothing is left to do. `untilMs`: it may be dialled. */
  claim(
    callBackId: CallBackId,
    contactId: ContactId,
  ): Promise<
    | { readonly outcome: 'claimed'; readonly callBack: CallBack; readonly untilMs?: number }
    | { readonly outcome: 'notNow' | 'taken' | 'over' }
  >;
  /** Given back undialled; planned anew. */
  postpone(callBackId: CallBackId, contactId: ContactId): Promise<void>;
  /** Hours and zones are looked at once more: `mayNotDial` has postponed it. */
  beginAttempt(
    callBackId: CallBackId,
    contactId: ContactId,
  ): Promise<
    { readonly outcome: 'begun'; readonly attempt: number } | { readonly outcome: 'mayNotDial' | 'notClaimed' }
  >;
  endAttempt(
    callBackId: CallBackId,
    contactId: ContactId,
    outcome: AttemptOutcome,
    meta: CommandMeta,
  ): Promise<'done' | 'scheduled' | 'failed' | 'notDialling'>;
  /** It is due: a contact is begun for it. */
  due(callBackId: CallBackId): Promise<void>;
  /** Plans what is scheduled, and gives back what a contact had that is no more: an attempt of theirs is of unknown outcome. */
  reconcile(isLive: (contactId: ContactId) => Promise<boolean>): Promise<void>;
}
