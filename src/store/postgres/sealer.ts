/**
 * What this adapter needs of the vault. `context` names the column and the row, so that a sealed value cannot be moved to another
 * place unnoticed; `blindIndex` gives the same short text for the same value and purpose, and tells nothing of the value.
 */
export interface Sealer {
  seal(plain: string, context: string): string;
  open(sealed: string, context: string): string;
  blindIndex(value: string, purpose: string): string;
}

/** One purpose for every column with a caller's number: a caller is found by it in contacts and in cases alike. */
export const phoneNumberPurpose = 'phone-number';

/** Where a sealed value lies. A context must never change for stored rows: they could no longer be opened. */
export const sealedIn = {
  contactAni: (contactId: string): string => `contacts.ani/${contactId}`,
  caseCallBackNumber: (caseId: string): string => `cases.call_back_number/${caseId}`,
  callBackNumber: (callBackId: string): string => `call_backs.number/${callBackId}`,
  noticeRecipient: (noticeId: string): string => `outbox.recipient/${noticeId}`,
  noticeParameters: (noticeId: string): string => `outbox.parameters/${noticeId}`,
} as const;
