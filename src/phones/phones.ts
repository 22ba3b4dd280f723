import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AriConnection } from '../ari/index.ts';
import { type AsteriskProgram, DozvonError, type Logger, newId, withLimit } from '../foundation/index.ts';
import type { PhonesSettings } from './asterisk-config.ts';
import { AsteriskProcess, type RunAs } from './asterisk-process.ts';
import { Citizen, type CitizenBehaviour, type DialledCall } from './citizen.ts';
import { freeTcpPort, freeUdpPort, udpPortIsFree } from './free-ports.ts';
import { type BaseAudio, PhoneLeg } from './leg.ts';
import { Phone, type PhoneBehaviour } from './phone.ts';
import { RegistrationWatch } from './registrations.ts';
import { connectSwitchboard } from './switchboard.ts';

export interface PhonesOptions {
  readonly program: AsteriskProgram;
  /** Absolute folder that does not hold anything yet; removed by `stop()`. Kept short: a socket's path has room for 107 characters. */
  readonly dir: string;
  /** The hotline's SIP address. */
  readonly target: { readonly host: string; readonly port: number };
  readonly logger: Logger;
  /** Where callers come from: the address of the hotline's carrier trunk. */
  readonly callerAddress?: string;
  /** Where the hotline dials citizens, on that address; any free port when left out. `PHONES_UNAVAILABLE` when it is taken. */
  readonly callerPort?: number;
  /** Where operators' phones are: any loopback address that is no trunk's. */
  readonly phoneAddress?: string;
  readonly runAs?: RunAs;
}

export interface CallRequest {
  /** In any notation. */
  readonly number: string;
  /** The caller's number; `withheld`: not shown. */
  readonly ani?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent once the call is up. Silence, as a quiet person's phone does, when left out. */
  readonly audio?: BaseAudio;
}

const startLimitMs = 15_000;
const commandLimitMs = 5_000;
const registerLimitMs = 10_000;
/** Longer than the hotline's own bound on answering, which callers of ours are to see. */
const answerLimitSeconds = 120;
/** A number nobody has: the plan keeps 900 000-00-xx for no subscriber. */
const defaultAni = '+79000000001';

/** Test callers and operators' phones on a second Asterisk. From `startPhones()` to `stop()`. */
export class Phones {
  readonly #settings: PhonesSettings;
  readonly #process: AsteriskProcess;
  readonly #ari: AriConnection;
  readonly #registrations: RegistrationWatch;
  readonly #legs: Map<string, PhoneLeg>;
  readonly #phones: Map<string, Phone>;
  readonly #citizens: Map<string, Citizen>;
  readonly #dialled: ReadonlyMap<string, readonly DialledCall[]>;

  constructor(parts: {
    readonly settings: PhonesSettings;
    readonly process: AsteriskProcess;
    readonly ari: AriConnection;
    readonly registrations: RegistrationWatch;
    readonly legs: Map<string, PhoneLeg>;
    readonly phones: Map<string, Phone>;
    readonly citizens: Map<string, Citizen>;
    readonly dialled: ReadonlyMap<string, readonly DialledCall[]>;
  }) {
    this.#settings = parts.settings;
    this.#process = parts.process;
    this.#ari = parts.ari;
    this.#registrations = parts.registrations;
    this.#legs = parts.legs;
    this.#phones = parts.phones;
    this.#citizens = parts.citizens;
    this.#dialled = parts.dialled;
  }

