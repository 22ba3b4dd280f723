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

/** Callers under way at a time, and more. */
const mostRemembered = 2_000;

/** The same, with the indexes of the latest values remembered: a caller is written with each of his records and looked for when he comes. */
export function rememberingIndexes(sealer: Sealer): Sealer {
  const known = new Map<string, string>();
  return {
    seal: (plain, context) => sealer.seal(plain, context),
    open: (sealed, context) => sealer.open(sealed, context),
    blindIndex(value, purpose) {
      const key = `${purpose}/${value}`;
      const before = known.get(key);
      if (before !== undefined) return before;
      const index = sealer.blindIndex(value, purpose);
      known.set(key, index);
      const [oldest] = known.keys();
      if (known.size > mostRemembered && oldest !== undefined) known.delete(oldest);
      return index;
    },
  };
}
