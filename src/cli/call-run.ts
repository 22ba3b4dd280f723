import { DozvonError, hasCode, messageOf, secondMs } from '../foundation/index.ts';
import type { ApiClient } from './api-client.ts';
import type { CallOperators } from './call-operators.ts';
import type { CallPlan, Goal, Utterance } from './call-plan.ts';
import type { TestLeg, TestPhones } from './call-ports.ts';
import { asksForKeys } from './call-story.ts';
import type { ContactWatch } from './contact-watch.ts';

/** Far enough apart, and from the harmonics of each other, to be told apart in a narrow filter. */
const callerHz = 1_000;
const operatorHz = 1_300;

const limits = {
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
const stayMs = 2 * secondMs;

export interface CallParts {
  readonly plan: CallPlan;
  readonly goal: Goal;
  readonly api: ApiClient;
  readonly phones: TestPhones;
  readonly watch: ContactWatch;
  readonly operators: CallOperators;
  /** Adds a line of our own to the timeline. */
  readonly say: (sentence: string) => void;
}

/** Places the call and does what the plan says; returns what did not happen, one sentence each. Every wait has a bound. */
export async function runCall(parts: CallParts): Promise<readonly string[]> {
  const failures: string[] = [];
  const { plan, phones, watch, say } = parts;
  const caller = await phones.call({
    number: plan.number,
    ...(plan.ani === undefined ? {} : { ani: plan.ani }),
    ...(plan.at === undefined ? {} : { headers: { 'X-Dozvon-At': plan.at } }),
  });
  say('the call is on its way');
  try {
    await caller.answered(limits.answerMs);
    await watch.find(caller.sipCallId, limits.findMs);
    await drive(caller, parts, failures);
  } catch (error) {
    failures.push(messageOf(error));
  }
  await finish(caller, parts, failures);
  return failures;
}

async function drive(caller: TestLeg, parts: CallParts, failures: string[]): Promise<void> {
  const { goal, watch } = parts;
  switch (goal) {
    case 'unknownNumber':
      await watch.entry(['promptStarted'], { limitMs: limits.menuMs, what: 'the prompt for unknown numbers' });
      await caller.ended(limits.menuMs);
      return;
    case 'menu':
      await nextQuestion(parts, 0);
      await pause(stayMs);
      await caller.hangup();
      return;
    case 'closed':
      await walk(caller, parts);
      if (caller.state !== 'ended') await listenOn(caller, parts);
      return;
    case 'queue':
    case 'ringing':
    case 'talk':
      await walk(caller, parts);
      await waitInQueue(caller, parts, failures);
      return;
  }
}

/** Enters what the plan says, each thing at the place that asks for it. Ends when everything is said, or the menu is over. */
async function walk(caller: TestLeg, parts: CallParts): Promise<void> {
  const { plan, watch } = parts;
  let from = 0;
  for (const utterance of plan.utterances) {
    from = await nextQuestion(parts, from, utterance);
    if (watch.has('queued') || watch.has('ended')) return;
    await utter(caller, utterance, parts);
  }
}

/** Waits for the place that asks for the utterance (or for the end of the menu); returns the count of entries up to it. */
async function nextQuestion(parts: CallParts, from: number, utterance?: Utterance): Promise<number> {
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

async function utter(caller: TestLeg, utterance: Utterance, { say }: CallParts): Promise<void> {
  if (utterance.kind === 'message') {
    await caller.playTone(callerHz, utterance.lastsMs);
    say(`spoken for ${utterance.lastsMs / secondMs} s, key # pressed`);
    await caller.press('#');
    return;
  }
  await pause(beforeKeyMs);
  say(`key ${utterance.keys.split('').join(' ')} pressed`);
  await caller.press(utterance.keys);
}

/** Outside hours: the caller hears what there is to hear, up to the next question or the end. */
async function listenOn(caller: TestLeg, parts: CallParts): Promise<void> {
  const { watch, plan } = parts;
  const heard = plan.utterances.length === 0 ? 0 : watch.entries.length;
  await nextQuestion(parts, heard);
  await pause(stayMs);
  if (!watch.has('ended')) await caller.hangup();
}

async function waitInQueue(caller: TestLeg, parts: CallParts, failures: string[]): Promise<void> {
  const { goal, operators, plan, watch } = parts;
  const queued = await watch.entry(['queued'], { limitMs: limits.menuMs, what: 'to be queued' });
  if (goal === 'queue') {
    await pause(stayMs);
    await caller.hangup();
    return;
  }
  const queueId = String(queued.facts.queueId);
  if (!operators.canServe(queueId)) {
    if (plan.operator !== undefined) {
      throw new DozvonError('NO_OPERATOR', `the operator at ${plan.operator} has not the skills of queue ${queueId}`);
    }
    await operators.bring({ queueId });
  }
  const ringing = await watch.entry(['operatorRinging'], {
    limitMs: limits.offerMs,
    what: 'the phone of an operator to ring',
    fits: (entry) => operators.phone(String(entry.facts.operatorId)) !== undefined,
  });
  const operatorId = String(ringing.facts.operatorId);
  const operator = await operators.phone(operatorId)?.nextCall(limits.joinMs);
  if (operator === undefined) return;
  if (goal === 'ringing') {
    await pause(stayMs);
    await caller.hangup();
    await operator.ended(limits.endMs);
    await watch.entry(['ended'], { limitMs: limits.endMs, what: 'the contact to end' });
    if (!(await operators.isFree(operatorId)))
      failures.push(`${operatorId} was not free again after the caller had hung up`);
    return;
  }
  await talk(caller, operator, parts, failures);
}

async function talk(caller: TestLeg, operator: TestLeg, parts: CallParts, failures: string[]): Promise<void> {
  const { plan, say, watch } = parts;
  await watch.entry(['joined'], { limitMs: limits.joinMs, what: 'to be joined with the operator' });
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

/** The end of the contact and its recording, whatever went before. */
async function finish(caller: TestLeg, parts: CallParts, failures: string[]): Promise<void> {
  const { goal, watch } = parts;
  const attempt = async (step: () => Promise<unknown>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      // What the waiting for an end says after the first failure is only its echo.
      if (failures.length === 0 || !hasCode(error, 'CALL_ENDED_EARLY')) failures.push(messageOf(error));
    }
  };
  if (caller.state !== 'ended') await attempt(async () => await caller.hangup());
  if (watch.contactId === undefined) return;
  await attempt(async () => await watch.entry(['ended'], { limitMs: limits.endMs, what: 'the contact to end' }));
  if (goal === 'unknownNumber') return;
  await attempt(async () => {
    const kinds = ['recordingVerified', 'recordingFailed'];
    await watch.entry(kinds, { limitMs: limits.verifyMs, what: 'the recording to be verified' });
  });
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
