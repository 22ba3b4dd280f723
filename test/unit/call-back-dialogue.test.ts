import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import {
  type Flow,
  type FlowFacts,
  type FlowInput,
  type FlowPosition,
  flowSchema,
  type Instruction,
  linkFlows,
  promptSheetSchema,
  render,
  type SayItem,
  soundSources,
  step,
} from '../../src/ivr/index.ts';

const root = join(import.meta.dirname, '../..');
const sheet = promptSheetSchema.parse(parse(readFileSync(join(root, 'sounds/prompts.yaml'), 'utf8')));
const sources = soundSources(sheet, 'ru');

function words(items: readonly SayItem[]): string {
  const heard = render(items, 'ru').map((id) => {
    const source = sources.get(id.slice(3));
    if (source === undefined) throw new Error(`no sound ${id}`);
    return source.kind === 'tone' ? '' : source.text.replaceAll('+', '');
  });
  return heard.join(' ').replaceAll(/ +/g, ' ').trim();
}

const flowsDir = join(root, 'config/flows');
const documents = readdirSync(flowsDir).map((file) =>
  flowSchema.parse(parse(readFileSync(join(flowsDir, file), 'utf8'))),
);
const flows = new Map(linkFlows(documents).flows.map((flow) => [flow.id, flow]));

function flowOf(id: string): Flow {
  const flow = flows.get(id);
  if (flow === undefined) throw new Error(`no flow ${id}`);
  return flow;
}

const lineId = 'general';
const inHours: FlowFacts = { line: { id: lineId, open: true }, aniKnown: true, aniDigits: '+79161234567' };
const waiting: FlowFacts = { ...inHours, waiting: true, expectedWait: { kind: 'between', minutes: 5, toMinutes: 10 } };
const closed: FlowFacts = {
  ...inHours,
  line: { id: lineId, open: false, opens: { date: '2027-01-12', time: '08:00', dayOffset: 1 } },
};

type Answer = Extract<FlowInput, { kind: 'callBackPromised' | 'callBackRefused' | 'requestStored' }>;
/** Keys pressed where the flow asks for some, '' for silence until it asks no more; or what came of a promise or a request. */
type Turn = string | Answer;

const promised = (dayOffset: number, time: string): Answer => ({
  kind: 'callBackPromised',
  at: { date: `2027-01-${11 + dayOffset}`, time, dayOffset },
});
const refused = (why: Extract<Answer, { kind: 'callBackRefused' }>['why']): Answer => ({
  kind: 'callBackRefused',
  why,
});

/** What is said and done, turn about, until the flow lets the caller go. Prompts are heard to their end where nobody is asked. */
function dialogue(options: {
  flow?: string;
  node?: string;
  facts: FlowFacts;
  turns: readonly Turn[];
}): readonly string[] {
  const flow = flowOf(options.flow ?? 'main');
  const lines: string[] = [];
  const turns = [...options.turns];
  let position: FlowPosition | undefined;
  const feed = (input: FlowInput): void => {
    const result = step(flow, position, input, options.facts);
    if (result.ignored !== undefined) throw new Error(`${input.kind} was ignored: ${result.ignored}`);
    position = JSON.parse(JSON.stringify(result.position)) as FlowPosition;
    lines.push(...result.instructions.flatMap(told));
  };
  const phase = (): FlowPosition['state']['phase'] => position?.state.phase ?? 'notEntered';
  feed({ kind: 'enter', ...(options.node === undefined ? {} : { node: options.node }) });
  for (let moves = 0; moves < 200 && phase() !== 'over'; moves++) {
    if (phase() === 'saying' || phase() === 'announcing') feed({ kind: 'played' });
    else if (phase() === 'recording') feed({ kind: 'recorded', seconds: 4, by: 'key' });
    else if (turns[0] === '') {
      feed({ kind: 'played' });
      feed({ kind: 'timer' });
      if (phase() !== 'asking' && phase() !== 'collecting') turns.shift();
    } else {
      const turn = turns.shift();
      if (turn === undefined) throw new Error(`no turn left:\n${lines.join('\n')}`);
      if (typeof turn !== 'string') feed(turn);
      else {
        lines.push(`> ${turn}`);
        for (const digit of turn) feed({ kind: 'digit', digit });
      }
    }
  }
  if (turns.length > 0) throw new Error(`turns left ${JSON.stringify(turns)}:\n${lines.join('\n')}`);
  return lines;
}

