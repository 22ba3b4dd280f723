import { fstatSync } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DozvonError, messageOf } from '../../foundation/index.ts';
import type { BlobStore } from '../../recording/ports.ts';
import { checkAppend, checkBlobName } from './append-rule.ts';
import { OpenFiles } from './open-files.ts';

/**
 * Sealed objects as files of one folder (0700, files 0600). An append returns after fdatasync; the first one also after the folder
 * is synced, so that the name survives a power cut. Rejects with `BLOB_NAME`, `BLOB_OFFSET`, `BLOB_MISSING` or, when the file system
 * would not (full, read-only, gone), `BLOB_STORE_UNAVAILABLE`.
 */
export async function createFolderBlobStore(folder: string): Promise<BlobStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const pathOf = (name: string): string => join(folder, checkBlobName(name));
  const files = new OpenFiles();

  return {
    async append(name, bytes, atOffset) {
      const path = pathOf(name);
      await asStoreErrors(name, async () => {
        let created = false;
        const open = async (): Promise<FileHandle> => {
          const opened = await openForAppend(path);
          ({ created } = opened);
          return opened.handle;
        };
        await files.use(name, open, async (handle) => {
          // Asked each time: another process may have written. At once, as it takes less than the thread pool's hand-over.
          const { size, nlink } = fstatSync(handle.fd);
          if (nlink === 0) {
            await files.forget(name);
            throw new DozvonError('BLOB_STORE_UNAVAILABLE', `blob ${name}: its file was taken away`);
          }
          const rule = checkAppend({ name, size, atOffset, length: bytes.length });
          if (rule === 'compare') {
            if (Buffer.compare(await readFully(handle, atOffset, bytes.length), bytes) !== 0)
              throw offsetTaken(name, atOffset, size);
            return;
          }
          await writeFully(handle, bytes, atOffset);
          await handle.datasync();
        });
        if (created) await syncFolder(folder);
      });
    },
    async size(name) {
      const path = pathOf(name);
      return asStoreErrors(name, async () => {
        const facts = await stat(path).catch((error: unknown) => {
          if (isMissing(error)) return undefined;
          throw error;
        });
        return facts?.size;
      });
    },
    async read(name, from, length) {
      const path = pathOf(name);
      return asStoreErrors(name, async () => {
        // By its name, not through the file that appends hold open: what is read is what somebody else would find.
        const handle = await open(path, 'r');
        try {
          return await readFully(handle, from, length);
        } finally {
          await handle.close();
        }
      });
    },
    async remove(name) {
      const path = pathOf(name);
      await asStoreErrors(name, async () => {
        await files.forget(name);
        await rm(path, { force: true });
        await syncFolder(folder);
      });
    },
  };
}

async function openForAppend(path: string): Promise<{ readonly handle: FileHandle; readonly created: boolean }> {
  try {
    return { handle: await open(path, 'r+'), created: false };
  } catch (error) {
    if (!isMissing(error)) throw error;
    const handle = await open(path, 'wx+', 0o600).catch((cause: unknown) => {
      throw new DozvonError('BLOB_STORE_UNAVAILABLE', `the folder of sealed objects: ${messageOf(cause)}`, { cause });
    });
    return { handle, created: true };
  }
}

async function readFully(handle: FileHandle, from: number, length: number): Promise<Buffer> {
  const into = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(into, filled, length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return into.subarray(0, filled);
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, at + written);
    written += bytesWritten;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function offsetTaken(name: string, atOffset: number, size: number): DozvonError {
  return new DozvonError('BLOB_OFFSET', `blob ${name}: other bytes lie at ${atOffset} already (size ${size})`);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function asStoreErrors<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DozvonError) throw cause;
    if (isMissing(cause)) throw new DozvonError('BLOB_MISSING', `blob ${name}: there is no such object`, { cause });
    throw new DozvonError('BLOB_STORE_UNAVAILABLE', `blob ${name}: ${messageOf(cause)}`, { cause });
  }
}
