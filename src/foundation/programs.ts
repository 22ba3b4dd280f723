/** A command line ready for `spawn`. */
export interface CommandLine {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** An Asterisk that can be started: the privately unpacked one (through its own loader) or the host's. */
export interface AsteriskProgram {
  /** For example `22.10.1`. */
  readonly version: string;
  /** The command line of `asterisk ARGS`. */
  command(args: readonly string[]): CommandLine;
  /** Absolute folders of the unpacked packages. */
  readonly moduleDir: string;
  readonly dataDir: string;
  /** Music on hold files. */
  readonly musicDir: string;
}
