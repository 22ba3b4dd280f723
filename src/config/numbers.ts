import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** ISO 3166 code of the country whose notations (trunk prefix, numbers without a country code) are understood. */
export interface NumberSettings {
  readonly defaultCountry: string;
}

export type DialledNumber =
  | { readonly ok: true; readonly kind: 'e164'; readonly e164: string }
  /** A service code: digits, or keys beginning with `*`. */
  | { readonly ok: true; readonly kind: 'shortCode'; readonly code: string }
  | { readonly ok: false; readonly reason: 'empty' | 'notANumber' };

export type CallerNumber =
  | { readonly known: true; readonly e164: string }
  /** `withheld`: the caller or the network hides it. `unrecognised`: an extension, a text, digits of no numbering plan. */
  | { readonly known: false; readonly reason: 'withheld' | 'unrecognised' };

/** No national number of any country we know is shorter than five digits. */
const longestShortCode = 4;

/** What networks put in place of a number that must not be shown. */
const withheldWords: ReadonlySet<string> = new Set([
  'anonymous',
  'unavailable',
  'unknown',
  'restricted',
  'private',
  'withheld',
  'invalid',
]);

/**
 * A dialled number in any notation (8800…, 7800…, +7800…, 800…, with spaces, hyphens and brackets, `tel:` and `sip:` too) as E.164.
 * Short codes come first: a library of national numbers would take 112 for a piece of one.
 */
export function normaliseDialled(number: string, settings: NumberSettings): DialledNumber {
  const bare = bareNumber(number);
  if (bare === '') return { ok: false, reason: 'empty' };
  if (/^\*\d{1,4}#?$/.test(bare) || (/^\d+$/.test(bare) && bare.length <= longestShortCode)) {
    return { ok: true, kind: 'shortCode', code: bare };
  }
  const e164 = toE164(bare, settings);
  return e164 === undefined ? { ok: false, reason: 'notANumber' } : { ok: true, kind: 'e164', e164 };
}

/** A caller's number as the trunk gives it. Personal data, also when it is not recognised. */
export function normaliseAni(number: string, settings: NumberSettings): CallerNumber {
  const bare = bareNumber(number);
  if (bare === '' || withheldWords.has(bare.toLowerCase())) return { known: false, reason: 'withheld' };
  const e164 = toE164(bare, settings);
  return e164 === undefined ? { known: false, reason: 'unrecognised' } : { known: true, e164 };
}

/** The number without the scheme, host and parameters of an address and without what people put between digits. */
function bareNumber(number: string): string {
  const withoutScheme = number.trim().replace(/^(?:tel|sips?):/i, '');
  const user = withoutScheme.split(/[@;]/, 1)[0] ?? '';
  return user.replace(/[\s().\-\u2010-\u2015\u00a0]/g, '');
}

/** Own country's notations first, then digits that begin with a country code, with or without `00`. */
function toE164(bare: string, { defaultCountry }: NumberSettings): string | undefined {
  if (!/^\+?\d{5,20}$/.test(bare)) return undefined;
  const country: CountryCode | undefined = isSupportedCountry(defaultCountry) ? defaultCountry : undefined;
  const national = parsePhoneNumberFromString(bare, country === undefined ? {} : { defaultCountry: country });
  if (national?.isValid() === true) return national.number;
  const international = bare.startsWith('+') ? undefined : parsePhoneNumberFromString(`+${bare.replace(/^00/, '')}`);
  return international?.isValid() === true ? international.number : undefined;
}
