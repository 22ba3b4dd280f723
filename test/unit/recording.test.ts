import fc from 'fast-check';
import t from 'tap';
import { asId, type Logger, type RecordingId, silentLogger, systemClock } from '../../src/foundation/index.ts';
import type { BlobStore, SegmentRow } from '../../src/recording/index.ts';
import { fullChunkBytes } from '../../src/recording/sealed-format.ts';
import { readSealed, type SealedSource, sealedExtent } from '../../src/recording/sealed-reader.ts';
import { createSegmentSealer, type SegmentSealer } from '../../src/recording/segment-sealer.ts';
import type { Spool, SpoolFile, SpoolSpace } from '../../src/recording/spool.ts';
import { watchSpool } from '../../src/recording/spool-watch.ts';
import { createTimeline } from '../../src/recording/timeline.ts';
import { createMemoryBlobStore } from '../../src/store/memory/blob-store.ts';
import { createVault, type DataKey, type StreamKeys, type WrappedKey } from '../../src/vault/index.ts';

const startedAtMs = 1_800_000_000_000;
const key = Buffer.alloc(32, 1);
const vault: StreamKeys = await createVault({
  provider: {
    wrap: async (dataKey) => ({ keyId: 'k1', wrappedKey: Buffer.from(dataKey).toString('base64') }),
    unwrap: async ({ wrappedKey }) => Buffer.from(wrappedKey, 'base64'),
    fieldKeys: async () => ({ current: 'k1', byId: new Map([['k1', key]]), indexKey: key }),
  },
});

/** A file that grows by hand; time is the time its sound takes. */
interface FakeFile extends SpoolFile {
  bytes: Buffer;
  visible: number;
}

function fakeFile(bytes: Buffer): FakeFile {
  return {
    bytes,
    visible: 0,
    facts() {
      return { size: this.visible, heldBytes: this.visible, writtenAtMs: startedAtMs + this.visible / 32 };
    },
    read(into, from) {
      return this.bytes.copy(into, 0, from, Math.min(this.visible, from + into.length));
    },
    close() {},
  };
}

function speech(length: number, seed: number): Buffer {
  const audio = Buffer.alloc(length);
  let state = seed + 1;
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    audio[i] = state >> 16;
  }
  return audio;
}

interface Sealed {
  readonly blobs: BlobStore;
  readonly source: SealedSource;
  readonly row: SegmentRow;
  readonly dataKey: DataKey;
  readonly wrapped: WrappedKey;
}

async function newSegment(name = 'r1', blobs: BlobStore = createMemoryBlobStore()): Promise<Sealed> {
  const { dataKey, wrapped } = await vault.newDataKey();
  const recordingId = asId<RecordingId>(name);
  const row: SegmentRow = {
    recordingId,
    segment: 1,
    spoolFile: `${name}.1.sln`,
    blobName: `${name}.1.dzr`,
    ...wrapped,
    startedAtMs,
    state: 'recording',
  };
  return { blobs, row, dataKey, wrapped, source: { blobs, blobName: row.blobName, dataKey, recordingId, segment: 1 } };
}

async function sealerOf(
  sealed: Sealed,
  blobs = sealed.blobs,
  signal = new AbortController().signal,
): Promise<SegmentSealer> {
  const extent = await sealedExtent(sealed.source);
  const common = {
    row: sealed.row,
    dataKey: sealed.dataKey,
    blobs,
    clock: systemClock(),
    logger: silentLogger,
    signal,
  };
  return createSegmentSealer(extent === undefined ? common : { ...common, extent });
}

async function sealWhole(audio: Buffer, name = 'r1'): Promise<Sealed> {
  const sealed = await newSegment(name);
  const file = fakeFile(audio);
  file.visible = audio.length;
  await (await sealerOf(sealed)).sealLast(file, startedAtMs + audio.length / 32);
  return sealed;
}

async function readBack(source: SealedSource): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const { audio } of readSealed(source)) parts.push(Buffer.from(audio));
  return Buffer.concat(parts);
}

async function contentOf({ blobs, row }: Sealed): Promise<Buffer> {
  return Buffer.from(await blobs.read(row.blobName, 0, 100_000_000));
}

