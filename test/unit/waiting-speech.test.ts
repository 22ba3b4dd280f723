import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { decodeWav, sampleRate } from '../../scripts/sound-shaping.ts';
import {
  heldNumber,
  instantToSay,
  promptSheetSchema,
  render,
  type SayItem,
  soundSources,
} from '../../src/ivr/index.ts';

const soundsDir = join(import.meta.dirname, '../../sounds');
const sheet = promptSheetSchema.parse(parse(readFileSync(join(soundsDir, 'prompts.yaml'), 'utf8')));
const sources = { ru: soundSources(sheet, 'ru'), en: soundSources(sheet, 'en') };

/** What a caller hears, as words; a sound without a text fails. */
function words(language: 'ru' | 'en', ...items: readonly SayItem[]): string {
  const heard = render(items, language).map((id) => {
    const source = sources[language].get(id.slice(3));
    if (source === undefined) throw new Error(`no sound ${id}`);
    return source.kind === 'tone' ? '|' : source.text.replaceAll('+', '');
  });
  return heard.join(' ');
}

const secondsOf = new Map<string, number>();
/** From the files a caller hears; a sound without a file fails. */
function soundSeconds(id: string): number {
  const known = secondsOf.get(id);
  if (known !== undefined) return known;
  const seconds = decodeWav(readFileSync(join(soundsDir, `${id}.wav`))).length / sampleRate;
  secondsOf.set(id, seconds);
  return seconds;
}

// Russian numbers by a rule of the test's own: whole words by value, cases by table, nouns by the last two digits.
const ones = 'один два три четыре пять шесть семь восемь девять десять'.split(' ');
const teens =
  'одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать'.split(
    ' ',
  );
const tens = 'двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто'.split(' ');
const onesOf = 'одного двух трёх четырёх пяти шести семи восьми девяти десяти'.split(' ');
const tensOf = 'двадцати тридцати сорока пятидесяти шестидесяти семидесяти восьмидесяти девяноста'.split(' ');
const ordinals = 'первый второй третий четвёртый пятый шестой седьмой восьмой девятый десятый'.split(' ');
const tenths = 'двадцатый тридцатый сороковой пятидесятый шестидесятый семидесятый восьмидесятый девяностый'.split(' ');

type Sex = 'he' | 'she';
type Case = 'nominative' | 'genitive' | 'accusative';

/** The words of 0–200 with the last one put through `last`. */
function spelt(n: number, of: Case, last: (word: string, value: number) => string = (word) => word): string {
  const one = of === 'genitive' ? onesOf : ones;
  const ten = of === 'genitive' ? tensOf : tens;
  if (n === 0) return of === 'genitive' ? 'ноля' : 'ноль';
  const parts: [string, number][] = [];
  if (n >= 100)
    parts.push(n >= 200 ? [of === 'genitive' ? 'двухсот' : 'двести', 200] : [of === 'genitive' ? 'ста' : 'сто', 100]);
  const rest = n % 100;
  if (rest >= 20) parts.push([ten[Math.floor(rest / 10) - 2] ?? '', rest - (rest % 10)]);
  const small = rest >= 20 ? rest % 10 : rest;
  if (small > 10)
    parts.push([of === 'genitive' ? (teens[small - 11] ?? '').replace(/ь$/, 'и') : (teens[small - 11] ?? ''), small]);
  else if (small > 0) parts.push([one[small - 1] ?? '', small]);
  return parts.map(([word, value], index) => (index === parts.length - 1 ? last(word, value) : word)).join(' ');
}

function agreeing(sex: Sex, of: Case): (word: string) => string {
  const feminine: Record<string, string> = {
    один: of === 'accusative' ? 'одну' : 'одна',
    два: 'две',
    одного: 'одной',
  };
  return (word) => (sex === 'she' ? (feminine[word] ?? word) : word);
}

const nouns = {
  minute: { sex: 'she', one: 'минута', few: 'минуты', many: 'минут', oneOf: 'минуты', oneAcc: 'минуту' },
  second: { sex: 'she', one: 'секунда', few: 'секунды', many: 'секунд', oneOf: 'секунды', oneAcc: 'секунду' },
  hour: { sex: 'he', one: 'час', few: 'часа', many: 'часов', oneOf: 'часа', oneAcc: 'час' },
  day: { sex: 'he', one: 'день', few: 'дня', many: 'дней', oneOf: 'дня', oneAcc: 'день' },
  call: { sex: 'he', one: 'звонок', few: 'звонка', many: 'звонков', oneOf: 'звонка', oneAcc: 'звонок' },
} as const;

