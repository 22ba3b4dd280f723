import type { AriEvent, Channel } from '../ari/index.ts';
import { legVariable } from './leg-facts.ts';

/** What `OutsideCalls` learns from besides the listing. */
export const outsideCallEvents = [
  'ChannelCreated',
  'ChannelStateChange',
  'ChannelDestroyed',
] as const satisfies readonly AriEvent['type'][];

/**
 * Legs at operators' phones that are no contact's, as of the last event of their endpoints. Every shard watches all operators'
 * endpoints, so a leg that another shard originated is seen here too: what is written on it tells it from a stranger's.
 */
export class OutsideCalls {
  readonly #extensionByLeg = new Map<string, string>();
  readonly #told = new Map<string, number>();

  /** How many such legs the extension's phones have now. */
  count(extension: string): number {
    let count = 0;
    for (const one of this.#extensionByLeg.values()) if (one === extension) count += 1;
    return count;
  }

  /** Replaces all that is known by a listing of every channel. */
  read(channels: readonly Channel[]): void {
    this.#extensionByLeg.clear();
    for (const channel of channels) this.#see(channel);
  }

  onEvent(event: AriEvent): void {
    if (event.type === 'ChannelCreated' || event.type === 'ChannelStateChange') this.#see(event.channel);
    if (event.type === 'ChannelDestroyed') this.#extensionByLeg.delete(event.channel.id);
  }

  /** The extensions among `extensions` whose count is not what was told last; they count as told now. */
  changes(extensions: Iterable<string>): readonly string[] {
    const changed: string[] = [];
    for (const extension of extensions) {
      const count = this.count(extension);
      if (this.#told.get(extension) === count) continue;
      this.#told.set(extension, count);
      changed.push(extension);
    }
    return changed;
  }

  #see(channel: Channel): void {
    const extension = extensionOf(channel);
    if (extension !== undefined && isOutside(channel)) this.#extensionByLeg.set(channel.id, extension);
  }
}

/** The operator's extension that an event concerns; undefined for every other leg. */
export function extensionOf(channel: Channel): string | undefined {
  return /^PJSIP\/(\d+)-[0-9a-f]+$/.exec(channel.name)?.[1];
}

/**
 * A leg to a phone is made first and written on afterwards: until it rings nothing is known of it, and before that it disturbs nobody.
 * A leg from a phone says from the beginning what was dialled.
 */
function isOutside(channel: Channel): boolean {
  if (channel.state === 'Down') return false;
  if (legVariable(channel, 'DZ_CONTACT') !== undefined || legVariable(channel, 'DZ_CODE') !== undefined) return false;
  return !channel.dialplan.exten.startsWith('*');
}
