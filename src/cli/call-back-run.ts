import { DozvonError, hasCode, messageOf, minuteMs, secondMs } from '../foundation/index.ts';
import type { ApiClient } from './api-client.ts';
import type { TestCitizen, TestLeg } from './call-ports.ts';
import { type CallParts, callerHz, limits, nextQuestion, press, talk } from './call-steps.ts';
import type { ContactWatch } from './contact-watch.ts';

/** With nobody there the choice is offered at once; otherwise the same key works at any time. */
const choiceLimitMs = 15 * secondMs;
/** Longer than any promise is said, with day and hour. */
const hearsPromiseMs = 20 * secondMs;
/** By the clock it is due now: an operator is all that is missing. */
const soonMs = minuteMs;
/** As long as somebody takes to say «алло»; who says nothing is taken for a line gone dead. */
const helloMs = 700;

/** What the API shows of a call-back. */
interface ShownCallBack {
  readonly state: string;
  readonly attempts: readonly { readonly outcome?: string }[];
}

/** In the queue: the caller is promised a call-back by the keys of the reference flows, and hangs up. `callingBack` follows the contact made for it. */
export async function orderCallBack(caller: TestLeg, parts: CallParts, callingBack: ContactWatch): Promise<void> {
  const { watch, say } = parts;
  await watch.entry(['queued'], { limitMs: limits.menuMs, what: 'to be queued' });
  await untilChoice(watch);
  await press(caller, '1', parts);
  await nextQuestion(parts, watch.entries.length);
  await press(caller, '1', parts);
  const answer = await watch.entry(['callBackPromised', 'callBackNotPromised'], {
    limitMs: limits.menuMs,
    what: 'a call-back to be promised',
  });
  if (answer.kind === 'callBackNotPromised') {
    throw new DozvonError('NO_CALL_BACK', `a call-back was expected to be promised, got ${String(answer.facts.why)}`);
  }
  const dueAtMs = Number(answer.facts.dueAtMs);
  if (dueAtMs > Date.parse(answer.at) + soonMs) {
    const when = new Date(dueAtMs).toISOString();
    throw new DozvonError(
      'NO_CALL_BACK',
      `a call-back of now was expected, got one of ${when}: name another instant with --at`,
    );
  }
  await untilHeard(watch, watch.entries.indexOf(answer) + 1);
  say('the caller hangs up');
  await caller.hangup();
  await callingBack.findCallBack(String(answer.facts.callBackId), limits.offerMs);
}

/** A caller who is promised something hears it to the end: then the music goes on. */
async function untilHeard(watch: ContactWatch, after: number): Promise<void> {
  const options = { limitMs: hearsPromiseMs, what: 'the promise to be said', after };
  await watch.entry(['visitEnded'], options).catch((error: unknown) => {
    // A flow of somebody's own may go on behind it.
    if (!hasCode(error, 'TIMED_OUT')) throw error;
  });
}

async function untilChoice(watch: ContactWatch): Promise<void> {
  const fits = { limitMs: choiceLimitMs, what: 'the choice to be offered' };
  const entry = await watch.entry(['choiceOffered', 'operatorRinging'], fits).catch((error: unknown) => {
    if (!hasCode(error, 'TIMED_OUT')) throw error;
    return undefined;
  });
  if (entry?.kind !== 'operatorRinging') return;
  const who = String(entry.facts.operatorId);
  throw new DozvonError(
    'OPERATOR_THERE',
    `nobody has to wait: ${who} is ready and rung. Log the operators off (*10) for this`,
  );
}

/** The promise that the caller has left with. */
export function promisedTo(watch: ContactWatch): string | undefined {
  const promised = watch.entries.findLast(({ kind }) => kind === 'callBackPromised');
  return promised && String(promised.facts.callBackId);
}

/**
 * The caller is called: an operator comes, and whoever is rung first by the queue's mode, both answer and talk. Returns what did not happen. `watch`
 * follows the contact that calls him.
 */
export async function runCallBack(
  parts: CallParts & { readonly callBackId: string; readonly citizen: TestCitizen },
): Promise<readonly string[]> {
  const { api, callBackId, citizen, operators, plan, say, watch } = parts;
  const failures: string[] = [];
  try {
    const queued = await watch.entry(['callBackQueued'], { limitMs: limits.findMs, what: 'to wait for an operator' });
    const queueId = String(queued.facts.queueId);
    await operators.bring({ queueId, ...(plan.operator === undefined ? {} : { extension: plan.operator }) });
    const [caller, operator] = await Promise.all([answerAsCaller(citizen, say), answeredBy(parts)]);
    await talk(caller, operator, parts, failures);
    await watch.entry(['ended'], { limitMs: limits.endMs, what: 'the contact that called back to end' });
    const kinds = ['recordingVerified', 'recordingFailed'];
    await watch.entry(kinds, { limitMs: limits.verifyMs, what: 'the recording to be verified' });
    const { state, attempts } = await api.get<ShownCallBack>(`/call-backs/${callBackId}`);
    if (state !== 'done') failures.push(`the call-back was expected to be done, got ${state}`);
    if (attempts.length !== 1) failures.push(`one try was expected, got ${attempts.length}`);
  } catch (error) {
    failures.push(messageOf(error));
  }
  return failures;
}

async function answerAsCaller(citizen: TestCitizen, say: CallParts['say']): Promise<TestLeg> {
  const leg = await citizen.nextCall(limits.offerMs);
  await leg.answered(limits.answerMs);
  say('the caller answers and says hello');
  await leg.playTone(callerHz, helloMs);
  return leg;
}

async function answeredBy({ operators, watch }: CallParts): Promise<TestLeg> {
  const ringing = await watch.entry(['operatorRinging'], {
    limitMs: limits.offerMs,
    what: 'the phone of an operator to ring',
    fits: (entry) => operators.phone(String(entry.facts.operatorId)) !== undefined,
  });
  const operator = await operators.phone(String(ringing.facts.operatorId))?.nextCall(limits.joinMs);
  if (operator === undefined) throw new DozvonError('NO_OPERATOR', 'expected a phone of ours to ring, got another');
  return operator;
}

/** Nobody is called by a promise that a broken test call has left behind. */
export async function cancelPromise(api: ApiClient, callBackId: string): Promise<void> {
  const { state } = await api.get<ShownCallBack>(`/call-backs/${callBackId}`);
  if (['done', 'failed', 'cancelled'].includes(state)) return;
  await api.send('POST', `/call-backs/${callBackId}/cancel`, { reason: 'test call' });
}
