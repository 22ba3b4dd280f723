import { type DozvonError, hasCode, messageOf, minuteMs, secondMs } from '../foundation/index.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import { CallOperators } from './call-operators.ts';
import { type CallPlan, type Goal, goalOf, parseCallArgs } from './call-plan.ts';
import type { CallPorts, RunningHotline, TestPhones } from './call-ports.ts';
import { runCall } from './call-run.ts';
import { tellContact, tellEntry } from './call-story.ts';
import { ContactWatch } from './contact-watch.ts';

const streamLimitMs = 10 * secondMs;
const recordLimitMs = 3 * secondMs;
const askAgainMs = 100;

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
    const { plan, goal } = prepared;
    const { result, failures } = await placeCall(plan, goal, hotline, ports);
    for (const failure of failures) terminal.complain(`did not happen: ${failure}`);
    if (plan.json) terminal.print(JSON.stringify(result));
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

/** A call that needs operators is placed as if at the next opening when the line is closed now and the system allows it. */
function chooseInstant(
  plan: CallPlan,
  hotline: RunningHotline,
  ports: CallPorts,
): { readonly plan: CallPlan; readonly goal: Goal } | string {
  const asked = goalOf(plan, hotline.config, plan.at === undefined ? ports.nowMs() : Date.parse(plan.at));
  const meant = plan.at !== undefined || (!hotline.testing && !plan.withOperator && plan.hangUpIn === undefined);
  if (asked.goal !== 'closed' || meant) return { plan, goal: asked.goal };
  const opens = asked.opensAtMs;
  if (!hotline.testing || opens === undefined) {
    const when = opens === undefined ? '' : ` until ${new Date(opens).toISOString()}`;
    return `The line ${asked.line?.id ?? ''} is closed${when}, so nobody can be reached now: add --no-operator to hear what its callers hear, or start with "npm start -- --testing" and name another instant with --at.`;
  }
  // A minute's grace on both sides of a change of hours.
  const at = new Date(opens + 5 * minuteMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
  ports.terminal.print(`The line is closed now: the call is placed as if at ${at}, five minutes after it opens.`);
  return { plan: { ...plan, at }, goal: goalOf(plan, hotline.config, Date.parse(at)).goal };
}

async function placeCall(
  plan: CallPlan,
  goal: Goal,
  hotline: RunningHotline,
  ports: CallPorts,
): Promise<{ readonly result: CallResult; readonly failures: readonly string[] }> {
  const { terminal } = ports;
  const api = createApiClient({ url: hotline.apiUrl, token: hotline.apiToken });
  const startedAtMs = ports.nowMs();
  const line = (atMs: number, sentence: string): void =>
    terminal.print(`${((atMs - startedAtMs) / secondMs).toFixed(2).padStart(7)} s  ${sentence}`);
  const say = (sentence: string): void => line(ports.nowMs(), sentence);
  const watch = new ContactWatch(api, (entry) => line(Date.parse(entry.at), tellEntry(entry)));
  let phones: TestPhones | undefined;
  let operators: CallOperators | undefined;
  const cleanUp = async (): Promise<void> => {
    await operators?.restore().catch((error: unknown) => {
      terminal.complain(`the operator could not be put back as before: ${messageOf(error)}`);
    });
    watch.stop();
    await phones?.stop();
  };
  terminal.onStopRequest(() => {
    terminal.complain('Stopping: the call is ended.');
    void cleanUp().finally(() => process.exit(130));
  });
  try {
    await watch.start(streamLimitMs);
    phones = await ports.startPhones({ target: hotline.sip, callerAddress: trunkAddress(hotline) });
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
    const failures = [...(await runCall({ plan, goal, api, phones, watch, operators, say }))];
    const contact = await recordOf(api, watch);
    const result = judge({ goal, watch, contact, failures });
    if (contact !== null && !plan.json) terminal.print(tellContact(contact));
    return { result, failures };
  } finally {
    await cleanUp();
  }
}

/** Calls come from an address of a trunk, or the hotline would not take them. */
function trunkAddress(hotline: RunningHotline): string {
  const addresses = hotline.config.trunks.flatMap((trunk) => trunk.addresses);
  return addresses.find((address) => /^127\.\d+\.\d+\.\d+$/.test(address)) ?? '127.0.0.2';
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
    queued: goal === 'queue' || goal === 'ringing' || goal === 'talk',
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
