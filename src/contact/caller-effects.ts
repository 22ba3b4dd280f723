import { assertNever, bySystem, type CommandMeta, type ContactId } from '../foundation/index.ts';
import { briefLook } from './brief-look.ts';
import type { ContactEffect } from './effects.ts';
import type { ContactEvent } from './events.ts';
import type { CallBackPort, RequestPort } from './room-ports.ts';
import type { ReturningCallers } from './store-ports.ts';

const callerEffects = [
  'closeRequest',
  'lookUpCaller',
  'promiseCallBack',
  'holdCallBack',
  'letGoCallBack',
  'cancelCallBack',
] as const;

/** What a caller was promised, now or earlier. */
export type CallerEffect = Extract<ContactEffect, { type: (typeof callerEffects)[number] }>;

export function isCallerEffect(effect: ContactEffect): effect is CallerEffect {
  return (callerEffects as readonly string[]).includes(effect.type);
}

interface CallerPorts {
  readonly callBacks: CallBackPort;
  readonly requests: RequestPort;
  readonly callers: ReturningCallers;
  readonly clock: { nowMs(): number };
}

/** Nobody waits for it: what is known later than this is of use to nobody, as other work of the lane comes first. */
const lookUpLimitMs = 1_000;

const meta = (reason: string): CommandMeta => bySystem('contact', reason);

export async function runCallerEffect(
  effect: CallerEffect,
  contactId: ContactId,
  ports: CallerPorts,
): Promise<readonly ContactEvent[]> {
  const { callBacks, requests, clock } = ports;
  switch (effect.type) {
    case 'closeRequest':
      await requests.closeUnworked({ caseId: effect.caseId, atMs: clock.nowMs() }, meta(effect.why));
      return [];
    case 'lookUpCaller':
      return await lookUp(effect, ports);
    case 'promiseCallBack': {
      const { type: _type, idempotencyKey, ...draft } = effect;
      const answer = await callBacks.promise({ ...draft, contactId }, meta('callBackPromised'));
      if (answer.outcome === 'refused') {
        const { why, nextAtMs } = answer;
        return [{ type: 'callBackRefused', idempotencyKey, why, ...(nextAtMs === undefined ? {} : { nextAtMs }) }];
      }
      const { callBackId, dueAtMs } = answer;
      const { queueId, placeMs } = draft;
      return [{ type: 'callBackPromised', idempotencyKey, callBackId, queueId, placeMs, dueAtMs }];
    }
    case 'holdCallBack': {
      const { callBackId } = effect;
      const outcome = await callBacks.hold(callBackId, contactId, meta('callerCameByHimself'));
      return [{ type: 'callBackHeld', callBackId, outcome }];
    }
    case 'letGoCallBack':
      await callBacks.letGo(effect.callBackId, contactId, meta('callerLeft'));
      return [];
    case 'cancelCallBack':
      await callBacks.cancel(effect.callBackId, { contactId, reason: effect.why }, meta(effect.why));
      return [];
    default:
      return assertNever(effect, 'caller effect');
  }
}

/** Nobody is kept waiting for it: with the database away or slow he is a caller like any other. */
async function lookUp(
  { ani, sinceMs }: Extract<CallerEffect, { type: 'lookUpCaller' }>,
  { callers }: CallerPorts,
): Promise<readonly ContactEvent[]> {
  const places = callers.earlierPlaces({ ani, sinceMs });
  const { callBacks = [], abandoned = [] } =
    (await briefLook(places, lookUpLimitMs, 'what is known of a caller')) ?? {};
  return callBacks.length + abandoned.length === 0 ? [] : [{ type: 'callerKnown', callBacks, abandoned }];
}
