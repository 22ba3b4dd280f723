import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** Numbers nobody can be called back on, or only at somebody's cost. */
const refusedTypes: ReadonlySet<string | undefined> = new Set([
  'TOLL_FREE',
  'PREMIUM_RATE',
  'SHARED_COST',
  'UAN',
  'PAGER',
]);

/** A number keyed by a caller in Russia, any notation, as E.164; undefined when it is none that can be called back. */
export function callBackNumberFrom(keyed: string): string | undefined {
  const number = parsePhoneNumberFromString(keyed, 'RU');
  if (number?.isValid() !== true || refusedTypes.has(number.getType())) return undefined;
  return number.number;
}
