import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { parse } from 'yaml';
import { readSoundSources, soundFaults, staleSounds, unspeakable } from '../../scripts/build-sounds.ts';
import { decodeWav, encodeWav, measure, shapeSpeech, tone } from '../../scripts/sound-shaping.ts';
import { checkFlow, flowSchema, linkFlows, render, type SayItem } from '../../src/ivr/index.ts';

const soundsDir = join(import.meta.dirname, '../../sounds');
const flowsDir = join(import.meta.dirname, '../../config/flows');
const sources = await readSoundSources(soundsDir);

/** What a caller hears, as words; a sound that does not exist fails. */
function words(...items: readonly SayItem[]): string {
  const heard = render(items, 'ru').map((id) => {
    const source = sources.get(id.slice('ru/'.length));
    if (source === undefined) throw new Error(`no sound ${id}`);
    return source.kind === 'tone' ? '|' : source.text.replaceAll('+', '');
  });
  return heard.join(' ');
}

t.test('numbers agree with what they count in gender, case and plural', async (t) => {
  const spoken: readonly (readonly [SayItem, string])[] = [
    [{ number: 1, noun: 'minute' }, 'одна минута'],
    [{ number: 2, noun: 'minute' }, 'две минуты'],
    [{ number: 5, noun: 'minute' }, 'пять минут'],
    [{ number: 11, noun: 'minute' }, 'одиннадцать минут'],
    [{ number: 21, noun: 'call' }, 'двадцать один звонок'],
    [{ number: 22, noun: 'call' }, 'двадцать два звонка'],
    [{ number: 112, noun: 'call' }, 'сто двенадцать звонков'],
    [{ number: 1, noun: 'minute', case: 'accusative' }, 'одну минуту'],
    [{ number: 21, noun: 'second', case: 'genitive' }, 'двадцати одной секунды'],
    [{ number: 2, noun: 'hour', case: 'genitive' }, 'двух часов'],
    [{ number: 3, noun: 'day' }, 'три дня'],
    [{ number: 0, noun: 'call' }, 'ноль звонков'],
    [{ number: 1, gender: 'neuter' }, 'одно'],
    [{ number: 1_000 }, 'тысяча'],
    [{ number: 2_002, gender: 'feminine' }, 'две тысячи две'],
    [{ number: 21_001 }, 'двадцать одна тысяча один'],
    [{ number: 21_000, case: 'accusative' }, 'двадцать одну тысячу'],
    [{ number: 412_345, case: 'genitive' }, 'четырёхсот двенадцати тысяч трёхсот сорока пяти'],
    [{ number: 999_999 }, 'девятьсот девяносто девять тысяч девятьсот девяносто девять'],
  ];
  for (const [item, expected] of spoken) t.equal(words(item), expected);
  t.throws(() => render([{ number: 1_000_000 }], 'ru'), { code: 'NUMBER_NOT_SPOKEN' });
  t.throws(() => render([{ number: 1.5 }], 'ru'), { code: 'NUMBER_NOT_SPOKEN' });
  t.throws(() => render([], 'xx'), { code: 'LANGUAGE_NOT_SPOKEN' });
});

t.test('times, dates, weekdays and digits are said as people say them', async (t) => {
  const spoken: readonly (readonly [SayItem, string])[] = [
    [{ time: '08:00', form: 'с' }, 'с восьми часов'],
    [{ time: '20:00', form: 'до' }, 'до двадцати часов'],
    [{ time: '01:00', form: 'до' }, 'до одного часа'],
    [{ time: '24:00', form: 'до' }, 'до двадцати четырёх часов'],
    [{ time: '08:30', form: 'в' }, 'в восемь часов тридцать минут'],
    [{ time: '22:01', form: 'в' }, 'в двадцать два часа одну минуту'],
    [{ time: '21:02', form: 'с' }, 'с двадцати одного часа двух минут'],
    [{ date: '2027-01-04' }, 'четвёртого января'],
    [{ date: '2027-05-31', dayOffset: 8 }, 'тридцать первого мая'],
    [{ date: '2027-01-04', dayOffset: 0 }, 'сегодня'],
    [{ date: '2027-01-04', dayOffset: 1 }, 'завтра'],
    [{ date: '2027-01-04', dayOffset: 3 }, 'в понедельник'],
    [{ date: '2027-01-10', dayOffset: 6 }, 'в воскресенье'],
    [{ date: '2027-01-11', dayOffset: 7 }, 'одиннадцатого января'],
    [{ weekday: 2 }, 'во вторник'],
    [{ digits: '+7 916 123-45-67' }, 'семь | девять один шесть | один два три | четыре пять | шесть семь'],
    [{ digits: '1234' }, 'один два три | четыре'],
  ];
  for (const [item, expected] of spoken) t.equal(words(item), expected);
  for (const time of ['8:00', '24:30', '25:00', '']) {
    t.throws(() => render([{ time, form: 'с' }], 'ru'), { code: 'TIME_NOT_SPOKEN' });
  }
  t.throws(() => render([{ date: '2027-13-01' }], 'ru'), { code: 'DATE_NOT_SPOKEN' });
  t.throws(() => render([{ weekday: 8 }], 'ru'), { code: 'DATE_NOT_SPOKEN' });
});