function counted(n: number, noun: keyof typeof nouns, of: Case): string {
  const forms = nouns[noun];
  const endsInOne = n % 10 === 1 && n % 100 !== 11;
  const endsInFew = n % 10 >= 2 && n % 10 <= 4 && !(n % 100 >= 12 && n % 100 <= 14);
  const ones = { nominative: forms.one, genitive: forms.oneOf, accusative: forms.oneAcc };
  const said = endsInOne ? ones[of] : of !== 'genitive' && endsInFew ? forms.few : forms.many;
  return `${spelt(n, of, agreeing(forms.sex, of))} ${said}`;
}

function ordinal(n: number): string {
  const whole: Record<number, string> = { 100: 'сотый', 200: 'двухсотый' };
  return spelt(n, 'nominative', (word, value) => {
    if (value >= 100) return whole[value] ?? '';
    if (value >= 20) return tenths[value / 10 - 2] ?? '';
    return value > 10 ? word.replace(/ь$/, 'ый') : (ordinals[value - 1] ?? '');
  });
}

/** «минуты», «двух минут»; full hours as hours. */
function length(minutes: number): string {
  const [count, noun] = minutes % 60 === 0 ? ([minutes / 60, 'hour'] as const) : ([minutes, 'minute'] as const);
  return count === 1 ? nouns[noun].oneOf : counted(count, noun, 'genitive');
}

function range(from: number, to: number): string {
  if (from % 60 === 0 || to % 60 === 0) return `от ${length(from)} до ${length(to)}`;
  return `от ${spelt(from, 'genitive', agreeing('she', 'genitive'))} до ${length(to)}`;
}

const digitWords = ['ноль', ...ones];
const upTo200 = Array.from({ length: 201 }, (_none, n) => n);

/** Every unit that is announced, 0–200, with the text expected of it. */
const table: readonly (readonly [string, (n: number) => readonly (readonly [SayItem, string])[]])[] = [
  ['place', (n) => (n === 0 ? [] : [[{ place: n, as: 'place' }, `вы ${ordinal(n)} в очереди`]])],
  [
    'calls ahead',
    (n) => [
      [
        { place: n + 1, as: 'ahead' },
        n === 0 ? 'ваш звонок следующий' : `перед вами ${counted(n, 'call', 'nominative')}`,
      ],
    ],
  ],
  ...(['minute', 'second', 'hour', 'day', 'call'] as const).map(
    (noun) =>
      [
        `${noun}s`,
        (n: number) =>
          (['nominative', 'genitive', 'accusative'] as const).map((of): readonly [SayItem, string] => [
            { number: n, noun, case: of },
            counted(n, noun, of),
          ]),
      ] as const,
  ),
  [
    'wait in minutes',
    (n) =>
      n === 0
        ? []
        : [
            [{ wait: { kind: 'lessThan', minutes: n } }, `меньше ${length(n)}`],
            [{ wait: { kind: 'about', minutes: n } }, `около ${length(n)}`],
            [{ wait: { kind: 'moreThan', minutes: n } }, `больше ${length(n)}`],
          ],
  ],
  [
    'wait from … to … minutes',
    (n) =>
      n === 0
        ? []
        : [1, 2, 5, 30].map((more): readonly [SayItem, string] => [
            { wait: { kind: 'between', minutes: n, toMinutes: n + more } },
            range(n, n + more),
          ]),
  ],
  [
    'wait in hours',
    (n) => (n === 0 ? [] : [[{ wait: { kind: 'about', minutes: n * 60 } }, `около ${length(n * 60)}`]]),
  ],
  [
    'digits of a number',
    (n) => [
      [
        { digits: `${n}` },
        `${n}`
          .split('')
          .map((digit) => digitWords[Number(digit)])
          .join(' '),
      ],
    ],
  ],
];

/**
 * Letters a second over the whole, sounds joined as they are played: measured 6.4–12.6. Words of one syllable are drawn out to 0.4 s each,
 * which is the slow end; a long number in one breath is the fast one. Half the words, or as much silence as speech, would be outside.
 */
const plausible = { from: 6, to: 13 };
/** One sound, spoken in one breath: nothing is joined. */
const plausibleAtOnce = 20;

