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
    options: { readonly idempotencyKey: string; readonly notices: (caseNumber: string) => readonly OutboxNotice[]; readonly meta: CommandMeta },
  ): Promise<StoredRequest>;
  get(caseId: CaseId): Promise<(StoredRequest & RequestDraft) | undefined>;
  findByNumber(caseNumber: string): Promise<(StoredRequest & RequestDraft) | undefined>;
}
