/**
 * A broken expectation. `code` is stable and is what callers compare; `message` is for people and says what was
 * expected and what came; `details` is for the log (never personal data except under `pii`).
 */
export class DozvonError extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: { details?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DozvonError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** True when `error` is ours and carries `code`. */
export function hasCode(error: unknown, code: string): error is DozvonError {
  return error instanceof DozvonError && error.code === code;
}

/** Ends a `switch` over a union: a member without a case is a compile error, a value from outside the union throws. */
export function assertNever(value: never, what = 'value'): never {
  throw new DozvonError('UNEXPECTED_VARIANT', `${what}: no case for ${JSON.stringify(value)}`);
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
