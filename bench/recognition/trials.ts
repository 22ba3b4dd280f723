import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeWav, encodeWav, sampleRate, tone } from '../../scripts/sound-shaping.ts';
import type { BaseAudio } from '../../src/phones/index.ts';

/** Who or what answers. Music and ringing after the answer are no human; nothing is asked of how they are told from a machine. */
export type Answerer = 'human' | 'machine' | 'music' | 'silence';

/** How it sounds: levels against full scale. */
export interface Condition {
  readonly name: 'clear' | 'quiet' | 'noisy' | 'street';
  readonly gain: number;
  /** Root mean square of the noise that is there all the time. */
  readonly noise: number;
  /** Until the first sound: the telephone on its way to the ear. */
  readonly leadMs: number;
}

/** Speech lies at −19 dB; noise at −53 dB is a quiet room, at −38 dB a street behind a telephone that suppresses noise badly. */
export const conditions: readonly Condition[] = [
  { name: 'clear', gain: 1, noise: 0, leadMs: 0 },
  { name: 'quiet', gain: 0.3, noise: 0, leadMs: 700 },
  { name: 'noisy', gain: 0.7, noise: 10 ** (-53 / 20), leadMs: 1_500 },
  { name: 'street', gain: 1, noise: 10 ** (-38 / 20), leadMs: 500 },
];

/** One call: what is there, and when it falls silent. */
export interface Trial {
  readonly name: string;
  readonly answerer: Answerer;
  readonly condition: Condition['name'];
  /** Sent when no sound is; the file holds everything else. */
  readonly audio: BaseAudio;
  readonly samples?: Float64Array;
  /** From the answer to the end of the last sound. */
  readonly soundEndsMs: number;
}

const answersDir = fileURLToPath(new URL('../../test/fixtures/answers', import.meta.url));
/** Longer than anybody listens. */
const lastsMs = 8_000;

/** Repeats itself from run to run: the low bits of a linear congruence are no noise, the high ones are good enough. */
function noiseSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** Uniform noise between −a and a has the root mean square a / √3. */
function under(sound: Float64Array, condition: Condition, seed: number): Float64Array {
  const noise = noiseSource(seed);
  const lead = Math.round((condition.leadMs * sampleRate) / 1_000);
  const samples = new Float64Array(Math.round((lastsMs * sampleRate) / 1_000));
  for (let i = 0; i < samples.length; i += 1) {
    samples[i] = (sound[i - lead] ?? 0) * condition.gain + noise() * condition.noise * Math.sqrt(3);
  }
  return samples;
}

function answers(): readonly { readonly name: string; readonly answerer: Answerer; readonly sound: Float64Array }[] {
  const names = readdirSync(answersDir)
    .filter((file) => file.endsWith('.wav'))
    .sort();
  return names.map((file) => ({
    name: file.replace(/\.wav$/, ''),
    answerer: file.startsWith('human-') ? 'human' : 'machine',
    sound: decodeWav(readFileSync(join(answersDir, file))),
  }));
}

/** Asterisk's own music on hold stands for the melodies that some hear instead of ringing; 425 Hz is the Russian ringing tone. */
function music(musicDir: string): ReturnType<typeof answers> {
  const files = readdirSync(musicDir).filter((file) => file.endsWith('.wav'));
  const melodies = files.map((file) => {
    const sound = decodeWav(readFileSync(join(musicDir, file)));
    // Past the beginning, which fades in.
    return {
      name: `melody-${file}`,
      answerer: 'music',
      sound: sound.subarray(5 * sampleRate, 12 * sampleRate),
    } as const;
  });
  return [...melodies, { name: 'ringing-tone', answerer: 'music', sound: tone(425, 1_000) }];
}

export function planTrials(musicDir: string): readonly Trial[] {
  const sounding = [...answers(), ...music(musicDir)].flatMap(({ name, answerer, sound }, i) =>
    conditions.map((condition, k) => ({
      name,
      answerer,
      condition: condition.name,
      audio: 'silence' as const,
      samples: under(sound, condition, 1 + i * conditions.length + k),
      soundEndsMs: condition.leadMs + (sound.length * 1_000) / sampleRate,
    })),
  );
  const quiet = conditions.map((condition, k) => ({
    name: 'nobody-speaks',
    answerer: 'silence' as const,
    condition: condition.name,
    audio: 'silence' as const,
    ...(condition.noise > 0 && { samples: under(new Float64Array(0), condition, 10_000 + k) }),
    soundEndsMs: 0,
  }));
  const noRtp: Trial = {
    name: 'nothing-is-sent',
    answerer: 'silence',
    condition: 'clear',
    audio: 'none',
    soundEndsMs: 0,
  };
  return [...sounding, ...quiet, noRtp];
}

export async function writeTrial(trial: Trial, file: string): Promise<string | undefined> {
  if (trial.samples === undefined) return undefined;
  await writeFile(file, encodeWav(trial.samples));
  return file;
}
