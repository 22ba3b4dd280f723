import { assertNever } from '../foundation/index.ts';
import type { EnqueueCommand } from './commands.ts';
import { ladderSteps } from './ladder.ts';
import type { EnqueueRequest, OfferFailure, RequirementClass, RequirementStep } from './ports.ts';
import { contactScore } from './ranking.ts';
import { requirementClass } from './requirement.ts';
import type { QueueSettings } from './settings.ts';

/** A queue's settings with its requirements made into classes. */
export interface QueuePlan {
  readonly settings: QueueSettings;
  readonly requirement: RequirementClass;
  readonly laterSteps: readonly RequirementStep[];
}

export function queuePlan(settings: QueueSettings): QueuePlan {
  return {
    settings,
    requirement: requirementClass(settings.requirement, settings.strategy),
    laterSteps: laterStepsOf(settings).map(({ afterMs, requirement, considerIf }) => ({
      afterMs,
      requirement: requirementClass(requirement, settings.strategy),
      ...(considerIf === undefined ? {} : { considerIf }),
    })),
  };
}

function laterStepsOf({ ladder, steps }: QueueSettings): ReturnType<typeof ladderSteps> {
  return ladder === undefined ? steps : ladderSteps(ladder);
}

/** What a contact needs in this queue and where it ranks; `headStartMs` is its own, on top of the queue's. */
export function placeIn(
  plan: QueuePlan,
  contact: { readonly enqueuedAtMs: number; readonly headStartMs: number },
): Pick<EnqueueRequest, 'queueId' | 'requirement' | 'considerIf' | 'laterSteps' | 'score' | 'headStartMs'> {
  const { settings, requirement, laterSteps } = plan;
  const headStartMs = settings.headStartMs + contact.headStartMs;
  const { answerTargetMs, considerIf } = settings;
  return {
    queueId: settings.id,
    requirement,
    ...(considerIf === undefined ? {} : { considerIf }),
    laterSteps,
    score: contactScore({ enqueuedAtMs: contact.enqueuedAtMs, answerTargetMs, headStartMs }),
    headStartMs,
  };
}

export function enqueueRequest(plan: QueuePlan, command: EnqueueCommand): EnqueueRequest {
  const { limits, preferredMs } = plan.settings;
  const {
    contactId,
    lineId,
    shard,
    medium = 'voice',
    kind,
    enqueuedAtMs,
    headStartMs = 0,
    preferredOperatorId,
  } = command;
  const length = limits.length?.most;
  return {
    contactId,
    lineId,
    shard,
    medium,
    ...(kind === undefined ? {} : { kind }),
    enqueuedAtMs,
    ...placeIn(plan, { enqueuedAtMs, headStartMs }),
    ...(preferredOperatorId === undefined || preferredMs === 0
      ? {}
      : { preferred: { operatorId: preferredOperatorId, forMs: preferredMs } }),
    // Who had a place already, or was promised a call-back, keeps it, whatever has become of the limits since.
    ...(command.keepsPlace === true || kind === 'callBack'
      ? {}
      : {
          limits: { ...(length === undefined ? {} : { length }), loggedIn: limits.nobodyLoggedIn !== undefined },
        }),
  };
}

/** For how long an operator is offered nothing after this. */
export function setAsideMsAfter(failure: OfferFailure, setAside: QueueSettings['setAside']): number {
  switch (failure) {
    case 'contactGone':
      return 0;
    case 'offerDeclined':
      return setAside.declinedMs;
    case 'operatorBusy':
      return setAside.busyMs;
    case 'offerUnanswered':
    // A phone that is registered and cannot be reached will not be reached a second later either.
    case 'operatorUnreachable':
      return setAside.unansweredMs;
    default:
      return assertNever(failure, 'offer failure');
  }
}
