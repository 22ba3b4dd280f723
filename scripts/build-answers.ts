/**
 * Builds the answers of test/fixtures/answers/answers.yaml: synthetic voices speak, recorded ones are taken from the folder that the
 * environment names as RECORDED_SOUNDS; all are brought to 8 kHz and one level. Building needs festival, festvox-ru, espeak-ng and sox and the
 * sounds of the Debian package asterisk-core-sounds-ru-wav; using them needs none.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { DozvonError } from '../src/foundation/index.ts';
import { decodeWav, encodeWav, sampleRate, shapeSpeech, tone } from './sound-shaping.ts';

const voiceSchema = z.enum(['festival', 'festival-slow', 'festival-quick', 'espeak-woman', 'espeak-man']);
const spokenSchema = z.strictObject({ id: z.string(), text: z.string(), beep: z.boolean().default(false) });
const recordedSchema = z.strictObject({ id: z.string(), files: z.array(z.string()).min(1) });
const sheetSchema = z.strictObject({
  voices: z.array(voiceSchema),
  human: z.array(spokenSchema),
  recordedHuman: z.array(recordedSchema),
  machineVoices: z.array(voiceSchema),
  machine: z.array(spokenSchema),
  recordedMachine: z.array(recordedSchema),
});

const answersDir = fileURLToPath(new URL('../test/fixtures/answers', import.meta.url));
const mostSeconds = 7;
/** Between parts that are joined. */
const pauseMs = 250;
const beforeBeepMs = 600;

/** Duration_Stretch of festival, words a minute of espeak-ng. */
const festivalStretch: Readonly<Record<string, number>> = { festival: 1, 'festival-slow': 1.3, 'festival-quick': 0.8 };
const espeakVoices: Readonly<Record<string, readonly string[]>> = {
  'espeak-woman': ['-v', 'ru+f2', '-s', '160'],
  'espeak-man': ['-v', 'ru+m3', '-s', '135'],
};

async function run(file: string, args: readonly string[]): Promise<void> {
  const child = spawn(file, args, { stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new DozvonError('TOOL_FAILED', `${file}: expected exit code 0, got ${String(code)}`);
}

async function readSound(file: string, dir: string): Promise<Float64Array> {
  const out = join(dir, 'out.wav');
  await run('sox', ['-G', file, '-r', String(sampleRate), '-b', '16', '-c', '1', out]);
  return decodeWav(await readFile(out));
}

async function speak(voice: string, text: string, dir: string): Promise<Float64Array> {
  const file = join(dir, 'voice.wav');
  const espeak = espeakVoices[voice];
  if (espeak === undefined) {
    const written = join(dir, 'text.txt');
    await writeFile(written, text);
    const stretch = `(Parameter.set 'Duration_Stretch ${festivalStretch[voice] ?? 1})`;
    await run('text2wave', ['-eval', '(voice_msu_ru_nsh_clunits)', '-eval', stretch, written, '-o', file]);
    // Unit selection does not know of stretching.
    const sound = await readSound(file, dir);
    const tempo = 1 / (festivalStretch[voice] ?? 1);
    if (tempo === 1) return sound;
    await writeFile(file, encodeWav(sound));
    const paced = join(dir, 'paced.wav');
    await run('sox', [file, paced, 'tempo', '-s', String(tempo)]);
    return decodeWav(await readFile(paced));
  }
  await run('espeak-ng', [...espeak, text.replaceAll('+', ''), '-w', file]);
  return await readSound(file, dir);
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.subarray(0, mostSeconds * sampleRate);
}

async function build(dir: string, recordedDir: string): Promise<void> {
  const sheet = sheetSchema.parse(parse(await readFile(join(answersDir, 'answers.yaml'), 'utf8')));
  const save = async (name: string, parts: readonly Float64Array[]): Promise<void> => {
    await writeFile(join(answersDir, `${name}.wav`), encodeWav(joined(parts)));
    process.stdout.write(`${name}\n`);
  };
  const spoken = [
    ...sheet.human.map((one) => ({ ...one, kind: 'human', voices: sheet.voices })),
    ...sheet.machine.map((one) => ({ ...one, kind: 'machine', voices: sheet.machineVoices })),
  ];
  for (const { kind, id, text, beep, voices } of spoken) {
    for (const voice of voices) {
      const sound = shapeSpeech(await speak(voice, text, dir), beep ? beforeBeepMs : 0);
      await save(`${kind}-${id}-${voice}`, beep ? [sound, tone(1_000, 500)] : [sound]);
    }
  }
  const recorded = [
    ...sheet.recordedHuman.map((one) => ({ ...one, kind: 'human' })),
    ...sheet.recordedMachine.map((one) => ({ ...one, kind: 'machine' })),
  ];
  for (const { kind, id, files } of recorded) {
    const parts: Float64Array[] = [];
    for (const [i, file] of files.entries()) {
      const sound = await readSound(join(recordedDir, `${file}.wav`), dir);
      parts.push(shapeSpeech(sound, i + 1 < files.length ? pauseMs : 0));
    }
    await save(`${kind}-${id}-recorded`, parts);
  }
}

const dir = await mkdtemp(join(tmpdir(), 'dozvon-answers-'));
try {
  await build(dir, process.env.RECORDED_SOUNDS ?? '');
} finally {
  await rm(dir, { recursive: true });
}
