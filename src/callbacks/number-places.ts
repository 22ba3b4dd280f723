import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { IANAZone } from 'luxon';
import { z } from 'zod';
import { uncallableNumberTypes } from '../foundation/index.ts';

const zonesSchema = z
  .array(z.string().refine((name) => IANAZone.isValidZone(name), 'a time zone such as Europe/Moscow'))
  .min(1);
const countrySchema = z.string().regex(/^[A-Z]{2}$/, 'a country code of two capital letters such as "RU"');
/** Unquoted in YAML, 495 is a number; what is meant is its digits. */
const areaCodeSchema = z
  .union([z.string(), z.int()])
  .transform(String)
  .pipe(z.string().regex(/^\d{1,8}$/, 'an area code of up to eight digits'));

/** Where telephone numbers are, as data. */
export const numberZonesSchema = z
  .strictObject({
    /** By ISO 3166 code, every zone that the country has; of zones with the same clock one will do. */
    countries: z.record(countrySchema, zonesSchema).default({}),
    /** Beginnings of national numbers that say more than the country does; the longest that fits decides. */
    areas: z
      .array(z.strictObject({ country: countrySchema, codes: z.array(areaCodeSchema).min(1), zones: zonesSchema }))
      .default([]),
  })
  .describe('In which time zones the phone of a number may be.');

export type NumberZones = Readonly<z.infer<typeof numberZonesSchema>>;

/** Where the phone of a number may be. `offset`: minutes east of UTC, as the caller said. `anywhere`: nothing is known. */
export type NumberPlace =
  | { readonly kind: 'offset'; readonly minutes: number }
  | { readonly kind: 'zones'; readonly zones: readonly string[] }
  | { readonly kind: 'anywhere' };

export interface NumberPlaces {
  /** `number`: E.164. What the caller said about his clock goes before what his number says. */
  placeOf(number: string, utcOffsetMinutes?: number): NumberPlace;
}

export function createNumberPlaces(data: NumberZones): NumberPlaces {
  const areas = new Map(
    data.areas.flatMap(({ country, codes, zones }) => codes.map((code) => [`${country} ${code}`, zones] as const)),
  );
  const longestCode = Math.max(0, ...data.areas.flatMap(({ codes }) => codes.map((code) => code.length)));
  return {
    placeOf(number, utcOffsetMinutes) {
      if (utcOffsetMinutes !== undefined) return { kind: 'offset', minutes: utcOffsetMinutes };
      const parsed = parsePhoneNumberFromString(number);
      if (parsed?.country === undefined) return { kind: 'anywhere' };
      for (let length = longestCode; length > 0; length -= 1) {
        const zones = areas.get(`${parsed.country} ${parsed.nationalNumber.slice(0, length)}`);
        if (zones !== undefined) return { kind: 'zones', zones };
      }
      const zones = data.countries[parsed.country];
      return zones === undefined ? { kind: 'anywhere' } : { kind: 'zones', zones };
    },
  };
}

/** Whether somebody can be called back at this number, E.164. */
export function canBeCalled(number: string): boolean {
  const parsed = parsePhoneNumberFromString(number);
  return parsed?.isValid() === true && !uncallableNumberTypes.has(parsed.getType());
}
