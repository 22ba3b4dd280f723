import type { Presence } from '../acd/index.ts';
import {
  type Clock,
  type LegId,
  type Logger,
  messageOf,
  newId,
  type OperatorId,
  type PlaybackId,
  secondMs,
} from '../foundation/index.ts';
import type { TelephonyPort } from './ports.ts';
import type { QueuePort } from './room-ports.ts';
import type { TelephonyEvent } from './telephony-events.ts';

type ServiceCodeDialled = Extract<TelephonyEvent, { type: 'serviceCodeDialled' }>;

export interface PresenceKeysOptions {
  readonly telephony: TelephonyPort;
  readonly queue: Pick<QueuePort, 'setPresence' | 'operatorOfExtension'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly language: () => string;
}

/** A confirmation lasts some seconds; a leg still there after this is ended. */
const confirmationLimitMs = 20 * secondMs;

const presenceByCode: Readonly<Record<string, Presence>> = { '*10': 'loggedOff', '*11': 'ready', '*12': 'notReady' };
const promptByPresence: Readonly<Record<Presence, string>> = {
  ready: 'operator-ready',
  notReady: 'operator-not-ready',
  loggedOff: 'operator-logged-off',
};

/**
 * `*11` ready, `*12` not ready, `*10` logged off, dialled at an operator's phone: each is confirmed by a prompt. Not a contact: nothing of it is
 * kept, and one cut off by a restart is dialled again. Keys change the presence only of an operator who has signed in.
 */
export class PresenceKeys {
  readonly #options: PresenceKeysOptions;
  readonly #legByPlayback = new Map<PlaybackId, LegId>();

  constructor(options: PresenceKeysOptions) {
    this.#options = options;
  }

  /** Takes the call; resolves when the confirmation is being said. */
  async dialled(event: ServiceCodeDialled): Promise<void> {
    const { telephony, clock, logger, language } = this.#options;
    try {
      await telephony.answer(event.legId);
      const prompt = await this.#carryOut(event);
      const playbackId = newId<PlaybackId>('k', clock.nowMs());
      this.#legByPlayback.set(playbackId, event.legId);
      clock.setTimer(clock.nowMs() + confirmationLimitMs, () => this.#end(playbackId));
      await telephony.play({ playbackId, target: { legId: event.legId }, media: [`${language()}/${prompt}`] });
    } catch (error) {
      logger.warn({ code: event.code, error: messageOf(error) }, 'a service code could not be carried out');
      await telephony.hangup(event.legId, 'failure').catch(() => 'gone');
    }
  }

  /** True when the playback was a confirmation: its leg is ended. */
  playbackEnded(playbackId: PlaybackId): boolean {
    return this.#end(playbackId);
  }

  async #carryOut(event: ServiceCodeDialled): Promise<string> {
    const presence = presenceByCode[event.code];
    const operatorId: OperatorId | undefined = this.#options.queue.operatorOfExtension(event.extension);
    if (presence === undefined || operatorId === undefined) return 'technical-difficulty';
    const outcome = await this.#options.queue.setPresence(
      operatorId,
      { presence },
      {
        actor: { kind: 'operator', id: operatorId },
        reason: `dialled ${event.code}`,
      },
    );
    return outcome === 'done' ? promptByPresence[presence] : 'operator-not-signed-in';
  }

  #end(playbackId: PlaybackId): boolean {
    const legId = this.#legByPlayback.get(playbackId);
    if (legId === undefined) return false;
    this.#legByPlayback.delete(playbackId);
    this.#options.telephony.hangup(legId, 'normal').catch((error: unknown) => {
      this.#options.logger.warn({ error: messageOf(error) }, 'the leg of a service code could not be ended');
    });
    return true;
  }
}
