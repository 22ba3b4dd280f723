import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { parse } from 'yaml';
import {
  checkFlow,
  type Flow,
  type FlowFacts,
  type FlowInput,
  type FlowPosition,
  flowSchema,
  type Instruction,
  linkFlows,
  render,
  type SayItem,
  type SpokenInstant,
  step,
} from '../../src/ivr/index.ts';

const flowsDir = join(import.meta.dirname, '../../config/flows');
const queueIds = new Set(['general', 'documents', 'business', 'social', 'account', 'status', 'technical', 'emergency']);

function referenceFlows(): ReadonlyMap<string, Flow> {
  const documents = readdirSync(flowsDir).map((file) =>
    flowSchema.parse(parse(readFileSync(join(flowsDir, file), 'utf8'))),
  );
  const { flows, faults } = linkFlows(documents);
  t.same(faults, [], 'the reference flows link');
  return new Map(flows.map((flow) => [flow.id, flow]));
}

const flows = referenceFlows();

function flowOf(id: string): Flow {
  const flow = flows.get(id);
  if (flow === undefined) throw new Error(`no flow ${id}`);
  return flow;
}

const inHours: FlowFacts = { line: { id: 'general', open: true }, aniKnown: true, aniDigits: '+79161234567' };
const afterHours: FlowFacts = {
  line: { id: 'general', open: false, opens: { date: '2027-01-04', time: '10:00', dayOffset: 1 } },
  aniKnown: true,
  aniDigits: '+79161234567',
};
const withheld: FlowFacts = { line: afterHours.line, aniKnown: false };

const played: FlowInput = { kind: 'played' };
const timer: FlowInput = { kind: 'timer' };
const enter: FlowInput = { kind: 'enter' };
const press = (keys: string): readonly FlowInput[] => keys.split('').map((digit) => ({ kind: 'digit', digit }));

/** Walks a flow; keeps the position as JSON between steps, as the contact does. */
function walk(flow: Flow, facts: FlowFacts, inputs: readonly FlowInput[]) {
  let position: FlowPosition | undefined;
  let last: readonly Instruction[] = [];
  let ignored: string | undefined;
  const all: Instruction[] = [];
  for (const input of inputs) {
    const result = step(flow, position, input, facts);
    position = JSON.parse(JSON.stringify(result.position)) as FlowPosition;
    last = result.instructions;
    ignored = result.ignored;
    all.push(...result.instructions);
  }
  return { position, last, all, ignored };
}

const types = (instructions: readonly Instruction[]): readonly string[] => instructions.map(({ type }) => type);
const prompts = (instructions: readonly Instruction[]): readonly string[] =>
  said(instructions).flatMap((item) => ('prompt' in item ? [item.prompt] : []));
const said = (instructions: readonly Instruction[]): readonly SayItem[] =>
  instructions.flatMap((instruction) => (instruction.type === 'play' ? instruction.say : []));
const ending = (instructions: readonly Instruction[]): Instruction | undefined =>
  instructions.find(({ type }) => type === 'enqueue' || type === 'hangup');

t.test('key 1 in hours goes through greeting, notice and menu to the queue for sign-in', async (t) => {
  const { all, last, position } = walk(flowOf('main'), inHours, [enter, played, ...press('1')]);
  t.same(prompts(all), ['greeting', 'recording-notice', 'menu-topics']);
  t.same(last, [
    { type: 'stopPlay' },
    { type: 'note', kind: 'topicChosen', facts: { topic: 'registration' } },
    { type: 'enqueue', queueId: 'account', topic: 'registration' },
  ]);
  t.equal(position?.state.phase, 'over');
});

t.test('a key pressed into the notice of recording is a named no-op', async (t) => {
  const { last, ignored } = walk(flowOf('main'), inHours, [enter, ...press('1')]);
  t.same(last, []);
  t.equal(ignored, 'keyNotAwaited');
});

t.test('a key after the prompt stops the timer, not the prompt', async (t) => {
  const { last } = walk(flowOf('main'), inHours, [enter, played, played, ...press('8')]);
  t.same(types(last), ['cancelTimer', 'note', 'enqueue']);
});