/** Every form of every numeral with its value: written apart from the code, to read back what it says. */
const forms = `0 ноль ноля, 1 один одна одно одну одного одной, 2 два две двух, 3 три трёх, 4 четыре четырёх, 5 пять пяти, 6 шесть шести,
  7 семь семи, 8 восемь восьми, 9 девять девяти, 10 десять десяти, 11 одиннадцать одиннадцати, 12 двенадцать двенадцати,
  13 тринадцать тринадцати, 14 четырнадцать четырнадцати, 15 пятнадцать пятнадцати, 16 шестнадцать шестнадцати,
  17 семнадцать семнадцати, 18 восемнадцать восемнадцати, 19 девятнадцать девятнадцати, 20 двадцать двадцати,
  30 тридцать тридцати, 40 сорок сорока, 50 пятьдесят пятидесяти, 60 шестьдесят шестидесяти, 70 семьдесят семидесяти,
  80 восемьдесят восьмидесяти, 90 девяносто девяноста, 100 сто ста, 200 двести двухсот, 300 триста трёхсот,
  400 четыреста четырёхсот, 500 пятьсот пятисот, 600 шестьсот шестисот, 700 семьсот семисот, 800 восемьсот восьмисот,
  900 девятьсот девятисот`;
const values = new Map(
  forms.split(',').flatMap((entry) => {
    const [value, ...spellings] = entry.trim().split(/\s+/);
    return spellings.map((spelling) => [spelling, Number(value)] as const);
  }),
);

function valueOfWords(text: string): number {
  let thousands = 0;
  let sum = 0;
  for (const word of text.split(' ')) {
    if (word.startsWith('тысяч')) {
      thousands = (sum === 0 ? 1 : sum) * 1_000;
      sum = 0;
      continue;
    }
    const value = values.get(word);
    if (value === undefined) throw new Error(`not a numeral: ${word}`);
    sum += value;
  }
  return thousands + sum;
}

t.test('every number has its sounds and is heard as itself', async (t) => {
  const cases = ['nominative', 'genitive', 'accusative'] as const;
  const genders = ['masculine', 'feminine', 'neuter'] as const;
  let wrong = 0;
  for (let number = 0; number <= 9_999; number++) {
    if (valueOfWords(words({ number })) !== number) wrong++;
  }
  t.equal(wrong, 0, 'all of 0–9999');
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 999_999 }),
      fc.constantFrom(...cases),
      fc.constantFrom(...genders),
      (number, numeralCase, gender) => valueOfWords(words({ number, case: numeralCase, gender })) === number,
    ),
  );
  const minutes = Array.from({ length: 24 * 60 }, (_none, minute) => minute);
  for (const form of ['с', 'до', 'в'] as const) {
    const times = minutes.map((at) => `${`${Math.floor(at / 60)}`.padStart(2, '0')}:${`${at % 60}`.padStart(2, '0')}`);
    t.equal(new Set(times.map((time) => words({ time, form }))).size, 1_440, `every minute of the day, «${form}»`);
  }
  const days = Array.from({ length: 366 }, (_none, day) => new Date(Date.UTC(2028, 0, 1 + day)).toISOString());
  t.equal(new Set(days.map((day) => words({ date: day.slice(0, 10) }))).size, 366, 'every day of a year');
});

