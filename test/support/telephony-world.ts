import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TelephonyPort } from '../../src/contact/ports.ts';
import type { TelephonyEvent } from '../../src/contact/telephony-events.ts';
import { Changes, type LegId, silentLogger, systemClock } from '../../src/foundation/index.ts';
import { freeUdpPort } from '../../src/phones/free-ports.ts';
import { type CitizenBehaviour, type PhoneLeg, type Phones, startPhones } from '../../src/phones/index.ts';
import { createTelephony } from '../../src/telephony/index.ts';
import { FakeExchange } from './fake-exchange.ts';
import { FakeTelephony } from './fake-telephony.ts';
import { type HotlineAsterisk, startHotlineAsterisk } from './hotline-asterisk.ts';

/** A caller, as far as a test of the port needs one. */
export interface CallerLever {
  press(keys: string): Promise<void>;
  hangup(): Promise<void>;
  /** Resolves when the far end has ended the call. */
  ended(limitMs: number): Promise<void>;
}

export type PhoneAnswer = 'answer' | 'ring' | 'busy' | 'decline';

export interface PhoneLever {
  /** A service code or a line. */
  dial(number: string): Promise<CallerLever>;
  /** Ends its calls. */
  hangup(): Promise<void>;
  unregister(): Promise<void>;
}

/** What a citizen does, and what is heard of him when he answers. */
export type CitizenAnswer =
  | 'human'
  | 'machine'
  | 'silence'
  | 'unsure'
  | 'ring'
  | 'busy'
  | 'decline'
  | 'switchedOff'
  | 'unknownNumber'
  | 'announcedBusy';

export interface CitizenLever {
  /** INVITEs that have come for the number. */
  dialled(): readonly { readonly callerId: string }[];
  /** Ends his calls. */
  hangup(): Promise<void>;
}

/** A port under test with its events, and levers on the other side of it. Extensions 101 and 102 exist. */
export interface TelephonyWorld {
  readonly name: string;
  /** A port of the shard, connected. One at a time: the one before is to be stopped first. */
  open(): Promise<OpenPort>;
  call(number: string, options?: { readonly ani?: string; readonly at?: string }): Promise<CallerLever>;
  register(extension: string, answer: PhoneAnswer): Promise<PhoneLever>;
  /** Whom the hotline reaches over the trunk `carrier`; nobody answers at `away`, and `nowhere` cannot be dialled over. */
  citizen(number: string, answer: CitizenAnswer): CitizenLever;
  /** A spool file that does not exist yet. */
  spoolFile(): string;
  stop(): Promise<void>;
}

export interface OpenPort {
  readonly port: TelephonyPort;
  readonly heard: Heard;
}

type EventOf<Type extends TelephonyEvent['type']> = Extract<TelephonyEvent, { type: Type }>;

/** What a port has said, to be waited for. */
export class Heard {
  readonly #events: TelephonyEvent[] = [];
  readonly #changes = new Changes();

  constructor(port: TelephonyPort) {
    port.subscribe((event) => {
      this.#events.push(event);
      this.#changes.notify();
    });
  }

  all(): readonly TelephonyEvent[] {
    return this.#events;
  }

  /** The first event of the type that fits, whether it came before or comes within `limitMs`. */
  async event<Type extends TelephonyEvent['type']>(
    type: Type,
    fits: (event: EventOf<Type>) => boolean = () => true,
    limitMs = 8_000,
  ): Promise<EventOf<Type>> {
    const isIt = (event: TelephonyEvent): event is EventOf<Type> => event.type === type && fits(event as EventOf<Type>);
    return await this.#changes.until(() => this.#events.find(isIt), { limitMs, what: `the event ${type}` });
  }
}

const shard = 'test-shard';
const trunkAddress = '127.0.0.2';
const sipPasswords: Readonly<Record<string, string>> = { '101': 'first-secret', '102': 'second-secret' };

/** The product's adapter over a real Asterisk, real SIP and audio. */
export async function realTelephonyWorld(): Promise<
  TelephonyWorld & { readonly asterisk: HotlineAsterisk; readonly phones: Phones }
