import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { uncallableNumberTypes } from '../foundation/index.ts';
import type { CollectNode } from './flow.ts';
import type { FlowPosition } from './position.ts';

/** A number keyed by a caller in Russia, any notation, as E.164; undefined when it is none that can be called back. */
function callBackNumberFrom(keyed: string): string | undefined {
  const number = parsePhoneNumberFromString(keyed, 'RU');
  if (number?.isValid() !== true || uncallableNumberTypes.has(number.getType())) return undefined;
  return number.number;
}

/** 0–23, keyed with one digit or two; undefined when it is no hour of a day. */
export function hourFrom(keyed: string): number | undefined {
  const hour = /^\d{1,2}$/.test(keyed) ? Number(keyed) : Number.NaN;
  return hour <= 23 ? hour : undefined;
}

/** How many digits a node takes, at least and at most. */
export function lengthsOf({ valid, minLength, maxLength }: CollectNode): {
  readonly least: number;
  readonly most: number;
} {
  const usual = valid === 'phoneNumber' ? { least: 10, most: 11 } : { least: 1, most: 2 };
  return { least: minLength ?? usual.least, most: maxLength ?? usual.most };
}

/** `position` with what was keyed kept as what the node asks for; undefined when it is not that. */
export function keptIn(position: FlowPosition, node: CollectNode): FlowPosition | undefined {
  const { digits } = position.secret;
  if (digits.length < lengthsOf(node).least) return undefined;
  if (node.valid === 'phoneNumber') {
    const keyed = callBackNumberFrom(digits);
    return keyed === undefined ? undefined : { ...position, secret: { digits, callBack: { keyed } } };
  }
  const hour = hourFrom(digits);
  if (hour === undefined) return undefined;
  return { ...position, callBack: { ...position.callBack, [node.valid]: hour } };
}
