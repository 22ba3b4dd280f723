import { DozvonError } from '../../foundation/index.ts';

const namePattern = /^[a-z0-9][a-z0-9.-]{0,127}$/;

/** The name, or `BLOB_NAME` thrown: flat, `[a-z0-9.-]`, so that it means the same in a folder and in an object store. */
export function checkBlobName(name: string): string {
  if (!namePattern.test(name))
    throw new DozvonError('BLOB_NAME', 'a blob name: expected [a-z0-9.-], at most 128 characters');
  return name;
}

/**
 * What an append at `atOffset` means for an object of `size` bytes.
 * `write`: it continues the object, or covers a torn remnant of an append that a crash cut short.
 * `compare`: an append of this length ended here already; the same bytes are a repeat whose answer was lost, others are a second writer.
 * Anything else would leave a hole or shorten the object: `BLOB_OFFSET` is thrown.
 */
export function checkAppend(request: {
  readonly name: string;
  readonly size: number;
  readonly atOffset: number;
  readonly length: number;
}): 'write' | 'compare' {
  const { name, size, atOffset, length } = request;
  const end = atOffset + length;
  if (atOffset > size || end < size) {
    throw new DozvonError(
      'BLOB_OFFSET',
      `blob ${name}: an append to ${atOffset}..${end} does not continue its ${size} bytes`,
    );
  }
  return end === size ? 'compare' : 'write';
}
