import type { ApiEvent } from './api-client.ts';

const list = (value: unknown): string =>
  Array.isArray(value) ? value.map((one) => String(one).replace(/^[a-z]{2}\//, '')).join(', ') : String(value);

const seconds = (value: unknown): string => `${(Number(value) / 1_000).toFixed(2)} s`;

const atClock = (ms: unknown): string => new Date(Number(ms)).toISOString().replace(/\.\d{3}Z$/, 'Z');

type Facts = ApiEvent['facts'];

/** What each kind of entry says to a reader. A kind without a sentence is told with its facts. */
const sentences: Readonly<Record<string, (facts: Facts) => string>> = {
  arrived: (facts) => `arrived on the line ${String(facts.line)}`,
  answered: () => 'answered',
  recordingStarted: () => 'the recording runs',
  promptStarted: (facts) => `said: ${list(facts.prompts)}`,
  promptFailed: () => 'what was being said broke off',
  topicChosen: (facts) => `topic chosen: ${String(facts.topic)}`,
  wrongKey: () => 'a key that means nothing here',
  noInput: () => 'no key was pressed',
  queued: (facts) => `queued: ${String(facts.queueId)}`,
  placeTold: (facts) => `place in the queue: ${String(facts.position)}`,
  announced: (facts) => `announced: ${list(facts.prompts)}`,
  choiceOffered: () => 'offered the choice of a call-back, a request, or going on waiting',
  visitStarted: (facts) => `goes to ${String(facts.node)}, the place is kept`,
  visitEnded: () => 'back in the queue',
  concluded: (facts) => `the promised time is over: a ${String(facts.by)} is stored`,
  staysOnLine: () => 'stays on the line with a number',
  offerMade: (facts) => `offered to ${String(facts.operatorId)}`,
  operatorRinging: (facts) => `the phone of ${String(facts.operatorId)} rings`,
  offerUnanswered: (facts) => `${String(facts.operatorId)} did not answer`,
  offerDeclined: (facts) => `${String(facts.operatorId)} refused`,
  operatorBusy: (facts) => `the phone of ${String(facts.operatorId)} is busy`,
  operatorUnreachable: (facts) => `the phone of ${String(facts.operatorId)} cannot be reached`,
  joined: (facts) => `joined with ${String(facts.operatorId)} after ${seconds(facts.waitMs)} in the queue`,
  callBackPromised: (facts) => `a call-back is promised, due ${atClock(facts.dueAtMs)}`,
  callBackNotPromised: (facts) => `no call-back is promised: ${String(facts.why)}`,
  callBackLetGo: () => 'left with the promise: he is to be called back',
  callBackHeld: () => 'has called by himself: his call-back waits while he is on the line',
  callBackCancelled: (facts) => `the call-back is cancelled: ${String(facts.why)}`,
  callBackQueued: (facts) => `to be called back, waits for an operator: ${String(facts.queueId)}`,
  operatorAnswered: (facts) => `${String(facts.operatorId)} hears that a caller is being called back`,
  callerDialled: (facts) => `the caller is dialled, try ${String(facts.attempt)}`,
  callerRinging: () => 'the caller’s phone rings',
  introduced: (facts) => `the caller hears who calls${facts.recorded === true ? ', and that it is recorded' : ''}`,
  callerAnswered: (facts) => `answered: ${String(facts.heard)}`,
  attemptEnded: (facts) => `the try is over: ${String(facts.outcome)}`,
  waitsOnLine: () => 'waits on the line for another operator',
  messageStarted: () => 'the spoken message begins',
  messageRecorded: (facts) => `message recorded: ${String(facts.seconds)} s`,
  requestStored: (facts) => `request stored under the number ${String(facts.caseNumber)}`,
  ended: (facts) => `ended by the ${String(facts.by)}: ${String(facts.outcome)}`,
  wrapUpStarted: (facts) => `wrap-up of ${String(facts.operatorId)} begins`,
  wrapUpEnded: (facts) => `wrap-up of ${String(facts.operatorId)} is over`,
  recordingVerified: (facts) => `recording verified: ${seconds(facts.durationMs)}`,
  recordingFailed: (facts) => `the recording failed: ${String(facts.why)}`,
  recovered: (facts) => `taken up again by ${String(facts.nodeId)}`,
};

export function tellEntry(entry: Pick<ApiEvent, 'kind' | 'facts'>): string {
  const sentence = sentences[entry.kind];
  if (sentence !== undefined) return sentence(entry.facts);
  const facts = Object.entries(entry.facts).map(([name, value]) => `${name} ${list(value)}`);
  return [entry.kind, ...facts].join(', ');
}

/** Whether the caller is being asked for something: a menu, a confirmation, a number to key in. */
export function asksForKeys(entry: Pick<ApiEvent, 'kind' | 'facts'>): boolean {
  const prompts = entry.facts.prompts;
  return (
    entry.kind === 'promptStarted' &&
    Array.isArray(prompts) &&
    prompts.some((prompt) => /^[a-z]{2}\/(menu|confirm|enter)-/.test(String(prompt)))
  );
}

/** The contact record a line a field, without the timeline, which has been told already. */
export function tellContact(contact: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(contact)
    .filter(([name]) => name !== 'timeline')
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((one: unknown, index) => {
        const text = typeof one === 'string' ? one : JSON.stringify(one);
        return `  ${(index === 0 ? name : '').padEnd(14)} ${text}`;
      }),
    );
  return ['', 'Contact record', ...rows, ''].join('\n');
}
