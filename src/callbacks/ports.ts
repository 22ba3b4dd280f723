import type { CallBackId, CaseId, CommandMeta, ContactId } from '../foundation/index.ts';

/**
 * ```
 *            caller is on the line        due              operator reserved,
 *                                                          attempt written down
 *  promise ──▶ held ──▶ scheduled ──▶ claimed ──▶ dialling ──▶ done
 *               ▲ │         │ ▲          │           │
 *               │ └─answered┼─┼──────────┼──▶ cancelled
 *               └─calls in──┘ └──postponed, not reached (retry)──▶ failed (tries used up: a request is registered)
 * ```
 * `held`, `claimed` and `dialling` name the contact that has it: nobody else may move it on.
 */
export type CallBackState = 'held' | 'scheduled' | 'claimed' | 'dialling' | 'done' | 'failed' | 'cancelled';

/** Who is rung first. */
export type CallBackMode = 'operatorFirst' | 'callerFirst';

/** What the caller wants: as soon as an operator is free, at an instant of his choice, or after the line's next opening. */
export type CallBackWish =
  /** `onlyToday`: refused (`noRoom`) rather than promised for a later day. */
  | { readonly kind: 'soon'; readonly onlyToday?: true }
  | { readonly kind: 'at'; readonly atMs: number }
  | { readonly kind: 'nextOpening' };

export interface CallBackDraft {
  /** Who is on the line and holds it. */
  readonly contactId: ContactId;
  readonly lineId: string;
  readonly queueId: string;
  readonly topic: string;
  readonly language: string;
  /** E.164; personal data. */
  readonly number: string;
  /** The place it keeps: when the caller began to wait. */
  readonly placeMs: number;
  readonly wish: CallBackWish;
  /** Minutes east of UTC where the caller is, if he said so. */
  readonly utcOffsetMinutes?: number;
  /** Only of a test call that named an instant for its hours (docs/adr/0009): hours and zones are asked so much later, or earlier, than now. */
  readonly hoursAheadMs?: number;
  /** The request that it answers. */
  readonly caseId?: CaseId;
  readonly createdAtMs: number;
}

/** What became of a try to reach the caller. `unknown`: nobody saw its end. `operatorGone`: the operator hung up before the caller answered. */
export type AttemptOutcome =
  | 'reached'
  | 'busy'
  | 'noAnswer'
  | 'declined'
  | 'unreachable'
  | 'machine'
  | 'silence'
  | 'operatorGone'
  | 'unknown';

export interface CallBackAttempt {
  /** From 1. */
  readonly number: number;
  readonly contactId: ContactId;
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  readonly outcome?: AttemptOutcome;
}

export interface CallBack extends Omit<CallBackDraft, 'contactId'> {
  readonly callBackId: CallBackId;
  readonly state: CallBackState;
  /** Who made it, or has asked for it since. */
  readonly promisedBy: ContactId;
  /** Who has it now, in `held`, `claimed` and `dialling`. */
  readonly contactId?: ContactId;
  /** Not before. */
  readonly dueAtMs: number;
  /** ISO date in the line's time zone: the day whose operators' time it was promised from. */
  readonly promisedDay: string;
  readonly attempts: readonly CallBackAttempt[];
  /** Why it was cancelled, or the outcome of the last attempt when it failed. */
  readonly reason?: string;
}

/** A day with room for so many call-backs in all, those promised before included. */
export interface CallBackRoom {
  readonly day: string;
  readonly most: number;
  /** When one that is promised for this day is due. */
  readonly dueAtMs: number;
}

/** As it was promised, whatever has become of it since. */
export interface AnsweredRequest {
  readonly callBackId: CallBackId;
  readonly dueAtMs: number;
  readonly merged: boolean;
}