async function refusal(sealed: Sealed, content: Buffer, changes: Partial<SealedSource> = {}): Promise<string> {
  const blobs = createMemoryBlobStore();
  await blobs.append(sealed.row.blobName, content, 0);
  try {
    await readBack({ ...sealed.source, ...changes, blobs });
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

t.test('what was sealed in any growth and after any crash is read back, no sample missing or doubled', async () => {
  const scenario = fc.record({
    length: fc.integer({ min: 0, max: 45_000 }).map((frames) => frames * 4),
    growths: fc.array(fc.integer({ min: 1, max: 60_000 }), { maxLength: 8 }),
    crashes: fc.array(fc.record({ afterAppends: fc.nat(3), tornAt: fc.double({ min: 0, max: 1, noNaN: true }) }), {
      maxLength: 3,
    }),
    seed: fc.nat(1_000),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ length, growths, crashes, seed }) => {
      const audio = speech(length, seed);
      const sealed = await newSegment();
      const file = fakeFile(audio);
      const left = [...crashes];
      let sealer: SegmentSealer | undefined;
      const attempt = async (work: (sealer: SegmentSealer) => Promise<unknown>): Promise<void> => {
        for (;;) {
          const crash = left[0];
          const dying = new AbortController();
          sealer ??= await sealerOf(
            sealed,
            crash === undefined ? sealed.blobs : crashing(sealed.blobs, crash, dying),
            dying.signal,
          );
          try {
            await work(sealer);
            return;
          } catch (error) {
            if ((error as { code?: string }).code !== 'STOPPED') throw error;
            left.shift();
            sealer = undefined;
          }
        }
      };
      for (const growth of growths) {
        file.visible = Math.min(length, file.visible + growth);
        await attempt((one) => one.sealFull(file));
      }
      file.visible = length;
      const extentBefore = await sealedExtent(sealed.source);
      if (extentBefore?.endedFrames === undefined) {
        await attempt(async (one) => {
          if ((await sealedExtent(sealed.source))?.endedFrames === undefined) await one.sealLast(file, startedAtMs);
        });
      }
      return (await readBack(sealed.source)).equals(audio);
    }),
    { numRuns: 150 },
  );
});

/** A store whose process dies in the middle of an append: some of the bytes are there, the answer is not. */
function crashing(
  blobs: BlobStore,
  crash: { afterAppends: number; tornAt: number },
  dying: AbortController,
): BlobStore {
  let appends = 0;
  return {
    ...blobs,
    async append(name, bytes, atOffset) {
      appends += 1;
      if (appends <= crash.afterAppends) return blobs.append(name, bytes, atOffset);
      const torn = bytes.subarray(0, Math.round(bytes.length * crash.tornAt));
      const size = (await blobs.size(name)) ?? 0;
      if (atOffset + torn.length > size) await blobs.append(name, torn, atOffset);
      dying.abort();
      throw new Error('killed');
    },
  };
}

t.test('a recording cut anywhere is refused as truncated', async () => {
  const sealed = await sealWhole(speech(70_000, 1));
  const content = await contentOf(sealed);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: content.length - 1 }), async (length) => {
      const code = await refusal(sealed, content.subarray(0, length));
      return code === 'TRUNCATED';
    }),
  );
});

t.test('a recording with any bit changed is refused', async () => {
  const sealed = await sealWhole(speech(70_000, 2));
  const content = await contentOf(sealed);
  await fc.assert(
    fc.asyncProperty(fc.nat(content.length - 1), fc.nat(7), async (at, bit) => {
      const changed = Buffer.from(content);
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      const code = await refusal(sealed, changed);
      return ['TAMPERED', 'TRUNCATED', 'FOREIGN_CHUNK', 'REORDERED'].includes(code);
    }),
    { numRuns: 300 },
  );
});

