import type { Test } from 'tap';
import type { ApiEvent } from '../../src/cli/api-client.ts';
import { asksForKeys } from '../../src/cli/call-story.ts';
import { ContactWatch } from '../../src/cli/contact-watch.ts';
import { Changes } from '../../src/foundation/index.ts';
import type { CallRequest, Phone, PhoneBehaviour, PhoneLeg } from '../../src/phones/index.ts';
import type { TestStack } from './stack.ts';

/** Wednesday noon in Moscow: every line is open. */
export const inHours = '2026-11-18T12:00+03:00';
/** Wednesday evening: every line but the emergency line is closed until eight in the morning. */
export const afterHours = '2026-11-18T21:30+03:00';

export const limitMs = 15_000;

/** A contact as the API shows it; what the tests look at. */
export interface ShownContact {
  readonly contactId: string;
  /** We called him; left out: he called. */
  readonly kind?: 'callBack';
  readonly lineId?: string;
  readonly queueId?: string;
  readonly topic?: string;
  readonly outcome?: string;
  readonly endedBy?: string;
  readonly operatorId?: string;
  readonly waitMs?: number;
  readonly talkMs?: number;
  readonly wrapUpMs?: number;
  readonly enqueuedAt?: string;
  readonly caseId?: string;
  readonly timeline: readonly {
    readonly at: string;
    readonly kind: string;
    readonly facts: Readonly<Record<string, unknown>>;
  }[];
  readonly recordings: readonly {
    readonly state: string;
    readonly durationMs?: number;
    readonly marks: readonly { readonly purpose: string; readonly fromMs: number; readonly toMs?: number }[];
  }[];
}

export interface ShownOperator {
  readonly operatorId: string;
  readonly presence: string;
  readonly signedIn: boolean;
  readonly reachable: boolean;
  readonly work: Readonly<Record<string, string>>;
}

const endings: readonly string[] = ['ended', 'recordingVerified', 'wrapUpEnded'];

/** A caller and what the hotline says of him. */
export class TestCaller {
  readonly leg: PhoneLeg;
  readonly watch: ContactWatch;
  readonly #stack: TestStack;
  #seen = 0;

  constructor(stack: TestStack, leg: PhoneLeg, watch: ContactWatch) {
    this.#stack = stack;
    this.leg = leg;
    this.watch = watch;
  }

  get contactId(): string {
    return this.watch.contactId ?? '';
  }

  /** The next entry of a kind, after those already waited for; what ends a contact comes in no fixed order. */
  async next(kind: string, fits: (entry: ApiEvent) => boolean = () => true, withinMs = limitMs): Promise<ApiEvent> {
    const after = endings.includes(kind) ? 0 : this.#seen;
    const entry = await this.watch.entry([kind], { limitMs: withinMs, what: kind, after, fits });
    this.#seen = Math.max(this.#seen, this.watch.entries.indexOf(entry) + 1);
    return entry;
  }

  /** Presses the keys when a menu, a number or a confirmation asks for them. */
  async press(keys: string): Promise<void> {
    await this.next('promptStarted', asksForKeys, 2 * limitMs);
    await this.leg.press(keys);
  }

  async contact(): Promise<ShownContact> {
    return await this.#stack.api.get<ShownContact>(`/contacts/${this.contactId}`);
  }

