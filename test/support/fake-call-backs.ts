import type { CallBack, PromiseAnswer, PromiseRefusal } from '../../src/callbacks/index.ts';
import type { CallBackPort } from '../../src/contact/index.ts';
import { type CallBackId, type Clock, type ContactId, newId } from '../../src/foundation/index.ts';

type Change = Partial<Pick<CallBack, 'state' | 'reason'>>;

/** The promising side of the room of call-backs, in memory. */
export class FakeCallBacks implements CallBackPort {
  readonly #clock: Clock;
  readonly #byId = new Map<CallBackId, CallBack>();
  /** Lever: promises are refused. */
  refuses: PromiseRefusal | undefined;
  /** What was done with each, in order. */
  readonly moves: { readonly callBackId: CallBackId; readonly move: string; readonly contactId?: ContactId }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  all(): readonly CallBack[] {
    return [...this.#byId.values()];
  }

  /** One that was promised before, and waits to be dialled. */
  scheduled(number: string, placeMs: number, queueId = 'called'): CallBackId {
    const callBackId = newId<CallBackId>('b', this.#clock.nowMs());
    this.#byId.set(callBackId, {
      ...{ callBackId, number, placeMs, queueId, lineId: 'called', topic: 'called', language: 'ru' },
      ...{ wish: { kind: 'soon' }, createdAtMs: placeMs, dueAtMs: placeMs, promisedDay: '2023-11-14' },
      ...{ state: 'scheduled', promisedBy: 'c1' as ContactId, attempts: [] },
    });
    return callBackId;
  }

  async promise(draft: Parameters<CallBackPort['promise']>[0]): Promise<PromiseAnswer> {
    if (this.refuses !== undefined) return { outcome: 'refused', why: this.refuses };
    const { contactId, ...rest } = draft;
    const dueAtMs = this.#clock.nowMs();
    const open = (await this.openOf(draft.number)).find(({ queueId }) => queueId === draft.queueId);
    const callBackId = open?.callBackId ?? newId<CallBackId>('b', dueAtMs);
    this.#byId.set(callBackId, {
      ...rest,
      ...{ callBackId, contactId, state: 'held', promisedBy: open?.promisedBy ?? contactId, createdAtMs: dueAtMs },
      ...{ placeMs: Math.min(draft.placeMs, open?.placeMs ?? draft.placeMs), dueAtMs, promisedDay: '2023-11-14' },
      attempts: [],
    });
    this.moves.push({ callBackId, move: open === undefined ? 'promised' : 'merged', contactId });
    return { outcome: 'promised', callBackId, dueAtMs, merged: open !== undefined };
  }

  async openOf(number: string): Promise<readonly CallBack[]> {
    const open = ['held', 'scheduled', 'claimed', 'dialling'];
    return this.all().filter((one) => one.number === number && open.includes(one.state));
  }

  async hold(callBackId: CallBackId, contactId: ContactId): Promise<'held' | 'dialling' | 'over'> {
    const known = this.#byId.get(callBackId);
    if (known?.state === 'dialling') return 'dialling';
    const mayHold =
      known?.state === 'scheduled' ||
      known?.state === 'claimed' ||
      (known?.state === 'held' && known.contactId === contactId);
    if (!mayHold) return 'over';
    this.#change(known, { state: 'held' }, contactId);
    return 'held';
  }

  async letGo(callBackId: CallBackId, contactId: ContactId): Promise<void> {
    const known = this.#byId.get(callBackId);
    if (known?.state === 'held' && known.contactId === contactId) this.#change(known, { state: 'scheduled' });
  }

  async cancel(
    callBackId: CallBackId,
    by: { readonly contactId?: ContactId; readonly reason: string },
  ): Promise<'cancelled' | 'dialling' | 'over'> {
    const known = this.#byId.get(callBackId);
    if (known?.state === 'dialling') return 'dialling';
    if (known === undefined || known.state === 'cancelled' || known.contactId !== by.contactId) return 'over';
    this.#change(known, { state: 'cancelled', reason: by.reason });
    return 'cancelled';
  }

  async claim(): Promise<{ readonly outcome: 'over' }> {
    return { outcome: 'over' };
  }

  async postpone(): Promise<void> {}

  async beginAttempt(): Promise<{ readonly outcome: 'notClaimed' }> {
    return { outcome: 'notClaimed' };
  }

  async endAttempt(): Promise<'notDialling'> {
    return 'notDialling';
  }

  #change(known: CallBack, change: Change, holder?: ContactId): void {
    const { contactId: _before, ...rest } = known;
    const { callBackId } = known;
    this.#byId.set(callBackId, { ...rest, ...change, ...(holder === undefined ? {} : { contactId: holder }) });
    const move = change.state ?? '';
    this.moves.push({ callBackId, move, ...(holder === undefined ? {} : { contactId: holder }) });
  }
}