t.test('each way of tampering has its own name', async (t) => {
  const sealed = await sealWhole(speech(70_000, 3), 'r1');
  const other = await sealWhole(speech(70_000, 4), 'r2');
  const content = await contentOf(sealed);
  const foreign = await contentOf(other);
  const headerBytes = content.length - 4 * fullChunkBytes - lastChunkBytes(70_000);
  const chunk = (of: Buffer, i: number): Buffer =>
    of.subarray(headerBytes + i * fullChunkBytes, headerBytes + (i + 1) * fullChunkBytes);
  const header = content.subarray(0, headerBytes);
  const chunks = [0, 1, 2, 3, 4].map((i) => chunk(content, i));
  const put = (...parts: (Buffer | undefined)[]): Buffer => Buffer.concat(parts.filter((part) => part !== undefined));
  const [a, b, c, d, last] = chunks;

  t.equal(await refusal(sealed, put(header, a, b, c, d, last)), 'accepted');
  t.equal(await refusal(sealed, put(header, b, a, c, d, last)), 'REORDERED');
  t.equal(await refusal(sealed, put(header, a, b, b, d, last)), 'REORDERED', 'a chunk doubled');
  t.equal(await refusal(sealed, put(header, a, c, d, last)), 'REORDERED', 'a chunk left out');
  t.equal(await refusal(sealed, put(header, a, b, c, d)), 'TRUNCATED', 'the end left out');
  t.equal(await refusal(sealed, put(header, a, b, c, d, last, last)), 'TAMPERED', 'more after the end');
  t.equal(await refusal(sealed, put(header, a, chunk(foreign, 1), c, d, last)), 'FOREIGN_CHUNK');
  t.equal(await refusal(sealed, foreign), 'WRONG_RECORDING');
  t.equal(await refusal(sealed, content, { segment: 2 }), 'WRONG_RECORDING');
  t.equal(await refusal(sealed, content, { dataKey: other.dataKey }), 'WRONG_KEY');
  const flipped = Buffer.from(content);
  flipped[headerBytes + 500] = (flipped[headerBytes + 500] ?? 0) ^ 1;
  t.equal(await refusal(sealed, flipped), 'TAMPERED');
  const headerFlip = Buffer.from(content);
  headerFlip[40] = (headerFlip[40] ?? 0) ^ 1;
  t.equal(await refusal(sealed, headerFlip), 'TAMPERED');
});

function lastChunkBytes(audioBytes: number): number {
  return fullChunkBytes - 16_384 + (audioBytes % 16_384);
}

t.test('no nonce is used twice, also when a chunk is sealed again after a crash', async (t) => {
  const sealed = await newSegment();
  const file = fakeFile(speech(200_000, 5));
  const nonces = new Set<string>();
  let seals = 0;
  const spied: Sealed = {
    ...sealed,
    dataKey: {
      ...sealed.dataKey,
      sealer(associatedData) {
        const sealer = sealed.dataKey.sealer(associatedData);
        return {
          seal(place, plain) {
            const chunk = sealer.seal(place, plain);
            nonces.add(chunk.nonce.toString('hex'));
            seals += 1;
            return chunk;
          },
        };
      },
    },
  };
  for (let crash = 0; crash < 5; crash += 1) {
    file.visible = Math.min(file.bytes.length, file.visible + 40_000);
    const dying = new AbortController();
    const sealer = await sealerOf(spied, crashing(sealed.blobs, { afterAppends: 0, tornAt: 0.4 }, dying), dying.signal);
    await t.rejects(sealer.sealFull(file), { code: 'STOPPED' });
  }
  await (await sealerOf(spied)).sealLast(file, startedAtMs);
  t.ok(seals > file.bytes.length / 16_384 + 2, 'some chunks were sealed more than once');
  t.equal(nonces.size, seals);
  t.ok((await readBack(sealed.source)).equals(file.bytes));
});

const flush = 8_192;
const second = 8_000;

/** Feeds flushes of 32 KiB written at the given times; returns the start of each flush on the timeline, in seconds. */
function placedAt(flushTimesMs: readonly number[]): number[] {
  const timeline = createTimeline(startedAtMs);
  return flushTimesMs.map((atMs, i) => {
    timeline.grew((i + 1) * flush, startedAtMs + atMs);
    const { startFrame } = timeline.place(flush / 2);
    timeline.place(flush / 2);
    return startFrame / second;
  });
}

t.test('steady sound has no gaps but the one before recording began', async (t) => {
  const late = placedAt([1_124, 2_150, 3_170, 4_200, 5_219]);
  t.same(late, [0.1, 1.124, 2.148, 3.172, 4.196]);
});

