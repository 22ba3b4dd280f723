/**
 * Fields of a log line. Whatever can tell who a caller is (numbers, names, keyed digits, spoken words) goes under
 * `pii` and nowhere else: it is redacted there, and the message itself cannot be.
 */
export interface LogFields {
  readonly pii?: Readonly<Record<string, unknown>>;
  readonly [name: string]: unknown;
}

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger whose every line carries `fields`. */
  child(fields: LogFields): Logger;
}

/** Drops everything: for pure tests and tools that print for people. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