t.test(
  '0–200 in every unit: text by an independent rule, from sounds that exist, as long as its words need',
  async (t) => {
    for (const [unit, entriesOf] of table) {
      const rates: number[] = [];
      let wrong = 0;
      for (const [item, expected] of upTo200.flatMap((n) => entriesOf(n))) {
        const said = words('ru', item);
        const seconds = render([item], 'ru').reduce((sum, id) => sum + soundSeconds(id), 0);
        const rate = expected.replace(/[^а-яё]/g, '').length / seconds;
        rates.push(rate);
        if (said === expected && rate >= plausible.from && rate <= plausible.to) continue;
        wrong++;
        if (wrong <= 5) t.fail(`${unit}: «${said}», expected «${expected}»; ${rate.toFixed(1)} letters a second`);
      }
      t.ok(
        rates.length >= 200 && wrong === 0,
        `${unit}: ${rates.length} texts, ${Math.min(...rates).toFixed(1)}–${Math.max(...rates).toFixed(1)} letters a second`,
      );
    }
  },
);

// English by a rule of its own.
const englishOnes =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const englishTens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
function english(n: number): string {
  if (n < 20) return englishOnes[n] ?? '';
  if (n < 100) return `${englishTens[Math.floor(n / 10) - 2]}${n % 10 === 0 ? '' : ` ${englishOnes[n % 10]}`}`;
  return `${englishOnes[Math.floor(n / 100)]} hundred${n % 100 === 0 ? '' : ` and ${english(n % 100)}`}`;
}
const englishCounted = (n: number, noun: string): string => `${english(n)} ${noun}${n === 1 ? '' : 's'}`;

t.test('0–200 in every unit in English', async (t) => {
  for (const n of upTo200) {
    for (const noun of ['minute', 'second', 'hour', 'day', 'call'] as const) {
      t.equal(words('en', { number: n, noun }), englishCounted(n, noun));
    }
    const ahead = `${n === 1 ? 'there is' : 'there are'} ${englishCounted(n, 'call')} ahead of you`;
    t.equal(words('en', { place: n + 1, as: 'ahead' }), n === 0 ? 'your call is next' : ahead);
    t.equal(words('en', { place: n + 1, as: 'place' }), `you are number ${english(n + 1)} in the queue`);
    if (n === 0) continue;
    const [count, noun] = n % 60 === 0 ? [n / 60, 'hour'] : [n, 'minute'];
    const article = noun === 'hour' ? 'an hour' : 'a minute';
    const length = count === 1 ? article : englishCounted(count, noun);
    t.equal(words('en', { wait: { kind: 'about', minutes: n } }), `about ${length}`);
    t.equal(
      words('en', { digits: `${n}` }),
      `${n}`
        .split('')
        .map((digit) => englishOnes[Number(digit)])
        .join(' '),
    );
  }
  const spoken: readonly (readonly [SayItem, string])[] = [
    [{ number: 412_045 }, 'four hundred and twelve thousand and forty five'],
    [{ wait: { kind: 'lessThan', minutes: 1 } }, 'less than a minute'],
    [{ wait: { kind: 'between', minutes: 3, toMinutes: 5 } }, 'three to five minutes'],
    [{ wait: { kind: 'between', minutes: 30, toMinutes: 60 } }, 'thirty minutes to an hour'],
    [{ wait: { kind: 'moreThan', minutes: 60 } }, 'more than an hour'],
    [{ interval: { from: '12:00', to: '14:30' } }, 'from noon to two thirty p.m.'],
    [{ time: '09:05', form: 'в' }, 'at nine oh five a.m.'],
    [{ time: '24:00', form: 'до' }, 'until midnight'],
    [{ date: '2027-01-12', dayOffset: 3, form: 'full' }, 'on Tuesday the twelfth of January'],
    [{ date: '2027-01-21' }, 'the twenty first of January'],
    [{ key: '*' }, 'star'],
  ];
  for (const [item, expected] of spoken) t.equal(words('en', item), expected);
  t.throws(() => render([{ number: 1_000_000 }], 'en'), { code: 'NUMBER_NOT_SPOKEN' });
});

