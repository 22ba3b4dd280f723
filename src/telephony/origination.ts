import type { DialRequest, OriginateRequest } from '../contact/ports.ts';
import { DozvonError } from '../foundation/index.ts';
import { dialEndpoint } from './asterisk-config.ts';

/** How a leg of ours begins: whom it rings, and where in the dialplan it goes on once its far end has answered. */
export interface Origination {
  readonly kind: 'originated' | 'called';
  readonly endpoint: string;
  readonly context: string;
  readonly callerId: string;
  /** Written on the leg, besides shard and contact. */
  readonly variables: Readonly<Record<string, string>>;
}

/** A device of an operator's is rung. */
export function toDevice(request: OriginateRequest): Origination {
  return {
    kind: 'originated',
    endpoint: request.device,
    context: 'answered',
    callerId: `"${displayName(request.callerIdName)}" <${request.callerIdNumber.replaceAll(/[^0-9+*#]/g, '')}>`,
    variables: { DZ_ROLE: request.role },
  };
}

/** A caller is called over a trunk. Throws `DozvonError('NUMBER_INVALID')`. */
export function toCaller(request: DialRequest): Origination {
  const { number, trunk, callerIdNumber } = request;
  return {
    kind: 'called',
    endpoint: `PJSIP/${e164(number)}@${dialEndpoint(trunk)}`,
    context: request.recogniseMachines ? 'recognise' : 'answered',
    callerId: `<${e164(callerIdNumber)}>`,
    // As on a leg that came in: the line, the caller, the carrier.
    variables: { DZ_ROLE: 'caller', DZ_DNIS: callerIdNumber, DZ_ANI: number, DZ_TRUNK: trunk },
  };
}

/** Nothing else may stand in a request's address: a carrier would take part of it for its own. */
function e164(number: string): string {
  if (!/^\+[1-9]\d{6,14}$/.test(number)) {
    throw new DozvonError('NUMBER_INVALID', 'a number to be dialled or shown: expected E.164, "+" and 7 to 15 digits');
  }
  return number;
}

/** What may stand between quotes in a caller's name. */
function displayName(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N} .,+()-]/gu, '').trim();
}