t.test('ten seconds without sound become a gap of ten seconds', async (t) => {
  const timeline = createTimeline(startedAtMs);
  const times = [1_024, 2_048, 13_072, 14_096];
  const chunks = times.flatMap((atMs, i) => {
    timeline.grew((i + 1) * flush, startedAtMs + atMs);
    return [timeline.place(flush / 2), timeline.place(flush / 2)];
  });
  t.same(
    chunks.map((chunk) => chunk.gapFrames / second),
    [0, 0, 0, 0, 0, 10, 0, 0],
    'in the middle of the growth it lies in',
  );
  t.equal(timeline.placedFrames() / second, 14.096);
});

t.test('lost packets add up to gaps, a writer that was held up does not', async (t) => {
  const lossy = createTimeline(startedAtMs);
  for (let i = 1; i <= 100; i += 1) {
    lossy.grew(i * flush, startedAtMs + i * 1_024 * 1.02);
    lossy.place(flush);
  }
  t.ok(Math.abs(lossy.placedFrames() / second - 102.4 * 1.02) < 0.2);
  const heldUp = placedAt([1_024, 2_048, 3_600, 4_096, 5_120, 6_144]);
  t.equal(heldUp[5], 5.12);
});

t.test('a timeline that goes on after a crash places what was written meanwhile', async (t) => {
  const timeline = createTimeline(startedAtMs, { fileFrames: flush, timelineFrames: flush + 2 * second });
  timeline.grew(4 * flush, startedAtMs + 2_000 + 4_096);
  t.same(timeline.place(flush / 2), { wallMs: startedAtMs + 3_024, startFrame: flush + 2 * second, gapFrames: 0 });
});

t.test('silence up to the end of the call is in the last chunk', async (t) => {
  const sealed = await newSegment();
  const file = fakeFile(speech(16_384 + 400, 6));
  file.visible = file.bytes.length;
  const sealer = await sealerOf(sealed);
  t.same(await sealer.sealLast(file, startedAtMs + 60_000), { fileBytes: 16_784, durationMs: 60_000 });
  t.equal((await sealedExtent(sealed.source))?.endedFrames, 60 * second);
});

interface WatchedSpool {
  readonly logged: string[];
  readonly fulls: number;
  readonly start: () => Promise<() => void>;
  /** Lets the clock reach the next look. */
  readonly beat: () => Promise<void>;
  space: SpoolSpace;
}

function watchedSpool(space: SpoolSpace): WatchedSpool {
  const logged: string[] = [];
  let fire: () => void = () => {};
  let fulls = 0;
  const log = (_fields: unknown, message: string): void => void logged.push(message);
  const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
  const setTimer = (_atMs: number, due: () => void): (() => void) => {
    fire = due;
    return () => {};
  };
  const watched: WatchedSpool = {
    space,
    logged,
    get fulls() {
      return fulls;
    },
    start: () =>
      watchSpool({
        spool: { start: async () => {}, stop() {}, space: async () => watched.space } as Partial<Spool> as Spool,
        clock: { nowMs: () => 0, setTimer },
        logger,
        onDisk: 'refuse',
        grown() {},
        full: () => {
          fulls += 1;
        },
        following: () => 1,
      }),
    async beat() {
      fire();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  return watched;
}

const roomy: SpoolSpace = { kind: 'memory', totalBytes: 64e6, freeBytes: 60e6, swaps: false };

t.test('a spool on a disk is refused, one on a machine that swaps is warned of', async (t) => {
  await t.rejects(watchedSpool({ ...roomy, kind: 'disk' }).start(), { code: 'SPOOL_NOT_IN_MEMORY' });
  const swapping = watchedSpool({ ...roomy, swaps: true });
  await swapping.start();
  t.match(swapping.logged[0], /swaps/);
});

t.test('a spool that fills is warned of, and a full one spoils what is recorded now', async (t) => {
  const watched = watchedSpool(roomy);
  await watched.start();
  await watched.beat();
  t.match(watched.logged, { length: 1 }, 'nothing but the start');
  watched.space = { ...roomy, freeBytes: 5e6 };
  await watched.beat();
  t.match(watched.logged.at(-1), /nearly full/);
  t.equal(watched.fulls, 0);
  watched.space = { ...roomy, freeBytes: 1e5 };
  await watched.beat();
  t.match(watched.logged.at(-1), /is full/);
  t.equal(watched.fulls, 1);
});
