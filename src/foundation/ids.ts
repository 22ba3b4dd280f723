import { randomBytes } from 'node:crypto';

/**
 * Branded identifiers. A brand costs nothing at run time and keeps a leg's id from being passed where an offer's is
 * expected. Ids made here are lower-case, sort by time of creation and hold no ":" (BullMQ refuses it in job ids).
 */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type ContactId = Branded<'ContactId'>;
export type LegId = Branded<'LegId'>;
export type BridgeId = Branded<'BridgeId'>;
export type PlaybackId = Branded<'PlaybackId'>;
export type OfferId = Branded<'OfferId'>;
export type OperatorId = Branded<'OperatorId'>;
export type RecordingId = Branded<'RecordingId'>;
export type CaseId = Branded<'CaseId'>;
export type CallBackId = Branded<'CallBackId'>;

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford's base 32: no i, l, o, u to misread

/**
 * A new id: `prefix` + 9 characters of the time (ms) + 11 random ones (55 bits: a collision within one
 * millisecond needs about 2^27 ids).
 */
export function newId<Id extends string>(prefix: string, nowMs: number): Id {
  let time = '';
  let rest = Math.floor(nowMs);
  for (let i = 0; i < 9; i += 1) {
    time = alphabet.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  let random = '';
  for (const byte of randomBytes(11)) random += alphabet.charAt(byte % 32);
  return `${prefix}${time}${random}` as Id;
}

/** When `newId` made it, of an id with a prefix of one letter; undefined for what no id of ours looks like. */
export function madeAtMs(id: string): number | undefined {
  if (id.length !== 21) return undefined;
  let ms = 0;
  for (const letter of id.slice(1, 10)) {
    const digit = alphabet.indexOf(letter);
    if (digit < 0) return undefined;
    ms = ms * 32 + digit;
  }
  return ms;
}

/** Takes a string from outside (a key in Redis, a path parameter) as an id; the caller has checked what it is. */
export function asId<Id extends string>(value: string): Id {
  return value as Id;
}
