import type { AriEvent, Channel } from '../ari/index.ts';
import type { LegEndCause, TelephonyEvent } from '../contact/telephony-events.ts';
import { asId, type ContactId, type LegId, type PlaybackId } from '../foundation/index.ts';
import { arrivalOf, contactIdOf, heardOf, isCalled, legIdOf, legVariable } from './leg-facts.ts';
import { type LegRecord, newLeg, type RegistryView } from './registry.ts';

/** What one event of Asterisk means to us. */
export interface Translation {
  readonly events: readonly TelephonyEvent[];
  /** The leg's record after the event; `ended`: it has none any more. */
  readonly leg?: LegRecord | { readonly ended: LegId };
  readonly devices?: { readonly extension: string; readonly devices: readonly string[] };
}

export interface TranslationContext {
  /** Our Stasis application. */
  readonly shard: string;
  readonly nowMs: number;
}

const nothing: Translation = { events: [] };

/** The event types that `translate` has a meaning for: Asterisk is asked for these only. */
export const translatedEvents = [
  'StasisStart',
  'StasisEnd',
  'ChannelStateChange',
  'ChannelDestroyed',
  'ChannelDtmfReceived',
  'PlaybackFinished',
  'ContactStatusChange',
] as const satisfies readonly AriEvent['type'][];

/** Of the endpoints that callers are called over, and of no others: there are three for each call. */
export const dialEvents = ['Dial'] as const satisfies readonly AriEvent['type'][];

/** Pure: says what the event means and changes nothing. Events of legs that are not ours mean nothing. */
export function translate(registry: RegistryView, event: AriEvent, context: TranslationContext): Translation {
  switch (event.type) {
    case 'StasisStart':
      return onStasisStart(registry, event, context);
    case 'StasisEnd': {
      const leg = registry.leg(legIdOf(event.channel));
      if (leg === undefined) return nothing;
      if (leg.leaving) return { events: [], leg: { ...leg, controlled: false, leaving: false } };
      return ended(leg, 'normal', context);
    }
    case 'ChannelDestroyed': {
      const leg = registry.leg(legIdOf(event.channel));
      return leg === undefined ? nothing : ended(leg, endCause(leg, event, context), context);
    }
    case 'ChannelStateChange':
      return onStateChange(registry, event.channel, context);
    case 'Dial':
      return onDial(registry, event, context);
    case 'ChannelDtmfReceived': {
      const leg = registry.leg(legIdOf(event.channel));
      if (leg === undefined || leg.lastDigitStamp === event.timestamp) return nothing;
      const digit = { type: 'digit', legId: leg.legId, digit: event.digit, atMs: context.nowMs } as const;
      return { events: [digit], leg: { ...leg, lastDigitStamp: event.timestamp } };
    }
    case 'PlaybackFinished':
      return onPlaybackFinished(registry, event.playback, context);
    case 'ContactStatusChange':
      return onContactStatus(registry, event, context);
    default:
      return nothing;
  }
}

function onStasisStart(
  registry: RegistryView,
  event: Extract<AriEvent, { type: 'StasisStart' }>,
  context: TranslationContext,
): Translation {
  const { channel, args } = event;
  if (event.application !== context.shard) return nothing;
  const legId = legIdOf(channel);
  const atMs = context.nowMs;
  const entering = { state: channel.state === 'Up' ? 'up' : 'down', controlled: true, leaving: false } as const;
  const known = registry.leg(legId);
  switch (args[0]) {
    case 'inbound':
    case 'returned': {
      const arrival = arrivalOf(channel);
      if (arrival === undefined) return nothing;
      const leg: LegRecord = { ...(known ?? newLeg(legId, 'inbound')), ...entering };
      const spoolFile = legVariable(channel, 'DZ_SPOOL');
      if (args[0] === 'inbound') return { events: [{ type: 'legArrived', legId, arrival, atMs }], leg };
      return {
        events: [{ type: 'legReturned', legId, arrival, ...(spoolFile !== undefined && { spoolFile }), atMs }],
        leg,
      };
    }
    case 'answered': {
      const contactId = contactIdOf(channel);
      if (contactId === undefined) return nothing;
      const kind = isCalled(channel) ? 'called' : 'originated';
      const leg: LegRecord = { ...(known ?? newLeg(legId, kind)), contactId, ...entering };
      const heard = heardOf(channel);
      return { events: [{ type: 'legAnswered', legId, contactId, ...(heard !== undefined && { heard }), atMs }], leg };
    }
    case 'serviceCode': {
      const extension = legVariable(channel, 'DZ_EXTENSION');
      const code = legVariable(channel, 'DZ_CODE');
      if (extension === undefined || code === undefined) return nothing;
      const leg: LegRecord = { ...newLeg(legId, 'serviceCode'), ...entering };
      return { events: [{ type: 'serviceCodeDialled', legId, extension, code, atMs }], leg };
    }
    default:
      return nothing;
  }
}