t.test('three silences or wrong keys in hours end at an operator', async (t) => {
  const menu = [enter, played];
  const silence = walk(flowOf('main'), inHours, [...menu, played, timer, played, timer, played, timer, played]);
  t.same(ending(silence.all), { type: 'enqueue', queueId: 'general', topic: 'operator' });
  t.equal(prompts(silence.all).filter((prompt) => prompt === 'no-input').length, 2);
  const wrong = walk(flowOf('main'), inHours, [...menu, ...press('###'), played]);
  t.same(ending(wrong.all), { type: 'enqueue', queueId: 'general', topic: 'operator' });
  t.equal(prompts(wrong.all).filter((prompt) => prompt === 'wrong-key').length, 2);
  const mixed = walk(flowOf('main'), inHours, [...menu, ...press('#'), played, timer, ...press('*'), played]);
  t.ok(ending(mixed.all), 'silence and wrong keys count together');
});

t.test('9 repeats the menu without counting as a mistake, * goes back to the menu before', async (t) => {
  const again = walk(flowOf('main'), inHours, [enter, played, ...press('999')]);
  t.same(prompts(again.last), ['menu-topics']);
  const back = walk(flowOf('main'), inHours, [enter, played, ...press('5'), ...press('2'), played, ...press('**')]);
  t.equal(back.position?.node, 'topics', 'from the answer to the sub-menu, from there to the topics');
  t.same(back.position?.history, []);
});

t.test('a key pressed into an answer counts for the menu behind it', async (t) => {
  const { last } = walk(flowOf('main'), inHours, [enter, played, ...press('52'), ...press('0')]);
  t.same(types(last), ['stopPlay', 'enqueue']);
  t.same(ending(last), { type: 'enqueue', queueId: 'general', topic: 'information' });
});

t.test('topical lines start at their own topics and give up to their own queue', async (t) => {
  for (const [id, queueId] of [
    ['documents', 'documents'],
    ['business', 'business'],
    ['social', 'social'],
  ] as const) {
    const { all } = walk(flowOf(id), inHours, [enter, played, ...press('1')]);
    t.match(ending(all), { type: 'enqueue', queueId });
    t.match(prompts(all)[2], `menu-${id}`);
  }
  t.same(ending(walk(flowOf('emergency'), inHours, [enter, played]).all), {
    type: 'enqueue',
    queueId: 'emergency',
    topic: 'emergency',
  });
});

t.test('outside hours the caller hears when operators are back', async (t) => {
  const { last } = walk(flowOf('main'), afterHours, [enter, played]);
  t.same(said(last), [
    { prompt: 'closed-now' },
    { prompt: 'operators-back' },
    { date: '2027-01-04', dayOffset: 1 },
    { time: '10:00', form: 'с' },
  ]);
  const unknown = walk(flowOf('main'), { line: { id: 'general', open: false }, aniKnown: true }, [enter, played]);
  t.same(prompts(unknown.last), ['closed-now', 'operators-back-unknown']);
});

const toMessage = [enter, played, played, ...press('4'), ...press('3'), ...press('1')];
const recorded = (seconds: number): FlowInput => ({ kind: 'recorded', seconds, by: 'key' });

t.test('after hours a request with the own number: message, review, stored, number read twice', async (t) => {
  const flow = flowOf('main');
  const atReview = walk(flow, afterHours, [...toMessage, played, recorded(21.4)]);
  t.same(said(atReview.last), [
    { prompt: 'message-length' },
    { number: 21, noun: 'second' },
    { prompt: 'confirm-message' },
  ]);
  const stored = walk(flow, afterHours, [...toMessage, played, recorded(21.4), ...press('1')]);
  t.same(stored.last[1], { type: 'storeRequest', topic: 'documents', callBackNumber: 'ani' });
  const end = [
    ...toMessage,
    played,
    recorded(5),
    ...press('1'),
    { kind: 'requestStored', caseNumber: '1234567' } as const,
  ];
  const readOut = walk(flow, afterHours, end);
  t.equal(readOut.last[0]?.type, 'cancelTimer');
  t.equal(said(readOut.last).filter((item) => 'digits' in item && item.digits === '1234567').length, 2);
  const over = walk(flow, afterHours, [...end, played, played]);
  t.same(over.last, [{ type: 'hangup', outcome: 'requestLeft' }]);
});