function told(instruction: Instruction): readonly string[] {
  switch (instruction.type) {
    case 'play':
      return [words(instruction.say)];
    case 'promiseCallBack': {
      const { wish, callBackNumber, localHour, topic } = instruction;
      const when = wish.kind === 'at' ? `at ${wish.hour} in ${wish.dayOffset} days` : wish.kind;
      const number = callBackNumber === 'ani' ? 'ani' : callBackNumber.keyed;
      const about = topic === lineId ? '' : `, ${topic}`;
      return [`= ${when}, ${number}${about}${localHour === undefined ? '' : `, where it is ${localHour}`}`];
    }
    case 'storeRequest':
      return ['= request'];
    case 'resume':
      return ['= back to the queue'];
    case 'hangup':
      return [`= end: ${instruction.outcome}`];
    default:
      return [];
  }
}

const busy =
  'К сожалению, все операторы сейчас заняты. Ждать осталось, от пяти до десяти минут ' +
  'Чтобы мы перезвонили вам, когда подойдёт ваша очередь, нажмите один Чтобы мы перезвонили вам в удобное время, нажмите два ' +
  'Чтобы оставить обращение, нажмите три Ваше место в очереди сохраняется. Пожалуйста, оставайтесь на линии.';
const thisNumber =
  'Ваш номер телефона, восемь девять один шесть один два три четыре пять шесть семь Если перезвонить вам на этот номер, нажмите один. ' +
  'Чтобы указать другой номер, нажмите два. Прослушать ещё раз, девять. Вернуться назад, звёздочка.';
const hourHere =
  'Который у вас сейчас час? Наберите его двумя цифрами. Например, если у вас три часа дня, наберите один пять.';
const whichDay =
  'В какой день вам перезвонить? Сегодня, нажмите один. Завтра, два. Послезавтра, три. Прослушать ещё раз, девять. Вернуться назад, звёздочка.';
const whichHour =
  'После которого часа вам перезвонить? Наберите час по вашему времени двумя цифрами. Например, если после трёх часов дня, наберите один пять.';
const whichTopic =
  'Выберите, пожалуйста, тему. Регистрация и вход, нажмите один. Личные данные, два. Документы, три. Состояние заявления, четыре. ' +
  'Справочная информация и оплата, пять. Технические неполадки, шесть. Вопросы предпринимателей и организаций, семь. ' +
  'Социальные программы, восемь. Другая тема, ноль. Прослушать ещё раз, девять. Вернуться назад, звёздочка.';
const orStay = 'Вы можете положить трубку, место за вами сохраняется, или остаться на линии.';
const zoneRule = 'Мы звоним с восьми утра до десяти вечера по вашему времени.';

t.test('as soon as possible: the place is kept, the caller may hang up or stay', async (t) => {
  t.same(dialogue({ node: 'waitingChoice', facts: waiting, turns: ['1', '1', promised(0, '14:37')] }), [
    busy,
    '> 1',
    thisNumber,
    '> 1',
    '= soon, ani',
    'Спасибо, звонок заказан. Мы перезвоним вам, как только подойдёт ваша очередь.',
    orStay,
    '= back to the queue',
  ]);
  const byKey = dialogue({ node: 'callBackSoon', facts: waiting, turns: ['1', promised(0, '14:37')] });
  t.same(byKey[0], thisNumber, 'by a key of the announcements');
  const silent = dialogue({ node: 'waitingChoice', facts: waiting, turns: [''] });
  t.same(silent, [busy, '= back to the queue']);
});

t.test('no room today: promised for a later day, which silence keeps', async (t) => {
  const later = [
    'Спасибо, звонок заказан. Мы перезвоним вам, завтра во вторник после девяти часов Время московское.',
    'Сегодня перезвонить мы, к сожалению, уже не успеем. Чтобы выбрать другое время, нажмите два Чтобы оставить ещё и обращение, ' +
      'нажмите три Если это время вам подходит, ничего не нажимайте.',
  ];
  const start = ['1', promised(1, '09:00')];
  t.same(dialogue({ node: 'callBackSoon', facts: waiting, turns: [...start, ''] }).slice(3), [
    ...later,
    orStay,
    '= back to the queue',
  ]);
  const other = dialogue({
    node: 'callBackSoon',
    facts: waiting,
    turns: [...start, '2', '14', '3', '18', promised(2, '18:00')],
  });
  t.same(other.slice(5), [
    '> 2',
    hourHere,
    '> 14',
    whichDay,
    '> 3',
    whichHour,
    '> 18',
    '= at 18 in 2 days, ani, where it is 14',
    'Спасибо, звонок заказан. Мы перезвоним вам, в среду тринадцатого января после восемнадцати часов Время московское.',
    orStay,
    '= back to the queue',
  ]);
  const stands = dialogue({
    node: 'callBackSoon',
    facts: waiting,
    turns: [...start, '2', '14', '1', '23', refused('failed')],
  });
  t.same(stands.slice(-4), [
    'К сожалению, заказать звонок сейчас не удалось.',
    'Звонок, о котором мы договорились, остаётся в силе. Мы перезвоним вам, завтра во вторник после девяти часов Время московское.',
    orStay,
    '= back to the queue',
  ]);
  const withRequest = dialogue({
    node: 'callBackSoon',
    facts: waiting,
    turns: [...start, '3', '1', { kind: 'requestStored', caseNumber: '12' }],
  });
  t.match(withRequest.slice(-2), [/Вы можете повесить трубку/, '= back to the queue']);
});

