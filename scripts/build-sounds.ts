/**
 * Builds the sounds of sounds/prompts.yaml whose text has changed: festival speaks, sox brings it to 8 kHz, the rest is done here.
 * Building needs the packages festival, festvox-ru and sox; running the service needs none of them.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { DozvonError, messageOf, withLimit } from '../src/foundation/index.ts';
import { promptSheetSchema, type SoundSource, soundSources } from '../src/ivr/index.ts';
import { decodePcm, encodeWav, measure, type SoundMeasure, sampleRate, shapeSpeech, tone } from './sound-shaping.ts';

/** Part of every sound's fingerprint: a change of the recipe makes every sound stale. */
const recipe = 2;
const voice = 'voice_msu_ru_nsh_clunits';
const language = 'ru';
const toolLimitMs = 60_000;

const manifestSchema = z.record(z.string(), z.strictObject({ source: z.string(), wav: z.string() }));
/** For each sound the fingerprints of what it was made of and of its file. */
type SoundManifest = z.infer<typeof manifestSchema>;

function fingerprint(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

export async function readSoundSources(soundsDir: string): Promise<ReadonlyMap<string, SoundSource>> {
  const sheet = promptSheetSchema.parse(parse(await readFile(join(soundsDir, 'prompts.yaml'), 'utf8')));
  return soundSources(sheet, language);
}

async function readManifest(soundsDir: string): Promise<SoundManifest> {
  const text = await readFile(join(soundsDir, 'manifest.json'), 'utf8').catch(() => '{}');
  return manifestSchema.parse(JSON.parse(text));
}

function soundFile(soundsDir: string, id: string): string {
  return join(soundsDir, language, `${id}.wav`);
}

/** Sounds without a file, made from another text, or whose file is not the one that was built; and files without a text. */
export async function staleSounds(
  soundsDir: string,
): Promise<{ readonly stale: readonly string[]; readonly orphans: readonly string[] }> {
  const sources = await readSoundSources(soundsDir);
  const manifest = await readManifest(soundsDir);
  const stale: string[] = [];
  for (const [id, source] of sources) {
    const wav = await readFile(soundFile(soundsDir, id)).catch(() => undefined);
    const built = manifest[`${language}/${id}`];
    const current = wav !== undefined && built?.source === sourceFingerprint(source) && built.wav === fingerprint(wav);
    if (!current) stale.push(id);
  }
  const files = await readdir(join(soundsDir, language), { recursive: true }).catch(() => []);
  const ids = files.filter((file) => file.endsWith('.wav')).map((file) => file.slice(0, -'.wav'.length));
  return { stale, orphans: ids.filter((id) => !sources.has(id)) };
}

function sourceFingerprint(source: SoundSource): string {
  return fingerprint(JSON.stringify([recipe, voice, source]));
}

/** What the voice says nothing to, or stops at: it writes no file for some signs and skips Latin letters, without an error. */
export function unspeakable(text: string): readonly string[] {
  return text.match(/[^а-яёА-ЯЁ ,.?!+-]/gu) ?? [];
}

/** Slower or faster than this and something was left out or repeated. Letters a second; single words vary more. */
const plausibleRate = { sentence: { from: 7, to: 19 }, piece: { from: 3, to: 26 } } as const;

/** What is wrong with a built sound, by measurement; empty when nothing is. */
export function soundFaults(source: SoundSource, measured: SoundMeasure): readonly string[] {
  if (source.kind === 'tone') return [];
  const letters = source.text.replace(/[^а-яё]/giu, '').length;
  const rate = letters / measured.seconds;
  const { from, to } = plausibleRate[source.kind];
  return [
    ...(rate < from || rate > to ? [`${rate.toFixed(1)} letters a second, expected ${from} to ${to}`] : []),
    ...(measured.peakDb > -0.5 || measured.peakDb < -14
      ? [`peak ${measured.peakDb.toFixed(1)} dB, expected -14 to -0.5`]
      : []),
    ...(measured.longestSilenceMs > 900 ? [`${measured.longestSilenceMs} ms of silence, expected at most 900`] : []),
  ];
}

async function runTool(file: string, args: readonly string[]): Promise<Buffer> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  const complaints: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => output.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => complaints.push(bytes));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', () => {
      reject(new DozvonError('TOOL_MISSING', `${file} cannot be started: install festival, festvox-ru and sox`));
    });
    child.on('close', resolve);
  });
  const code = await withLimit(ended, toolLimitMs, file).finally(() => child.kill());
  if (code === 0) return Buffer.concat(output);
  throw new DozvonError('TOOL_FAILED', `${file} ended with ${code}: ${Buffer.concat(complaints).toString().trim()}`);
}