t.test('the message is spoken again on 2 and cut short by any key before the tone', async (t) => {
  const again = walk(flowOf('main'), afterHours, [...toMessage, played, recorded(5), ...press('2')]);
  t.same(prompts(again.last), ['leave-message', 'beep']);
  const cut = walk(flowOf('main'), afterHours, [...toMessage, ...press('5')]);
  t.same(types(cut.last), ['stopPlay', 'play']);
  t.same(prompts(cut.last), ['beep']);
  const tone = walk(flowOf('main'), afterHours, [...toMessage, ...press('55')]);
  t.equal(tone.ignored, 'keyNotAwaited');
  const record = walk(flowOf('main'), afterHours, [...toMessage, ...press('5'), played]);
  t.same(record.last, [{ type: 'record', maxMs: 120_000, finishKey: '#' }]);
  const stop = walk(flowOf('main'), afterHours, [...toMessage, ...press('5'), played, ...press('#')]);
  t.same(stop.last, [{ type: 'stopRecord' }]);
});

t.test('who says nothing three times still has his request stored', async (t) => {
  const empty = [played, recorded(0)];
  const { all } = walk(flowOf('main'), afterHours, [...toMessage, ...empty, ...empty, ...empty]);
  t.equal(types(all).filter((type) => type === 'storeRequest').length, 1);
});

t.test('a number is keyed, checked, read back and confirmed; it is stored as E.164', async (t) => {
  const flow = flowOf('documents');
  const keys = (number: string) => [enter, played, played, ...press('4'), ...press('2'), ...press(number)];
  const readBack = walk(flow, afterHours, keys('89161234567'));
  t.same(said(readBack.last), [{ prompt: 'you-entered' }, { digits: '89161234567' }, { prompt: 'confirm-number' }]);
  const late = walk(flow, afterHours, [...keys('89161234567'), ...press('#')]);
  t.equal(late.ignored, 'lateTerminator', 'the key that ends it may come after the last digit');
  const kept = walk(flow, afterHours, [
    ...keys('9161234567#'),
    ...press('1'),
    played,
    played,
    recorded(4),
    ...press('1'),
  ]);
  t.match(
    kept.all.find(({ type }) => type === 'storeRequest'),
    { topic: 'documents', callBackNumber: { keyed: '+79161234567' } },
  );
  t.same(prompts(walk(flow, afterHours, [...keys('89161234567'), ...press('2')]).last), ['enter-number']);
  for (const refused of ['81234567890', '88001000001', '123#', '112#']) {
    const { last } = walk(flow, afterHours, keys(refused));
    t.same(prompts(last), ['number-wrong', 'enter-number'], refused);
  }
  t.same(prompts(walk(flow, afterHours, keys('8916*')).last), ['enter-number'], '* starts over');
  const three = walk(flow, afterHours, keys('1#2#3#'));
  t.same(prompts(three.last), ['exhausted-goodbye']);
  t.notMatch(JSON.stringify(three.all.filter(({ type }) => type === 'note')), /"[123]"/, 'no keyed digit in a note');
});

t.test('a caller without a number is asked for one at once', async (t) => {
  const { last } = walk(flowOf('main'), withheld, [enter, played, played, ...press('43')]);
  t.same(prompts(last), ['enter-number']);
});

t.test('a request that cannot be stored is said so, also when no answer comes', async (t) => {
  const storing = [...toMessage, played, recorded(5), ...press('1')];
  const failed = walk(flowOf('main'), afterHours, [...storing, { kind: 'requestFailed' }]);
  t.same(types(failed.last), ['cancelTimer', 'play']);
  t.same(prompts(failed.last), ['request-failed']);
  const late = walk(flowOf('main'), afterHours, [...storing, timer, { kind: 'requestStored', caseNumber: '77' }]);
  t.same(types(late.last), ['stopPlay', 'play'], 'a number that comes late is still read out');
  const over = walk(flowOf('main'), afterHours, [...storing, timer, played, played]);
  t.same(over.last, [{ type: 'hangup', outcome: 'informed' }]);
});

