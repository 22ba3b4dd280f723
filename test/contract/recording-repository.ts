import type { Test } from 'tap';
import { asId, type ContactId, type RecordingId } from '../../src/foundation/index.ts';
import type { RecordingRepository, RecordingRow, SegmentRow } from '../../src/recording/index.ts';

/** The suite that every RecordingRepository passes. `create` gives one that may hold rows of other tests. */
export function testRecordingRepository(t: Test, name: string, create: () => Promise<RecordingRepository>): void {
  let made = 0;
  const newRows = (): { recording: RecordingRow; segment: SegmentRow } => {
    made += 1;
    const recordingId = asId<RecordingId>(`r${process.pid}x${made}`);
    const recording: RecordingRow = {
      recordingId,
      contactId: asId<ContactId>(`c${process.pid}x${made}`),
      lineId: 'general',
      startedAtMs: 1_800_000_000_123,
      state: 'recording',
    };
    const segment: SegmentRow = {
      recordingId,
      segment: 1,
      spoolFile: `${recordingId}.1.sln`,
      blobName: `${recordingId}.1.dzr`,
      wrappedKey: 'd3JhcHBlZA==',
      keyId: 'k1',
      startedAtMs: 1_800_000_000_123,
      state: 'recording',
    };
    return { recording, segment };
  };

  t.test(`${name}: a recording begins once`, async (t) => {
    const repository = await create();
    const { recording, segment } = newRows();
    const { recordingId } = recording;
    t.equal(await repository.recording(recordingId), undefined);
    t.equal(await repository.begin(recording, segment), 'begun');
    t.same(await repository.recording(recordingId), recording);
    t.same(await repository.segments(recordingId), [segment]);
    const again = { ...recording, startedAtMs: recording.startedAtMs + 1 };
    t.equal(await repository.begin(again, { ...segment, wrappedKey: 'b3RoZXI=' }), 'known');
    t.same(await repository.recording(recordingId), recording, 'the key of what has been recorded stays');
    t.same(await repository.segments(recordingId), [segment]);
  });

  t.test(`${name}: many begin and end at once, each told of its own`, async (t) => {
    const repository = await create();
    const rows = Array.from({ length: 20 }, newRows);
    const begin = () => Promise.all(rows.map(({ recording, segment }) => repository.begin(recording, segment)));
    t.same(
      await begin(),
      rows.map(() => 'begun'),
    );
    t.same(
      await begin(),
      rows.map(() => 'known'),
    );
    await Promise.all(
      rows.flatMap(({ recording, segment }) => [
        repository.putMark({ recordingId: recording.recordingId, purpose: 'talk', fromMs: 1, toMs: 2 }),
        repository.put({ ...recording, state: 'verified' }, [{ ...segment, state: 'verified' }]),
      ]),
    );
    for (const { recording, segment } of rows) {
      t.same(await repository.recording(recording.recordingId), { ...recording, state: 'verified' });
      t.same(await repository.segments(recording.recordingId), [{ ...segment, state: 'verified' }]);
      t.equal((await repository.marks(recording.recordingId)).length, 1);
    }
  });

  t.test(`${name}: rows come back as they were put, and a later put replaces`, async (t) => {
    const repository = await create();
    const { recording, segment } = newRows();
    const { recordingId, contactId } = recording;
    await repository.put(recording, []);
    await repository.put(recording, [segment]);
    t.same(await repository.recording(recordingId), recording);
    await repository.put(recording, [{ ...segment, segment: 2, spoolFile: 'two', blobName: `${recordingId}.2.dzr` }]);
    t.same(
      (await repository.segments(recordingId)).map((row) => row.segment),
      [1, 2],
    );
    const ended: RecordingRow = { ...recording, state: 'failed', durationMs: 65_432, failure: 'SPOOL_LOST' };
    const sealed: SegmentRow = { ...segment, state: 'verified', sealedBytes: 5_000_000_000 };
    await repository.put(ended, [sealed]);
    t.same(await repository.byContact(contactId), [ended]);
    t.same((await repository.segments(recordingId))[0], sealed);
  });

  t.test(`${name}: open segments are those still being recorded`, async (t) => {
    const repository = await create();
    const { recording, segment } = newRows();
    const open = async (): Promise<number> =>
      (await repository.openSegments()).filter((row) => row.recordingId === recording.recordingId).length;
    await repository.begin(recording, segment);
    t.equal(await open(), 1);
    await repository.put(recording, [{ ...segment, state: 'verified' }]);
    t.equal(await open(), 0);
  });

  t.test(`${name}: recordings of a contact come in order of time`, async (t) => {
    const repository = await create();
    const { recording } = newRows();
    const later = { ...newRows().recording, contactId: recording.contactId, startedAtMs: recording.startedAtMs + 1 };
    await repository.put(later, []);
    await repository.put(recording, []);
    t.same(await repository.byContact(recording.contactId), [recording, later]);
  });

  t.test(`${name}: a mark is closed by putting it again`, async (t) => {
    const repository = await create();
    const { recording } = newRows();
    const { recordingId } = recording;
    await repository.put(recording, []);
    await repository.putMark({ recordingId, purpose: 'message', fromMs: 500 });
    await repository.putMark({ recordingId, purpose: 'menu', fromMs: 0, toMs: 500 });
    await repository.putMark({ recordingId, purpose: 'message', fromMs: 500, toMs: 900 });
    t.same(await repository.marks(recordingId), [
      { recordingId, purpose: 'menu', fromMs: 0, toMs: 500 },
      { recordingId, purpose: 'message', fromMs: 500, toMs: 900 },
    ]);
  });
}
