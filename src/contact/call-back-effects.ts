import { assertNever, bySystem, type ContactId } from '../foundation/index.ts';
import type { ContactEffect } from './effects.ts';
import type { ContactEvent } from './events.ts';
import type { CallBackPort } from './room-ports.ts';

const callBackEffects = ['claimCallBack', 'beginAttempt', 'endAttempt', 'postponeCallBack'] as const;

/** What a contact that calls somebody back asks of the room of call-backs. */
export type CallBackEffect = Extract<ContactEffect, { type: (typeof callBackEffects)[number] }>;

export function isCallBackEffect(effect: ContactEffect): effect is CallBackEffect {
  return callBackEffects.some((type) => type === effect.type);
}

/** Errors: `DATABASE_UNAVAILABLE`. */
export async function runCallBackEffect(
  effect: CallBackEffect,
  contactId: ContactId,
  callBacks: CallBackPort,
): Promise<readonly ContactEvent[]> {
  const { callBackId } = effect;
  switch (effect.type) {
    case 'claimCallBack': {
      const claim = await callBacks.claim(callBackId, contactId);
      if (claim.outcome !== 'claimed') return [{ type: 'callBackNotClaimed' }];
      const { callBack, untilMs } = claim;
      return [{ type: 'callBackClaimed', callBack, ...(untilMs === undefined ? {} : { untilMs }) }];
    }
    case 'beginAttempt': {
      const begun = await callBacks.beginAttempt(callBackId, contactId);
      if (begun.outcome === 'begun') return [{ type: 'attemptBegun', attempt: begun.attempt }];
      return [{ type: 'attemptRefused', why: begun.outcome }];
    }
    case 'endAttempt':
      // Also when it is dialled by this contact no more: a repeat finds what it has done the first time.
      await callBacks.endAttempt(callBackId, contactId, effect.outcome, bySystem('contact', effect.outcome));
      return [];
    case 'postponeCallBack':
      await callBacks.postpone(callBackId, contactId);
      return [];
    default:
      return assertNever(effect, 'effect of a call-back');
  }
}