t.test('at a chosen time: his own clock first, then the day and the hour', async (t) => {
  t.same(
    dialogue({ node: 'waitingChoice', facts: waiting, turns: ['2', '1', '21', '2', '9#', promised(1, '09:00')] }),
    [
      busy,
      '> 2',
      thisNumber,
      '> 1',
      hourHere,
      '> 21',
      whichDay,
      '> 2',
      whichHour,
      '> 9#',
      '= at 9 in 1 days, ani, where it is 21',
      'Спасибо, звонок заказан. Мы перезвоним вам, завтра во вторник после девяти часов Время московское.',
      orStay,
      '= back to the queue',
    ],
  );
});

t.test('a number keyed in place of his own', async (t) => {
  const keyed = dialogue({
    node: 'callBackSoon',
    facts: waiting,
    turns: ['2', '84951234567', '1', promised(0, '10:00')],
  });
  t.same(keyed.slice(2, 7), [
    'Наберите номер телефона с кодом, начиная с восьмёрки. В конце нажмите решётку. Чтобы начать сначала, нажмите звёздочку.',
    '> 84951234567',
    'Вы набрали, восемь четыре девять пять один два три четыре пять шесть семь Если номер верный, нажмите один. Чтобы набрать его снова, нажмите два.',
    '> 1',
    '= soon, +74951234567',
  ]);
  const chosen = dialogue({
    node: 'callBackChosen',
    facts: waiting,
    turns: ['2', '84951234567', '1', '15', '1', '18', promised(0, '18:00')],
  });
  t.ok(chosen.includes('= at 18 in 0 days, +74951234567, where it is 15'), 'hours do not push the number out');
});

t.test('a zone that is not known is asked for, an hour that is none is asked again', async (t) => {
  t.same(
    dialogue({
      node: 'callBackSoon',
      facts: waiting,
      turns: ['1', refused('zoneUnknown'), '24', '22', refused('outsideHours'), '2', '10', promised(1, '03:00')],
    }).slice(2),
    [
      '= soon, ani',
      zoneRule,
      hourHere,
      '> 24',
      `Такого часа нет. ${hourHere}`,
      '> 22',
      '= soon, ani, where it is 22',
      'В это время мы не звоним. Мы звоним, пока работают операторы, с восьми утра до десяти вечера по вашему времени.',
      whichDay,
      '> 2',
      whichHour,
      '> 10',
      '= at 10 in 1 days, ani, where it is 22',
      'Спасибо, звонок заказан. Мы перезвоним вам, завтра во вторник после трёх часов Время московское.',
      orStay,
      '= back to the queue',
    ],
  );
  const next = dialogue({
    node: 'callBackChosen',
    facts: waiting,
    turns: [
      '1',
      '15',
      '1',
      '23',
      { kind: 'callBackRefused', why: 'outsideHours', next: { date: '2027-01-12', time: '08:00', dayOffset: 1 } },
      '2',
      '8#',
      promised(1, '08:00'),
    ],
  });
  t.match(next[9], /Ближайшее время для звонка, завтра во вторник после восьми часов Время московское\.$/);
});

