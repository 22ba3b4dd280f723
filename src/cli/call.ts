import { DozvonError, hasCode, messageOf, secondMs } from '../foundation/index.ts';
import { type ApiClient, type ApiEvent, createApiClient } from './api-client.ts';
import { cancelPromise, promisedTo, runCallBack } from './call-back-run.ts';
import { CallOperators } from './call-operators.ts';
import { calledNumber, callerPlace, chooseInstant, type PlacedCall } from './call-place.ts';
import { type Goal, goalOf, parseCallArgs } from './call-plan.ts';
import type { CallPorts, RunningHotline, TestCitizen, TestPhones } from './call-ports.ts';
import { runCall } from './call-run.ts';
import type { CallParts } from './call-steps.ts';
import { tellContact, tellEntry } from './call-story.ts';
import { ContactWatch } from './contact-watch.ts';
import type { Terminal } from './terminal.ts';

const streamLimitMs = 10 * secondMs;
const recordLimitMs = 3 * secondMs;
const askAgainMs = 100;
/** How long the caller's phone rings. */
const pickUpMs = 2 * secondMs;

/** What the API shows of a contact; printed as it is. */
interface ShownContact {
  readonly outcome?: string;
  readonly talkMs?: number;
  readonly [field: string]: unknown;
}

/** What `--json` ends with. */
export interface CallResult {
  readonly ok: boolean;
  readonly answered: boolean;
  readonly queued: boolean;
  readonly joined: boolean;
  readonly recordingVerified: boolean;
  readonly talkMs: number;
  /** The contact record, or null when the call became none. */
  readonly contact: ShownContact | null;
  /** Of the second contact, when a call-back was ordered. */
  readonly calledBack?: {
    readonly reached: boolean;
    readonly recordingVerified: boolean;
    readonly talkMs: number;
    readonly contact: ShownContact | null;
  };
}

/**
 * `dozvon call`: a real call with audio into the running system, told as it happens. Returns the exit code: 0 when everything
 * happened that was asked for, 1 when not (with a sentence for each thing), 2 for arguments that make no sense.
 */
export async function runTestCall(args: readonly string[], ports: CallPorts): Promise<number> {
  const { terminal } = ports;
  const asked = parseCallArgs(args);
  if (typeof asked === 'string') {
    terminal.complain(`dozvon call: ${asked}`);
    return 2;
  }
  const fail = (sentence: string): number => {
    terminal.complain(sentence);
    if (asked.json) terminal.print(JSON.stringify({ ...nothing, failure: sentence }));
    return 1;
  };
  try {
    const hotline = await ports.findRunning();
    if (hotline === undefined) return fail('Dozvon is not running: start it with "npm start" first.');
    if (asked.at !== undefined && !hotline.testing) {
      return fail(
        '--at is honoured only by a system started for testing: stop it and start it with "npm start -- --testing".',
      );
    }
    const prepared = chooseInstant(asked, hotline, ports);
    if (typeof prepared === 'string') return fail(prepared);
    const { result, failures } = await placeCall(prepared, hotline, ports);
    for (const failure of failures) terminal.complain(`did not happen: ${failure}`);
    if (asked.json) terminal.print(JSON.stringify(result));
    return result.ok ? 0 : 1;
  } catch (error) {
    return fail(explain(error));
  }
}

const nothing: CallResult = {
  ok: false,
  answered: false,
  queued: false,
  joined: false,
  recordingVerified: false,
  talkMs: 0,
  contact: null,
};

async function placeCall(
  { plan, goal }: PlacedCall,
  hotline: RunningHotline,
  ports: CallPorts,
): Promise<{ readonly result: CallResult; readonly failures: readonly string[] }> {
  const { terminal } = ports;
  const place = callerPlace(plan, hotline);
  if (typeof place === 'string') throw new DozvonError('NO_CALL_BACK', place);
  const api = createApiClient({ url: hotline.apiUrl, token: hotline.apiToken });
  const startedAtMs = ports.nowMs();
  const line = (atMs: number, sentence: string): void =>
    terminal.print(`${((atMs - startedAtMs) / secondMs).toFixed(2).padStart(7)} s  ${sentence}`);
  const say = (sentence: string): void => line(ports.nowMs(), sentence);
  const tell = (entry: ApiEvent): void => line(Date.parse(entry.at), tellEntry(entry));
  const watch = new ContactWatch(api, tell);
  const back = goal === 'callBack' ? new ContactWatch(api, tell) : undefined;
  let phones: TestPhones | undefined;
  let operators: CallOperators | undefined;
  const cleanUp = async (): Promise<void> => {
    await operators?.restore().catch((error: unknown) => {
      terminal.complain(`the operator could not be put back as before: ${messageOf(error)}`);
    });
    const promised = back === undefined ? undefined : promisedTo(watch);
    if (promised !== undefined)
      await cancelPromise(api, promised).catch((error: unknown) => {
        terminal.complain(`the call-back could not be cancelled: ${messageOf(error)}`);
      });
    watch.stop();
    back?.stop();
    await phones?.stop();
  };
  terminal.onStopRequest(() => {
    terminal.complain('Stopping: the call is ended.');
    void cleanUp().finally(() => process.exit(130));
  });
  try {
    await Promise.all([watch.start(streamLimitMs), back?.start(streamLimitMs)]);
    phones = await ports.startPhones({ target: hotline.sip, ...place });
    operators = new CallOperators({
      api,
      phones,
      hotline,
      say,
      behaviour: goal === 'ringing' ? { kind: 'ring' } : { kind: 'answer', afterMs: secondMs },
    });
    if (plan.withOperator && (goal === 'talk' || goal === 'ringing')) {
      const queueId = goalOf(plan, hotline.config, ports.nowMs()).line?.defaultQueueId ?? '';
      await operators.bring({ queueId, ...(plan.operator === undefined ? {} : { extension: plan.operator }) });
    }
    const parts = {
      plan,
      goal,
      api,
      phones,
      watch,
      operators,
      say,
      ...(back === undefined ? {} : { callingBack: back }),
    };
    return back === undefined ? await once(parts, terminal) : await twice(parts, { back, hotline, terminal });
  } finally {
    await cleanUp();
  }
}