t.test('waits, intervals and dates are said as people say them', async (t) => {
  const spoken: readonly (readonly [SayItem, string])[] = [
    [{ wait: { kind: 'lessThan', minutes: 1 } }, 'меньше минуты'],
    [{ wait: { kind: 'about', minutes: 1 } }, 'около минуты'],
    [{ wait: { kind: 'about', minutes: 2 } }, 'около двух минут'],
    [{ wait: { kind: 'between', minutes: 3, toMinutes: 5 } }, 'от трёх до пяти минут'],
    [{ wait: { kind: 'between', minutes: 5, toMinutes: 10 } }, 'от пяти до десяти минут'],
    [{ wait: { kind: 'between', minutes: 30, toMinutes: 60 } }, 'от тридцати минут до часа'],
    [{ wait: { kind: 'between', minutes: 60, toMinutes: 120 } }, 'от часа до двух часов'],
    [{ wait: { kind: 'between', minutes: 120, toMinutes: 180 } }, 'от двух до трёх часов'],
    [{ wait: { kind: 'moreThan', minutes: 60 } }, 'больше часа'],
    [{ place: 21, as: 'place' }, 'вы двадцать первый в очереди'],
    [{ place: 22, as: 'ahead' }, 'перед вами двадцать один звонок'],
    [{ place: 1_500, as: 'place' }, 'перед вами тысяча четыреста девяносто девять звонков'],
    [{ interval: { from: '14:00', to: '15:00' } }, 'с четырнадцати до пятнадцати часов'],
    [{ interval: { from: '01:00', to: '02:00' } }, 'с одного до двух часов'],
    [{ interval: { from: '21:00', to: '22:00' } }, 'с двадцати одного до двадцати двух часов'],
    [{ interval: { from: '14:30', to: '15:00' } }, 'с четырнадцати часов тридцати минут до пятнадцати часов'],
    [{ date: '2027-01-12', dayOffset: 0, form: 'full' }, 'сегодня'],
    [{ date: '2027-01-12', dayOffset: 1, form: 'full' }, 'завтра во вторник'],
    [{ date: '2027-01-12', dayOffset: 1 }, 'завтра'],
    [{ date: '2027-01-12', dayOffset: 9, form: 'full' }, 'во вторник двенадцатого января'],
    [{ key: '0' }, 'ноль'],
    [{ key: '*' }, 'звёздочку'],
    [{ key: '#' }, 'решётку'],
  ];
  for (const [item, expected] of spoken) t.equal(words('ru', item), expected);
  for (const place of [0, -1, 1.5])
    t.throws(() => render([{ place, as: 'ahead' }], 'ru'), { code: 'NUMBER_NOT_SPOKEN' });
  t.throws(() => render([{ key: 'A' }], 'ru'), { code: 'KEY_NOT_SPOKEN' });
});

t.test(
  'the hours of a day after every preposition: right case, from sounds that exist, as long as its words need',
  async (t) => {
    const before = { с: 'с', до: 'до', в: 'в', после: 'после' } as const;
    for (const form of ['с', 'до', 'в', 'после'] as const) {
      for (let hour = 0; hour <= 23; hour++) {
        const item: SayItem = { time: `${`${hour}`.padStart(2, '0')}:00`, form };
        const expected = `${before[form]} ${counted(hour, 'hour', form === 'в' ? 'nominative' : 'genitive')}`;
        t.equal(words('ru', item), expected);
        const seconds = render([item], 'ru').reduce((sum, id) => sum + soundSeconds(id), 0);
        const rate = expected.replace(/[^а-яё]/g, '').length / seconds;
        t.ok(rate >= plausible.from && rate <= plausibleAtOnce, `${expected}: ${rate.toFixed(1)} letters a second`);
      }
    }
    t.equal(words('ru', { time: '09:30', form: 'после' }), 'после девяти часов тридцати минут');
    t.equal(words('ru', { time: '01:01', form: 'после' }), 'после одного часа одной минуты');
    t.equal(words('en', { time: '15:00', form: 'после' }), 'after three p.m.');
  },
);

t.test('the instant of a call-back is said with its day', async (t) => {
  const at = (dayOffset: number) => instantToSay({ date: `2027-01-${11 + dayOffset}`, time: '09:00', dayOffset });
  t.equal(words('ru', ...at(0)), 'сегодня после девяти часов');
  t.equal(words('ru', ...at(1)), 'завтра во вторник после девяти часов');
  t.equal(words('ru', ...at(2)), 'в среду тринадцатого января после девяти часов');
  t.equal(words('en', ...at(1)), 'tomorrow on Tuesday after nine a.m.');
  t.equal(
    words('ru', ...heldNumber('request-number', '12')),
    'Номер вашего обращения, один два Повторяю номер, один два',
  );
});

t.test('every prompt has a text in both languages', async (t) => {
  for (const [id, texts] of Object.entries(sheet.prompts)) t.same(Object.keys(texts).sort(), ['en', 'ru'], id);
});
