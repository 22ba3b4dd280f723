import type { Channel } from '../ari/index.ts';
import type { ArrivalFacts, Heard } from '../contact/ports.ts';
import { asId, type ContactId, type LegId } from '../foundation/index.ts';

/**
 * What the dialplan and `originate` write on a leg. Asterisk sends them with every event about the leg and in listings, so a service
 * that has just come (back) knows each leg without asking.
 */
export const legVariables = [
  'DZ_SHARD',
  'DZ_ROLE',
  'DZ_CONTACT',
  'DZ_DNIS',
  'DZ_ANI',
  'DZ_TRUNK',
  'DZ_AT',
  'DZ_SPOOL',
  'DZ_EXTENSION',
  'DZ_CODE',
  'DZ_HEARD',
] as const;

export type LegVariable = (typeof legVariables)[number];

/** The value on the leg; undefined when it is not set (Asterisk sends an empty string then). */
export function legVariable(channel: Channel, name: LegVariable): string | undefined {
  const value = channel.channelvars?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function legIdOf(channel: Channel): LegId {
  return asId<LegId>(channel.id);
}

/** The contact a leg was originated for. Callers' legs carry none: the service finds theirs by the leg. */
export function contactIdOf(channel: Channel): ContactId | undefined {
  const value = legVariable(channel, 'DZ_CONTACT');
  return value === undefined ? undefined : asId<ContactId>(value);
}

/** The facts of a leg that came in from a trunk; undefined for any other leg. The dialplan passes an instant only where it runs for testing. */
export function arrivalOf(channel: Channel): ArrivalFacts | undefined {
  const dnis = legVariable(channel, 'DZ_DNIS');
  if (dnis === undefined) return undefined;
  const evaluateAt = legVariable(channel, 'DZ_AT');
  return {
    dnis,
    ani: legVariable(channel, 'DZ_ANI') ?? '',
    trunk: legVariable(channel, 'DZ_TRUNK') ?? '',
    sipCallId: channel.protocol_id,
    ...(evaluateAt !== undefined && { evaluateAt }),
  };
}

/** A leg on which we called a caller, rather than he us. */
export function isCalled(channel: Channel): boolean {
  return legVariable(channel, 'DZ_ROLE') === 'caller' && legVariable(channel, 'DZ_CONTACT') !== undefined;
}

/**
 * What the dialplan heard when a called party answered, undefined where it did not listen. Written as Asterisk's AMD() leaves it:
 * status, cause and lengths in milliseconds; then how many packets of sound had come: `MACHINE-LONGGREETING-2640-2600/131`.
 */
export function heardOf(channel: Channel): Heard | undefined {
  const written = legVariable(channel, 'DZ_HEARD');
  if (written === undefined) return undefined;
  const [analysis = '', packets] = written.split('/');
  const [status, cause] = analysis.split('-');
  if (status === 'HUMAN') return 'human';
  if (cause === 'INITIALSILENCE' || packets === '0') return 'silence';
  // Sound without any pause may be a loud street, with a human in it.
  return status === 'MACHINE' && cause !== 'MAXWORDLENGTH' ? 'machine' : 'unsure';
}