t.test('what is not awaited changes nothing and has a name', async (t) => {
  const flow = flowOf('main');
  const inputs: readonly (readonly [readonly FlowInput[], string])[] = [
    [[played], 'notEntered'],
    [[enter, enter], 'alreadyEntered'],
    [[enter, timer], 'noTimerRunning'],
    [[enter, played, played, played], 'nothingPlaying'],
    [[enter, recorded(3)], 'notRecording'],
    [[enter, { kind: 'requestStored', caseNumber: '1' }], 'notStoring'],
    [[enter, { kind: 'requestFailed' }], 'notStoring'],
    [[enter, played, ...press('11')], 'over'],
  ];
  for (const [sequence, expected] of inputs) {
    const { ignored, last } = walk(flow, inHours, sequence);
    t.equal(ignored, expected);
    t.same(last, []);
  }
  t.equal(walk(flow, inHours, [played, enter]).position?.state.phase, 'saying', 'enter still enters after a no-op');
});

const instant: fc.Arbitrary<SpokenInstant> = fc
  .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 23 }))
  .map(([dayOffset, hour]) => ({
    date: `2027-01-${11 + dayOffset}`,
    time: `${`${hour}`.padStart(2, '0')}:00`,
    dayOffset,
  }));
const refusals = ['noRoom', 'outsideHours', 'zoneUnknown', 'tooFar', 'noNumber', 'failed'] as const;
const anyCallBackAnswer: fc.Arbitrary<FlowInput> = fc.oneof(
  instant.map((at): FlowInput => ({ kind: 'callBackPromised', at })),
  fc
    .tuple(fc.constantFrom(...refusals), fc.option(instant, { nil: undefined }))
    .map(([why, next]): FlowInput => ({ kind: 'callBackRefused', why, ...(next === undefined ? {} : { next }) })),
);

const anyInput: fc.Arbitrary<FlowInput> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<FlowInput>(played, timer) },
  {
    weight: 5,
    arbitrary: fc.constantFrom(...'0123456789*#'.split('')).map((digit): FlowInput => ({ kind: 'digit', digit })),
  },
  { weight: 1, arbitrary: fc.constantFrom<FlowInput>(recorded(0), recorded(30), enter, { kind: 'requestFailed' }) },
  { weight: 1, arbitrary: fc.constant<FlowInput>({ kind: 'requestStored', caseNumber: '12345' }) },
  { weight: 2, arbitrary: anyCallBackAnswer },
);

const waitingInHours: FlowFacts = { ...inHours, waiting: true, expectedWait: { kind: 'about', minutes: 2 } };
const situations: readonly FlowFacts[] = [
  inHours,
  afterHours,
  withheld,
  waitingInHours,
  { ...withheld, waiting: true },
];

/** One of the nodes at which callers in this situation come in. */
function entryOf(flow: Flow, facts: FlowFacts, choice: number): FlowInput {
  const nodes = facts.waiting === true ? flow.whileWaiting : [flow.entry, ...flow.fromQueues];
  const node = nodes[choice % Math.max(1, nodes.length)];
  return node === undefined ? enter : { kind: 'enter', node };
}

t.test('any order of inputs keeps one prompt, one timer, and one end', async (t) => {
  const sequence = fc.tuple(
    fc.constantFrom(...[...flows.values()].filter((flow) => !flow.part)),
    fc.constantFrom(...situations),
    fc.nat(),
    fc.array(anyInput, { maxLength: 60, size: 'max' }),
  );
  fc.assert(
    fc.property(sequence, ([flow, facts, entered, inputs]) => {
      const going = { prompt: false, timer: false, recording: false, over: false };
      let position: FlowPosition | undefined;
      for (const input of [entryOf(flow, facts, entered), ...inputs]) {
        // A caller of `step` reports only the end of what is going on, but may report it late: then it is ignored.
        if (input.kind === 'played' && !going.prompt) continue;
        if (input.kind === 'played') going.prompt = false;
        if (input.kind === 'timer' && !going.timer) continue;
        if (input.kind === 'timer') going.timer = false;
        if (input.kind === 'recorded' && going.recording) going.recording = false;
        const result = step(flow, position, input, facts);
        position = JSON.parse(JSON.stringify(result.position)) as FlowPosition;
        if (result.ignored !== undefined && result.instructions.length > 0) return false;
        for (const instruction of result.instructions) {
          if (!fits(instruction, going)) return false;
          if (instruction.type === 'play') render(instruction.say, 'ru');
        }
        const waits = going.prompt || going.timer || going.recording || going.over;
        if (!waits) return false;
      }
      return true;
    }),
    { numRuns: 1_000 },
  );
  t.pass();
});

