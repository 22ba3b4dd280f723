import {
  type CallBack,
  type CallBackRepository,
  type CallBackService,
  type CallBackSettings,
  createCallBackService,
  type PromiseAnswer,
  type PromiseRefusal,
} from '../../src/callbacks/index.ts';
import type { CallBackPort } from '../../src/contact/index.ts';
import {
  bySystem,
  type CallBackId,
  type Clock,
  type CommandMeta,
  type ContactId,
  dayMs,
  newId,
  secondMs,
  silentLogger,
} from '../../src/foundation/index.ts';
import { createMemoryCallBackRepository } from '../../src/store/memory/call-back-repository.ts';
import { testRules } from './contact-rules.ts';

const meta = bySystem('test', 'test');

/** Where it is morning when a world begins, and stays day for the twelve hours that follow. */
const zones = { countries: { RU: ['Asia/Kamchatka'] }, areas: [] };

/** What is due and could not be begun is looked at again so much later, as a job queue does. */
const lookAgainMs = secondMs;

export interface CallBackWorld {
  readonly clock: Clock;
  /** Makes a contact, in whatever process lives; rejects when none can. */
  readonly begin: (callBackId: CallBackId) => Promise<void>;
  readonly withdraw: (contactId: ContactId) => Promise<void>;
}

/** The room of call-backs, with its own rules over the twin of its store; what surrounds it is made up, with levers. */
export class FakeCallBacks implements CallBackPort {
  readonly #clock: Clock;
  readonly #repository: CallBackRepository;
  readonly #service: CallBackService;
  /** As the repository has them, to be looked at without waiting. */
  readonly #kept = new Map<CallBackId, CallBack>();
  /** Lever: promises are refused. */
  refuses: PromiseRefusal | undefined;
  /** Lever: no operators are there in this stretch; those of the other hours always are. */
  away: { readonly fromMs: number; readonly toMs: number } | undefined;
  /** Lever: whether what is due is looked at, as a job queue does. */
  looks = true;
  /** Call-backs that were given up, for each of which a request was registered. */
  readonly requests = new Set<CallBackId>();

  constructor({ clock, begin, withdraw }: CallBackWorld) {
    this.#clock = clock;
    this.#repository = this.#mirrored(createMemoryCallBackRepository());
    this.#service = createCallBackService({
      repository: this.#repository,
      surroundings: {
        lineHours: (_lineId, atMs) => ({ ...this.#hours(atMs), day: dayOf(atMs) }),
        room: async (_queueId, nowMs) => [0, 1, 2].map((ahead) => roomOf(nowMs, nowMs + ahead * dayMs)),
        plan: async (callBackId, dueAtMs) => this.#look(callBackId, dueAtMs),
        withdraw,
        begin,
        registerRequest: async ({ callBackId }) => void this.requests.add(callBackId),
      },
      settings: Object.fromEntries(
        ['called', 'operator-first', 'caller-first'].map((queueId) => [queueId, settingsOf(queueId)]),
      ),
      zones,
      clock,
      logger: silentLogger,
    });
  }

  all(): readonly CallBack[] {
    return [...this.#kept.values()];
  }

  get(callBackId: CallBackId): CallBack {
    const kept = this.#kept.get(callBackId);
    if (kept === undefined) throw new Error('expected a call-back that is known');
    return kept;
  }

  /** Lever: one that was promised before, and whose caller has gone: due now. */
  async scheduled(number: string, placeMs: number, queueId = 'called', lineId = 'called'): Promise<CallBackId> {
    const nowMs = this.#clock.nowMs();
    const contactId = newId<ContactId>('c', nowMs);
    const draft = { contactId, number, placeMs, queueId, lineId, topic: 'general', language: 'ru' } as const;
    const promised = await this.#repository.promise(
      { ...draft, wish: { kind: 'soon' }, createdAtMs: placeMs },
      { room: [roomOf(nowMs, nowMs)], meta },
    );
    if (promised.outcome !== 'promised') throw new Error('expected room for a call-back');
    const { callBackId } = promised.callBack;
    await this.#service.letGo(callBackId, contactId, meta);
    return callBackId;
  }

  async promise(draft: Parameters<CallBackPort['promise']>[0], by: CommandMeta): Promise<PromiseAnswer> {
    return this.refuses === undefined
      ? await this.#service.promise(draft, by)
      : { outcome: 'refused', why: this.refuses };
  }

  openOf(number: string): ReturnType<CallBackService['openOf']> {
    return this.#service.openOf(number);
  }

  hold(callBackId: CallBackId, contactId: ContactId, by: CommandMeta): ReturnType<CallBackPort['hold']> {
    return this.#service.hold(callBackId, contactId, by);
  }

  letGo(callBackId: CallBackId, contactId: ContactId, by: CommandMeta): ReturnType<CallBackPort['letGo']> {
    return this.#service.letGo(callBackId, contactId, by);
  }

  cancel(...asked: Parameters<CallBackPort['cancel']>): ReturnType<CallBackPort['cancel']> {
    return this.#service.cancel(...asked);
  }

  claim(callBackId: CallBackId, contactId: ContactId): ReturnType<CallBackPort['claim']> {
    return this.#service.claim(callBackId, contactId);
  }

  postpone(callBackId: CallBackId, contactId: ContactId): ReturnType<CallBackPort['postpone']> {
    return this.#service.postpone(callBackId, contactId);
  }

  beginAttempt(callBackId: CallBackId, contactId: ContactId): ReturnType<CallBackPort['beginAttempt']> {
    return this.#service.beginAttempt(callBackId, contactId);
  }

  endAttempt(...asked: Parameters<CallBackPort['endAttempt']>): ReturnType<CallBackPort['endAttempt']> {
    return this.#service.endAttempt(...asked);
  }

  #hours(atMs: number): { readonly open: boolean; readonly untilMs?: number; readonly nextMs?: number } {
    const { away } = this;
    if (away === undefined || atMs >= away.toMs) return { open: true };
    return atMs < away.fromMs ? { open: true, untilMs: away.fromMs } : { open: false, nextMs: away.toMs };
  }

  /** What the job queue does; a contact that was never begun, or not saved, leaves it scheduled. */
  #look(callBackId: CallBackId, atMs: number): void {
    this.#clock.setTimer(atMs, () => {
      const { state, dueAtMs } = this.get(callBackId);
      const nowMs = this.#clock.nowMs();
      if (state !== 'scheduled' || dueAtMs > nowMs) return;
      if (this.looks) this.#service.due(callBackId).catch(() => undefined);
      this.#look(callBackId, nowMs + lookAgainMs);
    });
  }

  #mirrored(repository: CallBackRepository): CallBackRepository {
    return new Proxy(repository, {
      get: (object, name: keyof CallBackRepository) => {
        const verb = object[name].bind(object) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          const answer = await verb(...args);
          const all = await object.list({ limit: Number.POSITIVE_INFINITY });
          for (const callBack of all) this.#kept.set(callBack.callBackId, callBack);
          return answer;
        };
      },
    });
  }
}

const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

function roomOf(nowMs: number, atMs: number) {
  return { day: dayOf(atMs), most: 1_000, dueAtMs: dayOf(atMs) === dayOf(nowMs) ? nowMs : Date.parse(dayOf(atMs)) };
}

function settingsOf(queueId: string): CallBackSettings {
  const settings = testRules.queue(queueId)?.callBacks;
  if (settings === undefined) throw new Error(`expected a queue whose callers are called back, got ${queueId}`);
  return settings;
}