  /** Where citizens are dialled: the SIP address of the carrier. */
  get carrier(): { readonly host: string; readonly port: number } {
    return { host: this.#settings.callerAddress, port: this.#settings.callerPort };
  }

  /**
   * From now on this number (E.164) is somebody's: he answers at once unless told otherwise. Called again, another person has it.
   * A number that nobody has is refused with 404.
   */
  citizen(request: {
    readonly number: string;
    readonly behaviour?: CitizenBehaviour;
    readonly audio?: BaseAudio;
  }): Citizen {
    const { number, behaviour = { kind: 'answer', afterMs: 0 }, audio = 'silence' } = request;
    const citizen = new Citizen({ number, behaviour, audio });
    this.#citizens.set(number, citizen);
    return citizen;
  }

  /** Every INVITE that has come for the number, in order, whatever became of it and whether anybody has the number or not. */
  dialled(number: string): readonly DialledCall[] {
    return this.#dialled.get(number) ?? [];
  }

  /** Places a call over the carrier trunk; resolves when the INVITE is on its way. */
  async call(request: CallRequest): Promise<PhoneLeg> {
    const ani = request.ani ?? defaultAni;
    const headers = Object.entries(request.headers ?? {}).map(([name, value]) => [`PJSIP_HEADER(add,${name})`, value]);
    return await this.#originate({
      endpoint: 'carrier',
      user: request.number,
      audio: request.audio ?? 'silence',
      ...(ani !== 'withheld' && { callerId: `<${ani}>` }),
      variables: {
        ...(Object.fromEntries(headers) as Record<string, string>),
        ...(ani === 'withheld' && { 'CALLERID(pres)': 'prohib' }),
      },
    });
  }

  /**
   * Registers one more device under the extension, by digest, and resolves when the hotline has accepted it; rejects with
   * `PHONE_NOT_REGISTERED` when it refuses. Several devices of one extension are several phones.
   */
  async register(request: {
    readonly extension: string;
    readonly password: string;
    readonly behaviour?: PhoneBehaviour;
    readonly audio?: BaseAudio;
  }): Promise<Phone> {
    const { target } = this.#settings;
    const deviceId = newId<string>('d', Date.now());
    const client = `sip:${request.extension}@${target.host}:${target.port}`;
    await this.#configure('res_pjsip', 'auth', deviceId, {
      auth_type: 'userpass',
      username: request.extension,
      password: request.password,
    });
    await this.#configure('res_pjsip', 'endpoint', deviceId, {
      transport: 'transport-phones',
      context: 'nowhere',
      outbound_auth: deviceId,
      from_user: request.extension,
      media_address: this.#settings.phoneAddress,
      bind_rtp_to_media_address: 'yes',
      disallow: 'all',
      allow: 'alaw,ulaw',
      direct_media: 'no',
      dtmf_mode: 'rfc4733',
    });
    const phone = new Phone({
      deviceId,
      extension: request.extension,
      behaviour: request.behaviour ?? { kind: 'answer', afterMs: 0 },
      dial: async (number) =>
        await this.#originate({ endpoint: deviceId, user: number, audio: request.audio ?? 'silence', variables: {} }),
      unregister: async () => await this.#unregister(deviceId),
    });
    phone.audio = request.audio ?? 'silence';
    this.#phones.set(deviceId, phone);
    await this.#configure('res_pjsip', 'registration', deviceId, {
      transport: 'transport-phones',
      server_uri: `sip:${target.host}:${target.port}`,
      client_uri: client,
      contact_user: deviceId,
      outbound_auth: deviceId,
      expiration: '120',
      // Otherwise up to ten seconds, meant for thousands of registrations after a power cut.
      max_random_initial_delay: '0',
      retry_interval: '5',
      max_retries: '3',
      auth_rejection_permanent: 'yes',
    });
    await this.#registrations.until(deviceId, ['Registered'], registerLimitMs);
    return phone;
  }

  /** Ends all calls, unregisters every phone, ends the second Asterisk and removes its folder. Bounded; leaves nothing. */
  async stop(): Promise<void> {
    await Promise.allSettled([...this.#legs.values()].map(async (leg) => await leg.hangup()));
    await Promise.allSettled([...this.#phones.values()].map(async (phone) => await phone.unregister()));
    await this.#close(async () => await this.#process.stop());
  }

  /** Everything gone at once, as when the power fails: the hotline hears of nothing. */
  async kill(): Promise<void> {
    await this.#close(async () => await this.#process.kill());
  }

  async #close(end: () => Promise<void>): Promise<void> {
    this.#registrations.close();
    await this.#ari.stop();
    await end();
    for (const leg of this.#legs.values()) leg.lost({ atMs: Date.now(), cause: 0 });
    await rm(this.#settings.dir, { recursive: true, force: true });
  }

  async #originate(request: {
    readonly endpoint: string;
    readonly user: string;
    readonly callerId?: string;
    readonly variables: Readonly<Record<string, string>>;
    readonly audio: BaseAudio;
  }): Promise<PhoneLeg> {
    const { target, dir } = this.#settings;
    const channelId = newId<string>('t', Date.now());
    const leg = new PhoneLeg({
      ari: this.#ari,
      channelId,
      direction: 'outgoing',
      startedAtMs: Date.now(),
      audio: request.audio,
      heardFile: join(dir, 'heard', `${channelId}.sln`),
    });
    // Registered before the request: events of the call can overtake its answer.
    this.#legs.set(channelId, leg);
    const reply = await this.#ari.perform('POST /channels/{channelId}', {
      channelId,
      endpoint: `PJSIP/${request.endpoint}/sip:${sipUser(request.user)}@${target.host}:${target.port}`,
      context: 'answered',
      extension: 's',
      priority: 1,
      timeout: answerLimitSeconds,
      ...(request.callerId !== undefined && { callerId: request.callerId }),
      body: { variables: request.variables },
    });
    if (!reply.ok) {
      this.#legs.delete(channelId);
      throw new DozvonError('PHONES_UNAVAILABLE', `a call: expected 200, got ${reply.status} (${reply.reason})`);
    }
    const callId = await this.#ari.perform('GET /channels/{channelId}/variable', {
      channelId,
      variable: 'CHANNEL(pjsip,call-id)',
    });
    if (callId.ok) leg.sipCallId = callId.body.value;
    return leg;
  }

  async #configure(
    configClass: string,
    objectType: string,
    id: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<void> {
    const reply = await this.#ari.perform('PUT /asterisk/config/dynamic/{configClass}/{objectType}/{id}', {
      configClass,
      objectType,
      id,
      body: { fields: Object.entries(fields).map(([attribute, value]) => ({ attribute, value })) },
    });
    if (!reply.ok) {
      const message = `a phone's ${objectType}: expected 200, got ${reply.status} (${reply.reason})`;
      throw new DozvonError('PHONES_UNAVAILABLE', message);
    }
  }

  async #unregister(deviceId: string): Promise<void> {
    if (!this.#phones.delete(deviceId)) return;
    this.#registrations.unregister(deviceId);
    await this.#registrations.until(deviceId, ['Unregistered', 'Stopped'], commandLimitMs);
    await this.#ari.perform('DELETE /asterisk/config/dynamic/{configClass}/{objectType}/{id}', {
      configClass: 'res_pjsip',
      objectType: 'registration',
      id: deviceId,
    });
  }
}

