import { messageOf, secondMs } from '../foundation/index.ts';
import type { ApiClient } from './api-client.ts';
import type { CallOperators } from './call-operators.ts';
import type { CallPlan, Goal, Utterance } from './call-plan.ts';
import type { TestLeg, TestPhones } from './call-ports.ts';
import { asksForKeys } from './call-story.ts';
import type { ContactWatch } from './contact-watch.ts';

/** Far enough apart, and from the harmonics of each other, to be told apart in a narrow filter. */
export const callerHz = 1_000;
const operatorHz = 1_300;

export const limits = {
  answerMs: 20 * secondMs,
  findMs: 10 * secondMs,
  /** Three tries of the longest menu of the reference flows, and some. */
  menuMs: 180 * secondMs,
  /** A first operator may be in wrap-up (30 s) or have to be passed over. */
  offerMs: 90 * secondMs,
  joinMs: 30 * secondMs,
  endMs: 20 * secondMs,
  verifyMs: 40 * secondMs,
};

/** A menu is heard for so long before a key is pressed, as a person does. */
const beforeKeyMs = 800;
/** How long a caller who hangs up in the queue or during ringing stays there. */
export const stayMs = 2 * secondMs;

/** Longer than the two sentences that who is called back hears when he is joined with an operator. */
const introductionMs = 9 * secondMs;

export interface CallParts {
  readonly plan: CallPlan;
  readonly goal: Goal;
  readonly api: ApiClient;
  readonly phones: TestPhones;
  readonly watch: ContactWatch;
  /** Where a call-back is ordered: follows the contact that makes it. */
  readonly callingBack?: ContactWatch;
  readonly operators: CallOperators;
  /** Adds a line of our own to the timeline. */
  readonly say: (sentence: string) => void;
}

/** Waits for the place that asks for the utterance (or for the end of the menu); returns the count of entries up to it. */
export async function nextQuestion(parts: CallParts, from: number, utterance?: Utterance): Promise<number> {
  const { watch } = parts;
  const kinds =
    utterance?.kind === 'message' ? ['messageStarted', 'queued', 'ended'] : ['promptStarted', 'queued', 'ended'];
  const entry = await watch.entry(kinds, {
    limitMs: limits.menuMs,
    what: utterance?.kind === 'message' ? 'to be asked for a spoken message' : 'to be asked for a key',
    after: from,
    fits: (candidate) => candidate.kind !== 'promptStarted' || asksForKeys(candidate),
  });
  return watch.entries.indexOf(entry) + 1;
}

/** As a person does who has heard what they are for. */
export async function press(caller: TestLeg, keys: string, { say }: Pick<CallParts, 'say'>): Promise<void> {
  await pause(beforeKeyMs);
  say(`key ${keys.split('').join(' ')} pressed`);
  await caller.press(keys);
}

/** Both speak, the caller hangs up, and each has heard the other. */
export async function talk(caller: TestLeg, operator: TestLeg, parts: CallParts, failures: string[]): Promise<void> {
  const { plan, say, watch } = parts;
  await watch.entry(['joined'], { limitMs: limits.joinMs, what: 'to be joined with the operator' });
  if (watch.has('operatorAnswered')) await untilIntroduced(watch);
  say('both speak: a tone each way');
  await Promise.all([caller.playTone(callerHz, plan.talkMs), operator.playTone(operatorHz, plan.talkMs)]);
  await caller.hangup();
  await operator.ended(limits.endMs);
  // What was said in the moment of joining is lost on nobody: a fifth is more than the join may take.
  const forMs = plan.talkMs * 0.8;
  for (const [who, leg, hz] of [
    ['the caller', caller, operatorHz],
    ['the operator', operator, callerHz],
  ] as const) {
    try {
      const heardMs = await leg.hears(hz, { forMs, limitMs: limits.endMs });
      say(`${who} heard the other for ${(heardMs / secondMs).toFixed(1)} s`);
    } catch (error) {
      failures.push(`${who} did not hear the other: ${messageOf(error)}`);
    }
  }
}

/** Who is called back and joined at once hears over the first words who calls him: the tones are to be heard by themselves. */
async function untilIntroduced(watch: ContactWatch): Promise<void> {
  await watch.entry(['introduced'], { limitMs: limits.joinMs, what: 'the caller to be told who calls' });
  await pause(introductionMs);
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