> {
  const trunkPort = await freeUdpPort([trunkAddress]);
  const asterisk = await startHotlineAsterisk({
    shards: [shard],
    operators: Object.entries(sipPasswords).map(([extension, sipPassword]) => ({ extension, sipPassword })),
    trunkAddress,
    trunkPort,
  });
  const phones = await startPhones({
    program: asterisk.settings.program,
    dir: mkdtempSync('/dev/shm/dozvon-phones-'),
    target: asterisk.sip,
    logger: silentLogger,
    callerAddress: trunkAddress,
    callerPort: trunkPort,
  });
  const longSound = join(asterisk.settings.soundsDir, 'ru', 'long.wav');
  let spoolFiles = 0;
  return {
    name: 'a real Asterisk',
    asterisk,
    phones,
    async open() {
      const port = createTelephony({
        ari: asterisk.ari,
        shard,
        nodeId: 'n1',
        extensions: Object.keys(sipPasswords),
        dialTrunks: ['carrier', 'away'],
        soundsDir: asterisk.settings.soundsDir,
        clock: systemClock(),
        logger: silentLogger,
      });
      const heard = new Heard(port);
      await port.start();
      return { port, heard };
    },
    async call(number, options = {}) {
      const leg = await phones.call({
        number,
        ...(options.ani !== undefined && { ani: options.ani }),
        ...(options.at !== undefined && { headers: { 'X-Dozvon-At': options.at } }),
      });
      return leverOf(leg);
    },
    async register(extension, answer) {
      const phone = await phones.register({
        extension,
        password: sipPasswords[extension] ?? '',
        behaviour: answer === 'answer' ? { kind: 'answer', afterMs: 100 } : { kind: answer },
      });
      return {
        dial: async (number) => leverOf(await phone.dial(number)),
        hangup: async () => await phone.hangup(),
        unregister: async () => await phone.unregister(),
      };
    },
    citizen(number, answer) {
      const citizen = phones.citizen({ number, behaviour: behaviourOf(answer, longSound) });
      return {
        dialled: () => phones.dialled(number),
        hangup: async () => void (await Promise.all(citizen.calls.map(async (leg) => await leg.hangup()))),
      };
    },
    spoolFile() {
      spoolFiles += 1;
      return join(asterisk.settings.spoolDir, `recording-${spoolFiles}.sln`);
    },
    async stop() {
      await phones.stop();
      await asterisk.stop();
    },
  };
}

/** What answers a telephone, as it is committed: a name without its suffix. */
export function answerSound(name: string): string {
  return fileURLToPath(new URL(`../fixtures/answers/${name}.wav`, import.meta.url));
}

function behaviourOf(answer: CitizenAnswer, longSound: string): CitizenBehaviour {
  switch (answer) {
    case 'human':
      return { kind: 'answer', afterMs: 100, says: answerSound('human-allo-kto-eto-festival') };
    case 'machine':
      return { kind: 'answer', afterMs: 100, says: answerSound('machine-vne-zony-festival') };
    case 'unsure':
      return { kind: 'answer', afterMs: 100, says: longSound };
    case 'silence':
      return { kind: 'answer', afterMs: 100 };
    case 'ring':
      return { kind: 'ring' };
    case 'announcedBusy':
      return { kind: 'refuse', as: 'busy', announcesMs: 500 };
    case 'decline':
      return { kind: 'refuse', as: 'rejected' };
    default:
      return { kind: 'refuse', as: answer };
  }
}

function leverOf(leg: PhoneLeg): CallerLever {
  return {
    press: async (keys) => await leg.press(keys),
    hangup: async () => void (await leg.hangup()),
    ended: async (limitMs) => void (await leg.ended(limitMs)),
  };
}

/** The in-memory twin. */
export function fakeTelephonyWorld(): TelephonyWorld {
  const exchange = new FakeExchange(systemClock(), { soundMs: 300, ringsAfterMs: 10 });
  const leverOf = (legId: LegId): CallerLever => ({
    press: async (keys) => exchange.press(legId, keys),
    hangup: async () => exchange.hangup(legId),
    ended: async (limitMs) => await exchange.ended(legId, limitMs),
  });
  let spoolFiles = 0;
  return {
    name: 'the in-memory twin',
    async open() {
      const port = new FakeTelephony(exchange, shard);
      const heard = new Heard(port);
      await port.start();
      return { port, heard };
    },
    async call(number, options = {}) {
      const caller = exchange.call(shard, { dnis: number, ani: options.ani ?? '+79000000001', evaluateAt: options.at });
      return leverOf(caller);
    },
    async register(extension, answer) {
      const device = exchange.register(extension, answer);
      return {
        dial: async (number) =>
          leverOf(
            number.startsWith('*')
              ? exchange.dial(shard, extension, number)
              : exchange.callFrom(shard, extension, number),
          ),
        hangup: async () => exchange.hangupDevice(device),
        unregister: async () => exchange.unregister(device),
      };
    },
    citizen(number, answer) {
      const seldom = { switchedOff: 'unreachable', unknownNumber: 'unreachable', announcedBusy: 'busy' } as const;
      const known = answer === 'switchedOff' || answer === 'unknownNumber' || answer === 'announcedBusy';
      exchange.citizen(number, known ? seldom[answer] : answer);
      return {
        dialled: () => exchange.dialled.filter((one) => one.number === number),
        hangup: async () => exchange.hangupCitizen(number),
      };
    },
    spoolFile() {
      spoolFiles += 1;
      return `/spool/recording-${spoolFiles}.sln`;
    },
    async stop() {
      // Nothing runs.
    },
  };
}