/** `tempo` below 1 draws the speech out without changing its pitch. */
async function speak(text: string, options: { workDir: string; tempo?: number }): Promise<Float64Array> {
  const textFile = join(options.workDir, 'text.txt');
  const spokenFile = join(options.workDir, 'spoken.wav');
  await writeFile(textFile, text);
  await rm(spokenFile, { force: true });
  await runTool('text2wave', ['-eval', `(${voice})`, textFile, '-o', spokenFile]);
  const raw = ['-t', 'raw', '-r', `${sampleRate}`, '-e', 'signed', '-b', '16', '-c', '1', '-'];
  const drawnOut = options.tempo === undefined ? [] : ['tempo', '-s', options.tempo.toFixed(2)];
  return decodePcm(await runTool('sox', ['-G', spokenFile, ...raw, ...drawnOut]));
}

/** A sentence is followed by a breath; a piece by what makes words of one number hang together. */
const silenceBehindMs = { sentence: 250, piece: 50 } as const;
/** The voice swallows words of one syllable that stand alone; a digit has to be this long to be understood. */
const shortestPieceSeconds = 0.4;
/** Drawn out further than this, speech begins to warble. */
const slowestTempo = 0.65;

async function buildSound(source: SoundSource, workDir: string): Promise<Float64Array> {
  if (source.kind === 'tone') return tone(source.frequencyHz, source.durationMs);
  const strange = unspeakable(source.text);
  if (strange.length > 0) {
    throw new DozvonError('TEXT_UNSPEAKABLE', `expected Russian letters and ,.?!+- only, got ${strange.join(' ')}`);
  }
  const behind = silenceBehindMs[source.kind];
  const sound = shapeSpeech(await speak(source.text, { workDir }), behind);
  const tempo = Math.max(slowestTempo, measure(sound).seconds / shortestPieceSeconds);
  if (source.kind === 'sentence' || tempo >= 1) return sound;
  return shapeSpeech(await speak(source.text, { workDir, tempo }), behind);
}

async function writeWhole(file: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.part`, content);
  await rename(`${file}.part`, file);
}

/** Returns how many sounds could not be built as they should be. */
async function buildSounds(soundsDir: string, say: (line: string) => void): Promise<number> {
  const sources = await readSoundSources(soundsDir);
  const { stale, orphans } = await staleSounds(soundsDir);
  const manifest: SoundManifest = {};
  for (const [name, entry] of Object.entries(await readManifest(soundsDir))) {
    if (sources.has(name.slice(language.length + 1))) manifest[name] = entry;
  }
  for (const id of orphans) await rm(soundFile(soundsDir, id));
  say(`${sources.size} sounds, ${stale.length} to build, ${orphans.length} without a text removed`);
  const workDir = await mkdtemp(join(tmpdir(), 'dozvon-sounds-'));
  let failed = 0;
  try {
    for (const [index, id] of stale.entries()) {
      const source = sources.get(id);
      if (source === undefined) continue;
      const samples = await buildSound(source, workDir);
      const measured = measure(samples);
      const faults = soundFaults(source, measured);
      failed += faults.length > 0 ? 1 : 0;
      say(`[${index + 1}/${stale.length}] ${id}  ${measured.seconds.toFixed(1)} s  ${faults.join('; ')}`.trimEnd());
      const wav = encodeWav(samples);
      await writeWhole(soundFile(soundsDir, id), wav);
      manifest[`${language}/${id}`] = { source: sourceFingerprint(source), wav: fingerprint(wav) };
      await writeWhole(join(soundsDir, 'manifest.json'), serialise(manifest));
    }
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  await writeWhole(join(soundsDir, 'manifest.json'), serialise(manifest));
  return failed;
}

function serialise(manifest: SoundManifest): string {
  const sorted = Object.entries(manifest).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{\n${sorted.map(([id, entry]) => `  ${JSON.stringify(id)}: ${JSON.stringify(entry)}`).join(',\n')}\n}\n`;
}

if (import.meta.main) {
  const soundsDir = join(import.meta.dirname, '..', 'sounds');
  try {
    const failed = await buildSounds(soundsDir, (line) => process.stdout.write(`${line}\n`));
    if (failed > 0) throw new DozvonError('SOUNDS_FAULTY', `${failed} sounds are not as they should be, see above`);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}
