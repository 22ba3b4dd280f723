import type {
  AttemptOutcome,
  CallBack,
  CallBackAttempt,
  CallBackState,
  PromiseAnswer,
  PromiseRefusal,
} from '../../src/callbacks/index.ts';
import type { CallBackPort } from '../../src/contact/index.ts';
import { type CallBackId, type Clock, type ContactId, newId } from '../../src/foundation/index.ts';

/** How long after a try that came to nothing the next is due, whatever its outcome. */
const retryMs = 20_000;

/** The room of call-backs in memory, with neither hours nor zones: who has a call-back, and what became of each attempt. */
export class FakeCallBacks implements CallBackPort {
  readonly #clock: Clock;
  readonly #kept = new Map<CallBackId, CallBack>();
  /** Lever: promises are refused. */
  refuses: PromiseRefusal | undefined;
  /** What callers on the line had done with each, in order. */
  readonly moves: { readonly callBackId: CallBackId; readonly move: string; readonly contactId?: ContactId }[] = [];
  /** Levers: no number may be dialled from now on; a claimed one may be dialled until then. */
  mayDial = true;
  untilMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  all(): readonly CallBack[] {
    return [...this.#kept.values()];
  }

  /** Lever: one that was promised before, and whose caller has gone: due now. */
  scheduled(number: string, placeMs: number, queueId = 'called', lineId = 'called'): CallBackId {
    const nowMs = this.#clock.nowMs();
    const callBackId = newId<CallBackId>('b', nowMs);
    this.#kept.set(callBackId, {
      ...{ callBackId, number, placeMs, queueId, lineId, topic: 'general', language: 'ru' },
      ...{ wish: { kind: 'soon' }, createdAtMs: placeMs, dueAtMs: nowMs, promisedDay: '2023-11-14' },
      ...{ state: 'scheduled', promisedBy: newId<ContactId>('c', nowMs), attempts: [] },
    });
    return callBackId;
  }

  get(callBackId: CallBackId): CallBack {
    const kept = this.#kept.get(callBackId);
    if (kept === undefined) throw new Error('expected a call-back that is known');
    return kept;
  }

  /** Those that somebody has to begin a contact for. */
  due(): readonly CallBackId[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#kept.values()]
      .filter(({ state, dueAtMs }) => state === 'scheduled' && dueAtMs <= nowMs)
      .map(({ callBackId }) => callBackId);
  }

  async promise(draft: Parameters<CallBackPort['promise']>[0]): Promise<PromiseAnswer> {
    if (this.refuses !== undefined) return { outcome: 'refused', why: this.refuses };
    const { contactId, number, queueId, lineId, ...wanted } = draft;
    const open = (await this.openOf(number)).find((one) => one.queueId === queueId);
    const callBackId = open?.callBackId ?? this.scheduled(number, draft.placeMs, queueId, lineId);
    const placeMs = Math.min(draft.placeMs, open?.placeMs ?? draft.placeMs);
    if (open?.state !== 'dialling') this.#change(callBackId, { ...wanted, placeMs, state: 'held', contactId });
    this.moves.push({ callBackId, move: open === undefined ? 'promised' : 'merged', contactId });
    return { outcome: 'promised', callBackId, dueAtMs: this.get(callBackId).dueAtMs, merged: open !== undefined };
  }

  async openOf(number: string): Promise<readonly CallBack[]> {
    const open: readonly CallBackState[] = ['held', 'scheduled', 'claimed', 'dialling'];
    return this.all().filter((one) => one.number === number && open.includes(one.state));
  }

  async hold(callBackId: CallBackId, contactId: ContactId): Promise<'held' | 'dialling' | 'over'> {
    const { state, contactId: holder } = this.get(callBackId);
    if (state === 'dialling') return 'dialling';
    const mayHold = state === 'scheduled' || state === 'claimed' || (state === 'held' && holder === contactId);
    if (!mayHold) return 'over';
    this.#change(callBackId, { state: 'held', contactId });
    this.moves.push({ callBackId, move: 'held', contactId });
    return 'held';
  }

  async letGo(callBackId: CallBackId, contactId: ContactId): Promise<void> {
    if (!this.#has(callBackId, contactId, 'held')) return;
    this.#free(callBackId, this.#clock.nowMs());
    this.moves.push({ callBackId, move: 'scheduled' });
  }

  async cancel(
    callBackId: CallBackId,
    by: { readonly contactId?: ContactId; readonly reason: string },
  ): Promise<'cancelled' | 'dialling' | 'over'> {
    const { state, contactId } = this.get(callBackId);
    if (state === 'dialling') return 'dialling';
    if (state === 'cancelled' || contactId !== by.contactId) return 'over';
    this.#change(callBackId, { state: 'cancelled', reason: by.reason });
    this.moves.push({ callBackId, move: 'cancelled' });
    return 'cancelled';
  }

  async claim(callBackId: CallBackId, contactId: ContactId): ReturnType<CallBackPort['claim']> {
    const until = this.untilMs === undefined ? {} : { untilMs: this.untilMs };
    if (this.#has(callBackId, contactId, 'claimed'))
      return { outcome: 'claimed', callBack: this.get(callBackId), ...until };
    const { state, dueAtMs } = this.get(callBackId);
    if (state === 'claimed' || state === 'held' || state === 'dialling') return { outcome: 'taken' };
    if (state !== 'scheduled') return { outcome: 'over' };
    if (dueAtMs > this.#clock.nowMs()) return { outcome: 'notNow' };
    this.#change(callBackId, { state: 'claimed', contactId });
    return { outcome: 'claimed', callBack: this.get(callBackId), ...until };
  }

  async postpone(callBackId: CallBackId, contactId: ContactId): Promise<void> {
    if (this.#has(callBackId, contactId, 'claimed')) this.#free(callBackId, this.#clock.nowMs() + retryMs);
  }

  async beginAttempt(callBackId: CallBackId, contactId: ContactId): ReturnType<CallBackPort['beginAttempt']> {
    const { attempts } = this.get(callBackId);
    if (this.#has(callBackId, contactId, 'dialling')) return { outcome: 'begun', attempt: attempts.length };
    if (!this.#has(callBackId, contactId, 'claimed')) return { outcome: 'notClaimed' };
    if (!this.mayDial) {
      await this.postpone(callBackId, contactId);
      return { outcome: 'mayNotDial' };
    }
    const attempt: CallBackAttempt = {
      number: attempts.length + 1,
      contactId,
      startedAtMs: this.#clock.nowMs(),
    };
    this.#change(callBackId, { state: 'dialling', attempts: [...attempts, attempt] });
    return { outcome: 'begun', attempt: attempt.number };
  }

  async endAttempt(
    callBackId: CallBackId,
    contactId: ContactId,
    outcome: AttemptOutcome,
  ): ReturnType<CallBackPort['endAttempt']> {
    if (!this.#has(callBackId, contactId, 'dialling')) return 'notDialling';
    const nowMs = this.#clock.nowMs();
    const attempts = this.get(callBackId).attempts.map((one) =>
      one.contactId === contactId ? { ...one, endedAtMs: nowMs, outcome } : one,
    );
    this.#change(callBackId, { attempts });
    if (outcome === 'reached') this.#change(callBackId, { state: 'done' });
    else this.#free(callBackId, nowMs + retryMs);
    return outcome === 'reached' ? 'done' : 'scheduled';
  }

  #has(callBackId: CallBackId, contactId: ContactId, state: CallBackState): boolean {
    const kept = this.get(callBackId);
    return kept.state === state && kept.contactId === contactId;
  }

  #free(callBackId: CallBackId, dueAtMs: number): void {
    const { contactId: _free, ...rest } = this.get(callBackId);
    this.#kept.set(callBackId, { ...rest, state: 'scheduled', dueAtMs });
  }

  #change(callBackId: CallBackId, change: Partial<CallBack>): void {
    this.#kept.set(callBackId, { ...this.get(callBackId), ...change });
  }
}
