/** A call-back as the API shows it: what the hotline says of itself. */
export interface ShownCallBack {
  readonly callBackId: string;
  readonly state: string;
  readonly queueId: string;
  readonly number?: string;
  readonly dueAt: string;
  readonly createdAt: string;
  readonly attempts: readonly ShownAttempt[];
  readonly reason?: string;
}

export interface ShownAttempt {
  readonly number: number;
  readonly contactId: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly outcome?: string;
}

/** What is known of one number, by the hotline and by the citizen. */
export interface Kept {
  readonly number: string;
  /** The caller was told so, or staff were. */
  readonly promised: boolean;
  /** Newest first. */
  readonly callBacks: readonly ShownCallBack[];
  /** When his telephone got an INVITE. */
  readonly invitesMs: readonly number[];
  /** How long he has heard an operator in all. */
  readonly heardMs: number;
  /** What the records of the contacts that made the attempts tell, in their order; `none`: there is no record. */
  readonly outcomes: readonly string[];
}

export type FaultKind =
  | 'lost'
  | 'notReached'
  | 'promisedTwice'
  | 'dialledTwice'
  | 'dialledUnwritten'
  | 'notDialled'
  | 'tooSoon'
  | 'recordMissing';

export interface Fault {
  readonly kind: FaultKind;
  readonly callBackId: string;
  readonly what: string;
}

export interface Rule {
  /** Between the end of an attempt and the next. */
  readonly retryMs: number;
  readonly heardForMs: number;
  /** Until when nothing may be open any more but what waits for a later retry. */
  readonly nowMs: number;
}

/** Nobody saw its end, or nobody was to be dialled any more when it began: there may have been no call. */
const mayBeUndialled: readonly (string | undefined)[] = ['unknown', 'operatorGone', undefined];
/** The citizen's side hears of a call a moment after it was sent, the busier the machine the later. */
const latenessMs = 500;

/** Everything that must not be, of one number. */
export function faultsOf(kept: Kept, rule: Rule): readonly Fault[] {
  const [callBack, ...more] = kept.callBacks;
  if (callBack === undefined) return withoutCallBack(kept);
  const fault = (kind: FaultKind, what: string): Fault => ({ kind, callBackId: callBack.callBackId, what });
  const faults: Fault[] = [];
  if (more.length > 0) faults.push(fault('promisedTwice', `${kept.callBacks.length} call-backs of one promise`));
  if (callBack.state === 'done') {
    if (kept.heardMs < rule.heardForMs) faults.push(fault('notReached', `heard an operator for ${kept.heardMs} ms`));
  } else if (callBack.state !== 'scheduled' || Date.parse(callBack.dueAt) <= rule.nowMs) {
    faults.push(fault('lost', `${callBack.state}, due at ${callBack.dueAt}`));
  }
  const attempts = kept.callBacks.flatMap((one) => one.attempts).toSorted((a, b) => startOf(a) - startOf(b));
  faults.push(...dialFaults(attempts, kept.invitesMs, fault), ...delayFaults(attempts, kept.invitesMs, rule, fault));
  const last = kept.outcomes.at(-1);
  if (callBack.state === 'done' && last !== 'answeredByOperator')
    faults.push(fault('recordMissing', `its last contact says ${last}`));
  return faults;
}

function withoutCallBack({ promised, invitesMs }: Kept): readonly Fault[] {
  const faults: Fault[] = [];
  if (promised) faults.push({ kind: 'lost', callBackId: 'none', what: 'promised, and nothing is known of it' });
  if (invitesMs.length > 0) faults.push({ kind: 'dialledUnwritten', callBackId: 'none', what: 'called for nothing' });
  return faults;
}

type Say = (kind: FaultKind, what: string) => Fault;

/** Every call belongs to the attempt that began last before it, and each attempt has one call. */
function dialFaults(attempts: readonly ShownAttempt[], invitesMs: readonly number[], fault: Say): readonly Fault[] {
  const faults: Fault[] = [];
  const first = attempts[0];
  const early = invitesMs.filter((atMs) => first === undefined || atMs < startOf(first));
  if (early.length > 0) faults.push(fault('dialledUnwritten', `${early.length} calls before any attempt`));
  for (const [i, attempt] of attempts.entries()) {
    const next = attempts[i + 1];
    const untilMs = next === undefined ? Number.POSITIVE_INFINITY : startOf(next);
    const calls = invitesMs.filter((atMs) => atMs >= startOf(attempt) && atMs < untilMs).length;
    const what = `${calls} calls in attempt ${i + 1} (${attempt.outcome})`;
    if (calls > 1) faults.push(fault('dialledTwice', what));
    if (calls === 0 && !mayBeUndialled.includes(attempt.outcome)) faults.push(fault('notDialled', what));
  }
  return faults;
}

function delayFaults(
  attempts: readonly ShownAttempt[],
  invitesMs: readonly number[],
  { retryMs }: Rule,
  fault: Say,
): readonly Fault[] {
  const written = attempts.slice(1).map((attempt, i) => startOf(attempt) - Date.parse(attempts[i]?.endedAt ?? ''));
  const rung = invitesMs.slice(1).map((atMs, i) => atMs - (invitesMs[i] ?? 0) + latenessMs);
  return [...written, ...rung]
    .filter((ms) => !(ms >= retryMs))
    .map((ms) => fault('tooSoon', `${ms} ms after the attempt before`));
}

function startOf(attempt: ShownAttempt): number {
  return Date.parse(attempt.startedAt);
}