function onStateChange(registry: RegistryView, channel: Channel, context: TranslationContext): Translation {
  const leg = registry.leg(legIdOf(channel));
  if (leg === undefined) return nothing;
  if (channel.state === 'Up') return { events: [], leg: { ...leg, state: 'up' } };
  return channel.state === 'Ringing' ? rings(leg, context) : nothing;
}

/** A carrier may say 183 and play what it wants instead of saying 180: to us that is ringing too, and it shows in no state of the channel. */
function onDial(
  registry: RegistryView,
  event: Extract<AriEvent, { type: 'Dial' }>,
  context: TranslationContext,
): Translation {
  const leg = registry.leg(legIdOf(event.peer));
  if (leg?.kind !== 'called' || event.dialstatus !== 'PROGRESS') return nothing;
  return rings(leg, context);
}

function rings(leg: LegRecord, context: TranslationContext): Translation {
  if (leg.state !== 'down' || leg.contactId === undefined) return nothing;
  const ringing = { type: 'legRinging', legId: leg.legId, contactId: leg.contactId, atMs: context.nowMs } as const;
  return { events: [ringing], leg: { ...leg, state: 'ringing' } };
}

function onPlaybackFinished(
  registry: RegistryView,
  playback: Extract<AriEvent, { type: 'PlaybackFinished' }>['playback'],
  context: TranslationContext,
): Translation {
  const playbackId = asId<PlaybackId>(playback.id);
  const outcome = playback.state === 'failed' ? 'failed' : 'played';
  const ended = { type: 'playbackEnded', playbackId, outcome, atMs: context.nowMs } as const;
  const target = /^channel:(.+)$/.exec(playback.target_uri)?.[1];
  const leg = target === undefined ? undefined : registry.leg(asId<LegId>(target));
  if (leg === undefined) return { events: [ended] };
  return { events: [ended], leg: { ...leg, playing: leg.playing.filter((id) => id !== playbackId) } };
}

function onContactStatus(
  registry: RegistryView,
  event: Extract<AriEvent, { type: 'ContactStatusChange' }>,
  context: TranslationContext,
): Translation {
  const extension = event.endpoint.resource;
  if (!isOperatorEndpoint(extension)) return nothing;
  const device = deviceOf(extension, event.contact_info.uri);
  const others = registry.devices(extension).filter((one) => one !== device);
  const devices = withDevice(others, device, event.contact_info.contact_status);
  if (devices === undefined || sameDevices(devices, registry.devices(extension))) return nothing;
  return {
    events: [{ type: 'devicesChanged', extension, devices, atMs: context.nowMs }],
    devices: { extension, devices },
  };
}

/** A registered device that does not answer Asterisk's question is no device; one that has not been asked yet is. */
function withDevice(others: readonly string[], device: string, status: string): readonly string[] | undefined {
  switch (status) {
    case 'Reachable':
    case 'NonQualified':
      return [...others, device].sort();
    case 'Unreachable':
    case 'Removed':
      return others;
    default:
      return undefined;
  }
}

export function sameDevices(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((device, i) => device === other[i]);
}