/** Keeps the book of what is going on; false when an instruction does not fit it. */
function fits(instruction: Instruction, going: Record<'prompt' | 'timer' | 'recording' | 'over', boolean>): boolean {
  const was = { ...going };
  switch (instruction.type) {
    case 'play':
      going.prompt = true;
      return !was.prompt && !was.timer && !was.recording && !was.over && instruction.say.length > 0;
    case 'stopPlay':
      going.prompt = false;
      return was.prompt;
    case 'startTimer':
      going.timer = true;
      return !was.timer && !was.prompt;
    case 'cancelTimer':
      going.timer = false;
      return was.timer;
    case 'record':
      going.recording = true;
      return !was.recording && !was.prompt;
    case 'stopRecord':
      return was.recording;
    case 'enqueue':
    case 'resume':
    case 'hangup':
      going.over = true;
      return !was.over && !was.prompt && !was.timer && !was.recording;
    case 'storeRequest':
    case 'promiseCallBack':
    case 'note':
      return !was.over;
  }
}

t.test(
  'a caller who presses nothing comes to an end in bounded time: an operator in hours, good-bye outside',
  async (t) => {
    for (const flow of [...flows.values()].filter(({ part }) => !part)) {
      for (const facts of [inHours, afterHours, withheld]) {
        const silent: FlowInput[] = [enter];
        let end: Instruction | undefined;
        for (let steps = 0; steps < 30 && end === undefined; steps++) {
          const { last, all } = walk(flow, facts, silent);
          end = ending(all);
          silent.push(types(last).includes('startTimer') ? timer : played);
        }
        const always = flow.id === 'emergency';
        t.equal(end?.type, facts.line.open || always ? 'enqueue' : 'hangup', `${flow.id}, open ${facts.line.open}`);
      }
    }
  },
);

/** A small flow that asks for a call-back. */
const callBackFlow = `
id: small
entry: ask
nodes:
  ask: { type: goto, to: want, wish: soon }
  want:
    type: callBack
    say: [{ value: callBackAt, before: at, otherwise: soon }]
    next: queue
    onLater: later
    refused: { noRoom: [full], default: [no] }
    onRefused: { zoneUnknown: zone, default: want }
    tries: 3
    onExhausted: queue
  zone:
    type: collect
    valid: localHour
    say: [zone]
    invalid: [wrong]
    confirm: [{ value: keyedHour, otherwise: wrong }]
    noInput: [no]
    wrongKey: [no]
    next: want
    onExhausted: queue
  later: { type: say, say: [later], next: queue }
  queue: { type: enqueue, queue: general }
`;

t.test('whatever keys and answers came before, a caller who falls silent comes to an end', async (t) => {
  const course = fc.tuple(
    fc.constantFrom(...[...flows.values()].filter((flow) => !flow.part), flowSchema.parse(parse(callBackFlow))),
    fc.constantFrom(...situations),
    fc.nat(),
    fc.array(anyInput, { maxLength: 40, size: 'max' }),
    fc.array(anyCallBackAnswer, { minLength: 12, maxLength: 12 }),
  );
  fc.assert(
    fc.property(course, ([flow, facts, entered, inputs, answers]) => {
      let result = step(flow, undefined, entryOf(flow, facts, entered), facts);
      for (const input of inputs) result = step(flow, result.position, input, facts);
      let asked = 0;
      for (let steps = 0; steps < 60 && result.position.state.phase !== 'over'; steps++) {
        const { state, node } = result.position;
        const promises = state.phase === 'storing' && flow.nodes[node]?.type === 'callBack';
        const next: FlowInput = promises
          ? (answers[asked++] ?? timer)
          : state.phase === 'recording'
            ? recorded(0)
            : played;
        result = step(flow, result.position, next, facts);
        if (result.ignored !== undefined) result = step(flow, result.position, timer, facts);
      }
      return result.position.state.phase === 'over';
    }),
    { numRuns: 1_000 },
  );
  t.pass();
});

