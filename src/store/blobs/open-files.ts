import type { FileHandle } from 'node:fs/promises';
import { secondMs } from '../../foundation/index.ts';

/** A recording is appended to twice a second: what was not for this long has come to its end. */
const idleMs = 5 * secondMs;
/** Far below what a process may have open; beyond it files are opened for each use. */
const mostOpen = 2_000;

interface OpenFile {
  readonly handle: FileHandle;
  users: number;
  usedAtMs: number;
}

/**
 * Files that are used again soon stay open: opening and closing costs the thread pool more than the write between them. Closes by
 * itself what is no longer used.
 */
export class OpenFiles {
  readonly #files = new Map<string, OpenFile>();
  #sweeps = false;

  /** Runs `work` on the file, opened by `open` if it is not open yet. Nothing closes it meanwhile. */
  async use<T>(name: string, open: () => Promise<FileHandle>, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const file = this.#files.get(name) ?? this.#keep(name, await open());
    file.users += 1;
    try {
      return await work(file.handle);
    } finally {
      file.users -= 1;
      file.usedAtMs = performance.now();
      if (file.users === 0 && this.#files.get(name) !== file) await file.handle.close();
    }
  }

  /** The name is going to mean another file, or none. */
  async forget(name: string): Promise<void> {
    const file = this.#files.get(name);
    this.#files.delete(name);
    if (file !== undefined && file.users === 0) await file.handle.close();
  }

  #keep(name: string, handle: FileHandle): OpenFile {
    const file: OpenFile = { handle, users: 0, usedAtMs: performance.now() };
    // Somebody else has opened it in the same moment, or there are too many: closed after this use.
    if (this.#files.has(name) || this.#files.size >= mostOpen) return file;
    this.#files.set(name, file);
    if (!this.#sweeps) this.#sweepLater();
    return file;
  }

  #sweepLater(): void {
    this.#sweeps = true;
    setTimeout(() => this.#closeIdle(), idleMs).unref();
  }

  #closeIdle(): void {
    const since = performance.now() - idleMs;
    for (const [name, file] of this.#files) {
      if (file.users > 0 || file.usedAtMs > since) continue;
      this.#files.delete(name);
      file.handle.close().catch(() => undefined); // every write of it has been synced
    }
    this.#sweeps = false;
    if (this.#files.size > 0) this.#sweepLater();
  }
}
