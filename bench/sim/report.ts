import { availableParallelism, cpus, loadavg } from 'node:os';
import type { Row, SimulationResult, StrategyRow } from './simulate.ts';

/** The result as tables for people. */
export function tablesOf(result: SimulationResult): string {
  return [
    `Simulation, ${result.length} run, seed ${result.seed}, ${result.replications} replications a row, rows by the ${result.rowsBy}`,
    machine(),
    '',
    ...pathLines(result),
    '',
    ...columns(
      ['row', 'metric', 'measured', '± all 95 %', '± own 95 %', 'theory', ''],
      result.rows.map((row) => cellsOf(row)),
    ),
    '',
    ...strategyLines(result.strategies),
    `${result.contacts} contacts, ${Math.round(result.contactsPerSecond)} a second and thread, ${result.tookSeconds.toFixed(0)} s in all`,
  ].join('\n');
}

/** The machine it ran on, in a line. */
export function machine(): string {
  const [first] = cpus();
  const load = loadavg()[0]?.toFixed(2);
  return `Node ${process.version}, ${availableParallelism()} × ${first?.model.trim() ?? 'unknown processor'}, load ${load}`;
}

function pathLines(result: SimulationResult): readonly string[] {
  const lines = [
    `Path by path: ${result.pathContacts} waits compared with the Kiefer-Wolfowitz recursion, ${result.pathMismatches} differ`,
  ];
  if (result.paired.length === 0) lines.push('Twin and scripts: not compared');
  for (const { name, contacts, compared, differences, firstDifferences } of result.paired) {
    lines.push(`Twin and scripts, ${name}: ${contacts} contacts, ${compared} answers compared, ${differences} differ`);
    lines.push(...firstDifferences.map((difference) => `    ${difference}`));
  }
  return lines;
}

function cellsOf(row: Row): readonly string[] {
  const { measured, halfWidth, ownHalfWidth, expected, relation } = row;
  const wide = (half: number): string => `${half.toPrecision(2)} (${((100 * half) / expected).toFixed(2)} %)`;
  const wanted = relation === 'equal' ? expected.toPrecision(6) : `≤ ${expected.toPrecision(6)}`;
  return [row.name, row.metric, measured.toPrecision(6), wide(halfWidth), wide(ownHalfWidth), wanted, verdictOf(row)];
}

function verdictOf(row: Row): string {
  if (row.relation === 'shown') return 'not judged';
  if (!row.inside) return 'OUTSIDE';
  return row.precise ? 'inside' : 'inside, wide';
}

function strategyLines(strategies: readonly StrategyRow[]): readonly string[] {
  if (strategies.length === 0) return [];
  const cells = strategies.map((row) => [
    `${row.arrivalsPerHour}/h`,
    `${row.strategy}${row.isDefault ? ' (default)' : ''}`,
    row.by,
    row.bilingualAsaSeconds.toFixed(2),
    row.generalAsaSeconds.toFixed(2),
    `${row.ratio.toFixed(3)} ± ${row.ratioHalfWidth.toFixed(3)}`,
  ]);
  return [
    'Strategies: 20 operators, 4 of them bilingual, AHT 240 s; 10 % of the contacts need them',
    ...columns(['load', 'strategy', 'by', 'bilingual ASA s', 'general ASA s', 'bilingual ÷ at random'], cells),
    '',
  ];
}

export function columns(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
