import { DozvonError } from '../src/foundation/index.ts';

/** What Asterisk plays without transcoding to another rate. */
export const sampleRate = 8_000;
const fullScale = 32_768;
/** Frames of 10 ms decide what is speech and what is silence. */
const frameSamples = sampleRate / 100;
/** Quieter than this is silence: well under the quietest consonant of the voice, above its noise. */
const silenceDb = -42;
/** Level of the speech itself, pauses left out: comfortable on a telephone, and the same for every sound. */
const speechLevelDb = -19;
const highestPeakDb = -1;
const fadeSamples = frameSamples;

function decibels(amplitude: number): number {
  return 20 * Math.log10(Math.max(amplitude, 1e-6));
}

function frameLevels(samples: Float64Array): readonly number[] {
  const levels: number[] = [];
  for (let from = 0; from < samples.length; from += frameSamples) {
    const frame = samples.subarray(from, from + frameSamples);
    const energy = frame.reduce((sum, sample) => sum + sample * sample, 0);
    levels.push(decibels(Math.sqrt(energy / frame.length)));
  }
  return levels;
}

/** Speech at the common level, without what is before and after it, faded at both ends, with the silence asked for behind it. */
export function shapeSpeech(samples: Float64Array, silenceBehindMs: number): Float64Array {
  const gain = gainFor(samples);
  const levelled = samples.map((sample) => sample * gain);
  const levels = frameLevels(levelled);
  // One loud frame alone is the click where the voice's recording was cut, not speech.
  const isSpeech = (index: number): boolean => (levels[index] ?? silenceDb) > silenceDb;
  const first = levels.findIndex((_level, index) => isSpeech(index) && isSpeech(index + 1));
  const last = levels.findLastIndex((_level, index) => isSpeech(index) && isSpeech(index - 1));
  if (first < 0) throw new DozvonError('SOUND_SILENT', 'expected speech, got silence');
  // One frame more on each side: the soft beginning and end of a sound lie under the threshold.
  const speech = levelled.slice(Math.max(0, first - 1) * frameSamples, (last + 2) * frameSamples);
  const shaped = new Float64Array(speech.length + Math.round((silenceBehindMs * sampleRate) / 1_000));
  speech.forEach((sample, index) => {
    const edge = Math.min(1, index / fadeSamples, (speech.length - 1 - index) / fadeSamples);
    shaped[index] = sample * edge;
  });
  return shaped;
}

function gainFor(samples: Float64Array): number {
  const { peakDb, speechDb } = measure(samples);
  return 10 ** (Math.min(speechLevelDb - speechDb, highestPeakDb - peakDb) / 20);
}

/** A sine with soft ends; silence at 0 Hz. */
export function tone(frequencyHz: number, durationMs: number): Float64Array {
  const samples = new Float64Array(Math.round((durationMs * sampleRate) / 1_000));
  return samples.map((_zero, index) => {
    const edge = Math.min(1, index / fadeSamples, (samples.length - 1 - index) / fadeSamples);
    return 0.25 * edge * Math.sin((2 * Math.PI * frequencyHz * index) / sampleRate);
  });
}

export interface SoundMeasure {
  readonly seconds: number;
  readonly peakDb: number;
  /** Mean level of the frames that are not silence. */
  readonly speechDb: number;
  readonly longestSilenceMs: number;
}

export function measure(samples: Float64Array): SoundMeasure {
  const levels = frameLevels(samples);
  const speech = levels.filter((level) => level > silenceDb).map((level) => 10 ** (level / 10));
  const mean = speech.reduce((sum, power) => sum + power, 0) / Math.max(1, speech.length);
  let silent = 0;
  let longest = 0;
  for (const level of levels) {
    silent = level > silenceDb ? 0 : silent + 1;
    longest = Math.max(longest, silent);
  }
  return {
    seconds: samples.length / sampleRate,
    peakDb: decibels(samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0)),
    speechDb: 10 * Math.log10(Math.max(mean, 1e-12)),
    longestSilenceMs: longest * 10,
  };
}

const headerBytes = 44;

/** RIFF WAV, PCM, one channel of 16 bits. */
export function encodeWav(samples: Float64Array): Buffer {
  const wav = Buffer.alloc(headerBytes + samples.length * 2);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(sampleRate, 24);
  wav.writeUInt32LE(sampleRate * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(samples.length * 2, 40);
  samples.forEach((sample, index) => {
    const value = Math.round(sample * fullScale);
    wav.writeInt16LE(Math.max(-fullScale, Math.min(fullScale - 1, value)), headerBytes + index * 2);
  });
  return wav;
}

/** Raw 16-bit little-endian samples, one channel. */
export function decodePcm(bytes: Buffer): Float64Array {
  const samples = new Float64Array(Math.floor(bytes.length / 2));
  return samples.map((_zero, index) => bytes.readInt16LE(index * 2) / fullScale);
}

/** @throws DozvonError `SOUND_FORMAT` for anything but what `encodeWav` writes: 8 kHz, 16 bits, one channel. */
export function decodeWav(wav: Buffer): Float64Array {
  const format = wav.length < headerBytes ? 'too short' : wav.toString('latin1', 0, 4) + wav.toString('latin1', 8, 16);
  if (format !== 'RIFFWAVEfmt ' || wav.readUInt32LE(24) !== sampleRate || wav.readUInt16LE(22) !== 1) {
    throw new DozvonError('SOUND_FORMAT', `expected a WAV file of ${sampleRate} Hz and one channel, got ${format}`);
  }
  return decodePcm(wav.subarray(headerBytes));
}
