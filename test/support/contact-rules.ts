import {
  type Arrival,
  begin,
  type ContactEvent,
  type ContactRules,
  type ContactState,
  type StepResult,
  step,
} from '../../src/contact/index.ts';
import { asId, type ContactId, dayMs, type LegId } from '../../src/foundation/index.ts';
import { type Flow, step as flowStep, render } from '../../src/ivr/index.ts';

/** One line whose menu queues by key 1, takes a message by key 2, and ends by key 3. */
const flow: Flow = {
  id: 'test',
  part: false,
  include: [],
  fromQueues: [],
  entry: 'menu',
  nodes: {
    menu: {
      type: 'menu',
      say: ['topic-menu'],
      keys: { 1: { to: 'operator', topic: 'general' }, 2: { to: 'message' }, 3: { to: 'end' } },
      noInput: ['no-input'],
      wrongKey: ['wrong-key'],
      waitMs: 5_000,
      tries: 3,
      onExhausted: 'operator',
    },
    operator: { type: 'enqueue', queue: 'general' },
    message: {
      type: 'record',
      say: ['speak-message'],
      beep: 'beep',
      limitSeconds: 120,
      minSeconds: 1,
      empty: ['message-empty'],
      review: ['message-review'],
      next: 'request',
      noInput: ['no-input'],
      wrongKey: ['wrong-key'],
      waitMs: 5_000,
      tries: 3,
      onExhausted: 'request',
    },
    request: {
      type: 'request',
      say: ['request-stored'],
      failed: ['request-failed'],
      topic: 'general',
      next: 'end',
      onFailed: 'end',
    },
    end: { type: 'hangup', outcome: 'informed' },
  },
};

const limitsOfGeneral = {
  length: { to: { queue: 'overflow' } },
  nobodyLoggedIn: { to: { node: 'message' } },
  wait: { afterMs: 300_000, to: { node: 'message' } },
} as const;

/** Straight into the queue. */
const quietFlow: Flow = {
  id: 'quiet',
  part: false,
  include: [],
  fromQueues: [],
  entry: 'queue',
  nodes: { queue: { type: 'enqueue', queue: 'quiet' } },
};

const lines: Readonly<Record<string, string>> = { '+78001000001': 'general', '+78001000002': 'quiet' };

export const testRules: ContactRules = {
  version: 'test',
  language: 'ru',
  line: (lineId) => {
    if (lineId === 'general') return { lineId, flowId: 'test', language: 'ru', recording: 'all' };
    return lineId === 'quiet' ? { lineId, flowId: 'quiet', language: 'ru', recording: 'none' } : undefined;
  },
  queue: (queueId) => {
    const times = { queueId, ringTimeoutMs: 15_000, wrapUpMs: 10_000 };
    if (queueId === 'general') return { ...times, lastOperatorWithinMs: 30 * dayMs, limits: limitsOfGeneral };
    if (queueId === 'quiet') return { ...times, wrapUpMs: 0, waiting: 'silence', welcome: false };
    return queueId === 'overflow' ? times : undefined;
  },
  lineByDialled: (dialled) => ({ e164: dialled, lineId: lines[dialled] }),
  callerNumber: (ani) => ani,
  flowFacts: ({ lineId, ani }) => ({
    line: { id: lineId, open: true },
    aniKnown: ani !== '',
    ...(ani === '' ? {} : { aniDigits: ani }),
  }),
  flowStep: (flowId, position, input, facts) => flowStep(flowId === 'quiet' ? quietFlow : flow, position, input, facts),
  render,
  offerTitle: () => 'general',
};

export const callerLegId = asId<LegId>('n1-1700000000.1');

export const testArrival: Arrival = {
  contactId: asId<ContactId>('c0000000000000000test'),
  shard: 'dozvon-n1',
  legId: callerLegId,
  arrival: { dnis: '+78001000001', ani: '+79161234567', trunk: 'carrier', sipCallId: 'call-id' },
};

/** A line that records nothing, whose callers wait in silence. */
export const quietArrival: Arrival = {
  ...testArrival,
  arrival: { ...testArrival.arrival, dnis: '+78001000002' },
};

/** Drives a machine: feeds events, answers what the effects of the recording and the queue would bring, counts the time. */
export class Driver {
  nowMs = 1_700_000_000_000;
  state: ContactState;
  /** Effects of the last step. */
  effects: StepResult['effects'];
  readonly all: StepResult['effects'][number][] = [];

  constructor(arrival: Arrival = testArrival) {
    const first = begin(arrival, this.#context());
    this.state = first.state;
    this.effects = first.effects;
    this.all.push(...first.effects);
  }

  #context() {
    return { nowMs: this.nowMs, rules: testRules };
  }

  feed(event: ContactEvent): this {
    const result = step(this.state, event, this.#context());
    this.state = result.state;
    this.effects = result.effects;
    this.all.push(...result.effects);
    return this;
  }

  /** Recording runs and the menu is being said. */
  toMenu(): this {
    const { recording } = this.state;
    if (!recording) return this;
    const spoolFile = '/spool/one.sln';
    return this.feed({ type: 'recordingOpened', recordingId: recording.recordingId, spoolFile }).feed({
      type: 'legReturned',
      legId: callerLegId,
      spoolFile,
    });
  }

  toQueue(): this {
    return this.toMenu().feed({ type: 'digit', legId: callerLegId, digit: '1' });
  }

  fire(timerId: keyof ContactState['timers']): this {
    const dueMs = this.state.timers[timerId];
    if (dueMs === undefined) throw new Error(`timer ${timerId} is not set`);
    this.nowMs = Math.max(this.nowMs, dueMs);
    return this.feed({ type: 'timerFired', timerId, dueMs });
  }

  effectTypes(): readonly string[] {
    return this.effects.map((effect) => effect.type);
  }

  kinds(): readonly string[] {
    return this.state.timeline.map((entry) => entry.kind);
  }
}
