import { join } from 'node:path';
import { AriConnection, type AriEvent } from '../ari/index.ts';
import { type Logger, messageOf, systemClock } from '../foundation/index.ts';
import { type PhonesSettings, phonesApplication } from './asterisk-config.ts';
import type { Citizen, DialledCall } from './citizen.ts';
import { PhoneLeg } from './leg.ts';
import type { Phone } from './phone.ts';

/** Who is called, and what has come. Legs and dialled calls are added here; phones and citizens by whoever makes them. */
export interface Switchboard {
  readonly legs: Map<string, PhoneLeg>;
  /** By device. */
  readonly phones: ReadonlyMap<string, Phone>;
  /** By number. */
  readonly citizens: ReadonlyMap<string, Citizen>;
  readonly dialled: Map<string, DialledCall[]>;
  readonly logger: Logger;
}

/** The connection to the second Asterisk, not started yet: hands every call and every event to whom it is for. */
export function connectSwitchboard(settings: PhonesSettings, board: Switchboard): AriConnection {
  const ari: AriConnection = new AriConnection({
    access: {
      url: `http://${settings.callerAddress}:${settings.ariPort}`,
      user: settings.user,
      password: settings.password,
    },
    app: phonesApplication,
    clock: systemClock(),
    logger: board.logger,
    onEvent: (event) => {
      if (event.type !== 'StasisStart') {
        board.legs.get(channelOf(event) ?? '')?.onEvent(event, Date.now());
        return;
      }
      const [entry, called = ''] = event.args;
      if (entry === 'incoming') {
        takeIncoming(event.channel.id, board.phones.get(called));
      } else if (entry === 'citizen') {
        const call = { atMs: Date.now(), callerId: event.channel.caller.number };
        board.dialled.set(called, [...(board.dialled.get(called) ?? []), call]);
        takeIncoming(event.channel.id, board.citizens.get(called));
      } else {
        board.legs.get(event.channel.id)?.onEvent(event, Date.now());
      }
    },
    // Legs that never enter the application (busy, refused) are heard of through their endpoints.
    prepare: async () => {
      await ari.request({
        method: 'POST',
        uri: `applications/${phonesApplication}/subscription`,
        query: { eventSource: 'endpoint:PJSIP' },
      });
    },
  });
  const takeIncoming = (channelId: string, called: Phone | Citizen | undefined): void => {
    const leg = new PhoneLeg({
      ari,
      channelId,
      direction: 'incoming',
      startedAtMs: Date.now(),
      audio: called?.audio ?? 'silence',
      heardFile: join(settings.dir, 'heard', `${channelId}.sln`),
    });
    board.legs.set(channelId, leg);
    if (called !== undefined) {
      called.incoming(leg);
      return;
    }
    leg.refuse('unknownNumber').catch((error: unknown) => {
      board.logger.warn({ reason: messageOf(error) }, 'a call for nobody could not be ended');
    });
  };
  return ari;
}

function channelOf(event: AriEvent): string | undefined {
  if (event.type === 'Dial') return event.peer.id;
  if (event.type === 'PlaybackFinished') return event.playback.target_uri?.replace(/^channel:/, '');
  return 'channel' in event && typeof event.channel === 'object' ? event.channel.id : undefined;
}
