import { open, rename, rm } from 'node:fs/promises';
import { asId, type ContactId, DozvonError } from '../foundation/index.ts';
import type { RecordingService } from '../recording/index.ts';
import type { Terminal } from './terminal.ts';

export interface RecordingPorts {
  readonly exportWav: RecordingService['exportWav'];
  readonly terminal: Terminal;
}

const usage = 'Usage: dozvon recording export CONTACT FILE.wav [--message]';

const sentences: Readonly<Record<string, string>> = {
  NO_RECORDING: 'This contact has no recording.',
  NO_SUCH_STRETCH: 'This contact left no spoken message.',
  RECORDING_OPEN: 'The call is still being recorded: export it after its end.',
  WRONG_KEY: 'The key-encryption key is not the one this recording was sealed under.',
  UNKNOWN_KEY: 'The key file does not hold the key this recording was sealed under.',
  TAMPERED: 'The sealed recording was altered or damaged: nothing was written.',
  TRUNCATED: 'The sealed recording ends before its end: nothing was written.',
  REORDERED: 'The sealed recording has parts in the wrong order: nothing was written.',
  FOREIGN_CHUNK: 'The sealed recording holds parts of another one: nothing was written.',
  WRONG_RECORDING: 'The sealed object is another recording: nothing was written.',
  BLOB_MISSING: 'The sealed recording is not in the store.',
};

/**
 * `dozvon recording export CONTACT FILE [--message]`: the contact's recordings, or the spoken message alone, as stereo WAV (caller left).
 * The file is the plain voice: mode 0600, and it appears only when all of it was opened and found true. Returns the exit code.
 */
export async function runRecording(args: readonly string[], ports: RecordingPorts): Promise<number> {
  const { terminal } = ports;
  const flags = args.filter((arg) => arg.startsWith('--'));
  const [verb, contact, file, ...more] = args.filter((arg) => !arg.startsWith('--'));
  const understood = flags.every((flag) => flag === '--message') && more.length === 0;
  if (verb !== 'export' || contact === undefined || file === undefined || !understood) {
    terminal.complain(usage);
    return 2;
  }
  const part = `${file}.part`;
  try {
    await rm(part, { force: true });
    const out = (await open(part, 'wx', 0o600)).createWriteStream();
    const stretch = flags.includes('--message') ? { purpose: 'message' as const } : undefined;
    const { durationMs, complete } = await ports.exportWav(asId<ContactId>(contact), out, stretch);
    await rename(part, file);
    terminal.print(`${file}: ${(durationMs / 1_000).toFixed(1)} s, every part authentic.`);
    if (!complete) terminal.complain('This recording failed: the file goes as far as it was sealed.');
    return complete ? 0 : 1;
  } catch (error) {
    await rm(part, { force: true });
    terminal.complain(sentenceOf(error));
    return 1;
  }
}

function sentenceOf(error: unknown): string {
  const code = error instanceof DozvonError ? error.code : undefined;
  const known = code === undefined ? undefined : sentences[code];
  if (known !== undefined) return known;
  return error instanceof Error ? error.message : String(error);
}