/** All verbs are atomic, safe to repeat, and compare the state they start from. Rejects with `DATABASE_UNAVAILABLE`. */
export interface CallBackRepository {
  /**
   * Promises it for the first day of `room` that has some, held by the draft's contact. An open one of this number in this queue that
   * no other contact holds is taken over instead (`merged`): it keeps the earlier place, gets the newer wish and is promised by this
   * contact now; `was` names who had claimed it. One that is being dialled is left as it is. The same wish again by who holds it is a repeat
   * and answered like the first. Beside one that another contact holds, the draft gets its own: each was told that he will be called.
   * With a `requestKey` the answer is kept for `answered()`; such a request is not the caller's own, and one that a caller on the line holds
   * is left as it is.
   */
  promise(
    draft: CallBackDraft,
    options: { readonly room: readonly CallBackRoom[]; readonly meta: CommandMeta; readonly requestKey?: string },
  ): Promise<
    | {
        readonly outcome: 'promised';
        readonly callBack: CallBack;
        readonly merged: boolean;
        readonly was?: ContactId;
      }
    | { readonly outcome: 'noRoom' }
  >;
  /** What was promised to a request with this key. */
  answered(requestKey: string): Promise<AnsweredRequest | undefined>;
  /** Of this number, in whatever queue: `held`, `scheduled`, `claimed` or `dialling`. */
  openOf(number: string): Promise<readonly CallBack[]>;
  /**
   * The caller is on the line by himself: `scheduled` or `claimed` → `held` by that contact; `was` names who had claimed it. `over` also when
   * another contact holds it: it stays that one's, and is let go or cancelled by it alone.
   */
  hold(
    callBackId: CallBackId,
    contactId: ContactId,
    nowMs: number,
  ): Promise<{ readonly outcome: 'held'; readonly was?: ContactId } | { readonly outcome: 'dialling' | 'over' }>;
  /** `held` by that contact → `scheduled`, not before `dueAtMs` nor before it was due anyway. */
  letGo(callBackId: CallBackId, contactId: ContactId, dueAtMs: number): Promise<'scheduled' | 'notHeld'>;
  /** By the contact that has it, or by staff (no `contactId`: whoever has it), unless it is being dialled; `was` names who had claimed it. */
  cancel(
    callBackId: CallBackId,
    by: { readonly contactId?: ContactId; readonly reason: string; readonly meta: CommandMeta; readonly nowMs: number },
  ): Promise<{ readonly outcome: 'cancelled'; readonly was?: ContactId } | { readonly outcome: 'dialling' | 'over' }>;
  /** `scheduled` and due → `claimed` by that contact; `claimed` again when it is. */
  claim(
    callBackId: CallBackId,
    contactId: ContactId,
    nowMs: number,
  ): Promise<
    { readonly outcome: 'claimed'; readonly callBack: CallBack } | { readonly outcome: 'notDue' | 'taken' | 'over' }
  >;
  /** `claimed` by that contact → `scheduled` at `dueAtMs`, without an attempt: the hours are over, or the queue lost it. */
  postpone(callBackId: CallBackId, contactId: ContactId, dueAtMs: number): Promise<'scheduled' | 'notClaimed'>;
  /** `claimed` by that contact → `dialling`, with an attempt. `begun` again when repeated by the same contact. */
  beginAttempt(
    callBackId: CallBackId,
    contactId: ContactId,
    nowMs: number,
  ): Promise<{ readonly outcome: 'begun'; readonly attempt: number } | { readonly outcome: 'notClaimed' }>;
  /**
   * `dialling` by that contact → `done` when reached, `scheduled` at `retryAtMs`, or `failed` without one. Repeated by the same
   * contact it says again what became of its attempt.
   */
  endAttempt(
    callBackId: CallBackId,
    contactId: ContactId,
    end: { readonly outcome: AttemptOutcome; readonly nowMs: number; readonly retryAtMs?: number },
  ): Promise<'done' | 'scheduled' | 'failed' | 'notDialling'>;
  get(callBackId: CallBackId): Promise<CallBack | undefined>;
  /** Newest first. */
  list(filter: {
    readonly state?: CallBackState;
    readonly queueId?: string;
    readonly before?: CallBackId;
    readonly limit: number;
  }): Promise<readonly CallBack[]>;
  /** Scheduled ones, soonest due first: what is planned after a start. */
  scheduled(limit: number): Promise<readonly { readonly callBackId: CallBackId; readonly dueAtMs: number }[]>;
  /** Those that a contact has: compared with the live contacts, so that none waits for one that is gone. */
  owned(): Promise<
    readonly { readonly callBackId: CallBackId; readonly contactId: ContactId; readonly state: CallBackState }[]
  >;
  /** Open ones by queue and promised day: what is booked of the day's operators' time. */
  promised(): Promise<
    readonly {
      readonly queueId: string;
      readonly day: string;
      readonly open: number;
      /** Of those that wait to be dialled. */
      readonly oldestDueAtMs?: number;
      /** Of these, the first of those whose callers have chosen the time. */
      readonly oldestChosenAtMs?: number;
    }[]
  >;
  /**
   * The scheduled ones of a queue that are due at `openingMs`, but for those whose caller has chosen that instant, are spread over `overMs`
   * from it, in the order of their places. Says how many have become due later.
   */
  spread(queueId: string, openingMs: number, overMs: number): Promise<number>;
}
