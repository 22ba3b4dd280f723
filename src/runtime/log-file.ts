import { chmodSync, closeSync, fstatSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

/** A log grows to this size, then becomes `.1`, and so on; the oldest goes. */
const maxBytes = 10_000_000;
const keptFiles = 5;

/** A log file of mode 0600, rotated by size. */
export class LogFile {
  readonly #path: string;
  readonly #maxBytes: number;
  #handle: number;
  #bytes: number;

  constructor(path: string, limit = maxBytes) {
    this.#path = path;
    this.#maxBytes = limit;
    [this.#handle, this.#bytes] = this.#open();
  }

  write(chunk: Uint8Array): void {
    if (this.#handle < 0) return;
    if (this.#bytes > 0 && this.#bytes + chunk.length > this.#maxBytes) this.#rotate();
    try {
      writeSync(this.#handle, chunk);
    } catch {
      // A full disk must not end the servers: what cannot be logged is lost.
    }
    this.#bytes += chunk.length;
  }

  /** The last lines, for the sentence that tells why a program would not start. */
  tail(lines: number): string {
    try {
      return readFileSync(this.#path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch {
      return '';
    }
  }

  close(): void {
    if (this.#handle >= 0) closeSync(this.#handle);
    this.#handle = -1;
  }

  #open(): [handle: number, bytes: number] {
    const handle = openSync(this.#path, 'a', 0o600);
    chmodSync(this.#path, 0o600);
    return [handle, fstatSync(handle).size];
  }

  #rotate(): void {
    closeSync(this.#handle);
    for (let index = keptFiles - 1; index >= 0; index -= 1) {
      try {
        renameSync(index === 0 ? this.#path : `${this.#path}.${index}`, `${this.#path}.${index + 1}`);
      } catch {
        // That many there are not yet.
      }
    }
    [this.#handle, this.#bytes] = this.#open();
  }
}
