import {
  bySystem,
  type CallBackId,
  type Clock,
  type CommandMeta,
  type ContactId,
  type Logger,
  messageOf,
  secondMs,
} from '../foundation/index.ts';
import { retryDelayMs } from './attempts.ts';
import { type DiallingVerdict, mayDial } from './dialling-window.ts';
import { canBeCalled, createNumberPlaces, type NumberPlace, type NumberZones } from './number-places.ts';
import type { AttemptOutcome, CallBack, CallBackRepository } from './ports.ts';
import { daysFor, firstInstant, type WishVerdict } from './promised-day.ts';
import type { CallBackService, CallBackSurroundings, PromiseAnswer } from './service.ts';
import type { CallBackSettings } from './settings.ts';

export interface CallBackParts {
  readonly repository: CallBackRepository;
  readonly surroundings: CallBackSurroundings;
  /** By queue; a queue that is not named has no call-backs. */
  readonly settings: Readonly<Record<string, CallBackSettings>>;
  readonly zones: NumberZones;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A queue that has lost one is not asked at once again: whatever kept it may need a while. */
const postponedMs = 30 * secondMs;
/** More than this are not waiting to be called at any time; those due later are planned by a later reconciliation. */
const mostPlanned = 10_000;

export function createCallBackService(parts: CallBackParts): CallBackService {
  const { repository, clock } = parts;
  const planning = planningOf(parts);

  const cancel: CallBackService['cancel'] = async (callBackId, by, meta) => {
    const answer = await repository.cancel(callBackId, { ...by, meta, nowMs: clock.nowMs() });
    if (answer.outcome === 'cancelled' && answer.was !== undefined) await planning.withdraw(answer.was, meta);
    return answer.outcome;
  };

  return {
    promise: (draft, meta, requestKey) => promise(parts, planning, draft, { meta, requestKey }),
    openOf: (number) => repository.openOf(number),
    async hold(callBackId, contactId, meta) {
      const answer = await repository.hold(callBackId, contactId, clock.nowMs());
      if (answer.outcome === 'held' && answer.was !== undefined) await planning.withdraw(answer.was, meta);
      return answer.outcome;
    },
    async letGo(callBackId, contactId) {
      const callBack = await repository.get(callBackId);
      if (callBack === undefined) return;
      const dueAtMs = planning.soonest(callBack, clock.nowMs());
      if ((await repository.letGo(callBackId, contactId, dueAtMs)) === 'scheduled') await planning.planAnew(callBackId);
    },
    cancel,
    claim: (callBackId, contactId) => claim(parts, planning, callBackId, contactId),
    async postpone(callBackId, contactId) {
      const callBack = await repository.get(callBackId);
      if (callBack === undefined) return;
      await planning.postpone(callBack, contactId, planning.soonest(callBack, clock.nowMs() + postponedMs));
    },
    async beginAttempt(callBackId, contactId) {
      const nowMs = clock.nowMs();
      const callBack = await repository.get(callBackId);
      if (callBack?.state === 'claimed' && callBack.contactId === contactId) {
        if (!planning.verdict(callBack, nowMs).may) {
          await planning.postpone(callBack, contactId, planning.soonest(callBack, nowMs));
          return { outcome: 'mayNotDial' };
        }
      }
      return await repository.beginAttempt(callBackId, contactId, nowMs);
    },
    endAttempt: (callBackId, contactId, outcome, meta) =>
      endAttempt(parts, planning, { callBackId, contactId, outcome, meta }),
    due: (callBackId) => due(parts, planning, callBackId),
    reconcile: (isLive) => reconcile(parts, planning, isLive),
  };
}

/** What several verbs do with times. */
interface Planning {
  placeOf(callBack: Pick<CallBack, 'number' | 'utcOffsetMinutes'>): NumberPlace;
  verdict(callBack: CallBack, atMs: number): DiallingVerdict;
  /** The first instant from `fromMs` at which it may be dialled; when there is none it is due at once, and the claim finds that out. */
  soonest(callBack: CallBack, fromMs: number): number;
  plan(callBackId: CallBackId, dueAtMs: number): Promise<void>;
  /** As the repository has it now. */
  planAnew(callBackId: CallBackId): Promise<void>;
  postpone(callBack: CallBack, contactId: ContactId, dueAtMs: number): Promise<void>;
  withdraw(contactId: ContactId, meta: CommandMeta): Promise<void>;
}

function planningOf({ repository, surroundings, zones, logger }: CallBackParts): Planning {
  const places = createNumberPlaces(zones);
  const placeOf: Planning['placeOf'] = ({ number, utcOffsetMinutes }) => places.placeOf(number, utcOffsetMinutes);
  const verdict: Planning['verdict'] = (callBack, atMs) => {
    const aheadMs = callBack.hoursAheadMs ?? 0;
    const asked = mayDial(placeOf(callBack), (at) => surroundings.lineHours(callBack.lineId, at), atMs + aheadMs);
    if (asked.may) return { may: true, untilMs: asked.untilMs - aheadMs };
    return asked.nextMs === undefined ? asked : { may: false, nextMs: asked.nextMs - aheadMs };
  };
  const plan: Planning['plan'] = async (callBackId, dueAtMs) => {
    // What is due is committed: a plan that is lost is made by the next reconciliation.
    await surroundings.plan(callBackId, dueAtMs).catch((error: unknown) => {
      logger.warn({ callBackId, reason: messageOf(error) }, 'A call-back could not be planned');
    });
  };
  return {
    placeOf,
    verdict,
    soonest: (callBack, fromMs) => firstInstant(verdict(callBack, fromMs), fromMs) ?? fromMs,
    plan,
    async planAnew(callBackId) {
      const callBack = await repository.get(callBackId);
      if (callBack?.state === 'scheduled') await plan(callBackId, callBack.dueAtMs);
    },
    async postpone({ callBackId }, contactId, dueAtMs) {
      if ((await repository.postpone(callBackId, contactId, dueAtMs)) === 'scheduled') await plan(callBackId, dueAtMs);
    },
    async withdraw(contactId, meta) {
      // Left in the queue it would find out when it wants to begin an attempt.
      await surroundings.withdraw(contactId, meta).catch((error: unknown) => {
        logger.warn({ contactId, reason: messageOf(error) }, 'The contact of a call-back could not be withdrawn');
      });
    },
  };
}

async function promise(
  { repository, surroundings, settings, clock }: CallBackParts,
  planning: Planning,
  draft: Parameters<CallBackService['promise']>[0],
  { meta, requestKey }: { readonly meta: CommandMeta; readonly requestKey: string | undefined },
): Promise<PromiseAnswer> {
  if (!canBeCalled(draft.number)) return { outcome: 'refused', why: 'noNumber' };
  const queue = settings[draft.queueId];
  if (queue === undefined) return { outcome: 'refused', why: 'noRoom' };
  const nowMs = clock.nowMs();
  const { wish, hoursAheadMs: aheadMs = 0 } = draft;
  const asked = daysFor({
    wish: wish.kind === 'at' ? { ...wish, atMs: wish.atMs + aheadMs } : wish,
    place: planning.placeOf(draft),
    nowMs: nowMs + aheadMs,
    hours: (atMs) => surroundings.lineHours(draft.lineId, atMs),
    room: await surroundings.room(draft.queueId, nowMs + aheadMs),
    withinDays: queue.withinDays,
  });
  const verdict = aheadMs === 0 ? asked : earlier(asked, aheadMs);
  const refusal = 'why' in verdict ? verdict : undefined;
  if (refusal !== undefined && requestKey === undefined) return { outcome: 'refused', ...refusal };
  const answer = await repository.promise(
    { ...draft, createdAtMs: nowMs },
    { room: 'days' in verdict ? verdict.days : [], meta, ...(requestKey === undefined ? {} : { requestKey }) },
  );
  if (answer.outcome === 'noRoom') return { outcome: 'refused', ...(refusal ?? { why: 'noRoom' }) };
  const { callBack, merged, was } = answer;
  if (was !== undefined) await planning.withdraw(was, meta);
  return { outcome: 'promised', callBackId: callBack.callBackId, dueAtMs: callBack.dueAtMs, merged };
}

/** What was found for a test call's instant, by the clock. */
function earlier(verdict: WishVerdict, byMs: number): WishVerdict {
  if ('days' in verdict) return { days: verdict.days.map((day) => ({ ...day, dueAtMs: day.dueAtMs - byMs })) };
  return verdict.nextAtMs === undefined ? verdict : { ...verdict, nextAtMs: verdict.nextAtMs - byMs };
}

async function claim(
  parts: CallBackParts,
  planning: Planning,
  callBackId: CallBackId,
  contactId: ContactId,
): ReturnType<CallBackService['claim']> {
  const { repository, clock } = parts;
  const nowMs = clock.nowMs();
  const answer = await repository.claim(callBackId, contactId, nowMs);
  if (answer.outcome === 'notDue') {
    await planning.planAnew(callBackId);
    return { outcome: 'notNow' };
  }
  if (answer.outcome !== 'claimed') return { outcome: answer.outcome };
  const { callBack } = answer;
  const verdict = planning.verdict(callBack, nowMs);
  if (verdict.may) return { outcome: 'claimed', callBack, untilMs: verdict.untilMs };
  if (verdict.nextMs === undefined) {
    await giveUp(parts, callBack, contactId);
    return { outcome: 'over' };
  }
  await planning.postpone(callBack, contactId, verdict.nextMs);
  return { outcome: 'notNow' };
}

/** There is no hour within a fortnight at which it may be dialled: people take over. */
async function giveUp(
  { repository, surroundings, clock }: CallBackParts,
  callBack: CallBack,
  contactId: ContactId,
): Promise<void> {
  const meta = bySystem('callbacks', 'noHourToDial');
  await surroundings.registerRequest(callBack, meta);
  await repository.cancel(callBack.callBackId, { contactId, reason: meta.reason, meta, nowMs: clock.nowMs() });
}

async function endAttempt(
  { repository, surroundings, settings, clock }: CallBackParts,
  planning: Planning,
  end: {
    readonly callBackId: CallBackId;
    readonly contactId: ContactId;
    readonly outcome: AttemptOutcome;
    readonly meta: CommandMeta;
  },
): ReturnType<CallBackService['endAttempt']> {
  const { callBackId, contactId, outcome, meta } = end;
  const nowMs = clock.nowMs();
  const callBack = await repository.get(callBackId);
  const queue = callBack && settings[callBack.queueId];
  if (outcome === 'reached' || callBack?.state !== 'dialling' || callBack.contactId !== contactId) {
    return await repository.endAttempt(callBackId, contactId, { outcome, nowMs });
  }
  const delayMs = queue && retryDelayMs(outcome, callBack.attempts.length, queue);
  const retryAtMs =
    delayMs === undefined ? undefined : firstInstant(planning.verdict(callBack, nowMs + delayMs), nowMs + delayMs);
  // Before it is over: dying in between would lose the request, and the other way round it is registered once all the same.
  if (retryAtMs === undefined) await surroundings.registerRequest(callBack, meta);
  const became = await repository.endAttempt(callBackId, contactId, {
    outcome,
    nowMs,
    ...(retryAtMs === undefined ? {} : { retryAtMs }),
  });
  if (became === 'scheduled' && retryAtMs !== undefined) await planning.plan(callBackId, retryAtMs);
  return became;
}

async function due(parts: CallBackParts, planning: Planning, callBackId: CallBackId): Promise<void> {
  const { repository, surroundings, settings, clock } = parts;
  const found = await repository.get(callBackId);
  if (found?.state !== 'scheduled') return;
  const nowMs = clock.nowMs();
  const spreadMs = settings[found.queueId]?.spreadMs ?? 0;
  if (spreadMs > 0 && found.dueAtMs <= nowMs && opensThen(planning, found)) {
    await repository.spread(found.queueId, found.dueAtMs, spreadMs);
  }
  const callBack = await repository.get(callBackId);
  if (callBack?.state !== 'scheduled') return;
  if (callBack.dueAtMs > nowMs) return await planning.plan(callBackId, callBack.dueAtMs);
  const verdict = planning.verdict(callBack, nowMs);
  if (!verdict.may && verdict.nextMs !== undefined) return await planning.plan(callBackId, verdict.nextMs);
  await surroundings.begin(callBackId);
}

/** Those of a night are due at the instant from which they may be dialled, all at once. */
function opensThen(planning: Planning, callBack: CallBack): boolean {
  const { dueAtMs, wish } = callBack;
  return wish.kind !== 'at' && planning.verdict(callBack, dueAtMs).may && !planning.verdict(callBack, dueAtMs - 1).may;
}

async function reconcile(
  parts: CallBackParts,
  planning: Planning,
  isLive: (contactId: ContactId) => Promise<boolean>,
): Promise<void> {
  const { repository, clock } = parts;
  const meta = bySystem('callbacks', 'contactGone');
  for (const { callBackId, contactId } of await repository.owned()) {
    if (await isLive(contactId)) continue;
    const callBack = await repository.get(callBackId);
    if (callBack?.contactId !== contactId) continue;
    const dueAtMs = planning.soonest(callBack, clock.nowMs());
    if (callBack.state === 'held') await repository.letGo(callBackId, contactId, dueAtMs);
    if (callBack.state === 'claimed') await repository.postpone(callBackId, contactId, dueAtMs);
    if (callBack.state === 'dialling') {
      await endAttempt(parts, planning, { callBackId, contactId, outcome: 'unknown', meta });
    }
  }
  for (const { callBackId, dueAtMs } of await repository.scheduled(mostPlanned)) {
    await planning.plan(callBackId, dueAtMs);
  }
}
