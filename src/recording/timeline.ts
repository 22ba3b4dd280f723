import { chunkFrames, framesPerMs } from './sealed-format.ts';

/**
 * Where the frames of a spool file lie on the call's clock. Asterisk writes what it hears; when a caller sends nothing, nothing is
 * written, and the file falls behind the wall. Each growth of the file is compared with the time of the write, and what is missing
 * becomes an explicit gap before a chunk, so that second N of the timeline is second N of the call.
 *
 * What can be known: the file grows by what Asterisk's buffer holds (32 KiB, 1.024 s), so a gap is known to lie within one growth and
 * is put before the chunk nearest to its middle; up to half a second of sound on each side may stand on the wrong side of a long
 * silence. The length as a whole is kept within `toleranceFrames`.
 */

/** Drift below this is left alone: flushes come in steps of a 20 ms packet and late by the scheduler. */
const toleranceFrames = 80 * framesPerMs;
/** Drift of a second is silence at once. Less may be a writer that was held up and will catch up, so it has to last. */
const certainFrames = 1_000 * framesPerMs;
/** Asterisk writes 32 KiB at a time until it closes the file. */
const flushFrames = 8_192;
/** Growths for which smaller drift has to last: lost packets add up over minutes, a held-up thread is back in a second. */
const growthsToLast = 3;

export interface PlacedChunk {
  readonly wallMs: number;
  readonly startFrame: number;
  readonly gapFrames: number;
}

export interface Timeline {
  /** The file holds `fileFrames` frames, the last of them written at `writtenAtMs`. */
  grew(fileFrames: number, writtenAtMs: number): void;
  /** Places the next chunk (it takes up `frames` from where the one before ended); the gap due before it is used up. */
  place(frames: number): PlacedChunk;
  /** Timeline length so far, gaps included. */
  placedFrames(): number;
}

/** Continues after `resume.fileFrames` frames of the file, whose end lies at `resume.timelineFrames`. */
export function createTimeline(startedAtMs: number, resume = { fileFrames: 0, timelineFrames: 0 }): Timeline {
  let placedFileFrames = resume.fileFrames;
  let placedTimelineFrames = resume.timelineFrames;
  /** Gaps found but not yet used up by a chunk: in order of `atFrame`, a frame of the file on a chunk boundary. */
  let gaps: { readonly atFrame: number; frames: number }[] = [];
  let earlier: { readonly fileFrames: number; readonly writtenAtMs: number } | undefined;
  let latest: { readonly fileFrames: number; readonly writtenAtMs: number } | undefined;
  let lasting: number[] = [];

  const gapsDue = (): number => gaps.reduce((sum, gap) => sum + gap.frames, 0);
  const expectedFrames = (writtenAtMs: number): number => Math.round((writtenAtMs - startedAtMs) * framesPerMs);

  const addGap = (atFrame: number, frames: number): void => {
    gaps.push({ atFrame, frames });
    gaps.sort((a, b) => a.atFrame - b.atFrame);
    lasting = [];
  };

  const boundaryWithin = (from: number, to: number): number => {
    // A growth shorter than a flush is what was left when the file was closed: it was heard before the silence that ends the call.
    if (to - from < flushFrames) return Math.ceil(to / chunkFrames) * chunkFrames;
    return Math.max(Math.round((from + to) / 2 / chunkFrames) * chunkFrames, placedFileFrames);
  };

  return {
    grew(fileFrames, writtenAtMs) {
      const from = latest?.fileFrames ?? placedFileFrames;
      if (fileFrames <= from) return;
      const inFile = fileFrames - placedFileFrames;
      const drift = expectedFrames(writtenAtMs) - (placedTimelineFrames + gapsDue() + inFile);
      const first = latest === undefined && placedFileFrames === 0;
      earlier = latest;
      latest = { fileFrames, writtenAtMs };
      if (first) {
        // Recording begins some time after it was asked for: that, and any silence up to the first write, is before frame 0.
        if (drift > 0) addGap(0, drift);
        return;
      }
      if (drift >= certainFrames) {
        addGap(boundaryWithin(from, fileFrames), drift);
        return;
      }
      lasting.push(drift);
      if (lasting.length > growthsToLast) lasting.shift();
      const least = Math.min(...lasting);
      if (lasting.length === growthsToLast && least > toleranceFrames)
        addGap(Math.ceil(from / chunkFrames) * chunkFrames, least);
    },
    place(frames) {
      let gapFrames = 0;
      while (gaps[0] !== undefined && gaps[0].atFrame <= placedFileFrames) {
        gapFrames += gaps[0].frames;
        gaps = gaps.slice(1);
      }
      const startFrame = placedTimelineFrames + gapFrames;
      const seen = earlier !== undefined && earlier.fileFrames > placedFileFrames ? earlier : latest;
      const wallMs =
        seen === undefined
          ? startedAtMs + startFrame / framesPerMs
          : seen.writtenAtMs - (seen.fileFrames - placedFileFrames) / framesPerMs;
      placedFileFrames += frames;
      placedTimelineFrames = startFrame + frames;
      return { wallMs: Math.round(wallMs), startFrame, gapFrames };
    },
    placedFrames: () => placedTimelineFrames,
  };
}
