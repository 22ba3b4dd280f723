import { parseArgs } from 'node:util';

/** How a benchmark was called. */
export interface BenchOptions {
  /** The last line is JSON. */
  readonly json: boolean;
  /** A quick look: figures of the same kind from less work; targets are shown and not judged. */
  readonly short: boolean;
}

export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } },
  });
  return { json: values.json, short: values.short };
}

/** Progress goes to the error stream, so that the output holds results only. */
export function progress(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

export function printTable(title: string, rows: readonly (readonly (string | number)[])[]): void {
  const texts = rows.map((row) => row.map(String));
  const widths = (texts[0] ?? []).map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  const lines = texts.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const [head = '', ...rest] = lines;
  process.stdout.write(`\n${title}\n${head}\n${'-'.repeat(head.length)}\n${rest.join('\n')}\n`);
}

/** One thing that was to be reached. */
export interface Target {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly rule: 'atLeast' | 'atMost';
}

export function isReached({ value, limit, rule }: Target): boolean {
  return rule === 'atLeast' ? value >= limit : value <= limit;
}

export function printTargets(targets: readonly Target[]): void {
  printTable('Targets', [
    ['what', 'measured', 'wanted', ''],
    ...targets.map((target) => [
      target.name,
      Number(target.value.toPrecision(4)),
      `${target.rule === 'atLeast' ? '≥' : '≤'} ${Number(target.limit.toPrecision(4))}`,
      isReached(target) ? 'reached' : 'MISSED',
    ]),
  ]);
}