t.test('a call-back: promised, for later, refused, never asked for more often than its tries', async (t) => {
  const flow = flowSchema.parse(parse(callBackFlow));
  t.same(checkFlow(flow, { promptIds: new Set('at soon full no zone wrong later'.split(' ')), queueIds }), []);
  const at = (dayOffset: number): FlowInput => ({
    kind: 'callBackPromised',
    at: { date: '2027-01-12', time: '09:00', dayOffset },
  });
  const no = (why: (typeof refusals)[number]): FlowInput => ({ kind: 'callBackRefused', why });
  const asked = walk(flow, inHours, [enter]);
  t.same(asked.last, [
    { type: 'startTimer', ms: 10_000 },
    { type: 'promiseCallBack', topic: 'general', callBackNumber: 'ani', wish: { kind: 'soon' } },
  ]);
  t.same(prompts(walk(flow, inHours, [enter, at(0)]).last), ['soon']);
  const later = walk(flow, inHours, [enter, at(1), played]);
  t.same(said(later.all), [
    { prompt: 'at' },
    { date: '2027-01-12', dayOffset: 1, form: 'full' },
    { time: '09:00', form: 'после' },
    { prompt: 'later' },
  ]);
  t.same(prompts(walk(flow, afterHours, [enter, at(0)]).last), ['at'], 'nobody says «soon» while the line is closed');
  const full = walk(flow, inHours, [enter, no('noRoom')]);
  t.same(full.last[1], { type: 'note', kind: 'callBackRefused', facts: { why: 'noRoom', refusals: 1 } });
  t.same(prompts(full.last), ['full']);
  const zone = walk(flow, inHours, [enter, no('zoneUnknown'), played, ...press('15')]);
  t.same(said(zone.last), [{ time: '15:00', form: 'в' }], 'read back where the flow wants it');
  const told = walk(flow, inHours, [enter, no('zoneUnknown'), played, ...press('151')]);
  t.match(told.last.at(-1), { type: 'promiseCallBack', localHour: 15 });
  const thrice = walk(flow, inHours, [enter, no('failed'), played, no('failed'), played, no('failed'), played]);
  t.same(types(thrice.all).filter((type) => type === 'promiseCallBack').length, 3);
  t.match(thrice.last, [{ type: 'enqueue' }]);
  t.same(prompts(walk(flow, withheld, [enter]).last), ['no'], 'without a number nobody is asked');
  const late = walk(flow, inHours, [enter, timer, at(0)]);
  t.same(types(late.last), ['stopPlay', 'play'], 'a promise that comes late still counts');
  const stray: readonly (readonly FlowInput[])[] = [
    [enter, at(0), at(1)],
    [enter, at(0), no('failed')],
    [enter, timer, no('noRoom')],
    [enter, { kind: 'requestFailed' }],
    [enter, { kind: 'requestStored', caseNumber: '1' }],
  ];
  for (const inputs of stray) t.equal(walk(flow, inHours, inputs).ignored, 'notStoring');
  const chosen = callBackFlow.replace('wish: soon', 'wish: chosen');
  const without = walk(flowSchema.parse(parse(chosen)), inHours, [enter]);
  t.match(without.last.at(-1), { wish: { kind: 'soon' } }, 'a time that was never keyed cannot be chosen');
});

t.test('checkFlow finds a refusal without an answer, and prompts of refusals that are not there', async (t) => {
  const check = (from: string, to: string): readonly string[] => {
    t.ok(callBackFlow.includes(from), from);
    const flow = flowSchema.parse(parse(callBackFlow.replace(from, to)));
    const known = { promptIds: new Set('at soon full no zone wrong later'.split(' ')), queueIds };
    return checkFlow(flow, known).map(({ code, path }) => `${code} ${path}`);
  };
  t.same(
    check('default: [no]', 'tooFar: [no]'),
    ['outsideHours', 'zoneUnknown', 'noNumber', 'failed'].map((why) => `refusalUnanswered nodes.want.refused.${why}`),
  );
  t.same(
    check('zoneUnknown: zone, default: want', 'zoneUnknown: zone, noRoom: want, outsideHours: want, tooFar: want'),
    ['refusalUnanswered nodes.want.onRefused.noNumber', 'refusalUnanswered nodes.want.onRefused.failed'],
  );
  t.same(check('noRoom: [full]', 'noRoom: [fall]'), ['unknownPrompt nodes.want.refused.noRoom']);
  t.same(check('onLater: later', 'onLater: latter'), [
    'danglingTarget nodes.want.onLater',
    'unreachableNode nodes.later',
  ]);
  t.same(check('next: queue\n    onLater', 'next: ask\n    onLater'), ['endlessLoop nodes.ask']);
  t.throws(() =>
    flowSchema.parse(
      parse(callBackFlow.replace('valid: localHour', 'valid: phoneNumber').replace(/\n +confirm.*/, '')),
    ),
  );
  t.throws(() => flowSchema.parse(parse(callBackFlow.replace('noRoom: [full]', 'noPlace: [full]'))));
});

