import type { Ladder } from '../../src/acd/index.ts';
import { type CallBackMode, callBackSettingsSchema } from '../../src/callbacks/index.ts';
import {
  type Arrival,
  begin,
  beginCallBack,
  type CallBackBeginning,
  type ContactEvent,
  type ContactRules,
  type ContactState,
  type StepResult,
  step,
} from '../../src/contact/index.ts';
import { promisedSpeech } from '../../src/contact/spoken-times.ts';
import { asId, type CallBackId, type ContactId, dayMs, type LegId, minuteMs } from '../../src/foundation/index.ts';
import {
  type Announcements,
  type Flow,
  type FlowFacts,
  type FlowInput,
  type FlowPosition,
  type FlowStep,
  step as flowStep,
  render,
} from '../../src/ivr/index.ts';

/** One line whose menu queues by key 1, takes a message by key 2, and ends by key 3. */
const flow: Flow = {
  id: 'test',
  part: false,
  include: [],
  fromQueues: [],
  whileWaiting: [],
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

/** Nodes for those who wait in the queue `told`: a choice, an answer, and the way back. */
const waitingNodes: Flow['nodes'] = {
  choice: {
    type: 'menu',
    say: ['operators-busy', { value: 'expectedWait', before: 'estimate-left' }],
    keys: { 1: { to: 'message' } },
    noInput: ['no-input'],
    wrongKey: ['wrong-key'],
    waitMs: 5_000,
    tries: 1,
    onExhausted: 'back',
  },
  faq: { type: 'say', say: ['answer-terms'], bargeIn: false, next: 'faqOver' },
  faqOver: { type: 'resume', say: ['questions-return'] },
  back: { type: 'resume' },
};

/** The flow of the line whose callers are told and offered something; its requests end where the caller came from. */
const toldFlow: Flow = {
  ...flow,
  id: 'told',
  entry: 'hello',
  whileWaiting: ['choice', 'faq', 'menu'],
  nodes: {
    ...flow.nodes,
    ...waitingNodes,
    hello: { type: 'say', say: ['greeting'], bargeIn: false, next: 'queue' },
    queue: { type: 'enqueue', queue: 'told' },
    request: {
      type: 'request',
      say: ['request-stored'],
      failed: ['request-failed'],
      topic: 'general',
      next: 'stored',
      onFailed: 'stored',
    },
    stored: { type: 'branch', when: 'waiting', yes: 'back', no: 'end' },
  },
};

/** The reference times: choice at 75 s, concluded end from 110 s, at 120 s at the latest. */
const ladder: Ladder = {
  rungs: [
    { do: 'raise', afterMs: 45_000, headStartMs: 30_000 },
    { do: 'offerChoice', afterMs: 75_000, estimateAboveMs: 45_000 },
    { do: 'conclude', afterMs: 110_000 },
  ],
  latestMs: 120_000,
  choiceNode: 'choice',
  choiceAboveMs: 120_000,
};

const announcements: Announcements = {
  firstAfterMs: 10_000,
  everyMs: 30_000,
  quietAfterKeyMs: 8_000,
  place: 'ahead',
  estimate: 'withPlace',
  comfort: ['comfort-thanks'],
  keys: {
    2: { hint: 'press-request', node: 'message' },
    3: { hint: 'press-questions', node: 'faq' },
    0: { hint: 'press-place', does: 'tell' },
    '*': { hint: 'press-menu', node: 'menu' },
  },
  keysEvery: 2,
};

const calledAnnouncements: Announcements = {
  ...announcements,
  keys: { ...announcements.keys, 1: { hint: 'press-call-back', node: 'callBack' } },
};

/** Straight into the queue. */
const quietFlow: Flow = {
  id: 'quiet',
  part: false,
  include: [],
  fromQueues: [],
  whileWaiting: [],
  entry: 'queue',
  nodes: { queue: { type: 'enqueue', queue: 'quiet' } },
};

/** Straight into the queue whose callers are called back. */
const calledFlow: Flow = {
  ...toldFlow,
  id: 'called',
  entry: 'queue',
  whileWaiting: [...toldFlow.whileWaiting, 'callBack'],
  nodes: {
    ...toldFlow.nodes,
    queue: { type: 'enqueue', queue: 'called' },
    callBackPromised: { type: 'resume', say: ['call-back-promised'] },
    callBackRefused: { type: 'say', say: ['call-back-refused'], bargeIn: false, next: 'message' },
  },
};

/** The node `callBack` of that flow: a call-back as soon as an operator is free is asked for, and awaited. */
function callingStep(position: FlowPosition | undefined, input: FlowInput, facts: FlowFacts): FlowStep {
  if (input.kind === 'enter' && input.node === 'callBack') {
    const asking: FlowPosition = {
      node: 'callBack',
      state: { phase: 'storing' },
      history: [],
      topic: input.topic ?? 'called',
      secret: { digits: '' },
    };
    const ask = { type: 'promiseCallBack', topic: 'called', callBackNumber: 'ani', wish: { kind: 'soon' } } as const;
    return { position: asking, instructions: [ask] };
  }
  if (position?.node !== 'callBack') return flowStep(calledFlow, position, input, facts);
  const next = { callBackPromised: 'callBackPromised', callBackRefused: 'callBackRefused' } as const;
  if (input.kind !== 'callBackPromised' && input.kind !== 'callBackRefused')
    return { position, instructions: [], ignored: 'notStoring' };
  return flowStep(calledFlow, undefined, { kind: 'enter', node: next[input.kind], topic: 'called' }, facts);
}

const flows: Readonly<Record<string, Flow>> = { test: flow, quiet: quietFlow, told: toldFlow, called: calledFlow };

const lines: Readonly<Record<string, string>> = {
  '+78001000001': 'general',
  '+78001000002': 'quiet',
  '+78001000003': 'told',
  '+78001000004': 'called',
};

/** Every try that came to nothing is made again after so long. */
const retryAfterMs = 20_000;
const outcomes = ['busy', 'noAnswer', 'declined', 'unreachable', 'machine', 'silence', 'operatorGone', 'unknown'];
const retry = Object.fromEntries(outcomes.map((outcome) => [`${outcome}Ms`, retryAfterMs]));

/** Queues whose callers are called back. */
const modeOf: Readonly<Record<string, CallBackMode>> = {
  'operator-first': 'operatorFirst',
  'caller-first': 'callerFirst',
};

/** Nobody is called back from this number's line. */
const undiallable = '+78001000003';
const calledBack = {
  callBacks: callBackSettingsSchema.parse({ retry, requestsOfTheNight: true }),
  abandonedPlaceMs: 10 * minuteMs,
  closing: { graceMs: 5 * minuteMs, to: { node: 'message' } },
} as const;

export const testRules: ContactRules = {
  version: 'test',
  language: 'ru',
  line: (lineId) => {
    if (lineId === 'general') return { lineId, flowId: 'test', language: 'ru', recording: 'all' };
    if (lineId === 'told' || lineId === 'called') return { lineId, flowId: lineId, language: 'ru', recording: 'all' };
    return lineId === 'quiet' ? { lineId, flowId: 'quiet', language: 'ru', recording: 'none' } : undefined;
  },
  queue: (queueId) => {
    const times = { queueId, ringTimeoutMs: 15_000, wrapUpMs: 10_000 };
    if (queueId === 'general') return { ...times, lastOperatorWithinMs: 30 * dayMs, limits: limitsOfGeneral };
    if (queueId === 'quiet') return { ...times, wrapUpMs: 0, waiting: 'silence', welcome: false };
    if (queueId === 'told') return { ...times, ladder };
    if (queueId === 'called') return { ...times, ladder, ...calledBack };
    const mode = modeOf[queueId];
    if (mode !== undefined)
      return { ...times, callBacks: callBackSettingsSchema.parse({ mode, ringTimeoutMs: 10_000, retry }) };
    return queueId === 'overflow' ? times : undefined;
  },
  waiting: (queueId) => {
    if (queueId === 'told') return { announcements, choiceNode: 'choice' };
    return queueId === 'called' ? { announcements: calledAnnouncements, choiceNode: 'choice' } : {};
  },
  lineByDialled: (dialled) => ({ e164: dialled, lineId: lines[dialled] }),
  callerNumber: (ani) => ani,
  lineHours: () => ({ open: true }),
  callBackQueue: () => 'called',
  callBackWish: ({ wish }) => ({ wish: wish.kind === 'at' ? { kind: 'soon' } : wish }),
  promisedSpeech: (_line, dueAtMs, nowMs) => promisedSpeech('Europe/Moscow', dueAtMs, nowMs),
  spoken: () => ({ date: '2023-11-15', time: '09:00', dayOffset: 0 }),
  flowFacts: ({ lineId, ani }) => ({
    line: { id: lineId, open: true },
    aniKnown: ani !== '',
    ...(ani === '' ? {} : { aniDigits: ani }),
  }),
  flowStep: (flowId, position, input, facts) =>
    flowId === 'called' ? callingStep(position, input, facts) : flowStep(flows[flowId] ?? flow, position, input, facts),
  render,
  dialling: (lineId) =>
    lines[undiallable] === lineId ? undefined : { trunk: 'carrier', callerIdNumber: '+78001000001' },
  offerTitle: () => 'general',
};

/** Callers are looked up at their arrival, and the line's operators leave at that instant, if any is given. */
export function returningRules(closesAtMs?: number): ContactRules {
  const rules = { ...testRules, returning: { abandonedWithinMs: 10 * minuteMs } };
  if (closesAtMs === undefined) return rules;
  return { ...rules, lineHours: (_line, atMs) => (atMs < closesAtMs ? { open: true, closesAtMs } : { open: false }) };
}

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

/** A line whose callers are told their place and are promised a concluded end. */
export const toldArrival: Arrival = {
  ...testArrival,
  arrival: { ...testArrival.arrival, dnis: '+78001000003' },
};

/** A contact that is to call somebody back. */
export const testCallBack: CallBackBeginning = {
  contactId: asId<ContactId>('c00000000000000000000'),
  shard: 'dozvon-n1',
  callBackId: asId<CallBackId>('cb1'),
};

/** A line whose callers can be called back, get a place back that they gave up, and are served for a while at closing time. */
export const calledArrival: Arrival = {
  ...testArrival,
  arrival: { ...testArrival.arrival, dnis: '+78001000004' },
};

/** Drives a machine: feeds events, answers what the effects of the recording and the queue would bring, counts the time. */
export class Driver {
  nowMs = 1_700_000_000_000;
  state: ContactState;
  /** Effects of the last step. */
  effects: StepResult['effects'];
  readonly all: StepResult['effects'][number][] = [];

  readonly #rules: ContactRules;

  constructor(beginning: Arrival | CallBackBeginning = testArrival, rules: ContactRules = testRules) {
    this.#rules = rules;
    const first =
      'callBackId' in beginning ? beginCallBack(beginning, this.#context()) : begin(beginning, this.#context());
    this.state = first.state;
    this.effects = first.effects;
    this.all.push(...first.effects);
  }

  #context() {
    return { nowMs: this.nowMs, rules: this.#rules };
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