/** Starts the second Asterisk and resolves when calls can be placed; rejects with `PHONES_UNAVAILABLE` or `TIMED_OUT`. */
export async function startPhones(options: PhonesOptions): Promise<Phones> {
  const settings = await settingsFor(options);
  const legs = new Map<string, PhoneLeg>();
  const phones = new Map<string, Phone>();
  const citizens = new Map<string, Citizen>();
  const dialled = new Map<string, DialledCall[]>();
  const process = AsteriskProcess.start(settings, options.runAs);
  const logger = options.logger.child({ part: 'phones' });
  const ari = connectSwitchboard(settings, { legs, phones, citizens, dialled, logger });
  try {
    await withLimit(Promise.race([ari.start(), process.failure()]), startLimitMs, 'the Asterisk of the test phones');
    const registrations = await RegistrationWatch.open({
      host: settings.callerAddress,
      port: settings.amiPort,
      user: settings.user,
      password: settings.password,
      limitMs: commandLimitMs,
    });
    return new Phones({ settings, process, ari, registrations, legs, phones, citizens, dialled });
  } catch (error) {
    await ari.stop();
    await process.stop();
    await rm(settings.dir, { recursive: true, force: true });
    throw error;
  }
}

async function settingsFor(options: PhonesOptions): Promise<PhonesSettings> {
  const callerAddress = options.callerAddress ?? '127.0.0.2';
  const phoneAddress = options.phoneAddress ?? '127.0.0.3';
  // Even, as RTP wants it. A port that is taken is passed over by Asterisk.
  const firstRtpPort = 32_000 + 2 * Math.floor(Math.random() * 13_000);
  return {
    program: options.program,
    dir: options.dir,
    target: options.target,
    callerAddress,
    phoneAddress,
    callerPort: await callerPortOf(callerAddress, options.callerPort),
    phonePort: await freeUdpPort([phoneAddress]),
    ariPort: await freeTcpPort(callerAddress),
    amiPort: await freeTcpPort(callerAddress),
    rtpPorts: { first: firstRtpPort, last: firstRtpPort + 1_998 },
    user: 'phones',
    password: randomBytes(18).toString('base64url'),
  };
}

/** Asterisk would start without the port, and nobody could be called. */
async function callerPortOf(address: string, wanted: number | undefined): Promise<number> {
  if (wanted === undefined) return await freeUdpPort([address]);
  if (await udpPortIsFree(address, wanted)) return wanted;
  throw new DozvonError(
    'PHONES_UNAVAILABLE',
    `the UDP port ${wanted} at ${address}, where citizens are to be called, is taken`,
  );
}

/** The user part of a SIP address: what may not stand there is escaped (RFC 3261, 25.1), "#" included. */
function sipUser(number: string): string {
  return number.replaceAll(/[^A-Za-z0-9+*._()-]/g, (character) => encodeURIComponent(character));
}
