import { type AcdService, type CallBackOffers, CallBackPlan, type LoadHistory } from './acd/index.ts';
import type { CallBackApi } from './api/index.ts';
import { lineHours, queueHours } from './app-hours.ts';
import {
  type CallBack,
  type CallBackRepository,
  type CallBackService,
  type CallBackSettings,
  type CallBackSurroundings,
  createCallBackService,
} from './callbacks/index.ts';
import type { CaseService } from './cases/index.ts';
import type { HotlineConfig } from './config/index.ts';
import {
  type CallBackId,
  type Clock,
  type CommandMeta,
  type ContactId,
  DozvonError,
  type Logger,
  madeAtMs,
  secondMs,
} from './foundation/index.ts';
import type { CallBackTimes, DueJobs } from './store/jobs/index.ts';

export type CallBackSheet = Readonly<Record<string, CallBackSettings>>;

export interface CallBacksOptions {
  readonly config: HotlineConfig;
  readonly repository: CallBackRepository;
  readonly acd: AcdService;
  readonly requests: CaseService;
  readonly history: LoadHistory;
  /** The room's own unless said otherwise. */
  readonly createService?: typeof createCallBackService;
  /** Contacts that some process has, by the stored states of all shards. */
  readonly liveContacts: () => Promise<ReadonlySet<string>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the room of call-backs is handed when everything has been made: it is part of what these need. */
export interface CallBackHands {
  readonly contacts: { beginCallBack(callBackId: CallBackId): Promise<void> };
  readonly jobs: Pick<DueJobs, 'planCallBack'>;
}

export interface CallBacks {
  readonly service: CallBackService;
  readonly plan: CallBackPlan;
  /** For the jobs. */
  readonly times: CallBackTimes;
  /** Before the jobs are started. */
  hand(hands: CallBackHands): void;
}

/** A contact is saved within ten seconds of its making, or goes on unsaved; younger ones are never taken for dead. */
const unsavedMs = 30 * secondMs;

/** For the queue's service: which queues call back, and for how long the offers of their call-backs last. */
export function callBackOffers(sheet: CallBackSheet): Readonly<Record<string, CallBackOffers>> {
  return Object.fromEntries(
    Object.entries(sheet).map(([queueId, { mode, ringTimeoutMs }]) => [
      queueId,
      mode === 'callerFirst' ? { callerRingMs: ringTimeoutMs } : {},
    ]),
  );
}

/** The room of call-backs with all that it needs of the house, and the plan by which they share the operators. */
export function composeCallBacks(options: CallBacksOptions): CallBacks {
  const { config, repository, acd, history, createService = createCallBackService, clock, logger } = options;
  const { callBacks: settings, numberZones: zones } = config;
  const plan = new CallBackPlan({
    acd,
    queues: config.queues,
    operators: config.operators,
    planned: settings,
    hours: queueHours(config),
    history,
    promised: () => repository.promised(),
    clock,
    logger,
  });
  let hands: CallBackHands | undefined;
  const surroundings: CallBackSurroundings = {
    lineHours: (lineId, atMs) => lineHours(config, lineId, atMs),
    room: (queueId, nowMs) => plan.room(queueId, nowMs),
    // Planned before the jobs are there it is found by the reconciliation with which they start.
    plan: async (callBackId, dueAtMs) => await hands?.jobs.planCallBack(callBackId, dueAtMs),
    withdraw: async (contactId, meta) => void (await acd.withdraw(contactId, meta, 'tellOwner')),
    begin: async (callBackId) => {
      if (hands === undefined) throw new DozvonError('NO_SHARD', 'expected shards, the service has not started yet');
      await hands.contacts.beginCallBack(callBackId);
    },
    registerRequest: (callBack, meta) => registerRequest(options, callBack, meta),
  };
  const service = createService({ repository, surroundings, settings, zones, clock, logger });
  return {
    service,
    plan,
    times: {
      due: (callBackId) => service.due(callBackId),
      reconcile: (extent) => service.reconcile(extent === 'all' ? liveness(options) : async () => true),
    },
    hand: (given) => {
      hands = given;
    },
  };
}

/** Asked only once the owned call-backs have been read: a contact made in between must count as live. */
function liveness({ liveContacts, clock }: CallBacksOptions): (contactId: ContactId) => Promise<boolean> {
  let live: Promise<ReadonlySet<string>> | undefined;
  return async (contactId) => {
    const ageMs = clock.nowMs() - (madeAtMs(contactId) ?? 0);
    if (Math.abs(ageMs) < unsavedMs) return true;
    live ??= liveContacts();
    return (await live).has(contactId);
  };
}

async function registerRequest(
  { requests, clock }: CallBacksOptions,
  callBack: CallBack,
  meta: CommandMeta,
): Promise<void> {
  const { callBackId, promisedBy, lineId, topic, language, number, caseId } = callBack;
  // It was made of one, and that stands.
  if (caseId !== undefined) return;
  await requests.storeRequest(
    {
      ...{ contactId: promisedBy, lineId, topic, language, callBackNumber: number },
      createdAtMs: clock.nowMs(),
      // The same call-back given up again is the same request.
      idempotencyKey: callBackId,
    },
    meta,
  );
}

/** What the API shows and does of it. */
export function apiOf(
  { service, plan }: CallBacks,
  repository: CallBackRepository,
  { lines }: Pick<HotlineConfig, 'lines'>,
): CallBackApi {
  return {
    promise: (draft, meta, requestKey) => service.promise(draft, meta, requestKey),
    answered: (requestKey) => repository.answered(requestKey),
    letGo: (callBackId, contactId, meta) => service.letGo(callBackId, contactId, meta),
    cancel: (callBackId, by, meta) => service.cancel(callBackId, by, meta),
    get: (callBackId) => repository.get(callBackId),
    list: (filter) => repository.list(filter),
    outlooks: () => plan.outlooks(),
    line: (lineId) => {
      const line = lines.find(({ id }) => id === lineId);
      return line && { queueId: line.defaultQueueId, topic: line.entryTopic, language: line.languages[0] };
    },
  };
}
