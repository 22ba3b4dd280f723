import { createNumberPlaces, mayDial } from '../callbacks/index.ts';
import { type Line, normaliseAni } from '../config/index.ts';
import { minuteMs } from '../foundation/index.ts';
import { evaluateSchedule } from '../schedule/index.ts';
import { type CallPlan, type Goal, goalOf } from './call-plan.ts';
import type { CallPorts, RunningHotline } from './call-ports.ts';

/** A minute's grace on both sides of a change of hours. */
const afterOpeningMs = 5 * minuteMs;
/** Of Moscow, by day when a line there is open; the plan keeps 495 000-xx-xx for no subscriber. */
const calledAni = '+74950000001';

export interface PlacedCall {
  readonly plan: CallPlan;
  readonly goal: Goal;
}

/** The caller's number, E.164, where he is to be called; undefined: nobody can be. */
export function calledNumber(plan: CallPlan, hotline: RunningHotline): string | undefined {
  const ani = normaliseAni(plan.ani ?? calledAni, { defaultCountry: hotline.config.settings.country });
  return ani.known ? ani.e164 : undefined;
}

/**
 * The call with its instant. One that needs operators is placed as if at the next opening when the line is closed now and the system allows it; one that
 * orders a call-back always, so that the day has room for it. A sentence where it cannot be placed.
 */
export function chooseInstant(plan: CallPlan, hotline: RunningHotline, ports: CallPorts): PlacedCall | string {
  const nowMs = ports.nowMs();
  const asked = goalOf(plan, hotline.config, plan.at === undefined ? nowMs : Date.parse(plan.at));
  if (plan.callBack && hotline.testing && plan.at === undefined && asked.line !== undefined) {
    return asIfAt(plan, hotline, ports, {
      atMs: instantForCallBack(asked.line, plan, hotline, nowMs),
      why: 'So that its day has room for a call-back, the call',
    });
  }
  const meant = plan.at !== undefined || (!hotline.testing && !plan.withOperator && plan.hangUpIn === undefined);
  if (asked.goal !== 'closed' || meant) return { plan, goal: asked.goal };
  const opens = asked.opensAtMs;
  if (!hotline.testing || opens === undefined) {
    const when = opens === undefined ? '' : ` until ${new Date(opens).toISOString()}`;
    return `The line ${asked.line?.id ?? ''} is closed${when}, so nobody can be reached now: add --no-operator to hear what its callers hear, or start with "npm start -- --testing" and name another instant with --at.`;
  }
  return asIfAt(plan, hotline, ports, { atMs: opens + afterOpeningMs, why: 'The line is closed now: the call' });
}

function asIfAt(
  plan: CallPlan,
  { config }: RunningHotline,
  { terminal }: CallPorts,
  { atMs, why }: { readonly atMs: number; readonly why: string },
): PlacedCall {
  const at = new Date(atMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
  terminal.print(`${why} is placed as if at ${at}, five minutes after it opens.`);
  return { plan: { ...plan, at }, goal: goalOf(plan, config, atMs).goal };
}

/** Behind the next opening, when the caller's number may be dialled; now for a line without hours, and when there is no such instant. */
function instantForCallBack(line: Line, plan: CallPlan, hotline: RunningHotline, nowMs: number): number {
  const { config } = hotline;
  const schedule = config.schedules[line.scheduleId];
  if (schedule === undefined) return nowMs;
  const verdictAt = (atMs: number): ReturnType<typeof evaluateSchedule> =>
    evaluateSchedule(schedule, config.calendar, atMs);
  const now = verdictAt(nowMs);
  const next = now.open && now.closesAtMs !== undefined ? verdictAt(now.closesAtMs) : now;
  const fromMs = (next.opensAtMs ?? nowMs) + afterOpeningMs;
  const place = createNumberPlaces(config.numberZones).placeOf(calledNumber(plan, hotline) ?? '');
  const hours: Parameters<typeof mayDial>[1] = (atMs) => {
    const { open, closesAtMs, opensAtMs } = verdictAt(atMs);
    return {
      open,
      ...(closesAtMs === undefined ? {} : { untilMs: closesAtMs }),
      ...(opensAtMs === undefined ? {} : { nextMs: opensAtMs }),
    };
  };
  const may = mayDial(place, hours, fromMs);
  return may.may || may.nextMs === undefined ? fromMs : may.nextMs + minuteMs;
}

/** Where the test caller's phone is: calls come from an address of a trunk, or the hotline would not take them. */
export function callerPlace(
  plan: CallPlan,
  { config }: RunningHotline,
): { readonly callerAddress: string; readonly callerPort?: number } | string {
  const isLoopback = (address: string): boolean => /^127\.\d+\.\d+\.\d+$/.test(address);
  if (!plan.callBack) {
    const addresses = config.trunks.flatMap((trunk) => trunk.addresses);
    return { callerAddress: addresses.find(isLoopback) ?? '127.0.0.2' };
  }
  const trunk = config.trunks.find(({ dial }) => dial !== undefined);
  if (trunk?.dial === undefined) {
    return 'No carrier takes calls of this hotline: name one under dial in hotline.yaml, or set DOZVON_TRUNK_DIAL.';
  }
  const { host, port } = trunk.dial;
  if (!isLoopback(host) || !trunk.addresses.includes(host)) {
    return `Call-backs go to ${host}:${port}, which is not where the test caller can be: DOZVON_TRUNK_DIAL must be a loopback address, and one of DOZVON_TRUNK_ADDRESSES.`;
  }
  return { callerAddress: host, callerPort: port };
}
