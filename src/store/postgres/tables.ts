import type { ColumnType, Generated, JSONColumnType } from 'kysely';

/**
 * The tables as kysely sees them (snake_case in the database, camelCase here). Personal data lives only in columns named
 * `…Sealed`; `…Index` beside one is its blind index. Instants are timestamptz, stretches of time are bigint milliseconds.
 */

type Instant = ColumnType<Date, Date, Date>;
type Facts = JSONColumnType<Record<string, unknown>, string, string>;

export interface ContactsTable {
  contactId: string;
  lineId: string | null;
  dnis: string;
  aniSealed: string | null;
  aniIndex: string | null;
  trunk: string;
  sipCallId: string;
  nodeId: string;
  configVersion: string;
  arrivedAt: Instant;
  answeredAt: Instant | null;
  queueId: string | null;
  topic: string | null;
  enqueuedAt: Instant | null;
  waitMs: number | null;
  joinedAt: Instant | null;
  operatorId: string | null;
  talkMs: number | null;
  wrapUpMs: number | null;
  endedAt: Instant | null;
  endedBy: string | null;
  outcome: string | null;
  caseId: string | null;
  kind: string | null;
  callBackId: string | null;
}

export interface LegsTable {
  legId: string;
  contactId: string;
  role: string;
  operatorId: string | null;
  startedAt: Instant;
  endedAt: Instant | null;
}

export interface ContactTimelineTable {
  contactId: string;
  position: number;
  at: Instant;
  kind: string;
  facts: Facts;
}

export interface RecordingsTable {
  recordingId: string;
  contactId: string;
  lineId: string;
  startedAt: Instant;
  state: string;
  durationMs: number | null;
  failure: string | null;
}

export interface RecordingSegmentsTable {
  recordingId: string;
  segment: number;
  spoolFile: string;
  blobName: string;
  wrappedKey: string;
  keyId: string;
  startedAt: Instant;
  state: string;
  sealedBytes: number | null;
}

export interface RecordingMarksTable {
  recordingId: string;
  purpose: string;
  fromMs: number;
  toMs: number | null;
}

export interface CasesTable {
  caseId: string;
  caseNumber: string;
  contactId: string;
  lineId: string;
  topic: string;
  language: string;
  callBackNumberSealed: string | null;
  callBackNumberIndex: string | null;
  messageRecordingId: string | null;
  messageFromMs: number | null;
  messageToMs: number | null;
  state: string;
  idempotencyKey: string;
  createdAt: Instant;
}

export interface CaseHistoryTable {
  historyId: Generated<number>;
  caseId: string;
  at: Instant;
  actorKind: string;
  actorId: string;
  reason: string;
  change: string;
  facts: Facts;
}

export interface CallBacksTable {
  callBackId: string;
  state: string;
  queueId: string;
  lineId: string;
  topic: string;
  language: string;
  numberSealed: string;
  numberIndex: string;
  /** When the caller began to wait. */
  placeAt: Instant;
  wish: string;
  wishAt: Instant | null;
  utcOffsetMinutes: number | null;
  caseId: string | null;
  createdAt: Instant;
  promisedBy: string;
  /** Who has it now. */
  contactId: string | null;
  dueAt: Instant;
  /** ISO date. */
  promisedDay: string;
  reason: string | null;
  /** Of a test call: its hours are asked so much later than now. */
  hoursAheadMs: number | null;
}

export interface CallBackAttemptsTable {
  callBackId: string;
  number: number;
  contactId: string;
  startedAt: Instant;
  endedAt: Instant | null;
  outcome: string | null;
}

export interface CallBackRequestsTable {
  requestKey: string;
  callBackId: string;
  dueAt: Instant;
  merged: boolean;
}

export interface CallBackHistoryTable {
  historyId: Generated<number>;
  callBackId: string;
  at: Instant;
  actorKind: string;
  actorId: string;
  reason: string;
  change: string;
}

export interface OutboxTable {
  noticeId: string;
  caseId: string | null;
  channel: string;
  recipientSealed: string;
  template: string;
  parametersSealed: string;
  state: string;
  attempts: number;
  createdAt: Instant;
  dueAt: Instant;
  claimedUntil: Instant | null;
  sentAt: Instant | null;
  failure: string | null;
}

export interface ConfigVersionsTable {
  version: string;
  yaml: string;
  recordedAt: Instant;
  actorKind: string;
  actorId: string;
  reason: string;
}

export interface OperatorActivityTable {
  operatorId: string;
  aspect: string;
  value: string;
  reason: string | null;
  startedAt: Instant;
  endedAt: Instant | null;
  /** Position in the event stream of the event that opened the interval. */
  sourceId: string;
}

export interface AuditJournalTable {
  seq: number;
  at: Instant;
  actorKind: string;
  actorId: string;
  action: string;
  reason: string;
  facts: Facts;
  previousHash: string;
  hash: string;
}

export interface Tables {
  contacts: ContactsTable;
  legs: LegsTable;
  contactTimeline: ContactTimelineTable;
  recordings: RecordingsTable;
  recordingSegments: RecordingSegmentsTable;
  recordingMarks: RecordingMarksTable;
  cases: CasesTable;
  caseHistory: CaseHistoryTable;
  callBacks: CallBacksTable;
  callBackAttempts: CallBackAttemptsTable;
  callBackHistory: CallBackHistoryTable;
  callBackRequests: CallBackRequestsTable;
  outbox: OutboxTable;
  configVersions: ConfigVersionsTable;
  operatorActivity: OperatorActivityTable;
  auditJournal: AuditJournalTable;
}
