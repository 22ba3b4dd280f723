import { assertNever, Changes, messageOf } from '../foundation/index.ts';
import type { BaseAudio, PhoneLeg } from './leg.ts';

/** What a phone does with an incoming call. `ring`: nothing, until it is told to. */
export type PhoneBehaviour =
  | { readonly kind: 'answer'; readonly afterMs: number }
  | { readonly kind: 'ring' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'decline' };

/** One registered device of an operator. */
export class Phone {
  readonly deviceId: string;
  readonly extension: string;
  /** Changed at will; goes for the next call. */
  behaviour: PhoneBehaviour;
  audio: BaseAudio = 'silence';
  readonly #dial: (number: string) => Promise<PhoneLeg>;
  readonly #unregister: () => Promise<void>;
  readonly #changes = new Changes();
  readonly #legs: PhoneLeg[] = [];
  #taken = 0;
  /** The first thing that went wrong while behaving by itself. */
  #failure: string | undefined;

  constructor(options: {
    readonly deviceId: string;
    readonly extension: string;
    readonly behaviour: PhoneBehaviour;
    readonly dial: (number: string) => Promise<PhoneLeg>;
    readonly unregister: () => Promise<void>;
  }) {
    this.deviceId = options.deviceId;
    this.extension = options.extension;
    this.behaviour = options.behaviour;
    this.#dial = options.dial;
    this.#unregister = options.unregister;
  }

  /** Every call that has come in, in order. */
  get calls(): readonly PhoneLeg[] {
    return this.#legs;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** The next incoming call that nobody has been given yet: one that came before is not lost. */
  async nextCall(limitMs: number): Promise<PhoneLeg> {
    const leg = await this.#changes.until(() => this.#legs[this.#taken], { limitMs, what: 'a call to the phone' });
    this.#taken += 1;
    return leg;
  }

  /** Answers the call that is ringing. */
  async answer(): Promise<PhoneLeg> {
    const leg = await this.#changes.until(() => this.#legs.find(isRinging), { limitMs: 0, what: 'a ringing call' });
    await leg.answer();
    return leg;
  }

  /** Ends every call of this phone. */
  async hangup(): Promise<void> {
    await Promise.all(this.#legs.filter((leg) => leg.state !== 'ended').map(async (leg) => await leg.hangup()));
  }

  /** Dials from this phone, with its digest: for service codes such as `*11`. */
  async dial(number: string): Promise<PhoneLeg> {
    return await this.#dial(number);
  }

  async unregister(): Promise<void> {
    await this.#unregister();
  }

  /** A call for this device has come in. */
  incoming(leg: PhoneLeg): void {
    this.#legs.push(leg);
    this.#changes.notify();
    this.#behave(leg).catch((error: unknown) => {
      this.#failure ??= messageOf(error);
    });
  }

  async #behave(leg: PhoneLeg): Promise<void> {
    const behaviour = this.behaviour;
    switch (behaviour.kind) {
      case 'busy':
        await leg.refuse('busy');
        return;
      case 'decline':
        await leg.refuse('declined');
        return;
      case 'ring':
        await leg.ring();
        return;
      case 'answer':
        await leg.ring();
        await pickUp(leg, behaviour.afterMs);
        return;
      default:
        assertNever(behaviour, 'behaviour of a phone');
    }
  }
}

function isRinging(leg: PhoneLeg): boolean | undefined {
  return leg.state === 'ringing';
}

/** Answers after the time has passed, unless the caller gives up before. */
async function pickUp(leg: PhoneLeg, afterMs: number): Promise<void> {
  const gaveUp = await leg.ended(afterMs).then(
    () => true,
    () => false,
  );
  if (!gaveUp && leg.state === 'ringing') await leg.answer();
}
