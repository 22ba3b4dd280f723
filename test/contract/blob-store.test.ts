import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { BlobStore } from '../../src/recording/index.ts';
import { createFolderBlobStore } from '../../src/store/blobs/folder-blob-store.ts';
import { createMemoryBlobStore } from '../../src/store/memory/blob-store.ts';

const folder = await mkdtemp(join(tmpdir(), 'dozvon-blobs-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));

const stores: Record<string, () => Promise<BlobStore>> = {
  folder: () => createFolderBlobStore(join(folder, randomBytes(4).toString('hex'))),
  memory: async () => createMemoryBlobStore(),
};

for (const [name, create] of Object.entries(stores)) {
  t.test(`${name}: an object grows by appends and is read in any part`, async (t) => {
    const store = await create();
    t.equal(await store.size('r1.1.dzr'), undefined);
    await store.append('r1.1.dzr', Buffer.from('hello '), 0);
    await store.append('r1.1.dzr', Buffer.from('world'), 6);
    t.equal(await store.size('r1.1.dzr'), 11);
    t.equal(Buffer.from(await store.read('r1.1.dzr', 3, 5)).toString(), 'lo wo');
    t.equal(
      Buffer.from(await store.read('r1.1.dzr', 6, 100)).toString(),
      'world',
      'a read past the end gives what there is',
    );
    t.equal((await store.read('r1.1.dzr', 50, 10)).length, 0);
  });

  t.test(`${name}: an append repeats safely and covers a torn one, but never another writer's bytes`, async (t) => {
    const store = await create();
    await store.append('a', Buffer.from('0123'), 0);
    await store.append('a', Buffer.from('4567'), 4);
    await store.append('a', Buffer.from('4567'), 4);
    t.equal(await store.size('a'), 8);
    await t.rejects(store.append('a', Buffer.from('xxxx'), 4), { code: 'BLOB_OFFSET' }, 'a second writer');
    await t.rejects(store.append('a', Buffer.from('x'), 9), { code: 'BLOB_OFFSET' }, 'a hole');
    await t.rejects(store.append('a', Buffer.from('x'), 2), { code: 'BLOB_OFFSET' }, 'would be shorter');
    await store.append('a', Buffer.from('ABCDEF'), 6);
    t.equal(
      Buffer.from(await store.read('a', 0, 20)).toString(),
      '012345ABCDEF',
      'a remnant is covered by a longer append',
    );
  });

  t.test(`${name}: names that could leave the folder are refused, removal repeats safely`, async (t) => {
    const store = await create();
    for (const bad of ['', '../a', 'a/b', '.hidden', 'A', 'a b', 'x'.repeat(129)]) {
      await t.rejects(store.append(bad, Buffer.from('x'), 0), { code: 'BLOB_NAME' });
      await t.rejects(store.read(bad, 0, 1), { code: 'BLOB_NAME' });
      await t.rejects(store.size(bad), { code: 'BLOB_NAME' });
      await t.rejects(store.remove(bad), { code: 'BLOB_NAME' });
    }
    await store.append('a', Buffer.from('x'), 0);
    await store.remove('a');
    await store.remove('a');
    t.equal(await store.size('a'), undefined);
    await t.rejects(store.read('a', 0, 1), { code: 'BLOB_MISSING' });
  });
}

t.test('the folder and its files are private', async (t) => {
  const path = join(folder, 'private');
  const store = await createFolderBlobStore(path);
  await store.append('a', Buffer.from('x'), 0);
  t.equal((await stat(path)).mode & 0o777, 0o700);
  for (const file of await readdir(path)) t.equal((await stat(join(path, file))).mode & 0o777, 0o600);
});

t.test('a folder that cannot be written is told by its code', async (t) => {
  const path = join(folder, 'gone');
  const store = await createFolderBlobStore(path);
  await rm(path, { recursive: true });
  await t.rejects(store.append('a', Buffer.from('x'), 0), { code: 'BLOB_STORE_UNAVAILABLE' });
});

t.test('an object whose file was taken away while it grew is not written to in vain', async (t) => {
  const path = join(folder, 'taken');
  const store = await createFolderBlobStore(path);
  await store.append('a', Buffer.from('0123'), 0);
  await rm(join(path, 'a'));
  await t.rejects(store.append('a', Buffer.from('4567'), 4), { code: 'BLOB_STORE_UNAVAILABLE' });
  await t.rejects(store.append('a', Buffer.from('4567'), 4), { code: 'BLOB_OFFSET' }, 'told for good when tried again');
});

t.test('many objects grow side by side', async (t) => {
  const store = await createFolderBlobStore(join(folder, 'many'));
  const names = Array.from({ length: 100 }, (_, i) => `r${i}`);
  for (let at = 0; at < 4; at += 1) await Promise.all(names.map((name) => store.append(name, Buffer.from([at]), at)));
  const read = await Promise.all(names.map((name) => store.read(name, 0, 10)));
  t.same(new Set(read.map((bytes) => bytes.toString())), new Set(['\u0000\u0001\u0002\u0003']));
});