t.test('none is promised: a request in its place, or back to the queue', async (t) => {
  const offer = 'Мы можем принять ваше обращение. Чтобы оставить обращение, нажмите один';
  const noRoom = 'К сожалению, на это время операторы уже заняты, и пообещать вам звонок мы не можем.';
  const start = ['1', refused('noRoom')];
  const request = dialogue({
    node: 'callBackSoon',
    facts: waiting,
    turns: [...start, '1', '1', { kind: 'requestStored', caseNumber: '12' }],
  });
  t.same(request.slice(3, 6), [noRoom, offer, '> 1']);
  t.ok(request.includes('= request'));
  t.same(request.filter((line) => line === thisNumber).length, 1, 'the number is not asked for twice');
  t.same(request.at(-1), '= back to the queue');
  const silent = dialogue({ node: 'callBackSoon', facts: waiting, turns: [...start, ''] });
  t.same(silent.slice(-2), ['Возвращаем вас в очередь. Ваше место сохранено.', '= back to the queue']);
  const gone = dialogue({
    node: 'operatorsBusy',
    facts: inHours,
    turns: ['1', ...start, '', { kind: 'requestStored', caseNumber: '12' }],
  });
  t.same(
    gone.slice(-3).map((line) => line.slice(0, 20)),
    ['Спасибо! Ваше обраще', 'Спасибо за звонок. Д', '= end: requestLeft'],
  );
  const otherDay = dialogue({
    node: 'callBackChosen',
    facts: waiting,
    turns: ['1', '15', '1', '18', refused('noRoom'), '2', '18', promised(1, '18:00')],
  });
  t.same(otherDay.slice(9, 11), [noRoom, whichDay], 'a day of his choice that is full');
  const hopeless = ['1', '15', ...Array.from({ length: 4 }, () => ['1', '23', refused('outsideHours')]).flat()];
  const bounded = dialogue({ node: 'callBackChosen', facts: waiting, turns: [...hopeless, ''] });
  t.same(bounded.slice(-4)[0]?.slice(0, 24), 'Мы можем принять ваше об', 'four refusals, then a request');
});

t.test('outside hours: after the opening, or at a chosen time', async (t) => {
  const night = dialogue({ facts: closed, turns: ['6', '3', '1', promised(1, '08:00')] });
  t.match(night[1], 'Сейчас операторы не работают. Операторы ответят на ваш звонок, завтра с восьми часов');
  t.match(night[2], /Чтобы мы перезвонили вам, когда откроемся, нажмите шесть\. Чтобы выбрать время звонка, семь\./);
  t.same(night.slice(3), [
    '> 6',
    whichTopic,
    '> 3',
    thisNumber,
    '> 1',
    '= nextOpening, ani, documents',
    'Спасибо, звонок заказан. Мы перезвоним вам, завтра во вторник после восьми часов Время московское.',
    'Спасибо за звонок. До свидания!',
    '= end: callBackPromised',
  ]);
  const chosen = dialogue({ facts: closed, turns: ['7', '0', '1', '02', '2', '12', promised(1, '12:00')] });
  t.ok(chosen.includes('= at 12 in 1 days, ani, operator, where it is 2'));
  const holidays = dialogue({
    facts: closed,
    turns: ['6', '0', '1', refused('tooFar'), '', { kind: 'requestStored', caseNumber: '12' }],
  });
  t.match(holidays.slice(9, 11), [/^Звонок на такой далёкий день заказать нельзя/, /^Мы можем принять ваше обращение/]);
  t.equal(holidays.at(-1), '= end: requestLeft');
  const withheld: FlowFacts = { line: closed.line, aniKnown: false };
  const keyed = dialogue({ flow: 'social', facts: withheld, turns: ['6', '84951234567', '1', promised(1, '08:00')] });
  t.ok(keyed.includes('= nextOpening, +74951234567, social'), 'a topical line asks for no topic');
});

t.test('the line has closed while he waited: silence is a call-back after the opening', async (t) => {
  const offer =
    'Рабочий день закончился, и мы не успели вам ответить. Приносим извинения. Мы можем перезвонить вам, завтра с восьми часов ' +
    'Чтобы мы перезвонили, нажмите один или просто подождите. Чтобы оставить обращение, нажмите два. Чтобы завершить звонок, нажмите три.';
  const silent = dialogue({ node: 'closingOffer', facts: closed, turns: ['', promised(1, '08:00')] });
  t.same(silent, [
    offer,
    `Вы ничего не нажали. ${offer}`,
    '= nextOpening, ani',
    'Спасибо, звонок заказан. Мы перезвоним вам, завтра во вторник после восьми часов Время московское.',
    'Спасибо за звонок. До свидания!',
    '= end: callBackPromised',
  ]);
  const byKey = dialogue({ node: 'closingOffer', facts: closed, turns: ['1', '1', promised(1, '08:00')] });
  t.same(byKey.slice(1, 5), ['> 1', thisNumber, '> 1', '= nextOpening, ani']);
  t.same(dialogue({ node: 'closingOffer', facts: closed, turns: ['3'] }).at(-1), '= end: informed');
  const request = dialogue({
    node: 'closingOffer',
    facts: closed,
    turns: ['2', '1', '1', { kind: 'requestStored', caseNumber: '12' }],
  });
  t.same(request.at(-1), '= end: requestLeft');
  const unknown: FlowFacts = { line: { id: lineId, open: false }, aniKnown: false };
  t.match(dialogue({ node: 'closingOffer', facts: unknown, turns: [''] }).slice(0, 3), [
    /Мы можем перезвонить вам, как только откроемся\./,
    /^Вы ничего не нажали/,
    /^Наберите номер/,
  ]);
});