/** One call, and its record. */
async function once(
  parts: CallParts,
  terminal: Terminal,
): Promise<{ readonly result: CallResult; readonly failures: readonly string[] }> {
  const { plan, goal, api, watch } = parts;
  const failures = [...(await runCall(parts))];
  const contact = await recordOf(api, watch);
  const result = judge({ goal, watch, contact, failures });
  if (contact !== null && !plan.json) terminal.print(tellContact(contact));
  return { result, failures };
}

/** The call in which a call-back is ordered, and the one in which it is made. */
async function twice(
  parts: CallParts,
  {
    back,
    hotline,
    terminal,
  }: { readonly back: ContactWatch; readonly hotline: RunningHotline; readonly terminal: Terminal },
): Promise<{ readonly result: CallResult; readonly failures: readonly string[] }> {
  const { plan, api, phones, say, watch } = parts;
  const number = calledNumber(plan, hotline) ?? '';
  const citizen: TestCitizen = phones.citizen({ number, behaviour: { kind: 'answer', afterMs: pickUpMs } });
  const ordered = await once({ ...parts, plan: { ...plan, ani: number } }, terminal);
  const callBackId = promisedTo(watch);
  if (!ordered.result.ok || callBackId === undefined) return ordered;
  say('the caller waits at home; an operator comes');
  const failures = [...(await runCallBack({ ...parts, watch: back, callBackId, citizen }))];
  const contact = await recordOf(api, back);
  const reached = back.has('joined');
  if (!reached) failures.push('joined: expected true, got false');
  const calledBack = {
    reached,
    recordingVerified: back.has('recordingVerified'),
    talkMs: contact?.talkMs ?? 0,
    contact,
  };
  if (contact !== null && !plan.json) terminal.print(tellContact(contact));
  return { result: { ...ordered.result, ok: failures.length === 0, calledBack }, failures };
}

/** The record as it is once it tells the end: it is written in the moment after the end is announced. */
async function recordOf(api: ApiClient, watch: ContactWatch): Promise<ShownContact | null> {
  if (watch.contactId === undefined) return null;
  for (const sinceMs = Date.now(); ; ) {
    const contact = await api.get<ShownContact>(`/contacts/${watch.contactId}`);
    if (contact.outcome !== undefined || Date.now() - sinceMs > recordLimitMs) return contact;
    await new Promise((resolve) => setTimeout(resolve, askAgainMs));
  }
}

/** Good is what the goal says, no more and no less. Adds a sentence to `failures` for each thing that is amiss. */
function judge(seen: {
  readonly goal: Goal;
  readonly watch: ContactWatch;
  readonly contact: ShownContact | null;
  readonly failures: string[];
}): CallResult {
  const { goal, watch, contact, failures } = seen;
  const facts = {
    answered: watch.has('answered'),
    queued: watch.has('queued'),
    joined: watch.has('joined'),
    recordingVerified: watch.has('recordingVerified'),
  };
  const wanted = {
    answered: true,
    queued: goal === 'queue' || goal === 'ringing' || goal === 'talk' || goal === 'callBack',
    joined: goal === 'talk',
    recordingVerified: goal !== 'unknownNumber',
  };
  for (const name of ['answered', 'queued', 'joined', 'recordingVerified'] as const) {
    if (facts[name] !== wanted[name])
      failures.push(`${name}: expected ${String(wanted[name])}, got ${String(facts[name])}`);
  }
  if (contact === null) failures.push('the call became no contact');
  return { ok: failures.length === 0, ...facts, talkMs: contact?.talkMs ?? 0, contact };
}

function explain(error: unknown): string {
  if (hasCode(error, 'API_UNREACHABLE'))
    return `${(error as DozvonError).message}. Is it still starting? See "npm start".`;
  return messageOf(error);
}