/** A small flow that is right; each fault is planted into a copy of it. */
const rightFlow = `
id: small
entry: hours
nodes:
  hours: { type: branch, when: open, yes: menu, no: bye }
  menu:
    type: menu
    say: [ask]
    keys: { '1': { to: queue }, '2': { to: hint }, '9': repeat }
    noInput: [ask]
    wrongKey: [ask]
    onExhausted: queue
  hint: { type: say, say: [ask], next: menu }
  queue: { type: enqueue, queue: general }
  bye: { type: hangup, say: [ask], outcome: informed }
`;

function faultsOf(text: string): readonly string[] {
  const { flows: linked, faults } = linkFlows([flowSchema.parse(parse(text))]);
  const known = { promptIds: new Set(['ask']), queueIds: new Set(['general']) };
  return [...faults, ...linked.flatMap((flow) => checkFlow(flow, known))].map(({ code, path }) => `${code} ${path}`);
}

t.test('checkFlow finds each kind of fault, and none in a right flow', async (t) => {
  const plant = (from: string, to: string): readonly string[] => {
    t.ok(rightFlow.includes(from), from);
    return faultsOf(rightFlow.replace(from, to));
  };
  t.same(faultsOf(rightFlow), []);
  t.same(plant('{ to: hint }', '{ to: hnt }'), ['danglingTarget nodes.menu.keys.2.to', 'unreachableNode nodes.hint']);
  t.same(plant('say: [ask], next', 'say: [aks], next'), ['unknownPrompt nodes.hint.say']);
  t.same(plant('queue: general', 'queue: gneral'), ['unknownQueue nodes.queue.queue']);
  t.same(plant('onExhausted: queue', 'onExhausted: hint'), ['noWayToOperator nodes.menu', 'endlessLoop nodes.menu']);
  t.same(plant('yes: menu', 'yes: bye'), [
    'noWayToOperator nodes.hours',
    'unreachableNode nodes.menu',
    'unreachableNode nodes.hint',
    'unreachableNode nodes.queue',
  ]);
  t.same(plant('no: bye }', 'no: turn }\n  turn: { type: goto, to: turn }'), [
    'noEnd nodes.turn',
    'unreachableNode nodes.bye',
    'endlessLoop nodes.turn',
  ]);
  t.same(plant('entry: hours', 'entry: hours\ninclude: [nothing]'), ['unknownInclude include.0']);
  t.same(plant('entry: hours', 'entry: hours\nfromQueues: [nothing]'), ['danglingTarget fromQueues.0']);
  const busy = 'nodes:\n  busy: { type: say, say: [ask], next: bye }';
  t.same(plant('nodes:', busy), ['unreachableNode nodes.busy']);
  t.same(plant('nodes:', `fromQueues: [busy]\n${busy}`), []);
  t.same(plant('entry: hours', 'entry: hours\nwhileWaiting: [nothing]'), ['danglingTarget whileWaiting.0']);
  const back = '  bye: { type: resume, say: [ask] }\n';
  t.same(plant('  bye: { type: hangup, say: [ask], outcome: informed }\n', back), ['resumeWithoutPlace nodes.bye']);
  const faq = 'nodes:\n  faq: { type: branch, when: waiting, yes: back, no: bye }\n  back: { type: resume }';
  t.same(plant('nodes:', `whileWaiting: [faq]\n${faq}`), []);
  t.throws(() => flowSchema.parse(parse(rightFlow.replace('say: [ask]\n', 'say: []\n'))));
  t.throws(() => flowSchema.parse(parse(rightFlow.replace('say: [ask]\n', 'say: [{ value: opens }]\n'))));
});