  /** The contact's record once it tells the end: it is written beside the events. */
  async closed(): Promise<ShownContact> {
    await this.next('ended', undefined, 2 * limitMs);
    return await closedContact(this.#stack, this.contactId);
  }

  /** The contact's record once its recording is verified. */
  async verified(): Promise<ShownContact> {
    await this.next('recordingVerified', undefined, 2 * limitMs);
    return await this.closed();
  }

  kinds(): readonly string[] {
    return this.watch.entries.map((entry) => entry.kind);
  }
}

/** Calls in hours unless told otherwise; resolves when the hotline has answered and the contact is known. */
export async function placeCall(
  t: Test,
  stack: TestStack,
  request: CallRequest & { readonly at?: string },
): Promise<TestCaller> {
  const watch = new ContactWatch(stack.api, () => {});
  await watch.start(limitMs);
  t.teardown(() => watch.stop());
  const leg = await stack.phones.call({
    ...request,
    headers: { 'X-Dozvon-At': request.at ?? inHours, ...request.headers },
  });
  t.teardown(async () => void (await leg.hangup()));
  await leg.answered(limitMs);
  await watch.find(leg.sipCallId, limitMs);
  return new TestCaller(stack, leg, watch);
}

/** Registers a phone, signs the operator in and makes him ready; signed out and unregistered at the end of the test. */
export async function readyOperator(
  t: Test,
  stack: TestStack,
  operatorId: string,
  behaviour: PhoneBehaviour = { kind: 'answer', afterMs: 300 },
): Promise<Phone> {
  const phone = await registerPhone(t, stack, operatorId, behaviour);
  await stack.api.send('POST', `/operators/${operatorId}/sign-in`, { reason: 'test' });
  t.teardown(async () => void (await stack.api.send('POST', `/operators/${operatorId}/sign-out`, { reason: 'test' })));
  await stack.api.send('PUT', `/operators/${operatorId}/presence`, { presence: 'ready', reason: 'test' });
  return phone;
}

export async function registerPhone(
  t: Test,
  stack: TestStack,
  operatorId: string,
  behaviour: PhoneBehaviour,
): Promise<Phone> {
  const extension = stack.config.operators.find(({ id }) => id === operatorId)?.extension ?? '';
  const password = stack.stack.secrets.sipPasswords[extension] ?? '';
  const phone = await stack.phones.register({ extension, password, behaviour });
  t.teardown(async () => await phone.unregister());
  return phone;
}

/** Every event of the hotline from now on, the queue's own moves included, for as long as the test lasts. */
export class EventLog {
  readonly #events: ApiEvent[] = [];
  readonly #changes = new Changes();

  static async open(t: Test, stack: TestStack): Promise<EventLog> {
    const log = new EventLog();
    const ending = new AbortController();
    const opened = Promise.withResolvers<void>();
    const following = stack.api.follow({
      signal: ending.signal,
      onOpen: () => opened.resolve(),
      onEvent: (event) => {
        log.#events.push(event);
        log.#changes.notify();
      },
    });
    t.teardown(async () => {
      ending.abort();
      await following;
    });
    await opened.promise;
    return log;
  }

  /** Those of a kind so far. */
  all(kind: string, fits: (event: ApiEvent) => boolean = () => true): readonly ApiEvent[] {
    return this.#events.filter((event) => event.kind === kind && fits(event));
  }

  /** Resolves when there are `count` of them. */
  async until(kind: string, count: number, fits: (event: ApiEvent) => boolean = () => true): Promise<ApiEvent> {
    const probe = (): ApiEvent | undefined => this.all(kind, fits)[count - 1];
    return await this.#changes.until(probe, { limitMs, what: `${count} of the event ${kind}` });
  }
}

/** The record of a contact that is over, once it tells the end. */
export async function closedContact(stack: TestStack, contactId: string): Promise<ShownContact> {
  return await eventually(
    async () => await stack.api.get<ShownContact>(`/contacts/${contactId}`),
    ({ outcome, timeline }) => outcome !== undefined && timeline.some(({ kind }) => kind === 'ended'),
    `the record of ${contactId} to tell its end`,
  );
}

/** Asks until the answer is as wanted, in bounded time. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isWanted: (answer: T) => boolean,
  what: string,
  withinMs = limitMs,
): Promise<T> {
  for (const sinceMs = Date.now(); ; ) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (Date.now() - sinceMs > withinMs)
      throw new Error(`expected ${what} within ${withinMs} ms, got ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Nothing is left for the operators to do. */
export async function untilIdle(stack: TestStack, operatorIds: readonly string[]): Promise<void> {
  for (const operatorId of operatorIds) {
    await eventually(
      async () => await operatorNow(stack, operatorId),
      ({ work }) => work.voice === 'idle',
      `${operatorId} to be idle`,
    );
  }
}

export async function operatorNow(stack: TestStack, operatorId: string): Promise<ShownOperator> {
  return await stack.api.get<ShownOperator>(`/operators/${operatorId}`);
}

/** Nothing is left in Asterisk. */
export async function assertAtRest(t: Test, stack: TestStack): Promise<void> {
  await stack.witness.untilEmpty(limitMs);
  t.ok(stack.witness.mostChannels > 0, 'the witness saw channels before');
}