t.test('every prompt a flow names has a text and a sound', async (t) => {
  const documents = await Promise.all(
    (await readdir(flowsDir)).map(async (file) =>
      flowSchema.parse(parse(await readFile(join(flowsDir, file), 'utf8'))),
    ),
  );
  const promptIds = new Set(sources.keys());
  for (const flow of linkFlows(documents).flows) {
    const faults = checkFlow(flow, { promptIds, queueIds: new Set() }).filter(({ code }) => code === 'unknownPrompt');
    t.same(faults, [], flow.id);
  }
  const byTheService =
    'unknown-number no-service technical-difficulty goodbye queue-welcome queue-resume removed-from-queue operator-joining ' +
    'operator-ready operator-not-ready operator-logged-off operator-not-signed-in beep concluded-request concluded-call-back ' +
    'call-back-or-stay call-back-operator call-back-not-reached call-back-greeting call-back-resumed place-returned closing-grace ' +
    'call-back-promised call-back-promised-soon moscow-time call-back-greeting-short recording-notice-short';
  for (const id of byTheService.split(' ')) t.ok(sources.has(id), id);
});

t.test('every sound is there, made from its present text, and sounds plausible', async (t) => {
  t.same(await staleSounds(soundsDir), { stale: [], orphans: [] }, '`npm run sounds` builds what is stale');
  for (const [id, source] of sources) {
    const measured = measure(decodeWav(await readFile(join(soundsDir, 'ru', `${id}.wav`))));
    const faults = soundFaults(source, measured);
    if (faults.length > 0) t.fail(`${id}: ${faults.join('; ')}`);
    if (source.kind !== 'tone' && unspeakable(source.text).length > 0) t.fail(`${id}: signs the voice stops at`);
  }
});

t.test('a changed text, a changed file, a missing file and a file without a text are noticed', async (t) => {
  const copy = await mkdtemp(join(tmpdir(), 'dozvon-sounds-test-'));
  t.teardown(() => rm(copy, { recursive: true, force: true }));
  await cp(soundsDir, copy, { recursive: true });
  const sheet = await readFile(join(copy, 'prompts.yaml'), 'utf8');
  t.ok(sheet.includes('До свидания!'));
  await writeFile(join(copy, 'prompts.yaml'), sheet.replace('До свидания!', 'Всего доброго!'));
  await writeFile(join(copy, 'ru/wrong-key.wav'), encodeWav(tone(440, 1_000)));
  await rm(join(copy, 'ru/numerals/20.wav'));
  await writeFile(join(copy, 'ru/nobody-says-this.wav'), encodeWav(tone(440, 100)));
  const { stale, orphans } = await staleSounds(copy);
  t.same([...stale].sort(), ['goodbye', 'numerals/20', 'wrong-key']);
  t.same(orphans, ['nobody-says-this']);
});

t.test('a faulty sound is found by measurement', async (t) => {
  const source = { kind: 'sentence', text: 'Вы в очереди к оператору.' } as const;
  const good = { seconds: 2, peakDb: -5, speechDb: -19, longestSilenceMs: 300 };
  t.same(soundFaults(source, good), []);
  t.equal(soundFaults(source, { ...good, seconds: 0.5 }).length, 1, 'words left out');
  t.equal(soundFaults(source, { ...good, peakDb: 0 }).length, 1, 'clipped');
  t.equal(soundFaults(source, { ...good, peakDb: -40 }).length, 1, 'nothing heard');
  t.equal(soundFaults(source, { ...good, longestSilenceMs: 3_000 }).length, 1, 'a hole');
  t.same(unspeakable('«МФЦ» — ЕСИА, 4 шт. URL…').length > 0, true);
});

t.test('speech is trimmed, levelled and keeps its length through the file', async (t) => {
  const quiet = tone(300, 500).map((sample) => sample * 0.05);
  const padded = new Float64Array(16_000);
  padded.set(quiet, 6_000);
  const shaped = shapeSpeech(padded, 100);
  const measured = measure(decodeWav(encodeWav(shaped)));
  t.ok(Math.abs(measured.seconds - 0.61) < 0.04, `${measured.seconds} s`);
  t.ok(Math.abs(measured.speechDb + 19) < 1, `${measured.speechDb} dB`);
  t.throws(() => shapeSpeech(new Float64Array(8_000), 100), { code: 'SOUND_SILENT' });
  t.throws(() => decodeWav(Buffer.from('RIFF')), { code: 'SOUND_FORMAT' });
});