t.test('who has a place in a queue comes back to it from wherever he was', async (t) => {
  const flow = flowOf('main');
  const waiting: FlowFacts = { ...inHours, waiting: true, expectedWait: { kind: 'about', minutes: 2 } };
  const at = (node: string): FlowInput => ({ kind: 'enter', node });
  const choice = walk(flow, waiting, [at('waitingChoice')]);
  t.match(choice.last, [
    {
      type: 'play',
      say: [
        { prompt: 'operators-busy' },
        { prompt: 'estimate-left' },
        { wait: { kind: 'about', minutes: 2 } },
        { prompt: 'press-call-back-place' },
        { prompt: 'numerals/press' },
        { key: '1' },
        { prompt: 'numerals/pause' },
        { prompt: 'press-call-back-time' },
        { prompt: 'numerals/press' },
        { key: '2' },
        { prompt: 'numerals/pause' },
        { prompt: 'press-request' },
        { prompt: 'numerals/press' },
        { key: '3' },
      ],
    },
  ]);
  t.same(types(walk(flow, waiting, [at('waitingChoice'), played, timer]).last).at(-1), 'resume', 'silence is going on');
  const silently = (node: string, facts: FlowFacts) => {
    const inputs: FlowInput[] = [at(node)];
    for (let steps = 0; steps < 40; steps++) {
      const { last, all } = walk(flow, facts, inputs);
      const end = all.find(({ type }) => ['resume', 'enqueue', 'hangup'].includes(type));
      if (end !== undefined) return end.type;
      inputs.push(types(last).includes('startTimer') ? timer : played);
    }
    return 'no end';
  };
  for (const node of [
    'topics',
    'information',
    'requestNumber',
    'waitingChoice',
    'waitingQuestions',
    'callBackSoon',
    'callBackChosen',
  ])
    t.equal(silently(node, waiting), 'resume', node);
  t.equal(silently('topics', inHours), 'enqueue');
  const stored: FlowInput = { kind: 'requestStored', caseNumber: '12345' };
  const request = [
    at('requestNumber'),
    played,
    ...press('1'),
    played,
    recorded(4),
    played,
    ...press('1'),
    stored,
    played,
  ];
  t.match(walk(flow, waiting, request).last, [{ type: 'play', say: [{ prompt: 'request-or-stay' }] }]);
  t.match(walk(flow, inHours, request).last, [{ type: 'play', say: [{ prompt: 'goodbye' }] }]);
});

t.test('an own node stands in place of an included one; two includes must not bring the same name', async (t) => {
  const part = flowSchema.parse(
    parse(
      '{ id: p, part: true, entry: a, nodes: { a: { type: goto, to: b }, b: { type: hangup, outcome: informed } } }',
    ),
  );
  const own = flowSchema.parse(
    parse('{ id: o, include: [p], entry: a, nodes: { b: { type: enqueue, queue: general } } }'),
  );
  const { flows: linked, faults } = linkFlows([part, own]);
  t.same(faults, []);
  t.same(
    Object.entries(linked[1]?.nodes ?? {})
      .map(([id, node]) => `${id} ${node.type}`)
      .sort(),
    ['a goto', 'b enqueue'],
  );
  const forQueues = { ...part, entry: 'b', fromQueues: ['a'] };
  const entered = linkFlows([forQueues, { ...own, entry: 'b' }]).flows[1];
  t.same([Object.keys(entered?.nodes ?? {}).sort(), entered?.fromQueues], [['a', 'b'], ['a']], 'where queues send to');
  const other = flowSchema.parse(
    parse('{ id: q, part: true, entry: a, nodes: { a: { type: hangup, outcome: informed } } }'),
  );
  const both = linkFlows([part, other, { ...own, include: ['p', 'q'] }]);
  t.match(both.faults, [{ code: 'ambiguousNode', got: 'a' }]);
});

t.test(
  'the reference flows name queues that exist and have no fault but prompts, which sounds.test checks',
  async (t) => {
    for (const flow of flows.values()) {
      const faults = checkFlow(flow, { promptIds: new Set(), queueIds });
      t.same(
        faults.filter(({ code }) => code !== 'unknownPrompt'),
        [],
        flow.id,
      );
    }
  },
);
