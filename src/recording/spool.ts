import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, type FSWatcher, fstatSync, openSync, readSync, watch } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { DozvonError, type Logger, messageOf } from '../foundation/index.ts';

/** A spool file held open for reading. Its calls are synchronous: the spool is memory, and a thread pool costs more than the copy. */
export interface SpoolFile {
  /** `heldBytes`: what it takes up; below the size when pages were released. */
  facts(): { readonly size: number; readonly heldBytes: number; readonly writtenAtMs: number };
  /** Fills `into` from `from`; returns how many bytes there were. */
  read(into: Buffer, from: number): number;
  close(): void;
}

export interface SpoolSpace {
  readonly kind: 'memory' | 'disk';
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** The machine swaps, so memory may reach a disk. */
  readonly swaps: boolean;
}

/** The folder Asterisk writes plain audio into while calls last. */
export interface Spool {
  /** Calls `changed` with the name of each file that was created or has grown (and at times without need). */
  start(changed: (file: string) => void): Promise<void>;
  stop(): void;
  pathOf(file: string): string;
  /** `undefined` when there is no such file. */
  openFile(file: string): SpoolFile | undefined;
  /** Gives the pages of the first `bytes` back to the system, soon; the file keeps its length. */
  release(file: string, bytes: number): void;
  remove(file: string): Promise<void>;
  list(): Promise<readonly string[]>;
  space(): Promise<SpoolSpace>;
}

type Releaser = ChildProcessByStdio<Writable, null, Readable>;

const memoryFileSystems = new Set([0x0102_1994 /* tmpfs */, 0x8584_58f6 /* ramfs */]);

/**
 * The spool as a folder, watched by inotify. What is released goes through one long-lived shell that runs `fallocate` (util-linux):
 * a spawn from this process would stall its loop 6 ms each time.
 */
export function createFolderSpool(options: { readonly folder: string; readonly logger: Logger }): Spool {
  const { folder, logger } = options;
  if (!isAbsolute(folder))
    throw new DozvonError('SPOOL_FOLDER', `the spool folder must be an absolute path, not ${folder}`);
  let watcher: FSWatcher | undefined;
  let releaser: Releaser | undefined;
  let canRelease = true;

  const startReleaser = (): Releaser => {
    const script =
      'while read -r length file; do fallocate -p -o 0 -l "$length" -- "$file" || [ ! -e "$file" ] || exit 1; done';
    const child = spawn('/bin/sh', ['-c', script], { cwd: folder, stdio: ['pipe', 'ignore', 'pipe'] });
    const failed = (why: string): void => {
      if (releaser !== child) return;
      releaser = undefined;
      logger.warn({ why }, 'sealed audio could not be released from the spool');
    };
    child.on('error', (error) => {
      canRelease = false;
      failed(messageOf(error));
    });
    child.stdin.on('error', () => {}); // its end is reported by exit
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-500);
    });
    child.on('exit', (code) => {
      if (/not found|not supported/i.test(complaint)) canRelease = false;
      failed(`exit ${code}: ${complaint.trim()}`);
    });
    child.unref();
    return child;
  };

  return {
    async start(changed) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await chmod(folder, 0o700);
      watcher = watch(folder, { persistent: false }, (_kind, file) => {
        if (file !== null) changed(file);
      });
      watcher.on('error', (error) => logger.error({ why: messageOf(error) }, 'the spool folder is no longer watched'));
    },
    stop() {
      watcher?.close();
      watcher = undefined;
      const child = releaser;
      releaser = undefined;
      child?.stdin.end();
    },
    pathOf: (file) => join(folder, file),
    openFile(file) {
      let descriptor: number;
      try {
        descriptor = openSync(join(folder, file), 'r');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
      return {
        facts() {
          const { size, blocks, mtimeMs } = fstatSync(descriptor);
          return { size, heldBytes: blocks * 512, writtenAtMs: mtimeMs };
        },
        read(into, from) {
          let filled = 0;
          while (filled < into.length) {
            const count = readSync(descriptor, into, filled, into.length - filled, from + filled);
            if (count === 0) break;
            filled += count;
          }
          return filled;
        },
        close: () => closeSync(descriptor),
      };
    },
    release(file, bytes) {
      if (!canRelease || watcher === undefined) return;
      releaser ??= startReleaser();
      releaser.stdin.write(`${bytes} ${file}\n`);
    },
    async remove(file) {
      await rm(join(folder, file), { force: true });
    },
    list: () => readdir(folder),
    async space() {
      const facts = await statfs(folder);
      const swapLines = await readFile('/proc/swaps', 'utf8').catch(() => '');
      return {
        kind: memoryFileSystems.has(facts.type >>> 0) ? 'memory' : 'disk',
        totalBytes: facts.blocks * facts.bsize,
        freeBytes: facts.bavail * facts.bsize,
        swaps: swapLines.trim().split('\n').length > 1,
      };
    },
  };
}
