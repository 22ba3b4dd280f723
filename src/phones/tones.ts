/** What a leg heard (left) and said (right), as Asterisk wrote it: 16-bit samples at 8,000 a second. */
export interface TwoChannelAudio {
  readonly left: Int16Array;
  readonly right: Int16Array;
  readonly sampleRate: number;
}

/** Splits interleaved 16-bit little-endian stereo without a header; a cut last frame is dropped. */
export function splitStereo(bytes: Uint8Array, sampleRate = 8_000): TwoChannelAudio {
  const frames = Math.floor(bytes.byteLength / 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, frames * 4);
  const left = new Int16Array(frames);
  const right = new Int16Array(frames);
  for (let i = 0; i < frames; i += 1) {
    left[i] = view.getInt16(i * 4, true);
    right[i] = view.getInt16(i * 4 + 2, true);
  }
  return { left, right, sampleRate };
}

/** 50 ms: 400 samples at 8 kHz, a filter 20 Hz wide. Tones to be told apart lie at least 60 Hz apart. */
const windowMs = 50;
/** A tone is there when it holds this share of the window's energy. Speech and music stay well below it in so narrow a filter. */
const purity = 0.6;
/** Root mean square below which a window is silence: 40 dB under full scale. */
const silenceLevel = 300;

/**
 * For each window of 50 ms whether the tone sounds in it.
 * Goertzel's algorithm: |X(k)|² = s₁² + s₂² − c·s₁·s₂ with c = 2·cos(2πf/rate); a sine of amplitude A over N samples gives (A·N/2)²,
 * its energy is N·A²/2, so the share of the energy that the tone holds is 2·|X|² / (N·Σx²).
 */
export function toneWindows(samples: Int16Array, hz: number, sampleRate = 8_000): readonly boolean[] {
  const size = Math.round((sampleRate * windowMs) / 1_000);
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / sampleRate);
  const windows: boolean[] = [];
  for (let start = 0; start + size <= samples.length; start += size) {
    let s1 = 0;
    let s2 = 0;
    let energy = 0;
    for (let i = start; i < start + size; i += 1) {
      const x = samples[i] ?? 0;
      const s0 = x + coefficient * s1 - s2;
      s2 = s1;
      s1 = s0;
      energy += x * x;
    }
    const loudEnough = Math.sqrt(energy / size) >= silenceLevel;
    const power = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
    windows.push(loudEnough && (2 * power) / (size * energy) >= purity);
  }
  return windows;
}

/** How long the tone sounds in all, in milliseconds, in steps of 50. */
export function toneMs(samples: Int16Array, hz: number, sampleRate = 8_000): number {
  return toneWindows(samples, hz, sampleRate).filter(Boolean).length * windowMs;
}

/** When the tone sounds first, in milliseconds from the first sample; undefined: never. */
export function toneStartMs(samples: Int16Array, hz: number, sampleRate = 8_000): number | undefined {
  const first = toneWindows(samples, hz, sampleRate).indexOf(true);
  return first < 0 ? undefined : first * windowMs;
}

/** A tone as header-less 16-bit little-endian samples, at a quarter of full scale: loud, and far from clipping when mixed. */
export function renderTone(hz: number, lastsMs: number, sampleRate = 8_000): Uint8Array {
  const samples = new Int16Array(Math.round((sampleRate * lastsMs) / 1_000));
  for (let i = 0; i < samples.length; i += 1) {
    samples[i] = Math.round(8_192 * Math.sin((2 * Math.PI * hz * i) / sampleRate));
  }
  return new Uint8Array(samples.buffer);
}
