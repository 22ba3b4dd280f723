import { DozvonError } from '../../foundation/index.ts';
import type { BlobStore } from '../../recording/ports.ts';
import { checkAppend, checkBlobName } from '../blobs/append-rule.ts';

/** The twin of the folder of sealed objects, for tests: the same rules, nothing on a disk. */
export function createMemoryBlobStore(): BlobStore {
  const objects = new Map<string, Buffer>();
  return {
    async append(name, bytes, atOffset) {
      const before = objects.get(checkBlobName(name)) ?? Buffer.alloc(0);
      const rule = checkAppend({ name, size: before.length, atOffset, length: bytes.length });
      if (rule === 'compare' && before.subarray(atOffset).compare(bytes) !== 0) {
        throw new DozvonError('BLOB_OFFSET', `blob ${name}: other bytes lie at ${atOffset} already`);
      }
      objects.set(name, Buffer.concat([before.subarray(0, atOffset), bytes]));
    },
    async size(name) {
      return objects.get(checkBlobName(name))?.length;
    },
    async read(name, from, length) {
      const object = objects.get(checkBlobName(name));
      if (object === undefined) throw new DozvonError('BLOB_MISSING', `blob ${name}: there is no such object`);
      return Buffer.from(object.subarray(from, from + length));
    },
    async remove(name) {
      objects.delete(checkBlobName(name));
    },
  };
}
