import type { CaseId, CommandMeta, ContactId, RecordingId } from '../foundation/index.ts';

export interface RequestDraft {
  readonly contactId: ContactId;
  readonly lineId: string;
  readonly topic: string;
  /** E.164; personal data. */
  readonly callBackNumber: string;
  readonly language: string;
  /** The spoken message: a stretch of a recording, milliseconds from the recording's zero second. */
  readonly message?: { readonly recordingId: RecordingId; readonly fromMs: number; readonly toMs: number };
  readonly createdAtMs: number;
}

export interface StoredRequest {
  readonly caseId: CaseId;
  /** Short, speakable: digits only, the last is a check digit. */
  readonly caseNumber: string;
}

/** Where a case stands; which state may follow which is `mayFollow()` in this room. */
export type CaseState = 'registered' | 'inProgress' | 'escalated' | 'closed';

export interface CaseView extends StoredRequest, RequestDraft {
  readonly state: CaseState;
}

/** A notice to be sent by a gateway later (SMS first). Written in the transaction of what it tells. */
export interface OutboxNotice {
  readonly channel: 'sms';
  /** Personal data. */
  readonly to: string;
  readonly template: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface CaseRepository {
  /**
   * Stores the request and its notices in one transaction. `idempotencyKey` (contact + place in the flow) makes a repeat return the
   * request stored first.
   */
  storeRequest(
    draft: RequestDraft,
    options: {
      readonly idempotencyKey: string;
      readonly notices: (caseNumber: string) => readonly OutboxNotice[];
      readonly meta: CommandMeta;
    },
  ): Promise<StoredRequest>;
  /** `registered` → `closed` with its history; `closed` again when it is. What somebody has taken up is left to him. */
  closeUnworked(
    closing: { readonly caseId: CaseId; readonly atMs: number },
    meta: CommandMeta,
  ): Promise<'closed' | 'beingWorkedOn' | 'unknownCase'>;
  get(caseId: CaseId): Promise<CaseView | undefined>;
  findByNumber(caseNumber: string): Promise<CaseView | undefined>;
}

/** `pending` waits for its due time and a gateway, `sending` is claimed by a process, `sent` and `failed` are ends. */
export type NoticeState = 'pending' | 'sending' | 'sent' | 'failed';

/** A notice in the outbox without what it says and to whom. */
export interface NoticeView {
  readonly noticeId: string;
  readonly caseId?: CaseId;
  readonly channel: OutboxNotice['channel'];
  readonly template: string;
  readonly state: NoticeState;
  readonly attempts: number;
  readonly createdAtMs: number;
  readonly dueAtMs: number;
  readonly sentAtMs?: number;
  /** Why the last attempt failed, in machine-readable words. */
  readonly failure?: string;
}

/** The outbox seen by whoever relays it. Every verb is one atomic step, so that several processes may relay at once. */
export interface Outbox {
  list(filter: {
    readonly state?: NoticeState;
    readonly caseId?: CaseId;
    readonly limit: number;
  }): Promise<readonly NoticeView[]>;
  /**
   * Claims a due notice until `claimUntilMs` and opens it. `notDue`: pending, but later. `taken`: another holds it.
   * `over`: sent or failed for good. A claim that has run out can be taken again.
   */
  claim(
    noticeId: string,
    options: { readonly nowMs: number; readonly claimUntilMs: number },
  ): Promise<
    | { readonly outcome: 'claimed'; readonly notice: OutboxNotice; readonly attempts: number }
    | { readonly outcome: 'notDue'; readonly dueAtMs: number }
    | { readonly outcome: 'taken' | 'over' | 'unknownNotice' }
  >;
  sent(noticeId: string, nowMs: number): Promise<void>;
  /** The attempt failed: due again at `retryAtMs`, or failed for good when undefined. */
  attemptFailed(
    noticeId: string,
    options: { readonly failure: string; readonly nowMs: number; readonly retryAtMs?: number },
  ): Promise<void>;
  /** Notices not yet sent, soonest due first: what the relay plans after a start. */
  unsent(limit: number): Promise<readonly { readonly noticeId: string; readonly dueAtMs: number }[]>;
  /**
   * Calls `listener` with each notice once it is stored, whichever process stored it; with `undefined` at the beginning and
   * after the store was out of reach: some may have been missed, ask `unsent()`. Runs until `signal` aborts.
   */
  watch(listener: (noticeId: string | undefined) => void, signal: AbortSignal): Promise<void>;
}

/** Whoever can send a notice: an SMS provider, a test gateway. */
export interface NoticeGateway {
  /** `refused`: will never work (bad number); `unavailable`: try again later. Repeats carry the same `noticeId`. */
  send(notice: OutboxNotice & { readonly noticeId: string }): Promise<'accepted' | 'refused' | 'unavailable'>;
}
