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
