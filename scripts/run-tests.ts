/**
 * `npm test`: brings up what the tests need, checks types, style, import rule and unused code, runs every test, and ends with the
 * line `N passed, N failed`. A static check counts as one test. With words as arguments only test files whose path holds one of them
 * run, without the static checks.
 */
import { spawn } from 'node:child_process';
import { createWriteStream, globSync, mkdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { messageOf, minuteMs } from '../src/foundation/index.ts';
import { locateOwnStack, prepareTools } from '../src/runtime/index.ts';
import { TapReader } from './tap-results.ts';

const appDir = realpathSync(join(dirname(fileURLToPath(import.meta.url)), '..'));
const node = process.execPath;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const packaged = (path: string, ...args: string[]): string[] => [node, join(appDir, 'node_modules', path), ...args];

const checks: readonly Check[] = [
  { name: 'types', command: packaged('typescript/bin/tsc', '-p', '.') },
  { name: 'style (biome)', command: packaged('@biomejs/biome/bin/biome', 'check', '.') },
  { name: 'types in use (oxlint)', command: packaged('oxlint/bin/oxlint', '--type-aware') },
  {
    name: 'import rule',
    command: [node, '--disable-warning=ExperimentalWarning', join(appDir, 'scripts/check-imports.ts')],
  },
  { name: 'unused code (knip)', command: packaged('knip/bin/knip.js', '--no-progress') },
];

/** The order in which files run: quick ones first. Files of one group run `jobs` at a time on whatever machine this is. */
const groups = [
  { folder: 'unit', jobs: 2, timeoutSeconds: 120 },
  { folder: 'contract', jobs: 1, timeoutSeconds: 240 },
  { folder: 'integration', jobs: 1, timeoutSeconds: 300 },
  { folder: 'calls', jobs: 1, timeoutSeconds: 600 },
] as const;

interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
}

interface Run {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limitMs: number;
  readonly onLine: (line: string) => void;
}

let current: ReturnType<typeof spawn> | undefined;

/** Runs a program in this terminal's process group; resolves with its exit code, 124 when it had to be ended. */
function runProgram(run: Run): Promise<number> {
  return new Promise((resolve) => {
    const [file = '', ...args] = run.command;
    const child = spawn(file, args, {
      cwd: appDir,
      env: { ...process.env, ...run.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    current = child;
    let overtime = false;
    const limit = setTimeout(() => {
      overtime = true;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
    }, run.limitMs);
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', run.onLine);
    child.on('error', (error) => run.onLine(messageOf(error)));
    child.on('close', (code) => {
      clearTimeout(limit);
      current = undefined;
      resolve(overtime ? 124 : (code ?? 1));
    });
  });
}

async function runCheck(check: Check, env: Readonly<Record<string, string>>): Promise<boolean> {
  const startedAt = Date.now();
  const output: string[] = [];
  const code = await runProgram({
    command: check.command,
    env,
    limitMs: 5 * minuteMs,
    onLine: (line) => output.push(line),
  });
  say(`${code === 0 ? 'ok    ' : 'FAILED'}  ${check.name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  if (code !== 0) for (const line of output.slice(-60)) say(`        ${line}`);
  return code === 0;
}

async function runGroup(
  group: (typeof groups)[number],
  files: readonly string[],
  setting: { readonly env: Readonly<Record<string, string>>; readonly logDir: string },
): Promise<Outcome> {
  const logFile = join(setting.logDir, `${group.folder}.tap`);
  const log = createWriteStream(logFile, { mode: 0o600 });
  const reader = new TapReader((file, verdict) => say(`${verdict === 'passed' ? 'ok    ' : 'FAILED'}  ${file}`));
  const code = await runProgram({
    command: packaged(
      'tap/dist/esm/run.mjs',
      'run',
      '--reporter=tap',
      `--jobs=${group.jobs}`,
      `--timeout=${group.timeoutSeconds}`,
      '--no-color',
      ...files,
    ),
    env: setting.env,
    limitMs: group.timeoutSeconds * 1000 * files.length,
    onLine: (line) => {
      log.write(`${line}\n`);
      reader.line(line);
    },
  });
  log.end();
  const results = reader.results();
  const outcome: Outcome = { passed: results.passed, failed: results.failed, skipped: results.skipped };
  const unheard = files.filter((file) => !results.finishedFiles.includes(file));
  for (const file of unheard) {
    outcome.failed += 1;
    say(`FAILED  ${file}: tap ended without a result for it`);
  }
  if (code !== 0 && outcome.failed === 0) {
    outcome.failed += 1;
    say(`FAILED  tap ended with ${code} although no test failed; see ${logFile}`);
  }
  for (const failure of results.failures) {
    say(`\n  ✗ ${failure.name}`);
    for (const line of failure.diagnosis.split('\n')) say(`    ${line}`);
  }
  if (results.failures.length > 0) say(`  all of it: ${logFile}\n`);
  return outcome;
}

async function main(words: readonly string[]): Promise<Outcome> {
  const total: Outcome = { passed: 0, failed: 0, skipped: 0 };
  const own = locateOwnStack(appDir, process.env);
  const rootsDir = await prepareTools(own, (line) => say(line));
  const logDir = join(appDir, '.dozvon', 'test');
  mkdirSync(logDir, { recursive: true });
  const path = [dirname(node), join(appDir, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);
  const env = {
    PATH: path,
    DOZVON_RUNTIME_ROOT: rootsDir,
    NODE_ENV: 'test',
    NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
  };

  if (words.length === 0) {
    for (const check of checks) {
      if (await runCheck(check, env)) total.passed += 1;
      else total.failed += 1;
    }
  }
  for (const group of groups) {
    const files = globSync(`test/${group.folder}/**/*.test.ts`, { cwd: appDir })
      .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
      .sort();
    if (files.length === 0) continue;
    const outcome = await runGroup(group, files, { env, logDir });
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
  }
  return total;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    current?.kill('SIGTERM');
    say('Interrupted.');
    process.exit(130);
  });
}

let total: Outcome;
try {
  total = await main(process.argv.slice(2));
} catch (error) {
  say(`FAILED  setting up the tests: ${messageOf(error)}`);
  total = { passed: 0, failed: 1, skipped: 0 };
}
if (total.passed === 0 && total.failed === 0) {
  say('No test ran.');
  total.failed = 1;
}
if (total.skipped > 0) say(`${total.skipped} skipped`);
say(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
