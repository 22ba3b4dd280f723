import { assertNever, Changes, messageOf } from '../foundation/index.ts';
import type { BaseAudio, PhoneLeg, Refusal } from './leg.ts';

/** What a citizen's telephone does when the hotline calls it. */
export type CitizenBehaviour =
  /** `says`: an 8 kHz mono WAV, from the moment of the answer. Before and after it he is as quiet as `audio` says. */
  | {
      readonly kind: 'answer';
      readonly afterMs: number;
      readonly says?: string;
      /** Counted from the answer. */
      readonly hangsUpAfterMs?: number;
    }
  | { readonly kind: 'ring' }
  /** The carrier's early media (183) for so long first, if given. */
  | { readonly kind: 'refuse'; readonly as: Refusal; readonly announcesMs?: number };

/** One INVITE that has come for a number. */
export interface DialledCall {
  readonly atMs: number;
  /** The number that was shown. */
  readonly callerId: string;
}

/** A telephone that the carrier reaches by its number. */
export class Citizen {
  readonly number: string;
  /** Changed at will; goes for the next call. */
  behaviour: CitizenBehaviour;
  audio: BaseAudio;
  readonly #changes = new Changes();
  readonly #legs: PhoneLeg[] = [];
  #taken = 0;
  /** The first thing that went wrong while behaving by itself. */
  #failure: string | undefined;

  constructor(options: {
    readonly number: string;
    readonly behaviour: CitizenBehaviour;
    readonly audio: BaseAudio;
  }) {
    this.number = options.number;
    this.behaviour = options.behaviour;
    this.audio = options.audio;
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
    const leg = await this.#changes.until(() => this.#legs[this.#taken], { limitMs, what: 'a call to the citizen' });
    this.#taken += 1;
    return leg;
  }

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
      case 'ring':
        await leg.ring();
        return;
      case 'refuse':
        if (behaviour.announcesMs !== undefined) {
          await leg.progress();
          await endedWithin(leg, behaviour.announcesMs);
        }
        await leg.refuse(behaviour.as);
        return;
      case 'answer':
        await leg.ring();
        if (!(await endedWithin(leg, behaviour.afterMs))) await converse(leg, behaviour);
        return;
      default:
        assertNever(behaviour, 'behaviour of a citizen');
    }
  }
}

async function converse(leg: PhoneLeg, behaviour: Extract<CitizenBehaviour, { kind: 'answer' }>): Promise<void> {
  await leg.answer();
  const { says, hangsUpAfterMs } = behaviour;
  const answeredAtMs = Date.now();
  if (says !== undefined) {
    // Whoever hangs up in the middle of a sentence does not wait for its end.
    const said = leg.say(says);
    if (hangsUpAfterMs === undefined) await said;
    else said.catch(() => undefined);
  }
  if (hangsUpAfterMs === undefined) return;
  if (!(await endedWithin(leg, answeredAtMs + hangsUpAfterMs - Date.now()))) await leg.hangup();
}

async function endedWithin(leg: PhoneLeg, ms: number): Promise<boolean> {
  return await leg.ended(Math.max(0, ms)).then(
    () => true,
    () => false,
  );
}
