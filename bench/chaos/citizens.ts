import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { secondMs } from '../../src/foundation/index.ts';
import { type Citizen, type CitizenBehaviour, type PhoneLeg, type Phones, toneMs } from '../../src/phones/index.ts';
import { sumOf } from '../measure/figures.ts';
import type { RandomStream } from '../sim/random.ts';

/** What operators' phones send, so that a caller who has been called back can be told to have had one. */
export const operatorHz = 1_300;
/** A caller who has heard an operator for so long has had what he was promised. */
export const heardForMs = 600;
/** Longer than a service takes to come back and find an operator for whom it had called. */
const patientForMs = 40 * secondMs;
/** Below the shortest time between two calls by far. */
const lookEveryMs = 50;

const answersDir = fileURLToPath(new URL('../../test/fixtures/answers', import.meta.url));
const human = join(answersDir, 'human-dobry-den-festival.wav');
const machine = join(answersDir, 'machine-avtootvetchik-festival.wav');

/** How a citizen meets his first call; to every later one he answers. */
const firstCalls = ['answers', 'busy', 'ringsOn', 'machine', 'switchedOff'] as const;
export type FirstCall = (typeof firstCalls)[number];

/** Two thirds answer at once. */
export function drawFirstCall(random: RandomStream, queueId: string): FirstCall {
  const drawn = random.chance(2 / 3) ? 'answers' : (firstCalls[random.below(firstCalls.length)] ?? 'answers');
  // Nobody listens there.
  return drawn === 'machine' && queueId === 'general' ? 'busy' : drawn;
}

/** Whom the hotline calls back. Each answers in the end, and hangs up when he has heard an operator. */
export class Citizens {
  readonly #phones: Phones;
  readonly #known = new Map<string, { readonly citizen: Citizen; readonly answers: CitizenBehaviour; met: number }>();
  readonly #looking: NodeJS.Timeout;

  constructor(phones: Phones) {
    this.#phones = phones;
    this.#looking = setInterval(() => this.#meetNewCalls(), lookEveryMs);
  }

  settle(plan: { readonly number: string; readonly first: FirstCall; readonly afterMs: number }): void {
    const { number, first, afterMs } = plan;
    const answers: CitizenBehaviour = { kind: 'answer', afterMs, says: human };
    const citizen = this.#phones.citizen({ number, behaviour: behaviourOf(first, answers) });
    this.#known.set(number, { citizen, answers, met: 0 });
  }

  /** How long he has heard operators in all. */
  async heardMs(number: string): Promise<number> {
    const calls = this.#known.get(number)?.citizen.calls ?? [];
    const heard = await Promise.all(calls.map(async (leg) => toneMs((await leg.audio()).left, operatorHz)));
    return sumOf(heard);
  }

  stop(): void {
    clearInterval(this.#looking);
  }

  #meetNewCalls(): void {
    for (const known of this.#known.values()) {
      const { citizen, answers, met } = known;
      for (const leg of citizen.calls.slice(met)) {
        citizen.behaviour = answers;
        void listen(leg);
      }
      known.met = citizen.calls.length;
    }
  }
}

function behaviourOf(first: FirstCall, answers: CitizenBehaviour): CitizenBehaviour {
  switch (first) {
    case 'busy':
      // So long that he may be refused while nobody is there to see it.
      return { kind: 'refuse', as: 'busy', announcesMs: 2 * secondMs };
    case 'switchedOff':
      return { kind: 'refuse', as: 'switchedOff' };
    case 'ringsOn':
      return { kind: 'ring' };
    case 'machine':
      return { kind: 'answer', afterMs: 300, says: machine };
    case 'answers':
      return answers;
  }
}

async function listen(leg: PhoneLeg): Promise<void> {
  try {
    await leg.answered(patientForMs);
    await leg.hears(operatorHz, { forMs: heardForMs, limitMs: patientForMs });
  } catch {
    // Nobody came: what he does next is the same.
  }
  await leg.hangup().catch(() => undefined);
}
