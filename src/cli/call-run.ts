import { DozvonError, hasCode, messageOf, secondMs } from '../foundation/index.ts';
import { orderCallBack } from './call-back-run.ts';
import type { Utterance } from './call-plan.ts';
import type { TestLeg } from './call-ports.ts';
import { type CallParts, callerHz, limits, nextQuestion, pause, press, stayMs, talk } from './call-steps.ts';

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
    case 'callBack':
      await walk(caller, parts);
      if (parts.callingBack !== undefined) await orderCallBack(caller, parts, parts.callingBack);
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

async function utter(caller: TestLeg, utterance: Utterance, { say }: CallParts): Promise<void> {
  if (utterance.kind === 'message') {
    await caller.playTone(callerHz, utterance.lastsMs);
    say(`spoken for ${utterance.lastsMs / secondMs} s, key # pressed`);
    await caller.press('#');
    return;
  }
  await press(caller, utterance.keys, { say });
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
