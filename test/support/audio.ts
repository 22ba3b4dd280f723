import { decodeWav } from '../../scripts/sound-shaping.ts';
import { splitStereo, type TwoChannelAudio, toneWindows } from '../../src/phones/index.ts';

/** A stereo WAV of 16-bit samples as its two channels; throws when it is anything else. */
export function readStereoWav(bytes: Uint8Array): TwoChannelAudio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw new Error(`expected a RIFF WAVE file, got ${tag(0)} ${tag(8)}`);
  let sampleRate = 0;
  for (let at = 12; at + 8 <= bytes.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    if (tag(at) === 'fmt ') {
      const [channels, bits] = [view.getUint16(at + 10, true), view.getUint16(at + 22, true)];
      if (channels !== 2 || bits !== 16) throw new Error(`expected 2 channels of 16 bits, got ${channels} of ${bits}`);
      sampleRate = view.getUint32(at + 12, true);
    }
    // A writer that streams does not know the size: it then runs to the end of the file.
    if (tag(at) === 'data')
      return splitStereo(bytes.subarray(at + 8, Math.min(at + 8 + size, bytes.byteLength)), sampleRate);
    at += 8 + size + (size % 2);
  }
  throw new Error('expected a data chunk, found none');
}

/** Where a tone sounds, from its first window to the end of its last; undefined: nowhere. Milliseconds. */
export function toneStretch(
  samples: Int16Array,
  hz: number,
  sampleRate = 8_000,
): { readonly fromMs: number; readonly toMs: number; readonly soundsMs: number } | undefined {
  const windows = toneWindows(samples, hz, sampleRate);
  const first = windows.indexOf(true);
  if (first < 0) return undefined;
  const soundsMs = windows.filter(Boolean).length * 50;
  return { fromMs: first * 50, toMs: (windows.lastIndexOf(true) + 1) * 50, soundsMs };
}

/** So much of a sound, at its loudest, tells it from any other. */
const telltaleSamples = 3_200;
/** Of 1. The telephone's A-law leaves well above 0.9, other speech and music stay below 0.4. */
const sameSound = 0.8;

/** Whether this prompt, a mono WAV of the same rate, was heard: the likeness (0 to 1) of its loudest stretch to the most similar one. */
export function wasHeard(heard: Int16Array, promptWav: Buffer): boolean {
  const prompt = decodeWav(promptWav);
  const telltale = loudest(prompt, telltaleSamples);
  const ownPower = Math.sqrt(energyOf(telltale));
  let energy = energyOf(heard.subarray(0, telltaleSamples));
  for (let at = 0; at + telltaleSamples <= heard.length; at += 1) {
    if (at > 0) energy += (heard[at + telltaleSamples - 1] ?? 0) ** 2 - (heard[at - 1] ?? 0) ** 2;
    if (energy < 1) continue;
    let product = 0;
    for (let i = 0; i < telltaleSamples; i += 1) product += (telltale[i] ?? 0) * (heard[at + i] ?? 0);
    if (product / (ownPower * Math.sqrt(energy)) >= sameSound) return true;
  }
  return false;
}

function loudest(samples: Float64Array, size: number): Float64Array {
  const starts = Array.from({ length: Math.max(1, Math.floor((samples.length - size) / 400)) }, (_, i) => i * 400);
  const from = starts.toSorted(
    (one, other) => energyOf(samples.subarray(other, other + size)) - energyOf(samples.subarray(one, one + size)),
  )[0];
  return samples.subarray(from ?? 0, (from ?? 0) + size);
}

function energyOf(samples: Float64Array | Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum;
}
