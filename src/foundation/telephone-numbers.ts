/** Kinds of telephone numbers, as libphonenumber names them, at which nobody can be called, or only at somebody's cost. */
export const uncallableNumberTypes: ReadonlySet<string | undefined> = new Set([
  'TOLL_FREE',
  'PREMIUM_RATE',
  'SHARED_COST',
  'UAN',
  'PAGER',
]);
