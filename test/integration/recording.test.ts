import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { appendFile, mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import t, { type Test } from 'tap';
import { runRecording } from '../../src/cli/recording.ts';
import {
  asId,
  type ContactId,
  type RecordingId,
  silentLogger,
  systemClock,
  withLimit,
} from '../../src/foundation/index.ts';
import {
  type BlobStore,
  createRecordingService,
  type RecordingEnd,
  type RecordingRepository,
  type RecordingService,
} from '../../src/recording/index.ts';
import { fullChunkBytes } from '../../src/recording/sealed-format.ts';
import { createFolderBlobStore } from '../../src/store/blobs/folder-blob-store.ts';
import { createMemoryRecordingRepository } from '../../src/store/memory/recording-repository.ts';
import { createKeyFile, createVault } from '../../src/vault/index.ts';
import { openFileRecordingRepository } from '../support/file-recording-repository.ts';

const flushBytes = 32_768;
const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

interface Places {
  readonly spoolDir: string;
  readonly blobDir: string;
  readonly keyFile: string;
  readonly rowsFile: string;
}

async function newPlaces(t: Test): Promise<Places> {
  const spool = await mkdtemp(join(memory, 'dozvon-spool-'));
  const disk = await mkdtemp(join(tmpdir(), 'dozvon-recordings-'));
  t.teardown(async () => {
    await rm(spool, { recursive: true, force: true });
    await rm(disk, { recursive: true, force: true });
  });
  const keyFile = join(disk, 'keys.json');
  await createKeyFile(keyFile);
  return { spoolDir: join(spool, 'spool'), blobDir: join(disk, 'blobs'), keyFile, rowsFile: join(disk, 'rows.json') };
}

interface Running extends Places {
  readonly service: RecordingService;
  readonly repository: RecordingRepository;
  readonly finished: RecordingEnd[];
}

async function startService(
  t: Test,
  options: { places?: Places; repository?: RecordingRepository; blobs?: (inner: BlobStore) => BlobStore } = {},
): Promise<Running> {
  const places = options.places ?? (await newPlaces(t));
  const repository = options.repository ?? createMemoryRecordingRepository();
  const folder = await createFolderBlobStore(places.blobDir);
  const finished: RecordingEnd[] = [];
  const service = createRecordingService({
    spoolDir: places.spoolDir,
    blobs: options.blobs?.(folder) ?? folder,
    repository,
    keys: await createVault({ keyFile: places.keyFile }),
    clock: systemClock(),
    logger: silentLogger,
    onFinished: (end) => finished.push(end),
    allowSpoolOnDisk: true,
  });
  await service.start();
  t.teardown(() => service.stop());
  return { ...places, service, repository, finished };
}

const recordingId = asId<RecordingId>('r1');
const contactId = asId<ContactId>('c1');
const opening = (startedAtMs = Date.now()) => ({ recordingId, contactId, lineId: 'general', startedAtMs });

/** Sound that tells where it is from: left channel counts frames, right channel is its complement. */
function sound(fromFrame: number, frames: number): Buffer {
  const audio = Buffer.alloc(frames * 4);
  for (let i = 0; i < frames; i += 1) {
    const value = (fromFrame + i) % 30_000;
    audio.writeInt16LE(value, i * 4);
    audio.writeInt16LE(-value, i * 4 + 2);
  }
  return audio;
}

async function waitFor(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const limitMs = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > limitMs) throw new Error(`${what}: not within 15 s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function exported(
  service: RecordingService,
  place: Places,
  ...stretch: Parameters<RecordingService['exportWav']>[2][]
) {
  const path = join(place.blobDir, '..', 'out.wav');
  const result = await service.exportWav(contactId, createWriteStream(path), stretch[0]);
  const wav = await readFile(path);
  return { wav, pcm: wav.subarray(44), result };
}

t.test('a call is sealed while it lasts, verified at its end, and its plain file goes', async (t) => {
  const running = await startService(t);
  const { service, spoolDir, blobDir } = running;
  const startedAtMs = Date.now();
  const { spoolFile } = await service.open(opening(startedAtMs));
  t.equal(spoolFile, join(spoolDir, 'r1.1.sln'));
  t.equal((await stat(spoolDir)).mode & 0o777, 0o700);
  const audio = sound(0, 3 * 8_192 + 1_000);
  for (let at = 0; at + flushBytes <= audio.length; at += flushBytes) {
    await appendFile(spoolFile, audio.subarray(at, at + flushBytes));
    const sealed = Math.floor((at + flushBytes) / 16_384) * fullChunkBytes;
    const grownAtMs = Date.now();
    await waitFor(
      'sealing',
      async () => (await stat(join(blobDir, 'r1.1.dzr')).catch(() => ({ size: 0 }))).size > sealed,
    );
    t.ok(Date.now() - grownAtMs < 2_000, 'sealed within 2 s of being written');
  }
  await t.rejects(exported(service, running), { code: 'RECORDING_OPEN' });
  await appendFile(spoolFile, audio.subarray(3 * flushBytes));
  const end = await service.close(recordingId, startedAtMs + 3_500);
  t.same(end, { recordingId, contactId, state: 'verified', durationMs: 3_500 });
  t.same(running.finished, [end]);
  t.same(await readdir(spoolDir), []);
  t.match(await running.repository.segments(recordingId), [{ state: 'verified' }]);
  t.same(await service.close(recordingId), end, 'closing again says the same');

  const { wav, pcm, result } = await exported(service, running);
  t.same(result, { durationMs: 3_500, complete: true });
  t.ok(pcm.subarray(0, audio.length).equals(audio));
  t.ok(
    pcm.subarray(audio.length).every((byte) => byte === 0),
    'silence up to the end of the call',
  );
  t.equal(pcm.length, 3_500 * 32);
  t.equal(wav.readUInt32LE(40), pcm.length);
  t.notOk((await readFile(join(blobDir, 'r1.1.dzr'))).includes(audio.subarray(4_000, 4_032)), 'no sound in the clear');
});

t.test('a marked stretch is exported by itself', async (t) => {
  const running = await startService(t);
  const { service } = running;
  const startedAtMs = Date.now();
  const { spoolFile } = await service.open(opening(startedAtMs));
  const audio = sound(0, 16_000);
  await appendFile(spoolFile, audio);
  await service.mark({ recordingId, purpose: 'message', fromMs: 500 });
  await service.mark({ recordingId, purpose: 'message', fromMs: 500, toMs: 1_250 });
  await service.close(recordingId, startedAtMs + 2_000);
  const { pcm, result } = await exported(service, running, { purpose: 'message' });
  t.equal(result.durationMs, 750);
  t.ok(pcm.equals(audio.subarray(500 * 32, 1_250 * 32)));
  await t.rejects(exported(service, running, { purpose: 'talk' }), { code: 'NO_SUCH_STRETCH' });
});

t.test('a second attempt is a second segment, joined on the clock', async (t) => {
  const running = await startService(t);
  const { service } = running;
  const startedAtMs = Date.now();
  const first = await service.open(opening(startedAtMs));
  await appendFile(first.spoolFile, sound(0, 4_000));
  const second = await service.open(opening(startedAtMs + 20_000));
  t.not(second.spoolFile, first.spoolFile);
  await appendFile(second.spoolFile, sound(9_000, 4_000));
  const end = await service.close(recordingId, startedAtMs + 21_000);
  t.match(end, { state: 'verified', durationMs: 21_000 });
  const { pcm } = await exported(service, running);
  t.equal(pcm.length, 21_000 * 32);
  t.equal(pcm.indexOf(sound(9_000, 4_000)), 20_000 * 32, 'the second lies at its second');
});

t.test('a recording that never began, or whose file vanished, says so', async (t) => {
  const running = await startService(t);
  const { service } = running;
  await service.open(opening());
  t.match(await service.close(recordingId, Date.now()), { state: 'failed', failure: 'NEVER_BEGAN' });
  t.equal(await service.close(asId<RecordingId>('r9')), 'unknown');
  await t.rejects(exported(service, running), { code: 'NO_RECORDING' });
});

t.test('an attempt that never began does not spoil the one that did', async (t) => {
  const { service } = await startService(t);
  await service.open(opening());
  const { spoolFile } = await service.open(opening());
  await appendFile(spoolFile, sound(0, 2_000));
  t.match(await service.close(recordingId, Date.now()), { state: 'verified' });
});

t.test('a store that is away for a while loses nothing', async (t) => {
  let away = true;
  let tries = 0;
  const running = await startService(t, {
    blobs: (inner) => ({
      ...inner,
      async append(name, bytes, atOffset) {
        tries += 1;
        if (!away) return inner.append(name, bytes, atOffset);
        await inner.append(name, bytes.subarray(0, 1_000), atOffset); // torn, as by a full disk
        throw new Error('no space left');
      },
    }),
  });
  const startedAtMs = Date.now();
  const { spoolFile } = await running.service.open(opening(startedAtMs));
  const audio = sound(0, 30_000);
  await appendFile(spoolFile, audio.subarray(0, 2 * flushBytes));
  await waitFor('two tries', () => tries >= 2);
  await appendFile(spoolFile, audio.subarray(2 * flushBytes));
  away = false;
  t.match(await running.service.close(recordingId, startedAtMs), { state: 'verified' });
  t.ok((await exported(running.service, running)).pcm.equals(audio));
});

t.test('a sealed object that was damaged is not verified and the plain file stays', async (t) => {
  const running = await startService(t);
  const { spoolFile } = await running.service.open(opening());
  await appendFile(spoolFile, sound(0, 20_000));
  const blob = join(running.blobDir, 'r1.1.dzr');
  await waitFor('sealing', async () => (await stat(blob).catch(() => ({ size: 0 }))).size > 4 * fullChunkBytes);
  const handle = await open(blob, 'r+');
  await handle.write(Buffer.from([1, 2, 3]), 0, 3, 5_000);
  await handle.close();
  t.match(await running.service.close(recordingId, Date.now()), { state: 'failed', failure: 'TAMPERED' });
  t.ok(existsSync(spoolFile));
  await t.rejects(exported(running.service, running), { code: 'TAMPERED' });
});

t.test('what is sealed is released from the spool while the call lasts', async (t) => {
  const running = await startService(t);
  const { spoolFile } = await running.service.open(opening());
  const audio = sound(0, 60 * 8_192);
  for (let at = 0; at < audio.length; at += flushBytes)
    await appendFile(spoolFile, audio.subarray(at, at + flushBytes));
  await waitFor('release', async () => {
    const { blocks, size } = await stat(spoolFile);
    return size === audio.length && blocks * 512 <= audio.length / 2;
  });
  await appendFile(spoolFile, sound(0, 1_000));
  t.match(await running.service.close(recordingId, Date.now()), { state: 'verified' });
  t.ok((await exported(running.service, running)).pcm.subarray(0, audio.length).equals(audio));
});

t.test('a store that lost what was released from the spool is not taken for a new one', async (t) => {
  const places = await newPlaces(t);
  const repository = createMemoryRecordingRepository();
  const first = await startService(t, { places, repository });
  const { spoolFile } = await first.service.open(opening());
  const audio = sound(0, 40 * 8_192);
  for (let at = 0; at < audio.length; at += flushBytes)
    await appendFile(spoolFile, audio.subarray(at, at + flushBytes));
  await waitFor('release', async () => (await stat(spoolFile)).blocks * 512 <= audio.length / 2);
  await first.service.stop();
  await rm(join(places.blobDir, 'r1.1.dzr'));
  const second = await startService(t, { places, repository });
  t.match((await second.service.recover(() => 'close')).closed, [{ state: 'failed', failure: 'SPOOL_RELEASED' }]);
  t.ok(existsSync(spoolFile), 'what is left stays');
});

t.test('another process goes on where one stopped, and only one reads', async (t) => {
  const places = await newPlaces(t);
  const repository = createMemoryRecordingRepository();
  const first = await startService(t, { places, repository });
  const second = await startService(t, { places, repository });
  const { spoolFile } = await first.service.open(opening());
  const audio = sound(0, 5 * 8_192 + 333);
  await appendFile(spoolFile, audio.subarray(0, flushBytes));
  await waitFor(
    'sealing',
    async () => (await stat(join(places.blobDir, 'r1.1.dzr')).catch(() => ({ size: 0 }))).size > 2 * fullChunkBytes,
  );
  await first.service.abandon(recordingId);
  await appendFile(spoolFile, audio.subarray(flushBytes, 2 * flushBytes));
  t.equal(await second.service.adopt(recordingId), 'adopted');
  t.equal(await second.service.adopt(recordingId), 'adopted');
  await appendFile(spoolFile, audio.subarray(2 * flushBytes));
  t.match(await second.service.close(recordingId, Date.now()), { state: 'verified' });
  t.ok((await exported(second.service, places)).pcm.subarray(0, audio.length).equals(audio));
  t.equal(await first.service.adopt(recordingId), 'finished');
});

interface Child {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  ask(command: string): Promise<unknown>;
  kill(): Promise<void>;
}

function startChild(places: Places): Child {
  const script = join(import.meta.dirname, '../support/recording-process.ts');
  const args = [script, places.spoolDir, places.blobDir, places.keyFile, places.rowsFile];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    async ask(command) {
      child.stdin.write(`${command}\n`);
      const { value } = await withLimit(Promise.resolve(lines.next()), 20_000, command);
      return JSON.parse(value as string);
    },
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

t.test('a process killed at random moments leaves no sample missing and none doubled', async (t) => {
  const places = await newPlaces(t);
  let child = startChild(places);
  t.teardown(() => child.kill());
  const { spoolFile } = (await child.ask('open r1')) as { spoolFile: string };
  const flushes = 160;
  const audio = sound(0, flushes * 8_192 + 777);
  let written = 0;
  // The writer is as Asterisk's: 32 KiB at a time, no matter who reads, and the rest at the end.
  const writer = (async () => {
    for (; written < flushes; written += 1) {
      await appendFile(spoolFile, audio.subarray(written * flushBytes, (written + 1) * flushBytes));
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await appendFile(spoolFile, audio.subarray(flushes * flushBytes));
  })();
  let kills = 0;
  while (written < flushes) {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 250));
    await child.kill();
    kills += 1;
    child = startChild(places);
    // At times it dies while it takes over.
    if (Math.random() < 0.7) t.match(await child.ask('recover'), { followed: ['r1'] });
  }
  await writer;
  t.ok(kills >= 3, `killed ${kills} times`);
  await child.ask('recover');
  t.match(await child.ask('close r1'), { state: 'verified' });
  t.same(await readdir(places.spoolDir), []);
  const repository = await openFileRecordingRepository(places.rowsFile);
  const { service } = await startService(t, { places, repository });
  const path = join(places.blobDir, '..', 'out.wav');
  await service.exportWav(asId<ContactId>('cr1'), createWriteStream(path));
  const parts: Buffer[] = [];
  for await (const part of createReadStream(path)) parts.push(part as Buffer);
  t.ok(Buffer.concat(parts).subarray(44).equals(audio));
});

t.test('what a dead process left is closed or left alone as decided, and strangers are named', async (t) => {
  const places = await newPlaces(t);
  const repository = createMemoryRecordingRepository();
  const first = await startService(t, { places, repository });
  const startedAtMs = Date.now() - 5_000;
  const { spoolFile } = await first.service.open(opening(startedAtMs));
  const other = asId<RecordingId>('r2');
  await first.service.open({ ...opening(), recordingId: other });
  await appendFile(spoolFile, sound(0, 10_000));
  await first.service.stop();
  await appendFile(join(places.spoolDir, 'stray.sln'), 'x');
  const second = await startService(t, { places, repository });
  const result = await second.service.recover((row) => (row.recordingId === other ? 'leave' : 'close'));
  t.match(result, { followed: [], closed: [{ recordingId, state: 'verified' }], strangers: ['stray.sln'] });
  const duration = result.closed[0]?.durationMs ?? 0;
  t.ok(Math.abs(duration - 5_000) < 300, 'it ends where its file ended');
});

t.test('after the machine restarted the sealed part is all there is, and it says so', async (t) => {
  const places = await newPlaces(t);
  const repository = createMemoryRecordingRepository();
  const first = await startService(t, { places, repository });
  const { spoolFile } = await first.service.open(opening());
  await appendFile(spoolFile, sound(0, 8_192));
  const blob = join(places.blobDir, 'r1.1.dzr');
  await waitFor('sealing', async () => (await stat(blob).catch(() => ({ size: 0 }))).size > 2 * fullChunkBytes);
  await first.service.stop();
  await rm(spoolFile);
  const second = await startService(t, { places, repository });
  const { closed } = await second.service.recover(() => 'close');
  t.match(closed, [{ state: 'failed', failure: 'SPOOL_LOST' }]);
  const { pcm, result } = await exported(second.service, places);
  t.equal(result.complete, false);
  t.ok(pcm.equals(sound(0, 8_192)));
});

t.test('the export command writes a private file, or nothing and one sentence', async (t) => {
  const running = await startService(t);
  const { service, blobDir } = running;
  const startedAtMs = Date.now();
  const { spoolFile } = await service.open(opening(startedAtMs));
  await appendFile(spoolFile, sound(0, 8_000));
  await service.close(recordingId, startedAtMs + 1_000);
  const said: string[] = [];
  const complained: string[] = [];
  const terminal = {
    print: (text: string) => void said.push(text),
    complain: (text: string) => void complained.push(text),
    onStopRequest() {},
  };
  const out = join(blobDir, '..', 'call.wav');
  const exportWav: typeof service.exportWav = (...args) => service.exportWav(...args);
  const ports = { exportWav, terminal };
  t.equal(await runRecording(['export', 'c1', out], ports), 0);
  t.match(said.join(), /1\.0 s/);
  t.equal((await stat(out)).mode & 0o777, 0o600);
  t.equal((await stat(out)).size, 44 + 32_000);
  t.equal(await runRecording(['export', 'c9', `${out}.none`], ports), 1);
  t.equal(await runRecording(['export', 'c1', `${out}.none`, '--message'], ports), 1);
  t.equal(await runRecording(['export', 'c1', '/nowhere/call.wav'], ports), 1);
  t.equal(await runRecording(['export', 'c1'], ports), 2);
  t.equal(await runRecording(['export', 'c1', out, '--loud'], ports), 2);
  const blob = await open(join(blobDir, 'r1.1.dzr'), 'r+');
  await blob.write(Buffer.from([1, 2, 3]), 0, 3, 5_000);
  await blob.close();
  t.equal(await runRecording(['export', 'c1', `${out}.none`], ports), 1);
  t.match(complained[0], /no recording/);
  t.match(complained[1], /no spoken message/);
  t.match(complained.at(-1), /altered/);
  t.notOk(existsSync(`${out}.none`));
  t.notOk(existsSync(`${out}.none.part`));
});
