import type { z } from 'zod';

/** What is wrong in the configuration, where, and what was expected instead. */
export interface ConfigFault {
  /** As it was named to the loader. */
  readonly file: string;
  /** From 1; undefined when the fault has no place in the file. */
  readonly line?: number;
  /** For example `lines[2].schedule`; empty for the file as a whole. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
}

/** One fault as one line of text. */
export function describeFault(fault: ConfigFault): string {
  const place = fault.line === undefined ? fault.file : `${fault.file}:${fault.line}`;
  const path = fault.path === '' ? '' : ` ${fault.path}:`;
  return `${place}:${path} expected ${fault.expected}, got ${fault.got}`;
}

/** File after file, each from its top to its end. */
export function inReadingOrder(faults: readonly ConfigFault[]): readonly ConfigFault[] {
  const files = [...new Set(faults.map((fault) => fault.file))];
  return faults.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || (a.line ?? 0) - (b.line ?? 0));
}

export type Path = readonly (string | number)[];

export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** The value as a person would name it, short. */
export function valueText(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a group of entries';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

export interface Mismatch {
  readonly path: Path;
  readonly expected: string;
  readonly got: string;
}

/** Checks `value`, found at `path`, against a schema; says in our words what does not fit. */
export function matchSchema<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  path: Path,
): { readonly value?: Output; readonly mismatches: readonly Mismatch[] } {
  // A message of the schema itself wins over this one; ours are phrases for "expected …", so that all of them are.
  const result = schema.safeParse(value, { error: expectation });
  if (result.success) return { value: result.data, mismatches: [] };
  return { mismatches: result.error.issues.flatMap((issue) => mismatchesOf(issue, value, path)) };
}

function mismatchesOf(issue: z.core.$ZodIssue, root: unknown, base: Path): readonly Mismatch[] {
  const within = issue.path.filter((part) => typeof part !== 'symbol');
  const path = [...base, ...within];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], expected: 'no entry of this name', got: `"${key}"` }));
  }
  if (issue.code === 'invalid_key') {
    const expected = `a name that is ${issue.issues.map((inner) => inner.message).join(', or ')}`;
    return [{ path, expected, got: valueText(within.at(-1)) }];
  }
  if (issue.code === 'invalid_union') {
    const value = valueAt(root, within);
    // Of alternatives, the one whose shape fits tells what is wrong inside it.
    const fitting = issue.errors.filter((issues) =>
      issues.every((inner) => inner.path.length > 0 || inner.code !== 'invalid_type'),
    );
    const only = fitting.length === 1 ? fitting[0] : undefined;
    if (only !== undefined && (typeof value === 'object' || only.every((inner) => inner.code === 'custom')))
      return only.flatMap((inner) => mismatchesOf(inner, value, path));
    const phrases = new Set(issue.errors.flatMap((issues) => issues.map((inner) => inner.message)));
    const expected = phrases.size === 0 ? issue.message : [...phrases].join(', or ');
    return [{ path, expected, got: valueText(value) }];
  }
  return [{ path, expected: issue.message, got: valueText(valueAt(root, within)) }];
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[part] : undefined,
    root,
  );
}

function expectation(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.map((value) => valueText(value)).join(' or ');
    case 'too_small':
      return `${bounded(issue.origin)} at least ${issue.minimum}`;
    case 'too_big':
      return `${bounded(issue.origin)} at most ${issue.maximum}`;
    case 'invalid_format':
      return issue.format === 'regex'
        ? `text like ${issue.pattern}`
        : (formatNames[issue.format] ?? `text that is ${issue.format}`);
    case 'unrecognized_keys':
      return 'no entry of this name';
    case 'invalid_union':
      return issue.discriminator === undefined ? 'one of the known forms' : `a known "${issue.discriminator}"`;
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    default:
      return 'another value';
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text (a number as text goes in quotes)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of entries',
  record: 'a group of entries',
};

const formatNames: Readonly<Record<string, string>> = {
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  cidrv4: 'an IPv4 network such as 192.0.2.0/24',
  cidrv6: 'an IPv6 network',
};

function bounded(origin: string): string {
  switch (origin) {
    case 'string':
      return 'text of a length of';
    case 'array':
    case 'set':
      return 'a list with a length of';
    default:
      return 'a number of';
  }
}