/** Operators' endpoints are named by their extension, trunks are not. */
export function isOperatorEndpoint(name: string): boolean {
  return /^\d+$/.test(name);
}

/** What `originate` dials to ring this device and no other of the extension. */
export function deviceOf(extension: string, uri: string): string {
  return `PJSIP/${extension}/${uri}`;
}

function ended(leg: LegRecord, cause: LegEndCause, context: TranslationContext): Translation {
  return { events: [{ type: 'legEnded', legId: leg.legId, cause, atMs: context.nowMs }], leg: { ended: leg.legId } };
}

function endCause(
  leg: LegRecord,
  event: Extract<AriEvent, { type: 'ChannelDestroyed' }>,
  context: TranslationContext,
): LegEndCause {
  if (leg.cancelled) return 'cancelled';
  // Once answered, whatever the code says, the far end or we have hung up.
  if (leg.state === 'up') return 'normal';
  if (leg.kind === 'called') {
    const { givenUpAtMs = 0 } = leg;
    return calledEndCause(event.tech_cause, { rang: leg.state === 'ringing', gaveUp: context.nowMs >= givenUpAtMs });
  }

  return leg.kind === 'originated' ? hangupCause(event.cause) : 'normal';
}

/**
 * Of a call to a caller, by the SIP answer that ended it (RFC 3261, section 21; 607 and 608: RFC 8197 and 8688). A carrier says 480
 * for a telephone that is switched off; Asterisk says it too when it has given the call up (`gaveUp`: the time was up by then). Nothing
 * heard from the carrier at all: it is away.
 */
export function calledEndCause(
  sipStatus: number | undefined,
  seen: { readonly rang: boolean; readonly gaveUp: boolean },
): LegEndCause {
  switch (sipStatus) {
    case 486:
    case 600:
      return 'busy';
    case 603:
    case 607:
    case 608:
      return 'declined';
    case 408:
    case 487:
      return seen.rang ? 'noAnswer' : 'unreachable';
    default:
      return seen.rang && seen.gaveUp ? 'noAnswer' : 'unreachable';
  }
}

/** ITU-T Q.850 cause values, as Asterisk maps SIP answers to them. */
export function hangupCause(cause: number): LegEndCause {
  switch (cause) {
    case 16:
      return 'normal';
    case 17:
      return 'busy';
    case 18:
    case 19:
      return 'noAnswer';
    case 21:
      return 'declined';
    case 26: // answered elsewhere
      return 'cancelled';
    case 1:
    case 2:
    case 3:
    case 20:
    case 22:
    case 27:
    case 28:
    case 34:
    case 38:
    case 41:
    case 42:
      return 'unreachable';
    default:
      return 'failure';
  }
}

/** The record of a leg that was found in Asterisk's listing; undefined when it is none of ours. */
export function recordOf(channel: Channel, shard: string): LegRecord | undefined {
  if (legVariable(channel, 'DZ_SHARD') !== shard) return undefined;
  const contactId: ContactId | undefined = contactIdOf(channel);
  return {
    ...newLeg(legIdOf(channel), kindOf(channel)),
    ...(contactId !== undefined && { contactId }),
    state: stateOf(channel),
    controlled: isControlled(channel, shard),
    keepTime: legVariable(channel, 'DZ_SPOOL') !== undefined,
  };
}

function kindOf(channel: Channel): LegRecord['kind'] {
  if (isCalled(channel)) return 'called';
  if (contactIdOf(channel) !== undefined) return 'originated';
  return legVariable(channel, 'DZ_CODE') === undefined ? 'inbound' : 'serviceCode';
}

export function stateOf(channel: Channel): LegRecord['state'] {
  if (channel.state === 'Up') return 'up';
  return channel.state === 'Ringing' ? 'ringing' : 'down';
}

/** A leg in the dialplan's waiting loop tries `Stasis` too, but for a moment only: it shows in `Wait` or between. */
export function isControlled(channel: Channel, shard: string): boolean {
  return channel.dialplan.app_name === 'Stasis' && channel.dialplan.app_data.split(',')[0] === shard;
}
